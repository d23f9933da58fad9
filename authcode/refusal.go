package authcode

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxText bounds a text of the provider; Entra's stay under 1 KiB.
const maxText = 4 << 10

var (
	aadstsPattern      = regexp.MustCompile(`\bAADSTS([0-9]{1,9})\b`)
	tracePattern       = regexp.MustCompile(`(?i)\bTrace ID: *([0-9a-f-]{1,64})`)
	correlationPattern = regexp.MustCompile(`(?i)\bCorrelation ID: *([0-9a-f-]{1,64})`)
)

// refusalBody is the JSON of RFC 6749 §5.2 with Entra's members. Members whose
// type varies between providers are taken raw: one odd member must not hide the
// others.
type refusalBody struct {
	Code          json.RawMessage `json:"error"`
	Description   json.RawMessage `json:"error_description"`
	Suberror      json.RawMessage `json:"suberror"`
	Subcode       json.RawMessage `json:"error_subcode"`
	Codes         json.RawMessage `json:"error_codes"`
	TraceID       json.RawMessage `json:"trace_id"`
	CorrelationID json.RawMessage `json:"correlation_id"`
	Claims        json.RawMessage `json:"claims"`
}

// parseRefusal reads the error body of a token endpoint. It reports false when
// the body is not one.
func parseRefusal(body []byte) (*Error, bool) {
	var b refusalBody
	if json.Unmarshal(body, &b) != nil {
		return nil, false
	}
	e := &Error{
		Code:          text(b.Code),
		Description:   text(b.Description),
		Subcode:       text(b.Suberror),
		TraceID:       text(b.TraceID),
		CorrelationID: text(b.CorrelationID),
		Claims:        text(b.Claims),
	}
	if e.Subcode == "" {
		e.Subcode = text(b.Subcode)
	}
	if e.Code == "" {
		// Google's gateways answer {"error":{"status":"…","message":"…"}}.
		var g struct{ Status, Message json.RawMessage }
		if json.Unmarshal(b.Code, &g) != nil {
			return nil, false
		}
		if e.Code, e.Description = text(g.Status), text(g.Message); e.Code == "" {
			return nil, false
		}
	}
	var codes []json.RawMessage
	if json.Unmarshal(b.Codes, &codes) == nil && len(codes) > 0 {
		e.AADSTS, _ = strconv.Atoi(strings.Trim(string(codes[0]), `"`))
	}
	e.readDescription()
	return e, true
}

// callbackRefusal reads the error parameters of an authorization response
// (RFC 6749 §4.1.2.1).
func callbackRefusal(params url.Values) *Error {
	e := &Error{
		Stage:       StageAuthorize,
		Code:        clip(params.Get("error")),
		Subcode:     clip(params.Get("error_subcode")),
		Description: clip(params.Get("error_description")),
		Claims:      clip(params.Get("claims")),
	}
	e.readDescription()
	return e
}

// readDescription fills what Entra also, or only, writes into its text.
func (e *Error) readDescription() {
	find := func(p *regexp.Regexp) string {
		if m := p.FindStringSubmatch(e.Description); m != nil {
			return m[1]
		}
		return ""
	}
	if e.AADSTS <= 0 {
		e.AADSTS, _ = strconv.Atoi(find(aadstsPattern))
	}
	if e.TraceID == "" {
		e.TraceID = find(tracePattern)
	}
	if e.CorrelationID == "" {
		e.CorrelationID = find(correlationPattern)
	}
}

// text is a JSON string, or "" for any other value.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return clip(s)
}

func clip(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		// Against the server's own clock where it tells it: ours may be off.
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		return max(0, t.Sub(now))
	}
	return 0
}
