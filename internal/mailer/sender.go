package mailer

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/keystore"
	"traymail/smtp"
)

// A sender is an account at work: its tokens and its ways to the servers. Each
// mailbox has sessions of its own; a person's account has one mailbox, "".
type sender struct {
	account  *account.Account
	auth     *authcode.Client // nil unless a person signs in
	tokens   tokenSource      // nil where a password is sent
	password keystore.Secret
	mailer   *Mailer
	roots    *x509.CertPool

	expires  atomic.Pointer[time.Time] // of the access token used last
	warnings atomic.Pointer[[]Warning] // what it says that will not work
	// insteadOfSMTP is why messages leave through Graph, of an account whose
	// transport is to be found out.
	insteadOfSMTP atomic.Pointer[fallback]

	mu      sync.Mutex
	closed  bool
	servers map[string]*smtp.Client // by mailbox
	graphs  map[string]*graph.Client
}

// A fallback is a refusal that sends messages another way for a while.
type fallback struct {
	since time.Time
	reply string
}

// errRetired means that the account was changed meanwhile: the next sender is
// to be asked.
var errRetired = smtp.ErrClosed

func (m *Mailer) build(ctx context.Context, a *account.Account) (*sender, error) {
	secret, err := m.credential(ctx, a)
	if err != nil {
		return nil, err
	}
	roots, err := m.rootCAs(a.CAFile)
	if err != nil {
		return nil, err
	}
	w := &sender{account: a, mailer: m, roots: roots, servers: map[string]*smtp.Client{}, graphs: map[string]*graph.Client{}}
	switch a.SignIn {
	case account.PasswordSignIn:
		w.password = secret
	case account.AppOnly:
		w.tokens, err = m.application(a, secret, roots)
	default:
		w.auth = m.person(a, secret, roots)
		w.tokens = m.stored(a, w.auth)
	}
	return w, err
}

// mailboxFor is the mailbox that a message from an address leaves through.
func (w *sender) mailboxFor(from string) string {
	switch {
	case w.account.SignIn != account.AppOnly:
		return ""
	case w.account.Mailbox == account.FromMailbox && from != "":
		return strings.ToLower(from)
	}
	return w.account.Sender
}

// manyMailboxes is from how many on those at rest are let go.
const manyMailboxes = 50

// server returns the sessions of a mailbox.
func (w *sender) server(mailbox string) (*smtp.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, errRetired
	}
	if c := w.servers[mailbox]; c != nil {
		return c, nil
	}
	if len(w.servers) >= manyMailboxes {
		for name, c := range w.servers {
			if c.Sessions() == 0 {
				// Whoever has it in hand is told that it is closed, and asks again.
				delete(w.servers, name)
				w.mailer.retired.Go(func() { c.Close() })
			}
		}
	}
	a := w.account
	c := &smtp.Client{
		Host:    a.SMTPHost,
		Port:    a.SMTPPort,
		TLS:     tlsMode(a.SMTPTLS),
		RootCAs: w.roots,
		Dial:    w.mailer.Dial,
		Now:     w.mailer.Now,
		WireLog: w.mailer.WireLog,
		Timeout: time.Duration(a.Timeout) * time.Second,

		MaxSessions: a.Sessions,
	}
	if w.mailer.shared.Load() {
		// The provider counts the sessions of all machines together, idle ones
		// too, so that a warm one here would take another machine's turn.
		c.IdleTimeout = time.Nanosecond
	}
	if a.SMTPTLS != account.NoTLS { // neither token nor password goes out in clear text
		c.Auth = w.authenticate(cmp.Or(mailbox, a.Username))
	}
	w.servers[mailbox] = c
	return c, nil
}

// graph returns the way through Graph for a mailbox.
func (w *sender) graph(mailbox string) (*graph.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, errRetired
	}
	if c := w.graphs[mailbox]; c != nil {
		return c, nil
	}
	c := &graph.Client{
		BaseURL: w.account.GraphURL + "/v1.0",
		Token: func(ctx context.Context, refused string) (string, error) {
			if refused != "" {
				w.tokens.Refused(resourceGraph, authcode.Token{Access: authcode.Secret(refused)})
			}
			t, err := w.token(ctx, resourceGraph)
			return t.Access.Reveal(), err
		},
		HTTPClient:    graphClient(w.roots),
		Timeout:       time.Duration(w.account.Timeout) * time.Second,
		MaxConcurrent: w.account.Sessions,
		Now:           w.mailer.Now,
	}
	w.graphs[mailbox] = c
	return c, nil
}

// token returns an access token and looks at what it says of itself.
func (w *sender) token(ctx context.Context, resource string) (authcode.Token, error) {
	t, err := w.tokens.Token(ctx, resource)
	if err != nil {
		return t, err
	}
	if was := w.expires.Swap(&t.Expiry); was == nil || !was.Equal(t.Expiry) {
		w.inspect(resource, t)
	}
	return t, nil
}

// inspect notes what a new token says that will not work.
func (w *sender) inspect(resource string, t authcode.Token) {
	found := tokenWarnings(w.account, resource, t.Access.Reveal(), w.mailer.now())
	w.warnings.Store(&found)
	for _, warning := range found {
		w.mailer.log().Warn("the access token says something that may not work", "account", w.account.Name, "resource", resource, "what", warning.Text, "fix", warning.Fix)
	}
}

// authenticate signs sessions of user in, with a password or with the current
// access token. After a refusal the token that was refused is forgotten first,
// so that a fresh one is fetched.
func (w *sender) authenticate(user string) func(context.Context, *smtp.Error) (sasl.Client, error) {
	if w.tokens == nil {
		return func(_ context.Context, refused *smtp.Error) (sasl.Client, error) {
			switch {
			case refused != nil:
				return nil, errSamePassword
			case w.account.SMTPAuth == account.LoginAuth:
				return smtp.Login(user, w.password.Reveal()), nil
			}
			return smtp.Plain(user, w.password.Reveal()), nil
		}
	}
	var mu sync.Mutex
	var used authcode.Token
	return func(ctx context.Context, refused *smtp.Error) (sasl.Client, error) {
		if refused != nil {
			mu.Lock()
			w.tokens.Refused(resourceSMTP, used)
			mu.Unlock()
		}
		t, err := w.token(ctx, resourceSMTP)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		used = t
		mu.Unlock()
		if w.account.SMTPAuth == account.OAuthBearer {
			return smtp.OAuthBearer(user, t.Access.Reveal(), w.account.SMTPHost, w.account.SMTPPort), nil
		}
		return smtp.XOAUTH2(user, t.Access.Reveal()), nil
	}
}

// errSamePassword keeps a refused password from being sent once more, which
// counts against a lockout.
var errSamePassword = errors.New("the password was refused")

// submit sends a message the way that the account's transport says. from is
// whose mailbox it leaves through, where that is the message's own matter.
func (w *sender) submit(ctx context.Context, from string, m *smtp.Message) (*smtp.Receipt, error) {
	mailbox := w.mailboxFor(from)
	if mailbox != "" && w.account.Mailbox == account.FromMailbox && m.From != "" {
		m.From = from // another is not this mailbox's to use
	}
	if w.overGraph() {
		return w.submitToGraph(ctx, mailbox, m)
	}
	c, err := w.server(mailbox)
	if err != nil {
		return nil, err
	}
	receipt, err := c.Submit(ctx, m)
	if w.fallsBack(err) {
		return w.submitToGraph(ctx, mailbox, m)
	}
	return receipt, err
}

// ready reports why the account could not send now: it signs in to the server,
// and sends nothing.
func (w *sender) ready(ctx context.Context) error {
	mailbox := w.mailboxFor("")
	if !w.overGraph() {
		c, err := w.server(mailbox)
		if err != nil {
			return err
		}
		if err := c.Ready(ctx); !w.fallsBack(err) {
			return err
		}
	}
	c, err := w.graph(mailbox)
	if err != nil {
		return err
	}
	return c.Ready(ctx, mailbox)
}

// sessions is how many connections are open.
func (w *sender) sessions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.servers {
		n += c.Sessions()
	}
	return n
}

// close ends the sessions, and waits for messages in flight.
func (w *sender) close() error {
	w.mu.Lock()
	w.closed = true
	servers, graphs := w.servers, w.graphs
	w.mu.Unlock()
	var errs []error
	for _, c := range servers {
		errs = append(errs, c.Close())
	}
	for _, c := range graphs {
		c.Close()
	}
	if w.tokens != nil {
		w.tokens.Close()
	}
	return errors.Join(errs...)
}
