//go:build !darwin || cgo

package messages

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// BenchmarkScroll scrolls through a history of 100,000 messages, three rows a
// step as a notch of the wheel does, and back at its end. A step is the work of
// the window's goroutine for one frame, without the drawing: rows are placed,
// those that came are told, and what was fetched meanwhile is taken.
func BenchmarkScroll(b *testing.B) {
	w := open(b, History, endless(100_000), desk.Place{})
	y, step := float32(0), float32(3*rowHeight)
	end := float32(100_000*rowHeight) - w.list.scroll.Size().Height
	b.ReportAllocs()
	bars := 0
	for b.Loop() {
		if y += step; y > end || y < 0 {
			step = -step
			y += 2 * step
		}
		w.list.scrollTo(y)
		if w.p.row(w.p.first) == nil {
			bars++
		}
		w.turn()
	}
	w.report(b, bars)
}

// BenchmarkDrag jumps through the whole list, as one does who drags the bar: no
// row of a step is at hand from the step before.
func BenchmarkDrag(b *testing.B) {
	w := open(b, History, endless(100_000), desk.Place{})
	b.ReportAllocs()
	at, bars := 0, 0
	for b.Loop() {
		at = (at + 997) % 99_000
		w.list.scrollTo(float32(at * rowHeight))
		if w.p.row(w.p.first) == nil {
			bars++
		}
		w.turn()
	}
	w.report(b, bars)
}

func (b *bench) report(x *testing.B, bars int) {
	x.ReportMetric(float64(len(b.list.views)), "rows-alive")
	x.ReportMetric(float64(len(b.p.rows.pages)), "pages-kept")
	x.ReportMetric(float64(bars)/float64(x.N), "bars/op")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	x.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-heap")
}

// endless is a program with that many messages, of which it keeps none.
type endless int

func (n endless) Messages(_ context.Context, f mailer.Filter) ([]mailer.Message, error) {
	list := make([]mailer.Message, 0, f.Limit)
	for i := f.Offset; i < int(n) && len(list) < f.Limit; i++ {
		rec := n.record(int(n) - i)
		list = append(list, rec.Summary)
	}
	return list, nil
}

func (n endless) record(i int) mailer.Record {
	states := []mailer.State{delivered, failed, delivered, removed}
	return message(i, states[i%len(states)], "Disk space below 10% on host-"+strconv.Itoa(i), "head.of.accounting.and.controlling@subsidiary-of-the-group.contoso.com")
}

func (n endless) Count(context.Context, mailer.Filter) (int, error) { return int(n), nil }

func (n endless) Message(_ context.Context, id string) (*mailer.Record, error) {
	i, err := strconv.Atoi(strings.TrimPrefix(id, "0d7k3v"))
	rec := n.record(i)
	return &rec, err
}

func (n endless) Change(context.Context, string, mailer.Change) error { return nil }

func (n endless) Flush(context.Context, string) (int, error) { return 0, nil }
