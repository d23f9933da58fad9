package authcode

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// keys are the random values of one sign-in.
type keys struct {
	state, nonce Secret // 256 bits each
	verifier     Secret // 128 characters, the most that RFC 7636 §4.1 allows
}

func newKeys() *keys {
	random := func(bytes int) Secret {
		b := make([]byte, bytes)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
		return Secret(base64.RawURLEncoding.EncodeToString(b))
	}
	return &keys{state: random(32), nonce: random(32), verifier: random(96)}
}

// redirect parses and checks RedirectURL.
func (c *Client) redirect() (*url.URL, error) {
	u, err := url.Parse(c.RedirectURL)
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || u.Port() == "0" {
		return nil, fmt.Errorf("redirect URL %q is not an absolute address; for a desktop app it is http://localhost", c.RedirectURL)
	}
	return u, nil
}

// receivable reports whether a listener on this machine gets what is sent to u.
// An https address would need a certificate for localhost.
func receivable(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, "http") && isLoopback(u.Hostname())
}

// authorizeURL is the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3,
// OpenID Connect Core §3.1.2.1). The scopes of all resources are in it, so that
// the user consents once; the first resource's come first, and all are in full,
// since Entra takes a short one for a part of the resource before it.
func (c *Client) authorizeURL(redirectURI string, k *keys, opts Options) (string, error) {
	if err := secureURL("authorization URL", c.Endpoints.AuthURL); err != nil {
		return "", err
	}
	u, err := url.Parse(c.Endpoints.AuthURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, values := range c.AuthParams {
		q[name] = values
	}
	mode := "form_post"
	if opts.NoListener {
		mode = "query"
	}
	for name, value := range map[string]string{
		"client_id":             c.ClientID,
		"response_type":         "code",
		"redirect_uri":          redirectURI,
		"response_mode":         cmp.Or(c.ResponseMode, mode),
		"scope":                 c.scopeFor(c.Resources...),
		"state":                 k.state.Reveal(),
		"nonce":                 k.nonce.Reveal(),
		"code_challenge":        oauth2.S256ChallengeFromVerifier(k.verifier.Reveal()),
		"code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	for name, value := range map[string]string{"login_hint": c.Username, "prompt": opts.Prompt, "claims": opts.Claims} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if opts.Prompt == "select_account" {
		q.Del("login_hint")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
