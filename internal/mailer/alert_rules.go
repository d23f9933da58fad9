package mailer

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"traymail/internal/account"
)

const (
	// troublePatience is how long an account may wait for a person before that
	// is an alert: what a person is at work on is none.
	troublePatience = 15 * time.Minute
	// idleLife is how long a refresh token lives without being used.
	idleLife = 90 * 24 * time.Hour
)

// retired is the end of the month in which Exchange Online switches basic
// authentication off by default (MC786329). Until when an administrator can
// switch it on again is to be announced in the second half of 2027.
var retired = time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC)

// trouble is that the account waits for a person, or that nobody is signed in.
func (c circumstances) trouble() (finding, bool) {
	a := c.status
	f := finding{Alert: Alert{ID: string(a.Cause), Severity: AlertUrgent, Since: a.Since, Fix: a.Fix}, unable: true, patience: troublePatience}
	switch {
	case a.Cause == CauseSignIn:
		f.patience = 0
		if a.Since.IsZero() { // no message has met it, and the account may have been made just now
			f.calm = troublePatience
		}
		f.title = a.Name + " needs a sign-in"
	case a.Cause == CauseSettings, a.Cause == CauseProvider, a.Cause == CauseKeystore:
		f.title = a.Name + " cannot send"
	default:
		return finding{}, false
	}
	f.Summary = f.title + ": " + a.Reason
	return f, true
}

// secret is that the client secret or the certificate ends.
func (c circumstances) secret() (finding, bool) {
	if c.file == nil || c.file.SecretExpires == "" {
		return finding{}, false
	}
	certificate := c.file.SignIn == account.AppOnly && c.file.Credential == account.CertificateCredential
	if !certificate && !c.file.HasClientSecret() {
		return finding{}, false
	}
	due, err := time.Parse(time.DateOnly, c.file.SecretExpires)
	left := daysUntil(due, c.now)
	if err != nil || left > steps[len(steps)-1] {
		return finding{}, false
	}
	what, fix := secretEnds, "make a new client secret under Certificates & secrets of the app registration, then store its Value and its last day: traymail account edit %[1]s --secret-stdin --secret-expires YYYY-MM-DD"
	switch {
	case certificate:
		what, fix = certificateEnds, "make a new certificate, upload its public part under Certificates & secrets → Certificates of the app registration, then store it with its key and its last day: traymail account edit %[1]s --certificate FILE --secret-expires YYYY-MM-DD"
	case !c.file.HasEntra():
		fix = "make a new client secret where the app is registered, then store it and its last day: traymail account edit %[1]s --secret-stdin --secret-expires YYYY-MM-DD"
	}
	f := finding{
		Alert:  Alert{ID: AlertSecret, Severity: severityOf(left), Since: due.AddDate(0, 0, -steps[len(steps)-1]), Due: due, Fix: fmt.Sprintf(fix, c.file.Name)},
		title:  what.text(c.file.Name, left),
		step:   stepOf(left),
		unable: left <= 0,
	}
	f.Summary = fmt.Sprintf("%s (%s)", f.title, c.file.SecretExpires)
	return f, true
}

// An ending says when something of an account ends, as formats: whole sentences,
// so that they can be translated.
type ending struct{ inDays, tomorrow, today, yesterday, daysAgo string }

var (
	secretEnds = ending{
		"the client secret of %s ends in %d days", "the client secret of %s ends tomorrow", "the client secret of %s ends today",
		"the client secret of %s ended yesterday", "the client secret of %s ended %d days ago",
	}
	certificateEnds = ending{
		"the certificate of %s ends in %d days", "the certificate of %s ends tomorrow", "the certificate of %s ends today",
		"the certificate of %s ended yesterday", "the certificate of %s ended %d days ago",
	}
	signInEnds = ending{
		"the sign-in of %s ends in %d days", "the sign-in of %s ends tomorrow", "the sign-in of %s ends today",
		"the sign-in of %s ended yesterday", "the sign-in of %s ended %d days ago",
	}
)

// text is the sentence for an account, in days from now.
func (e ending) text(account string, days int) string {
	switch {
	case days > 1:
		return fmt.Sprintf(e.inDays, account, days)
	case days == 1:
		return fmt.Sprintf(e.tomorrow, account)
	case days == 0:
		return fmt.Sprintf(e.today, account)
	case days == -1:
		return fmt.Sprintf(e.yesterday, account)
	}
	return fmt.Sprintf(e.daysAgo, account, -days)
}

// refreshes reports whether the account's sign-in ends when it is not used.
func refreshes(a *account.Account) bool {
	return a.SignIn == account.BrowserSignIn && a.HasEntra()
}

// idle is that a sign-in ends because nothing was sent. traymail serve uses it
// by itself long before, so that this tells of one that did not run, or did not
// reach the provider.
func (c circumstances) idle() (finding, bool) {
	if c.file == nil || !refreshes(c.file) || c.used.IsZero() || c.unsigned || c.status.Cause == CauseSignIn {
		return finding{}, false
	}
	due := c.used.Add(idleLife)
	left := daysUntil(due, c.now)
	if left > steps[len(steps)-1] {
		return finding{}, false
	}
	f := finding{
		Alert: Alert{ID: AlertTokenIdle, Severity: severityOf(left), Since: due.AddDate(0, 0, -steps[len(steps)-1]), Due: due,
			Fix: "keep traymail serve running, which refreshes the sign-in by itself, or try it now: traymail test " + c.file.Name},
		title:  signInEnds.text(c.file.Name, left),
		step:   stepOf(left),
		unable: left <= 0,
	}
	if left <= 0 {
		f.Fix = "try it, traymail test " + c.file.Name + ", and if it is refused " + signInAgain(c.file.Name)
	}
	f.Summary = fmt.Sprintf("%s: nothing was sent for %d days, and after %d the provider wants a new one", f.title, int(c.now.Sub(c.used)/(24*time.Hour)), int(idleLife/(24*time.Hour)))
	return f, true
}

// retirement is that the provider stops taking passwords. It is told for as long
// as the account has one.
func (c circumstances) retirement() (finding, bool) {
	if c.file == nil || c.file.SignIn != account.PasswordSignIn || !c.file.HasEntra() {
		return finding{}, false
	}
	f := finding{
		Alert: Alert{ID: AlertRetirement, Due: retired, Fix: fmt.Sprintf("register an app (docs/register-app.md), then traymail account edit %[1]s --sign-in browser --client-id CLIENT-ID and traymail login %[1]s", c.file.Name)},
	}
	if c.file.Provider == account.OutlookCom {
		f.Severity, f.Due = AlertUrgent, time.Time{}
		f.title = "Outlook.com takes no password from " + c.file.Name
		f.Summary = f.title + ": it refuses basic authentication"
		return f, true
	}
	left := daysUntil(retired, c.now)
	f.Severity, f.step = severityOf(left), stepOf(left)
	if left >= 0 {
		f.title = "passwords of " + c.file.Name + " are off by default from 31 December 2026"
		f.Summary = f.title + ": Exchange Online switches basic authentication off then, new tenants have none, and an administrator can switch it on again for a while"
		return f, true
	}
	// It still works where an administrator switched it on again.
	f.Severity, f.step = AlertWarning, left/30
	f.title = "the password of " + c.file.Name + " works only until basic authentication ends"
	f.Summary = f.title + ": Exchange Online has it off by default since the end of December 2026, and announces its last day in the second half of 2027"
	return f, true
}

// replyFix is what to do about a reply to the account.
func (c circumstances) replyFix(reply string) string {
	var a account.Account
	if c.file != nil {
		a = *c.file
	}
	a.Name, a.Username = c.status.Name, cmp.Or(c.status.Username, a.Username)
	return fixOfReply(&a, "", reply)
}

// refusals is that the server refuses more recipients than it used to.
func (c circumstances) refusals() (finding, bool) {
	if c.rising == nil {
		return finding{}, false
	}
	name := c.status.Name
	f := finding{
		Alert: Alert{ID: AlertRefusals, Severity: AlertWarning, Fix: "see the replies: traymail queue ls --state failed --account " + name},
		title: "refusals of " + name + " rise",
	}
	f.Summary = fmt.Sprintf("%s: %d of %d recipients within an hour", f.title, c.rising.refused, c.rising.all)
	if reply := c.status.LastReply; reply != "" && !strings.HasPrefix(reply, "250") {
		f.Summary += ", last: " + reply
	}
	f.Fix = cmp.Or(c.replyFix(c.status.LastReply), f.Fix)
	return f, true
}

// overGraph is that messages leave through Graph, because SMTP AUTH is switched
// off.
func (c circumstances) overGraph() (finding, bool) {
	if c.status.Instead == "" {
		return finding{}, false
	}
	name := c.status.Name
	f := finding{
		Alert: Alert{ID: AlertOverGraph, Severity: AlertNotice,
			Fix: "nothing, if that is wanted: traymail account edit " + name + " --transport graph keeps it so; else " +
				c.replyFix(c.status.Instead)},
		title: "messages of " + name + " leave through Microsoft Graph",
	}
	if len(c.status.InsteadFor) > 0 {
		f.title = "messages of " + name + " from " + strings.Join(c.status.InsteadFor, ", ") + " leave through Microsoft Graph"
	}
	f.Summary = f.title + ", because SMTP AUTH is switched off: " + c.status.Instead
	return f, true
}
