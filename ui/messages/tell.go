package messages

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/words"
)

// stateKey is the key of the word for a message's state: one that was tried and
// waits for the next attempt has a word of its own, and so has one of which it
// is not known whether it was sent.
func stateKey(s mailer.State, unknown bool, attempts int) string {
	switch {
	case s == held && unknown:
		return "unknown"
	case s == queued && attempts > 0:
		return "waiting"
	}
	return string(s)
}

func stateWord(s mailer.State, unknown bool, attempts int) string {
	return words.Say("messages.state_" + stateKey(s, unknown, attempts))
}

// stateWords are all words for a state.
func stateWords() []string {
	all := []string{stateWord(held, true, 0), stateWord(queued, false, 1)}
	for _, s := range mailer.States {
		all = append(all, stateWord(s, false, 0))
	}
	return all
}

// sender is an envelope's sender as it is shown; that of a bounce is none.
func sender(from string) string {
	if from == "" {
		return words.Say("messages.no_sender")
	}
	return from
}

// recipients are the first of a row's recipients, and how many follow.
func recipients(r *Row) string {
	if r.Others == 0 {
		return r.To
	}
	return r.To + " +" + words.Number(r.Others)
}

// oneLine puts a reply of several lines on one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// cells are what a row says, by column. One that is not looked at yet leaves its
// recipient and reply out.
func cells(r *Row, now time.Time) [columnCount]string {
	return [columnCount]string{
		columnState:   stateWord(r.State, r.Unknown, r.LastAttempt),
		columnWhen:    words.Ago(r.Received, now),
		columnFrom:    sender(r.From),
		columnTo:      recipients(r),
		columnSubject: cmp.Or(oneLine(r.Subject), words.Say("messages.no_subject")),
		columnAccount: r.Account,
		columnClient:  r.Client,
		columnSize:    words.Size(r.Size),
		columnReply:   oneLine(said(r.Reply)),
	}
}

// line is a row for the clipboard: what it says, whole, between tabs.
func line(r *Row) string {
	whole := cells(r, time.Time{})
	whole[columnWhen] = r.Received.Format(time.RFC3339)
	return strings.Join(whole[:], "\t")
}

// A group is the recipients of a message that stand the same.
type group struct {
	state     mailer.State
	tries     int
	next      time.Time
	reply     string
	addresses []string
}

// groups are a message's recipients, those that were refused first, then those
// that wait.
func groups(rec *mailer.Record) (list []group) {
	for _, s := range []mailer.State{failed, queued, delivered} {
		begin := len(list)
	recipients:
		for _, r := range rec.Recipients {
			if r.State != s {
				continue
			}
			for i := begin; i < len(list); i++ {
				if g := &list[i]; g.tries == r.Tries && g.next.Equal(r.Next) && g.reply == r.Reply {
					g.addresses = append(g.addresses, r.Address)
					continue recipients
				}
			}
			list = append(list, group{r.State, r.Tries, r.Next, r.Reply, []string{r.Address}})
		}
	}
	return list
}

// head says in one line how a group stands.
func (g group) head(rec *mailer.Record, now time.Time) string {
	parts := []string{words.Count("messages.group_"+g.key(rec), len(g.addresses))}
	if g.state == queued && g.tries > 0 {
		parts = append(parts, words.Count("messages.tries", g.tries))
	}
	if g.state == queued && !g.next.IsZero() {
		parts = append(parts, words.Say("messages.next", words.Data{"When": words.In(g.next, now)}))
	}
	return strings.Join(parts, " · ")
}

// key is the word for a group's state. Recipients of a message that is held or
// was removed wait no more.
func (g group) key(rec *mailer.Record) string {
	if g.state == queued && (rec.State == held || rec.State == removed || rec.State == sending) {
		return stateKey(rec.State, rec.Unknown, 0)
	}
	return string(g.state)
}

// A fact is one line of a message's details.
type fact struct{ name, value string }

// facts are a message's details but for its recipients and attempts.
func facts(rec *mailer.Record, now time.Time) (list []fact) {
	add := func(key, value string) {
		if value != "" {
			list = append(list, fact{words.Say("messages.fact_" + key), value})
		}
	}
	add("from", sender(rec.From))
	add("return_to", rec.ReturnTo)
	add("account", rec.Account)
	add("client", rec.Client)
	add("received", words.Say("messages.at_ago", words.Data{"At": at(rec.Received, now), "Ago": words.Ago(rec.Received, now)}))
	if !rec.Finished.IsZero() {
		add("finished", at(rec.Finished, now))
	}
	add("size", words.Say("messages.size_exact", words.Data{"Size": words.Size(rec.Size), "N": words.Count("common.bytes", int(rec.Size))}))
	add("message_id", rec.MessageID)
	add("id", rec.ID)
	return list
}

// at is a time to the second, with its day.
func at(t, now time.Time) string {
	t = t.In(now.Location())
	return words.Say("common.day_clock", words.Data{"Day": words.Day(t, now), "Clock": t.Format(time.TimeOnly)})
}

// when is at, without the day when that is today.
func when(t, now time.Time) string {
	if t = t.In(now.Location()); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return at(t, now)
}

// attemptHead says in one line when an attempt was, what came of it, and how
// long it took.
func attemptHead(a mailer.Attempt, now time.Time) string {
	parts := []string{words.Say("messages.attempt", words.Data{"N": words.Number(a.N)}), when(a.Started, now)}
	switch {
	case a.Outcome != "":
		parts = append(parts, words.Say("messages.outcome_"+a.Outcome))
	case a.Finished.IsZero():
		parts = append(parts, words.Say("messages.outcome_open"))
	}
	if a.Elapsed > 0 {
		parts = append(parts, words.Say("messages.seconds", words.Data{"N": fmt.Sprintf("%.1f", a.Elapsed.Seconds())}))
	}
	return strings.Join(parts, " · ")
}

// said is what is on record of an attempt: a server's reply as it is, and what
// traymail met itself in the language of the window.
func said(reply string) string {
	if len(reply) > 3 && reply[0] >= '2' && reply[0] <= '5' && reply[3] == ' ' {
		return reply
	}
	return words.Said(reply)
}

// attemptFoot names what to look an attempt up by elsewhere.
func attemptFoot(a mailer.Attempt) string {
	var parts []string
	add := func(key, value string) {
		if value != "" {
			parts = append(parts, words.Say("messages.attempt_"+key, words.Data{"Value": value}))
		}
	}
	add("server_id", a.ExchangeID)
	add("session", a.Session)
	add("machine", a.Machine)
	if a.Resend {
		parts = append(parts, words.Say("messages.attempt_resend"))
	}
	return strings.Join(parts, " · ")
}

// whole is all that is known of a message, as text for the clipboard.
func whole(rec *mailer.Record, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", rec.Subject, stateWord(rec.State, rec.Unknown, rec.LastAttempt))
	for _, f := range facts(rec, now) {
		fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
	}
	fmt.Fprintf(&b, "\n%s\n", words.Say("messages.recipients"))
	for _, g := range groups(rec) {
		fmt.Fprintf(&b, "- %s\n  %s\n", g.head(rec, now), strings.Join(g.addresses, "\n  "))
		if g.reply != "" {
			fmt.Fprintf(&b, "  %s\n", said(g.reply))
		}
	}
	if len(rec.Attempts) > 0 {
		fmt.Fprintf(&b, "\n%s\n", words.Say("messages.attempts"))
	}
	for _, a := range rec.Attempts {
		fmt.Fprintf(&b, "- %s\n", attemptHead(a, now))
		for _, s := range []string{said(a.Reply), attemptFoot(a)} {
			if s != "" {
				fmt.Fprintf(&b, "  %s\n", s)
			}
		}
	}
	return b.String()
}
