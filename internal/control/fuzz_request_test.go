package control

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"traymail/internal/mailer"
)

// FuzzRequest sends anything at all to every call of a program that panics
// whenever it is called: each answer is JSON with an error that a person can
// read, and repeats nothing of what was sent.
func FuzzRequest(f *testing.F) {
	paths := []string{"/hello", "/account", "/account/save", "/account/validate", "/account/remove", "/account/check", "/account/delegates", "/sign-in", "/sign-in/answer",
		"/test", "/send", "/enqueue", "/messages", "/message", "/message/change", "/flush", "/status", "/watch", "/log", "/count", "/traffic", "/settings", "/settings/save",
		"/clients", "/client/save", "/client/remove", "/account/export", "/account/import", "/pause", "/resume", "/draft", "/draft/save", "/draft/drop", "/diagnostics", "/reload", "/nowhere"}
	for i, body := range []string{`{}`, `"work"`, `{"account":{"name":"a"},"secret":"` + sentSecret + `"}`, `"a"`, `null`, `{"name":"a","options":{}}`, `{"name":"a","grant":true}`,
		`{"name":"a","open":true,"timeout":1}`, `{"session":"s","n":1,"pasted":"x"}`, `{"name":"a","to":"b"}`, `{"account":"a","submission":{"From":"x","To":["y"]}}` + "\nSubject: x\n\n",
		"{\n", `{"limit":-1}`, `"id"`, `{"id":"1","change":"hold"}`, `[[[[`, `{"since":"x","step":1e99}`, `{"relay":{},"queue":{"retry":[1]}}`, `{"client":{"name":"a"},"password":9}`,
		`{"data":"` + sentSecret + `"}`, `{"until":"2026-11-20T12:00:00Z"}`, `{"draft":{},"secret":"` + sentSecret + `"}`} {
		f.Add(i, "POST", []byte(body))
	}
	s := &Server{program: &program{}, dialogs: map[string]*dialog{}}
	log := &lockedBuffer{}
	s.log = logTo(log)
	s.stopping, s.stop = context.WithCancel(context.Background())
	f.Cleanup(s.stop)
	handler := guard(s.routes())
	f.Fuzz(func(t *testing.T, path int, method string, body []byte) {
		if !regexp.MustCompile(`^[A-Z]{1,8}$`).MatchString(method) {
			method = "POST"
		}
		r := httptest.NewRequest(method, "http://traymail"+paths[uint(path)%uint(len(paths))], bytes.NewReader(body))
		r.Header.Set(apiHeader, api)
		w := &duplex{ResponseRecorder: httptest.NewRecorder()}
		handler.ServeHTTP(w, r)
		said := w.Body.String()
		if strings.Contains(said, sentSecret) || strings.Contains(log.String(), sentSecret) {
			t.Errorf("%s %s: the secret comes back: %s\n%s", method, r.URL.Path, said, log.String())
		}
		log.reset()
		if w.Code == http.StatusNotFound || w.Code == http.StatusMethodNotAllowed {
			return
		}
		for d := json.NewDecoder(strings.NewReader(said)); ; {
			var a struct {
				Error *wireError `json:"error"`
			}
			if err := d.Decode(&a); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s %q is answered %d %q: %v", r.URL.Path, body, w.Code, said, err)
			}
			if a.Error != nil && a.Error.Text == "" {
				t.Errorf("%s %q: an error without a text: %q", r.URL.Path, body, said)
			}
		}
	})
}

const sentSecret = "c2VjcmV0LW9mLXRoZS10ZXN0"

// duplex is a recorder that can do what a connection can.
type duplex struct{ *httptest.ResponseRecorder }

func (*duplex) EnableFullDuplex() error { return nil }

var _ mailer.Program = (*program)(nil)
