package checking

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/ui/desk"
)

func TestTheChecksComeOneByOneInTheirOrder(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		step := make(chan checks.Result)
		f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
			for r := range step {
				report(r)
			}
			return nil, nil
		}
		d.see("main")
		d.check()
		for i, id := range checks.IDs() {
			s := d.settle()
			if !s.Run.Active || s.Ready() {
				t.Fatalf("the run is %+v, ready: %v", s.Run, s.Ready())
			}
			for j, r := range s.Checks.Rows {
				want := Pending
				switch {
				case j < i:
					want = Done
				case j == i:
					want = Running
				}
				if r.Phase != want {
					t.Fatalf("before %s: %s is in phase %v, not %v", id, r.ID, r.Phase, want)
				}
			}
			step <- checks.Result{ID: id, Status: checks.Pass}
		}
		close(step)
		s := d.settle()
		if s.Run.Active || s.Checks.Count(checks.Pass) != len(checks.IDs()) || s.Checks.Compact || !s.Ready() {
			t.Errorf("ended as %+v, ready: %v", s.Checks, s.Ready())
		}
		if !slices.Equal(f.options, []checks.Options{{}}) {
			t.Errorf("asked for %+v", f.options)
		}
	})
}

func TestAFailureIsShownWholeAndTheRestFoldedWhenTheRunHasEnded(t *testing.T) {
	f := newFake("main")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.begin()
		s := d.settle()
		if !s.Checks.row(checks.SMTPAuth).Open || !s.Checks.Folded(GroupNetwork) || s.Checks.Folded(GroupMailbox) || !s.Checks.Folded(GroupDelivery) || s.Ready() {
			t.Errorf("ended as %+v", s.Checks)
		}
		for _, shown := range d.shown {
			if shown.Run.Active && (shown.Checks.Compact || shown.Checks.row(checks.SMTPAuth).Open) {
				t.Fatal("the list moves while the results come")
			}
		}
		d.unfold(GroupNetwork)
		d.toggle(checks.SMTPAuth)
		if s := d.settle(); s.Checks.Folded(GroupNetwork) || s.Checks.row(checks.SMTPAuth).Open {
			t.Errorf("then %+v", s.Checks)
		}
		if d.begin(); len(f.options) != 1 {
			t.Error("they were begun once more")
		}
	})
}

func TestTryingAgainKeepsInSightWhatIsToMend(t *testing.T) {
	f := newFake("main")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		d.settle()
		hold := make(chan struct{})
		f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
			<-hold
			return checkAll(nil, report), nil
		}
		d.tryAgain()
		s := d.settle()
		if r := s.Checks.row(checks.SMTPAuth); r.Phase != Pending || r.Result.Fix == "" || !r.Open || !s.Checks.Folded(GroupNetwork) {
			t.Errorf("while it is tried: %+v", r)
		}
		if r := s.Checks.row(checks.Port); r.Result.Summary != "" {
			t.Errorf("an old success still stands: %+v", r)
		}
		close(hold)
		s = d.settle()
		if s.Checks.Mended != checks.SMTPAuth || len(s.Checks.Failed()) != 0 || s.Checks.row(checks.SMTPAuth).Open || !s.Ready() {
			t.Errorf("afterwards: %+v", s.Checks)
		}
	})
}

func TestWaitingForACheckTellsWhenItPasses(t *testing.T) {
	f := newFake("main", "other")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		var told []string
		d.passed = func(r checks.Result, a account.Account) { told = append(told, r.ID+" of "+a.Name) }
		d.see("main")
		d.check()
		d.settle()
		d.await()
		time.Sleep(90 * time.Second)
		s := d.settle()
		r := s.Checks.row(checks.SMTPAuth)
		if r.Phase != Waiting || !r.Open || r.Result.Waiting.Tries != 2 || s.Checks.Now.Sub(r.Result.Waiting.Since) != 90*time.Second || len(told) != 0 {
			t.Errorf("after 90 s: %+v, waiting %+v, told %v", r, r.Result.Waiting, told)
		}
		if s := d.see("other"); s.Run.Active || s.Checks.Begun() {
			t.Errorf("another account: %+v", s)
		}
		time.Sleep(90 * time.Second)
		d.settle()
		s = d.see("main")
		if s.Run.Active || s.Checks.Mended != checks.SMTPAuth || len(s.Checks.Failed()) != 0 || s.Checks.Count(checks.Pass) != len(checks.IDs()) {
			t.Errorf("at the end: %+v", s.Checks)
		}
		if want := []string{"smtp-auth of main"}; !slices.Equal(told, want) {
			t.Errorf("told %v", told)
		}
		if f.options[1].Wait != waitTime {
			t.Errorf("asked for %+v", f.options)
		}
	})
}

func TestAWaitThatIsStoppedLeavesTheFailureStanding(t *testing.T) {
	f := newFake("main")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.await()
		time.Sleep(10 * time.Second)
		d.settle()
		d.stop()
		s := d.settle()
		r := s.Checks.row(checks.SMTPAuth)
		if s.Run.Active || !s.Run.Stopped || r.Phase != Done || r.Result.Waiting != nil || len(s.Checks.Failed()) != 1 {
			t.Errorf("ended as %+v", r)
		}
	})
}

func TestARunThatIsStoppedKeepsWhatItFound(t *testing.T) {
	f := newFake("main")
	f.check = until
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		d.settle()
		d.stop()
		if s := d.settle(); len(s.Checks.In(Done)) != 1 || len(s.Checks.In(Running)) != 0 || !s.Run.Stopped || s.Ready() {
			t.Errorf("ended as %+v", s.Checks)
		}
	})
}

func TestOtherSettingsMakeWhatWasFoundWorthless(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		d.settle()
		d.sendTest()
		if s := d.settle(); !s.Ready() || !s.Test.Done {
			t.Fatalf("%+v", s)
		}
		if s := d.see("main"); !s.Ready() {
			t.Error("the same settings are checked no longer")
		}
		f.check = until
		d.check()
		d.settle()
		a := f.accounts["main"]
		a.TestTo = "new@contoso.com"
		f.put(a)
		if s := d.see("main"); s.Run.Active || s.Checks.Begun() || s.Test.Done || s.Test.To != "new@contoso.com" || s.Ready() {
			t.Errorf("with other settings: %+v", s)
		}
		f.check = nil
		d.begin()
		if s := d.settle(); !s.Ready() {
			t.Errorf("checked anew: %+v", s.Checks)
		}
	})
}

func TestComingBackWithOtherSettingsTheChecksBeginByThemselves(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		come := func() State {
			d.open("main", func() {})
			d.begin()
			return d.settle()
		}
		if s := come(); !s.Ready() || len(f.options) != 1 {
			t.Fatalf("at first: %d runs", len(f.options))
		}
		if come(); len(f.options) != 1 {
			t.Errorf("nothing changed, and there are %d runs", len(f.options))
		}
		a := f.accounts["main"]
		a.TestTo = "new@contoso.com"
		f.put(a)
		if s := come(); !s.Ready() || len(f.options) != 2 {
			t.Errorf("with other settings there are %d runs, %+v", len(f.options), s.Checks)
		}
		a.TestTo = "newer@contoso.com"
		f.put(a)
		if s := d.see("main"); s.Checks.Begun() {
			t.Error("what is only shown is checked")
		}
	})
}

func TestAnAccountThatCannotBeReadIsCheckedAsItStands(t *testing.T) {
	f := newFake()
	f.failing = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: "is wrong"}
	on(t, f, func(t *testing.T, d *stand) {
		if s := d.see("main"); s.Unread == nil || s.CanTest() {
			t.Errorf("%+v", s)
		}
		d.check()
		if s := d.settle(); s.Checks.Count(checks.Pass) != len(checks.IDs()) {
			t.Errorf("ended as %+v", s.Checks)
		}
	})
}

func TestChecksThatCannotBeDoneSayWhy(t *testing.T) {
	f := newFake("main")
	f.check = func(context.Context, checks.Options, func(checks.Result)) ([]checks.Result, error) {
		return nil, errors.New("the program that runs here has ended")
	}
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		if s := d.settle(); s.Run.Err == nil || s.Run.Stopped || s.Checks.Begun() {
			t.Errorf("ended as %+v", s)
		}
	})
}

func TestAClosedWindowGivesUpAWait(t *testing.T) {
	f := newFake("main")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.await()
		d.settle()
		start := time.Now()
		d.desk.Close()
		if time.Since(start) != 0 {
			t.Error("closing waited for the check")
		}
	})
}

func TestAProgramThatDoesNotAnswerShowsAsSuch(t *testing.T) {
	f := newFake("main")
	f.check = until
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		d.settle()
		since := time.Now()
		d.told(desk.Status{Silent: since})
		if s := d.shown[len(d.shown)-1]; !s.Silent.Equal(since) {
			t.Errorf("%+v", s)
		}
	})
}

func TestSettingsThatAreWrongCannotBeWaitedFor(t *testing.T) {
	c := newChecks().began()
	c, _ = c.with(checks.Result{ID: checks.Configuration, Status: checks.Fail})
	if got := c.ended().Awaitable(); got != "" {
		t.Errorf("%s can be waited for", got)
	}
	c, _ = c.with(checks.Result{ID: checks.SMTPAuth, Status: checks.Fail})
	if got := c.ended().Awaitable(); got != checks.SMTPAuth {
		t.Errorf("%q can be waited for", got)
	}
}

func TestWhatDoesNotApplyStaysSkippedAfterAWait(t *testing.T) {
	c := newChecks().began()
	skip := checks.Result{ID: checks.Renewal, Status: checks.Skip}
	fail := checks.Result{ID: checks.SMTPAuth, Status: checks.Fail}
	for _, r := range []checks.Result{skip, fail} {
		c, _ = c.with(r)
	}
	fail.Waiting = &checks.Waiting{Tries: 1}
	c, _ = c.with(fail)
	c, _ = c.with(checks.Result{ID: checks.SMTPAuth, Status: checks.Pass})
	for _, id := range checks.IDs() {
		if id != checks.Renewal {
			c, _ = c.with(checks.Result{ID: id, Status: checks.Pass})
		}
	}
	if c = c.ended(); c.Count(checks.Skip) != 1 || len(c.In(Done)) != len(c.Rows) {
		t.Errorf("ended as %+v", c.Rows)
	}
}

func TestASetupThatGoesOnIsCheckedWithoutAnotherTestEmail(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.resume()
		if s := d.settle(); len(f.options) != 1 || !f.options[0].NoSend || !s.Ready() {
			t.Fatalf("checked with %+v, ready: %v", f.options, s.Ready())
		}
		d.resume()
		d.settle()
		d.withTest(true)
		d.check()
		if d.settle(); len(f.options) != 2 || f.options[1].NoSend {
			t.Errorf("when a person asks: %+v", f.options)
		}
	})
}

func TestWhatWasFoundWithAnotherSecretDoesNotCount(t *testing.T) {
	f := newFake("main")
	f.check = failing
	on(t, f, func(t *testing.T, d *stand) {
		d.outdated("main") // was never shown
		d.see("main")
		d.begin()
		d.settle()
		d.sendTest()
		d.settle()
		f.check = until
		d.tryAgain()
		d.outdated("main")
		if s := d.settle(); s.Run.Active || s.Checks.Begun() || s.Ready() || s.Test.Done || !s.Known || s.Test.To != "ops@contoso.com" {
			t.Errorf("it shows still: %+v, %+v", s.Run, s.Test)
		}
		f.check = nil
		d.see("main")
		d.begin()
		if s := d.settle(); !s.Ready() || len(f.options) != 3 {
			t.Errorf("it was checked %d times, ready: %v", len(f.options), s.Ready())
		}
	})
}
