package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// An Error tells why the endpoint did not do what it was asked. It holds no
// token.
type Error struct {
	Op        string // one of the Op constants
	Host      string
	Mailbox   string // that it is about
	Status    int    // HTTP status, 0 if there was no answer
	Code      string // the endpoint's
	Message   string // the endpoint's text, verbatim
	RequestID string // what Microsoft's support asks for
	Err       error  // the cause, when it is not, or not only, the endpoint's answer

	foreign bool // something else answered
}

func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Op == OpToken:
		return "no access token for the administrators' endpoint of Exchange: " + e.Err.Error()
	case e.Status == 0 || e.Status == http.StatusOK:
		fmt.Fprintf(&b, "%s at %s for %s", e.Host, e.Op, e.Mailbox)
	default:
		fmt.Fprintf(&b, "%s refused %s for %s: %d %s", e.Host, e.Op, e.Mailbox, e.Status, http.StatusText(e.Status))
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.RequestID != "" {
		b.WriteString(" (request-id " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NotAllowed reports whether the caller lacks the consent, or the role of
// Exchange's: the endpoint said so, or there is no token for it.
func (e *Error) NotAllowed() bool {
	if e.Op == OpToken {
		return !e.Temporary()
	}
	return !e.foreign && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// NotFound reports whether the tenant has no such mailbox. That a 400 can say so
// as well is assumed, from Exchange's own words in PowerShell.
func (e *Error) NotFound() bool {
	return !e.foreign && (e.Status == http.StatusNotFound ||
		e.Status == http.StatusBadRequest && strings.Contains(e.Code+e.Message, "ManagementObjectNotFound")) ||
		e.Status == http.StatusBadRequest && strings.Contains(e.Message, "couldn't be found")
}

// Temporary reports whether the same request may succeed later without anybody
// changing anything.
func (e *Error) Temporary() bool {
	switch {
	case e.Op == OpToken:
		var t interface{ Temporary() bool }
		return errors.As(e.Err, &t) && t.Temporary()
	case e.Op == OpProof:
		return true // a change takes a while to be seen everywhere
	}
	return e.Host != "" && e.Status == 0 || e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// read takes what an answer that is not the one wanted says.
func (e *Error) read(reply *http.Response, body []byte, token string) {
	e.Status = reply.StatusCode
	var a struct {
		Error struct {
			Code       json.RawMessage `json:"code"`
			Message    json.RawMessage `json:"message"`
			InnerError struct {
				RequestID string `json:"request-id"`
			} `json:"innerError"`
		} `json:"error"`
	}
	// A member of another type than expected leaves the others readable.
	_ = json.Unmarshal(body, &a)
	line := func(raw json.RawMessage) string {
		var s string
		_ = json.Unmarshal(raw, &s)
		return oneLine(strings.ReplaceAll(s, token, "…"))
	}
	e.Code, e.Message = line(a.Error.Code), line(a.Error.Message)
	e.RequestID = oneLine(a.Error.InnerError.RequestID)
	if e.RequestID == "" {
		e.RequestID = oneLine(reply.Header.Get("request-id"))
	}
	text := strings.TrimSpace(string(body))
	switch {
	case e.Code != "" || e.Message != "":
	case e.Status == http.StatusUnauthorized && reply.Header.Get("WWW-Authenticate") != "":
		// So says Exchange's front end, without a body.
	case e.Status/100 == 3, strings.HasPrefix(text, "<"), e.Status == http.StatusOK:
		e.foreign = true
		e.Err = errors.New("the answer is not one of Exchange's: a proxy, a firewall or a sign-in page of the network stands between")
	}
}

// oneLine is s without control characters, which could forge a line of a log, and
// not longer than a screen.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if all := []rune(s); len(all) > 2000 {
		s = string(all[:2000])
	}
	return strings.TrimSpace(s)
}
