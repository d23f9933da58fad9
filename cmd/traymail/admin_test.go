package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// adminPages is Entra's admin consent page with an administrator in front of
// it: it answers as answer says, and keeps what it was asked.
func adminPages(t *testing.T, answer func(asked url.Values) url.Values) (s *httptest.Server, asked *[]*url.URL) {
	t.Helper()
	asked = new([]*url.URL)
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL)
		q := r.URL.Query()
		back := answer(q)
		back.Set("state", q.Get("state"))
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	}))
	t.Cleanup(s.Close)
	return s, asked
}

// consentOf runs --consent for an application against s, and returns what was
// printed and the texts of the pages on which the browser ended.
func consentOf(t *testing.T, s *httptest.Server, change func(*account.Account)) (printed string, shown []string, err error) {
	t.Helper()
	var out bytes.Buffer
	shown, err = consentBy(t, s, &program{stdout: &out, stderr: &out}, change)
	return out.String(), shown, err
}

// consentBy is consentOf with what p prints to.
func consentBy(t *testing.T, s *httptest.Server, p *program, change func(*account.Account)) (shown []string, err error) {
	t.Helper()
	a := account.Account{Name: "app", ID: "aaaaaaaaaa", Provider: account.Microsoft365, AuthorityURL: s.URL, SignIn: account.AppOnly, Sender: "app@contoso.com",
		Tenant: "99999999-8888-7777-6666-555555555555", ClientID: "11111111-2222-3333-4444-555555555555"}
	change(&a)
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	client := s.Client()
	client.Transport.(*http.Transport).DisableKeepAlives = true
	pages := make(chan string, 2)
	opened := 0
	err = p.askConsent(t.Context(), adminRun{account: a, open: func(address string) error {
		opened++
		go func() {
			resp, err := client.Get(address)
			if err != nil {
				pages <- err.Error()
				return
			}
			defer resp.Body.Close()
			var page strings.Builder
			_ = resp.Write(&page)
			pages <- page.String()
		}()
		return nil
	}})
	for range opened {
		shown = append(shown, <-pages)
	}
	return shown, err
}

func granting(q url.Values) url.Values {
	return url.Values{"admin_consent": {"True"}, "tenant": {"somebody-elses"}, "scope": {q.Get("scope")}}
}

func TestConsentIsAskedForEachResourceOfAnApplication(t *testing.T) {
	s, asked := adminPages(t, granting)
	printed, shown, err := consentOf(t, s, func(a *account.Account) { a.Transport = account.Auto })
	if err != nil || len(shown) != 2 || len(*asked) != 2 {
		t.Fatalf("%v, %d pages of %d\n%s", err, len(shown), len(*asked), printed)
	}
	for i, scope := range []string{"https://outlook.office365.com/.default", "https://graph.microsoft.com/.default"} {
		u := (*asked)[i]
		if u.Path != "/99999999-8888-7777-6666-555555555555/v2.0/adminconsent" || u.Query().Get("scope") != scope || !strings.HasPrefix(u.Query().Get("redirect_uri"), "http://localhost:") {
			t.Errorf("asked for %s", u)
		}
		if !strings.Contains(shown[i], "Admin consent was granted") || !strings.Contains(shown[i], scope) {
			t.Errorf("the browser ended on\n%s", shown[i])
		}
	}
	if !strings.Contains(shown[0], "One more page comes, for Microsoft Graph.") || !strings.Contains(shown[1], "traymail test app") {
		t.Errorf("the pages do not say what comes next:\n%s", shown)
	}
	if strings.Count(printed, "was granted, the page says: ") != 2 || strings.Contains(printed+shown[0]+shown[1], "somebody-elses") {
		t.Errorf("it printed\n%s", printed)
	}
}

func TestARefusedConsentEndsTheRestAndSaysWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct{ description, fix string }{
		"declined":              {"AADSTS65004: User declined to consent to access the app.", "Grant admin consent"},
		"permissions not added": {"AADSTS650057: Invalid resource.", "traymail admin app"},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := adminPages(t, func(url.Values) url.Values {
				return url.Values{"admin_consent": {"True"}, "error": {"access_denied"}, "error_description": {tt.description}}
			})
			printed, shown, err := consentOf(t, s, func(a *account.Account) { a.Transport = account.Auto })
			if err == nil || !strings.Contains(err.Error(), tt.description) || !strings.Contains(mailer.Fix(err), tt.fix) || mailer.Temporary(err) {
				t.Errorf("got %v; fix %s", err, mailer.Fix(err))
			}
			if len(*asked) != 1 || strings.Contains(printed, "granted") || !strings.Contains(shown[0], tt.description) {
				t.Errorf("%d pages; it printed\n%s\nand showed\n%s", len(*asked), printed, shown)
			}
		})
	}
}

func TestAConsentAsJSONKeepsWhatWasGrantedBeforeARefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		refuses string // the page that does
		granted []string
	}{
		"both granted":       {"", []string{"SMTP", "Microsoft Graph"}},
		"the second refused": {"https://graph.microsoft.com/.default", []string{"SMTP"}},
		"the first refused":  {"https://outlook.office365.com/.default", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := adminPages(t, func(q url.Values) url.Values {
				if q.Get("scope") == tt.refuses {
					return url.Values{"admin_consent": {"True"}, "error": {"access_denied"}, "error_description": {"AADSTS65004: no."}}
				}
				return granting(q)
			})
			var out bytes.Buffer
			_, err := consentBy(t, s, &program{stdout: &out, stderr: io.Discard, json: true}, func(a *account.Account) { a.Transport = account.Auto })
			if (err != nil) != (tt.refuses != "") || err != nil && mailer.Fix(err) == "" {
				t.Errorf("got %v", err)
			}
			if tt.granted == nil {
				if out.Len() > 0 {
					t.Errorf("it printed %s", out.String())
				}
				return
			}
			var outcome consentOutcome
			if err := json.Unmarshal(out.Bytes(), &outcome); err != nil {
				t.Fatalf("%v in %s", err, out.String())
			}
			var granted []string
			for _, g := range outcome.Granted {
				granted = append(granted, g.For)
			}
			if !slices.Equal(granted, tt.granted) || outcome.Account != "app" || outcome.Next != "traymail test app" {
				t.Errorf("it printed %s", out.String())
			}
		})
	}
}

func TestAnAnswerThatCannotBeReceivedHereLeavesTheLink(t *testing.T) {
	s, asked := adminPages(t, granting)
	_, _, err := consentOf(t, s, func(a *account.Account) {
		a.SignIn, a.Username, a.Registration, a.RedirectURL = account.BrowserSignIn, "svc@contoso.com", account.Web, "https://central.contoso.com:8383/emsapi/oauth"
	})
	var f *account.FieldError
	if !errors.As(err, &f) || !strings.Contains(f.Fix, s.URL) || !strings.Contains(f.Fix, "redirect_uri=https%3A%2F%2Fcentral.contoso.com%3A8383%2Femsapi%2Foauth") || len(*asked) != 0 {
		t.Errorf("got %v, %d pages", err, len(*asked))
	}
}
