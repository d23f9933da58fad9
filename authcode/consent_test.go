package authcode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// consentPage is the provider's page: an https server that redirects the browser
// with the answer of its script.
func consentPage(t *testing.T, answer func(q url.Values) url.Values) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer(q).Encode(), http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return s
}

// consentOf is a consent whose page is at s.
func consentOf(s *httptest.Server) *Consent {
	return &Consent{ClientID: "app-1", RedirectURL: "http://localhost", Next: "Go on in traymail.",
		Link: func(redirectURI, state string) string {
			return s.URL + "/t/v2.0/adminconsent?" + url.Values{"redirect_uri": {redirectURI}, "state": {state}}.Encode()
		}}
}

// visitor opens the address as a browser does, and hands over the last page.
func visitor(t *testing.T, s *httptest.Server, pages chan<- string) func(string) error {
	client := s.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	return func(address string) error {
		go func() {
			resp, err := client.Get(address)
			if err != nil {
				t.Error(err)
				close(pages)
				return
			}
			defer resp.Body.Close()
			var b strings.Builder
			if err := resp.Write(&b); err != nil {
				t.Error(err)
			}
			pages <- b.String()
		}()
		return nil
	}
}

func TestConsentEndsAsThePageAnswers(t *testing.T) {
	const scope = "https://outlook.office365.com/.default"
	for name, tt := range map[string]struct {
		answer  url.Values
		refused string // error
		page    []string
	}{
		"granted": {url.Values{"admin_consent": {"True"}, "tenant": {"evil"}, "scope": {scope}}, "",
			[]string{"200 OK", "Admin consent was granted", scope, "Go on in traymail."}},
		"granted, without a scope": {url.Values{"admin_consent": {"True"}, "tenant": {"t"}}, "", []string{"Admin consent was granted"}},
		"declined": {url.Values{"admin_consent": {"True"}, "error": {"access_denied"}, "error_subcode": {"cancel"}, "error_description": {"AADSTS65004: User declined to consent <b>."}},
			"access_denied", []string{"502", "was declined", "AADSTS65004: User declined to consent &lt;b&gt;."}},
		"refused": {url.Values{"admin_consent": {"True"}, "error": {"invalid_client"}, "error_description": {"AADSTS650052: The app needs access to a service."}},
			"invalid_client", []string{"was not granted", "invalid_client", "AADSTS650052"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := consentPage(t, func(q url.Values) url.Values {
				tt.answer.Set("state", q.Get("state"))
				return tt.answer
			})
			pages := make(chan string, 1)
			granted, err := consentOf(s).Ask(t.Context(), visitor(t, s, pages))
			var e *Error
			switch {
			case tt.refused == "" && (err != nil || granted.Scope != tt.answer.Get("scope")):
				t.Errorf("Ask = %+v, %v", granted, err)
			case tt.refused != "" && (!errors.As(err, &e) || e.Stage != StageConsent || e.Code != tt.refused || e.AADSTS == 0):
				t.Errorf("Ask = %+v, %v", granted, err)
			}
			page := <-pages
			for _, want := range tt.page {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q:\n%s", want, page)
				}
			}
			if strings.Contains(page, "evil") {
				t.Errorf("the page believes the tenant:\n%s", page)
			}
		})
	}
}

func TestOnlyTheAnswerThatWasAskedForEndsAConsent(t *testing.T) {
	s := consentPage(t, nil)
	var pages []string
	visited := make(chan struct{})
	granted, err := consentOf(s).Ask(t.Context(), func(address string) error {
		u, _ := url.Parse(address)
		state := u.Query().Get("state")
		back := u.Query().Get("redirect_uri")
		go func() {
			defer close(visited)
			for _, q := range []url.Values{
				{"admin_consent": {"True"}},
				{"admin_consent": {"True"}, "state": {"another"}},
				{"error": {"access_denied"}, "state": {"another"}},
				{"admin_consent": {"True"}, "state": {state, state}},
				{"admin_consent": {"False"}, "state": {state}},
				{"code": {"c"}, "state": {state}},
				{"admin_consent": {"true"}, "state": {state}, "scope": {"s"}},
			} {
				resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(back + "?" + q.Encode())
				if err != nil {
					t.Error(err)
					return
				}
				pages = append(pages, resp.Status)
				resp.Body.Close()
			}
		}()
		return nil
	})
	<-visited
	if err != nil || granted.Scope != "s" {
		t.Errorf("Ask = %+v, %v", granted, err)
	}
	if len(pages) < 6 {
		t.Fatalf("it ended after %v", pages)
	}
	for _, status := range pages[:6] {
		if !strings.HasPrefix(status, "400") {
			t.Errorf("pages %v", pages)
		}
	}
}

func TestAConsentThatNobodyAnswersEndsAndFreesItsPort(t *testing.T) {
	s := consentPage(t, nil)
	cause := errors.New("stopped")
	opener := errors.New("no browser")
	for name, tt := range map[string]struct {
		change func(*Consent)
		open   func(cancel func(error)) error
		is     func(error) bool
	}{
		"by its timeout": {func(c *Consent) { c.Timeout = time.Millisecond }, func(func(error)) error { return nil },
			func(err error) bool { return errors.As(err, new(*TimeoutError)) }},
		"by the caller": {func(*Consent) {}, func(cancel func(error)) error { cancel(cause); return nil },
			func(err error) bool { return errors.Is(err, cause) }},
		"without a browser": {func(*Consent) {}, func(func(error)) error { return opener },
			func(err error) bool { return errors.As(err, new(*OpenError)) && errors.Is(err, opener) }},
		"with a page in the clear": {func(c *Consent) { c.Link = func(string, string) string { return "http://example.com" } }, func(func(error)) error { return nil },
			func(err error) bool { return err != nil }},
		"with a redirect URL elsewhere": {func(c *Consent) { c.RedirectURL = "https://central.contoso.com/x" }, func(func(error)) error { return nil },
			func(err error) bool { return errors.As(err, new(*NoListenerError)) }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			c := consentOf(s)
			tt.change(c)
			var redirect string
			link := c.Link
			c.Link = func(redirectURI, state string) string { redirect = redirectURI; return link(redirectURI, state) }
			if granted, err := c.Ask(ctx, func(string) error { return tt.open(cancel) }); !tt.is(err) || granted != (Granted{}) {
				t.Errorf("Ask = %+v, %v", granted, err)
			}
			if redirect == "" {
				return
			}
			l, err := net.Listen("tcp", "127.0.0.1:"+port(t, redirect))
			if err != nil {
				t.Fatalf("the port is not free: %v", err)
			}
			l.Close()
		})
	}
}
