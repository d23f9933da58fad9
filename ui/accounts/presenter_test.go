package accounts

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/ui/desk"
)

// A loop is the window's goroutine, which is the test's, with a presenter on it.
type loop struct {
	*presenter
	disk
	queue chan func()
	last  State
}

// onLoop runs a test in a bubble of its own time, with an account chosen.
func onLoop(t *testing.T, f *fake, chosen string, test func(t *testing.T, l *loop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &loop{queue: make(chan func(), 10_000)}
		d := desk.New(func(f func()) { l.queue <- f })
		defer d.Close()
		l.presenter = newPresenter(d, f, l.disk.files(), func(s State) { l.last = s })
		l.Open()
		l.Status(f.status())
		l.Choose(chosen)
		l.settle()
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
			return l.last
		}
	}
}

func (s State) input(key string) Input {
	for _, in := range s.Inputs {
		if in.Key == key {
			return in
		}
	}
	return Input{}
}

func TestWhatFollowsFromAFieldFollowsWhileItIsTyped(t *testing.T) {
	onLoop(t, newFake(personal("main")), "main", func(t *testing.T, l *loop) {
		l.Set("username", "new@fabrikam.com")
		s := l.settle()
		if s.input("sender").Value != "new@fabrikam.com" || s.input("tenant").Value != "fabrikam.com" || s.Changes != 3 {
			t.Errorf("sender %q, tenant %q, %d changes", s.input("sender").Value, s.input("tenant").Value, s.Changes)
		}
		l.Set("sign_in", string(account.AppOnly))
		s = l.settle()
		if s.input("registration").Key != "" || s.input("credential").Value != string(account.SecretCredential) || s.Secret.Kind != ClientSecret {
			t.Errorf("of an application it asks for %+v, %+v", s.Inputs, s.Secret)
		}
		if l.Discard(); l.last.Changes != 0 || l.last.input("username").Value != "svc@contoso.com" {
			t.Errorf("discarded, there are %d changes", l.last.Changes)
		}
	})
}

func TestWhatIsWrongIsSaidAtItsField(t *testing.T) {
	for key, value := range map[string]string{"username": "nobody", "senders": "contoso", "smtp_port": "many", "sessions": "1000", "redirect_url": "nowhere", "secret_expires": "soon"} {
		t.Run(key, func(t *testing.T) {
			a := personal("main")
			if key == "secret_expires" {
				a = app("main")
			}
			f := newFake(a)
			onLoop(t, f, "main", func(t *testing.T, l *loop) {
				l.Set(key, value)
				if in := l.settle().input(key); in.Wrong != "" || in.Value != value {
					t.Errorf("while it is typed it says %q", in.Wrong)
				}
				l.Apply()
				s := l.settle()
				if in := s.input(key); in.Wrong == "" || in.Fix == "" || in.Value != value || s.Stage != Editing {
					t.Errorf("it says %+v", in)
				}
				l.Set(key, fieldOf(key).value(&a))
				if in := l.settle().input(key); in.Wrong != "" {
					t.Errorf("corrected it still says %q", in.Wrong)
				}
				if len(f.calls) != 0 {
					t.Errorf("it was saved: %v", f.calls)
				}
			})
		})
	}
}

func TestARefusalOfTheProgramIsSaidWhereItBelongs(t *testing.T) {
	f := newFake(app("erp"))
	onLoop(t, f, "erp", func(t *testing.T, l *loop) {
		f.failing = &account.FieldError{Key: "client secret", Text: "is the Secret ID", Fix: "copy the secret's Value"}
		l.SetSecret("11111111-2222-3333-4444-555555555555")
		l.Apply()
		if s := l.settle(); s.Secret.Wrong != "Is the Secret ID" || s.Secret.Typed == "" {
			t.Errorf("of the secret it says %q", s.Secret.Wrong)
		}
		f.failing = errors.New("account erp is not saved: no space left on device")
		l.SetSecret("Abc8Q~value")
		l.Apply()
		if s := l.settle(); s.Secret.Wrong != "" || s.Notice == nil || s.Notice.What != "The changes were not applied" || !strings.HasPrefix(s.Notice.Fix, "Free space") || s.Changes != 1 {
			t.Errorf("it says %+v, %d changes", s.Notice, s.Changes)
		}
	})
}

func TestAfterSavingItSaysWhatIsLeftToDo(t *testing.T) {
	for name, c := range map[string]struct {
		a            account.Account
		key, value   string
		then         string
		signIn, test bool
	}{
		"nothing":             {personal("main"), "label", "Invoices", "", false, false},
		"the sign-in ended":   {personal("main"), "username", "new@contoso.com", "Its sign-in was for the former settings", true, false},
		"it asks for more":    {personal("main"), "transport", string(account.Auto), "Its sign-in was for less than it asks for now (https://graph.microsoft.com/Mail.Send", true, false},
		"an application's is": {app("main"), "sender", "new@contoso.com", "The checks show", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			onLoop(t, newFake(c.a), "main", func(t *testing.T, l *loop) {
				l.Set(c.key, c.value)
				l.Apply()
				if n := l.settle().Notice; n == nil || !strings.HasPrefix(n.Then, c.then) || (c.then == "") != (n.Then == "") || n.SignIn != c.signIn || n.Control != c.test {
					t.Errorf("it says %+v", n)
				}
			})
		})
	}
}

func TestACertificateIsChosenOrMade(t *testing.T) {
	f := newFake(app("erp"))
	onLoop(t, f, "erp", func(t *testing.T, l *loop) {
		l.now = time.Now
		l.Set("credential", string(account.CertificateCredential))
		l.name, l.content = "/home/ada/app.pem", []byte("no certificate")
		l.ChooseCertificate()
		l.settle()
		l.Apply()
		if s := l.settle(); !strings.HasPrefix(s.Secret.Wrong, "app.pem: ") || s.Secret.File != l.name {
			t.Errorf("of what is no certificate it says %+v", s.Secret)
		}
		l.MakeCertificate()
		if s := l.settle(); s.Secret.File != "/home/ada/traymail-erp.pem" || s.Secret.Wrong != "" {
			t.Fatalf("of the one that was made it says %+v", s.Secret)
		}
		if public := l.disk.String(); !strings.Contains(public, "BEGIN CERTIFICATE") || strings.Contains(public, "PRIVATE") {
			t.Error("the file is not the part to upload")
		}
		l.Apply()
		if n := l.settle().Notice; n == nil || !strings.HasPrefix(n.Then, "Upload /home/ada/traymail-erp.pem (thumbprint ") {
			t.Errorf("it says %+v", n)
		}
		if _, err := apponly.ParseCertificate([]byte(f.saved[0].Reveal()), ""); err != nil {
			t.Errorf("what was saved is no certificate: %v", err)
		}
	})
}

func TestAnAccountTravelsWithoutItsSecrets(t *testing.T) {
	f := newFake(personal("main"))
	onLoop(t, f, "main", func(t *testing.T, l *loop) {
		l.Export()
		if n := l.settle().Notice; n == nil || n.What != "main is saved as /home/ada/main.toml" || l.disk.String() != "[[account]]\nname = \"main\"\n" {
			t.Errorf("it says %+v and wrote %q", n, l.disk.String())
		}
		a := app("branch")
		l.content, _ = account.ExportTOML([]account.Account{a})
		l.Import()
		l.settle()
		l.Status(f.status())
		if s := l.settle(); s.Chosen != "branch" || s.Notice == nil || s.Notice.What != "branch is imported" {
			t.Errorf("%s is chosen, and it says %+v", s.Chosen, s.Notice)
		}
		l.content = []byte("[[account]]\nname = \"x\"\nsmtp_prt = 5\n")
		l.Import()
		if n := l.settle().Notice; n == nil || n.What != "No account was imported" || !strings.Contains(n.Said, "smtp_prt") {
			t.Errorf("of a key that is unknown it says %+v", n)
		}
	})
}

func TestAFileThatWasChosenTooLateIsClosedAndThatIsSaid(t *testing.T) {
	onLoop(t, newFake(personal("main")), "main", func(t *testing.T, l *loop) {
		silent := l.status
		silent.Silent = noon
		l.Status(silent) // it stopped answering while the dialogue was open
		for what, begin := range map[string]func(){"main was not exported": l.Export, "No account was imported": l.Import} {
			l.disk.closed = 0
			begin()
			if n := l.settle().Notice; n == nil || n.What != what || n.Then == "" || l.disk.closed != 1 {
				t.Errorf("%s: it says %+v, and the file was closed %d times", what, n, l.disk.closed)
			}
		}
	})
}

func TestAFileThatCannotBeReadSaysWhereAndIsReadAgain(t *testing.T) {
	f := newFake(personal("main"))
	f.broken["main"] = &account.FieldError{File: "main.toml", Line: 7, Key: "smtp_port", Text: "incomplete number", Fix: "correct the line"}
	onLoop(t, f, "main", func(t *testing.T, l *loop) {
		if s := l.last; s.Stage != Unreadable || s.Problem.Said != "main.toml:7: smtp_port: incomplete number" || s.Problem.Fix != "Correct the line" {
			t.Fatalf("it says %+v", s.Problem)
		}
		f.mu.Lock()
		delete(f.broken, "main")
		f.mu.Unlock()
		l.Choose("main")
		if s := l.settle(); s.Stage != Editing || s.Problem != nil {
			t.Errorf("corrected it says %+v", s.Problem)
		}
	})
}

func TestAnAccountThatSomebodyRemovedIsLeft(t *testing.T) {
	f := newFake(personal("main"), app("erp"))
	onLoop(t, f, "main", func(t *testing.T, l *loop) {
		l.Set("label", "changed")
		delete(f.accounts, "main")
		l.Status(f.status())
		if s := l.settle(); s.Chosen != "" || s.Stage != Nothing || len(s.Rows) != 1 {
			t.Errorf("%q is chosen of %v", s.Chosen, s.Rows)
		}
		l.Refresh()
		if s := l.settle(); s.Chosen != "erp" || s.Rows[0].Way != "Microsoft 365, application, SMTP" {
			t.Errorf("%q is chosen of %v", s.Chosen, s.Rows)
		}
	})
}

func TestAnAnswerAboutAnAccountThatWasLeftIsNotShown(t *testing.T) {
	onLoop(t, newFake(personal("main"), app("erp")), "main", func(t *testing.T, l *loop) {
		l.Choose("erp")
		l.Choose("main")
		if s := l.settle(); s.Chosen != "main" || s.input("username").Value != "svc@contoso.com" {
			t.Errorf("%s is shown, of %q", s.Chosen, s.input("username").Value)
		}
	})
}

func TestEachFieldTakesBackWhatItShows(t *testing.T) {
	for _, a := range []account.Account{personal("main"), app("erp")} {
		a.Senders, a.Timeout, a.OnBehalf = []string{"a@contoso.com", "@fabrikam.com"}, 120, a.SignIn != account.AppOnly
		b := account.Account{Name: a.Name, ID: a.ID}
		for i := range fields {
			if !fields[i].set(&b, fields[i].value(&a)) {
				t.Errorf("%s does not take %q", fields[i].key, fields[i].value(&a))
			}
		}
		if !slices.Equal(a.Senders, b.Senders) || !a.Equal(b) {
			t.Errorf("%+v became %+v", a, b)
		}
	}
}
