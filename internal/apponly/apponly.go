// Package apponly gets access tokens for an application itself, to which nobody
// signs in: the client credentials grant (RFC 6749 §4.4) with a client secret, a
// certificate or a federated token (RFC 7523).
//
// [New] makes a [Source] of such tokens from a [Config]. A [Certificate] is read
// by [ParseCertificate] or made by [MakeCertificate]. Requests, repetitions and
// the reading of refusals are those of package authcode, and so are the errors:
// an *authcode.Error of the stage "application".
//
// Secrets, keys and assertions appear in no error, and nothing here prints them.
package apponly

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"traymail/authcode"
)

// Config says which application gets tokens, and how it proves that it is the
// one. Exactly one of ClientSecret, Certificate and AssertionFile is set.
type Config struct {
	// TokenURL is the token endpoint of one tenant, which must be https. An
	// assertion names it as its audience.
	TokenURL string
	ClientID string

	ClientSecret authcode.Secret
	Certificate  *Certificate
	// AssertionFile holds a JWT of another issuer that the app registration
	// trusts (a federated credential), as Kubernetes writes it to the path in
	// AZURE_FEDERATED_TOKEN_FILE. It is read for each request, since whoever
	// writes it replaces it before it expires.
	AssertionFile string

	// Resources holds at least one, each with the one scope "{resource}/.default".
	Resources []authcode.Resource
	// Account is whom the tokens are for, in errors: the mailbox, say.
	Account string

	// HTTPClient, Now and Sleep are those of authcode.Client; nil means its defaults.
	HTTPClient *http.Client
	Now        func() time.Time
	Sleep      func(ctx context.Context, d time.Duration) error
}

// Format writes the client ID and the account for every verb, as fmt would go
// around the methods of a Secret where a verb does not suit a struct.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "application %s for %q", c.ClientID, c.Account)
}

// Source hands out an application's access tokens, as an authcode.Source does a
// person's: from memory, with at most one request under way however many wait.
// It is safe for concurrent use and ended with Close.
type Source struct {
	tokens authcode.Source
}

// New makes a source, and asks for nothing yet. Its errors are of the settings:
// what no request could succeed with, or what would send a secret in the clear.
// Whether the secret is right, or a certificate or a file is still good, shows
// with the first Token.
func New(c Config) (*Source, error) {
	assertion, err := c.credential()
	if err != nil {
		return nil, err
	}
	if c.ClientID == "" {
		return nil, errors.New("client ID is missing: it is the Application (client) ID of the app registration")
	}
	if err := checkTokenURL(c.TokenURL); err != nil {
		return nil, err
	}
	if len(c.Resources) == 0 {
		return nil, errors.New("no resource is named to get a token for")
	}
	for _, r := range c.Resources {
		if err := checkScopes(r, isEntra(c.TokenURL)); err != nil {
			return nil, err
		}
	}
	return &Source{authcode.Source{Application: true, Client: &authcode.Client{
		Endpoints:    authcode.Endpoints{TokenURL: c.TokenURL},
		ClientID:     c.ClientID,
		ClientSecret: c.ClientSecret,
		Assertion:    assertion,
		Resources:    c.Resources,
		Username:     c.Account,
		HTTPClient:   c.HTTPClient,
		Now:          c.Now,
		Sleep:        c.Sleep,
	}}}, nil
}

// Token returns an access token for the resource of that name. It blocks only
// for a request, and then no longer than ctx; the request goes on for others who
// wait. While no new token can be had, one that is still valid is returned.
//
// An *authcode.Error tells whether to try later (Temporary). After a refusal
// that needs somebody's help, no request is made for half a minute, and the
// error is returned again. SignInAgain is never true.
func (s *Source) Token(ctx context.Context, resource string) (authcode.Token, error) {
	return s.tokens.Token(ctx, resource)
}

// Refused forgets t, because the server it was for did not accept it: the next
// Token asks for another. It does nothing when a newer token has taken t's place.
func (s *Source) Refused(resource string, t authcode.Token) { s.tokens.Refused(resource, t) }

// Close ends running requests and waits for them. Token fails from then on.
func (s *Source) Close() { s.tokens.Close() }

// Format writes for whom it is, for every verb; see Config.
func (s *Source) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, &s.tokens) }

// now is the wall clock.
func (c Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// credential checks that there is exactly one, and returns what makes its
// assertions: nil for a client secret, which needs none.
func (c Config) credential() (func() (authcode.Secret, error), error) {
	var set []string
	var assertion func() (authcode.Secret, error)
	if c.ClientSecret != "" {
		set = append(set, "a client secret")
	}
	if c.Certificate != nil {
		set = append(set, "a certificate")
		assertion = func() (authcode.Secret, error) { return c.Certificate.assertion(c.ClientID, c.TokenURL, c.now()) }
	}
	if c.AssertionFile != "" {
		set = append(set, "a federated token's file")
		assertion = func() (authcode.Secret, error) { return readAssertion(c.AssertionFile, c.now()) }
	}
	switch len(set) {
	case 0:
		return nil, errors.New("an application proves who it is with a client secret, a certificate or a federated token's file, and none is given: " +
			"make one under Certificates & secrets of the app registration")
	case 1:
		return assertion, nil
	}
	return nil, fmt.Errorf("%s are given, and only one counts: remove what is not used", strings.Join(set, " and "))
}

// personalTenant is the tenant of personal accounts, which holds no applications' mailboxes.
const personalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// isEntra tells Entra's form of a token endpoint, /{tenant}/oauth2/…, from that
// of another provider.
func isEntra(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return strings.HasPrefix(strings.ToLower(rest), "oauth2/")
}

// checkTokenURL wants https and, where the address has Entra's form, one tenant.
func checkTokenURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Host == "" {
		return fmt.Errorf("token URL %q is not an https address", raw)
	}
	if !isEntra(raw) {
		return nil
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	const fix = "set the tenant to the Directory (tenant) ID of the app registration's Overview page, or to a domain of that tenant"
	switch tenant = strings.ToLower(tenant); tenant {
	case "", "{tenant}", "{tenantid}":
		return fmt.Errorf("token URL %q names no tenant: %s", raw, fix)
	case "common", "organizations":
		return fmt.Errorf("token URL %q is for every tenant: an application signs in without a person, so nothing but the address tells its tenant, "+
			"and Entra refuses it there (AADSTS50059, AADSTS9001023): %s", raw, fix)
	case "consumers", personalTenant:
		return fmt.Errorf("token URL %q is for personal accounts, whose mailboxes no application can open without a sign-in (AADSTS9001023): %s", raw, fix)
	}
	return nil
}

// defaultScope is the only form that the client credentials grant takes: an
// application gets all permissions that an administrator has consented to, and
// the resource is an address or an ID.
var defaultScope = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://[^\s/]+[^\s]*|[0-9A-Fa-f-]{36})/\.default$`)

func checkScopes(r authcode.Resource, entra bool) error {
	if !entra {
		if len(r.Scopes) == 0 {
			return fmt.Errorf("resource %q has no scope", r.Name)
		}
		return nil // another provider's own rules
	}
	const form = `"{resource}/.default", such as https://outlook.office365.com/.default`
	if len(r.Scopes) != 1 || len(strings.Fields(r.Scopes[0])) > 1 {
		return fmt.Errorf("resource %q has the scopes %q: an application asks for exactly one, %s, since its permissions are those that an administrator has consented to (AADSTS70011)", r.Name, r.Scopes, form)
	}
	switch scope := r.Scopes[0]; {
	case defaultScope.MatchString(scope):
		return nil
	case strings.TrimPrefix(scope, "/") == ".default":
		return fmt.Errorf("resource %q has the scope %q, which names no resource, and Entra would take it for Microsoft Graph's: it must be %s", r.Name, scope, form)
	default:
		return fmt.Errorf("resource %q has the scope %q: single permissions can be asked for only when a person signs in (AADSTS70011); for an application it must be %s", r.Name, scope, form)
	}
}
