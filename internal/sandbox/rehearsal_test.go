package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// A rehearsal is a client of every kind that was set up from the ready file, and
// tries everything by the protocols themselves. It says what happens, whatever
// happens.
type rehearsal struct {
	b        *bench
	ready    Ready
	username string
	person   string // who signs in
	password string
	secrets  map[string]string // per kind, as in the settings
	proof    credential        // the application's certificate, if key is not nil
	trusted  bool              // an issuer's token proves the application
	// clients are the client IDs that the settings have, per kind.
	clients   map[string]string
	transport *http.Transport // of every client; nil until there is one
}

// rehearse sets everything up as the ready file has it.
func rehearse(b *bench) *rehearsal {
	r := &rehearsal{b: b, ready: b.Ready, username: "svc@contoso.com", secrets: map[string]string{}, clients: map[string]string{}}
	if b.scenario.Username != "" {
		r.username = b.scenario.Username
	}
	r.person = b.scenario.SignInAs
	for _, a := range r.ready.Apps {
		for kind, name := range map[string]string{KindDesktop: "desktop", KindWeb: "(web)", KindApp: "(application)", KindMailApp: "(Graph)"} {
			if strings.Contains(a.What, name) {
				r.clients[kind], r.secrets[kind] = a.ClientID, a.ClientSecret
			}
		}
	}
	switch {
	case strings.HasPrefix(b.scenario.Name, "app-certificate"):
		r.renewProof()
		if b.scenario.Name == "app-certificate-expired" {
			b.upload(r.proof)
		}
	case strings.HasPrefix(b.scenario.Name, "federated"):
		r.trusted = true
	}
	r.findPassword()
	return r
}

func (r *rehearsal) renewProof() { r.proof = newCredential(r.b) }

func (r *rehearsal) findPassword() {
	r.password = "svc-password-1"
	if r.person == "" {
		r.person = r.username
	}
	for _, u := range r.b.Sandbox.Ready().Users {
		if u.Username == r.person {
			r.password = u.Password
		}
	}
}

// client is a browser without cookies, which stops at the client's address. It
// reaches nothing but names that the sandbox has.
func (r *rehearsal) client() *http.Client {
	if r.transport == nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(r.ready.CAPEM))
		r.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(_ context.Context, _, address string) (net.Conn, error) { return dialKnown(address) }}
		r.b.Cleanup(r.transport.CloseIdleConnections)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.b.Fatal(err)
	}
	return &http.Client{Transport: r.transport, Jar: jar, CheckRedirect: func(q *http.Request, _ []*http.Request) error {
		if q.URL.Path != "" && !strings.HasPrefix(q.URL.Path, "/signin/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// dialKnown is a dialler without DNS: nobody answers for .invalid (RFC 6761).
func dialKnown(address string) (net.Conn, error) {
	if host, _, _ := net.SplitHostPort(address); strings.HasSuffix(host, ".invalid") {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return net.Dial("tcp", address)
}

// words is an error without addresses.
func errorWords(err error) string {
	var unknown x509.UnknownAuthorityError
	var wrong x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	text := strings.ToLower(err.Error())
	switch {
	case errors.As(err, &dns):
		return "no such host"
	case errors.As(err, &unknown):
		return "certificate of " + unknown.Cert.Issuer.CommonName
	case errors.As(err, &wrong):
		return "certificate for " + strings.Join(wrong.Certificate.DNSNames, " ")
	case errors.As(err, &invalid):
		return "certificate expired"
	case strings.Contains(text, "refused"):
		return "refused"
	case strings.Contains(text, "timeout"):
		return "silence"
	case strings.Contains(text, "protocol version"):
		return "TLS version"
	case strings.Contains(text, "reset") || strings.Contains(text, "forcibly") || strings.Contains(text, "aborted") || strings.Contains(text, "eof"):
		return "reset"
	}
	return text
}

var aadsts = regexp.MustCompile(`AADSTS\d+`)

// ask sends a form, or nothing, and returns the answer; said is an error's
// words or "".
func (r *rehearsal) ask(c *http.Client, address string, form url.Values) (reply *http.Response, body, said string) {
	var err error
	if form == nil {
		reply, err = c.Get(address)
	} else {
		reply, err = c.PostForm(address, form)
	}
	if err != nil {
		return nil, "", errorWords(err)
	}
	defer reply.Body.Close()
	all, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, "", errorWords(err)
	}
	return reply, string(all), ""
}

// signIn walks the pages to a code, or says how it ended.
func (r *rehearsal) signIn(clientID, redirect, scope string) (code, said string) {
	c := r.client()
	q, err := url.Parse(r.b.authorizeURL("client_id", clientID, "redirect_uri", redirect, "scope", scope, "login_hint", r.username))
	if err != nil {
		r.b.Fatal(err)
	}
	reply, body, said := r.ask(c, r.ready.AuthorizeURL+"?"+q.RawQuery, nil)
	return r.walk(c, reply, body, said)
}

// walk goes on from a page.
func (r *rehearsal) walk(c *http.Client, reply *http.Response, body, said string) (code, how string) {
	for range maxPages {
		if said != "" {
			return "", said
		}
		if to := reply.Header.Get("Location"); to != "" {
			u, err := url.Parse(to)
			if err != nil {
				r.b.Fatal(err)
			}
			if code = u.Query().Get("code"); code != "" {
				return code, "code"
			}
			return "", "back with " + u.Query().Get("error") + " " + aadsts.FindString(u.Query().Get("error_description"))
		}
		s, err := readScreen(reply.Request.URL, strings.NewReader(body))
		if err != nil {
			r.b.Fatal(err)
		}
		if s.alert != "" || s.form == nil {
			if number := aadsts.FindString(body); number != "" {
				return "", "page with " + number
			}
			return "", s.text
		}
		values := url.Values{}
		for name, value := range s.form.fields {
			values.Set(name, value)
		}
		for name, value := range map[string]string{"login": r.person, "passwd": r.password, "otc": "135790"} {
			if values.Has(name) {
				values.Set(name, value)
			}
		}
		target, err := s.at.Parse(s.form.action)
		if err != nil {
			r.b.Fatal(err)
		}
		reply, body, said = r.ask(c, target.String(), values)
	}
	return "", "pages without end"
}

// token asks the token endpoint; said has whose token it is, and for what.
func (r *rehearsal) token(form url.Values) (a tokenAnswer, said string) {
	reply, body, said := r.ask(r.client(), r.ready.TokenURL, form)
	if said != "" {
		return a, said
	}
	if json.Unmarshal([]byte(body), &a) != nil {
		return a, fmt.Sprint(reply.StatusCode, " no JSON")
	}
	if a.AccessToken == "" {
		return a, fmt.Sprint(reply.StatusCode, " ", a.Error, " ", aadsts.FindString(a.Description))
	}
	claims, ok := r.b.entra.check(a.AccessToken)
	who := claims.UPN
	switch {
	case !ok:
		who = "nobody"
	case who == "":
		who = "application"
	case strings.EqualFold(who, r.username):
		who = "username"
	}
	granted := slices.Sorted(slices.Values(append(claims.Scopes, claims.Roles...)))
	return a, strings.TrimSpace(fmt.Sprint(reply.StatusCode, " ", who, " ", strings.Join(granted, " ")))
}

// application asks for a token by itself.
func (r *rehearsal) application(kind, scope string) (tokenAnswer, string) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.clients[kind]}, "scope": {scope}}
	switch {
	case kind == KindApp && r.proof.key != nil:
		form.Set("client_assertion_type", jwtBearer)
		form.Set("client_assertion", r.proof.assertion(r.b, func(c *jwt.Claims) { c.Audience = jwt.Audience{r.ready.TokenURL} }))
	case kind == KindApp && r.trusted:
		_, body, _ := r.ask(r.client(), r.ready.FederatedTokenURL, nil)
		form.Set("client_assertion_type", jwtBearer)
		form.Set("client_assertion", body)
	default:
		form.Set("client_secret", r.secrets[kind])
	}
	return r.token(form)
}

// device gets a token with a device code.
func (r *rehearsal) device(scope string) string {
	reply, body, said := r.ask(r.client(), r.ready.DeviceURL, url.Values{"client_id": {r.clients[KindDesktop]}, "scope": {"openid profile offline_access " + scope}})
	if said != "" {
		return said
	}
	var d deviceReply
	if json.Unmarshal([]byte(body), &d) != nil {
		return fmt.Sprint(reply.StatusCode, " no JSON")
	}
	if d.DeviceCode == "" {
		return fmt.Sprint(reply.StatusCode, " ", aadsts.FindString(body))
	}
	c := r.client()
	reply, body, said = r.ask(c, r.ready.DevicePage, url.Values{"user_code": {d.UserCode}})
	if _, said = r.walk(c, reply, body, said); !strings.Contains(said, "You have signed in") {
		return said
	}
	form := url.Values{"grant_type": {deviceGrant}, "client_id": {r.clients[KindDesktop]}, "device_code": {d.DeviceCode}}
	if secret := r.secrets[KindDesktop]; secret != "" {
		form.Set("client_secret", secret)
	}
	_, said = r.token(form)
	return said
}

// graph sends over Graph.
func (r *rehearsal) graph(path, body, token string) string {
	if token == "" {
		return "no token"
	}
	q, err := http.NewRequest(http.MethodPost, r.ready.GraphURL+path, strings.NewReader(body))
	if err != nil {
		r.b.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	reply, err := r.client().Do(q)
	if err != nil {
		return errorWords(err)
	}
	defer reply.Body.Close()
	var refused struct{ Error struct{ Code string } }
	json.NewDecoder(reply.Body).Decode(&refused)
	return strings.TrimSpace(fmt.Sprint(reply.StatusCode, " ", refused.Error.Code))
}

// everything tries everything, from the start.
func (r *rehearsal) everything() outcome {
	const graphScope = "https://graph.microsoft.com/"
	const invoices, alerts = "invoices@contoso.com", "alerts@contoso.com"
	appScope, wanted := "https://outlook.office365.com/.default", smtpScope
	switch scope := r.ready.SMTPScope; {
	case strings.HasSuffix(scope, "/.default"):
		appScope = scope
	case scope != "":
		wanted = scope
	}
	both := strings.Replace(bothScopes, smtpScope, wanted, 1)
	o := outcome{}
	r.b.clock.add(time.Second)
	r.findPassword()
	reply, _, said := r.ask(r.client(), r.ready.PortalURL, nil)
	if said != "" {
		r.b.Fatal(said)
	}
	at, err := http.ParseTime(reply.Header.Get("Date"))
	if err != nil {
		r.b.Fatal(err)
	}
	o["clock is ahead"] = at.Sub(r.b.clock.now()).String()
	o["SMTP: certificate"] = r.issuer()
	if reply, body, said := r.ask(r.client(), r.ready.DiscoveryURL, nil); said != "" {
		o["discovery"] = said
	} else if o["discovery"] = strings.TrimSpace(fmt.Sprint(reply.StatusCode, " ", aadsts.FindString(body))); !json.Valid([]byte(body)) {
		o["discovery"] = "no JSON"
	}
	redeem := func(kind, redirect, scope, first string) (a tokenAnswer) {
		code, said := r.signIn(r.clients[kind], redirect, scope)
		if o[kind+": sign-in"], o[kind+": token"] = said, said; code == "" {
			return a
		}
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {r.clients[kind]}, "code": {code},
			"redirect_uri": {redirect}, "code_verifier": {testVerifier}, "scope": {"openid profile offline_access " + first}}
		if secret := r.secrets[kind]; secret != "" {
			form.Set("client_secret", secret)
		}
		a, o[kind+": token"] = r.token(form)
		return a
	}
	renew := func(name, refresh, scope string) (a tokenAnswer) {
		if o[name] = "no token"; refresh != "" {
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {r.clients[KindDesktop]}, "refresh_token": {refresh}, "scope": {scope}}
			a, o[name] = r.token(form)
		}
		return a
	}
	a := redeem(KindDesktop, "http://localhost:1", both, wanted)
	replies := r.smtp(a.AccessToken, "", invoices, alerts)
	o["desktop: SMTP"], o["desktop: mail"], o["desktop: from invoices"], o["desktop: on behalf of alerts"] = replies[0], replies[1], replies[2], replies[3]
	renew("desktop: User.Read", a.RefreshToken, graphScope+"User.Read")
	if strings.Contains(o["desktop: User.Read"], "User.Read") { // and whatever else was granted
		o["desktop: User.Read"] = "200"
	}
	renew("desktop: renewal", a.RefreshToken, wanted)
	redeem(KindWeb, "http://localhost:53682/callback", both, wanted)
	o["device: token"] = r.device(wanted)

	// Graph is a sign-in of its own.
	r.clients[KindGraph], r.secrets[KindGraph] = r.clients[KindDesktop], r.secrets[KindDesktop]
	mailScope := graphScope + "Mail.Send " + graphScope + "User.Read " + graphScope + "Mail.Send.Shared"
	a = redeem(KindGraph, "http://localhost:1", "openid profile offline_access "+mailScope, mailScope)
	o["graph: as username"] = r.graph("/v1.0/me/sendMail", simple(""), a.AccessToken)
	o["graph: from invoices"] = r.graph("/v1.0/me/sendMail", simple(invoices), a.AccessToken)
	o["graph: on behalf of alerts"] = r.graph("/v1.0/me/sendMail", simple(alerts), a.AccessToken)

	a, o["app: token"] = r.application(KindApp, appScope)
	replies = r.smtp(a.AccessToken, "", invoices)
	o["app: SMTP"], o["app: mail"], o["app: from invoices"] = replies[0], replies[1], replies[2]
	a, o["graph app: token"] = r.application(KindMailApp, graphScope+".default")
	o["graph app: as username"] = r.graph("/v1.0/users/"+url.PathEscape(r.username)+"/sendMail", simple(""), a.AccessToken)
	o["graph app: from invoices"] = r.graph("/v1.0/users/"+url.PathEscape(r.username)+"/sendMail", simple(invoices), a.AccessToken)
	o["password: SMTP"] = r.smtpPassword()
	return o
}
