//go:build !darwin || cgo

package ui

import (
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// troubleOf says what keeps the program as a whole from working; without What
// nothing does.
func troubleOf(s desk.Status, now time.Time) look.Headline {
	switch {
	case s.Unstarted != nil:
		return look.Headline{Level: look.Error, What: words.Say("common.unstarted"), Then: reason(s.Unstarted)}
	case !s.Silent.IsZero() && s.Trouble != nil:
		return look.Headline{Level: look.Error, What: words.Say("common.gone", words.Data{"Clock": words.Moment(s.Silent, now)}), Then: reason(s.Trouble)}
	case !s.Silent.IsZero():
		return look.Headline{Level: look.Error, What: words.Say("common.frozen", words.Data{"Clock": words.Moment(s.Silent, now)}), Then: words.Say("common.frozen_then")}
	case s.Problem != "":
		return look.Headline{Level: look.Attention, What: words.Say("common.not_in_force"), Then: words.Sentence(s.Problem)}
	}
	return look.Headline{}
}

// reason is an error with what to do about it.
func reason(err error) string {
	text := words.Sentence(err.Error())
	if fix := mailer.Fix(err); fix != "" {
		text += "\n" + words.Sentence(fix)
	}
	return text
}

// failure says that something that was asked for was not done.
func failure(err error) look.Headline {
	return look.Headline{Level: look.Error, What: words.Say("common.not_done"), Then: reason(err)}
}

// needsPerson reports whether an account waits for a person, or will soon.
func needsPerson(s desk.Status) bool {
	for _, a := range s.Accounts {
		if a.State == mailer.Attention {
			return true
		}
		for _, alert := range a.Alerts {
			if alert.Severity == mailer.AlertUrgent {
				return true
			}
		}
	}
	return false
}

// unknownOutcome reports whether a message waits for a person to find out
// whether it was sent.
func unknownOutcome(s desk.Status) bool {
	for _, a := range s.Accounts {
		if a.Unknown > 0 {
			return true
		}
	}
	return false
}
