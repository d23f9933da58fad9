package mailer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"traymail/internal/refusals"
)

// A mailboxRefusal is why one mailbox of an account does not send, while others
// do.
type mailboxRefusal struct {
	mailbox    string
	reply, fix string
	since      time.Time // the first of a row
	last       time.Time
}

// mailboxPatience is how long after its last refusal a mailbox is thought well
// again: messages that go on being refused are tried about once an hour.
const mailboxPatience = 90 * time.Minute

// mailboxRefusals are the mailboxes that are refused now, by account and name. Its
// zero value is ready, and safe for concurrent use.
type mailboxRefusals struct {
	mu  sync.Mutex
	all map[string]map[string]mailboxRefusal
}

func (r *mailboxRefusals) refused(account, mailbox, reply, fix string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]map[string]mailboxRefusal{}
	}
	known := r.all[account]
	if known == nil {
		known = map[string]mailboxRefusal{}
		r.all[account] = known
	}
	for name, m := range known {
		if m.over(now) {
			delete(known, name)
		}
	}
	m, again := known[mailbox]
	if !again {
		m.mailbox, m.since = mailbox, now
	}
	m.reply, m.fix, m.last = reply, fix, now
	known[mailbox] = m
}

func (m mailboxRefusal) over(now time.Time) bool { return now.Sub(m.last) > mailboxPatience }

// delivered forgets a mailbox, because it sends.
func (r *mailboxRefusals) delivered(account, mailbox string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all[account], mailbox)
}

// of returns those that are refused, by name.
func (r *mailboxRefusals) of(account string, now time.Time) []mailboxRefusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []mailboxRefusal
	for _, m := range r.all[account] {
		if !m.over(now) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b mailboxRefusal) int { return strings.Compare(a.mailbox, b.mailbox) })
	return list
}

// namedMailboxes is how many an alert tells of one by one.
const namedMailboxes = 10

// mailbox is that the server refuses some of the mailboxes that the account sends
// through.
func (c circumstances) mailbox() (finding, bool) {
	if len(c.mailboxes) == 0 {
		return finding{}, false
	}
	f := finding{Alert: Alert{ID: AlertMailbox, Severity: AlertWarning, Since: c.mailboxes[0].since}}
	var names, replies, fixes []string
	for i, m := range c.mailboxes {
		if m.since.Before(f.Since) {
			f.Since = m.since
		}
		if i == namedMailboxes {
			names = append(names, fmt.Sprintf("%d more", len(c.mailboxes)-i))
		}
		if i >= namedMailboxes {
			continue
		}
		names = append(names, m.mailbox)
		replies = append(replies, m.mailbox+": "+m.reply)
		if m.fix != "" && !slices.Contains(fixes, m.fix) {
			fixes = append(fixes, m.fix)
		}
	}
	f.title = fmt.Sprintf("%s cannot send through %s", c.status.Name, strings.Join(names, ", "))
	f.Summary = f.title + ", whose messages wait; " + strings.Join(replies, "; ")
	f.Fix = cmp.Or(strings.Join(fixes, " / "), "see the replies: traymail queue ls --account "+c.status.Name)
	return f, true
}

// unknown is that messages are held which may have been sent.
func (c circumstances) unknown() (finding, bool) {
	n := c.status.Unknown
	if n == 0 {
		return finding{}, false
	}
	known, _ := refusals.Find("unknown-outcome")
	f := finding{
		Alert: Alert{ID: AlertUnknown, Severity: AlertWarning, Fix: "see which, traymail queue ls --state held --account " + c.status.Name + ", and " + fixIn(known)},
		title: c.status.Name + " holds a message that may have been sent",
	}
	if n > 1 {
		f.title = fmt.Sprintf("%s holds %d messages that may have been sent", c.status.Name, n)
	}
	f.Summary = f.title + ": the answer to it was lost, and sent again it may arrive twice"
	return f, true
}
