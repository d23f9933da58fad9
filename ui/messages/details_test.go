package messages

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

func TestDetailsFollowTheCursor(t *testing.T) {
	play(t, History, newFake(many(500)...), func(s *stage) {
		s.enter()
		s.run(time.Second)
		if st := s.told(); st.Open != idOf(500) || st.Record == nil || st.Record.ID != idOf(500) {
			t.Fatalf("%q is open", st.Open)
		}
		s.move(450) // whose row is not there yet
		s.see(440, 460)
		s.run(time.Second)
		if st := s.told(); st.Open != idOf(50) || st.Record.ID != idOf(50) || st.Cursor != 450 {
			t.Errorf("%q is open, the cursor at %d", st.Open, st.Cursor)
		}
		if !s.leave() || s.told().Open != "" || s.leave() {
			t.Error("the details do not close")
		}
	})
}

func TestAPlaceWithAMessageOpensItsDetails(t *testing.T) {
	play(t, History, newFake(many(500)...), func(s *stage) {
		s.search("nothing like it")
		s.run(time.Second)
		s.appear(desk.Place{Message: idOf(490)})
		s.run(time.Second)
		if st := s.told(); st.Record == nil || st.Record.ID != idOf(490) || st.Cursor != 10 || st.Query != (Query{}) {
			t.Errorf("%q is open, the cursor at %d, of %v", st.Open, st.Cursor, st.Query)
		}
		s.appear(desk.Place{Message: "gone"})
		s.run(time.Second)
		if st := s.told(); !errors.Is(st.RecordErr, mailer.ErrNoMessage) {
			t.Errorf("of one that is gone it says %v", st.RecordErr)
		}
	})
}

func TestWhatIsDoneToAMessageShowsInItsDetailsAndItsRow(t *testing.T) {
	f := newFake(message(1, queued, "Later"))
	play(t, History, f, func(s *stage) {
		s.enter()
		s.run(time.Second)
		s.change(mailer.Hold)
		s.run(time.Second)
		if st := s.told(); st.Record.State != held || s.row(0).State != held || st.ChangeErr != nil {
			t.Errorf("it is %s, its row %s: %v", st.Record.State, s.row(0).State, st.ChangeErr)
		}
		s.change(mailer.Drop)
		if s.run(time.Second); len(s.asked) != 1 || len(f.changed) != 1 {
			t.Fatal("it is removed without asking")
		}
		s.yes()
		s.run(time.Second)
		if st := s.told(); st.Record.State != removed || !slices.Equal(f.changed, []string{"hold " + idOf(1), "remove " + idOf(1)}) {
			t.Errorf("it is %s after %v", st.Record.State, f.changed)
		}
	})
}

func TestAChangeThatIsRefusedIsTold(t *testing.T) {
	f := newFake(message(1, queued, "Later"))
	f.refuse = mailer.ErrMessageState
	play(t, Queue, f, func(s *stage) {
		s.enter()
		s.run(time.Second)
		s.change(mailer.Retry)
		s.run(time.Second)
		if st := s.told(); !errors.Is(st.ChangeErr, mailer.ErrMessageState) || st.Changing != "" {
			t.Errorf("it says %v", st.ChangeErr)
		}
	})
}

func TestOneThatMayHaveBeenSentIsReleasedOnlyWhenAsked(t *testing.T) {
	f := newFake(unclear(message(1, held, "Invoice")))
	play(t, Queue, f, func(s *stage) {
		s.enter()
		s.run(time.Second)
		s.change(mailer.Release)
		s.run(time.Second)
		if len(f.changed) != 0 || len(s.asked) != 1 || !s.asked[0].Unknown {
			t.Fatalf("%v was done, %v asked", f.changed, s.asked)
		}
		s.yes()
		s.run(time.Second)
		if !slices.Equal(f.changed, []string{"release " + idOf(1)}) {
			t.Errorf("%v was done", f.changed)
		}
	})
}

func TestDetailsThatAreLateGiveWayToThoseThatAreAwaited(t *testing.T) {
	f := newFake(many(10)...)
	play(t, History, f, func(s *stage) {
		s.enter()
		s.run(time.Second)
		f.mu.Lock()
		f.block = func(ctx context.Context, _ string) error { wait(ctx, time.Minute); return nil }
		f.mu.Unlock()
		s.move(1)
		if s.run(100 * time.Millisecond); s.told().Record == nil {
			t.Error("the pane is blank for a moment")
		}
		if s.run(time.Second); s.told().Record != nil {
			t.Error("another message's details are shown")
		}
	})
}

func TestAllThatWaitAreRetriedAtOnceButCountedFirst(t *testing.T) {
	f := newFake(many(400)...)
	play(t, Queue, f, func(s *stage) {
		s.all(mailer.Retry)
		s.run(time.Second)
		if len(s.asked) != 1 || s.asked[0].N != 50 || s.calls("flush") != 0 {
			t.Fatalf("asked %v", s.asked)
		}
		s.yes()
		s.run(time.Second)
		if r := s.told().Result; r == nil || r.Done != 50 || r.Err != nil || s.calls("flush") != 1 {
			t.Errorf("it ended with %+v", r)
		}
	})
}

func TestOnlyWhatTheSearchFindsIsRetriedOrHeld(t *testing.T) {
	f := newFake(many(400)...)
	play(t, Queue, f, func(s *stage) {
		s.search("host-0003")
		s.run(time.Second)
		for _, what := range []mailer.Change{mailer.Retry, mailer.Hold} {
			f.changed = nil
			s.all(what)
			s.run(time.Second)
			s.yes()
			s.run(time.Second)
			if !slices.Equal(f.changed, []string{string(what) + " " + idOf(35)}) || s.calls("flush") != 0 {
				t.Errorf("%v was done", f.changed)
			}
		}
		s.all(mailer.Hold)
		s.run(time.Second)
		if r := s.told().Result; r == nil || !r.None {
			t.Errorf("of nothing it says %+v", r)
		}
	})
}

func TestAllThatAreHeldAreReleasedButThoseThatMayHaveBeenSent(t *testing.T) {
	f := newFake(message(3, held, "A"), unclear(message(2, held, "B")), message(1, held, "C"))
	play(t, Queue, f, func(s *stage) {
		s.narrow(held, "")
		s.run(time.Second)
		s.all(mailer.Release)
		s.run(time.Second)
		if len(s.asked) != 1 || s.asked[0].N != 2 || s.asked[0].Left != 1 {
			t.Fatalf("asked %v", s.asked)
		}
		s.yes()
		s.run(time.Second)
		if !slices.Equal(f.changed, []string{"release " + idOf(1), "release " + idOf(3)}) {
			t.Errorf("%v was done", f.changed)
		}
	})
}

func TestAJobStopsWhereItIsAndSaysHowFarItCame(t *testing.T) {
	f := newFake(many(800)...)
	play(t, Queue, f, func(s *stage) {
		s.all(mailer.Hold)
		s.run(time.Second)
		f.mu.Lock()
		f.block = func(ctx context.Context, call string) error {
			if call == "change" && !wait(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
			return nil
		}
		f.mu.Unlock()
		s.yes()
		s.run(2 * time.Second)
		if j := s.told().Job; j == nil || j.Done < 30 || j.Of != 100 {
			t.Fatalf("after two seconds it is at %+v", j)
		}
		s.stop()
		s.run(time.Second)
		if r := s.told().Result; r == nil || !r.Stopped || r.Done < 30 || r.Done > 50 || r.Done != len(f.changed) {
			t.Errorf("it ended with %+v of %d", r, len(f.changed))
		}
	})
}
