package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// alterWhileOpen overwrites tree pages of a kind that hold a text, in the file of a
// queue that is open, and has SQLite forget what it has read.
func alterWhileOpen(t *testing.T, q *Queue, kind byte, alter func(page []byte) bool) {
	t.Helper()
	e := lite(q)
	// What is in the log is read from there.
	if _, err := e.writer.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	db := readAll(t, q.options.Path)
	file, err := os.OpenFile(q.options.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	altered := 0
	for n := 1; n < len(db)/4096; n++ {
		if p := db[n*4096 : n*4096+4096]; p[0] == kind && alter(p) {
			if _, err := file.WriteAt(p, int64(n*4096)); err != nil {
				t.Fatal(err)
			}
			altered++
		}
	}
	if err := file.Close(); err != nil || altered == 0 {
		t.Fatalf("%d pages were altered: %v", altered, err)
	}
	for _, db := range []interface {
		SetMaxIdleConns(int)
	}{e.reader, e.writer} {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(2)
	}
}

// untilAccepted hands a message over as a client does that is told to come again.
func untilAccepted(t *testing.T, q *Queue, m Message, body string) string {
	t.Helper()
	for {
		id, err := q.Accept(t.Context(), m, strings.NewReader(body))
		if err == nil {
			return id
		}
		if !errors.Is(err, ErrDamaged) && !strings.Contains(err.Error(), "closed") {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestDamageThatIsMetWhileMessagesAreSentIsPutRight(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.Pace = func(string) Pace { return Pace{AtOnce: 2} }
	q := open(t, o)
	inFlight, goOn := make(chan string), make(chan bool)
	sent := make(chan string, 100)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		if d.Account == "slow" {
			inFlight <- d.ID
			<-goOn
		}
		if _, err := readBody(ctx, d); err != nil && d.Account != "slow" {
			return answer(d, Result{Reply: err.Error()})
		}
		sent <- d.ID
		return allAccepted(ctx, d)
	})
	if err := q.Pause(t.Context(), "later", Pause{Cause: PauseUser}); err != nil {
		t.Fatal(err)
	}
	var waiting []string
	for i := range 40 {
		waiting = append(waiting, accept(t, q, message("later", fmt.Sprintf("a%d@x", i)), strings.Repeat("body ", 2000)))
	}
	slow := accept(t, q, message("slow", "b@x"), "body")
	<-inFlight
	if _, err := q.List(t.Context(), Filter{Limit: 1}); err != nil { // nothing is on its way to the tables
		t.Fatal(err)
	}
	// A page of an index is in the way of every new message.
	alterWhileOpen(t, q, 0x0a, func(p []byte) bool { clear(p); return true })
	after := untilAccepted(t, q, message("other", "c@x"), "body")
	// The journal takes messages meanwhile; who looks at the tables waits.
	for {
		damages, err := Damages(o.Path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = q.Get(t.Context(), after); err == nil && len(damages) > 0 {
			break
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !strings.Contains(err.Error(), "closed") {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(goOn)
	for _, id := range []string{slow, after} {
		if r := untilState(t, q, id, Delivered); len(r.Attempts) != 1 || r.Attempts[0].Resend {
			t.Errorf("the attempts are %+v", r.Attempts)
		}
	}
	damages, err := Damages(o.Path)
	if err != nil || len(damages) != 1 || len(damages[0].Held)+len(damages[0].Lost) != 0 {
		t.Errorf("it is told of %+v, %v", damages, err)
	}
	for _, id := range waiting {
		if r := get(t, q, id); r.State != Queued {
			t.Errorf("%s is %s", id, r.State)
		}
	}
	if err := q.Resume(t.Context(), "later"); err != nil {
		t.Fatal(err)
	}
	for _, id := range waiting {
		untilState(t, q, id, Delivered)
	}
	if len(sent) != len(waiting)+2 {
		t.Errorf("%d messages were sent of %d", len(sent), len(waiting)+2)
	}
}

func TestDamagedIndexAloneIsMadeAnewInItsPlace(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	now := time.Now()
	o.Now = func() time.Time { return now }
	q := open(t, o)
	m := message("acct", "a@x")
	m.MessageID = "<first.of.two@example.com>"
	id := accept(t, q, m, "body")
	gone := accept(t, q, message("acct", "b@x"), "body")
	if err := errors.Join(q.Remove(t.Context(), gone), q.Remove(t.Context(), id)); err != nil {
		t.Fatal(err)
	}
	kept := accept(t, q, message("acct", "c@x"), "body")
	alterWhileOpen(t, q, 0x0a, func(p []byte) bool {
		at := bytes.Index(p, []byte("<first.of.two"))
		if at >= 0 {
			p[at+1] = 'F'
		}
		return at >= 0
	})
	// Its row is removed, and is not where the index should have it.
	now = now.Add(60 * 24 * time.Hour)
	for err := error(nil); !errors.Is(err, ErrDamaged); {
		if err = q.clear(t.Context()); err == nil {
			t.Fatal("nothing was met")
		}
	}
	for err := error(ErrDamaged); err != nil; err = q.clear(t.Context()) {
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := q.Get(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	if r := get(t, q, kept); r.State != Queued {
		t.Errorf("it is %s", r.State)
	}
	if damages, err := Damages(o.Path); len(damages) != 0 || err != nil {
		t.Errorf("it is told of %v, %v", damages, err)
	}
	if problem, _, err := integrityOf(t, q, o.Path); problem != "" || err != nil {
		t.Errorf("%s %v", problem, err)
	}
}

func TestAMessageThatIsNotFoundByItsIDIsSentAllTheSame(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	o.lost, o.lease = time.Second, time.Second // it looks five times in a lease
	q := open(t, o)
	ids := []string{accept(t, q, message("acct", "a@x"), "body"), accept(t, q, message("acct", "b@x"), "body")}
	for _, change := range []func(context.Context, string) error{q.Hold, q.Release} { // and both are in the tables
		if err := errors.Join(change(t.Context(), ids[0]), change(t.Context(), ids[1])); err != nil {
			t.Fatal(err)
		}
	}
	alterWhileOpen(t, q, 0x0a, func(p []byte) bool {
		at := bytes.Index(p, append([]byte{3, 13 + 2*16, 1}, ids[1]...)) // the ID and the row's number, a small one
		if at >= 0 {
			p[at+3+15] ^= 1
		}
		return at >= 0
	})
	start(t, q, allAccepted)
	for end := time.Now().Add(time.Minute); len(ids) > 0; time.Sleep(20 * time.Millisecond) {
		if r, err := q.Get(t.Context(), ids[0]); err == nil && r.State == Delivered {
			ids = ids[1:]
		} else if time.Now().After(end) {
			t.Fatalf("%d are not sent, %v: %+v", len(ids), err, r)
		}
	}
	q.engine.(*warden).settled(t)
	if damages, err := Damages(o.Path); len(damages) != 0 || err != nil {
		t.Errorf("it is told of %v, %v", damages, err)
	}
}

func TestARecipientWhoseRowCannotBeWrittenGetsTheMessageOnce(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	id := accept(t, q, message("acct", "a@x", "b@x"), "body")
	for _, change := range []func(context.Context, string) error{q.Hold, q.Release} { // and it is in the tables
		if err := change(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	alterWhileOpen(t, q, 0x0a, func(p []byte) bool {
		at := bytes.Index(p, append([]byte{4, 13 + 2*16, 9, 1}, id...)) // the ID, the recipient's number 1, and a small number of the row
		if at >= 0 {
			p[at+4+12] = 8 // less than it was: before itself
		}
		return at >= 0
	})
	var sent atomic.Int32
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		sent.Add(int32(len(d.Recipients)))
		return allAccepted(ctx, d)
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		r, err := q.Get(t.Context(), id)
		if err == nil && r.State == Held {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%v: %+v", err, r)
		}
	}
	q.engine.(*warden).settled(t)
	if n := sent.Load(); n != 2 {
		t.Errorf("%d were sent to 2 recipients", n)
	}
}

func TestQueueWaitsForAProgramThatKeepsItsFileLocked(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	inFlight, goOn := make(chan bool), make(chan bool)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		inFlight <- true
		<-goOn
		return allAccepted(ctx, d)
	})
	id := accept(t, q, message("acct", "a@x"), "body")
	<-inFlight
	other, err := openPlain(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Begin() // immediate: it has the lock for writing
	if err != nil {
		t.Fatal(err)
	}
	goOn <- true
	// What goes by the journal goes on.
	next := accept(t, q, message("acct", "b@x"), "body")
	<-inFlight
	goOn <- true
	// What needs the tables waits as long as SQLite does for the lock, and is told.
	_, err = q.Accept(t.Context(), message("acct", "c@x"), strings.NewReader(strings.Repeat("long ", 100_000)))
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), o.Path) {
		t.Errorf("it is told of as %v", err)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{id, next} {
		if r := untilState(t, q, id, Delivered); len(r.Attempts) != 1 || r.Attempts[0].Resend {
			t.Errorf("the attempts are %+v", r.Attempts)
		}
	}
}

// settled waits until the file is not being put right.
func (g *warden) settled(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := g.current(); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestMessagesWithAnAlteredNumberOrJobAreSentOrHeld(t *testing.T) {
	t.Parallel()
	for column, value := range map[string]string{
		"kind": "'traymail-delivar'", "queue": "'account-0'", "args": "x'cc0b'", "priority": "4", "attempt": "'x'", "max_attempts": "1",
		"attempted_at": "'2026-11-?2 03'", "attempted_by": "x'ee'", "created_at": "'2o26'", "scheduled_at": "'2026-11-?2 03:23:34.494'", "errors": "x'cc'",
		"metadata": "x'c0'", "tags": "x'00'", "unique_key": "'x'", "unique_states": "'x'",
		"state":            "'retryable', scheduled_at = '2999-01-01 00:00:00'",
		"mail_message.job": "'x'", "mail_message.next_at": "'x'", "mail_message.attempts": "'x'", "mail_message.waits_from": "'x'",
		"mail_message.resend": "'x'", "mail_message.late": "'x'", "mail_message.account": "'acbt'", "mail_message.received": "'x'",
		"mail_message.finished": "5", "mail_message.state": "'sent'", "mail_message.size": "'x'", "mail_message.body": "0",
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			o := sqliteOptions(t)
			o.lost, o.lease = time.Second, time.Second // it looks five times in a lease
			q := open(t, o)
			var ids []string
			for range 3 {
				ids = append(ids, accept(t, q, message("acct", "a@x"), "body"))
			}
			if err := q.Hold(t.Context(), ids[0]); err != nil { // and all are in the tables
				t.Fatal(err)
			}
			if err := q.Release(t.Context(), ids[0]); err != nil {
				t.Fatal(err)
			}
			if err := q.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			db, err := openPlain(o.Path)
			if err != nil {
				t.Fatal(err)
			}
			change := `UPDATE river_job SET ` + column + ` = ` + value + ` WHERE id = (SELECT min(job) FROM mail_message)`
			if _, own, ok := strings.Cut(column, "mail_message."); ok {
				change = `UPDATE mail_message SET ` + own + ` = ` + value + ` WHERE job = (SELECT min(job) FROM mail_message)`
			}
			r, err := db.Exec(change)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := r.RowsAffected(); n != 1 || err != nil {
				t.Errorf("%d jobs are altered: %v", n, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			q = open(t, o)
			start(t, q, allAccepted)
			for end := time.Now().Add(time.Minute); len(ids) > 0; time.Sleep(20 * time.Millisecond) {
				r, err := q.Get(t.Context(), ids[0])
				if err == nil && (r.State == Delivered || r.State == Held) {
					ids = ids[1:]
				} else if err != nil && !errors.Is(err, ErrDamaged) || time.Now().After(end) {
					t.Fatalf("%d are not sent, %v: %+v", len(ids), err, r)
				}
			}
			q.engine.(*warden).settled(t)
		})
	}
}
