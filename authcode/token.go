package authcode

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultLifetime is assumed when a server does not tell expires_in, which
// RFC 6749 §5.1 allows. A token that ends sooner is refused by the resource,
// and then refreshed.
const defaultLifetime = time.Hour

// tokens is a parsed token response (RFC 6749 §5.1).
type tokens struct {
	token   Token
	refresh Secret // "" when the old one stays
	id      Secret
	date    time.Time // the server's clock, zero if it did not tell
}

// redeemCode exchanges an authorization code for the tokens of one resource:
// Entra refuses several (AADSTS28000) and none (AADSTS28003).
func (c *Client) redeemCode(ctx context.Context, code, verifier Secret, redirectURI string) (*tokens, error) {
	return c.tokens(ctx, StageExchange, c.Resources[0], url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code.Reveal()},
		"redirect_uri":  {redirectURI},
		"code_verifier": {verifier.Reveal()},
		"scope":         {c.scopeFor(c.Resources[0])},
	})
}

// refresh gets an access token for one resource (RFC 6749 §6). offline_access
// keeps Entra issuing a new refresh token each time, which rolls its 90 days on.
func (c *Client) refresh(ctx context.Context, refreshToken Secret, r Resource) (*tokens, error) {
	scopes := r.Scopes
	if slices.Contains(c.scopes(), "offline_access") {
		scopes = append(slices.Clone(scopes), "offline_access")
	}
	return c.tokens(ctx, StageRefresh, r, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refreshToken.Reveal()},
		"scope":         {strings.Join(scopes, " ")},
	})
}

// application gets an access token for the client itself (RFC 6749 §4.4). A
// refresh token that comes along, which it should not (§4.4.3), is passed over.
func (c *Client) application(ctx context.Context, r Resource) (*tokens, error) {
	return c.tokens(ctx, StageApplication, r, url.Values{
		"grant_type": {"client_credentials"},
		"scope":      {strings.Join(r.Scopes, " ")},
	})
}

func (c *Client) scopeFor(resources ...Resource) string {
	scopes := slices.Clone(c.scopes())
	for _, r := range resources {
		scopes = append(scopes, r.Scopes...)
	}
	return strings.Join(scopes, " ")
}

// tokens posts form to the token endpoint, with retries, and reads the answer.
func (c *Client) tokens(ctx context.Context, stage Stage, r Resource, form url.Values) (t *tokens, err error) {
	err = c.retry(ctx, func() error {
		t, err = c.tokensOnce(ctx, stage, r, form)
		return err
	})
	return t, err
}

func (c *Client) tokensOnce(ctx context.Context, stage Stage, r Resource, form url.Values) (*tokens, error) {
	asked := c.now() // before the request: what is measured from it ends early, not late
	a, err := c.post(ctx, stage, c.Endpoints.TokenURL, form)
	if err != nil {
		return nil, err
	}
	t, err := parseTokens(a, asked)
	if err != nil {
		return nil, &Error{Stage: stage, Username: c.Username, HTTPStatus: a.status, Err: fmt.Errorf("the token endpoint's answer is not usable: %w", err)}
	}
	if t.token.Scopes == nil {
		t.token.Scopes = slices.Clone(r.Scopes) // RFC 6749 §5.1: not told means as asked
	}
	return t, nil
}

// parseTokens reads the body of a success; its errors quote nothing of it.
func parseTokens(a *answer, asked time.Time) (*tokens, error) {
	var body struct {
		TokenType    string          `json:"token_type"`
		AccessToken  string          `json:"access_token"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
		RefreshToken string          `json:"refresh_token"`
		IDToken      string          `json:"id_token"`
		Scope        string          `json:"scope"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return nil, errors.New("it is not the JSON of a token response")
	}
	if !strings.EqualFold(body.TokenType, "Bearer") {
		return nil, errors.New("its token_type is not Bearer")
	}
	if body.AccessToken == "" {
		return nil, errors.New("it has no access_token")
	}
	// RFC 6749 appendix A.12 and A.17. An access token becomes part of an SMTP
	// command; nothing in it may end a line or a SASL field.
	for _, s := range []string{body.AccessToken, body.RefreshToken} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			return nil, errors.New("a token in it holds forbidden characters")
		}
	}
	lifetime, err := parseSeconds(body.ExpiresIn, defaultLifetime)
	if err != nil {
		return nil, err
	}
	t := &tokens{
		token:   Token{Access: Secret(body.AccessToken), Expiry: asked.Add(lifetime)},
		refresh: Secret(body.RefreshToken),
		id:      Secret(body.IDToken),
	}
	if body.Scope != "" {
		t.token.Scopes = strings.Fields(body.Scope)
	}
	t.date, _ = http.ParseTime(a.header.Get("Date"))
	return t, nil
}

// parseSeconds reads a duration, which some servers send as a string; absent is
// what an absent one means.
func parseSeconds(raw json.RawMessage, absent time.Duration) (time.Duration, error) {
	s := strings.Trim(string(raw), `"`)
	if s == "" || s == "null" {
		return absent, nil
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || seconds > 10*365*24*3600 {
		return 0, errors.New("its expires_in or interval is not a number of seconds")
	}
	return time.Duration(seconds) * time.Second, nil
}

// complete turns the first token response of a sign-in into a Grant: it proves
// who signed in, and gets the tokens of the other resources. Nothing is returned
// for another account than Username.
func (c *Client) complete(ctx context.Context, stage Stage, first *tokens, nonce Secret) (*Grant, error) {
	if first.refresh == "" {
		return nil, &Error{Stage: stage, Username: c.Username, Err: errors.New("the provider gave no refresh token: " +
			"the app registration needs the permission offline_access (Google: access_type=offline and prompt=consent)")}
	}
	g := &Grant{RefreshToken: first.refresh, Tokens: map[string]Token{c.Resources[0].Name: first.token}, Missing: map[string]error{}}
	if c.Endpoints.Issuer != "" {
		var err error
		if g.Identity, err = c.identify(ctx, first, nonce); err != nil {
			return nil, err
		}
	}
	for _, r := range c.Resources[1:] {
		t, err := c.refresh(ctx, g.RefreshToken, r)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			g.Missing[r.Name] = err
			continue
		}
		g.Tokens[r.Name] = t.token
		g.RefreshToken = cmp.Or(t.refresh, g.RefreshToken)
	}
	return g, nil
}
