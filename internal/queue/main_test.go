package queue

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"traymail/internal/postgrestest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// onBoth runs a test on a new SQLite file and on a new PostgreSQL database.
func onBoth(t *testing.T, test func(t *testing.T, o Options)) {
	t.Run("SQLite", func(t *testing.T) { test(t, sqliteOptions(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, Options{PostgreSQL: postgrestest.Start(t)}) })
}

func sqliteOptions(t testing.TB) Options {
	return Options{Path: filepath.Join(t.TempDir(), "queue.db")}
}

// open opens a queue that the test shuts down.
func open(t *testing.T, o Options) *Queue {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	q, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		countAgain(t, q)
		if err := q.Shutdown(context.Background()); err != nil {
			t.Errorf("shut down: %v", err)
		}
	})
	return q
}

// countAgain compares the numbers kept with the messages, at one moment. It is done
// at the end of every test of the package.
func countAgain(t *testing.T, q *Queue) {
	t.Helper()
	r, err := q.engine.view().query(context.Background(), `SELECT name,
		COALESCE(waiting, 0), COALESCE(sending, 0), COALESCE(held, 0), COALESCE(bytes, 0),
		(SELECT count(*) FROM mail_message WHERE account = name AND state = 'queued'),
		(SELECT count(*) FROM mail_message WHERE account = name AND state = 'sending'),
		(SELECT count(*) FROM mail_message WHERE account = name AND state = 'held'),
		CAST(COALESCE((SELECT sum(size) FROM mail_message WHERE account = name AND finished = 0), 0) AS BIGINT)
		FROM mail_account LEFT JOIN (`+tallies+` GROUP BY account) AS tally ON account = name`)
	if errors.Is(err, sql.ErrConnDone) || err != nil && strings.Contains(err.Error(), "closed") {
		return // the test has shut it down
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for r.Next() {
		var name string
		var kept, found counts
		if err := r.Scan(&name, &kept.waiting, &kept.sending, &kept.held, &kept.bytes, &found.waiting, &found.sending, &found.held, &found.bytes); err != nil {
			t.Fatal(err)
		}
		if kept != found {
			t.Errorf("the numbers kept of %s are %+v, and there are %+v", name, kept, found)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, q *Queue, deliver Deliver) {
	t.Helper()
	if err := q.Start(context.Background(), deliver); err != nil {
		t.Fatal(err)
	}
}

func message(account string, to ...string) Message {
	m := Message{Account: account, Client: "scanner", Subject: "Invoice 7", MessageID: "<7@example.com>"}
	m.From = "billing@example.com"
	for _, a := range to {
		m.Recipients = append(m.Recipients, Recipient{Address: a})
	}
	return m
}

func accept(t *testing.T, q *Queue, m Message, body string) string {
	t.Helper()
	id, err := q.Accept(context.Background(), m, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func get(t *testing.T, q *Queue, id string) *Record {
	t.Helper()
	r, err := q.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until waits for a record's condition, looked at anew after each event and, as
// other machines send none, now and then.
func until(t *testing.T, q *Queue, id string, what string, ok func(*Record) bool) *Record {
	t.Helper()
	events, cancel := q.Subscribe()
	defer cancel()
	limit := time.After(2 * time.Minute)
	for {
		r := get(t, q, id)
		if ok(r) {
			return r
		}
		select {
		case <-events:
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			t.Fatalf("%s never came; the message is %+v", what, r)
		}
	}
}

func untilState(t *testing.T, q *Queue, id string, s State) *Record {
	t.Helper()
	return until(t, q, id, string(s), func(r *Record) bool { return r.State == s })
}

func allAccepted(ctx context.Context, d *Delivery) Outcome {
	return answer(d, Result{Verdict: Accepted, Reply: "250 2.0.0 OK"})
}

// answer gives every recipient the same result.
func answer(d *Delivery, r Result) Outcome {
	o := Outcome{Reply: r.Reply, Session: "s1", ExchangeID: "<x@prod.outlook.com>"}
	for range d.Recipients {
		o.Results = append(o.Results, r)
	}
	return o
}

func readBody(ctx context.Context, d *Delivery) (string, error) {
	r, err := d.Open(ctx)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), errors.Join(err, r.Close())
}

// lite is the engine of a queue in a SQLite file.
func lite(q *Queue) *liteEngine { return q.engine.(*warden).engine }
