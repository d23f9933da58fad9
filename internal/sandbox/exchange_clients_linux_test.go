package sandbox

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCurlSends has a client that knows nothing of this server send through
// it, over verified TLS.
func TestCurlSends(t *testing.T) {
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{})
	const message = "From: svc@contoso.com\r\nTo: ann@fabrikam.com\r\nSubject: hello\r\n\r\n.dot\r\n"
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: exchangeCertificate().Certificate[0]})
	roots, body := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "message")
	for file, data := range map[string][]byte{roots: ca, body: []byte(message)} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	curl := []string{
		"--silent", "--show-error", "--ssl-reqd", "--cacert", roots, "--url", "smtp://" + address + "/client.contoso.com",
		"--user", "svc@contoso.com", "--oauth2-bearer", "good", "--login-options", "AUTH=XOAUTH2",
		"--mail-from", "svc@contoso.com", "--mail-rcpt", "ann@fabrikam.com", "--upload-file", body,
	}
	for i, test := range []struct {
		name string
		args []string
	}{
		{"with its token in answer to 334", curl},
		{"with its token as initial response", append(curl, "--sasl-ir")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if out, err := exec.CommandContext(t.Context(), "curl", test.args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			inbox := tenant.Inbox()
			if len(inbox) != i+1 {
				t.Fatalf("%d messages arrived", len(inbox))
			}
			if m := inbox[i]; string(m.Data) != message || m.Subject != "hello" {
				t.Errorf("%q arrived, subject %q", m.Data, m.Subject)
			}
		})
	}
}
