package authcode

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	deviceGrant     = "urn:ietf:params:oauth:grant-type:device_code"
	pollInterval    = 5 * time.Second // RFC 8628 §3.2, when the server names none
	slowDown        = 5 * time.Second // RFC 8628 §3.5
	maxPollInterval = time.Minute
	maxDeviceWait   = time.Hour
)

// DeviceCode is what the user needs to sign in on another device.
type DeviceCode struct {
	UserCode        string
	VerificationURI string // to open there, and type UserCode
	// VerificationURIComplete holds the code already; empty if the provider has none.
	VerificationURIComplete string
	Message                 string // the provider's own instruction, or empty
	Expiry                  time.Time
}

// Device signs in with the device authorization grant (RFC 8628). It calls show
// once, with what the user needs, and blocks until the user has signed in on
// another device, has declined, the code has expired, or ctx ends. Only the first
// resource is asked for; the others come by refresh, and are Missing without
// earlier consent. Entra wants "Allow public client flows" in the registration.
//
// Of opts only Claims counts. There is no nonce: the ID token comes straight from
// the token endpoint, in answer to a code that never left this process.
func (c *Client) Device(ctx context.Context, opts Options, show func(DeviceCode)) (*Grant, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := secureURL("device authorization URL", c.Endpoints.DeviceURL); err != nil {
		return nil, err
	}
	d, err := c.authorizeDevice(ctx, opts)
	if err != nil {
		return nil, ctxError(ctx, err)
	}
	show(d.public)
	first, err := c.poll(ctx, d)
	if err != nil {
		return nil, ctxError(ctx, err)
	}
	g, err := c.complete(ctx, StageDevice, first, "")
	if err != nil {
		return nil, ctxError(ctx, err)
	}
	return g, nil
}

// ctxError is ctx's cause if ctx has ended, else err.
func ctxError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

type deviceAuthorization struct {
	code     Secret
	public   DeviceCode
	interval time.Duration
}

func (c *Client) authorizeDevice(ctx context.Context, opts Options) (*deviceAuthorization, error) {
	form := url.Values{"scope": {c.scopeFor(c.Resources[0])}}
	if opts.Claims != "" {
		form.Set("claims", opts.Claims)
	}
	asked := c.now()
	var a *answer
	err := c.retry(ctx, func() (err error) {
		a, err = c.post(ctx, StageDevice, c.Endpoints.DeviceURL, form)
		return err
	})
	if err != nil {
		return nil, err
	}
	var body struct {
		DeviceCode   string          `json:"device_code"`
		UserCode     string          `json:"user_code"`
		URI          string          `json:"verification_uri"`
		URL          string          `json:"verification_url"` // Google's name for it
		URIComplete  string          `json:"verification_uri_complete"`
		Message      string          `json:"message"`
		ExpiresIn    json.RawMessage `json:"expires_in"`
		PollInterval json.RawMessage `json:"interval"`
	}
	err = json.Unmarshal(a.body, &body)
	uri := cmp.Or(body.URI, body.URL)
	if err != nil || body.DeviceCode == "" || body.UserCode == "" || uri == "" {
		return nil, c.deviceError(errors.New("the device endpoint's answer is not that of RFC 8628: it lacks a code or an address"))
	}
	// They are shown in a terminal and opened in a browser.
	for _, address := range []string{uri, body.URIComplete} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			return nil, c.deviceError(errors.New("the device endpoint's answer sends to an address that is not one of https"))
		}
	}
	if strings.ContainsFunc(body.UserCode+uri+body.URIComplete, unicode.IsControl) {
		return nil, c.deviceError(errors.New("the device endpoint's answer holds forbidden characters"))
	}
	message := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, body.Message)
	lifetime, err := parseSeconds(body.ExpiresIn, defaultLifetime)
	if err != nil {
		return nil, c.deviceError(err)
	}
	interval, err := parseSeconds(body.PollInterval, pollInterval)
	if err != nil {
		return nil, c.deviceError(err)
	}
	return &deviceAuthorization{
		code: Secret(body.DeviceCode),
		public: DeviceCode{UserCode: body.UserCode, VerificationURI: uri, VerificationURIComplete: body.URIComplete,
			Message: message, Expiry: asked.Add(min(lifetime, maxDeviceWait))},
		interval: min(max(interval, time.Second), maxPollInterval),
	}, nil
}

// poll asks the token endpoint until the user has decided. What fails on the way
// slows it down (RFC 8628 §3.5), and ends it only with the code.
func (c *Client) poll(ctx context.Context, d *deviceAuthorization) (*tokens, error) {
	for {
		if err := c.sleep(ctx, d.interval); err != nil {
			return nil, err
		}
		if !c.now().Before(d.public.Expiry) {
			return nil, &Error{Stage: StageDevice, Username: c.Username, Code: "expired_token",
				Description: "nobody signed in with the code before it expired"}
		}
		t, err := c.tokensOnce(ctx, StageDevice, c.Resources[0], url.Values{"grant_type": {deviceGrant}, "device_code": {d.code.Reveal()}})
		var e *Error
		switch {
		case err == nil || !errors.As(err, &e) || ctx.Err() != nil:
			return t, err
		case e.Code == "authorization_pending":
		case e.Code == "slow_down":
			d.interval += slowDown
		case e.Temporary():
			d.interval = max(min(2*d.interval, maxPollInterval), e.RetryAfter)
		default:
			return nil, err
		}
	}
}

func (c *Client) deviceError(err error) error {
	return &Error{Stage: StageDevice, Username: c.Username, Err: err}
}
