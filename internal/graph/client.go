package graph

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Client submits with one identity and is safe for concurrent use. Its fields
// must not change after the first call, and it must be closed.
type Client struct {
	// BaseURL is Graph's, with the version: "https://graph.microsoft.com/v1.0". Only https
	// is spoken.
	BaseURL string
	// Token returns an access token for Graph. refused is "" at first; after a 401
	// Token is called once more, with the token that was refused, to return a
	// fresh one. It is called for each request, and concurrently.
	Token func(ctx context.Context, refused string) (bearer string, err error)
	// HTTPClient makes the requests; nil is one of the Client's own, with the
	// system's proxies. Redirects are not followed, whatever it says of them.
	HTTPClient *http.Client

	// Timeout is how long a request may make no headway: until it has a connection,
	// while the network takes nothing more of its body, and while it waits for an
	// answer; 0: 2 minutes. A body may take as long as it needs while it moves. The
	// answer to a request with a body may take 2 minutes at least.
	Timeout time.Duration
	// AnswerTimeout is the longest wait for the answer to a request that sends a
	// message, once the network has taken all of it; 0: 10 minutes. When it has
	// passed nobody knows whether the message was sent, so a short one has a price.
	// It bounds the answers to other requests with a body too.
	AnswerTimeout time.Duration
	MaxConcurrent int // requests at the same time; 0: 4, which is Graph's limit for one application and mailbox

	Now   func() time.Time                                 // nil: time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil: a timer

	once   sync.Once
	http   *http.Client
	slots  chan struct{} // one is held by each request
	closed chan struct{}
	end    sync.Once
}

// A Message is one envelope and the way to its body.
type Message struct {
	// Mailbox is the address or id of the mailbox that sends, for /users/; "" is
	// the signed-in user's, /me. An application's token needs it.
	Mailbox string
	// From goes into a From field when the message has none. Who sends is else what
	// that field says, and for Graph to judge.
	From string
	// To are the envelope's recipients, without brackets: exactly these get it.
	To []string
	// SkipSentItems sends without a copy in Sent Items. Only Graph's JSON form can
	// do that, and it says less than MIME. Subject, From, Reply-To, To, Cc,
	// Importance (or X-Priority), Message-ID, the first five X- fields, one body (HTML if there is
	// one, of which Exchange makes the plain text anew) and the attachments with
	// name, type, content-id and octets arrive. Date, Sender, References,
	// In-Reply-To, List- and Auto-Submitted fields, and all others, are lost. What has
	// another shape, is signed, or is above 4 MiB as JSON is refused.
	SkipSentItems bool
	// Resend says that an earlier attempt to send it never told its end. The mailbox
	// is searched first, and a message that is there as sent is not sent again. If
	// it cannot be searched, because the token does not allow that or the message
	// has no Message-ID, or with SkipSentItems, the message is sent.
	Resend bool
	// Since is when the earlier attempt may have begun, at the earliest. What was in
	// the mailbox before that is another message's; zero: nothing is. It counts with
	// Resend only.
	Since time.Time
	// Open returns the message, header and body. Line endings of any kind are sent
	// as CRLF. Send closes the reader, and calls Open several times: each piece is
	// streamed from the source and nothing large is held in memory.
	Open func() (io.ReadCloser, error)
}

// A Receipt tells how a message was submitted.
type Receipt struct {
	Reply     string // such as "202 Accepted (request-id 7b9a…)"
	RequestID string // of the request that sent it
	MessageID string // with its brackets; "" if not known
	Requests  int    // made for this message
}

func (c *Client) init() {
	c.once.Do(func() {
		n := c.MaxConcurrent
		if n <= 0 {
			n = 4
		}
		c.slots = make(chan struct{}, n)
		c.closed = make(chan struct{})
		var own http.Client
		if c.HTTPClient != nil {
			own = *c.HTTPClient
		} else {
			own.Transport = http.DefaultTransport.(*http.Transport).Clone()
		}
		// A redirect would take token and message to somebody else.
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		own.Timeout = 0 // each request has a context that ends
		c.http = &own
	})
}

// Close lets go of idle connections, those of HTTPClient too, which remains
// usable. Requests under way come to their end, and new ones are refused with
// ErrClosed.
func (c *Client) Close() {
	c.init()
	c.end.Do(func() { close(c.closed) })
	c.http.CloseIdleConnections()
}

// Send sends m and returns once Graph has taken or refused it, Timeout or
// AnswerTimeout has run out for one of its requests, or ctx is done. It waits while MaxConcurrent
// requests are under way.
//
// A nil error means that Graph has accepted the message for all its recipients,
// which is not proof of delivery. Otherwise the error is an *Error, ErrClosed,
// or ctx's cause if no request could be made before ctx was done. The receipt is
// never nil and tells how many requests were made.
func (c *Client) Send(ctx context.Context, m *Message) (*Receipt, error) {
	c.init()
	msg, err := newContent(m)
	if err != nil {
		return &Receipt{}, err
	}
	s := &submission{dialog: dialog{c: c}, content: msg, base: c.mailbox(m.Mailbox), since: c.now()}
	s.receipt.MessageID = msg.messageID
	if m.Resend {
		s.since = m.Since
	}
	switch {
	case m.Resend && !m.SkipSentItems && s.sentBefore(ctx):
	case m.SkipSentItems:
		err = s.sendJSON(ctx)
	case base64Size(msg.size(nil)) <= maxRequest:
		err = s.sendMIME(ctx)
	default:
		err = s.sendLarge(ctx)
	}
	s.receipt.Requests = s.requests
	return &s.receipt, err
}

func (c *Client) base() string { return strings.TrimRight(c.BaseURL, "/") }

// mailbox is the address of a mailbox, "" for the signed-in user's.
func (c *Client) mailbox(name string) string {
	if name == "" {
		return c.base() + "/me"
	}
	return c.base() + "/users/" + url.PathEscape(name)
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
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
		return context.Cause(ctx)
	}
}

func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return 2 * time.Minute
}

func (c *Client) answerTimeout() time.Duration {
	if c.AnswerTimeout > 0 {
		return c.AnswerTimeout
	}
	return 10 * time.Minute
}
