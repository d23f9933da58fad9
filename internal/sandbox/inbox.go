package sandbox

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// inbox shows what Exchange accepted.
type inbox struct{ tenant *Tenant }

// maxSource is how much of a message the page shows, in octets; the raw view
// has all of it.
const maxSource = 64 << 10

// register adds the endpoints to mux.
func (i inbox) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /inbox", func(w http.ResponseWriter, _ *http.Request) { i.list().send(w) })
	mux.HandleFunc("GET /inbox.json", func(w http.ResponseWriter, _ *http.Request) { i.json().send(w) })
	mux.HandleFunc("GET /inbox/{id}", func(w http.ResponseWriter, r *http.Request) { i.mail(r).send(w) })
	mux.HandleFunc("GET /inbox/{id}/raw", func(w http.ResponseWriter, r *http.Request) { i.raw(r).send(w) })
}

func (i inbox) list() answer {
	return render(http.StatusOK, "inbox", page{Title: "Inbox", Messages: i.tenant.Inbox()})
}

// json lists the messages, oldest first, each with the path of its source.
func (i inbox) json() answer {
	type entry struct {
		Message
		Raw string `json:"raw"`
	}
	list := []entry{}
	for _, m := range i.tenant.Inbox() {
		list = append(list, entry{m, fmt.Sprintf("/inbox/%d/raw", m.ID)})
	}
	return jsonAnswer(http.StatusOK, list)
}

const textGone = "The message itself is gone: later ones needed its room."

// find returns the message that a path names.
func (i inbox) find(r *http.Request) (Message, bool) {
	list := i.tenant.Inbox()
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 1 || id > len(list) {
		return Message{}, false
	}
	return list[id-1], true
}

func noSuchMail() answer {
	return render(http.StatusNotFound, "message", page{Title: "No such message", Text: "The inbox has no message of this number."})
}

func (i inbox) mail(r *http.Request) answer {
	m, ok := i.find(r)
	if !ok {
		return noSuchMail()
	}
	headers, _, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
	return render(http.StatusOK, "mail", page{
		Title: "Message", Text: textGone, Mail: m, Headers: shown(headers), Source: shown(m.Data),
	})
}

// shown makes raw octets fit for a page.
func shown(b []byte) string {
	cut := ""
	if len(b) > maxSource {
		b, cut = b[:maxSource], "\n…"
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(b), "\r\n", "\n"), "\uFFFD") + cut
}

func (i inbox) raw(r *http.Request) answer {
	m, ok := i.find(r)
	if !ok {
		return noSuchMail()
	}
	if m.Gone() {
		return render(http.StatusGone, "message", page{Title: "Message", Text: textGone})
	}
	// As text, and never sniffed: a message may hold HTML, and this origin is
	// also the one of the sign-in pages.
	return answer{http.StatusOK, http.Header{
		"Content-Type":            {"text/plain; charset=utf-8"},
		"X-Content-Type-Options":  {"nosniff"},
		"Content-Security-Policy": {"default-src 'none'; sandbox"},
	}, m.Data}
}
