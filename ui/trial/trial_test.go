//go:build !darwin || cgo

package trial

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"

	"traymail/internal/mailer"
	"traymail/smtp"
	"traymail/ui/uitest"
	"traymail/ui/words"
)

// fake is a program whose test emails end like that; those of the account hangs
// end when they are given up.
type fake struct {
	end   func() (mailer.Delivery, error)
	mu    sync.Mutex
	asked []string
}

func (f *fake) SendTest(ctx context.Context, name, _ string) (mailer.Delivery, error) {
	f.mu.Lock()
	f.asked = append(f.asked, name)
	f.mu.Unlock()
	if name == "hangs" {
		<-ctx.Done()
		return mailer.Delivery{}, ctx.Err()
	}
	return f.end()
}

// A screen is a strip in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Strip
	checked []string
	changes int
}

func open(t *testing.T, f *fake) *screen {
	t.Helper()
	s := &screen{Bench: uitest.New(t)}
	k := s.Kit(func() { s.Strip.Close() })
	s.Strip = NewStrip(k, New(s.Desk, f), func(account string) { s.checked = append(s.checked, account) }, func() { s.changes++ })
	s.Window.SetContent(s.Card)
	return s
}

// sent sends a test email and waits for its end.
func (s *screen) sent() State {
	s.Send("main")
	s.Until(func() bool { return s.Strip.State().Stage != Busy })
	return s.Strip.State()
}

func refused() error {
	return &mailer.AccountError{Account: "main", Username: "svc@contoso.com", Err: &smtp.Error{Op: smtp.OpAUTH, Server: "smtp.office365.com:587", Code: 535,
		Text: "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information."}}
}

func TestTheOutcomeIsToldWithTheServersReply(t *testing.T) {
	taken := mailer.Delivery{Reply: "250 2.0.0 OK", Accepted: []string{"ops@contoso.com"}}
	partly := taken
	partly.Refused = []mailer.Refusal{{Recipient: "gone@contoso.com", Reply: "550 5.1.10 not found"}}
	warned := taken
	warned.Warnings = []mailer.Warning{{Text: "SMTP AUTH is switched off", Fix: "nothing, if that is wanted"}}
	for name, c := range map[string]struct {
		d          mailer.Delivery
		err        error
		stage      Stage
		what       string
		reply, fix string
	}{
		"taken":          {taken, nil, Taken, "The server took the test email", "250 2.0.0 OK", ""},
		"partly":         {partly, nil, Partly, "The server took the test email for some recipients only", "250 2.0.0 OK\ngone@contoso.com: 550 5.1.10 not found", ""},
		"with a warning": {warned, nil, Taken, "The server took the test email", "250 2.0.0 OK", "SMTP AUTH is switched off; nothing, if that is wanted"},
		"refused":        {mailer.Delivery{}, refused(), Failed, "The test email of main was not sent", "Account main: ", "Authenticated SMTP"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &fake{end: func() (mailer.Delivery, error) { return c.d, c.err }})
			st := s.sent()
			if st.Stage != c.stage || st.What != c.what || !strings.HasPrefix(st.Reply, c.reply) || !strings.Contains(st.Fix, c.fix) {
				t.Errorf("it says %+v", st)
			}
			if s.reply.Text != st.Reply || !s.Card.Visible() || s.check.Visible() != (c.stage == Failed) {
				t.Errorf("it shows %q", s.reply.Text)
			}
			s.Look("trial-" + strings.ReplaceAll(name, " ", "-"))
		})
	}
}

func TestInAnotherLanguageTheSameIsSaidAndWhatIsUnderWayGoesOn(t *testing.T) {
	s := open(t, &fake{end: func() (mailer.Delivery, error) { return mailer.Delivery{}, refused() }})
	t.Cleanup(func() { words.Use("en") })
	again := func(language string) State {
		words.Use(language)
		s.Strip = NewStrip(s.Kit(func() {}), s.Trial, func(string) {}, func() {})
		return s.Strip.State()
	}
	was := s.sent()
	if st := again("de"); st.Stage != Failed || st.What != "Die Test-E-Mail von main wurde nicht gesendet" || st.Fix == was.Fix || !s.Card.Visible() || s.reply.Text != st.Reply {
		t.Errorf("in German it says %+v", st)
	}
	if st := again("en"); st != was {
		t.Errorf("in English again it says %+v, want %+v", st, was)
	}
	s.Send("hangs")
	if st := again("de"); st.Stage != Busy || !s.cancel.Visible() {
		t.Errorf("while it is sent it says %+v", st)
	}
	s.Cancel()
	s.Until(func() bool { return s.Strip.State().Stage == Failed })
	if st := s.Strip.State(); st.What != "Die Test-E-Mail von hangs wurde aufgegeben" || s.banner.What.Text != st.What {
		t.Errorf("at its end it says %+v", st)
	}
}

func TestARefusalLeadsToTheChecks(t *testing.T) {
	s := open(t, &fake{end: func() (mailer.Delivery, error) { return mailer.Delivery{}, refused() }})
	s.sent()
	s.Window.Canvas().Focus(s.check)
	s.Press(fyne.KeyReturn)
	if !slices.Equal(s.checked, []string{"main"}) {
		t.Errorf("it leads to %v", s.checked)
	}
}

func TestOneTestEmailIsUnderWayAtATime(t *testing.T) {
	f := &fake{}
	s := open(t, f)
	s.Send("hangs")
	s.Send("other")
	if st := s.Strip.State(); st.Account != "hangs" || s.Focus() != s.cancel {
		t.Errorf("it is at %+v", st)
	}
	s.Window.Canvas().Focus(s.cancel)
	s.Press(fyne.KeyReturn)
	s.Until(func() bool { return s.Strip.State().Stage == Failed })
	if st := s.Strip.State(); st.What != "The test email of hangs was given up" || st.Reply != "" || !s.Lost(s.cancel) {
		t.Errorf("it says %+v", st)
	}
	if !slices.Equal(f.asked, []string{"hangs"}) {
		t.Errorf("the program was asked for %v", f.asked)
	}
}

func TestWhatComesAfterItWasPutAwayIsNotShown(t *testing.T) {
	f := &fake{end: func() (mailer.Delivery, error) { return mailer.Delivery{Reply: "250 OK"}, nil }}
	s := open(t, f)
	s.Send("hangs")
	s.Strip.Close()
	s.Send("other")
	s.Until(func() bool { return s.Strip.State().Stage == Taken })
	if st := s.Strip.State(); st.Account != "other" {
		t.Errorf("it says %+v", st)
	}
	if s.Strip.Close(); s.Card.Visible() || !s.Lost(s.remove) {
		t.Error("put away, it is still shown")
	}
}
