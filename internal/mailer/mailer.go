// Package mailer is the program without a face: it owns the accounts, their
// secrets and tokens and the sessions to the servers, and does what the
// commands and the window ask for.
package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/keystore"
	"traymail/smtp"
)

// Secret is a secret as the keystore takes it.
type Secret = keystore.Secret

// Secrets says which of an account's secrets the keystore holds.
type Secrets struct {
	ClientSecret bool `json:"client_secret"`
	SignedIn     bool `json:"signed_in"`
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
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// WireLog receives the SMTP dialog, credentials and bodies hidden; nil means
	// no log.
	WireLog io.Writer

	// Logger gets what nobody asked for, such as a refresh token that could not
	// be stored; nil means no log.
	Logger *slog.Logger

	// Version is told by Status.
	Version string
	// Fault is called by name at each step of a message at which a crash is
	// tested, see queue.Options; nil: nothing.
	Fault func(point string)

	retired sync.WaitGroup // senders that were replaced and end their last messages
	opening sync.Mutex     // held while the queue is being opened
	mu      sync.Mutex
	slots   map[string]*slot // by account name
	engine  *engine          // nil unless the queue is open
	shared  atomic.Bool      // other machines may deliver from the queue too
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
		if err := w.smtp.Close(); err != nil {
			m.log().Warn("closing an account's sessions", "account", w.account.Name, "error", err)
		}
		w.tokens.Close()
	})
}

// A sender is an account at work: its tokens and its warm sessions.
type sender struct {
	account *account.Account
	auth    *authcode.Client
	tokens  *authcode.Source
	smtp    *smtp.Client
	expires atomic.Pointer[time.Time] // of the access token used last
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
	if slot.sender, err = m.build(ctx, a); err != nil {
		return nil, about(a, err)
	}
	return slot.sender, nil
}

// The names of the two resources that an account has tokens for.
const (
	resourceSMTP  = "smtp"
	resourceGraph = "graph"
)

func (m *Mailer) build(ctx context.Context, a *account.Account) (*sender, error) {
	secret, err := m.clientSecret(ctx, a)
	if err != nil {
		return nil, err
	}
	roots, err := m.rootCAs(a.CAFile)
	if err != nil {
		return nil, err
	}
	auth := &authcode.Client{
		Endpoints:    endpoints(a),
		ClientID:     a.ClientID,
		ClientSecret: authcode.Secret(secret.Reveal()),
		RedirectURL:  a.RedirectURL,
		Resources: []authcode.Resource{
			{Name: resourceSMTP, Scopes: []string{a.SMTPScope}},
			{Name: resourceGraph, Scopes: []string{a.GraphScope}},
		},
		Username:   a.Username,
		HTTPClient: httpClient(roots),
		Now:        m.Now,
	}
	tokens := &authcode.Source{
		Client: auth,
		Load: func(ctx context.Context) (authcode.Secret, error) {
			v, err := m.Secrets.Get(ctx, refreshTokenName(a))
			if errors.Is(err, keystore.ErrNotFound) {
				return "", nil // the Source's word for "not signed in"
			}
			return authcode.Secret(v.Reveal()), err
		},
		Save: func(ctx context.Context, t authcode.Secret) error {
			return m.Secrets.Set(ctx, refreshTokenName(a), keystore.Secret(t.Reveal()))
		},
		Unsaved: func(err error) {
			if err != nil {
				m.log().Warn("a new refresh token could not be stored; mail flows, and the account may need a new sign-in after a restart", "account", a.Name, "error", err)
			}
		},
	}
	server := &smtp.Client{
		Host:    a.SMTPHost,
		Port:    a.SMTPPort,
		TLS:     tlsMode(a.SMTPTLS),
		RootCAs: roots,
		Dial:    m.Dial,
		Now:     m.Now,
		WireLog: m.WireLog,

		MaxSessions: a.Sessions,
	}
	if m.shared.Load() {
		// The provider counts the sessions of all machines together, idle ones
		// too, so that a warm one here would take another machine's turn.
		server.IdleTimeout = time.Nanosecond
	}
	w := &sender{account: a, auth: auth, tokens: tokens, smtp: server}
	if a.SMTPTLS != account.NoTLS { // no token goes out in clear text
		server.Auth = w.xoauth2()
	}
	return w, nil
}

// endpoints are Entra's, which have one form in every cloud.
func endpoints(a *account.Account) authcode.Endpoints {
	tenant := "{tenantid}"
	if account.IsGUID(a.Tenant) {
		tenant = strings.ToLower(a.Tenant)
	}
	return authcode.Endpoints{
		AuthURL:   a.Endpoint("oauth2/v2.0/authorize"),
		TokenURL:  a.Endpoint("oauth2/v2.0/token"),
		DeviceURL: a.Endpoint("oauth2/v2.0/devicecode"),
		JWKSURL:   a.Endpoint("discovery/v2.0/keys"),
		Issuer:    a.AuthorityURL + "/" + tenant + "/v2.0",
	}
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
// system's; nil when it trusts the system's. A relative path starts in the home
// folder.
func (m *Mailer) rootCAs(file string) (*x509.CertPool, error) {
	if file == "" {
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

func httpClient(roots *x509.CertPool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	// Requests are minutes or hours apart: a kept connection would be dead.
	t.DisableKeepAlives = true
	return &http.Client{Transport: t}
}
