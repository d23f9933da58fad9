package checks

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// asking is the longest that one request takes.
	asking = 20 * time.Second
	// maxPage bounds what is read of an answer, in octets.
	maxPage = 1 << 20
)

// A page is what a request was answered with.
type page struct {
	status   int
	header   http.Header
	body     []byte
	tls      *tls.ConnectionState
	location *url.URL // of a redirect, nil without one
	// sent and came are this computer's time around it.
	sent, came time.Time
}

var errTooLong = errors.New("the answer is too long to be the provider's")

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// get asks for an address, and follows no redirect.
func (r *run) get(ctx context.Context, address string) (*page, error) {
	return r.fetch(ctx, r.direct(), http.MethodGet, address, nil)
}

// post sends a form.
func (r *run) post(ctx context.Context, address string, form url.Values) (*page, error) {
	return r.fetch(ctx, r.direct(), http.MethodPost, address, form)
}

// direct is Web without following redirects.
func (r *run) direct() *http.Client {
	client := *r.Web
	client.CheckRedirect = noRedirect
	return &client
}

func (r *run) fetch(ctx context.Context, client *http.Client, method, address string, form url.Values) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, r.within(asking))
	defer cancel()
	var payload io.Reader
	if form != nil {
		payload = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, payload)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	p := &page{sent: r.Now()}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	p.came = r.Now()
	p.status, p.header, p.tls = resp.StatusCode, resp.Header, resp.TLS
	if p.body, err = io.ReadAll(io.LimitReader(resp.Body, maxPage+1)); err != nil {
		return nil, err
	}
	if len(p.body) > maxPage {
		return nil, errTooLong
	}
	p.location, _ = resp.Location()
	return p, nil
}

// ahead is how far this computer's clock is ahead of the server's.
func (p *page) ahead() (time.Duration, bool) {
	at, err := http.ParseTime(p.header.Get("Date"))
	if err != nil {
		return 0, false
	}
	if age, err := strconv.ParseUint(strings.TrimSpace(p.header.Get("Age")), 10, 31); err == nil {
		at = at.Add(time.Duration(age) * time.Second) // a cache on the way kept the answer (RFC 9111 §5.1)
	}
	// The server wrote it between the two; its seconds are whole ones.
	middle := p.sent.Add(p.came.Sub(p.sent) / 2)
	d := middle.Sub(at)
	if d.Abs() < 2*time.Second {
		return 0, true
	}
	return d, true
}

// isJSON reports whether the provider itself answered, as far as can be seen.
func (p *page) isJSON() bool {
	kind, _, _ := mime.ParseMediaType(p.header.Get("Content-Type"))
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// kind is the answer's type in words.
func (p *page) kind() string {
	kind, _, _ := mime.ParseMediaType(p.header.Get("Content-Type"))
	switch kind {
	case "text/html", "application/xhtml+xml":
		return "an HTML page"
	case "":
		return "something without a type"
	}
	return kind
}
