package messages

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"traymail/internal/mailer"
	"traymail/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ Program = mailer.Program(nil)

// clock is the time of the tests' lists.
var clock = time.Date(2026, 11, 21, 14, 2, 0, 0, time.UTC)

// A fake is a program with messages, newest first. block, unless nil, is called
// at the beginning of each call, with its name; its error is the call's.
type fake struct {
	mu      sync.Mutex
	list    []mailer.Record
	calls   map[string]int
	filters []mailer.Filter // of Messages
	changed []string        // "retry ID"
	block   func(ctx context.Context, call string) error
	refuse  error // what Change fails with
}

func newFake(list ...mailer.Record) *fake { return &fake{list: list, calls: map[string]int{}} }

// newest adds a message at the top.
func (f *fake) newest(rec mailer.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append([]mailer.Record{rec}, f.list...)
}

// set changes the message of an ID.
func (f *fake) set(id string, change func(*mailer.Record)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.list[f.index(id)])
}

func (f *fake) index(id string) int {
	return slices.IndexFunc(f.list, func(r mailer.Record) bool { return r.ID == id })
}

func (f *fake) begin(ctx context.Context, call string) error {
	f.mu.Lock()
	f.calls[call]++
	block := f.block
	f.mu.Unlock()
	if block != nil {
		if err := block(ctx, call); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func chosen(f mailer.Filter, r *mailer.Record) bool {
	text := strings.ToLower(f.Text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	found := f.Text == "" || has(r.From) || has(r.Subject) || has(r.ID) || has(r.MessageID)
	for _, p := range r.Recipients {
		found = found || has(p.Address)
	}
	return found && (len(f.States) == 0 || slices.Contains(f.States, r.State)) && (f.Account == "" || f.Account == r.Account) &&
		(f.Newest == "" || r.ID <= f.Newest) && (f.Before == "" || r.ID < f.Before)
}

func (f *fake) Messages(ctx context.Context, q mailer.Filter) ([]mailer.Message, error) {
	if err := f.begin(ctx, "messages"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filters = append(f.filters, q)
	var list []mailer.Message
	skip := q.Offset
	for i := range f.list {
		if !chosen(q, &f.list[i]) {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if list = append(list, f.list[i].Summary); len(list) == q.Limit {
			break
		}
	}
	return list, nil
}

func (f *fake) Count(ctx context.Context, q mailer.Filter) (n int, err error) {
	if err := f.begin(ctx, "count"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		if chosen(q, &f.list[i]) {
			n++
		}
	}
	return n, nil
}

func (f *fake) Message(ctx context.Context, id string) (*mailer.Record, error) {
	if err := f.begin(ctx, "message"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.index(id)
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", mailer.ErrNoMessage, id)
	}
	rec := f.list[i]
	return &rec, nil
}

func (f *fake) Change(ctx context.Context, id string, what mailer.Change) error {
	if err := f.begin(ctx, "change"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	f.changed = append(f.changed, string(what)+" "+id)
	rec := &f.list[f.index(id)]
	switch what {
	case mailer.Hold:
		rec.State = held
	case mailer.Release:
		rec.State, rec.Unknown = queued, false
	case mailer.Drop:
		rec.State, rec.Finished = removed, clock
	}
	return nil
}

func (f *fake) Flush(ctx context.Context, account string) (n int, err error) {
	if err := f.begin(ctx, "flush"); err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.list {
		if r.State == queued && (account == "" || r.Account == account) {
			n++
		}
	}
	return n, nil
}

// idOf names messages so that they sort by their number.
func idOf(n int) string { return fmt.Sprintf("0d7k3v%010d", n) }

// message makes the n-th message, with what its state brings along.
func message(n int, s mailer.State, subject string, to ...string) mailer.Record {
	rec := mailer.Record{Summary: mailer.Message{ID: idOf(n), State: s, Message: queue.Message{
		Account: "alerts", Client: "endpoint-central", Subject: subject, MessageID: fmt.Sprintf("<%d.alerts@ec01.contoso.com>", n),
		Size: int64(2000 + n*731%90000), Received: clock.Add(-time.Duration(100-n%100) * time.Minute),
	}}}
	rec.From = "alerts@contoso.com"
	if len(to) == 0 {
		to = []string{"ops@contoso.com"}
	}
	attempt := mailer.Attempt{ID: rec.ID, N: 1, Account: rec.Account, Machine: "ec01", Recipients: len(to), Started: rec.Received.Add(time.Second),
		Finished: rec.Received.Add(2 * time.Second), Elapsed: 1240 * time.Millisecond, Session: "s-71c2"}
	state := queued
	switch s {
	case delivered:
		attempt.Outcome, attempt.ExchangeID = "delivered", "DB9PR05MB8345"
		attempt.Reply = "250 2.0.0 OK <" + rec.MessageID + "> [Hostname=DB9PR05MB8345.eurprd05.prod.outlook.com]"
		state, rec.Finished = delivered, attempt.Finished
	case failed:
		attempt.Outcome = "refused"
		attempt.Reply = "554 5.2.252 SendAsDenied; alerts@contoso.com not allowed to send as noreply@contoso.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"
		state, rec.Finished = failed, attempt.Finished
	case sending:
		attempt.Finished, attempt.Elapsed = time.Time{}, 0
	}
	if attempt.Outcome != "" || s == sending {
		rec.LastAttempt, rec.Attempts = 1, []mailer.Attempt{attempt}
	}
	for _, a := range to {
		rec.Recipients = append(rec.Recipients, queue.RecipientRecord{Recipient: queue.Recipient{Address: a}, State: state, Reply: attempt.Reply})
	}
	return rec
}

// putOff has a queued message's attempt put off.
func putOff(rec mailer.Record) mailer.Record {
	const reply = "451 4.7.500 Server busy. Please try again later from [203.0.113.7]. (S77714)"
	rec.LastAttempt, rec.Next = 2, clock.Add(7*time.Minute)
	for n := 1; n <= 2; n++ {
		rec.Attempts = append(rec.Attempts, mailer.Attempt{ID: rec.ID, N: n, Account: rec.Account, Machine: "ec01", Recipients: len(rec.Recipients),
			Started: rec.Received.Add(time.Duration(n) * time.Minute), Finished: rec.Received.Add(time.Duration(n)*time.Minute + time.Second),
			Elapsed: 900 * time.Millisecond, Outcome: "retry", Reply: reply, Session: "s-71c2"})
	}
	rec.Recipients = slices.Clone(rec.Recipients)
	for i := range rec.Recipients {
		rec.Recipients[i].Reply, rec.Recipients[i].Tries, rec.Recipients[i].Next = reply, 2, rec.Next
	}
	return rec
}

// unclear makes a held message one of which it is not known whether it was sent.
func unclear(rec mailer.Record) mailer.Record {
	rec.Unknown, rec.LastAttempt = true, 1
	rec.Attempts = []mailer.Attempt{{ID: rec.ID, N: 1, Account: rec.Account, Machine: "ec01", Recipients: len(rec.Recipients), Started: rec.Received.Add(time.Second),
		Finished: rec.Received.Add(62 * time.Second), Elapsed: 61 * time.Second, Outcome: "held", Reply: "the connection was lost before the reply to the message's end", Session: "s-71c2"}}
	return rec
}

// many makes n messages of all states.
func many(n int) []mailer.Record {
	list := make([]mailer.Record, n)
	states := []mailer.State{delivered, delivered, delivered, failed, delivered, queued, held, removed}
	for i := range list {
		list[i] = message(n-i, states[i%len(states)], fmt.Sprintf("Disk space below 10%% on host-%05d", n-i))
	}
	return list
}
