package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/internal/graph"
	"traymail/internal/sandbox"
	"traymail/smtp"
)

// An office is a sandbox with an account of it, and the real clients that reach
// it.
type office struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	account account.Account
	secret  string // of the app, as it is stored
	roots   *x509.CertPool
	web     *http.Client
	// passwords sign in with this instead of a token.
	password string
	expires  time.Time
	// sent counts the test emails.
	sent int

	mu      sync.Mutex
	refresh authcode.Secret
}

// newOffice starts a sandbox with an account for svc, changed by change.
func newOffice(t *testing.T, scenario string, change func(*account.Account, sandbox.Ready)) *office {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{Scenario: scenario})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := s.Ready()
	a := account.New("main")
	a.Username, a.Sender, a.Tenant, a.ClientID = r.Users[0].Username, r.Users[0].Username, r.TenantID, r.Apps[0].ClientID
	a.AuthorityURL, a.GraphURL, a.ExchangeURL, a.SMTPHost, a.SMTPPort = r.Authority, r.GraphURL, r.ExchangeURL, r.SMTPHost, r.SMTPPort
	former := *a
	if change != nil {
		change(a, r)
		a.Follow(former)
	}
	b := &office{t: t, sandbox: s, account: *a, roots: x509.NewCertPool(), expires: time.Now().AddDate(1, 0, 0)}
	b.roots.AppendCertsFromPEM([]byte(r.CAPEM))
	b.web = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.roots}, DisableKeepAlives: true}}
	for _, app := range r.Apps {
		if app.ClientID == a.ClientID {
			b.secret = app.ClientSecret
		}
	}
	return b
}

// application makes the account one of an app that signs in by itself, with a
// permission in its registration.
func application(role string) func(*account.Account, sandbox.Ready) {
	return func(a *account.Account, r sandbox.Ready) {
		i := slices.IndexFunc(r.Apps, func(app sandbox.ReadyApp) bool {
			return slices.ContainsFunc(app.AppRoles, func(s string) bool { return strings.HasSuffix(s, "/"+role) })
		})
		if i < 0 { // of a scenario that takes it away
			i = slices.IndexFunc(r.Apps, func(app sandbox.ReadyApp) bool { return strings.Contains(app.What, "signs in by itself") })
		}
		a.SignIn, a.Credential, a.ClientID, a.Mailbox, a.Transport = account.AppOnly, account.SecretCredential, r.Apps[i].ClientID, account.SenderMailbox, account.SMTP
		a.SMTPScope, a.GraphScope, a.RedirectURL, a.Registration = "https://outlook.office365.com/.default", "", "", ""
		if role == "Mail.Send" {
			a.Transport, a.GraphScope = account.Graph, "https://graph.microsoft.com/.default"
		}
	}
}

// change changes what the tenant has.
func (b *office) change(f func(*sandbox.Tenant)) *office {
	b.sandbox.Tenant().Change(f)
	return b
}

func mailboxOf(t *sandbox.Tenant, address string) *sandbox.Mailbox {
	return t.Mailboxes[slices.IndexFunc(t.Mailboxes, func(m *sandbox.Mailbox) bool { return m.Address == address })]
}

func userOf(t *sandbox.Tenant, upn string) *sandbox.User {
	return t.Users[slices.IndexFunc(t.Users, func(u *sandbox.User) bool { return u.UPN == upn })]
}

func appOf(t *sandbox.Tenant, clientID string) *sandbox.App {
	return t.Apps[slices.IndexFunc(t.Apps, func(a *sandbox.App) bool { return a.ClientID == clientID })]
}

func (b *office) resources() []authcode.Resource {
	var all []authcode.Resource
	for _, r := range []struct{ name, scope string }{{ResourceSMTP, b.account.SMTPScope}, {ResourceGraph, b.account.GraphScope}} {
		if r.scope != "" && (r.name != ResourceSMTP || b.account.SendsOver(account.SMTP)) {
			all = append(all, authcode.Resource{Name: r.name, Scopes: strings.Fields(r.scope)})
		}
	}
	return all
}

func (b *office) client(resources []authcode.Resource) *authcode.Client {
	r := b.sandbox.Ready()
	c := &authcode.Client{
		Endpoints: authcode.Endpoints{AuthURL: r.AuthorizeURL, TokenURL: r.TokenURL, JWKSURL: r.JWKSURL, Issuer: r.Issuer},
		ClientID:  b.account.ClientID, RedirectURL: b.account.RedirectURL, Resources: resources, HTTPClient: b.web,
		Sleep: func(context.Context, time.Duration) error { return errors.New("the test does not wait") },
	}
	if b.account.Provider == account.Google {
		c.ResponseMode, c.Scopes, c.AuthParams = "query", []string{}, url.Values{"access_type": {"offline"}, "prompt": {"consent"}}
		c.Endpoints.Issuer, c.Endpoints.JWKSURL = "", "" // who it is says the account alone
	}
	if b.account.HasClientSecret() {
		c.ClientSecret = authcode.Secret(b.secret)
	}
	return c
}

// signIn signs somebody in, whoever the account is for.
func (b *office) signIn(username string) *office {
	b.t.Helper()
	person := sandbox.Person{Username: username, Client: b.web}
	b.sandbox.Tenant().View(func(t *sandbox.Tenant) { person.Password = userOf(t, username).Password })
	grant, err := b.client(b.resources()).SignIn(b.t.Context(), authcode.Options{}, func(address string) error {
		_, err := person.Visit(b.t.Context(), address)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.refresh = grant.RefreshToken
	return b
}

// source hands out tokens for resources.
func (b *office) source(resources []authcode.Resource) (get func(context.Context, string) (authcode.Token, error), refused func(string, authcode.Token), end func()) {
	if b.account.SignIn == account.AppOnly {
		s, err := apponly.New(apponly.Config{TokenURL: b.sandbox.Ready().TokenURL, ClientID: b.account.ClientID, ClientSecret: authcode.Secret(b.secret),
			Resources: resources, Account: b.account.Sender, HTTPClient: b.web})
		if err != nil {
			b.t.Fatal(err)
		}
		return s.Token, s.Refused, s.Close
	}
	s := &authcode.Source{Client: b.client(resources),
		Load: func(context.Context) (authcode.Secret, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.refresh, nil
		},
		Save: func(_ context.Context, t authcode.Secret) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refresh = t
			return nil
		},
	}
	return s.Token, s.Refused, s.Close
}

// setup is what the checks get to work with. Its sources end with the test.
func (b *office) setup() Setup {
	a := b.account
	s := Setup{
		Account: a, SignedIn: b.refresh != "", Expires: b.expires, Now: time.Now, Roots: b.roots, Web: b.web,
		ClientSecret: func() string { return b.secret },
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		Dial: (&net.Dialer{}).DialContext, Addresses: net.InterfaceAddrs,
	}
	if a.SignIn != account.PasswordSignIn {
		get, refused, end := b.source(b.resources())
		b.t.Cleanup(end)
		s.Token = func(ctx context.Context, resource string) (string, error) {
			t, err := get(ctx, resource)
			return t.Access.Reveal(), err
		}
		s.Renew = func(ctx context.Context, resource string) (string, error) {
			if t, err := get(ctx, resource); err == nil {
				refused(resource, t)
			}
			return s.Token(ctx, resource)
		}
		s.TokenFor = func(ctx context.Context, scope string) (string, error) {
			get, _, end := b.source([]authcode.Resource{{Name: "other", Scopes: []string{scope}}})
			defer end()
			t, err := get(ctx, "other")
			return t.Access.Reveal(), err
		}
	}
	s.Session = func() *smtp.Client { return b.smtp(s) }
	s.GraphReady = func(ctx context.Context) error {
		c, mailbox := b.graph(s)
		defer c.Close()
		return c.Ready(ctx, mailbox)
	}
	s.SendTest = func(ctx context.Context) (Sent, error) { return b.send(ctx, s, a.Sender) }
	s.SendTestFrom = func(ctx context.Context, from string) (Sent, error) { return b.send(ctx, s, from) }
	return s
}

func (b *office) smtp(s Setup) *smtp.Client {
	user := s.Account.Username
	if s.Account.SignIn == account.AppOnly {
		user = s.Account.Sender
	}
	return &smtp.Client{Host: s.Account.SMTPHost, Port: s.Account.SMTPPort, RootCAs: b.roots,
		Auth: func(ctx context.Context, refused *smtp.Error) (sasl.Client, error) {
			switch {
			case b.password != "" && refused != nil:
				return nil, errors.New("the password was refused")
			case b.password != "":
				return smtp.Login(user, b.password), nil
			}
			get := s.Token
			if refused != nil {
				get = s.Renew
			}
			token, err := get(ctx, ResourceSMTP)
			return smtp.XOAUTH2(user, token), err
		}}
}

func (b *office) graph(s Setup) (c *graph.Client, mailbox string) {
	if s.Account.SignIn == account.AppOnly {
		mailbox = s.Account.Sender
	}
	return &graph.Client{BaseURL: s.Account.GraphURL + "/v1.0", HTTPClient: b.web,
		Token: func(ctx context.Context, _ string) (string, error) { return s.Token(ctx, ResourceGraph) }}, mailbox
}

// send is the test email, over what the account sends by.
func (b *office) send(ctx context.Context, s Setup, from string) (Sent, error) {
	b.sent++
	const to = "ops@contoso.com"
	text := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: Test email\r\nMessage-ID: <%d@test>\r\n\r\nHello.\r\n", from, to, b.sent)
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	if s.Account.Transport != account.Graph {
		c := b.smtp(s)
		defer c.Close()
		receipt, err := c.Submit(ctx, &smtp.Message{From: from, To: []smtp.Recipient{{Address: to}}, Open: open})
		if err == nil {
			return Sent{To: to, Reply: receipt.Reply.String()}, nil
		}
		if s.Account.Transport != account.Auto || !isSwitch(err) {
			return Sent{}, err
		}
	}
	c, mailbox := b.graph(s)
	defer c.Close()
	receipt, err := c.Send(ctx, &graph.Message{Mailbox: mailbox, From: from, To: []string{to}, Open: open})
	return Sent{To: to, Reply: receipt.Reply, OverGraph: true}, err
}

// run does all checks.
func (b *office) run(o Options) map[string]Result {
	b.t.Helper()
	all := map[string]Result{}
	for _, result := range Run(b.t.Context(), b.setup(), o, nil) {
		all[result.ID] = result
	}
	return all
}

// ours are the checks of these tests.
var ours = []string{Credential, TokenSMTP, Claims, TokenGraph, Identity, Licence, SMTPAuth, Accepted, SendAs, TestEmail, Renewal}

// outcome is a result in a word or two: "fail not-signed-in", "blocked".
func outcome(r Result) string {
	if r.Status == Skip && r.stops() {
		return "blocked"
	}
	return strings.TrimSpace(string(r.Status) + " " + r.Finding)
}

// expect compares the outcomes; what is not mentioned has to have passed or been
// skipped.
func (b *office) expect(got map[string]Result, want map[string]string) {
	b.t.Helper()
	for _, id := range ours {
		is := outcome(got[id])
		if want[id] == "" && (is == "pass" || is == "skip") || is == want[id] {
			continue
		}
		b.t.Errorf("%s: %s, want %q\n%+v", id, is, want[id], got[id])
	}
	for id, r := range got {
		text := fmt.Sprintf("%+v", r)
		for _, secret := range []string{b.secret, b.password, b.refresh.Reveal()} {
			if secret != "" && strings.Contains(text, secret) {
				b.t.Errorf("%s tells a secret", id)
			}
		}
	}
}
