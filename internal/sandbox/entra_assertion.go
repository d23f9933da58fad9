package sandbox

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionSkew is how far a client's clock may be off.
const assertionSkew = 5 * time.Minute

// The texts of the refusals below were seen in reports about the real service,
// but for 50027, 700021, 700023 and 70025, which are from memory.

func assertionMalformed() *refusal {
	return refuse("invalid_request", 50027, "JWT token is invalid or malformed.")
}

// keysOf is where the texts of 700027 send the reader.
func keysOf(app *App) string {
	return "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '" + app.ClientID +
		"'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/" + app.ClientID + "'"
}

// checkAssertion checks a client_assertion (RFC 7523 §3), which was sent to an
// endpoint below base: signed by the client itself with a certificate of its
// registration, or by another issuer that the registration trusts.
func (e *entra) checkAssertion(base string, app *App, raw string) *refusal {
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.PS256, jose.RS256})
	if err != nil {
		return assertionMalformed()
	}
	var claims jwt.Claims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil || claims.Expiry == nil || claims.Issuer == "" {
		return assertionMalformed()
	}
	if strings.HasPrefix(claims.Issuer, "https://") {
		return e.checkFederated(app, token, claims)
	}
	if refused := e.checkSignature(app, token); refused != nil {
		return refused
	}
	endpoint := func(name string) string { return base + "/" + name + "/oauth2/v2.0/token" }
	switch {
	case !slices.ContainsFunc(claims.Audience, func(to string) bool {
		return strings.EqualFold(to, endpoint(e.tenant.ID)) || strings.EqualFold(to, endpoint(e.tenant.Domain))
	}):
		return refuse("invalid_client", 700023, "Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .")
	case !strings.EqualFold(claims.Issuer, app.ClientID), !strings.EqualFold(claims.Subject, app.ClientID):
		return refuse("invalid_client", 700021, "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .")
	case claims.ID == "":
		return assertionMalformed()
	}
	return e.checkAssertionTime(claims)
}

// checkAssertionTime checks exp and nbf.
func (e *entra) checkAssertionTime(claims jwt.Claims) *refusal {
	now, from, until := e.now(), time.Unix(0, 0), claims.Expiry.Time()
	if claims.NotBefore != nil {
		from = claims.NotBefore.Time()
	}
	if now.Before(from.Add(-assertionSkew)) || !now.Before(until.Add(assertionSkew)) {
		const stamp = "2006-01-02T15:04:05.0000000Z"
		return refuse("invalid_client", 700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
			now.UTC().Format(stamp), from.UTC().Format(stamp), until.UTC().Format(stamp))
	}
	return nil
}

// checkSignature finds the certificate that the header names among the app's
// and verifies the signature with it.
func (e *entra) checkSignature(app *App, token *jwt.JSONWebToken) *refusal {
	header := token.Headers[0].ExtraHeaders
	sha256Print, _ := header["x5t#S256"].(string)
	sha1Print, _ := header["x5t"].(string)
	named := sha256Print
	if named == "" {
		named = sha1Print
	}
	shown := ""
	if thumb, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(named, "=")); err == nil && len(thumb) > 0 {
		shown = "Thumbprint of key used by client: '" + strings.ToUpper(hex.EncodeToString(thumb)) + "', "
	}
	for i, der := range app.Certificates {
		if !hasThumbprint(der, named) {
			continue
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		const day = "01/02/2006 15:04:05"
		now, until := e.now(), certificate.NotAfter
		if i == 0 && app.FirstCertificateExpired {
			until = now.AddDate(0, 0, -1)
		}
		found := "Found key 'Start=" + certificate.NotBefore.UTC().Format(day) + ", End=" + until.UTC().Format(day) + "', "
		switch {
		case token.Claims(certificate.PublicKey, &struct{}{}) != nil:
			return refuse("invalid_client", 700027, "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed., %s%s%s].", shown, found, keysOf(app))
		case now.After(until):
			return refuse("invalid_client", 700027, "Client assertion contains an invalid signature. [Reason - The key used is expired., %s%s%s].", shown, found, keysOf(app))
		case now.Before(certificate.NotBefore):
			return refuse("invalid_client", 700027, "Client assertion contains an invalid signature. [Reason - The key used is not yet valid., %s%s%s].", shown, found, keysOf(app))
		}
		return nil
	}
	return refuse("invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., %s%s].", shown, keysOf(app))
}

// hasThumbprint reports whether thumb is a certificate's x5t or x5t#S256.
func hasThumbprint(der []byte, thumb string) bool {
	short, long := sha1.Sum(der), sha256.Sum256(der)
	thumb = strings.TrimRight(thumb, "=")
	return thumb != "" && (thumb == base64.RawURLEncoding.EncodeToString(short[:]) || thumb == base64.RawURLEncoding.EncodeToString(long[:]))
}

// checkFederated checks the token of another issuer against the app's federated
// credentials. Everything is compared by case.
func (e *entra) checkFederated(app *App, token *jwt.JSONWebToken, claims jwt.Claims) *refusal {
	if len(app.Federated) == 0 {
		return refuse("invalid_client", 70025, "The client '%s'(%s) has no configured federated identity credentials.", app.ClientID, app.Name)
	}
	const hint = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	credentials := keep(app.Federated, func(c FederatedCredential) bool { return c.Issuer == claims.Issuer })
	if len(credentials) == 0 {
		return refuse("invalid_client", 700211, "No matching federated identity record found for presented assertion issuer '%s'. %s", claims.Issuer, hint)
	}
	sameIssuer := credentials
	credentials = keep(credentials, func(c FederatedCredential) bool { return c.Subject == claims.Subject })
	if len(credentials) == 0 {
		if slices.ContainsFunc(sameIssuer, func(c FederatedCredential) bool { return strings.EqualFold(c.Subject, claims.Subject) }) {
			return refuse("invalid_client", 7002138, "No matching federated identity record found for presented assertion subject '%s'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. %s", claims.Subject, hint)
		}
		return refuse("invalid_client", 700213, "No matching federated identity record found for presented assertion subject '%s'. %s", claims.Subject, hint)
	}
	credentials = keep(credentials, func(c FederatedCredential) bool { return claims.Audience.Contains(c.Audience) })
	if len(credentials) == 0 {
		return refuse("invalid_client", 700212, "No matching federated identity record found for presented assertion audience '%s'. %s", strings.Join(claims.Audience, ","), hint)
	}
	for _, c := range credentials {
		var keys jose.JSONWebKeySet
		if json.Unmarshal(c.Keys, &keys) == nil && token.Claims(keys, &struct{}{}) == nil {
			return e.checkAssertionTime(claims)
		}
	}
	return refuse("invalid_client", 700027, "Client assertion failed signature validation. [Reason - The key was not found., %s].", keysOf(app))
}

// keep lists the credentials that fit.
func keep(list []FederatedCredential, fits func(FederatedCredential) bool) (kept []FederatedCredential) {
	for _, c := range list {
		if fits(c) {
			kept = append(kept, c)
		}
	}
	return kept
}
