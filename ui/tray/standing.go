package tray

import (
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// standing says how things stand: the picture, the sentence, and what may stand
// behind it where it is read once and not kept.
func standing(s desk.Status, now time.Time) (state State, head, more string) {
	switch {
	case s.Unstarted != nil:
		return Error, words.Say("tray.unstarted"), ""
	case !s.Known:
		return Sending, words.Say("tray.starting"), ""
	case !s.Silent.IsZero():
		return Error, words.Say("tray.silent", words.Data{"Since": words.Moment(s.Silent, now)}), ""
	case !s.Running:
		return Error, words.Say("tray.stopped"), ""
	}
	if state, head := worst(s, now); head != "" {
		return state, head, waiting(s.Accounts)
	}
	switch {
	case len(s.Accounts) == 0:
		return Attention, words.Say("tray.no_account"), ""
	case s.Paused != nil:
		return Paused, pausedUntil(s.Paused.Until, now), waiting(s.Accounts)
	}
	if state, head := resting(s.Accounts, now); head != "" {
		return state, head, waiting(s.Accounts)
	}
	sending, last := 0, time.Time{}
	for _, a := range s.Accounts {
		sending += a.Sending
		if a.LastDelivered.After(last) {
			last = a.LastDelivered
		}
	}
	head = words.Say("tray.flows") // in the menu too, which is not built anew for each message
	switch {
	case sending > 0:
		return Sending, head, words.Count("tray.sending", sending)
	case !last.IsZero():
		return Idle, head, words.Say("tray.last_delivered", words.Data{"When": words.Moment(last, now)})
	}
	return Idle, head, ""
}

// worst is what waits for a person: of several accounts how many they are.
func worst(s desk.Status, now time.Time) (State, string) {
	state, needy, first := Idle, 0, trouble{}
	for i := range s.Accounts {
		all := troublesOf(&s.Accounts[i])
		if len(all) == 0 {
			continue
		}
		if needy++; needy == 1 {
			first = all[0]
		}
		for _, t := range all {
			if t.state == Error || state == Idle {
				state = t.state
			}
		}
	}
	switch {
	case needy == 1:
		return state, first.say(now)
	case needy > 1:
		return state, words.Count("tray.needy", needy)
	case s.Problem != "":
		return Attention, words.Say("tray.problem")
	}
	return Idle, ""
}

// A trouble is something of an account that waits for a person. Its ID is the
// cause's or the alert's, which is the same thing.
type trouble struct {
	account string
	id      string
	state   State
	due     time.Time // the day on which it breaks; zero: it has, or nobody knows
}

// graveness are the states of what an account waits for. What an administrator
// must cure is an error, what the person here does is not.
var graveness = map[mailer.Cause]State{
	mailer.CauseSignIn:   Attention,
	mailer.CauseKeystore: Attention,
	mailer.CauseSettings: Error,
	mailer.CauseProvider: Error,
}

// troublesOf lists them, the gravest first. A notice for which there is time is
// none.
func troublesOf(a *mailer.AccountStatus) []trouble {
	var all []trouble
	if a.State == mailer.Attention {
		state, known := graveness[a.Cause]
		if !known {
			state = Attention
		}
		all = append(all, trouble{account: a.Name, id: string(a.Cause), state: state})
	}
	for _, alert := range a.Alerts {
		_, cause := graveness[mailer.Cause(alert.ID)]
		if alert.Severity != mailer.AlertNotice && !cause {
			all = append(all, trouble{account: a.Name, id: alert.ID, state: Attention, due: alert.Due})
		}
	}
	return all
}

// sayings are the texts of troubles: while they are to come, with the day, and
// when they are there.
var sayings = map[string]struct{ now, due string }{
	string(mailer.CauseSignIn):   {now: "tray.trouble_sign_in"},
	string(mailer.CauseKeystore): {now: "tray.trouble_keystore"},
	string(mailer.CauseSettings): {now: "tray.trouble_settings"},
	string(mailer.CauseProvider): {now: "tray.trouble_provider"},
	mailer.AlertSecret:           {now: "tray.trouble_secret", due: "tray.trouble_secret_due"},
	mailer.AlertTokenIdle:        {now: "tray.trouble_token_idle", due: "tray.trouble_token_idle_due"},
	mailer.AlertRetirement:       {now: "tray.trouble_retirement", due: "tray.trouble_retirement_due"},
	mailer.AlertRefusals:         {now: "tray.trouble_refusals"},
	mailer.AlertMailbox:          {now: "tray.trouble_mailbox"},
	mailer.AlertUnknown:          {now: "tray.trouble_unknown"},
	mailer.AlertQueueFile:        {now: "tray.trouble_queue_file"},
}

// say says what it is, with the account's name and nothing else of it.
func (t trouble) say(now time.Time) string {
	s, known := sayings[t.id]
	d := words.Data{"Account": t.account}
	switch {
	case !known:
		return words.Say("tray.trouble_other", d)
	case s.due != "" && !t.due.Before(now.UTC().Truncate(24*time.Hour)): // a day of the calendar, which is UTC's
		d["Day"] = words.Day(t.due, now)
		return words.Say(s.due, d)
	}
	return words.Say(s.now, d)
}

// restings are the texts of what an account waits for that ends by itself.
var restings = map[mailer.Cause]string{
	mailer.CauseNetwork:  "tray.rests_network",
	mailer.CauseThrottle: "tray.rests_throttled",
	mailer.CauseQuota:    "tray.rests_quota",
	mailer.CauseUser:     "tray.rests_user",
}

// resting is what an account waits for that needs nobody now.
func resting(accounts []mailer.AccountStatus, now time.Time) (State, string) {
	var first mailer.AccountStatus
	n := 0
	for _, a := range accounts {
		if a.State == mailer.Paused {
			if n++; n == 1 {
				first = a
			}
		}
	}
	switch key := restings[first.Cause]; {
	case n == 0:
		return Idle, ""
	case n > 1:
		return Paused, words.Count("tray.rests", n)
	case key == "":
		return Paused, words.Say("tray.rests_other", words.Data{"Account": first.Name})
	default:
		return Paused, words.Say(key, words.Data{"Account": first.Name})
	}
}

func pausedUntil(t, now time.Time) string {
	if t.IsZero() {
		return words.Say("tray.paused")
	}
	return words.Say("tray.paused_until", words.Data{"When": words.Moment(t, now)})
}

// waiting says how many messages wait; nothing for none.
func waiting(accounts []mailer.AccountStatus) string {
	n := 0
	for _, a := range accounts {
		n += a.Waiting + a.Sending
	}
	if n == 0 {
		return ""
	}
	return words.Count("tray.waiting", n)
}
