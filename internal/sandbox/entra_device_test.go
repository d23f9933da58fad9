package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

type deviceReply struct {
	UserCode        string `json:"user_code"`
	DeviceCode      string `json:"device_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int    `json:"expires_in"`
	Interval        int    `json:"interval"`
	Message         string `json:"message"`
}

// device asks for a device code.
func (b *bench) device(clientID string) (d deviceReply) {
	b.Helper()
	v := b.post(b.browser(), b.DeviceURL, url.Values{"client_id": {clientID}, "scope": {"openid profile offline_access " + smtpScope}}, nil)
	if err := json.Unmarshal([]byte(v.body), &d); err != nil || v.status != http.StatusOK {
		b.Fatalf("%d %s", v.status, v.body)
	}
	return d
}

// poll asks once whether the person is done.
func (b *bench) poll(d deviceReply) tokenAnswer {
	b.Helper()
	return b.token(url.Values{"grant_type": {deviceGrant}, "client_id": {desktopAppID}, "device_code": {d.DeviceCode}}, nil)
}

func TestADeviceWaitsForThePersonAndGetsItsTokensOnce(t *testing.T) {
	b := newBench(t, "default")
	d := b.device(desktopAppID)
	if d.ExpiresIn != 900 || d.Interval != 5 || d.VerificationURI != b.DevicePage || !strings.Contains(d.Message, d.UserCode) {
		t.Errorf("%+v", d)
	}
	b.poll(d).refused(t, 400, "authorization_pending", 70016)
	b.poll(d).refused(t, 400, "slow_down", 70016)
	b.clock.add(5 * time.Second)
	b.poll(d).refused(t, 400, "authorization_pending", 70016)
	p := Person{Username: "svc@contoso.com", Password: "svc-password-1", UserCode: strings.ToLower(d.UserCode), Client: b.browser()}
	said, err := p.Visit(context.Background(), d.VerificationURI)
	if err != nil || !strings.Contains(said, "You signed in to traymail (desktop) on your device") {
		t.Fatalf("%q %v", said, err)
	}
	a := b.poll(d)
	if a.status != http.StatusOK || a.AccessToken == "" || a.RefreshToken == "" || a.IDToken == "" {
		t.Fatal(a.Description)
	}
	if again := b.refresh(a.RefreshToken); again.status != http.StatusOK {
		t.Error(again.Description)
	}
	b.poll(d).refused(t, 400, "invalid_grant", 54005)
	if _, err := p.Visit(context.Background(), d.VerificationURI); err == nil || !strings.Contains(err.Error(), "AADSTS70018") {
		t.Errorf("a code that was used: %v", err)
	}
}

func TestADeviceHearsThatThePersonDeclined(t *testing.T) {
	b := newBench(t, "default")
	d := b.device(desktopAppID)
	c := b.browser()
	v := b.submit(c, b.get(c, b.DevicePage), "user_code", d.UserCode)
	b.cancel(c, v).says(t, "Sign-in cancelled")
	b.poll(d).refused(t, 400, "authorization_declined", 65004)
	b.submit(c, b.get(c, b.DevicePage), "user_code", d.UserCode).says(t, "AADSTS70018") // no second thoughts
}

func TestSingleSignOnDoesNotApproveADevice(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	b.walk(c, b.authorizeURL())
	d := b.device(desktopAppID)
	b.submit(c, b.get(c, b.DevicePage), "user_code", d.UserCode).says(t, "Email or phone")
}

func TestADeviceCodeExpires(t *testing.T) {
	b := newBench(t, "default")
	d := b.device(desktopAppID)
	b.clock.add(deviceLifetime)
	b.poll(d).refused(t, 400, "expired_token", 70019)
	c := b.browser()
	b.submit(c, b.get(c, b.DevicePage), "user_code", d.UserCode).says(t, "AADSTS70018")
}

func TestDeviceCodeRequestsThatAreRefused(t *testing.T) {
	b := newBench(t, "default")
	for name, test := range map[string]struct{ clientID, scope, want string }{
		"no client":      {"", smtpScope, "AADSTS900144"},
		"unknown client": {"nobody", smtpScope, "AADSTS700016"},
		"no scope":       {desktopAppID, "", "AADSTS900144"},
		"a bad scope":    {desktopAppID, "https://outlook.office.com/SMTP.SendAsApp", "AADSTS70011"},
		"two resources":  {desktopAppID, bothScopes, "AADSTS28000"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.post(b.browser(), b.DeviceURL, url.Values{"client_id": {test.clientID}, "scope": {test.scope}}, nil)
			if v.status != 400 || !strings.Contains(v.body, test.want) {
				t.Errorf("%d %s", v.status, v.body)
			}
		})
	}
	b.poll(deviceReply{DeviceCode: "x"}).refused(t, 400, "bad_verification_code", 70018)
	b.poll(deviceReply{}).refused(t, 400, "invalid_request", 900144)
	d := b.device(desktopAppID)
	b.token(url.Values{"grant_type": {deviceGrant}, "client_id": {spaAppID}, "device_code": {d.DeviceCode}}, nil).
		refused(t, 400, "bad_verification_code", 70018)
}

func TestADeviceOfARegistrationWithoutPublicFlowsNeedsTheSecret(t *testing.T) {
	b := newBench(t, "default")
	d := b.device(webAppID)
	p := Person{Username: "svc@contoso.com", Password: "svc-password-1", UserCode: d.UserCode, Client: b.browser()}
	if _, err := p.Visit(context.Background(), d.VerificationURI); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {deviceGrant}, "client_id": {webAppID}, "device_code": {d.DeviceCode}}
	b.token(form, nil).refused(t, 401, "invalid_client", 7000218)
	form.Set("client_secret", b.Tenant().app(webAppID).Secret)
	if a := b.token(form, nil); a.status != http.StatusOK {
		t.Error(a.Description)
	}
}
