package mailer

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/keystore"
)

// A tokenSource hands out an account's access tokens, whoever they are got by.
type tokenSource interface {
	Token(ctx context.Context, resource string) (authcode.Token, error)
	Refused(resource string, t authcode.Token)
	Close()
}

// The names of the two resources that an account has tokens for.
const (
	resourceSMTP  = "smtp"
	resourceGraph = "graph"
)

// resources are what the account wants tokens for, the one that mail leaves by
// first: only its refusal fails a sign-in.
func resources(a *account.Account) []authcode.Resource {
	var all []authcode.Resource
	add := func(name, scope string) {
		if scope != "" {
			all = append(all, authcode.Resource{Name: name, Scopes: strings.Fields(scope)})
		}
	}
	if a.SendsOver(account.SMTP) {
		add(resourceSMTP, a.SMTPScope)
	}
	if a.SendsOver(account.Graph) || a.SignIn == account.BrowserSignIn {
		add(resourceGraph, a.GraphScope)
	}
	return all
}

// person returns the client that signs a person in.
func (m *Mailer) person(a *account.Account, secret keystore.Secret, roots *x509.CertPool) *authcode.Client {
	c := &authcode.Client{
		Endpoints:    endpoints(a),
		ClientID:     a.ClientID,
		ClientSecret: authcode.Secret(secret.Reveal()),
		RedirectURL:  a.RedirectURL,
		Resources:    resources(a),
		Username:     a.Username,
		HTTPClient:   m.httpClient(a, roots),
		Now:          m.Now,
	}
	if !a.HasEntra() {
		c.ResponseMode = "query" // which every provider has (RFC 6749 §4.1.2)
	}
	switch {
	case a.Provider == account.Google:
		// Google gives a refresh token for these parameters, not for a scope, and
		// tells the address in a claim of its own.
		c.Scopes = []string{"openid", "email"}
		c.AuthParams = url.Values{"access_type": {"offline"}, "prompt": {"consent"}}
	case !a.HasEntra() && a.Issuer == "":
		c.Scopes = []string{} // a provider without OpenID Connect
	}
	return c
}

// endpoints are the account's own, or Entra's, which have one form in every
// cloud.
func endpoints(a *account.Account) authcode.Endpoints {
	if !a.HasEntra() {
		return authcode.Endpoints{AuthURL: a.AuthorizeURL, TokenURL: a.TokenURL, DeviceURL: a.DeviceURL, JWKSURL: a.JWKSURL, Issuer: a.Issuer}
	}
	tenant := "{tenantid}"
	if account.IsGUID(a.Tenant) {
		tenant = strings.ToLower(a.Tenant)
	}
	e := authcode.Endpoints{
		AuthURL:   a.Endpoint("oauth2/v2.0/authorize"),
		TokenURL:  a.Endpoint("oauth2/v2.0/token"),
		DeviceURL: a.Endpoint("oauth2/v2.0/devicecode"),
		JWKSURL:   a.Endpoint("discovery/v2.0/keys"),
		Issuer:    a.AuthorityURL + "/" + tenant + "/v2.0",
	}
	// Entra may be reached by other addresses, such as those of a proxy.
	or := func(field *string, own string) { *field = cmp.Or(own, *field) }
	or(&e.AuthURL, a.AuthorizeURL)
	or(&e.DeviceURL, a.DeviceURL)
	or(&e.JWKSURL, a.JWKSURL)
	or(&e.Issuer, a.Issuer)
	return e
}

// stored hands out tokens by the refresh token in the keystore.
func (m *Mailer) stored(a *account.Account, c *authcode.Client) *authcode.Source {
	return &authcode.Source{
		Client: c,
		Load: func(ctx context.Context) (authcode.Secret, error) {
			v, err := m.Secrets.Get(ctx, refreshTokenName(a))
			if errors.Is(err, keystore.ErrNotFound) {
				return "", nil // the Source's word for "not signed in"
			}
			return authcode.Secret(v.Reveal()), err
		},
		Save: func(ctx context.Context, t authcode.Secret) error {
			m.noteTokenUse(a, m.now())
			return m.Secrets.Set(ctx, refreshTokenName(a), keystore.Secret(t.Reveal()))
		},
		Unsaved: func(err error) {
			if err != nil {
				m.log().Warn("a new refresh token could not be stored; mail flows, and the account may need a new sign-in after a restart", "account", a.Name, "error", err)
			}
		},
	}
}

// application hands out tokens for some resources to the app itself.
func (m *Mailer) application(ctx context.Context, a *account.Account, secret keystore.Secret, config apponly.Config) (tokenSource, error) {
	if a.Credential != account.CertificateCredential {
		return m.bySecret(a, secret, config)
	}
	cert, err := apponly.ParseCertificate([]byte(secret.Reveal()), "")
	if err != nil {
		return nil, &account.FieldError{Key: "certificate", Text: "what is stored cannot be used: " + err.Error(), Fix: "store it again: traymail account edit " + a.Name + " --certificate FILE"}
	}
	open := func(c *apponly.Certificate) (*apponly.Source, error) {
		config := config
		config.Certificate = c
		return newApplication(a, config)
	}
	source, err := open(cert)
	if err != nil {
		return nil, err
	}
	next, err := m.storedCertificate(ctx, nextCertificateName(a))
	switch {
	case err != nil:
		m.log().Warn("the new certificate cannot be used", "account", a.Name, "error", err, "fix", "store it again: traymail account edit "+a.Name+" --certificate FILE")
	case next != nil && next.SHA256() == cert.SHA256(): // something came between
		return source, m.promote(ctx, a, next)
	case next != nil:
		return &renewal{mailer: m, account: a, former: cert, next: next, open: open, source: source}, nil
	}
	return source, nil
}

// bySecret is application without a certificate.
func (m *Mailer) bySecret(a *account.Account, secret keystore.Secret, c apponly.Config) (*apponly.Source, error) {
	if a.Credential == account.FederatedCredential {
		c.AssertionFile = a.AssertionFile
		if !filepath.IsAbs(c.AssertionFile) {
			c.AssertionFile = filepath.Join(m.Home, c.AssertionFile)
		}
	} else {
		c.ClientSecret = authcode.Secret(secret.Reveal())
	}
	return newApplication(a, c)
}

func newApplication(a *account.Account, c apponly.Config) (*apponly.Source, error) {
	source, err := apponly.New(c)
	if err != nil {
		return nil, &account.FieldError{Text: "the application's sign-in cannot work: " + err.Error(), Fix: "correct the account: traymail account edit " + a.Name}
	}
	return source, nil
}

// applicationConfig is an application's, without what it proves itself with.
func (m *Mailer) applicationConfig(a *account.Account, roots *x509.CertPool, wanted []authcode.Resource) apponly.Config {
	return apponly.Config{
		TokenURL:   endpoints(a).TokenURL,
		ClientID:   a.ClientID,
		Resources:  wanted,
		Account:    a.Sender,
		HTTPClient: m.httpClient(a, roots),
		Now:        m.Now,
	}
}

// otherTokens is a source of tokens for one more resource, by the same proof as
// the account's own. The caller closes it.
func (w *sender) otherTokens(ctx context.Context, wanted authcode.Resource) (tokenSource, error) {
	m, a, only := w.mailer, w.account, []authcode.Resource{wanted}
	switch a.SignIn {
	case account.BrowserSignIn:
		c := *w.auth
		c.Resources = only
		return m.stored(a, &c), nil
	case account.AppOnly:
		slot := m.slot(a.Name)
		if err := slot.lock(ctx); err != nil {
			return nil, err
		}
		defer slot.unlock()
		secret, err := m.credential(ctx, a)
		if err != nil {
			return nil, err
		}
		return m.application(ctx, a, secret, m.applicationConfig(a, w.roots, only))
	}
	return nil, errNoTokens
}

// errNoTokens is of accounts that sign in with a password.
var errNoTokens = errors.New("the account has no access tokens: it sends a password")

func (m *Mailer) httpClient(a *account.Account, roots *x509.CertPool) *http.Client {
	t := m.transport(roots)
	// Requests are minutes or hours apart: a kept connection would be dead.
	t.DisableKeepAlives = true
	return &http.Client{Transport: t, Timeout: time.Duration(a.Timeout) * time.Second}
}
