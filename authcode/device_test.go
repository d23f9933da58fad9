package authcode

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// deviceAnswer is what the device endpoint says.
func deviceAnswer(over map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		b := map[string]any{"device_code": "dev-1", "user_code": "ABCD-EFGH", "verification_uri": "https://login.example/device",
			"expires_in": 900, "interval": 5, "message": "To sign in, …"}
		for k, v := range over {
			b[k] = v
		}
		reply(w, 200, b)
	}
}

func TestTheDeviceCodeIsPolledAsRFC8628Says(t *testing.T) {
	p := newProvider(t)
	pending := refuse(400, "authorization_pending")
	p.next(deviceAnswer(nil), pending, refuse(400, "slow_down"), pending, body(502, "text/html", "x"), p.yes, p.yes)
	c := p.client()
	var pauses []time.Duration
	c.Sleep = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	var shown []DeviceCode
	g, err := c.Device(t.Context(), Options{Claims: `{"a":1}`}, func(d DeviceCode) { shown = append(shown, d) })
	if err != nil {
		t.Fatal(err)
	}
	if len(shown) != 1 || shown[0].UserCode != "ABCD-EFGH" || shown[0].VerificationURI != "https://login.example/device" || shown[0].Message == "" {
		t.Errorf("shown %+v", shown)
	}
	if want := []time.Duration{5e9, 5e9, 10e9, 10e9, 20e9}; !slices.Equal(pauses, want) {
		t.Errorf("paused %v, want %v", pauses, want)
	}
	asked := p.asked()
	if first := (url.Values{"client_id": {"app-1"}, "scope": {"openid profile offline_access " + smtpScope}, "claims": {`{"a":1}`}}); asked[0].Encode() != first.Encode() {
		t.Errorf("asked for %v", asked[0])
	}
	if poll := (url.Values{"client_id": {"app-1"}, "grant_type": {deviceGrant}, "device_code": {"dev-1"}}); asked[1].Encode() != poll.Encode() {
		t.Errorf("polled with %v", asked[1])
	}
	if g.Identity.ObjectID != "oid-1" || g.Tokens["smtp"].Access == "" || g.Tokens["graph"].Access == "" || g.RefreshToken == "" {
		t.Errorf("got %+v", g)
	}
}

func TestADeviceCodeThatLeadsNowhereSaysWhy(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers []http.HandlerFunc
		code    string
		again   bool
		want    string
	}{
		{"declined at Entra", []http.HandlerFunc{deviceAnswer(nil), refuse(400, "authorization_declined")}, "authorization_declined", false, "authorization_declined"},
		{"declined elsewhere", []http.HandlerFunc{deviceAnswer(nil), refuse(400, "access_denied")}, "access_denied", false, "access_denied"},
		{"expired at the server", []http.HandlerFunc{deviceAnswer(nil), refuse(400, "expired_token")}, "expired_token", true, "sign in again"},
		{"public flows are off", []http.HandlerFunc{deviceAnswer(nil), refuse(401, "invalid_client", "error_description", "AADSTS7000218: x")}, "invalid_client", false, "AADSTS7000218"},
		{"unknown to the device endpoint", []http.HandlerFunc{refuse(400, "unauthorized_client")}, "unauthorized_client", false, "unauthorized_client"},
		{"an answer without a code", []http.HandlerFunc{deviceAnswer(map[string]any{"user_code": ""})}, "", false, "RFC 8628"},
		{"an answer whose lifetime is none", []http.HandlerFunc{deviceAnswer(map[string]any{"expires_in": "x"})}, "", false, "expires_in"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newProvider(t)
			p.next(tc.answers...)
			_, err := p.client().Device(t.Context(), Options{}, func(DeviceCode) {})
			var e *Error
			if !errors.As(err, &e) || e.Stage != StageDevice || e.Code != tc.code || e.SignInAgain() != tc.again || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestADeviceCodeExpiresByOurClockToo(t *testing.T) {
	p := newProvider(t)
	p.next(deviceAnswer(map[string]any{"interval": nil, "expires_in": 12}))
	c := p.client()
	now := time.Now()
	c.Now = func() time.Time { return now }
	c.Sleep = func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
	p.next(refuse(400, "authorization_pending"), refuse(400, "authorization_pending"))
	_, err := c.Device(t.Context(), Options{}, func(DeviceCode) {})
	var e *Error
	if !errors.As(err, &e) || e.Code != "expired_token" || len(p.asked()) != 3 {
		t.Errorf("got %v after %d requests", err, len(p.asked()))
	}
}

func TestCancellingEndsTheDeviceSignIn(t *testing.T) {
	p := newProvider(t)
	p.next(deviceAnswer(nil))
	c := p.client()
	c.Sleep = nil // the real one
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the user gave up")
	if _, err := c.Device(ctx, Options{}, func(DeviceCode) { cancel(gone) }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestTheDeviceSignInChecksTheAccountToo(t *testing.T) {
	p := newProvider(t)
	p.next(deviceAnswer(nil))
	p.claims["preferred_username"] = "admin@contoso.com"
	_, err := p.client().Device(t.Context(), Options{}, func(DeviceCode) {})
	if !errors.As(err, new(*WrongAccountError)) {
		t.Errorf("got %v", err)
	}
}
