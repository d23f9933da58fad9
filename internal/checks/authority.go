package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"traymail/internal/account"
	"traymail/internal/refusals"
)

// metadataAddress is where the authority describes itself for this account's
// tenant (OpenID Connect Discovery §4), "" where it does not.
func (r *run) metadataAddress() string {
	switch a := &r.Account; {
	case a.SignIn == account.PasswordSignIn:
		return ""
	case a.HasEntra():
		return a.Endpoint("v2.0/.well-known/openid-configuration")
	case a.Issuer != "" && sameHost(a.Issuer, a.AuthorizeURL):
		return strings.TrimSuffix(a.Issuer, "/") + "/.well-known/openid-configuration"
	}
	return ""
}

// sameHost reports whether two addresses are of one host: what an issuer says of
// itself elsewhere is not about the sign-in that the account uses.
func sameHost(a, b string) bool {
	one, _ := hostOf(a)
	other, _ := hostOf(b)
	return one == other || b == ""
}

// metadata is what an authority says of itself. The cloud is Entra's own field.
type metadata struct {
	Issuer string `json:"issuer"`
	Cloud  string `json:"cloud_instance_name"`
}

// authority asks the authority for its description of the tenant.
func (r *run) authority(ctx context.Context) Result {
	r.tenantID = ""
	address := r.metadataAddress()
	switch {
	case r.Account.SignIn == account.PasswordSignIn:
		return skipped("a password goes to the submission server, and to no authority")
	case address == "":
		return skipped("the provider's sign-in has no description that could be asked for; the token tells")
	}
	p := r.metadata
	if r.metadata = nil; p == nil || r.again {
		var err error
		if p, err = r.get(ctx, address); err != nil {
			if r.done[NameResolution].Status == Fail && r.done[NameResolution].Finding == faultOf(err).finding {
				return stopped(NameResolution)
			}
			return r.webFailed(ctx, address, err)
		}
	}
	host, _ := hostOf(address)
	if result, wrong := r.notTheProvider(host, p); wrong {
		return result
	}
	if p.status != http.StatusOK {
		return r.notDescribed(host, p)
	}
	var m metadata
	if err := json.Unmarshal(p.body, &m); err != nil || m.Issuer == "" {
		return r.found("proxy-page", Fail, host+" answered JSON that names no issuer: something else answers in its place, or authority_url is wrong", "")
	}
	if r.Account.HasEntra() {
		return r.tenant(host, m)
	}
	if strings.TrimSuffix(m.Issuer, "/") != strings.TrimSuffix(r.Account.Issuer, "/") {
		return r.found("settings-invalid", Fail, fmt.Sprintf("%s describes the issuer %s, and the account's is %s", host, clip(m.Issuer, 200), r.Account.Issuer), "")
	}
	return passed("%s answers as %s", host, m.Issuer)
}

var issuerTenant = regexp.MustCompile(`/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:/|$)`)

// tenant takes the tenant from its description.
func (r *run) tenant(host string, m metadata) Result {
	a := &r.Account
	if other, elsewhere := clouds[m.Cloud]; elsewhere && other != clouds[cloudOf(a.Provider)] {
		result := r.found("tenant-unknown", Fail, fmt.Sprintf("the tenant %s is in another cloud, %s", a.Tenant, other), "")
		result.Fix = fmt.Sprintf("choose the provider of that cloud: traymail account edit %s", a.Name)
		return result
	}
	if id := issuerTenant.FindStringSubmatch(m.Issuer); id != nil {
		r.tenantID = strings.ToLower(id[1])
	}
	switch {
	case r.tenantID == "":
		return passed("%s answers for %q, which stands for many tenants", host, a.Tenant)
	case strings.EqualFold(a.Tenant, r.tenantID):
		return passed("the tenant %s exists at %s", a.Tenant, host)
	}
	return passed("the tenant %s exists at %s; its ID is %s", a.Tenant, host, r.tenantID)
}

// clouds are the values of cloud_instance_name. That Entra gives a tenant of
// another cloud this way is own knowledge.
var clouds = map[string]string{
	"microsoftonline.com": "the global one", "microsoftonline.us": "the US Government's",
	"partner.microsoftonline.cn": "the one in China, which 21Vianet operates",
}

func cloudOf(provider string) string {
	switch provider {
	case account.Microsoft365US, account.Microsoft365DD:
		return "microsoftonline.us"
	case account.Microsoft365CN:
		return "partner.microsoftonline.cn"
	}
	return "microsoftonline.com"
}

// notTheProvider recognises what answers in the provider's place.
func (r *run) notTheProvider(host string, p *page) (Result, bool) {
	switch {
	case p.status == http.StatusProxyAuthRequired:
		return r.found("proxy-required", Fail, host+" is behind a proxy that wants a user name and a password", ""), true
	case p.isJSON():
		return Result{}, false
	case p.location != nil:
		return r.found("proxy-page", Fail, fmt.Sprintf("%s sends this computer on to %s: the login page of a network, or a proxy, answers in its place", host, p.location.Host), ""), true
	case p.status >= 500:
		return r.found("authority-unavailable", Fail, fmt.Sprintf("%s answered HTTP %d", host, p.status), ""), true
	}
	return r.found("proxy-page", Fail, fmt.Sprintf("%s answered %s (HTTP %d) instead of JSON: a proxy, or the login page of a network, answers in its place", host, p.kind(), p.status), ""), true
}

// notDescribed says why the authority has no description.
func (r *run) notDescribed(host string, p *page) Result {
	o := oauthOf(p.body)
	switch {
	case p.status == http.StatusTooManyRequests:
		return r.found("entra-throttled", Fail, host+" has had too many requests from here", o.reply())
	case p.status >= 500:
		return r.found("authority-unavailable", Fail, fmt.Sprintf("%s answered HTTP %d", host, p.status), o.reply())
	}
	finding := aboutApp(o)
	if finding == "" {
		finding = "tenant-unknown"
	}
	if !r.Account.HasEntra() {
		return r.found("settings-invalid", Fail, fmt.Sprintf("%s answered HTTP %d to the question what it is", host, p.status), o.reply())
	}
	return r.found(finding, Fail, fmt.Sprintf("%s does not know the tenant %s", host, r.Account.Tenant), o.reply())
}

// appFindings are the catalogue's entries of what is about the tenant or the app
// registration, whoever signs in.
var appFindings = []string{
	"tenant-unknown", "tenant-missing", "app-not-in-tenant", "single-tenant-app", "work-accounts-only", "personal-accounts-only",
	"app-disabled", "exchange-not-in-tenant", "redirect-url-not-registered", "redirect-url-malformed",
}

// aboutApp is the finding of a refusal that is about the tenant or the app, ""
// for any other.
func aboutApp(o oauthError) string {
	if known, ok := refusals.OfEntra(o.number()); ok && slices.Contains(appFindings, known.ID) {
		return known.ID
	}
	return ""
}

// An oauthError is an error of OAuth (RFC 6749 §5.2), as Entra gives it.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Numbers     []int  `json:"error_codes"`
}

func oauthOf(body []byte) oauthError {
	var o oauthError
	json.Unmarshal(body, &o) // what is not there stays empty
	return o
}

var aadsts = regexp.MustCompile(`AADSTS([1-9]\d{3,7})`)

// number is Entra's own, 0 when there is none.
func (o oauthError) number() int {
	if m := aadsts.FindStringSubmatch(o.Description); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	if len(o.Numbers) > 0 {
		return o.Numbers[0]
	}
	return 0
}

// reply is the provider's words in a line.
func (o oauthError) reply() string {
	if o.Code == "" || strings.Contains(o.Description, "AADSTS") {
		return clip(printable(strings.ReplaceAll(o.Description, "\r\n", " ")), 600)
	}
	return clip(printable(o.Code+": "+o.Description), 600)
}
