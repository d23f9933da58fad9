package messages

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

// A stage is a presenter without widgets, its window's goroutine the test's. It
// runs in a bubble of synctest.
type stage struct {
	*presenter
	t     *testing.T
	fake  *fake
	queue chan func()
	moves []int
	asked []Ask
	yes   func()
}

func play(t *testing.T, k Kind, f *fake, do func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, fake: f, queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { s.queue <- f })
		defer d.Close()
		s.presenter = newPresenter(k, d, f, hooks{
			show:  func(State) {},
			moved: func(by int) { s.moves = append(s.moves, by) },
			ask:   func(q Ask, yes func()) { s.asked, s.yes = append(s.asked, q), yes },
		})
		s.now = func() time.Time { return clock }
		s.status(desk.Status{})
		s.appear(desk.Place{})
		s.run(0)
		s.see(0, 20)
		s.run(time.Second)
		do(s)
	})
}

// run lets a time pass, and what comes to the window's goroutine in it.
func (s *stage) run(d time.Duration) {
	for end := time.Now().Add(d); ; {
		synctest.Wait()
		select {
		case f := <-s.queue:
			f()
			continue
		default:
		}
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, 10*time.Millisecond))
	}
}

func (s *stage) told() State { return s.presenter.state }

func (s *stage) calls(call string) int {
	s.fake.mu.Lock()
	defer s.fake.mu.Unlock()
	return s.fake.calls[call]
}

func TestTheQueueShowsWhatIsOpenAndTheHistoryAll(t *testing.T) {
	play(t, Queue, newFake(many(80)...), func(s *stage) {
		if st := s.told(); st.Total != 20 || s.row(0).State != queued || s.row(1).State != held {
			t.Errorf("the queue has %d rows, the first %v", st.Total, s.row(0))
		}
	})
	play(t, History, newFake(many(80)...), func(s *stage) {
		if st := s.told(); st.Total != 80 {
			t.Errorf("the history has %d rows", st.Total)
		}
	})
}

func TestRowsAreFetchedInPagesAheadOfTheScroll(t *testing.T) {
	play(t, History, newFake(many(100_000)...), func(s *stage) {
		if s.row(0) == nil || s.row(169) == nil || s.row(400) != nil {
			t.Error("other rows are at hand than those in sight and those that follow")
		}
		if s.told().Total != 100_000 {
			t.Errorf("there are %d rows", s.told().Total)
		}
		s.see(50_000, 50_020)
		if s.row(50_000) != nil {
			t.Error("the row is there before it was fetched")
		}
		s.run(time.Second)
		if r := s.row(50_000); r == nil || r.ID != idOf(50_000) {
			t.Errorf("row 50,000 is %v", r)
		}
		for i := 0; i < 100_000; i += 2500 {
			s.see(i, i+20)
			s.run(0)
		}
		if n := len(s.rows.pages); n > keptPages {
			t.Errorf("%d pages are kept", n)
		}
		for _, f := range s.fake.filters[1:] {
			if f.Newest != idOf(100_000) || f.Limit > pageRows {
				t.Errorf("a page was read as %+v", f)
			}
		}
	})
}

func TestAFastScrollWaitsForOnePageOnly(t *testing.T) {
	f := newFake(many(20_000)...)
	play(t, History, f, func(s *stage) {
		under, most := 0, 0
		f.mu.Lock()
		f.block = func(ctx context.Context, call string) error {
			f.mu.Lock()
			under++
			most = max(most, under)
			f.mu.Unlock()
			defer func() {
				f.mu.Lock()
				under--
				f.mu.Unlock()
			}()
			if call == "messages" && !wait(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
			return nil
		}
		f.mu.Unlock()
		before := s.calls("messages")
		for i := range 100 {
			s.see(1000+i*150, 1020+i*150)
			s.run(time.Millisecond)
		}
		s.run(time.Second)
		if s.row(1000+99*150) == nil {
			t.Error("the rows in sight at the end are not there")
		}
		if n := s.calls("messages") - before; n > 110 || most > 2 {
			t.Errorf("%d pages were asked for, %d at once", n, most)
		}
	})
}

func TestWhatTheSummaryLacksIsLookedAtOnceTheScrollRests(t *testing.T) {
	f := newFake(message(2, failed, "Payslip", "j.doe@contoso.com", "b@contoso.com"), message(1, queued, "Later"))
	play(t, History, f, func(s *stage) {
		if r := s.row(0); !r.Whole || r.To != "j.doe@contoso.com" || r.Others != 1 || !strings.HasPrefix(r.Reply, "554 5.2.252") {
			t.Errorf("the row has %+v", r)
		}
		n := s.calls("message")
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if s.calls("message") != n {
			t.Error("records that did not change are read again")
		}
		f.set(idOf(1), func(r *mailer.Record) { *r = putOff(*r) })
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if r := s.row(1); !strings.HasPrefix(r.Reply, "451") || s.calls("message") != n+1 {
			t.Errorf("the row that changed has %+v after %d more", r, s.calls("message")-n)
		}
	})
}

func TestASearchWaitsForTheTypingAndGivesUpTheOneBefore(t *testing.T) {
	f := newFake(many(1000)...)
	play(t, History, f, func(s *stage) {
		n := s.calls("messages")
		for _, text := range []string{"h", "ho", "hos", "host-00", "host-0099"} {
			s.search(text)
			s.run(100 * time.Millisecond)
		}
		if s.calls("messages") != n || s.told().Total != 1000 || !s.told().Loading {
			t.Error("it searches while one types")
		}
		s.run(time.Second)
		if st := s.told(); st.Total != 10 || st.Loading || s.calls("messages") != n+1 {
			t.Errorf("it found %d with %d calls", st.Total, s.calls("messages")-n)
		}
		var given error
		f.mu.Lock()
		f.block = func(ctx context.Context, call string) error {
			if call == "messages" {
				<-ctx.Done()
				given = ctx.Err()
				return given
			}
			return nil
		}
		f.mu.Unlock()
		s.search("slow")
		s.run(time.Second)
		f.mu.Lock()
		f.block = nil
		f.mu.Unlock()
		s.search("host-01000")
		s.run(time.Second)
		if st := s.told(); !errors.Is(given, context.Canceled) || st.Total != 1 || st.Err != nil {
			t.Errorf("the slow query ended with %v, and %d are shown (%v)", given, st.Total, st.Err)
		}
	})
}

func TestNewMessagesAreToldOfAndMoveNothing(t *testing.T) {
	f := newFake(many(500)...)
	play(t, History, f, func(s *stage) {
		s.see(100, 120)
		s.run(time.Second)
		for i := range 12 {
			f.newest(message(501+i, queued, "New"))
		}
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if st := s.told(); st.News != 12 || st.Total != 500 || s.row(100).ID != idOf(400) || len(s.moves) != 0 {
			t.Errorf("%d new, %d rows, row 100 is %s, moved %v", st.News, st.Total, s.row(100).ID, s.moves)
		}
		s.again()
		s.run(time.Second)
		if st := s.told(); st.News != 0 || st.Total != 512 || s.row(0).ID != idOf(512) {
			t.Errorf("then %d new, %d rows, the first %s", st.News, st.Total, s.row(0).ID)
		}
	})
}

func TestWhatComesIntoAnEmptyListIsShownAtOnce(t *testing.T) {
	f := newFake()
	play(t, Queue, f, func(s *stage) {
		f.newest(message(1, queued, "New"))
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if st := s.told(); st.Total != 1 || st.News != 0 {
			t.Errorf("%d rows, %d new", st.Total, st.News)
		}
	})
}

func TestTheRowsInSightStayWhenOthersLeaveTheQueue(t *testing.T) {
	var list []mailer.Record
	for i := range 500 {
		list = append(list, message(500-i, queued, "Later"))
	}
	f := newFake(list...)
	play(t, Queue, f, func(s *stage) {
		s.see(240, 260)
		s.run(time.Second)
		s.move(245)
		s.run(time.Second)
		for _, n := range []int{299, 298, 297} { // rows 201 to 203
			f.set(idOf(n), func(r *mailer.Record) { r.State = delivered })
		}
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if st := s.told(); !slices.Equal(s.moves, []int{-3}) || st.Total != 497 || s.row(237).ID != idOf(260) || st.Cursor != 242 {
			t.Errorf("moved %v of %d, row 237 is %s, the cursor at %d", s.moves, st.Total, s.row(237).ID, st.Cursor)
		}
	})
}

func TestChangesInSightAreReadAtMostOnceASecond(t *testing.T) {
	f := newFake(many(500)...)
	play(t, History, f, func(s *stage) {
		n := s.calls("count")
		for range 50 {
			s.status(desk.Status{})
			s.run(100 * time.Millisecond)
		}
		f.set(idOf(500), func(r *mailer.Record) { r.State = failed })
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if more := s.calls("count") - n; more > 2*9 {
			t.Errorf("%d counts in eight seconds", more)
		}
		if s.row(0).State != failed {
			t.Error("the row in sight is as it was")
		}
		f.mu.Lock()
		f.block = func(ctx context.Context, call string) error {
			wait(ctx, 300*time.Millisecond)
			return nil
		}
		f.mu.Unlock()
		n = s.calls("count")
		for range 100 {
			s.status(desk.Status{})
			s.run(100 * time.Millisecond)
		}
		if more := s.calls("count") - n; more > 4 {
			t.Errorf("%d counts in ten seconds of a slow program", more)
		}
	})
}

func TestAListThatCannotBeReadSaysSoAndHealsByItself(t *testing.T) {
	f := newFake(many(500)...)
	play(t, History, f, func(s *stage) {
		gone := errors.New("the program is gone")
		f.mu.Lock()
		f.block = func(context.Context, string) error { return gone }
		f.mu.Unlock()
		s.see(300, 320)
		s.run(time.Second)
		if st := s.told(); st.Err != gone || st.Total != 500 {
			t.Errorf("it says %v of %d rows", st.Err, st.Total)
		}
		f.mu.Lock()
		f.block = nil
		f.mu.Unlock()
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if st := s.told(); st.Err != nil || s.row(300) == nil {
			t.Errorf("it says %v still", st.Err)
		}
	})
}

func TestAFrozenProgramIsNotAskedAndTheListStays(t *testing.T) {
	f := newFake(many(500)...)
	play(t, History, f, func(s *stage) {
		n := s.calls("count")
		s.status(desk.Status{Silent: clock})
		s.run(3 * time.Second)
		if st := s.told(); s.calls("count") != n || !st.Stale.Equal(clock) || s.row(0) == nil {
			t.Errorf("asked %d times, stale since %v", s.calls("count")-n, st.Stale)
		}
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if s.calls("count") == n {
			t.Error("it is not looked at once the program answers")
		}
	})
}

func TestAHiddenPageAsksNothing(t *testing.T) {
	f := newFake(many(500)...)
	play(t, History, f, func(s *stage) {
		s.vanish()
		n := s.calls("count") + s.calls("messages")
		s.status(desk.Status{})
		s.run(3 * time.Second)
		if s.calls("count")+s.calls("messages") != n {
			t.Error("it reads what nobody sees")
		}
		f.newest(message(501, queued, "New"))
		s.appear(desk.Place{})
		s.run(time.Second)
		if s.row(0).ID != idOf(501) {
			t.Error("what came meanwhile is not shown")
		}
	})
}
