package ui

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// A telling program tells the statuses that are sent to it.
type telling struct {
	mailer.Running
	statuses chan mailer.Status
	gone     chan error
}

func (p *telling) Watch(ctx context.Context, changed func(mailer.Status) error) error {
	for {
		select {
		case s := <-p.statuses:
			if err := changed(s); err != nil {
				return err
			}
		case err := <-p.gone:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watched runs a test with a watcher and what it has shown last.
func watched(t *testing.T, test func(p *telling, seen func() desk.Status)) {
	synctest.Test(t, func(t *testing.T) {
		queue := make(chan func(), 1000)
		d := desk.New(func(f func()) { queue <- f })
		defer d.Close()
		p := &telling{statuses: make(chan mailer.Status), gone: make(chan error)}
		var last desk.Status
		watch(d, p, desk.Status{Service: true}, func(s desk.Status) { last = s })
		test(p, func() desk.Status {
			for {
				synctest.Wait()
				select {
				case f := <-queue:
					f()
				default:
					return last
				}
			}
		})
	})
}

func TestAProgramThatSaysNothingShowsAsFrozenUntilItSpeaks(t *testing.T) {
	watched(t, func(p *telling, seen func() desk.Status) {
		p.statuses <- mailer.Status{PID: 7}
		if s := seen(); !s.Known || s.PID != 7 || !s.Service || !s.Silent.IsZero() {
			t.Fatalf("it shows %+v", s)
		}
		spoke := time.Now()
		time.Sleep(silence - time.Second)
		if s := seen(); !s.Silent.IsZero() {
			t.Fatal("it is taken for frozen too early")
		}
		time.Sleep(silence / 5)
		if s := seen(); !s.Silent.Equal(spoke) || s.Trouble != nil {
			t.Fatalf("silent since %v (%v), want %v", s.Silent, s.Trouble, spoke)
		}
		p.statuses <- mailer.Status{PID: 7}
		if s := seen(); !s.Silent.IsZero() {
			t.Error("it still shows as frozen after it spoke")
		}
	})
}

func TestAProgramThatWentIsAskedAgainUntilItIsBack(t *testing.T) {
	watched(t, func(p *telling, seen func() desk.Status) {
		p.statuses <- mailer.Status{PID: 7}
		down := errors.New("no traymail runs for this home")
		p.gone <- down
		gone := time.Now()
		if s := seen(); s.Trouble != down || s.PID != 7 {
			t.Fatalf("it shows %v, PID %d", s.Trouble, s.PID)
		}
		for range 3 {
			time.Sleep(again)
			p.gone <- down
		}
		if s := seen(); !s.Silent.Equal(gone) {
			t.Errorf("silent since %v, want the first time, %v", s.Silent, gone)
		}
		time.Sleep(again)
		p.statuses <- mailer.Status{PID: 8}
		if s := seen(); s.PID != 8 || s.Trouble != nil || !s.Silent.IsZero() {
			t.Errorf("after its return it shows %+v", s)
		}
	})
}
