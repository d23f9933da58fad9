package authcode

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Consent sends an administrator to Entra's admin consent page and receives the
// answer at a redirect URL on loopback, as a sign-in does. It yields no token.
type Consent struct {
	ClientID string
	// RedirectURL is the registered redirect URL, as Client.RedirectURL.
	RedirectURL string
	// Link returns the address of the page: of one tenant, for the redirect URL
	// with its port, and with the state.
	Link func(redirectURI, state string) string
	// Next is what the page says that comes after the consent.
	Next string
	// Timeout is how long the browser may take; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Granted is what the browser brought back from the consent page. It is no
// proof: a token with the permissions is. Of the tenant that the answer names
// nothing is kept, because whoever holds the browser may write another one.
type Granted struct {
	Scope string // as the answer has it
}

// Ask waits until the browser comes back: open is given the address, as
// Client.SignIn's is. ctx ends it early, with its cause as the error. Other
// errors: *Error when it was refused, *TimeoutError, *PortError,
// *NoListenerError, *OpenError.
func (c *Consent) Ask(ctx context.Context, open func(url string) error) (Granted, error) {
	redirect, err := (&Client{RedirectURL: c.RedirectURL}).redirect()
	if err != nil {
		return Granted{}, err
	}
	if !receivable(redirect) {
		return Granted{}, &NoListenerError{RedirectURL: c.RedirectURL}
	}
	listeners, port, err := listen(redirect)
	if err != nil {
		return Granted{}, err
	}
	redirect.Host = net.JoinHostPort(redirect.Hostname(), port)
	w := &consentAnswer{state: newKeys().state, next: c.Next, answers: make(chan url.Values, 1), done: make(chan struct{})}
	link := c.Link(redirect.String(), w.state.Reveal())
	r := newReceiver(&visit{what: "consent", redirect: redirect, accept: w.accept, done: w.done, show: w.show}, listeners)
	defer r.shutdown()
	defer close(w.done)
	if w.err = secureURL("admin consent URL", link); w.err != nil {
		return Granted{}, w.err
	}
	if err := open(link); err != nil {
		w.err = &OpenError{Err: err}
		return Granted{}, w.err
	}
	timeout := cmp.Or(c.Timeout, DefaultTimeout)
	waiting, cancel := context.WithTimeoutCause(ctx, timeout, &TimeoutError{After: timeout, ClientID: c.ClientID, RedirectURL: redirect.String()})
	defer cancel()
	select {
	case params := <-w.answers:
		w.finish(params)
	case <-waiting.Done():
		if w.err = context.Cause(waiting); !w.claimed.CompareAndSwap(false, true) {
			w.finish(<-w.answers) // it came at the last moment
		}
	}
	return w.granted, w.err
}

// A consentAnswer is awaited from the browser, once.
type consentAnswer struct {
	state   Secret
	next    string
	claimed atomic.Bool
	answers chan url.Values
	done    chan struct{} // closed when granted and err are known
	granted Granted
	err     error
}

// accept takes the answer of the consent page; see SignIn.accept. A refusal has
// admin_consent=True as well.
func (w *consentAnswer) accept(params url.Values) error {
	if err := belongs(params, toConsent, w.state, "admin_consent", "scope", "error", "error_description"); err != nil {
		return err
	}
	if params.Get("error") == "" && !strings.EqualFold(params.Get("admin_consent"), "true") {
		return errors.New("the answer says neither that consent was granted nor why not")
	}
	if !w.claimed.CompareAndSwap(false, true) {
		return errUsed
	}
	w.answers <- params
	return nil
}

// finish turns an accepted answer into the outcome.
func (w *consentAnswer) finish(params url.Values) {
	w.err = nil
	if params.Get("error") == "" {
		w.granted.Scope = clip(params.Get("scope"))
		return
	}
	e := callbackRefusal(params)
	e.Stage = StageConsent
	w.err = e
}

// show writes the page that tells how it went.
func (w *consentAnswer) show(rw http.ResponseWriter) {
	var e *Error
	switch {
	case w.err == nil:
		p := page{Kind: success, Title: "Admin consent was granted", Text: "The organisation permits the app what the page before has shown.", Hint: w.next, Close: true}
		if w.granted.Scope != "" {
			p.Text = "The organisation permits the app: " + oneLine(w.granted.Scope) + "."
		}
		writePage(rw, http.StatusOK, p)
	case errors.As(w.err, &e):
		p := page{Kind: failure, Title: "Admin consent was not granted", Text: "The provider did not grant it (" + e.Code + ").",
			Server: e.Description, Hint: "traymail shows what to do.", Close: true}
		if e.Code == "access_denied" {
			p.Kind, p.Title, p.Text = attention, "Admin consent was declined", "Nothing was changed."
		}
		writePage(rw, http.StatusBadGateway, p)
	default:
		writePage(rw, http.StatusBadGateway, page{Kind: failure, Title: "The consent did not finish", Text: sentence(oneLine(w.err.Error())), Close: true})
	}
}
