package authcode

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS      string
	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// The kinds of page, each with its own shape and colour.
const (
	success   = "ok"
	attention = "attention"
	failure   = "error"
)

// page is what the browser shows: what is, why, and what to do.
type page struct {
	Kind   string
	Title  string
	Text   string
	Server string // the provider's words, verbatim
	Hint   string
	Close  bool // nothing more happens in this tab
}

// outcome is the page that tells how the sign-in went.
func (s *SignIn) outcome() page {
	var wrong *WrongAccountError
	var e *Error
	switch {
	case s.err == nil:
		p := page{Kind: success, Title: "Signed in", Text: "traymail goes on by itself.", Close: true}
		if name := cmp.Or(s.grant.Identity.Username, s.client.Username); name != "" {
			p.Title = "Signed in as " + name
		}
		return p
	case errors.As(s.err, &wrong):
		return page{Kind: failure, Title: "Signed in with another account",
			Text: "You signed in as " + wrong.SignedInAs + ", this account authenticates as " + wrong.Username + ". Nothing was saved.",
			Hint: "Start the sign-in again and choose " + wrong.Username + ". A private browser window forgets other sign-ins.", Close: true}
	case errors.As(s.err, &e) && e.Stage == StageAuthorize:
		p := page{Kind: failure, Title: "The sign-in was refused", Text: "The provider did not sign you in (" + e.Code + ").",
			Server: e.Description, Hint: "Start the sign-in again in traymail.", Close: true}
		if e.Code == "access_denied" && e.Subcode == "cancel" {
			p.Kind, p.Title, p.Text = attention, "The sign-in was cancelled", "Nothing was changed."
		}
		return p
	case e != nil:
		p := page{Kind: failure, Title: "The sign-in did not finish", Server: e.Description,
			Text: "The browser part went well; the step after it failed.",
			Hint: "traymail shows what to do.", Close: true}
		if e.Description == "" {
			p.Server = e.Error()
		}
		return p
	}
	return page{Kind: failure, Title: "The sign-in did not finish", Text: sentence(oneLine(s.err.Error())),
		Hint: "Start the sign-in again in traymail.", Close: true}
}

func (s *SignIn) writeOutcome(w http.ResponseWriter) {
	status := http.StatusOK
	if s.err != nil {
		// The browser asked rightly; what failed lies behind.
		status = http.StatusBadGateway
		if p := new(WrongAccountError); errors.As(s.err, &p) {
			status = http.StatusForbidden
		}
	}
	writePage(w, status, s.outcome())
}

// styleHash lets the browser apply our style sheet and no other.
func styleHash() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// writePage sends a whole page and flushes it, so that it is under way before
// the server stops.
func writePage(w http.ResponseWriter, status int, p page) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		page
		CSS template.CSS
	}{p, template.CSS(pageCSS)})
	if err != nil { // only a mistake in the template: nothing half-written goes out
		http.Error(w, p.Title, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash()+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
	_ = rc.Flush()
}

// sentence makes a page's sentence of an error's text.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:] + "."
}
