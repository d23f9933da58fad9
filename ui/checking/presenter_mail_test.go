package checking

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
)

func TestTheTestEmailGoesWhereItIsTyped(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		if s := d.see("main"); s.Test.To != "ops@contoso.com" || !s.CanTest() {
			t.Errorf("at first: %+v", s.Test)
		}
		d.address(" other@fabrikam.com ")
		d.sendTest()
		s := d.settle()
		if got := s.Test; !got.Done || got.Active || !slices.Equal(got.Delivery.Accepted, []string{"other@fabrikam.com"}) || got.To != " other@fabrikam.com " {
			t.Errorf("ended as %+v", got)
		}
		if s.Ready() {
			t.Error("without checks it is ready")
		}
		if s := d.see("main"); s.Test.To != " other@fabrikam.com " {
			t.Errorf("what was typed is gone: %q", s.Test.To)
		}
		if d.address(" "); d.settle().CanTest() {
			t.Error("it can be sent to nobody")
		}
	})
}

func TestTheTestEmailCanBeStopped(t *testing.T) {
	f := newFake("main")
	f.sendTest = func(ctx context.Context, _ string) (mailer.Delivery, error) {
		<-ctx.Done()
		return mailer.Delivery{}, ctx.Err()
	}
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.sendTest()
		time.Sleep(3*time.Second + time.Millisecond)
		if s := d.settle(); !s.Test.Active || s.Test.Elapsed.Round(time.Second) != 3*time.Second {
			t.Errorf("after 3 s: %+v", s.Test)
		}
		d.stopTest()
		if s := d.settle(); s.Test.Active || !s.Test.Stopped || s.Test.Err != nil || !s.CanTest() {
			t.Errorf("ended as %+v", s.Test)
		}
	})
}

func TestATestEmailThatIsAskedForBeforeTheAccountIsKnownIsSentThen(t *testing.T) {
	f := newFake("main")
	on(t, f, func(t *testing.T, d *stand) {
		d.open("main", func() {})
		d.testSoon()
		if s := d.settle(); !s.Test.Done {
			t.Errorf("%+v", s.Test)
		}
	})
}

func TestWithoutASignInNoTestEmailCanBeSent(t *testing.T) {
	f := newFake("main")
	f.incomplete = true
	on(t, f, func(t *testing.T, d *stand) {
		if s := d.see("main"); s.CanTest() || s.Complete {
			t.Errorf("%+v", s)
		}
		if d.sendTest(); d.settle().Test.Active {
			t.Error("it is sent")
		}
	})
}

func TestATestEmailBesideTheChecksMakesTheSetupReady(t *testing.T) {
	f := newFake("main")
	f.check = func(_ context.Context, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		if !o.NoSend {
			return nil, errors.New("asked to send")
		}
		return checkAll(map[string]checks.Result{checks.TestEmail: {Status: checks.Skip, Summary: "not sent, as it was asked for"}}, report), nil
	}
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.withTest(false)
		d.check()
		if s := d.settle(); s.Ready() || s.Test.ByChecks != nil {
			t.Error("nothing was sent, and it is ready")
		}
		d.sendTest()
		if s := d.settle(); !s.Ready() {
			t.Errorf("%+v", s.Test)
		}
	})
}

func TestWhatTheChecksSentTakesThePlaceOfWhatWasSentBefore(t *testing.T) {
	f := newFake("main")
	f.sendTest = func(context.Context, string) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.sendTest()
		if s := d.settle(); s.Test.Err == nil {
			t.Fatalf("%+v", s.Test)
		}
		d.check()
		if s := d.settle(); s.Test.Done || s.Test.ByChecks == nil || !s.Ready() {
			t.Errorf("after the checks: %+v", s.Test)
		}
		d.sendTest()
		if s := d.settle(); !s.Test.Done || s.Test.ByChecks != nil {
			t.Errorf("after the test email: %+v", s.Test)
		}
	})
}

func TestAnUnknownOutcomeProvesNothing(t *testing.T) {
	f := newFake("main")
	f.check = func(_ context.Context, _ checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		return checkAll(map[string]checks.Result{checks.TestEmail: {Status: checks.Warn, Finding: "unknown-outcome", Summary: "nobody knows"}}, report), nil
	}
	on(t, f, func(t *testing.T, d *stand) {
		d.see("main")
		d.check()
		if d.settle().Ready() {
			t.Error("it is ready")
		}
	})
}

func TestExchangeIsAskedWhoSendsOnBehalfAndGrantsIt(t *testing.T) {
	f := newFake("main").sendingAs("news@contoso.com")
	on(t, f, func(t *testing.T, d *stand) {
		s := d.see("main")
		if o := s.Others; o.Answer == nil || o.Answer.Granted || !slices.Equal(f.asked, []bool{false}) || !slices.Equal(o.As, []string{"news@contoso.com"}) || o.User != "svc@contoso.com" {
			t.Fatalf("asked %v, answered %+v", f.asked, o)
		}
		if d.see("main"); len(f.asked) != 1 {
			t.Error("it is asked at each look")
		}
		d.grant()
		if o := d.settle().Others; !o.Answer.Granted || !o.New || !slices.Equal(f.asked, []bool{false, true}) {
			t.Errorf("asked %v, answered %+v", f.asked, o)
		}
	})
}

func TestARightThatIsMissingLeavesTheAdministratorsWay(t *testing.T) {
	f := newFake("main").sendingAs("news@contoso.com", "sales@contoso.com", "@contoso.com")
	f.behalf = notAllowed
	on(t, f, func(t *testing.T, d *stand) {
		o := d.see("main").Others
		if !errors.Is(o.Err, mailer.ErrNotAllowed) || o.Answer != nil || !slices.Equal(o.As, []string{"news@contoso.com", "sales@contoso.com"}) {
			t.Errorf("%+v", o)
		}
		if !strings.HasPrefix(o.Script, "Connect-ExchangeOnline") || !strings.Contains(o.Script, "Add-RecipientPermission -Identity 'sales@contoso.com'") || o.Link == "" {
			t.Errorf("the script is %q, the page %q", o.Script, o.Link)
		}
		d.grant() // nothing to grant by
		d.askAgain()
		if d.settle(); !slices.Equal(f.asked, []bool{false, false}) {
			t.Errorf("asked %v", f.asked)
		}
	})
}

func TestWhoSendsForWhomFollowsFromTheAccount(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*account.Account)
		user    string
		as      []string
		askable bool
		script  bool
	}{
		"the username alone":        {func(*account.Account) {}, "svc@contoso.com", nil, false, false},
		"in other letters":          {func(a *account.Account) { a.Sender = "SVC@contoso.com" }, "svc@contoso.com", nil, false, false},
		"another sender":            {func(a *account.Account) { a.Sender, a.OnBehalf = "news@contoso.com", true }, "svc@contoso.com", []string{"news@contoso.com"}, true, true},
		"further senders":           {func(a *account.Account) { a.Senders = []string{"b@contoso.com", "@contoso.com", "B@contoso.com"} }, "svc@contoso.com", []string{"b@contoso.com"}, false, true},
		"senders that are replaced": {func(a *account.Account) { a.Senders, a.From = []string{"b@contoso.com"}, account.ForceFrom }, "svc@contoso.com", nil, false, false},
		"a password": {func(a *account.Account) {
			a.SignIn, a.Sender, a.Registration, a.RedirectURL = account.PasswordSignIn, "news@contoso.com", "", ""
		}, "svc@contoso.com", []string{"news@contoso.com"}, false, true},
		"an application": {func(a *account.Account) {
			a.SignIn, a.Sender, a.Senders, a.From, a.Tenant = account.AppOnly, "app@contoso.com", []string{"b@contoso.com"}, account.KeepFrom, "contoso.com"
		}, "app@contoso.com", []string{"b@contoso.com"}, false, false},
		"an application with each one's mailbox": {func(a *account.Account) {
			a.SignIn, a.Sender, a.Senders, a.Mailbox, a.From = account.AppOnly, "app@contoso.com", []string{"b@contoso.com"}, account.FromMailbox, account.KeepFrom
		}, "app@contoso.com", nil, false, false},
		"elsewhere": {func(a *account.Account) { a.Provider, a.Sender, a.Tenant = account.Google, "news@gmail.com", "" }, "svc@contoso.com", []string{"news@gmail.com"}, false, false},
	} {
		a := account.New("main")
		a.Username, a.ClientID = "svc@contoso.com", "11111111-2222-3333-4444-555555555555"
		former := *a
		c.change(a)
		a.Follow(former)
		c.change(a)      // what was the default before is chosen now
		_ = a.Validate() // fills in what is empty
		o := othersOf(*a)
		if o.User != c.user || !slices.Equal(o.As, c.as) || o.Askable != c.askable || (o.Script != "") != c.script {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
