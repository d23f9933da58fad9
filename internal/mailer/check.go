package mailer

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-sasl"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/keystore"
	"traymail/smtp"
)

// Check does the setup checks of one account, in order, and returns their
// results. report, unless it is nil, is told of each as it comes, and again of
// each that is tried once more, one call at a time. An account that cannot be
// used as it stands is a result, not an error; the error of one that does not
// exist matches account.ErrNotFound. Without o.NoSend the test email leaves.
func (m *Mailer) Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	if _, err := m.Accounts().ID(name); errors.Is(err, account.ErrNotFound) {
		return nil, err
	}
	all := checks.Run(ctx, m.setupOf(ctx, name), o, report)
	m.rememberChecks(name, all)
	return all, ctx.Err()
}

// setupOf is what the checks of an account go by, as it is now.
func (m *Mailer) setupOf(ctx context.Context, name string) checks.Setup {
	s := checks.Setup{
		Account: account.Account{Name: name},
		Now:     m.now,
		Dial:    m.dialer(),
		Resolve: m.resolve,
		Again:   func(ctx context.Context) checks.Setup { return m.setupOf(ctx, name) },
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{}).DialContext
	}
	w, worked, err := m.current(ctx, name)
	if err != nil {
		s.Invalid = err
		if a, _, known := m.Account(ctx, name); known == nil {
			s.Account = a // its secrets are what is wrong
		}
		field, inFile := errors.AsType[*account.FieldError](err)
		s.SecretMissing = errors.Is(err, keystore.ErrUnavailable) || inFile && field.Key != "" && field.Key == credentialOf(&s.Account).key
		return s
	}
	w.renew(ctx)
	a := w.account
	s.LastSignIn = m.lastRefusal(a)
	s.Account, s.Roots, s.Addresses = *a, w.roots, net.InterfaceAddrs
	s.Expires, _ = time.Parse(time.DateOnly, a.SecretExpires)
	s.Web = m.httpClient(a, w.roots)
	s.Web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a.SignIn == account.BrowserSignIn {
		if s.SignedIn, err = m.has(ctx, refreshTokenName(a)); err != nil {
			s.Invalid = about(a, err)
		}
	}
	p := &probe{mailer: m, name: name, fetched: map[string]bool{}, remembers: worked}
	s.ClientSecret = func() string {
		if !a.HasClientSecret() {
			return ""
		}
		return w.secret.Reveal()
	}
	s.Session = func() *smtp.Client { return p.session(w) }
	s.Token, s.Renew, s.TokenFor = p.token, p.renewed, p.tokenFor
	s.GraphReady, s.SendTestFrom = p.graphReady, p.sendTest
	s.SendTest = func(ctx context.Context) (checks.Sent, error) { return p.sendTest(ctx, "") }
	return s
}

// current is sender, of the account as its file and its secrets are now, whoever
// changed them. Deliveries under way end with the settings that they began with.
// worked reports whether the account was at work before.
func (m *Mailer) current(ctx context.Context, name string) (w *sender, worked bool, err error) {
	slot := m.slot(name)
	if err := slot.lock(ctx); err != nil {
		return nil, false, err
	}
	if w := slot.sender; w != nil {
		a, err := m.Accounts().Load(name)
		var secret keystore.Secret
		if err == nil {
			secret, err = m.credential(ctx, a)
		}
		if err != nil {
			slot.unlock()
			return nil, false, err
		}
		if !a.Equal(*w.account) || secret != w.secret {
			m.retire(slot)
		}
		worked = slot.sender != nil
	}
	slot.unlock()
	w, err = m.sender(ctx, name)
	return w, worked, err
}

// A probe does for the checks of an account what only the account can. Its
// functions go by the account as it is when they are called.
type probe struct {
	mailer *Mailer
	name   string

	mu        sync.Mutex
	fetched   map[string]bool // resources that a token was fetched for
	remembers bool            // the account was at work before
}

// use gives do the account at work. What was learned of it before stays; the
// tokens are not closed meanwhile.
func (p *probe) use(ctx context.Context, do func(*sender) error) error {
	for {
		w, err := p.mailer.sender(ctx, p.name)
		if err != nil {
			return err
		}
		if !w.hold() {
			continue // the account was changed meanwhile
		}
		err = do(w)
		w.release()
		if !errors.Is(err, errRetired) {
			return err
		}
	}
}

// token returns a token that was fetched for this run of the checks: one from
// before says nothing of what was granted, or revoked, since.
func (p *probe) token(ctx context.Context, resource string) (string, error) {
	p.mu.Lock()
	first := !p.fetched[resource]
	p.fetched[resource] = true
	p.mu.Unlock()
	return p.access(ctx, resource, func(w *sender, t authcode.Token) bool { return first && w.saw(resource, t) })
}

// renewed returns a token that was issued just now.
func (p *probe) renewed(ctx context.Context, resource string) (string, error) {
	return p.access(ctx, resource, func(*sender, authcode.Token) bool { return true })
}

// access returns a token, and another one than that which is too old.
func (p *probe) access(ctx context.Context, resource string, old func(*sender, authcode.Token) bool) (token string, err error) {
	fetch := func(w *sender) error {
		if w.tokens == nil {
			return errNoTokens
		}
		t, err := w.tokens.Token(ctx, resource)
		if err == nil && old(w, t) {
			w.tokens.Refused(resource, t)
			t, err = w.tokens.Token(ctx, resource)
		}
		if err != nil {
			return err
		}
		w.look(resource, t)
		token = t.Access.Reveal()
		return nil
	}
	err = p.use(ctx, fetch)
	if refusal, ok := errors.AsType[*authcode.Error](err); ok && refusal.Code != "" && p.forgets() {
		if err := p.mailer.forgetRefused(ctx, p.name); err != nil {
			return "", err
		}
		err = p.use(ctx, fetch)
	}
	return token, err
}

// forgets reports, once, whether a refusal may be one that is only remembered:
// it says nothing of what was mended since.
func (p *probe) forgets() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	may := p.remembers
	p.remembers = false
	return may
}

// forgetRefused has an account begin anew, with nothing remembered.
func (m *Mailer) forgetRefused(ctx context.Context, name string) error {
	slot := m.slot(name)
	if err := slot.lock(ctx); err != nil {
		return err
	}
	defer slot.unlock()
	m.retire(slot)
	return nil
}

// tokenFor gets a token for a scope that the account does not send with.
func (p *probe) tokenFor(ctx context.Context, scope string) (token string, err error) {
	err = p.use(ctx, func(w *sender) error {
		source, err := w.otherTokens(ctx, authcode.Resource{Name: "other", Scopes: []string{scope}})
		if err != nil {
			return err
		}
		defer source.Close()
		t, err := source.Token(ctx, "other")
		token = t.Access.Reveal()
		return err
	})
	return token, err
}

// session is a client of the submission server that has no session yet, because
// one that is warm does not tell what a new one would be told. w is whose address
// and mailbox it has.
func (p *probe) session(w *sender) *smtp.Client {
	mailbox := w.mailboxFor("")
	c := w.newWay(mailbox).smtp
	c.MaxSessions = 1
	if c.Auth == nil {
		return c
	}
	var mu sync.Mutex
	var owner *sender
	var converse func(context.Context, *smtp.Error) (sasl.Client, error)
	c.Auth = func(ctx context.Context, refused *smtp.Error) (mechanism sasl.Client, err error) {
		err = p.use(ctx, func(w *sender) (err error) {
			mu.Lock()
			defer mu.Unlock()
			if owner != w {
				owner, converse = w, w.authenticate(cmp.Or(mailbox, w.account.Username))
			}
			mechanism, err = converse(ctx, refused)
			return err
		})
		return mechanism, err
	}
	return c
}

func (p *probe) graphReady(ctx context.Context) error {
	return p.use(ctx, func(w *sender) error {
		mailbox := w.mailboxFor("")
		y, err := w.enter(mailbox)
		if err != nil {
			return err
		}
		defer w.leave(y)
		return y.graph.Ready(ctx, mailbox)
	})
}

func (p *probe) sendTest(ctx context.Context, from string) (checks.Sent, error) {
	d, err := p.mailer.sendTest(ctx, p.name, from, "")
	if err != nil {
		return checks.Sent{}, err
	}
	s := checks.Sent{Reply: d.Reply}
	if len(d.Accepted) > 0 {
		s.To = d.Accepted[0]
	}
	return s, p.use(ctx, func(w *sender) error {
		s.OverGraph = w.overGraph(w.mailboxFor(""))
		return nil
	})
}
