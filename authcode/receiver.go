package authcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	readTimeout     = 10 * time.Second // for a whole request: a browser has it ready
	writeTimeout    = 10 * time.Second
	shutdownTimeout = 2 * time.Second // for pages that are being written
	// net/http adds 4,096 bytes of its own to MaxHeaderBytes.
	maxHeader = maxCallback - 4096
)

// receiver is the HTTP server at the redirect URL.
type receiver struct {
	server  *http.Server
	serving sync.WaitGroup

	mu   sync.Mutex
	idle map[net.Conn]struct{} // connections on which nothing was sent yet
}

// A visit is the browser coming back to a redirect URL with an answer.
type visit struct {
	what     string // what the answer is of, for the pages
	redirect *url.URL
	// accept takes the answer, or says why it is none; what it refuses changes
	// nothing. errUsed means that there was one.
	accept func(url.Values) error
	done   <-chan struct{}           // closed when it is known what became of the answer
	show   func(http.ResponseWriter) // the page that tells, after done
}

// visit is this sign-in's.
func (s *SignIn) visit() *visit {
	return &visit{what: "sign-in", redirect: s.redirect, accept: s.accept, done: s.done, show: s.writeOutcome}
}

// newReceiver serves v on listeners, which it closes at shutdown. Without any it
// does nothing.
func newReceiver(v *visit, listeners []net.Listener) *receiver {
	r := &receiver{idle: map[net.Conn]struct{}{}}
	r.server = &http.Server{
		Handler:           http.HandlerFunc(v.serve),
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		MaxHeaderBytes:    maxHeader,
		// "OPTIONS *" is no sign-in either.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // anybody can make it complain
		ConnState:                    r.track,
	}
	r.server.SetKeepAlivesEnabled(false) // one question, one answer
	for _, l := range listeners {
		r.serving.Go(func() { _ = r.server.Serve(l) })
	}
	return r
}

func (r *receiver) track(c net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state == http.StateNew {
		r.idle[c] = struct{}{}
	} else {
		delete(r.idle, c)
	}
}

// shutdown frees the port at once, lets pages that are being written out, and
// waits for the server's goroutines. Browsers open connections in advance, which
// Shutdown alone would give five seconds each.
func (r *receiver) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	r.mu.Lock()
	for c := range r.idle {
		_ = c.Close()
	}
	r.mu.Unlock()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close()
	}
	r.serving.Wait()
}

// serve answers what comes to the redirect URL. Whatever is not the answer to
// this sign-in gets a page that says so, and the sign-in goes on.
func (v *visit) serve(w http.ResponseWriter, r *http.Request) {
	if !v.addressed(r.Host) {
		writePage(w, http.StatusMisdirectedRequest, page{Kind: attention, Title: "Wrong address",
			Text: "This address answers only to the name that the " + v.what + " used."})
		return
	}
	if !samePath(r.URL, v.redirect) {
		writePage(w, http.StatusNotFound, page{Kind: attention, Title: "Nothing is here",
			Text: "This address only receives the answer of a " + v.what + ", which is still awaited."})
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		writePage(w, http.StatusMethodNotAllowed, page{Kind: attention, Title: "Not a " + v.what,
			Text: "This address only receives the answer of a " + v.what + ", by GET or POST."})
		return
	}
	params, status, err := readParams(w, r)
	if err == nil {
		// An exchange with retries outlasts the deadline of the request.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		status, err = http.StatusBadRequest, v.accept(params)
	}
	switch {
	case errors.Is(err, errUsed):
		writePage(w, http.StatusConflict, page{Kind: attention, Title: "This answer was already used",
			Text: "A " + v.what + " takes one answer. What became of it is in the other tab and in traymail.", Close: true})
		return
	case err != nil:
		writePage(w, status, page{Kind: attention, Title: "This is not the awaited answer", Text: sentence(err.Error()),
			Hint: "The " + v.what + " still waits. Go on in its own tab, or start it again in traymail."})
		return
	}
	select {
	case <-v.done:
		v.show(w)
	case <-r.Context().Done(): // the tab is gone; what was asked for is not
	}
}

// addressed reports whether a Host header names this listener.
func (v *visit) addressed(host string) bool {
	u := url.URL{Host: host}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return isLoopback(u.Hostname()) && port == v.redirect.Port()
}

// readParams reads the parameters from where their method has them: a POST's
// address is not its answer.
func readParams(w http.ResponseWriter, r *http.Request) (url.Values, int, error) {
	if r.Method == http.MethodGet {
		if len(r.RequestURI) > maxCallback {
			return nil, http.StatusRequestURITooLong, errors.New("the answer is too long")
		}
		params, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, http.StatusBadRequest, errors.New("the answer is damaged")
		}
		return params, 0, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return nil, http.StatusUnsupportedMediaType, errors.New("the answer is not a form")
	}
	left := maxCallback - len(r.RequestURI)
	for name, values := range r.Header {
		left -= len(name) + len(strings.Join(values, ""))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(max(0, left))))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the answer is longer than %d bytes", maxCallback)
	}
	if err != nil {
		return nil, http.StatusBadRequest, errors.New("the answer was cut off")
	}
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest, errors.New("the answer is damaged")
	}
	return params, 0, nil
}
