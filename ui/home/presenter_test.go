package home

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

// A loop is the window's goroutine, which is the test's, with a presenter on it.
type loop struct {
	*presenter
	queue  chan func()
	shown  State
	opened []desk.Place
}

// onLoop runs a test in a bubble of its own time.
func onLoop(t *testing.T, f *fake, test func(t *testing.T, l *loop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &loop{queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { l.queue <- f })
		defer d.Close()
		l.presenter = newPresenter(d, f, func(p desk.Place) { l.opened = append(l.opened, p) }, func(s State) { l.shown = s })
		test(t, l)
	})
}

// settle lets everything happen that needs no time to pass.
func (l *loop) settle() State {
	for {
		synctest.Wait()
		select {
		case f := <-l.queue:
			f()
		default:
			return l.shown
		}
	}
}

// pass lets time pass.
func (l *loop) pass(d time.Duration) State {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Second)
		l.settle()
	}
	return l.shown
}

func TestTheHeadlineSaysWhetherMailFlows(t *testing.T) {
	stopped, silent, unknown := running(ready("main")), running(ready("main")), desk.Status{Trouble: errRefused}
	stopped.Running = false
	silent.Silent, silent.Trouble = noon.Add(-time.Minute), errRefused
	fresh := ready("main")
	fresh.LastDelivered = time.Time{}
	byPerson := ready("main")
	byPerson.State, byPerson.Cause = mailer.Paused, mailer.CauseUser
	for name, c := range map[string]struct {
		status     desk.Status
		mood       Mood
		what, then string
	}{
		"flows":          {running(ready("main")), Fine, "Mail flows", "Last delivered 2 min ago to ops@contoso.com."},
		"nothing yet":    {running(fresh), Fine, "Ready to send", "Nothing was delivered yet."},
		"attention":      {running(ready("main"), revoked("invoices")), Needed, "invoices waits for you", "Somebody has to sign in as svc@contoso.com. Since 09:14. 37 messages wait; nothing is lost."},
		"two of them":    {running(revoked("erp"), revoked("invoices")), Needed, "2 accounts wait for you", "erp and invoices cannot send until somebody acts. 74 messages wait"},
		"resting":        {running(throttled("scanner")), Resting, "Sending pauses, and goes on by itself", "812 messages wait"},
		"one rests":      {running(ready("main"), throttled("scanner")), Resting, "1 account pauses", "Why stands below."},
		"a warning":      {running(ending("erp")), Needed, "Mail flows, and something needs you", "erp"},
		"paused":         {pausedUntil1430(running(ready("main"))), Resting, "Paused by you until 14:30", "until you resume"},
		"paused for now": {openPause(running(ready("main"))), Resting, "Paused by you", "until you resume"},
		"silent":         {silent, Broken, "traymail has not answered since 12:09", "is on disk"},
		"unknown":        {unknown, Broken, "traymail does not answer", "is on disk"},
		"stopped":        {stopped, Broken, "traymail does not run", "No mail is taken"},
		"unstarted":      {desk.Status{Unstarted: mailer.ErrQueueFull}, Broken, "traymail could not start", "No mail is taken"},
		"first":          {desk.Status{}, Busy, "Looking for traymail", ""},
	} {
		t.Run(name, func(t *testing.T) {
			last := delivery{at: noon.Add(-2 * time.Minute), to: []string{"ops@contoso.com"}}
			if name == "nothing yet" {
				last = delivery{}
			}
			h := headline(c.status, last, noon)
			if h.Mood != c.mood || !strings.HasPrefix(h.What, c.what) || !strings.Contains(h.Then, c.then) {
				t.Errorf("it says %q: %q, %q, want %q: %q, %q", h.Mood, h.What, h.Then, c.mood, c.what, c.then)
			}
		})
	}
}

func pausedUntil1430(s desk.Status) desk.Status {
	s.Paused = &mailer.Pause{Since: noon, Until: noon.Add(2*time.Hour + 20*time.Minute)}
	return s
}

func openPause(s desk.Status) desk.Status {
	s.Paused = &mailer.Pause{Since: noon}
	return s
}

func TestWhatNeedsAPersonStandsFirstWithItsCure(t *testing.T) {
	onLoop(t, &fake{}, func(t *testing.T, l *loop) {
		l.Status(running(ready("a"), throttled("b"), ending("c"), revoked("d")))
		l.Show()
		s := l.settle()
		var order []string
		for _, c := range s.Cards {
			order = append(order, c.Account)
		}
		if want := []string{"d", "c", "b", "a"}; !slices.Equal(order, want) {
			t.Errorf("the order is %v, want %v", order, want)
		}
		if c := s.Cards[0]; c.Cures[0] != CureSignIn || c.Fix != "" || len(c.Notes) != 0 {
			t.Errorf("the revoked sign-in has the cures %v, and its alert says once more what the card says: %v", c.Cures, c.Notes)
		}
		if n := s.Cards[1].Notes; len(n) != 1 || n[0].Cure != CureSecret {
			t.Errorf("of a secret that ends it says %v", n)
		}
		if h := s.Headline; h.DoneBy != CureSignIn || h.Account != "d" {
			t.Errorf("the headline offers %q for %q", h.DoneBy, h.Account)
		}
		l.Cure(CureSignIn, "d")
		l.Cure(CureSecret, "c")
		l.Cure(CureQueue, "b")
		want := []desk.Place{{Page: desk.Setup, Account: "d", Do: desk.DoSignIn}, {Page: desk.Accounts, Account: "c", Do: desk.DoSecret}, {Page: desk.Queue, Account: "b"}}
		if !slices.Equal(l.opened, want) {
			t.Errorf("the cures lead to %v, want %v", l.opened, want)
		}
		l.Hide()
	})
}

func TestEveryCauseAndAlertIsSaidInTheWindowsWords(t *testing.T) {
	for _, c := range []mailer.Cause{mailer.CauseSignIn, mailer.CauseSettings, mailer.CauseProvider, mailer.CauseKeystore, mailer.CauseNetwork, mailer.CauseThrottle, mailer.CauseQuota, mailer.CauseUser} {
		if said := why(mailer.AccountStatus{Cause: c, Username: "svc@contoso.com"}, noon); strings.Contains(said, "just now") {
			t.Errorf("of %s it says %q", c, said)
		}
		if len(cures(c)) == 0 {
			t.Errorf("%s has no cure", c)
		}
	}
}

func TestOfAMachineInTroubleOfItsOwnItSaysThatOthersSend(t *testing.T) {
	a := mailer.AccountStatus{Name: "svc", State: mailer.Attention, Cause: mailer.CauseKeystore, Reason: "the keychain is locked"}
	const others = "others that share the queue send meanwhile"
	if c := card(a, desk.Status{}, delivery{}, noon); strings.Contains(c.Why, others) {
		t.Errorf("alone: %q", c.Why)
	}
	a.Elsewhere = true
	if c := card(a, desk.Status{}, delivery{}, noon); !strings.HasSuffix(c.Why, others+".") {
		t.Errorf("with others: %q", c.Why)
	}
}

func TestTheTrafficIsAskedForAtMostOnceABeatAndEachMinute(t *testing.T) {
	f := &fake{}
	onLoop(t, f, func(t *testing.T, l *loop) {
		l.Status(running(ready("main")))
		if l.pass(2 * time.Minute); len(f.sinces) != 0 {
			t.Fatalf("a page that nobody sees asked %d times", len(f.sinces))
		}
		l.Show()
		l.settle()
		for range 100 { // a burst of deliveries
			l.Status(running(ready("main")))
			l.settle()
		}
		if len(f.sinces) != 1 {
			t.Errorf("a burst asked %d times, want once", len(f.sinces))
		}
		if l.pass(beat); len(f.sinces) != 2 {
			t.Errorf("after the burst it has asked %d times, want twice", len(f.sinces))
		}
		if l.pass(2 * refresh); len(f.sinces) != 4 {
			t.Errorf("after two quiet minutes it has asked %d times, want 4", len(f.sinces))
		}
		l.Hide()
		if l.pass(2 * refresh); len(f.sinces) != 4 {
			t.Errorf("hidden it asked on")
		}
	})
}

func TestThePlotTellsItsBarsAndTheSum(t *testing.T) {
	f := &fake{traffic: func(_ context.Context, since time.Time, step time.Duration) (all []mailer.Volume, err error) {
		for at := since; at.Before(time.Now()); at = at.Add(step) {
			all = append(all, mailer.Volume{Start: at, Accepted: 1000, Delivered: 999, Refused: 1})
		}
		return all, nil
	}}
	onLoop(t, f, func(t *testing.T, l *loop) {
		time.Sleep(10*time.Minute + time.Second) // past a whole hour
		l.Status(running(ready("main")))
		l.Show()
		for span, want := range map[Span]struct {
			bars      int
			last, sum string
		}{
			Day:   {48, "00:00–00:30: 1,000 accepted, 999 delivered, 1 refused", "In the last 24 hours 48,000 accepted, 47,952 delivered, 48 refused."},
			Hour:  {30, "00:10–00:12: 1,000 accepted, 999 delivered, 1 refused", "In the last hour 30,000 accepted"},
			Month: {30, "1 January: 1,000 accepted, 999 delivered, 1 refused", "In the last 30 days 30,000 accepted"},
		} {
			l.ChooseSpan(span)
			p := l.settle().Plot
			if len(p.Bars) != want.bars || !strings.HasPrefix(p.Summary, want.sum) {
				t.Fatalf("span %d: %d bars, %q", span, len(p.Bars), p.Summary)
			}
			if got := p.Bars[len(p.Bars)-1].Says; got != want.last {
				t.Errorf("span %d: the last bar says %q, want %q", span, got, want.last)
			}
		}
		l.Hide()
	})
}

func TestAnAnswerForASpanThatWasLeftIsNotShown(t *testing.T) {
	f := &fake{}
	f.traffic = func(ctx context.Context, _ time.Time, step time.Duration) ([]mailer.Volume, error) {
		if step == 30*time.Minute {
			<-ctx.Done()
			return []mailer.Volume{{Accepted: 7}}, ctx.Err()
		}
		return []mailer.Volume{{Accepted: 1}}, nil
	}
	onLoop(t, f, func(t *testing.T, l *loop) {
		l.Status(running(ready("main")))
		l.Show()
		l.settle()
		l.ChooseSpan(Hour)
		if p := l.settle().Plot; len(p.Bars) != 1 || p.Bars[0].Accepted != 1 || p.Failed != "" {
			t.Errorf("the plot shows %+v", p)
		}
		l.Hide()
		l.settle()
	})
}

func TestNumbersThatCannotBeReadSaySo(t *testing.T) {
	f := &fake{traffic: func(context.Context, time.Time, time.Duration) ([]mailer.Volume, error) { return nil, errRefused }}
	onLoop(t, f, func(t *testing.T, l *loop) {
		l.Status(running(ready("main")))
		l.Show()
		if p := l.settle().Plot; p.Failed != "The queue's database is locked" {
			t.Errorf("it says %q", p.Failed)
		}
		l.Hide()
	})
}

func TestPausingAndResumingIsAskedOnceAndItsFailureIsSaid(t *testing.T) {
	f := &fake{}
	onLoop(t, f, func(t *testing.T, l *loop) {
		l.Status(running(ready("main")))
		l.Show()
		l.settle()
		l.Pause(time.Hour)
		l.Pause(time.Hour) // while it is being asked
		if !l.shown.Asking {
			t.Error("it does not show that it asks")
		}
		l.settle()
		l.Pause(0)
		l.settle()
		l.Cure(CureResume, "main")
		l.settle()
		f.failing = errRefused
		l.Cure(CureSettings, "")
		if s := l.settle(); s.Trouble == nil || s.Trouble.What != "The files were not read again" || s.Trouble.Said != "The queue's database is locked" {
			t.Errorf("of the failure it says %+v", s.Trouble)
		}
		if l.CloseTrouble(); l.shown.Trouble != nil {
			t.Error("it cannot be put away")
		}
		until := time.Now().Add(time.Hour).Format("15:04")
		if want := []string{`pause "" until ` + until, `pause ""`, `resume "main"`, "reload"}; !slices.Equal(f.calls, want) {
			t.Errorf("the program was asked for %q, want %q", f.calls, want)
		}
		l.Hide()
	})
}

func TestARecordThatDoesNotAnswerLeavesTheRestAsItIs(t *testing.T) {
	f := &silentRecord{}
	synctest.Test(t, func(t *testing.T) {
		l := &loop{queue: make(chan func(), 100)}
		d := desk.New(func(f func()) { l.queue <- f })
		defer d.Close()
		l.presenter = newPresenter(d, f, nil, func(s State) { l.shown = s })
		l.Status(running(ready("main")))
		l.Show()
		if s := l.settle(); len(s.Plot.Bars) == 0 || len(s.Cards) != 1 {
			t.Errorf("it shows %+v", s)
		}
		l.Hide()
	})
}

// silentRecord has no record of what was delivered.
type silentRecord struct{ fake }

func (*silentRecord) Messages(context.Context, mailer.Filter) ([]mailer.Message, error) {
	return nil, errors.New("it is gone")
}

func TestBeforeTheRecordWasAskedNobodySaysThatNothingWasDelivered(t *testing.T) {
	f := &fake{traffic: func(context.Context, time.Time, time.Duration) ([]mailer.Volume, error) {
		time.Sleep(time.Second)
		return nil, nil
	}}
	onLoop(t, f, func(t *testing.T, l *loop) {
		a := ready("new")
		a.LastDelivered = time.Time{} // not since the start
		l.Status(running(a))
		l.Show()
		if s := l.settle(); s.Cards[0].Facts[0].Value != "" || s.Headline.Then != "" {
			t.Errorf("it says %q and %q", s.Cards[0].Facts[0].Value, s.Headline.Then)
		}
		if s := l.pass(2 * time.Second); s.Cards[0].Facts[0].Value != "nothing yet" || s.Headline.Then == "" {
			t.Errorf("with the answer it says %q and %q", s.Cards[0].Facts[0].Value, s.Headline.Then)
		}
		l.Hide()
	})
}
