package checks

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"traymail/internal/account"
)

// clientID asks the authority for a device code, which tells whether it knows
// the app. Nobody is shown the code, and it expires unused. The scope is one
// that every app may ask for, so that no permission matters.
//
// That Entra looks at the client ID here, and at the kind of registration only
// when the code is redeemed, is own knowledge.
func (r *run) clientID(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn == account.PasswordSignIn:
		return skipped("a password has no app registration")
	case !a.HasEntra():
		return skipped("only a sign-in shows whether the provider knows the client ID")
	}
	address := a.Endpoint("oauth2/v2.0/devicecode")
	if a.DeviceURL != "" {
		address = a.DeviceURL
	}
	host, _ := hostOf(address)
	p, err := r.post(ctx, address, url.Values{"client_id": {a.ClientID}, "scope": {"openid"}})
	if err != nil {
		return r.webFailed(ctx, address, err)
	}
	if result, wrong := r.notTheProvider(host, p); wrong {
		return result
	}
	var given struct {
		Code string `json:"device_code"`
	}
	if p.status == http.StatusOK && json.Unmarshal(p.body, &given) == nil && given.Code != "" {
		return passed("the app %s is known in %s", a.ClientID, r.whichTenant())
	}
	o := oauthOf(p.body)
	switch finding := aboutApp(o); {
	case p.status == http.StatusTooManyRequests:
		return r.found("entra-throttled", Fail, host+" has had too many requests from here", o.reply())
	case p.status >= 500:
		return r.found("authority-unavailable", Fail, fmt.Sprintf("%s answered HTTP %d", host, p.status), o.reply())
	case finding != "":
		result := r.found(finding, Fail, fmt.Sprintf("%s refuses the app %s for %s", host, a.ClientID, r.whichTenant()), o.reply())
		if finding == "app-not-in-tenant" {
			result.Detail = paragraphs(result.Detail, r.whoseID())
		}
		return result
	case r.provesAppKnown(o):
		return passed("the app %s is known in %s", a.ClientID, r.whichTenant())
	}
	return r.found("client-id-not-proven", Warn, fmt.Sprintf("%s did not say whether it knows the app %s", host, a.ClientID), o.reply())
}

// provesAppKnown reports whether a refusal is one that only a known app gets:
// its registration is for something else than device codes.
func (r *run) provesAppKnown(o oauthError) bool {
	switch o.number() {
	case 7000218, 700025, 65001, 70011, 650056, 650057, 90094, 50105, 530003, 53003:
		return true
	}
	return false
}

// whoseID tells what else the client ID is, or may be.
func (r *run) whoseID() string {
	a := &r.Account
	switch {
	case strings.EqualFold(a.ClientID, a.Tenant), strings.EqualFold(a.ClientID, r.tenantID):
		return a.ClientID + " is the Directory (tenant) ID, and not the Application (client) ID, which stands beside it."
	case strings.EqualFold(a.ClientID, a.ObjectID):
		return a.ClientID + " is the Object ID that the account names, and not the Application (client) ID, which stands beside it."
	}
	return "The app's Overview page shows three IDs of the same form: the Application (client) ID is the one that counts, not the Object ID, nor the Directory (tenant) ID."
}

func (r *run) whichTenant() string {
	if r.tenantID != "" && !strings.EqualFold(r.tenantID, r.Account.Tenant) {
		return fmt.Sprintf("the tenant %s (%s)", r.Account.Tenant, r.tenantID)
	}
	return "the tenant " + r.Account.Tenant
}

// redirectURL asks for a sign-in without a page (prompt=none, OpenID Connect
// Core §3.1.2.1). Entra sends whoever asks so on to a registered redirect URL,
// with the error that nobody is signed in; to another one it never does.
func (r *run) redirectURL(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn != account.BrowserSignIn:
		return skipped("nobody signs in in a browser")
	case !a.HasEntra():
		return skipped("only a sign-in shows whether the provider knows %s", a.RedirectURL)
	}
	address := a.Endpoint("oauth2/v2.0/authorize")
	if a.AuthorizeURL != "" {
		address = a.AuthorizeURL
	}
	host, _ := hostOf(address)
	challenge := sha256.Sum256([]byte(rand.Text())) // nobody redeems the code that never comes
	p, err := r.get(ctx, address+"?"+url.Values{
		"client_id": {a.ClientID}, "response_type": {"code"}, "response_mode": {"query"}, "prompt": {"none"},
		"redirect_uri": {a.RedirectURL}, "scope": {"openid"}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode())
	if err != nil {
		return r.webFailed(ctx, address, err)
	}
	if p.status == http.StatusProxyAuthRequired {
		result, _ := r.notTheProvider(host, p)
		return result
	}
	if p.location != nil && sameAddress(a.RedirectURL, p.location) {
		q := p.location.Query()
		o := oauthError{Code: q.Get("error"), Description: q.Get("error_description")}
		if finding := aboutApp(o); finding != "" {
			return r.found(finding, Fail, fmt.Sprintf("%s does not sign in to the app %s", host, a.ClientID), o.reply())
		}
		return passed("%s is registered for the app %s", a.RedirectURL, a.ClientID)
	}
	said := sentence(p.body)
	o := oauthError{Description: said}
	switch finding := aboutApp(o); {
	case finding == "redirect-url-not-registered":
		return r.found(finding, Fail, fmt.Sprintf("%s is not registered for the app %s", a.RedirectURL, a.ClientID), said)
	case finding != "":
		return r.found(finding, Fail, fmt.Sprintf("%s does not sign in to the app %s", host, a.ClientID), said)
	}
	what := fmt.Sprintf("%s answered %s (HTTP %d)", host, p.kind(), p.status)
	if p.location != nil {
		what = fmt.Sprintf("%s sends the browser on to %s", host, p.location.Host)
	}
	return r.found("redirect-url-not-proven", Warn, fmt.Sprintf("only a sign-in shows whether %s is registered: %s", a.RedirectURL, what), said)
}

// sameAddress compares a redirect URL with where the browser was sent: Entra
// adds a slash to one without a path.
func sameAddress(redirectURL string, location *url.URL) bool {
	u, err := url.Parse(redirectURL)
	if err != nil {
		return false
	}
	path := func(u *url.URL) string { return "/" + strings.TrimPrefix(u.Path, "/") }
	return u.Scheme == location.Scheme && strings.EqualFold(u.Host, location.Host) && path(u) == path(location)
}

var refusalSentence = regexp.MustCompile(`AADSTS[1-9]\d{3,7}:[^"<>\r\n\\]*`)

// sentence finds Entra's refusal in a page.
func sentence(page []byte) string {
	found := string(refusalSentence.Find(page))
	return clip(printable(html.UnescapeString(found)), 600)
}
