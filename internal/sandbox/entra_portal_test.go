package sandbox

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"mime/multipart"
	"net/http"
	"testing"
)

// portalPost uploads content to an app of the portal.
func (b *bench) portalPost(clientID, kind string, content []byte, header ...string) view {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, b.PortalURL+"/apps/"+clientID+"/certificates", bytes.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.do(b.browser(), r)
}

func TestThePortalTakesTheCertificateThatTheApplicationUses(t *testing.T) {
	b := newBench(t, "default")
	const curl = "application/x-www-form-urlencoded" // what curl --data-binary says
	c := newCredential(b)
	armoured := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.certificate.Raw})
	for _, content := range [][]byte{armoured, c.certificate.Raw} {
		v := b.portalPost(daemonAppID, curl, content)
		var got portalCertificate
		if err := json.Unmarshal([]byte(v.body), &got); err != nil || v.status != http.StatusCreated || got != describeCertificate(c.certificate) {
			t.Errorf("%d %v %+v", v.status, err, got)
		}
	}
	if n := len(b.Tenant().app(daemonAppID).Certificates); n != 1 {
		t.Errorf("%d certificates", n)
	}
	if a := b.present(c.assertion(b, nil)); a.status != http.StatusOK {
		t.Error(a.Description)
	}
	b.get(b.browser(), b.PortalURL).says(t, "App registrations", daemonAppID, contosoID, daemonEnterpriseID, "5e1b7a60-0001-4000-8000-00000000da01",
		"CN=traymail", describeCertificate(c.certificate).Thumbprint)
}

func TestThePortalTakesACertificateFromItsForm(t *testing.T) {
	b := newBench(t, "default")
	c := newCredential(b)
	form := func(name string) (string, []byte) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile(name, "traymail.cer")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(c.certificate.Raw)
		w.Close()
		return w.FormDataContentType(), body.Bytes()
	}
	kind, body := form("certificate")
	b.portalPost(daemonAppID, kind, body).says(t, "App registrations", "CN=traymail") // after the redirect
	kind, body = form("other")
	b.portalPost(daemonAppID, kind, body).says(t, "Nothing was changed", "no file called certificate")
}

func TestThePortalRefusesAnUpload(t *testing.T) {
	b := newBench(t, "default")
	c := newCredential(b)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.certificate.Raw})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := newCertificate(pkix.Name{CommonName: "traymail"})
	elliptical, err := x509.CreateCertificate(rand.Reader, template, template, curve.Public(), curve)
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	const private = "the upload has a private key in it, which must never leave its machine: upload the certificate alone"
	for name, test := range map[string]struct {
		app     string
		content []byte
		status  int
		text    string
	}{
		"with a key after the certificate":  {daemonAppID, append(bytes.Clone(certificate), key...), 400, private},
		"with a key before the certificate": {daemonAppID, append(bytes.Clone(key), certificate...), 400, private},
		"that is a key":                     {daemonAppID, key, 400, private},
		"that is a key in DER":              {daemonAppID, pkcs8, 400, private},
		"that is nothing":                   {daemonAppID, []byte("hello"), 400, "the upload is not a certificate: send a .cer, .pem or .crt file, not a .pfx"},
		"of another kind of key":            {daemonAppID, elliptical, 400, "the certificate's key is not RSA; Entra ID takes RSA keys for client assertions"},
		"to no application":                 {"nobody", certificate, 404, "no app registration has this client ID"},
		"that is too large":                 {daemonAppID, bytes.Repeat([]byte("x"), maxForm+1), 413, "the upload is larger than 64 KiB; a certificate is not"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.portalPost(test.app, "application/octet-stream", test.content)
			var got map[string]string
			if err := json.Unmarshal([]byte(v.body), &got); err != nil || v.status != test.status || got["error"] != test.text {
				t.Errorf("%d %s", v.status, v.body)
			}
		})
	}
	if v := b.portalPost(daemonAppID, "text/plain", certificate, "Origin", "https://attacker.example", "Sec-Fetch-Site", "cross-site"); v.status != http.StatusForbidden {
		t.Errorf("another site's page uploads: %d", v.status)
	}
	if n := len(b.Tenant().app(daemonAppID).Certificates); n != 0 {
		t.Errorf("%d certificates", n)
	}
}
