package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"traymail/internal/postgrestest"
)

// BenchmarkHundredThousandMessages is what a window with so many rows asks for.
func BenchmarkHundredThousandMessages(b *testing.B) {
	open := []State{Queued, Sending, Held}
	done := []State{Delivered, Failed, Removed}
	for name, o := range map[string]Options{"SQLite": sqliteOptions(b), "PostgreSQL": {PostgreSQL: postgrestest.Start(b)}} {
		now := time.Now()
		o.Now = func() time.Time { return now }
		q, err := Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		fillQueue(b, q, 100_000)
		list := func(f Filter) func() error {
			return func() error { _, err := q.List(b.Context(), f); return err }
		}
		count := func(f Filter) func() error {
			return func() error { _, err := q.Count(b.Context(), f); return err }
		}
		traffic := func(ago, step time.Duration) func() error {
			return func() error { _, err := q.Traffic(b.Context(), now.Add(-ago), step); return err }
		}
		for _, c := range []struct {
			what string
			run  func() error
		}{
			{"list/first", list(Filter{States: done})},
			{"list/middle", list(Filter{States: open, Offset: 25_000, Newest: "0000000000200000"})},
			{"list/last", list(Filter{States: open, Offset: 49_900, Newest: "0000000000200000"})},
			{"list/all/last", list(Filter{Offset: 99_900})},
			{"list/text/often", list(Filter{States: done, Text: "re"})},
			{"list/text/once", list(Filter{States: done, Text: "r77@x"})},
			{"list/text/never", list(Filter{Text: "nobody"})},
			{"list/text/never/other letters", list(Filter{Text: "änderung"})},
			{"count/all", count(Filter{})},
			{"count/states", count(Filter{States: done})},
			{"count/account", count(Filter{Account: "busy"})},
			{"count/account+states", count(Filter{Account: "busy", States: open})},
			{"count/text", count(Filter{States: done, Text: "re"})},
			{"traffic/hour", traffic(time.Hour, time.Minute)},
			{"traffic/day", traffic(24*time.Hour, 30*time.Minute)},
			{"traffic/month", traffic(30*24*time.Hour, 24*time.Hour)},
		} {
			b.Run(name+"/"+c.what, func(b *testing.B) {
				for b.Loop() {
					if err := c.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := q.Shutdown(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommands is what the commands of a person do, with 10 messages in the queue
// and with 100,000, each for the same page of 5 or for one message. 'queue flush' is
// not here: what it does, it does to each message.
func BenchmarkCommands(b *testing.B) {
	open := []State{Queued, Sending, Held}
	const one = "0000000000100003" // waits
	list := func(f Filter) func(context.Context, *Queue) error {
		f.Limit = 5
		return func(ctx context.Context, q *Queue) error { _, err := q.List(ctx, f); return err }
	}
	commands := []struct {
		what string
		run  func(context.Context, *Queue) error
	}{
		{"ls", list(Filter{States: open})},
		{"ls --all", list(Filter{})},
		{"ls --state held", list(Filter{State: Held})},
		{"ls --address", list(Filter{Address: "r3@x"})},
		{"ls --id", list(Filter{ID: "<3@x>"})},
		{"show", func(ctx context.Context, q *Queue) error { _, err := q.Get(ctx, one); return err }},
		{"log", func(ctx context.Context, q *Queue) error { _, err := q.Log(ctx, Attempt{}, 5); return err }},
		{"status", func(ctx context.Context, q *Queue) error { _, err := q.Accounts(ctx); return err }},
		{"retry", func(ctx context.Context, q *Queue) error { return q.Retry(ctx, one) }},
		{"hold and release", func(ctx context.Context, q *Queue) error { return errors.Join(q.Hold(ctx, one), q.Release(ctx, one)) }},
		{"send and rm", func(ctx context.Context, q *Queue) error {
			id, err := q.Accept(ctx, message("quiet", "a@x"), strings.NewReader("body"))
			return errors.Join(err, q.Remove(ctx, id))
		}},
	}
	for name, options := range map[string]func() Options{
		"SQLite": func() Options { return sqliteOptions(b) }, "PostgreSQL": func() Options { return Options{PostgreSQL: postgrestest.Start(b)} },
	} {
		sizes := []int{10, 100_000}
		var queues []*Queue
		for _, messages := range sizes {
			now := time.Now()
			o := options()
			o.Now = func() time.Time { return now }
			q, err := Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			fillQueue(b, q, messages)
			queues = append(queues, q)
		}
		for _, c := range commands {
			for i, q := range queues { // in turn, so that what else the machine does meets both
				b.Run(fmt.Sprintf("%s/%s/%d", name, c.what, sizes[i]), func(b *testing.B) {
					for b.Loop() {
						if err := c.run(b.Context(), q); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
		for _, q := range queues {
			if err := q.Shutdown(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
