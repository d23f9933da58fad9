package relay

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newFiles makes a certificate and writes it where one is read from.
func newFiles(t *testing.T, to Certificate) *x509.Certificate {
	t.Helper()
	made := &selfMade{folder: t.TempDir(), names: []string{"localhost"}, now: time.Now}
	cert, err := made.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{certName: to.CertFile, keyName: to.KeyFile} {
		data, err := os.ReadFile(filepath.Join(made.folder, from))
		if err != nil {
			t.Fatal(err)
		}
		writeLater(t, to, data)
	}
	return cert.Leaf
}

// writeLater writes a file with a time that it never had: file systems keep
// times in steps of up to two seconds.
func writeLater(t *testing.T, name string, data []byte) {
	t.Helper()
	later := time.Now()
	if info, err := os.Stat(name); err == nil {
		later = info.ModTime().Add(10 * time.Second)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, later, later); err != nil {
		t.Fatal(err)
	}
}

func TestANewCertificateOnDiskIsShownWithoutAReload(t *testing.T) {
	folder := t.TempDir()
	files := Certificate{CertFile: filepath.Join(folder, "a.crt"), KeyFile: filepath.Join(folder, "a.key")}
	first := newFiles(t, files)
	c := testConfig()
	c.Listeners[0].TLS, c.Listeners[0].Certificate = ImplicitTLS, files
	r := newRig(t, c)
	shown := func() *x509.Certificate {
		t.Helper()
		conn := tls.Client(r.dial(t, "local"), insecure)
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		return conn.ConnectionState().PeerCertificates[0]
	}
	if !shown().Equal(first) {
		t.Fatal("this is another certificate")
	}
	second := newFiles(t, files)
	if !shown().Equal(second) {
		t.Error("the old certificate is shown")
	}
	if log := r.log.String(); !strings.Contains(log, "the certificate has changed") {
		t.Errorf("the log says %q", log)
	}

	writeLater(t, files.KeyFile, []byte("half a k"))
	for range 3 {
		if !shown().Equal(second) {
			t.Error("a broken key took the certificate away")
		}
	}
	if err := os.Remove(files.CertFile); err != nil {
		t.Fatal(err)
	}
	if !shown().Equal(second) {
		t.Error("a missing file took the certificate away")
	}
	if n := strings.Count(r.log.String(), "cannot be used"); n != 2 {
		t.Errorf("the log tells it %d times, want once for each of two reasons:\n%s", n, r.log)
	}
	if third := newFiles(t, files); !shown().Equal(third) {
		t.Error("the corrected files are not used")
	}
}

func TestACertificateThatCannotBeRenewedServesOn(t *testing.T) {
	var log bytes.Buffer
	now := testNow
	made := &selfMade{folder: filepath.Join(t.TempDir(), "tls"), names: []string{"localhost"}, now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&log, nil))}
	first, err := made.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	now = first.Leaf.NotAfter.Add(-renewBefore + time.Hour)
	if err := os.RemoveAll(made.folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(made.folder, nil, 0o600); err != nil { // no folder any more
		t.Fatal(err)
	}
	for range 2 {
		if got, err := made.get(nil); err != nil || got != first {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if n := strings.Count(log.String(), "cannot be renewed"); n != 1 {
		t.Errorf("the log tells it %d times: %s", n, &log)
	}
	if err := os.Remove(made.folder); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if got, err := made.get(nil); err != nil || got == first {
		t.Errorf("it is still not renewed: %v", err)
	}
}
