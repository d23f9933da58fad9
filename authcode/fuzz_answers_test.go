package authcode

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
)

// says is a network on which every request gets the same answer.
type says func(r *http.Request) (contentType string, body []byte)

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	kind, body := s(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func asking(answer says) *Client {
	return &Client{
		Endpoints:  Endpoints{AuthURL: "https://login.example/a", TokenURL: "https://login.example/t", DeviceURL: "https://login.example/d", JWKSURL: "https://login.example/k", Issuer: "https://login.example/{tenantid}/v2.0"},
		ClientID:   "app-1",
		Resources:  []Resource{{Name: "smtp", Scopes: []string{smtpScope}}},
		Username:   "svc@contoso.com",
		HTTPClient: &http.Client{Transport: answer},
		Now:        func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
		Sleep:      func(context.Context, time.Duration) error { return nil },
	}
}

// clean fails for what may not stand in a line of a log, or repeats the answer.
func clean(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || strings.ContainsAny(err.Error(), "\r\n\x00\x1b") || len(err.Error()) > 4000 {
		t.Errorf("%T: %q", err, err)
	}
}

// FuzzTokens is a token endpoint that answers anything: what becomes a token can
// stand in a line of SMTP and has an end, and no error repeats the answer.
func FuzzTokens(f *testing.F) {
	f.Add([]byte(`{"token_type":"Bearer","access_token":"EwB","expires_in":3599,"refresh_token":"1.A","scope":"a b","id_token":"x"}`))
	f.Add([]byte(`{"token_type":"bearer","access_token":"a","expires_in":"3599"}`))
	f.Add([]byte(`{"token_type":"Bearer","access_token":"a\r\nQUIT"}`))
	f.Add([]byte(`{"token_type":"Bearer","access_token":"a","expires_in":1e300}`))
	f.Add([]byte(`{"token_type":["Bearer"],"access_token":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := asking(func(*http.Request) (string, []byte) { return "application/json", body })
		got, err := c.refresh(t.Context(), "refresh-token-of-the-test", c.Resources[0])
		if err != nil {
			clean(t, err)
			if strings.Contains(err.Error(), "refresh-token-of-the-test") {
				t.Errorf("the error has the token: %v", err)
			}
			return
		}
		access := got.token.Access.Reveal()
		if access == "" || strings.ContainsFunc(access+got.refresh.Reveal(), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q became a token", body)
		}
		if lasts := got.token.Expiry.Sub(c.now()); lasts < 0 || lasts > 11*365*24*time.Hour {
			t.Errorf("%q lasts for %v", body, lasts)
		}
	})
}

// FuzzDeviceAuthorization is a device endpoint that answers anything.
func FuzzDeviceAuthorization(f *testing.F) {
	f.Add([]byte(`{"device_code":"d","user_code":"ABCD","verification_uri":"https://login.example/device","expires_in":900,"interval":5,"message":"m"}`))
	f.Add([]byte(`{"device_code":"d","user_code":"A","verification_url":"x","expires_in":"1e9","interval":-1}`))
	f.Add([]byte(`{"device_code":"d","user_code":"\u001b[2J","verification_uri":"javascript:1"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := asking(func(*http.Request) (string, []byte) { return "application/json", body })
		d, err := c.authorizeDevice(t.Context(), Options{})
		if err != nil {
			clean(t, err)
			return
		}
		if d.code == "" || d.public.UserCode == "" || d.public.VerificationURI == "" || d.interval < time.Second || d.interval > maxPollInterval ||
			!d.public.Expiry.After(c.now().Add(-time.Second)) || d.public.Expiry.After(c.now().Add(maxDeviceWait)) {
			t.Errorf("%q became %+v", body, d.public)
		}
		for _, shown := range []string{d.public.UserCode, d.public.VerificationURI, d.public.VerificationURIComplete, d.public.Message} {
			if strings.ContainsFunc(shown, unicode.IsControl) {
				t.Errorf("%q would reach the terminal", shown)
			}
		}
		if u := d.public.VerificationURI; !strings.HasPrefix(strings.ToLower(u), "https://") {
			t.Errorf("%q would be opened", u)
		}
	})
}

// FuzzIDToken is an ID token of any form, and keys of any form that it is
// verified with: nobody is signed in by one that the provider's key has not
// signed.
func FuzzIDToken(f *testing.F) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: signingKey(), KeyID: "k"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	jws, err := signer.Sign([]byte(`{"iss":"https://login.example/` + testTenant + `/v2.0","aud":"app-1","sub":"s","exp":1795262400,"iat":1795176000,"tid":"` + testTenant + `","preferred_username":"svc@contoso.com","nonce":"n"}`))
	if err != nil {
		f.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		f.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signingKey().Public(), KeyID: "other", Algorithm: "RS256", Use: "sig"}}})
	if err != nil {
		f.Fatal(err)
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	parts := strings.Split(token, ".")
	f.Add(token, keys)
	f.Add(none+"."+parts[1]+".", []byte(`{"keys":[]}`))
	f.Add(token, []byte(`{"keys":[{"kty":"oct","k":"AAAA","kid":"k"},{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"k"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add(parts[0]+"."+parts[1]+".AAAA", []byte(`{"keys":[{"issuer":1},null,"x"]}`))
	own := sha256.Sum256([]byte(token))
	f.Fuzz(func(t *testing.T, raw string, keys []byte) {
		c := asking(func(*http.Request) (string, []byte) { return "application/json", keys })
		id, err := c.identify(t.Context(), &tokens{id: Secret(raw)}, "n")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		// The keys are the fuzzer's, so it may sign; but then with a key that is in them.
		if !bytes.Contains(keys, []byte(`"kty"`)) || sha256.Sum256([]byte(raw)) == own && bytes.Contains(keys, []byte(`"other"`)) && !bytes.Contains(keys, []byte(`"k"`)) {
			t.Errorf("%q is signed in by %q with %q", id.Username, raw, keys)
		}
	})
}
