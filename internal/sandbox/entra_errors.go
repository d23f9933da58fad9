package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// A refusal is one of Entra's errors: what OAuth calls it, its AADSTS number
// and its sentence.
type refusal struct {
	oauth    string
	code     int
	text     string
	suberror string
	// claims is what the next authorize request has to carry, as JSON.
	claims string
}

// refuse makes a refusal of a formatted sentence.
func refuse(oauth string, code int, format string, args ...any) *refusal {
	return &refusal{oauth: oauth, code: code, text: fmt.Sprintf(format, args...)}
}

// An incident is a refusal with what support asks for: when, and which request.
type incident struct {
	*refusal
	at                 time.Time
	trace, correlation string
}

// newIncident stamps a refusal. The client may name the correlation ID.
func newIncident(f *refusal, now time.Time, r *http.Request) incident {
	correlation := r.Header.Get("client-request-id")
	if !isGUID(correlation) {
		correlation = randomGUID()
	}
	return incident{f, now.UTC(), randomGUID(), correlation}
}

// headline is the sentence with its number, without the IDs.
func (i incident) headline() string { return fmt.Sprintf("AADSTS%d: %s", i.code, i.text) }

func (i incident) timestamp() string { return i.at.Format("2006-01-02 15:04:05Z") }

// description is the error_description parameter.
func (i incident) description() string {
	return fmt.Sprintf("%s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s",
		i.headline(), i.trace, i.correlation, i.timestamp())
}

// uri is where Microsoft explains the number.
func (i incident) uri() string {
	return fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", i.code)
}

// answer is the token endpoint's form of the error: 401 for a client that did
// not prove itself, else 400.
func (i incident) answer() answer {
	status := http.StatusBadRequest
	if i.oauth == "invalid_client" {
		status = http.StatusUnauthorized
	}
	return jsonAnswer(status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
		Timestamp   string `json:"timestamp"`
		Trace       string `json:"trace_id"`
		Correlation string `json:"correlation_id"`
		URI         string `json:"error_uri"`
		Suberror    string `json:"suberror,omitempty"`
		Claims      string `json:"claims,omitempty"`
	}{i.oauth, i.description(), []int{i.code}, i.timestamp(), i.trace, i.correlation, i.uri(), i.suberror, i.claims})
}

// The refusals that more than one endpoint gives.

func tenantUnknown(name string) *refusal {
	return refuse("invalid_request", 90002, "Tenant '%s' not found. Check that the tenant ID or domain is right and that you sign in to the right cloud.", name)
}

func consumersRefused(app *App) *refusal {
	return refuse("invalid_request", 9002332, "Application '%s'(%s) is for work and school accounts only. The /consumers endpoint does not serve it.", app.ClientID, app.Name)
}

// organizationsRefused is the reverse, for registrations of personal accounts.
func organizationsRefused(app *App) *refusal {
	return refuse("invalid_request", 9002346, "Application '%s'(%s) is configured for use by Microsoft Account users only. Please use the /consumers endpoint to serve this request.", app.ClientID, app.Name)
}

func appUnknown(clientID, tenant string) *refusal {
	return refuse("unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'. Either no administrator installed it there and no user consented to it, or the request went to the wrong tenant.", clientID, tenant)
}

func appDisabled(app *App) *refusal {
	return refuse("unauthorized_client", 7000112, "Application '%s'(%s) is disabled.", app.ClientID, app.Name)
}

func singleTenantOnly(app *App, segment string) *refusal {
	return refuse("invalid_request", 50194, "Application '%s'(%s) is not configured as a multi-tenant application. Usage of the /%s endpoint is not supported for it. Use a tenant-specific endpoint or make the application multi-tenant.", app.ClientID, app.Name, segment)
}

func parameterMissing(name string) *refusal {
	return refuse("invalid_request", 900144, "The request body must contain the following parameter: '%s'.", name)
}

func parameterTwice(name string) *refusal {
	return refuse("invalid_request", 9000411, "The request is not properly formatted. The parameter '%s' is duplicated.", name)
}

func parameterInvalid(name, value string) *refusal {
	return refuse("invalid_request", 9002313, "Invalid request. Request is malformed or invalid: the parameter '%s' cannot be '%s'.", name, value)
}

func redirectUnregistered(uri string, app *App) *refusal {
	return refuse("invalid_request", 50011, "The redirect URI '%s' specified in the request does not match the redirect URIs configured for the application '%s'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.", uri, app.ClientID)
}

func challengeInvalid(text string) *refusal { return refuse("invalid_request", 501491, "%s", text) }

func userUnknown(name, domain string) *refusal {
	return refuse("invalid_grant", 50034, "The user account %s does not exist in the %s directory. To sign into this application, the account must be added to the directory.", name, domain)
}

func userDisabled(upn string) *refusal {
	return refuse("invalid_grant", 50057, "The user account %s is disabled.", upn)
}

func scopeInvalid(all, bad string) *refusal {
	return refuse("invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope '%s' does not exist, as part of '%s'.", bad, all)
}

func resourceUnknown(prefix string) *refusal {
	return refuse("invalid_resource", 500011, "The resource principal named %s was not found in the tenant. Either no administrator installed it there, or the request went to the wrong tenant.", prefix)
}

func resourceNotRegistered(app *App, spelling string, r *resource) *refusal {
	return refuse("invalid_resource", 650057, "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: %s(%s). Resource value from request: %s (%s).", app.ClientID, app.Name, spelling, r.name)
}

func permissionNotRegistered(app *App, p permission) *refusal {
	return refuse("unauthorized_client", 650056, "Misconfigured application. The permission %s is not listed in the requested permissions in the registration of '%s'(%s).", p.prefix+"/"+p.name, app.ClientID, app.Name)
}

func consentMissing(oauth string, app *App) *refusal {
	f := refuse(oauth, 65001, "The user or administrator has not consented to use the application with ID '%s' named '%s'. Send an interactive authorization request for this user and resource.", app.ClientID, app.Name)
	f.suberror = "consent_required"
	return f
}

func mfaRequired() *refusal {
	f := refuse("interaction_required", 50076, "Due to a configuration change made by your administrator, you must use multi-factor authentication to go on.")
	f.suberror = "basic_action"
	claims, _ := json.Marshal(map[string]any{"access_token": map[string]any{"capolids": map[string]any{
		"essential": true, "values": []string{"4b1f0d2c-9a6e-4f53-8a0b-2f7f3c6f9d11"}}}})
	f.claims = string(claims)
	return f
}
