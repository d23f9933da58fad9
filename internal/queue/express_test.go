package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// unpaced is an account that sends without a pace.
func unpaced(atOnce int) func(string) Pace {
	return func(string) Pace { return Pace{AtOnce: atOnce} }
}

// still is a server that answers when told.
type still struct {
	begun  chan string
	answer chan bool
}

func newStill() *still { return &still{make(chan string, 1000), make(chan bool, 1000)} }

func (s *still) deliver(ctx context.Context, d *Delivery) Outcome {
	s.begun <- d.ID
	select {
	case <-s.answer:
		return allAccepted(ctx, d)
	case <-ctx.Done():
		return Outcome{Reply: "cut short"}
	}
}

func (s *still) free(n int) {
	for range n {
		s.answer <- true
	}
}

func TestConcurrentClientsShareTheSyncsOfTheJournal(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = unpaced(1)
	q := open(t, o)
	s := newStill()
	start(t, q, s.deliver)
	const clients, each = 16, 25
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				accept(t, q, message("acct", "a@x"), strings.Repeat("body ", 2000))
			}
		})
	}
	all.Wait()
	if syncs, appends := q.express.Load().journal.Counts(); appends < clients*each || syncs >= clients*each {
		t.Errorf("%d messages and notes took %d syncs", appends, syncs)
	} else {
		t.Logf("%d messages and notes took %d syncs", appends, syncs)
	}
	if n := q.rowsOf(t, "mail_message"); n != 0 {
		t.Errorf("%d messages went to the tables", n)
	}
	s.free(clients * each)
	list, err := q.List(t.Context(), Filter{Limit: 1000})
	if err != nil || len(list) != clients*each {
		t.Errorf("%d are listed, %v", len(list), err)
	}
	for _, m := range list {
		untilState(t, q, m.ID, Delivered)
	}
}

func TestWhatIsOnTheJournalIsListedCountedAndChangedAsEverythingElse(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = unpaced(1)
	q := open(t, o)
	s := newStill()
	start(t, q, s.deliver)
	ctx := t.Context()
	var ids []string
	for i := range 12 {
		ids = append(ids, accept(t, q, message("acct", fmt.Sprintf("r%d@x", i)), "body"))
	}
	<-s.begun
	accounts, err := q.Accounts(ctx)
	if err != nil || len(accounts) != 1 || accounts[0].Waiting != 11 || accounts[0].Sending != 1 || accounts[0].Bytes != 48 || accounts[0].Oldest.IsZero() {
		t.Errorf("%+v, %v", accounts, err)
	}
	if n := q.rowsOf(t, "mail_message"); n != 0 {
		t.Errorf("%d are in the tables before somebody asks", n)
	}
	if err := q.Hold(ctx, ids[3]); err != nil {
		t.Error(err)
	}
	if err := q.Remove(ctx, ids[4]); err != nil {
		t.Error(err)
	}
	if err := q.Retry(ctx, ids[5]); err != nil {
		t.Error(err)
	}
	if err := q.Remove(ctx, ids[0]); !errors.Is(err, ErrState) {
		t.Errorf("one in flight is removed: %v", err)
	}
	if n := q.rowsOf(t, "mail_message"); n != 4 {
		t.Errorf("%d are in the tables, and 4 were asked for", n)
	}
	if r := get(t, q, ids[6]); r.State != Queued || r.Recipients[0].Address != "r6@x" || r.MessageID != "<7@example.com>" {
		t.Errorf("%+v", r)
	}
	if b, err := q.Body(ctx, ids[7]); err != nil {
		t.Error(err)
	} else if text := new(bytes.Buffer); true {
		if _, err := text.ReadFrom(b); err != nil || text.String() != "body" {
			t.Errorf("%q, %v", text, err)
		}
	}
	if r := get(t, q, ids[0]); r.State != Sending || len(r.Attempts) != 1 || !r.Attempts[0].Finished.IsZero() {
		t.Errorf("the one in flight is %+v", r)
	}
	list, err := q.List(ctx, Filter{})
	if err != nil || len(list) != 12 {
		t.Errorf("%d are listed, %v", len(list), err)
	}
	accounts, err = q.Accounts(ctx)
	if err != nil || accounts[0].Waiting != 9 || accounts[0].Sending != 1 || accounts[0].Held != 1 {
		t.Errorf("%+v, %v", accounts, err)
	}
	s.free(12)
	for i, id := range ids {
		switch i {
		case 3:
			untilState(t, q, id, Held)
		case 4:
			untilState(t, q, id, Removed)
		default:
			if r := untilState(t, q, id, Delivered); len(r.Attempts) != 1 || r.Attempts[0].ExchangeID == "" || r.Attempts[0].Reply != "250 2.0.0 OK" || r.Recipients[0].Reply != "250 2.0.0 OK" {
				t.Errorf("%+v", r)
			}
		}
	}
	log, err := q.Log(ctx, Attempt{}, 100)
	if err != nil || len(log) != 10 {
		t.Errorf("%d attempts in the log, %v", len(log), err)
	}
}

func TestListsAreAskedForWhileABurstIsUnderWay(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = unpaced(3)
	q := open(t, o)
	start(t, q, allAccepted)
	var clients, reader sync.WaitGroup
	var mu sync.Mutex
	var ids []string
	for range 4 {
		clients.Go(func() {
			for range 25 {
				id := accept(t, q, message("acct", "a@x"), "body")
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	over := make(chan bool)
	reader.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			default:
			}
			mu.Lock()
			have := slices.Clone(ids)
			mu.Unlock()
			if got, err := q.Count(t.Context(), Filter{}); err != nil || got < len(have) {
				t.Errorf("%d are counted of %d, %v", got, len(have), err)
			}
			if len(have) == 0 {
				continue
			}
			id := have[n%len(have)]
			if err := q.Hold(t.Context(), id); err != nil && !errors.Is(err, ErrState) {
				t.Error(err)
			} else if err == nil {
				if err := q.Release(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		}
	})
	clients.Wait()
	close(over)
	reader.Wait()
	for _, id := range ids {
		if r := untilState(t, q, id, Delivered); len(r.Attempts) != 1 {
			t.Errorf("%d attempts", len(r.Attempts))
		}
	}
}

func TestPauseTakesWhatWaitsOnTheJournalToo(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = unpaced(1)
	q := open(t, o)
	s := newStill()
	start(t, q, s.deliver)
	ctx := t.Context()
	first := accept(t, q, message("acct", "a@x"), "body")
	second := accept(t, q, message("acct", "b@x"), "body")
	<-s.begun
	if err := q.Pause(ctx, "acct", Pause{Cause: PauseUser}); err != nil {
		t.Fatal(err)
	}
	s.free(10)
	third := accept(t, q, message("acct", "c@x"), "body")
	untilState(t, q, first, Delivered)
	other := accept(t, q, message("other", "d@x"), "body")
	untilState(t, q, other, Delivered)
	for _, id := range []string{second, third} {
		if r := get(t, q, id); r.State != Queued || len(r.Attempts) > 0 {
			t.Errorf("during the pause: %+v", r)
		}
	}
	if err := q.Resume(ctx, "acct"); err != nil {
		t.Fatal(err)
	}
	untilState(t, q, second, Delivered)
	untilState(t, q, third, Delivered)
}

func TestPaceCountsBothWaysTogether(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = func(string) Pace {
		return Pace{AtOnce: 2, PerMinute: 5, RecipientsPerDay: 100, RecipientsPerMessage: 3}
	}
	q := open(t, o)
	var mu sync.Mutex
	sent := 0
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		mu.Lock()
		sent++
		mu.Unlock()
		return allAccepted(ctx, d)
	})
	ctx := t.Context()
	// Two by the tables, for their length, and all others by the journal as far as
	// there are turns.
	long := accept(t, q, message("acct", "1@x", "2@x", "3@x", "4@x", "5@x"), "body")
	untilState(t, q, long, Delivered)
	var ids []string
	for range 6 {
		ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
	}
	for _, id := range ids[:3] {
		untilState(t, q, id, Delivered)
	}
	for _, id := range ids[3:] {
		if r := get(t, q, id); r.State != Queued || len(r.Attempts) > 0 {
			t.Errorf("a sixth within the minute: %+v", r)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	var used, attempts int
	err := q.engine.view().row(ctx, `SELECT (SELECT sum(recipients) FROM mail_usage), (SELECT count(*) FROM mail_attempt)`).Scan(&used, &attempts)
	if err != nil || sent != 5 || attempts != 5 || used != 8 {
		t.Errorf("%d sent in %d attempts to %d recipients, %v", sent, attempts, used, err)
	}
}

func TestShutdownLeavesNothingInTheJournal(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = unpaced(1)
	q, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := newStill()
	start(t, q, s.deliver)
	var ids []string
	for range 5 {
		ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
	}
	<-s.begun
	folder := q.journalFolder()
	if names, _ := os.ReadDir(folder); len(names) == 0 {
		t.Error("nothing went by the journal")
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := q.Shutdown(now); err != nil {
		t.Error(err)
	}
	if names, err := os.ReadDir(folder); err != nil || len(names) > 0 {
		t.Errorf("%v is left, %v", names, err)
	}
	q = open(t, o)
	for i, id := range ids {
		if r := get(t, q, id); r.State != Queued || len(r.Attempts) > 0 != (i == 0) {
			t.Errorf("%+v", r)
		}
	}
}

func TestADeliveredBodyLeavesTheDisk(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	start(t, q, allAccepted)
	untilState(t, q, accept(t, q, message("acct", "a@x"), strings.Repeat("the secret part ", 5000)), Delivered)
	limit := time.Now().Add(time.Minute)
	for {
		found := false
		names, err := filepath.Glob(filepath.Join(q.journalFolder(), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			found = found || err == nil && bytes.Contains(b, []byte("secret"))
		}
		if !found {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the body is still in the journal")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestDamagedJournalLosesOnlyWhatIsDamaged(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	ids := killed(t, childTask{Path: o.Path, Fault: "accepted", Nth: 4, Accept: 10, Deliver: true, Hang: true})
	var kept []string
	for _, word := range ids {
		if isID(word) {
			kept = append(kept, word)
		}
	}
	slices.Sort(kept)
	kept = slices.Compact(kept)
	names, err := filepath.Glob(filepath.Join(filepath.Dir(o.Path), "queue.journal", "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte(kept[1]))+20] ^= 1
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 10)
	o.Log = slog.New(watchLog{slog.DiscardHandler, func(r slog.Record) {
		if r.Level >= slog.LevelError {
			told <- r.Message
		}
	}})
	q := open(t, o)
	for i, id := range kept {
		if _, err := q.Get(t.Context(), id); (err == nil) == (i == 1) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if text := <-told; !strings.Contains(text, "damaged") {
		t.Errorf("told: %s", text)
	}
}
