package sandbox

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// portal is as much of the portal, and of Exchange's PowerShell, as an
// administrator needs for traymail. Anybody who reaches the sandbox may use it.
type portal struct {
	box    *Sandbox
	tenant *Tenant
	issuer tokenIssuer
	base   string // "https://localhost:1234"
	now    func() time.Time
}

// administered tells whether there is an administrator: personal accounts have
// none.
func (p portal) administered() bool { return p.tenant.Provider != OutlookCom }

// register adds the endpoints to mux.
func (p portal) register(mux *http.ServeMux) {
	if p.tenant.Provider == GoogleGmail {
		return
	}
	// A page of somebody else's must not change anything through a person's
	// browser.
	change := func(h func(*http.Request) answer) http.Handler {
		return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			h(r).send(w)
		}))
	}
	mux.HandleFunc("GET /portal", func(w http.ResponseWriter, _ *http.Request) { p.list().send(w) })
	mux.HandleFunc("GET /portal/apps/{clientID}", func(w http.ResponseWriter, r *http.Request) { p.showApp(r.PathValue("clientID")).send(w) })
	mux.Handle("POST /portal/apps/{clientID}/certificates", change(p.upload))
	if !p.administered() {
		return
	}
	p.registerPowerShell(mux)
	p.registerRegistration(mux, change)
	mux.HandleFunc("GET /portal/tenant", func(w http.ResponseWriter, _ *http.Request) { p.showTenant().send(w) })
	mux.Handle("POST /portal/apps/{clientID}/{action}", change(func(r *http.Request) answer { return p.act(r, everyAppAction()) }))
	mux.Handle("POST /portal/tenant/{action}", change(func(r *http.Request) answer { return p.act(r, everyTenantAction()) }))
}

// A portalCertificate is what the portal shows of an uploaded certificate.
type portalCertificate struct {
	Subject string `json:"subject"`
	// Thumbprint is of SHA-1, as the portal shows it; SHA256 is the other one.
	Thumbprint string    `json:"thumbprint"`
	SHA256     string    `json:"thumbprint_sha256"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
}

func describeCertificate(c *x509.Certificate) portalCertificate {
	short, long := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return portalCertificate{
		Subject:    c.Subject.String(),
		Thumbprint: strings.ToUpper(hex.EncodeToString(short[:])), SHA256: strings.ToUpper(hex.EncodeToString(long[:])),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
	}
}

// describeCertificates lists what was uploaded.
func describeCertificates(list [][]byte) (described []portalCertificate) {
	for _, der := range list {
		if c, err := x509.ParseCertificate(der); err == nil {
			described = append(described, describeCertificate(c))
		}
	}
	return described
}

// upload takes a certificate as the request's body, or as the file
// "certificate" of a form. A browser goes back to the page; others get JSON.
func (p portal) upload(r *http.Request) answer {
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data")
	var body io.Reader = r.Body
	if form {
		file, _, err := r.FormFile("certificate")
		if err != nil {
			return p.refuse(form, http.StatusBadRequest, errors.New("the form has no file called certificate, or it is larger than 64 KiB"))
		}
		defer file.Close()
		body = file
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return p.refuse(form, http.StatusRequestEntityTooLarge, errors.New("the upload is larger than 64 KiB; a certificate is not"))
	}
	certificate, err := p.tenant.AddCertificate(r.PathValue("clientID"), content)
	switch {
	case errors.Is(err, errNoSuchApp):
		return p.refuse(form, http.StatusNotFound, err)
	case err != nil:
		return p.refuse(form, http.StatusBadRequest, err)
	case form:
		return redirectAnswer(http.StatusSeeOther, "/portal/apps/"+r.PathValue("clientID"))
	}
	return jsonAnswer(http.StatusCreated, describeCertificate(certificate))
}

func (p portal) refuse(form bool, status int, err error) answer {
	if form {
		return render(status, "message", page{Title: "Nothing was changed", Alert: &alert{Words: err.Error()}})
	}
	return jsonAnswer(status, map[string]string{"error": err.Error()})
}

var errNoSuchApp = errors.New("no app registration has this client ID")

// AddCertificate adds a certificate, PEM or DER, to the registration of a client
// ID, as an upload under Certificates & secrets does. Only the public part may
// be there, of an RSA key. Adding it again changes nothing.
func (t *Tenant) AddCertificate(clientID string, content []byte) (*x509.Certificate, error) {
	certificate, err := publicCertificate(content)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	app := t.app(clientID)
	if app == nil {
		return nil, errNoSuchApp
	}
	if !slices.ContainsFunc(app.Certificates, func(der []byte) bool { return bytes.Equal(der, certificate.Raw) }) {
		app.Certificates = append(app.Certificates, certificate.Raw)
	}
	return certificate, nil
}

// publicCertificate reads the one certificate in content.
func publicCertificate(content []byte) (*x509.Certificate, error) {
	errPrivate := errors.New("the upload has a private key in it, which must never leave its machine: upload the certificate alone")
	der := content
	if block, rest := pem.Decode(content); block != nil {
		der = nil
		for ; block != nil; block, rest = pem.Decode(rest) {
			switch {
			case strings.Contains(block.Type, "PRIVATE KEY"):
				return nil, errPrivate
			case block.Type == "CERTIFICATE" && der == nil:
				der = block.Bytes
			}
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		if isPrivateKey(der) {
			return nil, errPrivate
		}
		return nil, errors.New("the upload is not a certificate: send a .cer, .pem or .crt file, not a .pfx")
	}
	if _, ok := certificate.PublicKey.(*rsa.PublicKey); !ok {
		return nil, errors.New("the certificate's key is not RSA; Entra ID takes RSA keys for client assertions")
	}
	return certificate, nil
}

// isPrivateKey reports whether der is a private key without a PEM armour.
func isPrivateKey(der []byte) bool {
	_, pkcs8 := x509.ParsePKCS8PrivateKey(der)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(der)
	_, ec := x509.ParseECPrivateKey(der)
	return pkcs8 == nil || pkcs1 == nil || ec == nil
}
