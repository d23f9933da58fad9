package authcode

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// clockLeeway is how far this computer's clock may be off.
const clockLeeway = 5 * time.Minute

// signingAlgorithms are the asymmetric ones: with a shared-key algorithm a
// published key would pass for a secret one.
var signingAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512,
	jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

const tenantPlaceholder = "{tenantid}"

var tenantPattern = regexp.MustCompile(`^[0-9A-Fa-f-]{36}$`)

// idClaims are the claims that go-oidc does not read, and those that tell about clocks.
type idClaims struct {
	PreferredUsername string  `json:"preferred_username"`
	UPN               string  `json:"upn"`
	Email             string  `json:"email"`
	Name              string  `json:"name"`
	TenantID          string  `json:"tid"`
	ObjectID          string  `json:"oid"`
	IssuedAt          float64 `json:"iat"`
	NotBefore         float64 `json:"nbf"`
	Expires           float64 `json:"exp"`
}

// identify verifies the ID token of a token response and compares the account.
// nonce is "" where the flow has none.
func (c *Client) identify(ctx context.Context, t *tokens, nonce Secret) (Identity, error) {
	id, claims, err := c.verify(ctx, t, nonce)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return Identity{}, e // the keys could not be fetched
		}
		return Identity{}, &Error{Stage: StageIdentity, Username: c.Username, Err: err}
	}
	names := slices.DeleteFunc([]string{claims.PreferredUsername, claims.UPN, claims.Email}, func(s string) bool { return s == "" })
	if len(names) == 0 {
		return Identity{}, &Error{Stage: StageIdentity, Username: c.Username, Err: errors.New("the ID token names no account: the scope profile is missing (Google: email)")}
	}
	// email does not count where Entra names the account otherwise: there it is
	// whatever an administrator typed.
	same := func(name string) bool { return strings.EqualFold(name, strings.TrimSpace(c.Username)) }
	if c.Username != "" && !same(names[0]) && !same(claims.UPN) {
		return Identity{}, &WrongAccountError{SignedInAs: names[0], Username: c.Username}
	}
	return Identity{Username: names[0], Name: claims.Name, TenantID: claims.TenantID, ObjectID: claims.ObjectID,
		Subject: id.Subject, Issuer: id.Issuer}, nil
}

// verify checks signature, issuer, audience, times and nonce.
func (c *Client) verify(ctx context.Context, t *tokens, nonce Secret) (*oidc.IDToken, *idClaims, error) {
	if t.id == "" {
		return nil, nil, errors.New("the provider gave no ID token: the scope openid is missing in the app registration")
	}
	// What an unverified token says picks the issuer to expect and explains a
	// wrong clock; go-oidc then verifies the same bytes.
	var claims idClaims
	jws, err := jose.ParseSignedCompact(t.id.Reveal(), signingAlgorithms)
	if err != nil || json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims) != nil {
		return nil, nil, errors.New("the ID token is not one that is signed with a public key")
	}
	issuer := c.Endpoints.Issuer
	if strings.Contains(issuer, tenantPlaceholder) {
		if !tenantPattern.MatchString(claims.TenantID) {
			return nil, nil, errors.New("the ID token names no tenant (tid)")
		}
		issuer = strings.ReplaceAll(issuer, tenantPlaceholder, claims.TenantID)
	}
	keys, err := c.signingKeys(ctx, issuer)
	if err != nil {
		return nil, nil, err
	}
	verifier := oidc.NewVerifier(issuer, keys, &oidc.Config{ClientID: c.ClientID, Now: c.now, SupportedSigningAlgs: algorithmNames()})
	id, err := verifier.Verify(ctx, t.id.Reveal())
	if clock := c.clockError(&claims, t.date); clock != nil {
		return nil, nil, clock
	}
	if err != nil {
		return nil, nil, err
	}
	if nonce != "" && subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return nil, nil, errors.New("the ID token belongs to another sign-in (its nonce differs)")
	}
	return id, &claims, nil
}

func algorithmNames() []string {
	names := make([]string, len(signingAlgorithms))
	for i, a := range signingAlgorithms {
		names[i] = string(a)
	}
	return names
}

// clockError is not nil when an ID token fresh from the server lies outside its
// times because this computer's clock is off. The server's clock is the Date of
// its answer, or else the time of issue.
func (c *Client) clockError(claims *idClaims, date time.Time) error {
	now := c.now()
	at := func(seconds float64) time.Time { return time.Unix(int64(seconds), 0) }
	early := now.Add(clockLeeway).Before(at(max(claims.IssuedAt, claims.NotBefore)))
	late := now.After(at(claims.Expires))
	if date.IsZero() && claims.IssuedAt > 0 {
		date = at(claims.IssuedAt)
	}
	off := now.Sub(date).Round(time.Second)
	if !early && !late || date.IsZero() || off.Abs() <= clockLeeway {
		return nil
	}
	wrong := "this computer's clock is wrong: it is %v ahead of the provider's (here %s, there %s); set the clock, then sign in again"
	if off < 0 {
		wrong = "this computer's clock is wrong: it is %v behind the provider's (here %s, there %s); set the clock, then sign in again"
	}
	return fmt.Errorf(wrong, off.Abs(), now.UTC().Format(time.RFC3339), date.UTC().Format(time.RFC3339))
}

// keySet are the keys of one issuer; it is an oidc.KeySet. go-oidc's own remote
// set is for servers: it reads answers of any size, in goroutines that nobody
// waits for, and keeps keys, of which one sign-in in three months has no need.
type keySet []jose.JSONWebKey

// VerifySignature returns the payload when one of the keys has signed it.
func (s keySet) VerifySignature(_ context.Context, jwt string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(jwt, signingAlgorithms)
	if err != nil {
		return nil, err
	}
	for _, k := range s {
		if id := jws.Signatures[0].Header.KeyID; id != "" && id != k.KeyID {
			continue
		}
		if payload, err := jws.Verify(k); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("no key that the provider publishes has signed the ID token")
}

// signingKeys fetches the keys that may sign for issuer. At Entra's multi-tenant
// authorities a key can be bound to one issuer, by a member of that name.
func (c *Client) signingKeys(ctx context.Context, issuer string) (keySet, error) {
	var a *answer
	err := c.retry(ctx, func() (err error) {
		a, err = c.request(ctx, StageIdentity, c.Endpoints.JWKSURL, nil)
		if err == nil && a.status != http.StatusOK {
			err = &Error{Stage: StageIdentity, Username: c.Username, HTTPStatus: a.status, RetryAfter: retryAfter(a.header, c.now()),
				Err: errors.New("the provider's signing keys cannot be had")}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(a.body, &set) != nil {
		return nil, errors.New("the provider's signing keys are not a JSON Web Key Set")
	}
	var keys keySet
	for _, raw := range set.Keys {
		var bound struct {
			Issuer string `json:"issuer"`
		}
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || json.Unmarshal(raw, &bound) != nil {
			continue // RFC 7517 §5: keys of unknown kinds are skipped
		}
		if !key.IsPublic() || bound.Issuer != "" && !issuerMatches(bound.Issuer, issuer) {
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// issuerMatches reports whether issuer is the one of template, which may leave
// the tenant open.
func issuerMatches(template, issuer string) bool {
	before, after, open := strings.Cut(template, tenantPlaceholder)
	if !open {
		return template == issuer
	}
	tenant, ok := strings.CutPrefix(issuer, before)
	if !ok {
		return false
	}
	tenant, ok = strings.CutSuffix(tenant, after)
	return ok && tenantPattern.MatchString(tenant)
}
