package sandbox

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var updateDialogs = flag.Bool("update-dialogs", false, "write testdata/entra_*.txt as the dialogs are now")

// A recorder writes down every request and response that passes through it,
// with what is random named by its first appearance.
type recorder struct {
	next  http.RoundTripper
	base  string
	text  strings.Builder
	names map[string]string
}

var (
	styleText = regexp.MustCompile(`(?s)<style.*?</style>\n`)
	random    = regexp.MustCompile(`(?:1\.A?)?[A-Za-z0-9_-]{43,}(?:\.[A-Za-z0-9_-]+)*|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[A-HJ-NP-Z2-9]{9}\b`)
)

// known are the values that look random and are not.
func known(s string) bool {
	return s == testVerifier || slices.Contains([]string{contosoID, desktopAppID, webAppID, daemonAppID, graphAudience}, s)
}

func (c *recorder) normal(s string) string {
	s = styleText.ReplaceAllString(strings.ReplaceAll(s, c.base, "https://sandbox"), "")
	return random.ReplaceAllStringFunc(s, func(found string) string {
		if known(found) {
			return found
		}
		if c.names[found] == "" {
			c.names[found] = fmt.Sprintf("{random-%d}", len(c.names)+1)
		}
		return c.names[found]
	})
}

// note writes one direction's lines behind a mark.
func (c *recorder) note(mark, text string) {
	text = strings.ReplaceAll(strings.TrimRight(c.normal(text), "\n"), "\r\n", "\n")
	for line := range strings.SplitSeq(text, "\n") {
		c.text.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
}

func (c *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	request := fmt.Sprintf("%s %s\n", r.Method, r.URL.RequestURI())
	if cookie := r.Header.Get("Cookie"); cookie != "" {
		request += "Cookie: " + cookie + "\n"
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		request += "\n" + strings.ReplaceAll(string(body), "&", "\n&")
	}
	c.note("C:", request)
	reply, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	reply.Body = io.NopCloser(bytes.NewReader(body))
	response := reply.Status + "\n"
	var names []string
	for name := range reply.Header {
		if name != "Content-Length" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		response += name + ": " + strings.Join(reply.Header[name], "\n"+name+": ") + "\n"
	}
	c.note("S:", response+"\n"+string(body))
	c.text.WriteString("\n")
	return reply, err
}

// record plays a dialog and compares it with the one on file.
func record(t *testing.T, name, scenario string, play func(b *bench, c *http.Client)) {
	t.Helper()
	b := newBench(t, scenario)
	b.Tenant().Change(func(tenant *Tenant) { tenant.AccessTokenLifetime = time.Hour })
	c := b.browser()
	r := &recorder{next: c.Transport, base: b.Authority, names: map[string]string{}}
	c.Transport = r
	play(b, c)
	file := filepath.Join("testdata", "entra_"+name+".txt")
	if *updateDialogs {
		if err := os.WriteFile(file, []byte(r.text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A checkout on Windows may have made CRLF of the file's lines.
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), r.text.String()); diff != "" {
		t.Errorf("the dialog differs from %s (-file +now):\n%s", file, diff)
	}
}

func TestDialogs(t *testing.T) {
	t.Run("sign in, redeem, refresh for Graph, ask who it is", func(t *testing.T) {
		record(t, "signin", "default", func(b *bench, c *http.Client) {
			code := b.walk(c, b.authorizeURL("login_hint", "svc@contoso.com", "response_mode", "query"))
			form := url.Values{
				"grant_type": {"authorization_code"}, "client_id": {desktopAppID}, "code": {code},
				"redirect_uri": {"http://localhost:1"}, "code_verifier": {testVerifier}, "scope": {"openid profile " + smtpScope},
			}
			refresh := b.tokenWith(c, form).RefreshToken
			form = url.Values{"grant_type": {"refresh_token"}, "client_id": {desktopAppID}, "refresh_token": {refresh},
				"scope": {"https://graph.microsoft.com/User.Read"}}
			graph := b.tokenWith(c, form).AccessToken
			r, err := http.NewRequest(http.MethodGet, b.GraphURL+"/v1.0/me?$select=userPrincipalName,proxyAddresses", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+graph)
			b.do(c, r)
		})
	})
	t.Run("wrong account, wrong password, wrong code, form_post", func(t *testing.T) {
		record(t, "mistakes", "default", func(b *bench, c *http.Client) {
			v := b.get(c, b.authorizeURL("response_mode", "form_post"))
			v = b.submit(c, v, "login", "nobody@contoso.com")
			v = b.submit(c, v, "login", "mfa@contoso.com")
			v = b.submit(c, v, "passwd", "wrong")
			v = b.submit(c, v, "passwd", "mfa-password-1")
			v = b.submit(c, v, "otc", "000000")
			v = b.submit(c, v, "otc", "246810")
			b.submit(c, v)
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		record(t, "cancel", "default", func(b *bench, c *http.Client) {
			v := b.get(c, b.authorizeURL())
			b.cancel(c, v)
			b.submit(c, v, "login", "svc@contoso.com")
		})
	})
	t.Run("refused on a page, and by the token endpoint", func(t *testing.T) {
		record(t, "refusals", "default", func(b *bench, c *http.Client) {
			b.get(c, b.authorizeURL("redirect_uri", "http://localhost:1/other"))
			b.get(c, b.authorizeURL("scope", "https://outlook.office.com/SMTP.SendAsApp"))
			b.tokenWith(c, url.Values{"grant_type": {"refresh_token"}, "client_id": {webAppID}, "refresh_token": {"x"}})
			code := b.signIn("client_id", webAppID, "redirect_uri", "http://localhost:53682/callback")
			b.tokenWith(c, webForm(code, b.Tenant().app(webAppID).SecretID))
		})
	})
	t.Run("an application with its certificate, and with another's", func(t *testing.T) {
		record(t, "certificate", "default", func(b *bench, c *http.Client) {
			own, other := newCredential(b), newCredential(b)
			if _, err := b.Tenant().AddCertificate(daemonAppID, own.certificate.Raw); err != nil {
				t.Fatal(err)
			}
			for _, signer := range []credential{own, other} {
				b.tokenWith(c, appForm("client_secret", "", "client_assertion_type", jwtBearer, "client_assertion", signer.assertion(b, nil)))
			}
		})
	})
	t.Run("admin consent, first not by an administrator", func(t *testing.T) {
		record(t, "adminconsent", "default", func(b *bench, c *http.Client) {
			v := b.get(c, b.adminURL())
			v = b.submit(c, v, "login", "svc@contoso.com")
			v = b.submit(c, v, "passwd", "svc-password-1")
			b.submit(c, v)
			c.Jar = b.browser().Jar
			v = b.get(c, b.adminURL())
			v = b.submit(c, v, "login", "admin@contoso.com")
			v = b.submit(c, v, "passwd", "admin-password-1")
			b.submit(c, v)
		})
	})
	t.Run("device code", func(t *testing.T) {
		record(t, "device", "default", func(b *bench, c *http.Client) {
			b.post(c, b.DeviceURL, url.Values{"client_id": {desktopAppID}, "scope": {smtpScope}}, nil)
			d := b.device(desktopAppID)
			form := url.Values{"grant_type": {deviceGrant}, "client_id": {desktopAppID}, "device_code": {d.DeviceCode}}
			b.tokenWith(c, form)
			v := b.submit(c, b.get(c, b.DevicePage), "user_code", d.UserCode)
			v = b.submit(c, v, "login", "svc@contoso.com")
			v = b.submit(c, v, "passwd", "svc-password-1")
			b.submit(c, v)
			b.tokenWith(c, form)
		})
	})
}
