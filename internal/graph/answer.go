package graph

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// parse reads Graph's error from an answer's body and reports whether it is one.
func (e *Error) parse(body []byte) bool {
	var a struct {
		Error struct {
			Code       string          `json:"code"`
			Message    string          `json:"message"`
			InnerError json.RawMessage `json:"innerError"`
		} `json:"error"`
	}
	// A field of another type than Graph's leaves the others readable.
	_ = json.Unmarshal(body, &a)
	e.Code, e.Message = oneLine(a.Error.Code, 200), oneLine(a.Error.Message, 2000)
	var inner struct {
		RequestID string `json:"request-id"`
	}
	_ = json.Unmarshal(a.Error.InnerError, &inner)
	if e.RequestID == "" {
		e.RequestID = oneLine(inner.RequestID, 100)
	}
	return e.Code != "" || e.Message != ""
}

// oneLine is s without control characters, which could forge a line of a log.
func oneLine(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return clip(strings.TrimSpace(s), n)
}

// retryAfter is the pause that an answer asks for (RFC 9110 §10.2.3), at most a
// day.
func (d *dialog) retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		wait = t.Sub(d.c.now())
	}
	return min(max(wait, 0), 24*time.Hour)
}
