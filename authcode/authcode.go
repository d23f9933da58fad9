// Package authcode signs one mail account in with OAuth 2.0 and keeps it signed
// in: the authorization code flow in the system browser with PKCE and a
// listener on loopback (RFC 6749, RFC 7636, RFC 8252), the same flow with the
// final address pasted by the user, the device authorization grant (RFC 8628),
// and the refreshing of access tokens.
//
// A [Client] describes one application registration, used for one account.
// [Client.SignIn] runs a whole sign-in; [Client.Start] gives its steps to a
// caller that also offers [SignIn.Paste]; [Client.Device] needs no browser on
// this machine. Each ends in a [Grant], whose ID token was verified (OpenID
// Connect Core 1.0 §3.1.3.7) and whose account was compared with the one that
// the caller expects. A [Source] turns the grant's refresh token into access
// tokens for as long as the provider allows. A Source for an application gets
// the client's own tokens instead, without anybody signing in (RFC 6749 §4.4).
//
// The package opens no browser, reads no keychain and prints nothing: those are
// functions that the caller supplies. Tokens, codes and client secrets appear in
// no error and on no page.
package authcode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultTimeout is how long a browser sign-in waits for the browser to come back.
const DefaultTimeout = 5 * time.Minute

// Endpoints are the addresses of an authorization server. All are https.
type Endpoints struct {
	AuthURL  string // authorization endpoint, opened in the browser
	TokenURL string // token endpoint
	// DeviceURL is the device authorization endpoint; only Device needs it.
	DeviceURL string
	// JWKSURL is where the keys are that sign ID tokens.
	JWKSURL string
	// Issuer is the iss of ID tokens and of RFC 9207. "{tenantid}" in it, as in
	// the metadata of Entra's multi-tenant authorities, stands for the tid
	// claim. Empty, together with JWKSURL, for a provider without OpenID
	// Connect; Client.Scopes must then not hold "openid".
	Issuer string
}

// Resource is one API that tokens are wanted for: an access token is good for
// one resource only.
type Resource struct {
	Name   string   // the caller's name for it: a key of Grant.Tokens
	Scopes []string // in full, as in https://outlook.office.com/SMTP.Send
}

// Client is one application registration at one authorization server, used for
// one account. It is safe for concurrent use; its fields must not change after
// the first use.
type Client struct {
	Endpoints Endpoints
	ClientID  string
	// ClientSecret is sent to the token endpoint when it is not empty. A public
	// client has none, and Entra refuses one from it (AADSTS700025).
	ClientSecret Secret
	// Assertion, if set, proves the client's identity instead of ClientSecret,
	// with a JWT (RFC 7523 §2.2). It is called for each request, repetitions
	// included, must return soon and be safe for concurrent use. Its error, which
	// must not hold the assertion, ends the request as the cause of an *Error.
	Assertion func() (Secret, error)
	// RedirectURL is the registered redirect URL. On a loopback host without a
	// port ("http://localhost") each sign-in takes a free port (RFC 8252 §7.3);
	// with a port, exactly that port and path are used.
	RedirectURL string
	// Resources holds at least one. The first one's token comes with the code,
	// the others' by a refresh right after it.
	Resources []Resource
	// Scopes are asked for beside those of the resources. Nil means openid,
	// profile and offline_access.
	Scopes []string
	// Username is the address that must sign in; it goes out as login_hint.
	// Empty accepts whoever signs in.
	Username string
	// ResponseMode is how the browser brings the code back. Empty means
	// form_post with a listener, as Microsoft recommends, because it keeps the
	// code out of the address and the history; and query without one, because
	// the code must be in the address to be pasted. Google knows only query, and
	// a caller that offers Paste beside the listener wants query too. The
	// listener accepts both, whatever was asked for.
	ResponseMode string
	// AuthParams are added to the authorization URL (Google: access_type).
	AuthParams url.Values
	// Timeout is how long the browser may take; 0 means DefaultTimeout.
	Timeout time.Duration

	// HTTPClient reaches the server; nil means http.DefaultClient. Redirects
	// are not followed, and each request is bounded to 30 s.
	HTTPClient *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Sleep waits between attempts, and returns ctx's error when ctx ends
	// first; nil means a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Options vary one sign-in.
type Options struct {
	// Claims is Error.Claims of the refusal that made this sign-in necessary.
	Claims string
	// Prompt is the prompt parameter: login, consent, select_account or empty.
	// With select_account no login_hint is sent, since Entra allows only one.
	Prompt string
	// NoListener leaves the loopback listener out: the user pastes the address
	// on which the browser ended.
	NoListener bool
}

// Grant is what a sign-in yields.
type Grant struct {
	Identity     Identity // zero for a provider without OpenID Connect
	RefreshToken Secret
	// Tokens holds an access token for each resource that was granted; the
	// first resource is always among them.
	Tokens map[string]Token
	// Missing says why a further resource has none. It is not fatal: mail flows
	// with the first one alone.
	Missing map[string]error
}

// Identity is who signed in, from a verified ID token.
type Identity struct {
	// Username is what to show and to compare: preferred_username, else upn,
	// else email. People can be renamed: an account is TenantID and ObjectID
	// at Entra, Issuer and Subject elsewhere.
	Username string
	Name     string
	TenantID string // tid
	ObjectID string // oid
	Subject  string // sub
	Issuer   string // iss
}

// Token is an access token for one resource.
type Token struct {
	Access Secret
	Expiry time.Time // wall clock
	Scopes []string  // as granted
}

// Format writes the client ID and the account for every verb. Without it, fmt
// goes around Secret's methods where a verb does not suit a pointer to a Client.
func (c Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "client %s for %q", c.ClientID, c.Username)
}

// now is the wall clock. The monotonic reading is dropped because it stops
// during suspend, and a token does not.
func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now().Round(0)
	}
	return time.Now().Round(0)
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

// scopes are those beside the resources'.
func (c *Client) scopes() []string {
	if c.Scopes == nil {
		return []string{"openid", "profile", "offline_access"}
	}
	return c.Scopes
}

func (c *Client) resource(name string) (Resource, bool) {
	i := slices.IndexFunc(c.Resources, func(r Resource) bool { return r.Name == name })
	if i < 0 {
		return Resource{}, false
	}
	return c.Resources[i], true
}

// check refuses settings that no request could succeed with, or that would send
// a secret in the clear.
func (c *Client) check() error {
	if c.ClientID == "" {
		return errors.New("client ID is missing: it is the Application (client) ID of the app registration")
	}
	if len(c.Resources) == 0 {
		return errors.New("no resource is named to sign in for")
	}
	for i, r := range c.Resources {
		if len(r.Scopes) == 0 {
			return fmt.Errorf("resource %q names no scope", r.Name)
		}
		if slices.ContainsFunc(c.Resources[:i], func(o Resource) bool { return o.Name == r.Name }) {
			return fmt.Errorf("resource %q is named twice", r.Name)
		}
	}
	openid := slices.Contains(c.scopes(), "openid")
	if openid && (c.Endpoints.Issuer == "" || c.Endpoints.JWKSURL == "") {
		return errors.New("issuer and JWKS URL are needed to check who signed in; a provider without OpenID Connect takes no openid scope")
	}
	if !openid && c.Endpoints.Issuer != "" {
		return errors.New("the openid scope is missing, without which nobody can tell who signed in")
	}
	if err := secureURL("token URL", c.Endpoints.TokenURL); err != nil {
		return err
	}
	if openid {
		return secureURL("JWKS URL", c.Endpoints.JWKSURL)
	}
	return nil
}

// secureURL wants https: codes, refresh tokens and client secrets travel there.
func secureURL(what, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Host == "" {
		return fmt.Errorf("%s %q is not an https address", what, raw)
	}
	return nil
}
