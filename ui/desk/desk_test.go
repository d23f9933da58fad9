package desk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A loop stands for the window's: what is dispatched waits until it is run.
type loop struct{ queue chan func() }

func newLoop() *loop { return &loop{make(chan func(), 100)} }

func (l *loop) do(f func()) { l.queue <- f }

func (l *loop) run() (n int) {
	for {
		select {
		case f := <-l.queue:
			f()
			n++
		default:
			return n
		}
	}
}

func TestWhatFollowsFromWorkRunsOnTheWindowsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		d := New(l.do)
		defer d.Close()
		shown := 0
		d.Start(func(context.Context) func() { return func() { shown++ } })
		synctest.Wait()
		if shown != 0 {
			t.Fatal("it did not wait for the window's goroutine")
		}
		if l.run(); shown != 1 {
			t.Errorf("shown %d times, want once", shown)
		}
	})
}

func TestWorkThatIsGivenUpStillSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		d := New(l.do)
		defer d.Close()
		var said error
		cancel := d.Start(func(ctx context.Context) func() {
			<-ctx.Done()
			return func() { said = ctx.Err() }
		})
		cancel()
		synctest.Wait()
		if l.run(); said != context.Canceled {
			t.Errorf("it says %v", said)
		}
	})
}

func TestNothingIsDispatchedOnceTheDeskHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		d := New(l.do)
		ran := false
		d.Start(func(ctx context.Context) func() {
			<-ctx.Done()
			return func() { ran = true }
		})
		d.Post(func() { ran = true }) // dispatched, but not run before the end
		d.Close()
		d.Post(func() { ran = true })
		d.Start(func(context.Context) func() { ran = true; return nil })
		if n := l.run(); n > 1 || ran {
			t.Errorf("%d were dispatched, ran: %v", n, ran)
		}
	})
}

func TestEveryPeriodIsToldUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		d := New(l.do)
		defer d.Close()
		n := 0
		stop := d.Every(time.Second, func() { n++ })
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		l.run()
		stop()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if l.run(); n != 3 {
			t.Errorf("told %d times, want 3", n)
		}
	})
}
