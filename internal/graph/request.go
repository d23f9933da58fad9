package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

const (
	maxRequest  = 4 << 20 // a request's body; a longer one is answered 413
	maxAnswer   = 1 << 20
	maxPatience = 10 * time.Second // for a Retry-After that is waited for here
)

// A request is one that may be made again.
type request struct {
	op, method, url string
	contentType     string
	length          int64
	body            func() (io.ReadCloser, error) // nil: none
	contentRange    string
	anonymous       bool // the address is secret and says who asks, as upload sessions have it
	want            int  // the status of success, 0 for any 2xx
	once            bool // sends a message: an unanswered one may have been carried out
}

// An answer is Graph's to one request.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	requestID string
}

// A dialog is the requests made for one purpose. It is for one goroutine.
type dialog struct {
	c        *Client
	requests int
}

// do makes a request: once more with a fresh token after a 401, and once more
// when Graph wants a short pause. The error is an *Error, or ctx's cause if ctx
// was done before.
func (d *dialog) do(ctx context.Context, q *request) (*answer, error) {
	if !strings.HasPrefix(q.url, "https://") {
		return nil, &Error{Op: q.op, Host: q.host(), Err: errPlain}
	}
	refused, waited := "", false
	for {
		token := ""
		if !q.anonymous {
			var err error
			if token, err = d.c.Token(ctx, refused); err != nil {
				return nil, &Error{Op: OpToken, Err: err}
			}
		}
		a, err := d.attempt(ctx, q, token)
		if err != nil {
			return nil, err
		}
		if a.status == q.want || q.want == 0 && a.status/100 == 2 {
			return a, nil
		}
		if a.status == http.StatusUnauthorized && token != "" && refused == "" {
			refused = token
			continue
		}
		e := d.refusal(q, a, token)
		if e.Throttled() && !waited && e.RetryAfter > 0 && e.RetryAfter <= maxPatience {
			waited = true
			if d.c.sleep(ctx, e.RetryAfter) == nil {
				continue
			}
		}
		return nil, e
	}
}

var errPlain = errors.New("the address does not begin with https://, and a token must not go out in the clear")

// attempt makes the request once.
func (d *dialog) attempt(ctx context.Context, q *request, token string) (*answer, error) {
	select {
	case <-d.c.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case d.c.slots <- struct{}{}:
		defer func() { <-d.c.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-d.c.closed:
		return nil, ErrClosed
	}
	d.requests++
	inTime, end := context.WithCancelCause(ctx)
	defer end(nil)
	w := d.c.watch(q, end)
	defer w.stop()
	r, err := q.build(inTime, w)
	if err != nil {
		return nil, d.failure(q, err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := d.c.http.Do(r)
	if err != nil {
		if inTime.Err() != nil {
			err = context.Cause(inTime)
		}
		e := d.failure(q, err)
		e.Unknown = q.once && w.delivered() && e.Op != OpRead
		return nil, e
	}
	defer resp.Body.Close()
	w.answered()
	// A body that breaks off explains less, and the status stands.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body}
	for _, h := range []string{"request-id", "x-ms-request-id", "client-request-id"} {
		if a.requestID == "" {
			a.requestID = clip(resp.Header.Get(h), 100)
		}
	}
	return a, nil
}

func (q *request) build(ctx context.Context, w *watchdog) (*http.Request, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: w.wroteHeader}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), q.method, q.url, http.NoBody)
	if err != nil {
		return nil, errors.New("its address is not valid")
	}
	r.Header.Set("Accept", "application/json")
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	if q.contentRange != "" {
		r.Header.Set("Content-Range", q.contentRange)
	}
	if q.length == 0 {
		return r, nil
	}
	open := func() (io.ReadCloser, error) {
		b, err := q.body()
		if err != nil {
			return nil, err
		}
		w.opened()
		return &watched{b, w}, nil
	}
	if r.Body, err = open(); err != nil {
		return nil, err
	}
	// So that a request that met a connection's end is made on another one, which
	// the transport does only if nothing of it was sent.
	r.GetBody = open
	r.ContentLength = q.length
	return r, nil
}

// watched tells a watchdog how a body comes forward.
type watched struct {
	io.ReadCloser
	dog *watchdog
}

func (w *watched) Read(p []byte) (int, error) {
	// In small pieces: that one was taken is all that is seen of a slow network.
	n, err := w.ReadCloser.Read(p[:min(len(p), 4<<10)])
	w.dog.took(n)
	return n, err
}

// failure is the error of a request without an answer. The address is left out:
// that of an upload session is a secret.
func (d *dialog) failure(q *request, err error) *Error {
	var read *Error
	if errors.As(err, &read) {
		return read
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &Error{Op: q.op, Host: q.host(), Err: err}
}

func (q *request) host() string {
	u, err := url.Parse(q.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// refusal is the error that an answer is which is not the one wanted.
func (d *dialog) refusal(q *request, a *answer, token string) *Error {
	e := &Error{Op: q.op, Host: q.host(), Status: a.status, RequestID: a.requestID, RetryAfter: d.retryAfter(a.header)}
	isGraph := e.parse(a.body)
	if token != "" {
		e.Message = strings.ReplaceAll(e.Message, token, "…")
	}
	switch {
	case a.status/100 == 2:
		e.Err = fmt.Errorf("success is %d %s, so something in between may have answered, such as a proxy", q.want, http.StatusText(q.want))
		e.Unknown = q.once
	case a.status/100 == 3:
		e.Err = errors.New("it redirects without saying where to: Graph does not do that, a proxy or a sign-in page of the network does")
		if u, err := url.Parse(a.header.Get("Location")); err == nil && u.Host != "" {
			e.Err = fmt.Errorf("it redirects to %s, which is not followed: Graph does not do that, a proxy or a sign-in page of the network does", u.Host)
		}
	case !isGraph:
		what := "the answer is not one of Graph's"
		if strings.Contains(a.header.Get("Content-Type"), "html") || strings.HasPrefix(strings.TrimSpace(string(a.body)), "<") {
			what = "the answer is a web page"
		}
		e.Err = fmt.Errorf("%s: a proxy, a firewall or a sign-in page of the network stands between, or the address is not Graph's", what)
		// A gateway's own 5xx does not tell what became of the request behind it.
		e.Unknown = q.once && a.status >= 500 && a.status != http.StatusServiceUnavailable
	case a.status == http.StatusBadGateway, a.status == http.StatusGatewayTimeout:
		e.Unknown = q.once
	case a.status == http.StatusForbidden && (q.op == OpDraft || q.op == OpAttach):
		e.Err = errors.New("a message above 3 MiB needs the permission Mail.ReadWrite too: add it and consent to it, or send this one over SMTP")
	}
	return e
}
