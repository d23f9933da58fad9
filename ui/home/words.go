package home

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// rank orders cards, those that need a person first, and among them those that
// cannot send.
func (c Card) rank() int {
	rank := 2 * slices.Index([]Mood{Broken, Needed, Resting, Busy, Fine}, c.Mood)
	if len(c.Cures) == 0 {
		rank++
	}
	return rank
}

// headline is the whole in one sentence.
func headline(s desk.Status, last delivery, now time.Time) Headline {
	waiting, attention, resting, warned := 0, []mailer.AccountStatus{}, 0, []mailer.AccountStatus{}
	for _, a := range s.Accounts {
		waiting += a.Waiting + a.Sending
		switch {
		case a.State == mailer.Attention:
			attention = append(attention, a)
		case a.State == mailer.Paused:
			resting++
		case slices.ContainsFunc(a.Alerts, func(w mailer.Alert) bool { return w.Severity != mailer.AlertNotice }):
			warned = append(warned, a)
		}
	}
	switch {
	case s.Unstarted != nil:
		return Headline{Mood: Broken, What: words.Say("home.unstarted"), Then: words.Say("home.unstarted_then"),
			Said: words.Sentence(s.Unstarted.Error()), Fix: words.Sentence(mailer.Fix(s.Unstarted))}
	case !s.Known && s.Trouble == nil:
		return Headline{Mood: Busy, What: words.Say("home.connecting")}
	case !s.Silent.IsZero() || !s.Known:
		h := Headline{Mood: Broken, What: words.Say("home.silent"), Then: words.Say("home.silent_then")}
		if !s.Silent.IsZero() {
			h.What = words.Say("home.silent_since", words.Data{"When": words.Moment(s.Silent, now)})
		}
		h.Fix = words.Say("home.silent_fix")
		if s.Trouble != nil {
			h.Said, h.Fix = words.Sentence(s.Trouble.Error()), words.Sentence(mailer.Fix(s.Trouble))
		}
		return h
	case !s.Running:
		return Headline{Mood: Broken, What: words.Say("home.stopped"), Then: stays(waiting, words.Say("home.stopped_then"))}
	case s.Paused != nil:
		if s.Paused.Until.IsZero() {
			return Headline{Mood: Resting, What: words.Say("home.paused"), Then: stays(waiting, words.Say("home.paused_then"))}
		}
		return Headline{Mood: Resting, What: words.Say("home.paused_until", words.Data{"When": words.Moment(s.Paused.Until, now)}), Then: stays(waiting, words.Say("home.paused_until_then"))}
	case len(attention) == 1:
		h := Headline{Mood: Needed, What: words.Say("home.attention_one", words.Data{"Account": attention[0].Name}), Then: stays(attention[0].Waiting, why(attention[0], now))}
		if len(s.Accounts) > 1 { // else its card is right below, with the button
			h.DoneBy, h.Account = cures(attention[0].Cause)[0], attention[0].Name
		}
		return h
	case len(attention) > 1:
		return Headline{Mood: Needed, What: words.Count("home.attention", len(attention)), Then: stays(waiting, words.Say("home.attention_then", words.Data{"Accounts": words.List(names(attention))}))}
	case resting > 0 && resting == len(s.Accounts):
		return Headline{Mood: Resting, What: words.Say("home.resting"), Then: stays(waiting, words.Say("home.resting_then"))}
	case resting > 0:
		return Headline{Mood: Resting, What: words.Count("home.resting_some", resting), Then: stays(waiting, words.Say("home.resting_then"))}
	case len(warned) > 0:
		return Headline{Mood: Needed, What: words.Say("home.flows_for_now"), Then: words.Say("home.flows_for_now_then", words.Data{"Accounts": words.List(names(warned))})}
	case last.at.IsZero() && last.unknown:
		return Headline{Mood: Fine, What: words.Say("home.ready")}
	case last.at.IsZero():
		return Headline{Mood: Fine, What: words.Say("home.ready"), Then: words.Say("home.ready_then")}
	}
	then := words.Say("home.last", words.Data{"When": words.Ago(last.at, now)})
	if len(last.to) > 0 {
		then = words.Say("home.last_to", words.Data{"When": words.Ago(last.at, now), "To": recipients(last.to)})
	}
	return Headline{Mood: Fine, What: words.Say("home.flows"), Then: then}
}

// stays adds to a sentence how many messages wait, and that they are not lost.
func stays(waiting int, sentence string) string {
	if waiting == 0 {
		return sentence
	}
	return sentence + " " + words.Count("home.stays", waiting)
}

func names(accounts []mailer.AccountStatus) []string {
	var all []string
	for _, a := range accounts {
		all = append(all, a.Name)
	}
	return all
}

// recipients names the first and counts the others.
func recipients(to []string) string {
	if len(to) == 1 {
		return to[0]
	}
	return words.Count("home.and_others", len(to)-1, words.Data{"First": to[0]})
}

// where says which program it is that is shown.
func where(s desk.Status, now time.Time) string {
	if !s.Known || !s.Running {
		return ""
	}
	d := words.Data{"Version": s.Version, "Process": s.PID, "Since": words.Moment(s.Started, now)}
	if s.Service {
		return words.Say("home.where_service", d)
	}
	return words.Say("home.where_here", d)
}

func card(a mailer.AccountStatus, s desk.Status, last delivery, now time.Time) Card {
	c := Card{Account: a.Name, Address: address(a), Mood: Fine, Word: words.Say("home.state_ready"), Facts: facts(a, s, last, now)}
	switch {
	case a.State == mailer.Attention:
		c.Mood, c.Word = Needed, words.Say("home.state_attention")
		c.Why, c.Said, c.Fix = why(a, now), words.Sentence(a.Reason), words.Sentence(a.Fix)
		c.Cures = cures(a.Cause)
		if c.Cures[0] == CureSignIn && a.Fix == "sign in: traymail login "+a.Name {
			c.Fix = "" // the command does what the first button does
		}
	case a.State == mailer.Paused:
		c.Mood, c.Word, c.Why = Resting, pausedUntil(a.Until, now), why(a, now)
		if a.Cause != mailer.CauseUser {
			c.Said, c.Fix = words.Sentence(a.Reason), words.Sentence(a.Fix)
		}
		c.Cures = cures(a.Cause)
	case s.Paused != nil:
		c.Mood, c.Word, c.Why = Resting, pausedUntil(s.Paused.Until, now), words.Say("home.cause_user")
	case a.Sending > 0:
		c.Word = words.Count("home.state_sending", a.Sending)
	}
	for _, w := range a.Alerts {
		if w.ID == string(a.Cause) && a.State == mailer.Attention {
			continue // that is what the card says already
		}
		c.Notes = append(c.Notes, note(w))
	}
	if c.Mood == Fine && slices.ContainsFunc(c.Notes, func(n Note) bool { return n.Mood != Fine }) {
		c.Mood, c.Word = Needed, words.Say("home.state_warned")
	}
	return c
}

func address(a mailer.AccountStatus) string {
	var parts []string
	switch {
	case a.Username == "":
	case a.Sender == "" || strings.EqualFold(a.Sender, a.Username):
		parts = append(parts, a.Username)
	default:
		parts = append(parts, words.Say("home.sends_as", words.Data{"Username": a.Username, "Sender": a.Sender}))
	}
	switch {
	case a.Over == account.Graph && a.Instead != "":
		parts = append(parts, words.Say("home.over_graph_instead"))
	case a.Over == account.Graph:
		parts = append(parts, words.Say("home.over_graph"))
	case a.Over != "":
		parts = append(parts, words.Say("home.over_smtp"))
	}
	return strings.Join(parts, " · ")
}

func pausedUntil(until, now time.Time) string {
	if until.IsZero() {
		return words.Say("home.state_paused")
	}
	return words.Say("home.state_paused_until", words.Data{"When": words.Moment(until, now)})
}

// why says the cause, and since when.
func why(a mailer.AccountStatus, now time.Time) string {
	key := "home.cause_" + strings.ReplaceAll(string(a.Cause), "-", "_")
	if !words.Has(key) {
		key = "home.cause_other"
	}
	text := words.Say(key, words.Data{"Username": cmp.Or(a.Username, a.Name)})
	if !a.Since.IsZero() {
		text += " " + words.Say("home.since", words.Data{"When": words.Moment(a.Since, now)})
	}
	if a.Elsewhere {
		text += " " + words.Say("home.elsewhere")
	}
	return text
}

// cures are the buttons for a cause.
func cures(c mailer.Cause) []string {
	switch c {
	case mailer.CauseSignIn:
		return []string{CureSignIn, CureCheck}
	case mailer.CauseSettings:
		return []string{CureAccount, CureCheck}
	case mailer.CauseUser:
		return []string{CureResume}
	case mailer.CauseThrottle, mailer.CauseQuota:
		return []string{CureQueue}
	}
	return []string{CureCheck}
}

func note(a mailer.Alert) Note {
	n := Note{ID: a.ID, Mood: Fine, Said: words.Sentence(a.Summary), Fix: words.Sentence(a.Fix)}
	switch a.Severity {
	case mailer.AlertUrgent:
		n.Mood = Broken
	case mailer.AlertWarning:
		n.Mood = Needed
	}
	switch a.ID {
	case mailer.AlertSecret:
		n.Cure = CureSecret
	case mailer.AlertTokenIdle:
		n.Cure = CureTest
	case mailer.AlertRetirement:
		n.Cure = CureAccount
	case mailer.AlertRefusals:
		n.Cure = CureHistory
	case mailer.AlertOverGraph, mailer.AlertMailbox:
		n.Cure = CureCheck
	case mailer.AlertUnknown, mailer.AlertQueueFile:
		n.Cure = CureQueue
	default: // the cause of a pause
		n.Cure = cures(mailer.Cause(a.ID))[0]
	}
	return n
}

func facts(a mailer.AccountStatus, s desk.Status, last delivery, now time.Time) []Fact {
	delivered := words.Say("home.never")
	if last.unknown {
		delivered = ""
	}
	at := last.at
	if a.LastDelivered.After(at) {
		at, last.to = a.LastDelivered, nil
	}
	if !at.IsZero() {
		delivered = words.Ago(at, now)
		if len(last.to) > 0 {
			delivered += "\n" + recipients(last.to)
		}
	}
	queued := []string{words.Count("home.waiting", a.Waiting)}
	if a.Waiting > 0 && !a.Oldest.IsZero() {
		queued[0] = words.Count("home.waiting_since", a.Waiting, words.Data{"When": words.Moment(a.Oldest, now)})
	}
	if held := a.Held - a.Unknown; held > 0 {
		queued = append(queued, words.Count("home.held", held))
	}
	if a.Unknown > 0 {
		queued = append(queued, words.Count("home.unknown", a.Unknown))
	}
	all := []Fact{
		{words.Say("home.fact_last"), delivered},
		{words.Say("home.fact_queue"), strings.Join(queued, "\n")},
		{words.Say("home.fact_counts", words.Data{"When": words.Moment(s.Started, now)}),
			words.Count("home.delivered", int(a.Delivered)) + "\n" + words.Count("home.refused", int(a.Refused))},
	}
	if !a.SecretExpires.IsZero() {
		all = append(all, Fact{words.Say("home.fact_secret"), secretEnds(a.SecretExpires, now)})
	}
	if a.TokenExpires.After(now) {
		all = append(all, Fact{words.Say("home.fact_token"), words.Say("home.token_until", words.Data{"When": words.Moment(a.TokenExpires, now)})})
	}
	return all
}

// secretEnds counts the days of the calendar, which is UTC's, because a secret
// ends on a day and at no hour.
func secretEnds(day, now time.Time) string {
	switch today := now.UTC().Truncate(24 * time.Hour); {
	case day.Before(today):
		return words.Say("home.secret_ended", words.Data{"Day": words.Day(day, now)})
	case day.Equal(today):
		return words.Say("home.secret_today")
	default:
		return words.Say("home.secret_ends", words.Data{"In": words.In(day, today)})
	}
}
