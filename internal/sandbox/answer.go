package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// An answer is a response that is complete before a byte of it is sent: no
// lock is held while a client reads, and no half page is sent before an error.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// jsonAnswer is a response with v as its JSON body.
func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body}
}

// redirectAnswer sends the browser to location; status is 302 or 303.
func redirectAnswer(status int, location string) answer {
	return answer{status: status, header: http.Header{"Location": {location}}}
}

// send writes a. Nothing that the tenant says may be kept by a cache.
func (a answer) send(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Cache-Control", "no-store, no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	w.Write(a.body) // a client that has gone needs no answer
}

// isGUID reports whether s is written as 8-4-4-4-12 hexadecimal digits.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F'):
			return false
		}
	}
	return true
}
