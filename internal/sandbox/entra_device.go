package sandbox

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

// A deviceRequest is a program that waits for somebody to enter its code in a
// browser elsewhere (RFC 8628).
type deviceRequest struct {
	userCode string
	request  authorizeRequest
	expires  time.Time
	lastPoll time.Time
	approved *grant
	declined bool
	redeemed bool
}

const (
	deviceLifetime = 15 * time.Minute
	deviceInterval = 5 * time.Second
)

// deviceCode is the devicecode endpoint.
func (e *entra) deviceCode(r *http.Request) answer {
	reply, refused := e.newDevice(r)
	if refused != nil {
		return newIncident(refused, e.now(), r).answer()
	}
	return jsonAnswer(http.StatusOK, reply)
}

func (e *entra) newDevice(r *http.Request) (any, *refusal) {
	if r.Method != http.MethodPost {
		return nil, refuse("invalid_request", 900561, "The endpoint only accepts POST requests. Received a %s request.", r.Method)
	}
	if name := duplicated(r.PostForm); name != "" {
		return nil, parameterTwice(name)
	}
	clientID, _ := clientCredentials(r)
	if clientID == "" {
		return nil, parameterMissing("client_id")
	}
	segment := r.PathValue("tenant")
	app, refused := e.checkApp(segment, clientID)
	if refused != nil {
		return nil, refused
	}
	if strings.TrimSpace(r.PostForm.Get("scope")) == "" {
		return nil, parameterMissing("scope")
	}
	scopes, refused := e.tenant.Provider.parseScopes(r.PostForm.Get("scope"), app)
	if refused != nil {
		return nil, refused
	}
	if len(scopes.resources()) > 1 { // no later leg could choose one of them
		return nil, severalResources(r.PostForm.Get("scope"))
	}
	now := e.now()
	platform := Web // a secret is needed, unless public flows are allowed
	if app.AllowPublicFlows {
		platform = PublicClient
	}
	d := &deviceRequest{
		userCode: userCode(), expires: now.Add(deviceLifetime),
		request: authorizeRequest{app: app, tenant: segment, platform: platform, scopes: scopes},
	}
	code := randomName()
	// It stays longer than it is good, so that a late client hears why.
	e.devices.put(code, d, now, now.Add(4*deviceLifetime))
	page := e.at(r) + "/devicelogin"
	return struct {
		UserCode        string `json:"user_code"`
		DeviceCode      string `json:"device_code"`
		VerificationURI string `json:"verification_uri"`
		ExpiresIn       int    `json:"expires_in"`
		Interval        int    `json:"interval"`
		Message         string `json:"message"`
	}{d.userCode, code, page, int(deviceLifetime / time.Second), int(deviceInterval / time.Second),
		"To sign in, use a web browser to open the page " + page + " and enter the code " + d.userCode + " to authenticate."}, nil
}

// userCode is nine letters and digits that cannot be mistaken for one another.
func userCode() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" // 32 of them: no bias
	var b [9]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

// deviceLogin is the page where a person enters the code.
func (e *entra) deviceLogin(r *http.Request) answer {
	typed := strings.ToUpper(strings.TrimSpace(r.Form.Get("user_code")))
	p := page{Title: "Enter code", Account: typed}
	if r.Method != http.MethodPost {
		return render(http.StatusOK, "device", p)
	}
	now := e.now()
	for _, item := range e.devices.items {
		d := item.value
		if d.userCode != typed || d.approved != nil || d.declined || !now.Before(d.expires) {
			continue
		}
		// Always from the start: single sign-on would let a stranger's code in
		// with one click.
		f := &signIn{id: randomName(), request: d.request, device: d}
		e.signIns.put(f.id, f, now, now.Add(signInLifetime))
		return e.proceed(r, f)
	}
	i := newIncident(refuse("invalid_request", 70018, "Invalid verification code: no device waits for it, or it has expired."), now, r)
	p.Alert = &alert{"That code didn’t work. Check the code and try again.", i.headline()}
	return render(http.StatusOK, "device", p)
}

// approveDevice ends a walk well for a device.
func (e *entra) approveDevice(f *signIn) answer {
	now := e.now()
	f.device.approved = &grant{
		clientID: f.request.app.ClientID, upn: f.upn, tenant: f.request.tenant, platform: f.request.platform,
		scopes: f.request.scopes, mfa: f.mfa, issued: now, began: now,
	}
	return messagePage("You have signed in",
		"You signed in to "+f.request.app.Name+" on your device. You can close this page.")
}

// redeemDevice is the device code's grant type: the program asks whether the
// person is done.
func (e *entra) redeemDevice(r *http.Request, app *App, secret string) (*grant, scopeSet, *refusal) {
	code := r.PostForm.Get("device_code")
	if code == "" {
		return nil, scopeSet{}, parameterMissing("device_code")
	}
	now := e.now()
	d, ok := e.devices.get(code, now)
	if !ok || !strings.EqualFold(d.request.app.ClientID, app.ClientID) {
		return nil, scopeSet{}, refuse("bad_verification_code", 70018, "Invalid verification code: the device code is not one that was issued to this application.")
	}
	tooFast := !d.lastPoll.IsZero() && now.Before(d.lastPoll.Add(deviceInterval-time.Second))
	d.lastPoll = now
	switch {
	case d.redeemed:
		return nil, scopeSet{}, refuse("invalid_grant", 54005, "OAuth2 device code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case d.declined:
		return nil, scopeSet{}, refuse("authorization_declined", 65004, "User declined to consent to access the app.")
	case !now.Before(d.expires):
		return nil, scopeSet{}, refuse("expired_token", 70019, "Verification code expired.")
	case d.approved == nil && tooFast:
		return nil, scopeSet{}, refuse("slow_down", 70016, "OAuth 2.0 device flow error. The polling is faster than the interval of %d seconds.", deviceInterval/time.Second)
	case d.approved == nil:
		return nil, scopeSet{}, refuse("authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	if refused := e.checkClient(r, app, d.approved.platform, secret); refused != nil {
		return nil, scopeSet{}, refused
	}
	d.redeemed = true
	return d.approved, d.request.scopes, nil
}
