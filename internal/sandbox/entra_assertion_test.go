package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// A credential is a certificate with its key, good for a year around the
// bench's time.
type credential struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

func newCredential(b *bench) credential {
	b.Helper()
	return newCredentialUntil(b, b.clock.now().AddDate(0, 6, 0))
}

func newCredentialUntil(b *bench, until time.Time) credential {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	template := newCertificate(pkix.Name{CommonName: "traymail"})
	template.NotBefore, template.NotAfter = b.clock.now().AddDate(0, -6, 0), until
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return credential{key, certificate}
}

func (c credential) sha256() string {
	sum := sha256.Sum256(c.certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// assertion is one that c's owner signs as the facts have it; change may be nil.
func (c credential) assertion(b *bench, change func(*jwt.Claims)) string {
	b.Helper()
	return c.signed(b, jose.PS256, "x5t#S256", c.sha256(), change)
}

func (c credential) signed(b *bench, algorithm jose.SignatureAlgorithm, header jose.HeaderKey, thumb string, change func(*jwt.Claims)) string {
	b.Helper()
	now := b.clock.now()
	claims := jwt.Claims{
		Issuer: daemonAppID, Subject: daemonAppID, Audience: jwt.Audience{b.TokenURL}, ID: randomGUID(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(10 * time.Minute)),
	}
	if change != nil {
		change(&claims)
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if header != "" {
		options.WithHeader(header, thumb)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: c.key}, options)
	if err != nil {
		b.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// present asks for a token with an assertion.
func (b *bench) present(assertion string) tokenAnswer {
	b.Helper()
	return b.token(appForm("client_secret", "", "client_assertion_type", jwtBearer, "client_assertion", assertion), nil)
}

func (b *bench) upload(c credential) {
	b.Helper()
	if _, err := b.Tenant().AddCertificate(daemonAppID, c.certificate.Raw); err != nil {
		b.Fatal(err)
	}
}

func TestAnApplicationProvesItselfWithACertificate(t *testing.T) {
	b := newBench(t, "default")
	c := newCredential(b)
	b.upload(c)
	short := sha1.Sum(c.certificate.Raw)
	byDomain := func(claims *jwt.Claims) {
		claims.Audience = jwt.Audience{strings.Replace(b.TokenURL, b.TenantID, b.Domain, 1)}
	}
	for name, assertion := range map[string]string{
		"PS256 and x5t#S256":           c.assertion(b, nil),
		"RS256 and x5t":                c.signed(b, jose.RS256, "x5t", base64.RawURLEncoding.EncodeToString(short[:]), nil),
		"for the tenant by its domain": c.assertion(b, byDomain),
	} {
		a := b.present(assertion)
		if a.status != http.StatusOK || read(t, a.AccessToken)["appidacr"] != "2" {
			t.Errorf("%s: %s", name, a.Description)
		}
		if reply := b.smtpAuth("ops@contoso.com", a.AccessToken); !strings.HasPrefix(reply, "235 ") {
			t.Errorf("%s: SMTP: %s", name, reply)
		}
	}
}

func TestACertificateServesASignInOfAPersonToo(t *testing.T) {
	b := newBench(t, "default")
	c := newCredential(b)
	if _, err := b.Tenant().AddCertificate(webAppID, c.certificate.Raw); err != nil {
		t.Fatal(err)
	}
	form := webForm(b.signIn("client_id", webAppID, "redirect_uri", "http://localhost:53682/callback"), "")
	form.Set("client_assertion_type", jwtBearer)
	form.Set("client_assertion", c.assertion(b, func(claims *jwt.Claims) { claims.Issuer, claims.Subject = webAppID, webAppID }))
	if a := b.token(form, nil); a.status != http.StatusOK {
		t.Error(a.Description)
	}
	// A public client has nothing to prove.
	b.redeem(b.signIn(), "client_assertion_type", jwtBearer, "client_assertion", form.Get("client_assertion")).refused(t, 401, "invalid_client", 700025)
}

func TestAnAssertionIsRefused(t *testing.T) {
	b := newBench(t, "default")
	c, stranger, old := newCredential(b), newCredential(b), newCredentialUntil(b, b.clock.now().Add(-time.Hour))
	b.upload(c)
	b.upload(old)
	thumb := func(c credential) string {
		sum := sha256.Sum256(c.certificate.Raw)
		return "Thumbprint of key used by client: '" + strings.ToUpper(hex.EncodeToString(sum[:])) + "', "
	}
	found := func(c credential) string {
		const day = "01/02/2006 15:04:05"
		return "Found key 'Start=" + c.certificate.NotBefore.Format(day) + ", End=" + c.certificate.NotAfter.Format(day) + "', "
	}
	const where = "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '" + daemonAppID + "'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/" + daemonAppID + "']."
	malformed := "AADSTS50027: JWT token is invalid or malformed."
	outside := func(from, until string) string {
		return "AADSTS700024: Client assertion is not within its valid time range. Current time: 2026-11-20T09:00:00.0000000Z, assertion valid from " + from + ", expiry time of assertion " + until + ". Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
	}
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(b.clock.now().Add(d)) }
	for _, test := range []struct {
		name, assertion, oauth, text string
	}{
		{"of a certificate that was not uploaded", stranger.assertion(b, nil), "invalid_client",
			"AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., " + thumb(stranger) + where},
		{"without a thumbprint", c.signed(b, jose.PS256, "", "", nil), "invalid_client",
			"AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., " + where},
		{"signed by another key than the certificate's", stranger.signed(b, jose.PS256, "x5t#S256", c.sha256(), nil), "invalid_client",
			"AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed., " + thumb(c) + found(c) + where},
		{"of an expired certificate", old.assertion(b, nil), "invalid_client",
			"AADSTS700027: Client assertion contains an invalid signature. [Reason - The key used is expired., " + thumb(old) + found(old) + where},
		{"for another endpoint", c.assertion(b, func(claims *jwt.Claims) { claims.Audience = jwt.Audience{b.Authority + "/common/oauth2/v2.0/token"} }), "invalid_client",
			"AADSTS700023: Client assertion audience claim does not match Realm issuer. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."},
		{"of another application", c.assertion(b, func(claims *jwt.Claims) { claims.Subject = graphAppID }), "invalid_client",
			"AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."},
		{"that has ended", c.assertion(b, func(claims *jwt.Claims) { claims.NotBefore, claims.Expiry = nil, at(-6*time.Minute) }), "invalid_client",
			outside("1970-01-01T00:00:00.0000000Z", "2026-11-20T08:54:00.0000000Z")},
		{"that has not begun", c.assertion(b, func(claims *jwt.Claims) { claims.NotBefore = at(6 * time.Minute) }), "invalid_client",
			outside("2026-11-20T09:06:00.0000000Z", "2026-11-20T09:10:00.0000000Z")},
		{"without an end", c.assertion(b, func(claims *jwt.Claims) { claims.Expiry = nil }), "invalid_request", malformed},
		{"without an ID", c.assertion(b, func(claims *jwt.Claims) { claims.ID = "" }), "invalid_request", malformed},
		{"that is none", "a.b.c", "invalid_request", malformed},
		{"of an issuer nobody trusts", c.assertion(b, func(claims *jwt.Claims) { claims.Issuer = "https://issuer.example" }), "invalid_client",
			"AADSTS70025: The client '" + daemonAppID + "'(traymail (application)) has no configured federated identity credentials."},
	} {
		t.Run(test.name, func(t *testing.T) {
			if a := b.present(test.assertion); a.Error != test.oauth || a.headline() != test.text {
				t.Errorf("%d %s\n%s\nwant\n%s", a.status, a.Error, a.headline(), test.text)
			}
		})
	}
	b.token(appForm("client_assertion", c.assertion(b, nil)), nil).refused(t, 400, "invalid_request", 900144)
	b.token(appForm("client_assertion", c.assertion(b, nil), "client_assertion_type", "saml"), nil).refused(t, 400, "invalid_request", 9002313)
	if a := b.present(c.assertion(b, nil)); a.status != http.StatusOK {
		t.Error(a.Description)
	}
}

// An issuer is one outside of the tenant, as a cluster or a build service is.
type issuer struct {
	keys *keyring
	b    *bench
}

func (i issuer) publish() {
	i.b.Helper()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: i.keys.public().Keys[:1]})
	if err != nil {
		i.b.Fatal(err)
	}
	i.b.Tenant().Change(func(t *Tenant) {
		t.app(daemonAppID).Federated = []FederatedCredential{{
			Issuer: "https://issuer.example", Subject: "system:serviceaccount:mail:traymail", Audience: "api://AzureADTokenExchange", Keys: set,
		}}
	})
}

func (i issuer) token(change func(*jwt.Claims)) string {
	i.b.Helper()
	claims := jwt.Claims{
		Issuer: "https://issuer.example", Subject: "system:serviceaccount:mail:traymail", Audience: jwt.Audience{"api://AzureADTokenExchange"},
		Expiry: jwt.NewNumericDate(i.b.clock.now().Add(time.Hour)),
	}
	if change != nil {
		change(&claims)
	}
	token, err := i.keys.sign(claims)
	if err != nil {
		i.b.Fatal(err)
	}
	return token
}

func TestAFederatedCredentialFollowsItsIssuersKeys(t *testing.T) {
	b := newBench(t, "default")
	keys, err := newKeyring()
	if err != nil {
		t.Fatal(err)
	}
	i := issuer{keys, b}
	i.publish()
	first := i.token(nil)
	a := b.present(first)
	if a.status != http.StatusOK || read(t, a.AccessToken)["appidacr"] != "2" {
		t.Fatal(a.Description)
	}
	if err := keys.rotate(); err != nil {
		t.Fatal(err)
	}
	second := i.token(nil)
	refused := b.present(second) // the new key is not published yet
	refused.refused(t, 401, "invalid_client", 700027)
	if !strings.HasPrefix(refused.Description, "AADSTS700027: Client assertion failed signature validation. [Reason - The key was not found., ") {
		t.Errorf("%q", refused.Description)
	}
	i.publish()
	if a := b.present(second); a.status != http.StatusOK {
		t.Error(a.Description)
	}
	b.present(first).refused(t, 401, "invalid_client", 700027) // and the old one is gone
}

func TestAFederatedCredentialHasToMatchByCase(t *testing.T) {
	b := newBench(t, "default")
	keys, err := newKeyring()
	if err != nil {
		t.Fatal(err)
	}
	i := issuer{keys, b}
	i.publish()
	const hint = " Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	for _, test := range []struct {
		name, text string
		change     func(*jwt.Claims)
	}{
		{"issuer", "AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://issuer.example/'." + hint,
			func(c *jwt.Claims) { c.Issuer += "/" }},
		{"subject", "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:mail:default'." + hint,
			func(c *jwt.Claims) { c.Subject = "system:serviceaccount:mail:default" }},
		{"subject's case", "AADSTS7002138: No matching federated identity record found for presented assertion subject 'system:serviceaccount:Mail:traymail'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison." + hint,
			func(c *jwt.Claims) { c.Subject = "system:serviceaccount:Mail:traymail" }},
		{"audience", "AADSTS700212: No matching federated identity record found for presented assertion audience 'https://kubernetes.default.svc'." + hint,
			func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://kubernetes.default.svc"} }},
		{"time", "AADSTS700024: Client assertion is not within its valid time range. Current time: 2026-11-20T09:00:00.0000000Z, assertion valid from 1970-01-01T00:00:00.0000000Z, expiry time of assertion 2026-11-20T08:00:00.0000000Z. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
			func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(b.clock.now().Add(-time.Hour)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if a := b.present(i.token(test.change)); a.status != 401 || a.Error != "invalid_client" || a.headline() != test.text {
				t.Errorf("%d %s\n%s\nwant\n%s", a.status, a.Error, a.headline(), test.text)
			}
		})
	}
}
