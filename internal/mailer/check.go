package mailer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

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
	return all, ctx.Err()
}

// setupOf is what the checks of an account go by, as it is now.
func (m *Mailer) setupOf(ctx context.Context, name string) checks.Setup {
	s := checks.Setup{
		Account: account.Account{Name: name},
		Now:     m.now,
		Dial:    m.Dial,
		Again:   func(ctx context.Context) checks.Setup { return m.setupOf(ctx, name) },
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{}).DialContext
	}
	w, err := m.afresh(ctx, name)
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
	s.Web = httpClient(a, w.roots)
	s.Web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a.SignIn == account.BrowserSignIn {
		if s.SignedIn, err = m.has(ctx, refreshTokenName(a)); err != nil {
			s.Invalid = about(a, err)
		}
	}
	p := probe{mailer: m, sender: w}
	s.ClientSecret = p.clientSecret
	s.Token, s.Renew, s.TokenFor = p.token, p.renewed, p.tokenFor
	s.Session, s.GraphReady, s.SendTestFrom = p.session, p.graphReady, p.sendTest
	s.SendTest = func(ctx context.Context) (checks.Sent, error) { return p.sendTest(ctx, "") }
	return s
}

// afresh is sender, of the account as its file and its secrets are now, whoever
// changed them. Nothing that was learned or opened before speaks in it.
func (m *Mailer) afresh(ctx context.Context, name string) (*sender, error) {
	slot := m.slot(name)
	if err := slot.lock(ctx); err != nil {
		return nil, err
	}
	m.retire(slot)
	slot.unlock()
	return m.sender(ctx, name)
}

// A probe does for the checks of an account what only the account can.
type probe struct {
	mailer *Mailer
	sender *sender
}

func (p probe) clientSecret() string {
	return p.sender.clientSecret.Reveal()
}

func (p probe) token(ctx context.Context, resource string) (string, error) {
	if p.sender.tokens == nil {
		return "", errNoTokens
	}
	t, err := p.sender.tokens.Token(ctx, resource)
	return t.Access.Reveal(), err
}

// renewed returns a token that was issued just now.
func (p probe) renewed(ctx context.Context, resource string) (string, error) {
	if p.sender.tokens == nil {
		return "", errNoTokens
	}
	t, err := p.sender.tokens.Token(ctx, resource)
	if err != nil {
		return "", err
	}
	p.sender.tokens.Refused(resource, t)
	return p.token(ctx, resource)
}

// tokenFor gets a token for a scope that the account does not send with.
func (p probe) tokenFor(ctx context.Context, scope string) (string, error) {
	source, err := p.sender.otherTokens(ctx, authcode.Resource{Name: "other", Scopes: []string{scope}})
	if err != nil {
		return "", err
	}
	defer source.Close()
	t, err := source.Token(ctx, "other")
	return t.Access.Reveal(), err
}

// session is a client of the submission server that has no session yet, because
// one that is warm does not tell what a new one would be told.
func (p probe) session() *smtp.Client {
	return p.sender.newWay(p.sender.mailboxFor("")).smtp
}

func (p probe) graphReady(ctx context.Context) error {
	mailbox := p.sender.mailboxFor("")
	y, err := p.sender.enter(mailbox)
	if err != nil {
		return err
	}
	defer p.sender.leave(y)
	return y.graph.Ready(ctx, mailbox)
}

func (p probe) sendTest(ctx context.Context, from string) (checks.Sent, error) {
	d, err := p.mailer.sendTest(ctx, p.sender.account.Name, from, "")
	if err != nil {
		return checks.Sent{}, err
	}
	s := checks.Sent{Reply: d.Reply, OverGraph: p.sender.overGraph(p.sender.mailboxFor(""))}
	if len(d.Accepted) > 0 {
		s.To = d.Accepted[0]
	}
	return s, nil
}
