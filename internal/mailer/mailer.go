// Package mailer is the program without a face: it owns the accounts, their
// secrets and tokens and the sessions to the servers, and does what the
// commands and the window ask for.
package mailer

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"traymail/internal/account"
	"traymail/keystore"
	"traymail/smtp"
)

// Secret is a secret as the keystore takes it.
type Secret = keystore.Secret

// Secrets says which of an account's secrets the keystore holds.
type Secrets struct {
	ClientSecret bool `json:"client_secret"`
	Certificate  bool `json:"certificate"`
	Password     bool `json:"password"`
	SignedIn     bool `json:"signed_in"`
	// CertificateInUse and CertificateWaiting say which certificates those are:
	// a new one waits until the provider takes it. Nil is that there is none.
	CertificateInUse   *Certificate `json:"certificate_in_use,omitempty"`
	CertificateWaiting *Certificate `json:"certificate_waiting,omitempty"`
}

// Complete reports whether the account has what it signs in with.
func (s Secrets) Complete(a *account.Account) bool {
	switch {
	case a.SignIn == account.PasswordSignIn:
		return s.Password
	case a.SignIn != account.AppOnly:
		return s.SignedIn
	case a.Credential == account.CertificateCredential:
		return s.Certificate
	case a.Credential == account.FederatedCredential:
		return true // the file is read when it is needed
	}
	return s.ClientSecret
}

// A Mailer implements Service. Set its fields before the first use; Close ends
// its sessions.
type Mailer struct {
	// Home is the folder with the accounts and what is kept of their state.
	Home string
	// Secrets holds refresh tokens and client secrets; the caller closes it.
	Secrets keystore.Store
	// Dial reaches submission servers; nil means a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Network is how servers are found and reached, Dial's apart, and which are
	// trusted; nil means as on this machine.
	Network *Network
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// WireLog receives the SMTP dialog, credentials and bodies hidden; nil means
	// no log.
	WireLog io.Writer

	// Logger gets what nobody asked for, such as a refresh token that could not
	// be stored; nil means no log.
	Logger *slog.Logger

	// Version is told by Status, and Window too: that a window belongs to this
	// process.
	Version string
	Window  bool
	// Fault is called by name at each step of a message at which a crash is
	// tested, see queue.Options; nil: nothing.
	Fault func(point string)

	answerTimeout time.Duration // see graph.Client; only tests have no ten minutes

	retired sync.WaitGroup // senders that were replaced and end their last messages
	opening sync.Mutex     // held while the queue is being opened
	mu      sync.Mutex
	slots   map[string]*slot // by account name
	engine  *engine          // nil unless the queue is open
	shared  atomic.Bool      // other machines may deliver from the queue too

	checks      map[string]checkRun // by account; mu guards it
	configuring sync.Mutex          // held while the program's settings or a client are written
	pausing     sync.Mutex          // held while the pauses that persons made are written
}

// A slot is the place of an account's sender. Its lock is held while secrets
// are read or changed, which may wait for a person: that stops this account's
// work and no other's.
type slot struct {
	held   chan struct{} // holds one value while the lock is held
	sender *sender       // nil until it is used
}

// lock waits for the slot, or for the end of ctx.
func (s *slot) lock(ctx context.Context) error {
	select {
	case s.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *slot) tryLock() bool {
	select {
	case s.held <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *slot) unlock() { <-s.held }

// retire takes the sender out of a slot that the caller has locked; the next
// message builds it anew. Messages in flight go on, and nobody waits for them.
func (m *Mailer) retire(s *slot) {
	w := s.sender
	if w == nil {
		return
	}
	s.sender = nil
	m.retired.Go(func() {
		if err := w.close(); err != nil {
			m.log().Warn("closing an account's sessions", "account", w.account.Name, "error", err)
		}
	})
}

// Accounts is where the accounts are.
func (m *Mailer) Accounts() account.Dir { return account.Dir(filepath.Join(m.Home, "accounts")) }

func (m *Mailer) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

func (m *Mailer) log() *slog.Logger {
	if m.Logger != nil {
		return m.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// unasked is the log for what a command's answer tells already: it is for the
// program that runs without anybody who asks.
func (m *Mailer) unasked() *slog.Logger {
	if e := m.running(); e == nil || e.started.IsZero() {
		return slog.New(slog.DiscardHandler)
	}
	return m.log()
}

// slot returns the place of an account, which need not exist.
func (m *Mailer) slot(name string) *slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots == nil {
		m.slots = map[string]*slot{}
	}
	if m.slots[name] == nil {
		m.slots[name] = &slot{held: make(chan struct{}, 1)}
	}
	return m.slots[name]
}

// closeTimeout is how long Close waits for what is in flight.
const closeTimeout = 30 * time.Second

// Close closes the queue, if it is open, and ends the warm sessions. The Mailer
// can be used again afterwards.
func (m *Mailer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := m.Shutdown(ctx)
	m.mu.Lock()
	slots := slices.Collect(maps.Values(m.slots))
	m.mu.Unlock()
	for _, s := range slots {
		if s.lock(context.Background()) == nil {
			m.retire(s)
			s.unlock()
		}
	}
	m.retired.Wait()
	return err
}

// sender returns what an account works with, built at its first use.
func (m *Mailer) sender(ctx context.Context, name string) (*sender, error) {
	slot := m.slot(name)
	if err := slot.lock(ctx); err != nil {
		return nil, err
	}
	defer slot.unlock()
	if slot.sender != nil {
		return slot.sender, nil
	}
	a, err := m.Accounts().Load(name)
	if err != nil {
		return nil, err
	}
	w, err := m.build(ctx, a)
	if err != nil {
		return nil, about(a, err)
	}
	slot.sender = w
	return w, nil
}

func tlsMode(t account.SMTPTLS) smtp.TLSMode {
	switch t {
	case account.ImplicitTLS:
		return smtp.ImplicitTLS
	case account.NoTLS:
		return smtp.Plaintext
	default:
		return smtp.STARTTLS
	}
}

// rootCAs reads the certificates that an account trusts instead of the
// system's; nil when it trusts the system's and there is no Network. A relative path starts in the home
// folder.
func (m *Mailer) rootCAs(file string) (*x509.CertPool, error) {
	switch {
	case file == "" && m.Network != nil:
		return m.Network.Roots, nil
	case file == "":
		return nil, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(m.Home, file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &account.FieldError{Key: "ca_file", Text: err.Error(), Fix: "give the path of a readable PEM file, or leave the key out"}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &account.FieldError{Key: "ca_file", Text: fmt.Sprintf("%s holds no certificate in PEM form", file), Fix: "give a file with -----BEGIN CERTIFICATE----- blocks, or leave the key out"}
	}
	return pool, nil
}
