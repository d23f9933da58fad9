package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// issuerSubject is whom the issuer's tokens are about when nobody says: a
	// service account of Kubernetes.
	issuerSubject = "system:serviceaccount:default:traymail"
	// federatedAudience is what Entra ID recommends for federated credentials.
	federatedAudience = "api://AzureADTokenExchange"
	// issuedFor is how long a token is good, an hour as in Kubernetes.
	issuedFor = time.Hour
)

// A tokenIssuer plays another party whose tokens an application proves itself with,
// as a Kubernetes cluster does. It gives one to anybody, about anybody. It signs
// with the tenant's keys, which makes nothing of the tenant's of its tokens: they
// have other claims.
type tokenIssuer struct {
	provider Provider
	keys     *keyring
	url      string
	now      func() time.Time
}

// register adds the endpoints to mux.
func (i tokenIssuer) register(mux *http.ServeMux) {
	if i.provider == GoogleGmail || i.provider == OutlookCom {
		return
	}
	mux.HandleFunc("GET /issuer/keys", func(w http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, i.keys.public()).send(w)
	})
	mux.HandleFunc("GET /issuer/token", func(w http.ResponseWriter, r *http.Request) { i.token(r).send(w) })
}

// token is a fresh one, as text: of the query's subject and audience, or of
// those that a credential would have.
func (i tokenIssuer) token(r *http.Request) answer {
	now, query := i.now(), r.URL.Query()
	token, err := i.keys.sign(jwt.Claims{
		Issuer: i.url, Subject: cmp.Or(query.Get("subject"), issuerSubject),
		Audience: jwt.Audience{cmp.Or(query.Get("audience"), federatedAudience)}, ID: randomGUID(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(issuedFor)),
	})
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{http.StatusOK, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(token)}
}

// jwks is the issuer's JWK set.
func (i tokenIssuer) jwks() []byte {
	set, err := json.Marshal(i.keys.public())
	if err != nil {
		return nil // its keys are RSA keys, which are always encoded
	}
	return set
}

// credential is the federated credential that trusts the issuer about subject.
func (i tokenIssuer) credential(subject string) FederatedCredential {
	return FederatedCredential{Issuer: i.url, Subject: subject, Audience: federatedAudience, Keys: i.jwks()}
}
