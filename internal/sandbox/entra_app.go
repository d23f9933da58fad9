package sandbox

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// jwtBearer is the only client_assertion_type (RFC 7523 §2.2).
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// checkAppTenant checks the first path segment of a client_credentials request,
// which has to name a tenant: no account implies one.
func (e *entra) checkAppTenant(segment string) *refusal {
	switch {
	case e.personal(), segment == "consumers":
		return refuse("invalid_request", 9001023, "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.")
	case segment == "common", segment == "organizations":
		return refuse("invalid_request", 50059, "No tenant-identifying information found in either the request or implied by any provided credentials.")
	}
	return nil
}

func clientPublic() *refusal {
	return refuse("invalid_client", 700025, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.")
}

// confidential reports whether the registration has anything to prove itself by.
func (a *App) confidential() bool {
	return a.Secret != "" || len(a.Certificates) > 0 || len(a.Federated) > 0
}

// prove checks the secret or the assertion by which a confidential client
// proves itself.
func (e *entra) prove(r *http.Request, app *App, secret string) *refusal {
	assertion, kind := r.PostForm.Get("client_assertion"), r.PostForm.Get("client_assertion_type")
	switch {
	case assertion != "" && kind == "":
		return parameterMissing("client_assertion_type")
	case assertion != "" && kind != jwtBearer:
		return parameterInvalid("client_assertion_type", kind)
	case assertion != "":
		return e.checkAssertion(e.at(r), app, assertion)
	case secret == "":
		return refuse("invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case app.Secret == "" || secret != app.Secret:
		return refuse("invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", app.ClientID)
	case !app.SecretExpires.IsZero() && !e.now().Before(app.SecretExpires):
		return refuse("invalid_client", 7000222, "The provided client secret keys for app '%s' are expired. Create new keys for the app in the portal, or use a certificate.", app.ClientID)
	}
	return nil
}

// appTokenClaims are those of a v1.0 access token that an application got for
// itself. Without granted roles the claim is absent: so it is where RBAC for
// Applications gives the permission.
type appTokenClaims struct {
	jwt.Claims
	AIO           string   `json:"aio"`
	AppName       string   `json:"app_displayname"`
	AppID         string   `json:"appid"`
	AppACR        string   `json:"appidacr"`
	IDP           string   `json:"idp"`
	IdentityType  string   `json:"idtyp"`
	ObjectID      string   `json:"oid"`
	RH            string   `json:"rh"`
	Roles         []string `json:"roles,omitempty"`
	TenantID      string   `json:"tid"`
	UTI           string   `json:"uti"`
	Version       string   `json:"ver"`
	WIDs          []string `json:"wids"`
	TenantCreated int64    `json:"xms_tcdt"`
}

// redeemApp is grant_type=client_credentials: the application signs in as
// itself, for everything that it was granted at one resource.
func (e *entra) redeemApp(r *http.Request, app *App, secret string) (reply tokenReply, refused *refusal) {
	acr := "1"
	if r.PostForm.Get("client_assertion") != "" {
		acr = "2"
	}
	if app.AllowPublicFlows && !app.confidential() {
		return reply, clientPublic()
	}
	if refused = e.prove(r, app, secret); refused != nil {
		return reply, refused
	}
	api, audience, refused := e.appScope(r.PostForm.Get("scope"))
	if refused != nil {
		return reply, refused
	}
	lifetime, now, issuer := e.accessLifetime(), e.now(), e.accessIssuer()
	token, err := e.keys.sign(appTokenClaims{
		Claims: jwt.Claims{
			Issuer: issuer, Subject: app.EnterpriseID, Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(lifetime)),
		},
		AIO: randomName(), AppName: app.Name, AppID: app.ClientID, AppACR: acr, IDP: issuer, IdentityType: "app",
		ObjectID: app.EnterpriseID, RH: "1." + randomName() + ".", Roles: app.granted(api), TenantID: e.tenant.ID,
		UTI: randomName()[:22], Version: "1.0", WIDs: []string{"0997a1d0-0d1d-4acb-b408-d5ca73121e90"},
		TenantCreated: 1577836800,
	})
	if err != nil {
		return reply, refuse("server_error", 90033, "A transient error has occurred. Please try again.")
	}
	seconds := int(lifetime/time.Second) - 1
	return tokenReply{TokenType: "Bearer", ExpiresIn: seconds, ExtExpiresIn: seconds, AccessToken: token}, nil
}

// appScope reads the scope of client_credentials: one resource's .default. The
// audience is the resource as the client spelled it.
func (e *entra) appScope(raw string) (api *resource, audience string, refused *refusal) {
	words := strings.Fields(raw)
	if len(words) == 0 {
		return nil, "", parameterMissing("scope")
	}
	if len(words) > 1 {
		return nil, "", refuse("invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", raw)
	}
	audience, ok := strings.CutSuffix(words[0], "/.default")
	if !ok || audience == "" {
		return nil, "", refuse("invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", words[0])
	}
	if api = e.tenant.Provider.resource(audience); api == nil {
		return nil, "", resourceUnknown(audience)
	}
	return api, audience, nil
}

// granted lists the names of the application permissions at api that an
// administrator has consented to; nil is none.
func (a *App) granted(api *resource) (names []string) {
	for _, id := range a.GrantedRoles {
		if i := strings.LastIndexByte(id, '/'); i >= 0 && findResource(id[:i]) == api {
			names = append(names, id[i+1:])
		}
	}
	return names
}
