package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/mailer"
)

func TestAnAccountOpensAsItIsStored(t *testing.T) {
	f := newFake("main").signedIn()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		s := d.settle()
		if !s.Account.Equal(f.accounts["main"]) || !s.Stored || s.Changed || !s.Secrets.SignedIn {
			t.Errorf("opened as %+v", s)
		}
		if want := []Activity{Opening, Idle}; !slices.Equal(d.activities(), want) {
			t.Errorf("activities %v, want %v", d.activities(), want)
		}
	})
}

func TestAnAccountThatCannotBeReadIsNeverReplaced(t *testing.T) {
	f := newFake()
	f.failing = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: "is wrong"}
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		if s := d.settle(); s.Outcome.Of != Opening || s.Outcome.Err == nil || s.Stored || s.Account.Name != "main" || s.Problem != nil {
			t.Errorf("opened as %+v", s)
		}
		d.set(FieldUsername, "svc@contoso.com")
		d.set(FieldClientID, clientID)
		d.save()
		if s := d.settle(); s.Outcome.Of != Saving || s.Outcome.Err == nil || len(f.saved) != 0 {
			t.Errorf("saved over it: %+v", s)
		}
	})
}

func TestANewAccountIsSavedWithItsDefaults(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("")
		d.set(FieldUsername, "svc@contoso.com")
		d.set(FieldClientID, clientID)
		if !d.state.CanSave() {
			t.Fatal("it cannot be saved")
		}
		d.save()
		s := d.settle()
		if s.Outcome.Err != nil || !s.Stored || s.Changed || s.Account.Name != "main" || s.Account.Tenant != "contoso.com" || s.Account.Sender != "svc@contoso.com" {
			t.Errorf("saved as %+v", s)
		}
	})
}

func TestWhatSavingRefusesIsSaidAtItsField(t *testing.T) {
	tests := []struct {
		name  string
		set   map[Field]string
		fails error
		at    Field // "" for the result
	}{
		{"a username that is missing", nil, nil, FieldUsername},
		{"a username that is no address", map[Field]string{FieldUsername: "svc"}, nil, FieldUsername},
		{"a client ID that is missing", map[Field]string{FieldUsername: "svc@contoso.com"}, nil, FieldClientID},
		{"a tenant that is none", map[Field]string{FieldUsername: "svc@contoso.com", FieldClientID: clientID, FieldTenant: "a b"}, nil, FieldTenant},
		{"a name with blanks", map[Field]string{FieldName: "a b"}, &account.FieldError{Key: "name", Text: "x"}, FieldName},
		{"a client secret", nil, &account.FieldError{Key: "client secret", Text: "is the Secret ID"}, FieldSecret},
		{"a name that is taken", map[Field]string{FieldName: "taken", FieldUsername: "svc@contoso.com", FieldClientID: clientID}, nil, FieldName},
		{"something without a field here", nil, &account.FieldError{Key: "smtp_port", Text: "x"}, ""},
		{"a full disk", nil, errors.New("no space left on device"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake("taken")
			f.failing = tt.fails
			before := f.accounts["taken"]
			onDesk(t, f, func(t *testing.T, d *desk) {
				d.open("")
				for field, v := range tt.set {
					d.set(field, v)
				}
				d.save()
				s := d.settle()
				if s.Outcome.Of != Saving || s.Outcome.Err == nil || s.Stored || !s.Changed {
					t.Fatalf("not refused: %+v", s)
				}
				if tt.at == "" {
					if s.Problem != nil {
						t.Errorf("said at %q", s.Problem.Key)
					}
					return
				}
				if s.Problem == nil || Field(s.Problem.Key) != tt.at {
					t.Fatalf("problem %+v, want it at %q", s.Problem, tt.at)
				}
				d.set(tt.at, "corrected")
				if d.state.Problem != nil {
					t.Error("it still stands there after the field was changed")
				}
				if !f.accounts["taken"].Equal(before) {
					t.Error("another account was replaced")
				}
			})
		})
	}
}

func TestASignInSavesWhatWasChangedFirst(t *testing.T) {
	f := newFake("main")
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.set(FieldTestTo, "new@contoso.com")
		d.signIn()
		s := d.settle()
		if f.accounts["main"].TestTo != "new@contoso.com" {
			t.Errorf("the test address is %q", f.accounts["main"].TestTo)
		}
		if want := []Activity{Opening, Idle, Saving, SigningIn, Idle}; !slices.Equal(d.activities(), want) {
			t.Errorf("activities %v, want %v", d.activities(), want)
		}
		if s.Outcome.Username != "svc@contoso.com" || !s.Secrets.SignedIn || s.Changed || !slices.Equal(f.opened, []string{"https://login.example/main"}) {
			t.Errorf("ended as %+v; opened %v", s, f.opened)
		}
	})
}

func TestASignInDoesNotStartWhenTheFormCannotBeSaved(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("")
		d.signIn()
		if s := d.settle(); s.Outcome.Of != Saving || s.Problem == nil || len(f.opened) != 0 {
			t.Errorf("ended as %+v; opened %v", s, f.opened)
		}
	})
}

// waiting is a sign-in whose browser never comes back.
func waiting(ctx context.Context, how mailer.SignIn) (mailer.SignedIn, error) {
	if err := how.Open("https://login.example/"); err != nil {
		return mailer.SignedIn{}, err
	}
	<-ctx.Done()
	return mailer.SignedIn{}, fmt.Errorf("signing in: %w", ctx.Err())
}

func TestTheTimeLeftForASignInCountsDown(t *testing.T) {
	f := newFake("main")
	f.signIn = waiting
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.signIn()
		if s := d.settle(); s.Link != "https://login.example/" || s.Left != 5*time.Minute {
			t.Errorf("link %q, %v left", s.Link, s.Left)
		}
		time.Sleep(90 * time.Second)
		if s := d.settle(); s.Left != 3*time.Minute+30*time.Second {
			t.Errorf("after 90 s %v are left", s.Left)
		}
	})
}

func TestWithoutABrowserASignInWaitsForTheCopiedLink(t *testing.T) {
	f := newFake("main")
	f.signIn = waiting
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.browse = func(string) error { return errors.New("no display") }
		d.open("main")
		d.settle()
		d.signIn()
		if s := d.settle(); s.Activity != SigningIn || s.Link == "" || s.Unopened == nil {
			t.Errorf("it does not wait: %+v", s)
		}
		d.stop()
		if s := d.settle(); s.Unopened != nil {
			t.Error("it still says so afterwards")
		}
	})
}

func TestACancelledSignInEndsAndKeepsTheFormerOne(t *testing.T) {
	f := newFake("main").signedIn()
	f.signIn = waiting
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.signIn()
		d.settle()
		d.stop()
		if !d.state.Cancelling {
			t.Error("the page does not say that it is stopping")
		}
		s := d.settle()
		if s.Activity != Idle || !s.Outcome.Cancelled || s.Outcome.Of != SigningIn || s.Link != "" || !s.Secrets.SignedIn || s.Outcome.Fix() != "" {
			t.Errorf("ended as %+v", s)
		}
		d.stop() // nothing is under way
		if s := d.settle(); s.Cancelling {
			t.Error("stopping what has ended")
		}
	})
}

func TestASlowServiceBlocksNothing(t *testing.T) {
	f := newFake("main").signedIn()
	var release chan struct{}
	f.sendTest = func(context.Context) (mailer.Delivery, error) {
		<-release // whatever its context says
		return mailer.Delivery{Reply: "250 OK"}, nil
	}
	onDesk(t, f, func(t *testing.T, d *desk) {
		release = make(chan struct{}) // of the bubble
		d.open("main")
		d.settle()
		d.sendTest()
		time.Sleep(7 * time.Second)
		if s := d.settle(); s.Activity != Sending || s.Elapsed != 7*time.Second || s.CanSend() || s.CanSave() || s.CanSignIn() {
			t.Errorf("after 7 s: %+v", s)
		}
		before := d.state.Account
		d.set(FieldSender, "other@contoso.com")
		d.sendTest()
		d.signIn()
		d.save()
		if s := d.settle(); s.Activity != Sending || !s.Account.Equal(before) {
			t.Errorf("two things at a time: %+v", s)
		}
		close(release)
		if s := d.settle(); s.Activity != Idle || s.Outcome.Delivery.Reply != "250 OK" {
			t.Errorf("ended as %+v", s)
		}
	})
}

func TestARefusalHasTheServersWordsAndTheFix(t *testing.T) {
	f := newFake("main").signedIn()
	f.sendTest = func(context.Context) (mailer.Delivery, error) { return mailer.Delivery{}, refusal() }
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.sendTest()
		s := d.settle()
		if s.Outcome.Of != Sending || !strings.Contains(s.Outcome.Err.Error(), "535 5.7.139 Authentication unsuccessful") {
			t.Errorf("ended as %+v", s)
		}
		if fix := s.Outcome.Fix(); !strings.Contains(fix, "Set-CASMailbox -Identity 'svc@contoso.com' -SmtpClientAuthenticationDisabled $false") {
			t.Errorf("the fix is %q", fix)
		}
	})
}

func TestTheWrongAccountSignsNobodyIn(t *testing.T) {
	f := newFake("main")
	f.signIn = func(context.Context, mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, &authcode.WrongAccountError{SignedInAs: "admin@contoso.com", Username: "svc@contoso.com"}
	}
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.signIn()
		s := d.settle()
		for _, name := range []string{"admin@contoso.com", "svc@contoso.com"} {
			if !strings.Contains(s.Outcome.Err.Error(), name) {
				t.Errorf("%q does not name %s", s.Outcome.Err, name)
			}
		}
		if s.Secrets.SignedIn || s.CanSend() {
			t.Error("it counts as signed in")
		}
	})
}

func TestAChangedUsernameEndsTheSignIn(t *testing.T) {
	onDesk(t, newFake("main").signedIn(), func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.set(FieldUsername, "other@contoso.com")
		d.save()
		if s := d.settle(); s.Secrets.SignedIn || s.CanSend() {
			t.Errorf("still signed in: %+v", s)
		}
	})
}

func TestAClientSecretIsStoredOnceAndNeverComesBack(t *testing.T) {
	f := newFake("main")
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.set(FieldSecret, "s3cr3t~Value")
		d.save() // public: its field is hidden
		d.settle()
		d.set(FieldRegistration, string(account.Web))
		d.set(FieldSecret, "s3cr3t~Value")
		if text := fmt.Sprintf("%+v %#v", d.state, d.state); strings.Contains(text, "s3cr3t") {
			t.Error("the state prints it")
		}
		d.save()
		s := d.settle()
		if want := []mailer.Secret{"", "s3cr3t~Value"}; !slices.Equal(f.saved, want) {
			t.Errorf("%d secrets were stored, not only that of the Web registration", len(f.saved))
		}
		if s.Secret != "" || !s.Secrets.ClientSecret || s.Value(FieldSecret) != "" {
			t.Error("it stands in the form after it was stored")
		}
	})
}

func TestAfterTheWindowIsClosedNothingIsShown(t *testing.T) {
	f := newFake("main")
	f.signIn = waiting
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.open("main")
		d.settle()
		d.signIn()
		d.settle()
		time.Sleep(time.Second)
		synctest.Wait() // a tick is dispatched, and not shown yet
		d.end()
		shown, dispatched := len(d.shown), len(d.queue)
		d.close()
		if dispatched == 0 || len(d.queue) != dispatched {
			t.Errorf("%d were dispatched, and then %d", dispatched, len(d.queue))
		}
		d.settle()
		if len(d.shown) != shown {
			t.Errorf("%d states more", len(d.shown)-shown)
		}
	})
}

func TestALinkOfThePageOpensInTheBrowser(t *testing.T) {
	f := newFake()
	onDesk(t, f, func(t *testing.T, d *desk) {
		d.follow("http://127.0.0.1:1/inbox")
		d.settle()
		if !slices.Equal(f.opened, []string{"http://127.0.0.1:1/inbox"}) {
			t.Errorf("opened %v", f.opened)
		}
	})
}
