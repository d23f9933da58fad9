package ui

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
)

// row is how one check stands.
func (s State) row(id string) Row {
	i := slices.IndexFunc(s.Checks.Rows, func(r Row) bool { return r.ID == id })
	return s.Checks.Rows[i]
}

// failing is a run in which SMTP AUTH is off. When it waits, the check passes at
// the third try; each comes after a minute.
func failing(ctx context.Context, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	all := checkAll(withoutSMTPAuth(), report)
	if o.Wait == 0 {
		return all, nil
	}
	w := checks.Waiting{Since: time.Now()}
	for w.Tries < 3 {
		w.Tries++
		w.Next = time.Now().Add(time.Minute)
		waiting, r := w, smtpAuthOff
		r.ID, r.Waiting = checks.SMTPAuth, &waiting
		report(r)
		select {
		case <-ctx.Done():
			return all, ctx.Err()
		case <-time.After(time.Minute):
		}
	}
	for _, id := range []string{checks.SMTPAuth, checks.Accepted, checks.SendAs, checks.TestEmail} {
		report(checks.Result{ID: id, Status: checks.Pass, Summary: "found"})
	}
	return all, nil
}

func TestTheChecksComeOneByOneInTheirOrder(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		step := make(chan checks.Result)
		f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
			for r := range step {
				report(r)
			}
			return nil, nil
		}
		d.open("main")
		d.settle()
		d.check()
		for i, id := range checks.IDs() {
			s := d.settle()
			if s.View != ViewChecks || s.Activity != Checking {
				t.Fatalf("view %v, activity %v", s.View, s.Activity)
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
		if s.Activity != Idle || s.Checks.Count(checks.Pass) != len(checks.IDs()) || s.Checks.Compact {
			t.Errorf("ended as %+v", s.Checks)
		}
		if !slices.Equal(f.options, []checks.Options{{}}) {
			t.Errorf("asked for %+v", f.options)
		}
	})
}

func TestAFailureIsShownWholeAndTheRestFoldedWhenTheRunHasEnded(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = failing
		d.open("main")
		d.settle()
		d.check()
		s := d.settle()
		if !s.row(checks.SMTPAuth).Open || !s.Checks.Folded(GroupNetwork) || s.Checks.Folded(GroupMailbox) || !s.Checks.Folded(GroupDelivery) {
			t.Errorf("ended as %+v", s.Checks)
		}
		for _, shown := range d.shown {
			if shown.Activity == Checking && (shown.Checks.Compact || shown.row(checks.SMTPAuth).Open) {
				t.Fatal("the list moves while the results come")
			}
		}
		d.unfold(GroupNetwork)
		d.toggle(checks.SMTPAuth)
		if s := d.settle(); s.Checks.Folded(GroupNetwork) || s.row(checks.SMTPAuth).Open {
			t.Errorf("then %+v", s.Checks)
		}
	})
}

func TestTryingAgainKeepsInSightWhatIsToMend(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = failing
		d.open("main")
		d.settle()
		d.check()
		d.settle()
		hold := make(chan struct{})
		f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
			<-hold
			return checkAll(nil, report), nil
		}
		d.tryAgain()
		s := d.settle()
		if r := s.row(checks.SMTPAuth); r.Phase != Pending || r.Result.Fix == "" || !r.Open || !s.Checks.Folded(GroupNetwork) {
			t.Errorf("while it is tried: %+v", r)
		}
		if r := s.row(checks.Port); r.Result.Summary != "" {
			t.Errorf("an old success still stands: %+v", r)
		}
		close(hold)
		s = d.settle()
		if s.Checks.Mended != checks.SMTPAuth || len(s.Checks.Failed()) != 0 || s.row(checks.SMTPAuth).Open {
			t.Errorf("afterwards: %+v", s.Checks)
		}
	})
}

func TestWaitingForACheckTellsWhenItPasses(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = failing
		var told []string
		d.notify = func(r checks.Result, a account.Account) { told = append(told, r.ID+" of "+a.Name) }
		d.open("main")
		d.settle()
		d.check()
		d.settle()
		d.await()
		time.Sleep(90 * time.Second)
		s := d.settle()
		r := s.row(checks.SMTPAuth)
		if r.Phase != Waiting || !r.Open || r.Result.Waiting.Tries != 2 || s.Checks.Now.Sub(r.Result.Waiting.Since) != 90*time.Second || len(told) != 0 {
			t.Errorf("after 90 s: %+v, waiting %+v, told %v", r, r.Result.Waiting, told)
		}
		time.Sleep(90 * time.Second)
		s = d.settle()
		if s.Activity != Idle || s.Checks.Mended != checks.SMTPAuth || len(s.Checks.Failed()) != 0 || s.Checks.Count(checks.Pass) != len(checks.IDs()) {
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
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = failing
		d.open("main")
		d.settle()
		d.await()
		time.Sleep(10 * time.Second)
		d.settle()
		d.stop()
		s := d.settle()
		r := s.row(checks.SMTPAuth)
		if s.Activity != Idle || !s.Outcome.Cancelled || r.Phase != Done || r.Result.Waiting != nil || len(s.Checks.Failed()) != 1 {
			t.Errorf("ended as %+v", r)
		}
	})
}

func TestARunThatIsStoppedKeepsWhatItFound(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = func(ctx context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
			report(checks.Result{ID: checks.Configuration, Status: checks.Pass})
			<-ctx.Done()
			return nil, ctx.Err()
		}
		d.open("main")
		d.settle()
		d.check()
		d.settle()
		d.stop()
		if s := d.settle(); len(s.Checks.In(Done)) != 1 || len(s.Checks.In(Running)) != 0 || !s.Outcome.Cancelled {
			t.Errorf("ended as %+v", s.Checks)
		}
	})
}

func TestTheChecksSaveWhatWasChangedFirst(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.set(FieldTestTo, "new@contoso.com")
		d.withTest(false)
		d.check()
		s := d.settle()
		if want := []Activity{Opening, Idle, Saving, Checking, Idle}; !slices.Equal(d.activities(), want) {
			t.Errorf("activities %v, want %v", d.activities(), want)
		}
		if f.accounts["main"].TestTo != "new@contoso.com" || s.Changed || !slices.Equal(f.options, []checks.Options{{NoSend: true}}) {
			t.Errorf("saved %+v, asked for %+v", f.accounts["main"], f.options)
		}
	})
}

func TestAFormThatCannotBeSavedIsNotCheckedButShown(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("")
		d.check()
		if s := d.settle(); s.View != ViewAccount || s.Problem == nil || len(f.options) != 0 || s.Checks.Begun() {
			t.Errorf("ended as %+v", s)
		}
	})
}

func TestAnAccountThatCannotBeReadIsCheckedAsItStands(t *testing.T) {
	f := newFake()
	f.failing = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: "is wrong"}
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		for range 2 {
			d.check()
			if s := d.settle(); s.Checks.Count(checks.Pass) != len(checks.IDs()) || len(f.saved) != 0 {
				t.Errorf("ended as %+v", s.Checks)
			}
		}
	})
}

func TestChecksThatCannotBeDoneSayWhy(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = func(context.Context, checks.Options, func(checks.Result)) ([]checks.Result, error) {
			return nil, errors.New("the program that runs here has ended")
		}
		d.open("main")
		d.settle()
		d.check()
		if s := d.settle(); s.Outcome.Of != Checking || s.Outcome.Err == nil || s.Outcome.Cancelled || s.Checks.Begun() {
			t.Errorf("ended as %+v", s)
		}
	})
}

func TestAClosedWindowGivesUpAWait(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		f.check = failing
		d.open("main")
		d.settle()
		d.await()
		d.settle()
		start := time.Now()
		d.close()
		synctest.Wait()
		if time.Since(start) != 0 {
			t.Error("closing waited for the check")
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
