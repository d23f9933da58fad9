package queue

import (
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
