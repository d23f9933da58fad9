package sandbox

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// newFuzzEntra is the identity provider without a network, with a code called
// "code" and a refresh token called "refresh" on its shelves.
func newFuzzEntra(f *testing.F) http.Handler {
	keys, err := newKeyring()
	if err != nil {
		f.Fatal(err)
	}
	c := newClock()
	tenant := contoso(c.now())
	e := &entra{tenant: tenant, keys: keys, base: "https://sandbox", now: c.now}
	app := tenant.app(desktopAppID).clone()
	scopes, refused := GlobalCloud.parseScopes(bothScopes, app)
	if refused != nil {
		f.Fatal(refused.text)
	}
	tenant.user("svc@contoso.com").Consented = map[string][]string{desktopAppID: scopes.ids()}
	end := c.now().AddDate(1, 0, 0)
	g := grant{clientID: desktopAppID, upn: "svc@contoso.com", tenant: contosoID, redirectURI: "http://localhost:1",
		platform: PublicClient, scopes: scopes, challenge: testVerifier, method: "plain", issued: c.now(), began: c.now()}
	refresh := g
	e.codes.put("code", &g, c.now(), end)
	e.refreshes.put("refresh", &refresh, c.now(), end)
	mux := http.NewServeMux()
	e.register(mux)
	return mux
}

func FuzzAuthorizeQuery(f *testing.F) {
	handler := newFuzzEntra(f)
	f.Add("")
	f.Add("client_id=" + desktopAppID + "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A1&scope=" + url.QueryEscape(bothScopes))
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/common/oauth2/v2.0/authorize", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch location := w.Header().Get("Location"); {
		case w.Code == http.StatusBadRequest && location == "":
		case w.Code == http.StatusOK && location == "": // form_post, to a registered address
			asked := r.Form.Get("redirect_uri")
			if s, err := readScreen(r.URL, w.Body); err != nil || s.form == nil || s.form.action != asked {
				t.Errorf("a page of unknown kind for %q", query)
			}
		case w.Code == http.StatusSeeOther && strings.HasPrefix(location, "/signin/account?flow="):
		case w.Code == http.StatusFound:
			u, err := url.Parse(location)
			if err != nil || u.Scheme != "http" || !strings.EqualFold(u.Hostname(), "localhost") {
				t.Errorf("%q leads to %q", query, location)
			}
			if u.Query().Get("code") != "" {
				t.Errorf("%q gets a code without a sign-in", query)
			}
		default:
			t.Errorf("%q: %d %q", query, w.Code, location)
		}
	})
}

func FuzzTokenForm(f *testing.F) {
	handler := newFuzzEntra(f)
	f.Add("")
	f.Add("grant_type=refresh_token&client_id=" + desktopAppID + "&refresh_token=refresh&scope=" + url.QueryEscape(smtpScope))
	f.Add("grant_type=client_credentials&client_id=" + daemonAppID + "&client_secret=wrong&scope=" + url.QueryEscape(appScope))
	f.Add("grant_type=authorization_code&client_id=" + desktopAppID + "&code=code&redirect_uri=http%3A%2F%2Flocalhost%3A1&code_verifier=x&scope=" + url.QueryEscape(smtpScope))
	f.Fuzz(func(t *testing.T, form string) {
		r := httptest.NewRequest(http.MethodPost, "/"+contosoID+"/oauth2/v2.0/token", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var a tokenAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%q: %v", form, err)
		}
		switch {
		case w.Code == http.StatusOK:
			// Only these two shelves hold anything to be had.
			if code, refresh := r.PostForm.Get("code"), r.PostForm.Get("refresh_token"); a.AccessToken == "" || code != "code" && refresh != "refresh" {
				t.Errorf("%q got a token", form)
			}
		case w.Code == http.StatusBadRequest || w.Code == http.StatusUnauthorized:
			if a.Error == "" || a.code() == 0 || a.AccessToken != "" || (w.Code == http.StatusUnauthorized) != (a.Error == "invalid_client") {
				t.Errorf("%q: %d %s", form, w.Code, w.Body)
			}
		default:
			t.Errorf("%q: %d", form, w.Code)
		}
	})
}

// FuzzCertificateUpload: whatever is uploaded, what the portal keeps is one
// public certificate of the upload, and no upload with a private key passes.
func FuzzCertificateUpload(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		certificate, err := publicCertificate(content)
		if err != nil {
			return
		}
		if block, _ := pem.Decode(content); block == nil && !bytes.Equal(content, certificate.Raw) {
			t.Error("the certificate is not what was uploaded")
		}
		for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
			if strings.Contains(block.Type, "PRIVATE KEY") {
				t.Error("a private key passed")
			}
		}
	})
}

// FuzzGoogleQuery: no request leads anywhere but to this machine, or to a page.
func FuzzGoogleQuery(f *testing.F) {
	keys, err := newKeyring()
	if err != nil {
		f.Fatal(err)
	}
	c := newClock()
	e := &entra{tenant: newTenant(GoogleGmail, c.now()), keys: keys, base: "https://sandbox", now: c.now}
	mux := http.NewServeMux()
	e.register(mux)
	f.Add("client_id=" + googleAppID + "&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A1&scope=https%3A%2F%2Fmail.google.com%2F")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/o/oauth2/v2/auth", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		switch location := w.Header().Get("Location"); {
		case w.Code == http.StatusBadRequest && location == "":
		case w.Code == http.StatusSeeOther && strings.HasPrefix(location, "/signin/account?flow="):
		case w.Code == http.StatusFound:
			u, err := url.Parse(location)
			if err != nil || !googleRedirect("http://"+u.Host) || u.Query().Get("code") != "" {
				t.Errorf("%q leads to %q", query, location)
			}
		default:
			t.Errorf("%q: %d %q", query, w.Code, location)
		}
	})
}

func FuzzScreen(f *testing.F) {
	f.Add(`<title>x</title><div role="alert">no</div><form method="post" action="/a"><input name="b" value="c"></form>`)
	at, err := url.Parse("https://sandbox/")
	if err != nil {
		f.Fatal(err)
	}
	p := Person{Username: "svc@contoso.com", Password: "x"}
	f.Fuzz(func(t *testing.T, body string) {
		s, err := readScreen(at, strings.NewReader(body))
		if err != nil || s.form == nil {
			return
		}
		if r, err := p.fill(t.Context(), s); err == nil && r.URL.Host == "" && r.URL.Opaque == "" && r.URL.Scheme == "https" && !strings.Contains(s.form.action, ":") {
			t.Errorf("a form is sent to %q", r.URL)
		}
	})
}
