//go:build !darwin || cgo

package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"traymail/internal/account"
	"traymail/internal/checks"
)

// The levels that only a check has.
var (
	levelPending = level{"pending", theme.ColorNamePlaceHolder}
	levelSkipped = level{"skipped", theme.ColorNamePlaceHolder}
	levelWaiting = level{"waiting", theme.ColorNamePrimary}
)

// standing is how a check stands: its sign and its word.
func standing(r Row) (level, string) {
	switch {
	case r.Phase == Running:
		return levelWorking, lang.L("checking")
	case r.Phase == Waiting:
		return levelWaiting, lang.L("waiting")
	case r.Phase == Pending:
		return levelPending, lang.L("not yet")
	}
	switch r.Result.Status {
	case checks.Pass:
		return levelOK, lang.L("passed")
	case checks.Warn:
		return levelAttention, lang.L("warning")
	case checks.Fail:
		return levelError, lang.L("failed")
	}
	return levelSkipped, lang.L("skipped")
}

// standingOf is how the checks of a folded group stand, and a sentence of it.
func standingOf(rows []Row) (level, string) {
	n := words{"N": len(rows)}
	var passed, skipped, running int
	for _, r := range rows {
		switch {
		case r.Phase == Running:
			running++
		case r.Phase == Done && r.Result.Status == checks.Skip:
			skipped++
		case r.Phase == Done:
			passed++
		}
	}
	switch {
	case running > 0:
		return levelWorking, lang.L("checking")
	case passed+skipped < len(rows):
		return levelPending, lang.L("not yet")
	case passed == 0:
		return levelSkipped, lang.L("{{.N}} skipped", n)
	case skipped > 0:
		return levelOK, lang.L("{{.Passed}} passed, {{.Skipped}} skipped", words{"Passed": passed, "Skipped": skipped})
	}
	return levelOK, lang.L("{{.N}} passed", n)
}

// checksHeadline is what the page of the checks says on top.
func checksHeadline(s State) headline {
	switch {
	case s.Activity != Idle:
		return working(s)
	case s.Outcome.Of == Checking && s.Outcome.Cancelled:
		return cancelled(s.Outcome)
	case s.Outcome.Of == Checking && s.Outcome.Err != nil:
		return failed(s)
	case s.Checks.Begun():
		return checked(s.Checks)
	}
	return headline{levelPending, lang.L("The setup was not checked yet"),
		lang.L("{{.N}} checks, from the settings to the test email to {{.To}}. Each that fails says what mends it.", words{"N": len(s.Checks.Rows), "To": s.TestTo()})}
}

// checking is the headline while the checks are under way.
func checking(s State) headline {
	if w := s.Checks.In(Waiting); len(w) > 0 && !s.Cancelling {
		return headline{levelWaiting, lang.L("Waiting for: {{.Check}}", words{"Check": checkName(w[0].ID)}),
			lang.L("Tried again until it passes. A notification tells when it does.")}
	}
	h := headline{level: levelWorking, what: lang.L("Checking the setup")}
	h.then = lang.L("{{.Done}} of {{.N}} done, for {{.Elapsed}} so far.",
		words{"Done": len(s.Checks.In(Done)), "N": len(s.Checks.Rows), "Elapsed": clock(s.Elapsed)})
	if s.Cancelling {
		h.then = lang.L("Stopping.")
	}
	return h
}

// checked is the headline over checks that have ended.
func checked(c Checks) headline {
	failed, warned, skipped := c.Failed(), c.Count(checks.Warn), c.Count(checks.Skip)
	n := words{"N": len(failed), "Warned": warned, "Skipped": skipped}
	switch {
	case len(failed) == 1:
		n["Check"] = checkName(failed[0].ID)
		h := headline{levelError, lang.L("One check failed: {{.Check}}", n), lang.L("Its line says what mends it.")}
		if skipped > 0 {
			h.then = lang.L("Its line says what mends it. Checks that depend on it were skipped.")
		}
		return h
	case len(failed) > 1:
		n["Check"] = checkName(failed[0].ID)
		return headline{levelError, lang.L("{{.N}} checks failed", n), lang.L("Begin with the first: {{.Check}}. Their lines say what mends them.", n)}
	case c.Mended != "" && warned == 0:
		return headline{levelOK, lang.L("Everything is in order now"),
			lang.L("{{.Check}} passes, the last check that had failed.", words{"Check": checkName(c.Mended)})}
	case warned == 1:
		return headline{levelAttention, lang.L("The setup works, and one point deserves a look"), lang.L("Mail flows in spite of it, or it could not be proved.")}
	case warned > 1:
		return headline{levelAttention, lang.L("The setup works, and {{.Warned}} points deserve a look", n), lang.L("Mail flows in spite of them, or they could not be proved.")}
	case c.NoSend:
		return headline{levelOK, lang.L("Everything is in order"), lang.L("No test email was sent, so the last step is not proved.")}
	}
	return headline{levelOK, lang.L("Everything is in order"), lang.L("The test email was accepted, and the sign-in renews itself.")}
}

// waitLine tells of a check that is tried again.
func waitLine(w checks.Waiting, now time.Time) string {
	return lang.L("It has been failing since {{.Since}}, for {{.For}}. Tries so far: {{.Tries}}. The next one in {{.Next}}.", words{
		"Since": w.Since.Local().Format("15:04"), "For": span(now.Sub(w.Since)), "Tries": w.Tries, "Next": span(w.Next.Sub(now))})
}

// span is a time that passes, such as 0:42 and 2:05:42.
func span(d time.Duration) string {
	d = max(0, d.Round(time.Second))
	if d < time.Hour {
		return clock(d)
	}
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// asText is all of a result, to be sent to whoever mends it.
func asText(r Row) string {
	_, word := standing(r)
	lines := []string{checkName(r.ID) + ": " + word + ". " + r.Result.Summary}
	for _, text := range []string{r.Result.Detail, r.Result.Fix, r.Result.Link, r.Result.Command} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	if r.Result.Takes != "" {
		lines = append(lines, lang.L("It usually takes effect: {{.Takes}}", words{"Takes": r.Result.Takes}))
	}
	if r.Result.Verify != "" {
		lines = append(lines, lang.L("Shows whether it is done"), r.Result.Verify)
	}
	if r.Result.Reply != "" {
		lines = append(lines, lang.L("The server said"), r.Result.Reply)
	}
	return strings.Join(lines, "\n")
}

// passedTitle and passedText are the notification of a check that was waited
// for.
func passedTitle(r checks.Result) string {
	return lang.L("{{.Check}}: passed", words{"Check": checkName(r.ID)})
}

func passedText(a account.Account) string {
	return lang.L("The setup check of {{.Account}} ({{.Username}}) that was waited for passes now.", words{"Account": a.Name, "Username": a.Username})
}

// groupChecks names the checks of a folded group.
func groupChecks(rows []Row) string { return lang.L("{{.N}} checks", words{"N": len(rows)}) }

func groupName(g Group) string {
	switch g {
	case GroupNetwork:
		return lang.L("Settings and network")
	case GroupRegistration:
		return lang.L("App registration")
	case GroupSignIn:
		return lang.L("Sign-in and tokens")
	case GroupMailbox:
		return lang.L("Mailbox")
	}
	return lang.L("Delivery")
}

// checkName is the window's name for a check; "" for one that it does not know.
func checkName(id string) string {
	switch id {
	case checks.Configuration:
		return lang.L("Account settings")
	case checks.NameResolution:
		return lang.L("Name resolution")
	case checks.Port:
		return lang.L("Mail port")
	case checks.TLS:
		return lang.L("TLS and certificate")
	case checks.Clock:
		return lang.L("Clock of this machine")
	case checks.Authority:
		return lang.L("Directory (tenant)")
	case checks.ClientID:
		return lang.L("Application (client) ID")
	case checks.Credential:
		return lang.L("Secret or certificate")
	case checks.RedirectURL:
		return lang.L("Redirect URL")
	case checks.TokenSMTP:
		return lang.L("Token for SMTP")
	case checks.Claims:
		return lang.L("Permissions in the token")
	case checks.TokenGraph:
		return lang.L("Token for Graph")
	case checks.Identity:
		return lang.L("Account that signed in")
	case checks.Licence:
		return lang.L("Exchange licence")
	case checks.SMTPAuth:
		return lang.L("SMTP AUTH of the mailbox")
	case checks.Accepted:
		return lang.L("Identity at the server")
	case checks.SendAs:
		return lang.L("Send As, Send on Behalf")
	case checks.TestEmail:
		return lang.L("Test email")
	case checks.Renewal:
		return lang.L("Renewal of the sign-in")
	}
	return ""
}
