package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"traymail/authcode"
	"traymail/internal/mailer"
	"traymail/internal/sandbox"
	"traymail/keystore"
)

// A walk is one sign-in with a real Chromium in front of the sandbox's pages.
type walk struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	mailer  *mailer.Mailer
	users   map[string]sandbox.ReadyUser // by the part before the @
	browser context.Context
}

// chromium returns the browser's program; without one the test fails, because
// the sign-in was then not seen in a browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: run make setup")
	return ""
}

func newWalk(t *testing.T, username string) *walk {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	home := t.TempDir()
	w := &walk{t: t, sandbox: s, mailer: &mailer.Mailer{Home: home, Secrets: keystore.Memory()}, users: map[string]sandbox.ReadyUser{}}
	t.Cleanup(func() { w.mailer.Close() })
	for _, u := range s.Ready().Users {
		name, _, _ := strings.Cut(u.Username, "@")
		w.users[name] = u
	}
	a, err := sandboxAccount(home, s.Ready(), w.users[username])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.mailer.Save(t.Context(), a, ""); err != nil {
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	w.browser, cancel = chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(home, "browser")), chromedp.IgnoreCertErrors,
		// Pages that come back out of a cache are beyond the debugging protocol.
		chromedp.Flag("disable-features", "Translate,BackForwardCache"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true)))
	t.Cleanup(cancel)
	if err := chromedp.Do(w.browser); err != nil { // starts it, for as long as its context lasts
		t.Fatal(err)
	}
	return w
}

// A step is one thing that is done in a tab.
type step = chromedp.Action[chromedp.Void]

// patience is how long one row of steps may take, on a busy machine.
const patience = 30 * time.Second

// do takes steps in a tab.
func (w *walk) do(tab context.Context, steps ...step) {
	w.t.Helper()
	if tab != w.browser {
		if err := chromedp.Do(tab); err != nil { // opens it, for as long as its context lasts
			w.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		page, _ := chromedp.Run(tab, pageText)
		w.t.Fatalf("the browser: %v; it shows: %s", err, page)
	}
}

var pageText = chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`)

// signIn starts a sign-in and runs steps with its address; it returns how the
// sign-in ended.
func (w *walk) signIn(steps func(address string)) (mailer.SignedIn, error) {
	w.t.Helper()
	address := make(chan string, 1)
	type outcome struct {
		in  mailer.SignedIn
		err error
	}
	ended := make(chan outcome, 1)
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	go func() {
		in, err := w.mailer.SignIn(ctx, "demo", mailer.SignIn{Open: func(a string) error { address <- a; return nil }, Timeout: 2 * time.Minute})
		ended <- outcome{in, err}
	}()
	select {
	case a := <-address:
		steps(a)
	case o := <-ended:
		return o.in, o.err
	}
	o := <-ended
	return o.in, o.err
}

const submit = chromedp.CSS(`button[type="submit"]:not(.plain)`)

func fill(field chromedp.CSS, value string) step {
	return chromedp.Steps(chromedp.WaitVisible(field),
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).value = ''; undefined", field)),
		chromedp.SendKeys(field, value), chromedp.Click(submit))
}

// shows waits until a page has a text. A page that is being left cannot be
// asked: it is asked again.
func shows(text string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for {
			if page, err := pageText(ctx, target); err == nil && strings.Contains(page, text) {
				return chromedp.Void{}, nil
			}
			select {
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("no page showed %q: %w", text, ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// hinted opens the address, where the username stands already, and goes on.
func hinted(address string) step {
	return chromedp.Steps(chromedp.Navigate(address), shows("Email or phone"), chromedp.Click(submit))
}

// goBack presses the back button, from a timer, because a page that is left
// does not answer.
func goBack() step {
	return chromedp.Evaluate[chromedp.Void]("setTimeout(() => history.back(), 0); undefined")
}

// over waits for the program's own last page, which names the account.
func over(account string) step {
	return chromedp.Steps(shows("You can close this tab"), shows(account))
}

func accept() step { return chromedp.Steps(shows("Permissions requested"), chromedp.Click(submit)) }

func cancelPage() step { return chromedp.Click(chromedp.CSS(`button[formaction="/signin/cancel"]`)) }

func TestBrowserSignsInAndIsToldTheTruth(t *testing.T) {
	w := newWalk(t, "svc")
	in, err := w.signIn(func(address string) {
		w.do(w.browser, hinted(address), shows("Enter password"),
			fill("#passwd", "wrong"),
			shows("password is incorrect"),
			fill("#passwd", w.users["svc"].Password),
			shows("SMTP"),
			accept(),
			over("svc@contoso.com"))
	})
	if err != nil || in.Username != "svc@contoso.com" {
		t.Fatalf("SignIn = %+v, %v", in, err)
	}
	address, err := chromedp.Run(w.browser, chromedp.Location())
	if err != nil || strings.Contains(address, "code=") || strings.Contains(address, "state=") {
		t.Errorf("the code stands in the address: %s", address)
	}
	if _, err := w.mailer.SendTest(t.Context(), "demo", ""); err != nil {
		t.Errorf("the token does not work: %v", err)
	}

	// The page is left, and the port is free: going back finds the sandbox's
	// page, which says that this sign-in is over.
	again, err := w.signIn(func(address string) {
		w.do(w.browser, chromedp.Navigate(address), over("svc@contoso.com"))
	})
	if err != nil || again.Username != "svc@contoso.com" {
		t.Errorf("the second sign-in, with the browser's session: %+v, %v", again, err)
	}
}

func TestBrowserAsksForTheSecondFactor(t *testing.T) {
	w := newWalk(t, "mfa")
	in, err := w.signIn(func(address string) {
		w.do(w.browser, hinted(address), fill("#passwd", w.users["mfa"].Password),
			fill("#otc", "000000"), shows("AADSTS500121"), fill("#otc", w.users["mfa"].MFACode), accept(), over("mfa@contoso.com"))
	})
	if err != nil || in.Username != "mfa@contoso.com" {
		t.Fatalf("SignIn = %+v, %v", in, err)
	}
}

func TestBrowserRefusalsComeBackTyped(t *testing.T) {
	tests := []struct {
		name string
		walk func(w *walk) []step
	}{
		{"cancelled at the password", func(w *walk) []step {
			return []step{shows("Enter password"), cancelPage()}
		}},
		{"consent refused", func(w *walk) []step {
			return []step{fill("#passwd", w.users["svc"].Password), shows("Permissions requested"), cancelPage()}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWalk(t, "svc")
			_, err := w.signIn(func(address string) {
				w.do(w.browser, append(append([]step{hinted(address)}, tt.walk(w)...), shows("The sign-in was cancelled"))...)
			})
			var refused *authcode.Error
			if !errors.As(err, &refused) || refused.Code != "access_denied" {
				t.Fatalf("SignIn = %v, want access_denied", err)
			}
			if fix := mailer.Fix(err); !strings.Contains(fix, "accept the permissions") {
				t.Errorf("the fix is %q", fix)
			}
			if _, secrets, err := w.mailer.Account(t.Context(), "demo"); err != nil || secrets.SignedIn {
				t.Errorf("after a refusal: %+v, %v", secrets, err)
			}
		})
	}
}

func TestBrowserSignsInAsSomebodyElseAndNothingIsKept(t *testing.T) {
	w := newWalk(t, "svc")
	_, err := w.signIn(func(address string) {
		w.do(w.browser, hinted(address), shows("Enter password"),
			chromedp.Click(chromedp.CSS(`a[href^="/signin/account"]`)),
			fill("#login", w.users["admin"].Username), fill("#passwd", w.users["admin"].Password), accept(),
			over("admin@contoso.com"))
	})
	var wrong *authcode.WrongAccountError
	if !errors.As(err, &wrong) || wrong.SignedInAs != "admin@contoso.com" || wrong.Username != "svc@contoso.com" {
		t.Fatalf("SignIn = %v, want both names", err)
	}
	if _, secrets, err := w.mailer.Account(t.Context(), "demo"); err != nil || secrets.SignedIn {
		t.Errorf("something was kept: %+v, %v", secrets, err)
	}
}

func TestBrowserBackButtonAndTwoTabsDoNoHarm(t *testing.T) {
	w := newWalk(t, "mfa")
	in, err := w.signIn(func(address string) {
		second, cancel := chromedp.NewContext(w.browser)
		defer cancel()
		password := w.users["mfa"].Password
		w.do(w.browser, hinted(address), fill("#passwd", password), shows("Enter code"),
			goBack(), shows("Enter password"))
		w.do(second, hinted(address), fill("#passwd", password), fill("#otc", w.users["mfa"].MFACode), shows("Permissions requested"))
		w.do(w.browser, fill("#passwd", password), fill("#otc", w.users["mfa"].MFACode), shows("Permissions requested"))
		w.do(second, accept(), over("mfa@contoso.com"))
		// The first tab comes too late: its answer finds no listener, or one that
		// has ended, and changes nothing.
		w.do(w.browser, chromedp.Click(submit))
	})
	if err != nil || in.Username != "mfa@contoso.com" {
		t.Fatalf("SignIn = %+v, %v", in, err)
	}
	if _, err := w.mailer.SendTest(t.Context(), "demo", ""); err != nil {
		t.Errorf("the token does not work: %v", err)
	}
}

func TestBrowserShowsAnUnregisteredRedirectURLAndTheTimeoutNamesIt(t *testing.T) {
	w := newWalk(t, "svc")
	a, _, err := w.mailer.Account(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	a.RedirectURL = "http://localhost/not/registered"
	if err := w.mailer.Save(t.Context(), a, ""); err != nil {
		t.Fatal(err)
	}
	_, err = w.mailer.SignIn(t.Context(), "demo", mailer.SignIn{Timeout: 5 * time.Second, Open: func(address string) error {
		w.do(w.browser, chromedp.Navigate(address), shows("AADSTS50011"))
		return nil
	}})
	var late *authcode.TimeoutError
	if !errors.As(err, &late) {
		t.Fatalf("SignIn = %v, want a timeout", err)
	}
	for _, cause := range []string{"/not/registered is not registered", "client ID", "the sign-in window was closed"} {
		if !strings.Contains(err.Error(), cause) {
			t.Errorf("the timeout does not name %q: %v", cause, err)
		}
	}
}
