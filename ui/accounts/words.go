package accounts

import (
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/words"
)

// way says in words how an account sends.
func way(a *account.Account) string {
	return words.Say("accounts.way", words.Data{
		"Provider": option("provider", a.Provider),
		"SignIn":   words.Say("accounts.way_" + id(string(a.SignIn))),
		"Over":     words.Say("accounts.way_over_" + string(a.Transport)),
	})
}

// id is a value of a setting as a part of a key.
func id(value string) string { return strings.NewReplacer("-", "_", ".", "_").Replace(value) }

// option is the window's word for a value of a setting.
func option(key, value string) string { return words.Say("accounts.option_" + key + "_" + id(value)) }

func row(a mailer.AccountStatus, way string, now time.Time) Row {
	h := head(&a, now)
	r := Row{Name: a.Name, Address: a.Sender, Way: way, Word: h.Word, Mood: h.Mood}
	if r.Address == "" {
		r.Address = a.Username
	}
	return r
}

func head(a *mailer.AccountStatus, now time.Time) Head {
	h := Head{Mood: Fine, Word: words.Say("accounts.state_ready"), Paused: a.Cause == mailer.CauseUser, Waiting: a.Waiting + a.Sending + a.Held}
	switch a.State {
	case mailer.Attention:
		h.Mood, h.Word = Needed, words.Say("accounts.state_attention")
	case mailer.Paused:
		h.Mood, h.Word = Resting, words.Say("accounts.state_paused")
		if !a.Until.IsZero() {
			h.Word = words.Say("accounts.state_paused_until", words.Data{"When": words.Moment(a.Until, now)})
		}
	}
	if h.Mood != Fine && !h.Paused {
		h.Said = words.Sentence(a.Reason)
		if a.Fix != "sign in: traymail login "+a.Name { // which the button does
			h.Fix = words.Sentence(a.Fix)
		}
	}
	return h
}
