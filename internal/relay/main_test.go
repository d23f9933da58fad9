package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testNow is what the clock says in every test.
var testNow = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

const testPassword = "open sesame"

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// A taken is a message that the accept function got.
type taken struct {
	Message
	body []byte
}

// An inbox is an accept function that keeps what it gets.
type inbox struct {
	mu       sync.Mutex
	messages []taken
	refuse   error         // answers every message, once it is read
	arrived  chan struct{} // one for each message
}

func newInbox() *inbox { return &inbox{arrived: make(chan struct{}, 1000)} }

func (b *inbox) accept(_ context.Context, m Message, r io.Reader) (string, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return "", b.refuse
	}
	b.messages = append(b.messages, taken{m, body})
	b.arrived <- struct{}{}
	return "q" + string(rune('0'+len(b.messages)%10)), nil
}

func (b *inbox) all() []taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]taken(nil), b.messages...)
}

// testConfig has a listener without a password and one account.
func testConfig() Config {
	return Config{
		Hostname:  "relay.test",
		Listeners: []Listener{{Name: "local", Address: "127.0.0.1:0", TLS: NoTLS, Networks: loopback}},
		Accounts:  []Account{{Name: "work", Sender: "alex@contoso.com"}},
		Default:   "work",
	}
}

// a rig is a relay under test.
type rig struct {
	*Server
	inbox *inbox
	log   *lockedBuffer
	waits *waits
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// waits records how long the relay would have slept.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

func newRig(t testing.TB, c Config) *rig { return newRigWith(t, c, newInbox(), nil) }

func newRigWith(t testing.TB, c Config, b *inbox, accept Accept) *rig {
	t.Helper()
	if accept == nil {
		accept = b.accept
	}
	r := &rig{inbox: b, log: &lockedBuffer{}, waits: &waits{}}
	var err error
	r.Server, err = start(c, accept, slog.New(slog.NewTextHandler(r.log, nil)), func() time.Time { return testNow }, r.waits.sleep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return r
}

func (r *rig) dial(t testing.TB, listener string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr(listener).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// insecure is for certificates that the relay made for itself.
var insecure = &tls.Config{InsecureSkipVerify: true}
