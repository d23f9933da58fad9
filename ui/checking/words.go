//go:build !darwin || cgo

package checking

import (
	"fmt"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/ui/look"
	"traymail/ui/words"
)

// standing is how a check stands: its sign and its word.
func standing(r Row) (look.Level, string) {
	switch {
	case r.Phase == Running:
		return look.Working, words.Say("checks.is_checking")
	case r.Phase == Waiting:
		return look.Waiting, words.Say("checks.is_waiting")
	case r.Phase == Pending:
		return look.Pending, words.Say("checks.is_pending")
	}
	switch r.Result.Status {
	case checks.Pass:
		return look.OK, words.Say("checks.is_passed")
	case checks.Warn:
		return look.Attention, words.Say("checks.is_warning")
	case checks.Fail:
		return look.Error, words.Say("checks.is_failed")
	}
	return look.Skipped, words.Say("checks.is_skipped")
}

// standingOf is how the checks of a folded group stand, and a sentence of it.
func standingOf(rows []Row) (look.Level, string) {
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
		return look.Working, words.Say("checks.is_checking")
	case passed+skipped < len(rows):
		return look.Pending, words.Say("checks.is_pending")
	case passed == 0:
		return look.Skipped, words.Count("checks.n_skipped", skipped)
	case skipped > 0:
		return look.OK, words.Say("checks.passed_and_skipped", words.Data{"Passed": words.Count("checks.n_passed", passed), "Skipped": words.Count("checks.n_skipped", skipped)})
	}
	return look.OK, words.Count("checks.n_passed", passed)
}

// headlineOf is what stands above the list.
func headlineOf(s State) look.Headline {
	switch {
	case s.Run.Active:
		return underWay(s)
	case s.Run.Stopped:
		return look.Headline{Level: look.Attention, What: words.Say("checks.stopped"), Then: words.Say("checks.stopped_then")}
	case s.Run.Err != nil:
		return look.Headline{Level: look.Error, What: words.Say("checks.not_checked"), Then: words.Sentence(s.Run.Err.Error())}
	case s.Checks.Begun():
		return ended(s)
	}
	return look.Headline{Level: look.Pending, What: words.Say("checks.not_yet"), Then: words.Count("checks.not_yet_then", len(s.Checks.Rows))}
}

// underWay is the headline while the checks are.
func underWay(s State) look.Headline {
	h := look.Headline{Level: look.Working, What: words.Say("checks.checking"), Then: words.Say("checks.checking_then",
		words.Data{"Done": len(s.Checks.In(Done)), "N": len(s.Checks.Rows), "Elapsed": words.Watch(s.Run.Elapsed)})}
	switch w := s.Checks.In(Waiting); {
	case s.Run.Cancelling:
		h.Then = words.Say("checks.stopping")
	case !s.Silent.IsZero():
		h.Then = words.Say("checks.silent", words.Data{"Clock": words.Clock(s.Silent.Local())})
	case len(w) > 0:
		h = look.Headline{Level: look.Waiting, What: words.Say("checks.waiting_for", words.Data{"Check": checkName(w[0].ID)}), Then: words.Say("checks.waiting_then")}
	}
	return h
}

// ended is the headline over checks that have ended.
func ended(s State) look.Headline {
	c := s.Checks
	failed, warned, skipped := c.Failed(), c.Count(checks.Warn), c.Count(checks.Skip)
	switch {
	case len(failed) == 1:
		h := look.Headline{Level: look.Error, What: words.Say("checks.one_failed", words.Data{"Check": checkName(failed[0].ID)}), Then: words.Say("checks.one_failed_then")}
		if skipped > 0 {
			h.Then = words.Say("checks.one_failed_skipped")
		}
		return h
	case len(failed) > 1:
		return look.Headline{Level: look.Error, What: words.Count("checks.n_failed", len(failed)), Then: words.Say("checks.n_failed_then", words.Data{"Check": checkName(failed[0].ID)})}
	case warned > 0:
		return look.Headline{Level: look.Attention, What: words.Count("checks.works", warned), Then: words.Count("checks.works_then", warned)}
	case c.Mended != "":
		return look.Headline{Level: look.OK, What: words.Say("checks.in_order_now"), Then: words.Say("checks.in_order_now_then", words.Data{"Check": checkName(c.Mended)})}
	case !s.accepted():
		return look.Headline{Level: look.OK, What: words.Say("checks.in_order"), Then: words.Say("checks.no_test")}
	}
	return look.Headline{Level: look.OK, What: words.Say("checks.in_order"), Then: words.Say("checks.in_order_then")}
}

// waitText tells of a check that is tried again.
func waitText(w checks.Waiting, now time.Time) string {
	text := words.Say("checks.waits", words.Data{"Since": words.Clock(w.Since.Local()), "For": span(now.Sub(w.Since)), "Tries": words.Count("checks.tries", w.Tries), "Next": span(w.Next.Sub(now))})
	if w.Note != "" {
		text += "\n" + words.Sentences(w.Note)
	}
	return text
}

// span is a time that passes, such as 0:42 and 2:05:42.
func span(d time.Duration) string {
	d = max(0, d.Round(time.Second))
	if d < time.Hour {
		return words.Watch(d)
	}
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// depends is how the summary of a check begins that was not done because another
// one failed, whose ID is the rest of it.
const depends = "not looked at, because it depends on "

// summaryOf is what a check found, in a sentence.
func summaryOf(r checks.Result) string {
	if by, ok := strings.CutPrefix(r.Summary, depends); ok && words.Has("checks.name_"+key(by)) {
		return words.Sentence(depends + checkName(by))
	}
	return words.Sentence(r.Summary)
}

// asText is all of a result, to be sent to whoever mends it.
func asText(r Row) string {
	_, word := standing(r)
	lines := []string{checkName(r.ID) + ": " + word + ". " + summaryOf(r.Result)}
	for _, text := range []string{words.Sentence(r.Result.Detail), words.Sentence(r.Result.Fix), r.Result.Link, r.Result.Command} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	if r.Result.Takes != "" {
		lines = append(lines, words.Say("checks.takes", words.Data{"Takes": words.Said(r.Result.Takes)}))
	}
	if r.Result.Verify != "" {
		lines = append(lines, words.Say("checks.shows_whether"), r.Result.Verify)
	}
	if r.Result.Reply != "" {
		lines = append(lines, words.Say("checks.server_said"), r.Result.Reply)
	}
	return strings.Join(lines, "\n")
}

// passedTitle and passedText are the notification of a check that was waited
// for.
func passedTitle(r checks.Result) string {
	return words.Say("checks.passed_title", words.Data{"Check": checkName(r.ID)})
}

func passedText(a account.Account) string {
	return words.Say("checks.passed_text", words.Data{"Account": a.Name, "Username": a.Username})
}

func groupName(g Group) string { return words.Say("checks.group_" + key(string(g))) }

// checkName is the window's name for a check.
func checkName(id string) string { return words.Say("checks.name_" + key(id)) }

// key is an ID as keys have it.
func key(id string) string { return strings.ReplaceAll(id, "-", "_") }
