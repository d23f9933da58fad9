package handover

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
)

func TestAUserIsMadeForTheToolAndItsPasswordTold(t *testing.T) {
	var made []string
	f, o := newFake(), options()
	o.Made = func(account, client string) { made = append(made, account+" "+client) }
	on(t, f, o, func(t *testing.T, d *stand) {
		s := d.see(What{Account: "main", Guide: "endpoint-central"})
		if s.Tool != "endpoint-central" || s.Snippet != "endpoint-central" || !s.CanCreate() {
			t.Fatalf("at first: %q, %q", s.Tool, s.Snippet)
		}
		d.name(" scanner-2f ")
		d.create()
		s = d.settle()
		if s.Made != "scanner-2f" || s.Password == "" || s.CanCreate() || f.clients[0].Account != "main" || !slices.Equal(made, []string{"main scanner-2f"}) {
			t.Errorf("made %q, told %v, %+v", s.Made, made, f.clients)
		}
		r := s.relay(o, "/home")
		if r.Host != "127.0.0.1" || r.Port != "2525" || r.TLS != "none" || r.Client != "scanner-2f" || r.Password != s.Password.Reveal() || r.Sender != "svc@contoso.com" || r.TestTo != "ops@contoso.com" || r.Program != o.Program {
			t.Errorf("the tool is told %+v", r)
		}
		if s := d.see(What{Account: "main", Client: "scanner-2f"}); s.Password == "" || s.Tool != " scanner-2f " {
			t.Errorf("when it is shown again: %q", s.Tool)
		}
		was := s.Password
		d.renew()
		if s := d.settle(); s.Password == was || len(f.clients) != 1 {
			t.Error("the password is the former one")
		}
		d.name("other")
		if r := d.settle().relay(o, ""); r.Password != "" {
			t.Error("another tool is told the password")
		}
		if s := d.see(What{Account: "second"}); s.Password != "" || s.Tool != "second" {
			t.Errorf("another account: %q", s.Tool)
		}
	})
}

func TestAPasswordIsShownForItsAccountAloneAndForgottenAtTheEnd(t *testing.T) {
	var made []string
	f, o := newFake(), options()
	o.Made = func(account, client string) { made = append(made, account+" "+client) }
	on(t, f, o, func(t *testing.T, d *stand) {
		d.see(What{Account: "main"})
		d.name("tool")
		d.create()
		d.open(What{Account: "second"}) // before it is made
		d.name("tool")
		if s := d.settle(); s.Made != "" || s.Password != "" || s.Saving || !slices.Equal(made, []string{"main tool"}) {
			t.Errorf("beside another account: made %q, told %v", s.Made, made)
		}
		d.see(What{Account: "main", Client: "tool"})
		d.renew()
		if s := d.settle(); s.Password == "" {
			t.Fatal("there is no new password")
		}
		d.forget()
		if s := d.see(What{Account: "main", Client: "tool"}); s.Password != "" || s.relay(o, "").Password != "" || s.Tool != "tool" {
			t.Errorf("after the end of the setup %q is known of", s.Tool)
		}
	})
}

func TestTheToolMaySendAsTheAccountDoesUnlessThePersonSaysOtherwise(t *testing.T) {
	f := newFake()
	on(t, f, options(), func(t *testing.T, d *stand) {
		if s := d.see(What{Account: "main"}); s.Senders != "svc@contoso.com" {
			t.Errorf("at first as %q", s.Senders)
		}
		d.create()
		d.settle()
		d.renew()
		d.settle()
		d.name("scanner")
		d.sendAs("@contoso.com; scanner@fabrikam.com")
		d.see(What{Account: "main"}) // which reads the account again
		d.create()
		d.settle()
		d.name("any")
		d.sendAs("")
		d.create()
		if s := d.settle(); s.Err != nil || len(f.clients) != 3 {
			t.Fatalf("%v, made %+v", s.Err, f.clients)
		}
		for i, want := range [][]string{{"svc@contoso.com"}, {"@contoso.com", "scanner@fabrikam.com"}, {}} {
			if got := f.clients[i].AllowedSenders; !slices.Equal(got, want) {
				t.Errorf("%s may send as %q, want %q", f.clients[i].Name, got, want)
			}
		}
		if s := d.see(What{Account: "second"}); s.Senders != "svc@contoso.com" {
			t.Errorf("another account: %q", s.Senders)
		}
	})
}

func TestAToolMayBeKnownByItsAddressAlone(t *testing.T) {
	f, o := newFake(), options()
	on(t, f, o, func(t *testing.T, d *stand) {
		d.see(What{Account: "main"})
		d.withoutPassword(true)
		if s := d.settle(); s.Networks != "127.0.0.1" || s.relay(o, "").Client != "" {
			t.Errorf("from %q", s.Networks)
		}
		d.place(true)
		if s := d.settle(); s.Networks != "" || s.CanCreate() {
			t.Errorf("elsewhere, from %q", s.Networks)
		}
		d.from("192.0.2.7, 198.51.100.77/24")
		d.create()
		s := d.settle()
		if want := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24")}; len(f.clients) != 1 || !slices.Equal(f.clients[0].Networks, want) || !slices.Equal(f.saved, []mailer.ClientPassword{mailer.NoPassword}) {
			t.Errorf("made %+v", f.clients)
		}
		if r := s.relay(o, ""); r.Client != "" || r.Password != "" || s.Made != "main" {
			t.Errorf("the tool is told %+v", r)
		}
	})
}

func TestWhatIsNoNetworkIsRefusedBeforeAnythingIsSaved(t *testing.T) {
	f := newFake()
	on(t, f, options(), func(t *testing.T, d *stand) {
		d.see(What{Account: "main"})
		d.withoutPassword(true)
		d.from("the printer")
		d.create()
		if field, is := errors.AsType[*account.FieldError](d.settle().Err); !is || field.Key != "networks" || len(f.saved) != 0 {
			t.Errorf("%v", d.state.Err)
		}
		d.from("192.0.2.7")
		if d.settle().Err != nil {
			t.Error("it still says so after a change")
		}
	})
}

func TestAClientThatIsNotSavedSaysWhy(t *testing.T) {
	f := newFake()
	f.saving = &account.FieldError{Key: "name", Text: `"a b" is not a client name`, Fix: "use letters"}
	on(t, f, options(), func(t *testing.T, d *stand) {
		d.see(What{Account: "main"})
		d.create()
		if s := d.settle(); s.Err == nil || s.Made != "" || s.Password != "" {
			t.Errorf("%+v", s)
		}
		f.saving = fmt.Errorf("%w: the port is taken", mailer.ErrNotInForce)
		d.create()
		if s := d.settle(); s.Password == "" || !errors.Is(s.Err, mailer.ErrNotInForce) {
			t.Errorf("saved, and not in force: %+v", s.Err)
		}
	})
}

func TestTheListenerIsTheOneThatTheToolReaches(t *testing.T) {
	listener := func(address string) mailer.ListenerStatus {
		return mailer.ListenerStatus{Address: address, TLS: "none"}
	}
	for name, c := range map[string]struct {
		all       []mailer.ListenerStatus
		elsewhere bool
		host      string
		ok        bool
	}{
		"here":                           {[]mailer.ListenerStatus{listener("192.0.2.1:25"), listener("127.0.0.1:2525")}, false, "127.0.0.1", true},
		"here, by IPv6":                  {[]mailer.ListenerStatus{listener("[::1]:2525")}, false, "::1", true},
		"here, where all addresses are":  {[]mailer.ListenerStatus{listener("0.0.0.0:2525")}, false, "127.0.0.1", true},
		"here, where another is":         {[]mailer.ListenerStatus{listener("192.0.2.1:25")}, false, "192.0.2.1", true},
		"elsewhere":                      {[]mailer.ListenerStatus{listener("127.0.0.1:2525"), listener("192.0.2.1:25")}, true, "192.0.2.1", true},
		"elsewhere, where all addresses": {[]mailer.ListenerStatus{listener("[::]:2525")}, true, "mailhost", true},
		"elsewhere, where none is":       {[]mailer.ListenerStatus{listener("localhost:2525")}, true, "", false},
		"none at all":                    {nil, false, "", false},
	} {
		s := State{Listeners: c.all, Elsewhere: c.elsewhere}
		_, ok := s.Listener()
		if ok != c.ok || ok && s.relay(options(), "").Host != c.host {
			t.Errorf("%s: %v, %+v", name, ok, s.relay(options(), ""))
		}
	}
}

func TestTheListenersOfTheRunningProgramGoBeforeTheFiles(t *testing.T) {
	on(t, newFake(), options(), func(t *testing.T, d *stand) {
		d.told(desk.Status{Status: mailer.Status{Listeners: []mailer.ListenerStatus{{Address: "127.0.0.1:40123", TLS: "none"}}}})
		if s := d.see(What{Account: "main"}); s.relay(options(), "").Port != "40123" {
			t.Errorf("%+v", s.Listeners)
		}
	})
}

func TestTraymailIsStartedWithTheSystemAsItIsTicked(t *testing.T) {
	o := options()
	l := &login{}
	o.Autostart = l
	on(t, newFake(), o, func(t *testing.T, d *stand) {
		if s := d.see(What{Account: "main"}); !s.Start.Known || s.Start.On || s.Service.State != "not installed" {
			t.Errorf("%+v", s.Start)
		}
		d.start(true)
		if s := d.settle(); !s.Start.On || !l.on {
			t.Errorf("%+v", s.Start)
		}
		l.failing = errors.New("the folder is read-only")
		d.start(false)
		if s := d.settle(); !s.Start.On || s.Start.Err == nil || s.Start.Busy {
			t.Errorf("%+v", s.Start)
		}
	})
}

func TestWhatCannotBeReadSaysWhy(t *testing.T) {
	f, o := newFake(), options()
	f.failing = errors.New("the keychain is locked")
	o.Autostart, o.Service = nil, func() (string, error) { return "", errors.New("systemd does not answer") }
	on(t, f, o, func(t *testing.T, d *stand) {
		if s := d.see(What{Account: "main"}); s.Known || s.Unread == nil || s.CanCreate() || s.Start.Offered || s.Service.Err == nil {
			t.Errorf("%+v", s)
		}
	})
}
