package tray

import (
	"slices"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// A Notice is said once, in a corner of the screen. Everything in it is to be
// found in the window too, because a desktop may show none.
type Notice struct {
	Title, Text string
	Account     string // that it is about, "" for none or several
}

// Notices remembers what was said: each cause once, and again only when it went
// away and came back. The zero value has said nothing. It is for one goroutine.
type Notices struct {
	said    map[said]bool
	refused map[string]refusals
}

// said is a cause: an account's cause or alert, or with no account the program's.
type said struct{ account, id string }

const (
	silent  = "silent"
	stopped = "stopped"
	problem = "problem"
)

// refusals are what is known of an account's refused recipients.
type refusals struct {
	count int64     // at the last look
	told  time.Time // when some were told of
}

// quiet is how long refusals of an account are told of together.
const quiet = time.Hour

// together is how many notices at once become one.
const together = 3

// Of returns what is to be said now: of what is in the status and was not said
// yet. A status that is old, or of a program that does not run, makes nothing
// forgotten.
func (n *Notices) Of(s desk.Status, now time.Time) []Notice {
	if n.said == nil {
		n.said, n.refused = map[said]bool{}, map[string]refusals{}
	}
	switch {
	case s.Unstarted != nil || s.Known && s.Silent.IsZero() && !s.Running:
		return n.program(stopped, "tray.notice_stopped")
	case !s.Known:
		return nil
	case !s.Silent.IsZero():
		return n.program(silent, "tray.notice_silent")
	}
	delete(n.said, said{id: stopped})
	delete(n.said, said{id: silent})
	var list []Notice
	if s.Problem == "" {
		delete(n.said, said{id: problem})
	} else {
		list = n.program(problem, "tray.notice_problem")
	}
	list = append(list, n.troubles(s.Accounts, now)...)
	return append(list, n.refusals(s.Accounts, now)...)
}

// program says something of the program as a whole.
func (n *Notices) program(id, key string) []Notice {
	if n.said[said{id: id}] {
		return nil
	}
	n.said[said{id: id}] = true
	return []Notice{{Title: words.Say("tray.notice_title"), Text: words.Say(key)}}
}

func (n *Notices) troubles(accounts []mailer.AccountStatus, now time.Time) []Notice {
	there := map[said]bool{}
	var list []Notice
	for i := range accounts {
		for _, t := range troublesOf(&accounts[i]) {
			cause := said{t.account, t.id}
			there[cause] = true
			if !n.said[cause] {
				n.said[cause] = true
				list = append(list, Notice{Title: words.Say("tray.notice_title"), Text: t.say(now), Account: t.account})
			}
		}
	}
	for cause := range n.said {
		if cause.account != "" && !there[cause] {
			delete(n.said, cause)
		}
	}
	if len(list) > together {
		return []Notice{{Title: words.Say("tray.notice_title"), Text: words.Count("tray.notice_several", len(list))}}
	}
	return list
}

// refusals says that messages were refused. Those from before the first look
// are old news.
func (n *Notices) refusals(accounts []mailer.AccountStatus, now time.Time) []Notice {
	var list []Notice
	for _, a := range accounts {
		last, known := n.refused[a.Name]
		more := a.Refused - last.count
		if !known || more < 0 { // a program started anew counts from zero
			last.count, more = a.Refused, 0
		}
		if more > 0 && now.Sub(last.told) >= quiet {
			last.count, last.told = a.Refused, now
			list = append(list, Notice{
				Title:   words.Say("tray.notice_title"),
				Text:    words.Count("tray.notice_refused", int(more), words.Data{"Account": a.Name}),
				Account: a.Name,
			})
		}
		n.refused[a.Name] = last
	}
	for name := range n.refused {
		if !slices.ContainsFunc(accounts, func(a mailer.AccountStatus) bool { return a.Name == name }) {
			delete(n.refused, name)
		}
	}
	return list
}
