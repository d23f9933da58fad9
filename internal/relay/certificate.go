package relay

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// A Certificate says where a listener's certificate comes from: from two PEM
// files, or from a folder in which the relay makes its own and keeps it.
type Certificate struct {
	CertFile, KeyFile string
	Folder            string
}

// tlsConfigs returns the TLS of each listener by its address. Listeners that
// share a folder share its certificate, which has the names of all of them.
func (c *Config) tlsConfigs(now func() time.Time, log *slog.Logger) (map[string]*tls.Config, error) {
	type place struct {
		folder string
		old    bool
	}
	configs, made := map[string]*tls.Config{}, map[place]*selfMade{}
	for i := range c.Listeners {
		l := &c.Listeners[i]
		if l.TLS == NoTLS {
			continue
		}
		get := (&fromFiles{Certificate: l.Certificate, log: log.With("listener", l.Name)}).get
		if l.Certificate.CertFile == "" {
			in := place{l.Certificate.Folder, l.AllowTLS10}
			if made[in] == nil {
				made[in] = &selfMade{folder: in.folder, old: in.old, names: c.certificateNames(in.folder), now: now, log: log}
			}
			get = made[in].get
		}
		if _, err := get(nil); err != nil {
			return nil, fmt.Errorf("listener %q: certificate: %w", l.Name, err)
		}
		configs[l.Address] = l.tlsConfig(get)
	}
	return configs, nil
}

func (l *Listener) tlsConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}
	if l.AllowTLS10 {
		config.MinVersion = tls.VersionTLS10
		config.CipherSuites = oldSuites()
	}
	return config
}

// oldSuites adds to the usual cipher suites those with RSA key exchange and
// AES, the best that devices of the time of TLS 1.0 have.
func oldSuites() []uint16 {
	var ids []uint16
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	return append(ids, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
}

// certificateNames returns the names that clients may know the listeners of a
// folder by.
func (c *Config) certificateNames(folder string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	add := func(n string) {
		ip := net.ParseIP(n)
		if n != "" && !slices.Contains(names, n) && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, n)
		}
	}
	add(c.Hostname)
	for _, l := range c.Listeners {
		if l.TLS != NoTLS && l.Certificate.CertFile == "" && l.Certificate.Folder == folder {
			host, _, _ := net.SplitHostPort(l.Address) // is valid
			add(host)
		}
	}
	return names
}

// fromFiles gives the certificate of two files, and looks at each handshake
// whether they have changed: what renews certificates knows nothing of traymail.
type fromFiles struct {
	Certificate
	log *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	loaded  [2]stamp // of the files that cert is from
	refused [2]stamp // of those that were logged as broken
}

// A stamp changes with a file. The zero stamp is one of no file.
type stamp struct {
	changed time.Time
	size    int64
}

func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// get returns an error only if there never was a certificate.
func (f *fromFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamps := [2]stamp{stampOf(f.CertFile), stampOf(f.KeyFile)}
	if f.cert != nil && stamps == f.loaded {
		return f.cert, nil
	}
	cert, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
	switch {
	case err == nil:
		if f.cert != nil {
			f.log.Info("the certificate has changed", "file", f.CertFile, "valid_until", cert.Leaf.NotAfter)
		}
		f.cert, f.loaded = &cert, stamps
	case f.cert == nil:
		return nil, err
	case stamps != f.refused: // else it is known
		f.refused = stamps
		f.log.Error("the certificate has changed and cannot be used; the one from before is shown until the files are corrected", "file", f.CertFile, "err", err)
	}
	return f.cert, nil
}
