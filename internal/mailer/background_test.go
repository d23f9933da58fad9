package mailer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// settings writes traymail.toml. A listener on a port of its own takes anybody
// from this machine.
func (b *bench) settings(more string) {
	b.t.Helper()
	writeSettings(b.t, b, "[[listener]]\nname = \"local\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n"+more)
}

func writeSettings(t *testing.T, b *bench, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.Home, settingsFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start runs the program in the background.
func (b *bench) start() {
	b.t.Helper()
	b.settings("")
	if err := b.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// enqueue hands one message over.
func (b *bench) enqueue(from, to string) Queued {
	b.t.Helper()
	q, err := b.Enqueue(b.t.Context(), "", Submission{From: from, To: []string{to}, Data: strings.NewReader("Subject: hello\r\n\r\nbody\r\n")})
	if err != nil {
		b.t.Fatal(err)
	}
	return q
}

// until waits for the status to be as wanted.
func (b *bench) until(what string, good func(Status) bool) Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	var last Status
	found := errors.New("found")
	err := b.Watch(ctx, func(s Status) error {
		if last = s; good(s) {
			return found
		}
		return nil
	})
	if err != found {
		b.t.Fatalf("never %s: %v; last %+v", what, err, last.Accounts)
	}
	return last
}

// ended waits for a message to be done with.
func (b *bench) ended(id string) *Record {
	b.t.Helper()
	var r *Record
	b.until("done with "+id, func(Status) bool {
		var err error
		if r, err = b.Message(b.t.Context(), id); err != nil {
			b.t.Fatal(err)
		}
		return !r.Finished.IsZero()
	})
	return r
}

func TestAQueuedMessageIsDeliveredAndRecorded(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	q := b.enqueue("", "ops@contoso.com")
	if q.Account != "main" || q.Waiting {
		t.Errorf("queued as %+v", q)
	}
	r := b.ended(q.ID)
	if r.State != queue.Delivered || len(r.Attempts) != 1 || !strings.HasPrefix(r.Attempts[0].Reply, "250 2.0.0 OK") || r.Attempts[0].Session == "" {
		t.Errorf("record %+v", r)
	}
	inbox := b.sandbox.Tenant().Inbox()
	if len(inbox) != 1 || inbox[0].MessageID != q.MessageID {
		t.Fatalf("the inbox holds %d messages", len(inbox))
	}
	if r.Attempts[0].ExchangeID == "" || !strings.Contains(r.Attempts[0].Reply, r.Attempts[0].ExchangeID) {
		t.Errorf("Exchange's ID %q of %q", r.Attempts[0].ExchangeID, r.Attempts[0].Reply)
	}
	s := b.until("counted", func(s Status) bool { return s.Accounts[0].Delivered == 1 })
	a := s.Accounts[0]
	if a.State != Ready || a.Sessions != 1 || a.RoundTrips == 0 || a.TokenExpires.IsZero() || a.Replies["250 2.0.0"] != 1 || a.LastDelivered.IsZero() {
		t.Errorf("status %+v", a)
	}
	if !s.Running || len(s.Listeners) != 1 || strings.HasSuffix(s.Listeners[0].Address, ":0") {
		t.Errorf("status %+v", s)
	}
}

func TestAMessageQueuedWithoutAProgramGoesOutWhenOneStarts(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	q := b.enqueue("", "ops@contoso.com")
	if !q.Waiting {
		t.Errorf("queued as %+v", q)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	if r := b.ended(q.ID); r.State != queue.Delivered {
		t.Errorf("it is %s", r.State)
	}
}

func TestARefusedMessageComesBackToItsSenderWithTheReplyAndTheFix(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	q := b.enqueue("ceo@contoso.com", "ops@contoso.com") // no permission to send as
	r := b.ended(q.ID)
	if r.State != queue.Failed || !strings.Contains(r.Recipients[0].Reply, "SendAsDenied") {
		t.Fatalf("record %+v", r)
	}
	b.until("told", func(s Status) bool { return len(b.sandbox.Tenant().Inbox()) == 1 })
	notice := b.sandbox.Tenant().Inbox()[0]
	if !slices.Equal(notice.To, []string{"ceo@contoso.com"}) {
		t.Errorf("the notice went to %v", notice.To)
	}
	text := string(notice.Data)
	for _, want := range []string{"multipart/report", "Auto-Submitted: auto-replied", "SendAsDenied", "Add-RecipientPermission", q.MessageID, "Action: failed"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the notice:\n%s", want, text)
		}
	}
}

func TestASignInThatEndedPausesTheAccountAndTheNextOneLetsItGoOn(t *testing.T) {
	b := newBench(t, "")
	b.start()
	q := b.enqueue("", "ops@contoso.com")
	s := b.until("in need of a sign-in", func(s Status) bool {
		return s.Accounts[0].Cause == CauseSignIn && s.Accounts[0].Sending == 0
	})
	if a := s.Accounts[0]; a.State != Attention || a.Fix != "sign in: traymail login main" || a.Waiting != 1 {
		t.Errorf("status %+v", a)
	}
	b.signIn()
	r := b.ended(q.ID)
	if r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
	b.until("ready", func(s Status) bool { return s.Accounts[0].State == Ready })
}

func TestAServerOutOfReachPausesTheAccountWhichGoesOnByItself(t *testing.T) {
	b := newBench(t, "")
	down := make(chan struct{})
	b.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-down:
			return new(net.Dialer).DialContext(ctx, network, address)
		default:
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("network is unreachable")}
		}
	}
	b.signIn()
	b.start()
	q := b.enqueue("", "ops@contoso.com")
	s := b.until("without network", func(s Status) bool { return s.Accounts[0].Cause == CauseNetwork })
	if a := s.Accounts[0]; a.State != Paused || !strings.Contains(a.Reason, "network is unreachable") {
		t.Errorf("status %+v", a)
	}
	close(down)
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
}

func TestAChangeOfTheFilesTakesEffectAndABrokenOneChangesNothing(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	path := filepath.Join(b.Home, settingsFile)
	if err := os.WriteFile(path, []byte("[relay]\nmax_recipents = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := b.until("in trouble", func(s Status) bool { return s.Problem != "" })
	if !strings.Contains(s.Problem, "traymail.toml:2: relay.max_recipents: is not a key") || len(s.Listeners) != 1 {
		t.Errorf("status %+v", s)
	}
	b.settings("[[listener]]\nname = \"more\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"127.0.0.0/8\"]\n")
	if err := b.Reload(t.Context()); err == nil {
		t.Error("two listeners on one address were taken") // port 0 twice is the same address
	}
	b.settings("")
	b.until("sound again", func(s Status) bool { return s.Problem == "" && len(s.Listeners) == 1 })
	second := *account.New("second")
	second.Username, second.ClientID = "second@contoso.com", b.account.ClientID
	if err := b.Save(t.Context(), second, ""); err != nil {
		t.Fatal(err)
	}
	b.until("two accounts", func(s Status) bool { return len(s.Accounts) == 2 })
}

func TestABrokenAccountKeepsTheProgramFromStartingAndNamesFileAndLine(t *testing.T) {
	b := newBench(t, "")
	b.settings("")
	path := filepath.Join(b.Home, "accounts", "other.toml")
	if err := os.WriteFile(path, []byte("id = \"0123456789\"\nusername = \"nobody\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := b.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), path+":2: username") {
		t.Errorf("Start = %v", err)
	}
}

func TestOneHomeHasOneQueueAtATime(t *testing.T) {
	b := newBench(t, "")
	b.start()
	other := &Mailer{Home: b.Home, Secrets: b.Secrets}
	defer other.Close()
	if err := other.OpenQueue(t.Context()); !errors.Is(err, ErrQueueInUse) || !Temporary(err) {
		t.Errorf("OpenQueue = %v, temporary %v", err, Temporary(err))
	}
}

func TestAListenerBeyondLoopbackWithoutTLSIsRefusedWithTheReason(t *testing.T) {
	b := newBench(t, "")
	b.settings("[[listener]]\nname = \"lan\"\naddress = \"0.0.0.0:2526\"\n")
	err := b.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), `listener "lan"`) || Fix(err) == "" {
		t.Errorf("Start = %v, fix %q", err, Fix(err))
	}
}

func TestManyMessagesKeepToThePaceOfTheMailbox(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	b.start()
	for i := range 33 {
		b.enqueue("", fmt.Sprintf("r%d@contoso.com", i))
	}
	// A delivery is counted a moment before the queue has its record.
	s := b.until("thirty delivered and recorded", func(s Status) bool { return s.Accounts[0].Delivered >= 30 && s.Accounts[0].Sending == 0 })
	if a := s.Accounts[0]; a.Delivered != 30 || a.Waiting != 3 {
		t.Errorf("status %+v", a)
	}
	if s.Accounts[0].State != Ready || s.Accounts[0].Refused != 0 {
		t.Errorf("status %+v", s.Accounts[0])
	}
}

func TestAFullQueueIsToldToEachClientAndToTheLogOnceAMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.clocks()
	var log shared
	b.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b.settings("[queue]\nmax_messages = 1\n")
	b.enqueue("", "ops@contoso.com")
	for want := 1; want <= 2; want++ {
		for range 5 {
			_, err := b.Enqueue(t.Context(), "", Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader("Subject: hello\r\n\r\nbody\r\n")})
			if !errors.Is(err, ErrQueueFull) || !Temporary(err) {
				t.Fatalf("it was taken: %v", err)
			}
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != want {
			t.Errorf("%d errors in the log, and not %d:\n%s", n, want, log.String())
		}
		b.pass(time.Minute)
	}
}
