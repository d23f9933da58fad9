package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/keystore"
	"traymail/smtp"
)

func TestAnErrorSaysTheSameOnBothSides(t *testing.T) {
	field := &account.FieldError{File: "work.toml", Line: 3, Key: "smtp_port", Text: "is no port", Fix: "use 587"}
	inAccount := func(err error) error {
		return &mailer.AccountError{Account: "work", Username: "alex@contoso.com", Err: err}
	}
	for name, c := range map[string]struct {
		err error
		is  error // what errors.Is finds
		as  *account.FieldError
	}{
		"plain":            {err: errors.New("the queue is closed")},
		"of a field":       {err: field, as: field},
		"around a field":   {err: inAccount(field), as: field},
		"no account":       {err: fmt.Errorf("%w: work", account.ErrNotFound), is: account.ErrNotFound},
		"no message":       {err: fmt.Errorf("%w: %q", mailer.ErrNoMessage, "id"), is: mailer.ErrNoMessage},
		"stopping":         {err: mailer.ErrStopping, is: mailer.ErrStopping},
		"state":            {err: fmt.Errorf("%w: it is sent", mailer.ErrMessageState), is: mailer.ErrMessageState},
		"deadline":         {err: inAccount(context.DeadlineExceeded), is: context.DeadlineExceeded},
		"keychain":         {err: inAccount(fmt.Errorf("%w: locked", keystore.ErrUnavailable))},
		"not signed in":    {err: inAccount(authcode.ErrNotSignedIn)},
		"temporary reply":  {err: inAccount(&smtp.Error{Code: 432, Text: "4.3.2 Concurrent connections limit exceeded"})},
		"permanent reply":  {err: inAccount(&smtp.Error{Code: 535, Text: "5.7.3 Authentication unsuccessful"})},
		"full disk":        {err: errors.New("write x: no space left on device")},
		"somebody else":    {err: inAccount(&authcode.WrongAccountError{SignedInAs: "admin@contoso.com", Username: "alex@contoso.com"})},
		"without any text": {err: errors.New("")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.program.reload = func(context.Context) error { return c.err }
			got := r.Reload(t.Context())
			if got == nil || got.Error() != c.err.Error() {
				t.Fatalf("text %q, want %q", got, c.err)
			}
			if a, b := mailer.Fix(got), mailer.Fix(c.err); a != b {
				t.Errorf("fix %q, want %q", a, b)
			}
			if a, b := mailer.Temporary(got), mailer.Temporary(c.err); a != b {
				t.Errorf("temporary %v, want %v", a, b)
			}
			if c.is != nil && !errors.Is(got, c.is) {
				t.Errorf("%#v is not %v", got, c.is)
			}
			if a, b := mailer.OtherAccount(got), mailer.OtherAccount(c.err); a != b || name == "somebody else" && a != "admin@contoso.com" {
				t.Errorf("signed in as %q, want %q", a, b)
			}
			var as *account.FieldError
			if errors.As(got, &as) != (c.as != nil) || c.as != nil && !cmp.Equal(as, c.as) {
				t.Errorf("field %+v, want %+v", as, c.as)
			}
		})
	}
}

func FuzzError(f *testing.F) {
	for _, err := range []error{errors.New("x"), account.ErrNotFound, mailer.ErrNoMessage, context.Canceled, &callerError{text: "x"},
		&account.FieldError{Key: "k", Text: "t", Fix: "f"}, &mailer.AccountError{Err: &account.FieldError{Text: "t"}}} {
		b, _ := json.Marshal(encode(err))
		f.Add(b)
	}
	f.Add([]byte(`{"field":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e wireError
		if json.Unmarshal(data, &e) != nil {
			return
		}
		err := e.decode(errFor)
		if err == nil || err.Error() != e.Text || mailer.Fix(err) != e.Fix {
			t.Fatalf("%+v became %#v", e, err)
		}
		again := encode(err).decode(errFor)
		if again.Error() != err.Error() || mailer.Fix(again) != mailer.Fix(err) || mailer.Temporary(again) != mailer.Temporary(err) {
			t.Fatalf("%#v became %#v", err, again)
		}
		if caller := e.ofCaller(); caller.Error() != e.Text {
			t.Fatalf("%+v became %#v", e, caller)
		}
	})
}

// FuzzEvent plays an arbitrary line of a running program to a sign-in and to a
// watch.
func FuzzEvent(f *testing.F) {
	for _, e := range []event{{Event: eventSigningIn, Session: "s"}, {Event: eventOpen, N: 1, Address: "https://a"}, {Event: eventPaste, N: 2, Wrong: &wireError{Text: "w"}},
		{Event: eventDevice, N: 3, Device: &mailer.DeviceCode{}}, {Event: eventCancel, N: 4}, {Event: eventStatus, Status: &mailer.Status{}}, {Event: eventEnd}, {Event: eventDevice}} {
		b, _ := json.Marshal(e)
		f.Add(b)
	}
	c := &Client{}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e event
		if json.Unmarshal(data, &e) != nil || e.check() != nil {
			return
		}
		if e.Event == eventStatus && e.Status == nil || e.Event == eventDevice && e.Device == nil {
			t.Fatalf("%s promises what it lacks", data)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nothing is answered
		called := ""
		p := &person{client: c, give: func(error) {}, cancels: map[int]context.CancelFunc{}, how: mailer.SignIn{
			Open:   func(string) error { called = eventOpen; return nil },
			Paste:  func(context.Context, string, error) (string, error) { called = eventPaste; return "", nil },
			Device: func(mailer.DeviceCode) { called = eventDevice },
		}}
		err := p.handle(ctx, e)
		p.callbacks.Wait()
		if called != "" && called != e.Event || err == nil && e.Event == eventStatus {
			t.Fatalf("%s called %q: %v", data, called, err)
		}
		if err := (&person{client: c}).handle(ctx, event{Event: e.Event}); err == nil && e.Event != eventSigningIn && e.Event != eventCancel {
			t.Fatalf("%s was handled without a callback", data)
		}
	})
}
