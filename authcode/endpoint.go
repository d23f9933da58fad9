package authcode

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxAnswer      = 1 << 20          // bytes of an answer; a large token is 10 KiB
	requestTimeout = 30 * time.Second // for one request
	attempts       = 4                // of a request that fails temporarily
	firstPause     = time.Second      // doubled after each attempt
	maxPause       = 30 * time.Second // a longer Retry-After is the caller's to wait
)

// answer is a JSON answer of the provider, whatever its status.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request sends one request, a form with POST or a GET without one, and returns
// an answer only when it is JSON. Other failures are an *Error.
//
// The golang.org/x/oauth2 client is not used for this: it drops what callers
// need here (claims, suberror, Retry-After, the Date that tells whether our
// clock is right), follows redirects with the form, and tries the client secret
// both ways, which costs a request and confuses the error. Its PKCE helper is used.
func (c *Client) request(ctx context.Context, stage Stage, address string, form url.Values) (*answer, error) {
	fail := func(resp *http.Response, err error) error {
		e := &Error{Stage: stage, Username: c.Username, Err: err}
		if resp != nil {
			e.HTTPStatus, e.RetryAfter = resp.StatusCode, retryAfter(resp.Header, c.now())
		}
		return e
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	method, payload := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, payload = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, payload)
	if err != nil {
		return nil, fail(nil, err)
	}
	req.Header.Set("Accept", "application/json")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	// A 307 would repeat the form, secrets included, to wherever it points.
	client := *cmp.Or(c.HTTPClient, http.DefaultClient)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return nil, fail(nil, c.explain(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fail(nil, &url.Error{Op: "Read", URL: address, Err: err})
	case len(body) > maxAnswer:
		return nil, fail(resp, fmt.Errorf("%s answered more than %d bytes", req.URL.Host, maxAnswer))
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "application/json" &&
		!(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return nil, fail(resp, fmt.Errorf("%s answered %s instead of JSON: %w; a proxy, a firewall or the login page of a network may stand in between, or the address is wrong",
			req.URL.Host, cmp.Or(kind, "no content type"), errNotJSON))
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// explain adds to a transport error what its text leaves to guess.
func (c *Client) explain(err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w; this computer's clock says %s: if that is wrong, set it", err, c.now().Format(time.RFC1123))
	case errors.As(err, &unknown):
		return fmt.Errorf("%w; if a proxy inspects TLS here, its root certificate must be installed on this computer", err)
	}
	return err
}

// post sends a form to a token or device endpoint and returns the body of a
// success. With the client ID goes the client's assertion (RFC 7523 §2.2) or its
// secret, if there is one, in the form (RFC 6749 §2.3.1), which all providers of
// mail accept.
func (c *Client) post(ctx context.Context, stage Stage, address string, form url.Values) (*answer, error) {
	form.Set("client_id", c.ClientID)
	switch {
	case c.Assertion != nil:
		assertion, err := c.Assertion()
		if err != nil {
			return nil, &Error{Stage: stage, Username: c.Username, Err: err}
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion.Reveal())
	case c.ClientSecret != "":
		form.Set("client_secret", c.ClientSecret.Reveal())
	}
	a, err := c.request(ctx, stage, address, form)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusOK {
		return a, nil
	}
	e, ok := parseRefusal(a.body)
	if !ok {
		e = &Error{Err: fmt.Errorf("the token endpoint answered JSON without an OAuth error")}
	}
	e.Stage, e.Username, e.HTTPStatus, e.RetryAfter = stage, c.Username, a.status, retryAfter(a.header, c.now())
	e.withhold(form)
	return nil, e
}

// withhold takes secrets of the request out of the server's text, should it
// repeat them.
func (e *Error) withhold(form url.Values) {
	for _, name := range []string{"client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "device_code"} {
		if v := form.Get(name); v != "" {
			for _, s := range []*string{&e.Description, &e.Code, &e.Subcode, &e.Claims} {
				*s = strings.ReplaceAll(*s, v, redacted)
			}
		}
	}
}

// retry calls op until it succeeds or fails for good, pausing as long as the
// server asks, else 1, 2 and 4 s and up to a quarter more, so that machines that
// were cut off together do not come back together.
func (c *Client) retry(ctx context.Context, op func() error) error {
	for pause, n := firstPause, 1; ; pause, n = pause*2, n+1 {
		err := op()
		var e *Error
		if err == nil || !errors.As(err, &e) || !e.Temporary() || n == attempts || ctx.Err() != nil {
			return err
		}
		wait := max(pause+rand.N(pause/4), e.RetryAfter)
		if wait > maxPause || c.sleep(ctx, wait) != nil {
			return err
		}
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
