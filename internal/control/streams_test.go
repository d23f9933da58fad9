package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"traymail/authcode"
	"traymail/internal/checks"
	"traymail/internal/mailer"
)

// endless is a message without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestAMessageThatCannotBeReadToItsEndIsNeverTakenForWhole(t *testing.T) {
	torn := errors.New("the disk was pulled out")
	for _, size := range []int64{0, 1, 4 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t)
			seen := make(chan error, 1)
			r.program.enqueue = func(_ context.Context, _ string, s mailer.Submission) (mailer.Queued, error) {
				_, err := io.Copy(io.Discard, s.Data)
				seen <- err
				return mailer.Queued{}, err
			}
			_, err := r.Enqueue(t.Context(), "", mailer.Submission{Data: io.MultiReader(io.LimitReader(endless{}, size), failing{torn})})
			if !errors.Is(err, torn) || err.Error() != "reading the message: the disk was pulled out" {
				t.Errorf("the caller got %v", err)
			}
			// A request that breaks off before its envelope is whole never gets there.
			select {
			case err := <-seen:
				if err == nil {
					t.Error("the program took it for whole")
				}
			default:
				shutdown(t, r.server)
				if len(seen) > 0 && <-seen == nil {
					t.Error("the program took it for whole")
				}
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestALargeMessagePassesThroughWithoutMemory(t *testing.T) {
	const size = 150_000_000
	r := newRig(t)
	r.program.enqueue = func(_ context.Context, _ string, s mailer.Submission) (mailer.Queued, error) {
		n, err := io.Copy(io.Discard, s.Data)
		return mailer.Queued{ID: fmt.Sprint(n)}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	queued, err := r.Enqueue(t.Context(), "", mailer.Submission{Data: io.LimitReader(endless{}, size)})
	runtime.ReadMemStats(&after)
	if err != nil || queued.ID != fmt.Sprint(size) {
		t.Errorf("%+v, %v", queued, err)
	}
	// Both sides are in this process, and what was freed again is counted too.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("%d octets of memory were used", grown)
	}
}

func TestARefusalIsHeardBeforeTheMessageIsAtItsEnd(t *testing.T) {
	r := newRig(t)
	r.program.send = func(context.Context, string, mailer.Submission) (mailer.Delivery, error) {
		return mailer.Delivery{}, errFor
	}
	for range 20 {
		if _, err := r.Send(t.Context(), "", mailer.Submission{Data: endless{}}); err == nil || err.Error() != errFor.Error() {
			t.Fatal(err)
		}
	}
}

func TestAddressesThatJSONWouldChangeAreRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.Send(t.Context(), "", mailer.Submission{To: []string{"caf\xe9@contoso.com"}, Data: strings.NewReader("x")})
	if err == nil || !strings.Contains(err.Error(), `"caf\xe9@contoso.com" is not text in UTF-8`) {
		t.Error(err)
	}
}

// until waits for the end of ctx, which the caller's end is to bring about.
func until(ctx context.Context, ended chan<- error) error {
	<-ctx.Done()
	ended <- ctx.Err()
	return ctx.Err()
}

func TestWhoeverCancelsGetsTheContextsErrorAndTheProgramHearsOfIt(t *testing.T) {
	r := newRig(t)
	begun, ended := make(chan bool), make(chan error, 1)
	wait := func(ctx context.Context) error { begun <- true; return until(ctx, ended) }
	r.program.reload = wait
	r.program.send = func(ctx context.Context, _ string, s mailer.Submission) (mailer.Delivery, error) {
		_, err := io.ReadAll(s.Data)
		return mailer.Delivery{}, errors.Join(err, wait(ctx))
	}
	r.program.enqueue = func(_ context.Context, _ string, s mailer.Submission) (mailer.Queued, error) {
		begun <- true
		_, err := io.Copy(io.Discard, s.Data) // ends with the message only
		ended <- err
		return mailer.Queued{}, err
	}
	r.program.watch = func(ctx context.Context, _ func(mailer.Status) error) error { return wait(ctx) }
	r.program.signIn = func(ctx context.Context, _ string, _ mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, wait(ctx)
	}
	r.program.check = func(ctx context.Context, _ string, _ checks.Options, _ func(checks.Result)) ([]checks.Result, error) {
		return nil, wait(ctx)
	}
	for name, call := range map[string]func(context.Context) error{
		"Reload": r.Reload,
		"Send": func(ctx context.Context) error {
			_, err := r.Send(ctx, "", mailer.Submission{Data: strings.NewReader("x")})
			return err
		},
		"Enqueue": func(ctx context.Context) error {
			_, err := r.Enqueue(ctx, "", mailer.Submission{Data: endless{}})
			return err
		},
		"Watch":  func(ctx context.Context) error { return r.Watch(ctx, nil) },
		"SignIn": func(ctx context.Context) error { _, err := r.SignIn(ctx, "work", mailer.SignIn{}); return err },
		"Check":  func(ctx context.Context) error { _, err := r.Check(ctx, "work", checks.Options{}, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-begun; cancel() }()
			if err := call(ctx); err != context.Canceled {
				t.Errorf("the caller got %v", err)
			}
			if err := <-ended; err == nil {
				t.Error("the program went on")
			}
		})
	}
	t.Run("Close", func(t *testing.T) {
		c := dialed(t, r.home)
		go func() { <-begun; c.Close() }()
		if err := c.Reload(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("the caller got %v", err)
		}
		<-ended
	})
}

func TestEachCheckIsToldOfAsItComesAndAllOfThemAtTheEnd(t *testing.T) {
	r := newRig(t)
	want := []checks.Result{
		{ID: checks.Port, Status: checks.Pass, Summary: "it answers"},
		{ID: checks.SMTPAuth, Status: checks.Fail, Finding: "smtp-auth-off-tenant", Command: "line 1\nline 2",
			Waiting: &checks.Waiting{Since: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Tries: 3}},
	}
	options := checks.Options{NoSend: true, Wait: time.Minute}
	heard := make(chan bool)
	r.program.check = func(_ context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
		if name != "work" || o != options {
			t.Errorf("asked for %q with %+v", name, o)
		}
		for _, c := range want {
			report(c)
			<-heard // or the test never ends
		}
		return want, errFor
	}
	var came []checks.Result
	all, err := r.Check(t.Context(), "work", options, func(c checks.Result) {
		came = append(came, c)
		heard <- true
	})
	if err == nil || err.Error() != errFor.Error() {
		t.Errorf("the error is %v", err)
	}
	if !reflect.DeepEqual(came, want) || !reflect.DeepEqual(all, want) {
		t.Errorf("came %+v\nall %+v", came, all)
	}
}

func TestWatchTellsEveryStatusInOrderUntilTheCallerHasEnough(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	r.program.watch = func(ctx context.Context, changed func(mailer.Status) error) error {
		for pid := 1; ; pid++ {
			if err := changed(mailer.Status{PID: pid}); err != nil {
				ended <- err
				return err
			}
		}
	}
	enough, seen := errors.New("enough"), 0
	err := r.Watch(t.Context(), func(s mailer.Status) error {
		seen++
		if s.PID != seen {
			t.Errorf("status %d came as number %d", s.PID, seen)
		}
		if seen == 100 {
			return enough
		}
		return nil
	})
	if err != enough {
		t.Errorf("Watch returned %v", err)
	}
	<-ended // the program hears that nobody listens
	r.program.watch = func(context.Context, func(mailer.Status) error) error { return nil }
	if err := r.Watch(t.Context(), nil); err != nil {
		t.Errorf("the end of the program's own Watch came as %v", err)
	}
}

func TestSigningInOpensTheBrowserAtTheCaller(t *testing.T) {
	r := newRig(t)
	r.program.signIn = func(_ context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error) {
		if how.Paste != nil || how.Device != nil || name != "work" || how.Timeout != 42 {
			t.Errorf("%q %+v", name, how)
		}
		return mailer.SignedIn{Username: "alex@contoso.com", Name: "Alex", TenantID: "t"}, how.Open("https://login")
	}
	opened := ""
	in, err := r.SignIn(t.Context(), "work", mailer.SignIn{Timeout: 42, Open: func(a string) error { opened = a; return nil }})
	if err != nil || opened != "https://login" || in != (mailer.SignedIn{Username: "alex@contoso.com", Name: "Alex", TenantID: "t"}) {
		t.Errorf("%+v, %v after opening %q", in, err, opened)
	}
}

func TestTheErrorOfACallbackIsTheCallersOwnAgain(t *testing.T) {
	r := newRig(t)
	none := errors.New("no browser here")
	around := func(err error) error {
		return &mailer.AccountError{Account: "work", Err: &authcode.OpenError{Err: err}}
	}
	r.program.signIn = func(_ context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		return mailer.SignedIn{}, around(how.Open("https://login"))
	}
	_, err := r.SignIn(t.Context(), "work", mailer.SignIn{Open: func(string) error { return none }})
	want := around(none)
	if !errors.Is(err, none) || err.Error() != want.Error() || mailer.Fix(err) != mailer.Fix(want) || mailer.Fix(err) == "" {
		t.Errorf("%v, %q", err, mailer.Fix(err))
	}
}

func TestWhatIsPastedIsAskedForUntilItIsRight(t *testing.T) {
	r := newRig(t)
	r.program.signIn = func(ctx context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		if how.Open != nil || how.Device != nil {
			t.Errorf("%+v", how)
		}
		var wrong error
		for {
			pasted, err := how.Paste(ctx, "https://login", wrong)
			if pasted == "http://localhost/?code=right" || err != nil {
				return mailer.SignedIn{Username: pasted}, err
			}
			wrong = fmt.Errorf("%s has no code", pasted)
		}
	}
	var log []string
	answers := []string{"one", "two", "http://localhost/?code=right"}
	in, err := r.SignIn(t.Context(), "work", mailer.SignIn{Paste: func(_ context.Context, address string, wrong error) (string, error) {
		log = append(log, fmt.Sprint(address, " ", wrong))
		return answers[len(log)-1], nil
	}})
	if got, want := strings.Join(log, "\n"), "https://login <nil>\nhttps://login one has no code\nhttps://login two has no code"; got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	if err != nil || in.Username != "http://localhost/?code=right" {
		t.Errorf("%+v, %v", in, err)
	}
	if strings.Contains(r.log.String(), "code=") {
		t.Error("what was pasted is in the log")
	}
}

func TestPastingEndsWhenTheBrowserComesBackByItself(t *testing.T) {
	r := newRig(t)
	asked, cancelled := make(chan bool), false
	r.program.signIn = func(ctx context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		if err := how.Open("https://login"); err != nil {
			return mailer.SignedIn{}, err
		}
		ctx, cancel := context.WithCancel(ctx)
		go func() { <-asked; cancel() }()
		if _, err := how.Paste(ctx, "https://login", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Paste returned %v", err)
		}
		return mailer.SignedIn{Username: "alex@contoso.com"}, nil
	}
	in, err := r.SignIn(t.Context(), "work", mailer.SignIn{
		Open: func(string) error { return nil },
		Paste: func(ctx context.Context, _ string, _ error) (string, error) {
			asked <- true
			<-ctx.Done()
			cancelled = true
			return "", ctx.Err()
		},
	})
	if err != nil || in.Username != "alex@contoso.com" || !cancelled {
		t.Errorf("%+v, %v, cancelled %v", in, err, cancelled)
	}
}

func TestTheCodeForAnotherDeviceIsShownBeforeTheProgramGoesOn(t *testing.T) {
	r := newRig(t)
	want, shown := filled[mailer.DeviceCode](), mailer.DeviceCode{}
	r.program.signIn = func(_ context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		how.Device(want)
		return mailer.SignedIn{Name: shown.UserCode}, nil
	}
	in, err := r.SignIn(t.Context(), "work", mailer.SignIn{Device: func(c mailer.DeviceCode) { shown = c }})
	if err != nil || shown != want || in.Name != want.UserCode {
		t.Errorf("%+v, %v, shown %+v", in, err, shown)
	}
}

func TestASignInEndsWithTheProgramThatAskedForIt(t *testing.T) {
	r := newRig(t)
	ended := make(chan error, 1)
	r.program.signIn = func(ctx context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		_, err := how.Paste(ctx, "https://login", nil)
		ended <- err
		return mailer.SignedIn{}, err
	}
	c, err := dial(t.Context(), r.home, commands)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"name":"work","paste":true}`
	fmt.Fprintf(c, "POST /sign-in HTTP/1.1\r\nHost: traymail\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s", apiHeader, api, len(body), body)
	var heard bytes.Buffer
	for b := make([]byte, 512); !strings.Contains(heard.String(), eventPaste); {
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		heard.Write(b[:n])
	}
	c.Close() // as the system does for a program that dies
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestShutdownEndsStreamsAndLetsRequestsFinish(t *testing.T) {
	r := newRig(t)
	begun, finish := make(chan bool, 3), make(chan bool)
	r.program.reload = func(context.Context) error { begun <- true; <-finish; return nil }
	r.program.watch = func(ctx context.Context, _ func(mailer.Status) error) error { begun <- true; <-ctx.Done(); return nil }
	r.program.signIn = func(ctx context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		begun <- true
		return mailer.SignedIn{}, how.Open("https://login")
	}
	open := make(chan bool)
	reload, watch, signIn, down := make(chan error, 1), make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { reload <- r.Reload(t.Context()) }()
	go func() { watch <- r.Watch(t.Context(), nil) }()
	go func() {
		_, err := r.SignIn(t.Context(), "work", mailer.SignIn{Open: func(string) error { <-open; return nil }})
		signIn <- err
	}()
	for range 3 {
		<-begun
	}
	go func() { down <- r.server.Shutdown(context.Background()) }()
	if err := <-watch; !errors.Is(err, ErrNotRunning) {
		t.Errorf("Watch returned %v", err)
	}
	close(open) // until then the callback is waited for
	if err := <-signIn; !errors.Is(err, ErrNotRunning) {
		t.Errorf("SignIn returned %v", err)
	}
	if _, err := Dial(t.Context(), r.home); !errors.Is(err, ErrNotRunning) {
		t.Errorf("meanwhile Dial returned %v", err)
	}
	select {
	case err := <-down:
		t.Errorf("Shutdown did not wait: %v", err)
	default:
	}
	finish <- true
	if err := <-reload; err != nil {
		t.Errorf("Reload returned %v", err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
	if err := r.Reload(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestShutdownBreaksOffWhatOutlastsItsContext(t *testing.T) {
	p, home := &program{}, t.TempDir()
	s, err := Serve(home, p, discard)
	if err != nil {
		t.Fatal(err)
	}
	c := dialed(t, home)
	begun, ended := make(chan bool), make(chan error, 1)
	p.reload = func(ctx context.Context) error { begun <- true; return until(ctx, ended) }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	down := make(chan error, 1)
	go func() { <-ctx.Done(); down <- s.Shutdown(ctx) }()
	if err := c.Reload(t.Context()); !errors.Is(err, ErrLost) && (err == nil || err.Error() != "context canceled") {
		t.Errorf("the caller got %v", err)
	}
	if err := <-down; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
	<-ended
	serve(t, home, p, io.Discard) // the home is free
}
