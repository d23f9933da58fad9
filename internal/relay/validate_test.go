package relay

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	password := func(c *Config) { c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash("x")}} }
	tests := []struct {
		name   string
		change func(*Config)
		want   string // "" is valid
	}{
		{"loopback without password", func(*Config) {}, ""},
		{"everywhere, TLS and passwords", func(c *Config) {
			password(c)
			c.Listeners[0] = Listener{Name: "lan", Address: ":587", TLS: STARTTLS, Certificate: Certificate{Folder: "x"}}
		}, ""},
		{"everywhere, listed networks without TLS", func(c *Config) {
			c.Listeners[0].Address, c.Listeners[0].Networks = "0.0.0.0:25", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, ""},
		{"everywhere, passwords without TLS", func(c *Config) {
			password(c)
			c.Listeners[0].Address, c.Listeners[0].Networks = "0.0.0.0:25", nil
		}, "reachable from other machines, where a password needs TLS"},
		{"everywhere, TLS without passwords", func(c *Config) {
			c.Listeners[0] = Listener{Name: "lan", Address: "[::]:587", TLS: STARTTLS, Certificate: Certificate{Folder: "x"}}
		}, "none of them could send"},
		{"loopback without anyone: clients are added later", func(c *Config) { c.Listeners[0].Networks = nil }, ""},
		{"loopback with TLS, without anyone", func(c *Config) {
			c.Listeners[0] = Listener{Name: "local", Address: "[::1]:465", TLS: ImplicitTLS, Certificate: Certificate{Folder: "x"}}
		}, ""},
		{"everywhere, without anyone", func(c *Config) {
			c.Listeners[0].Address, c.Listeners[0].Networks = ":25", nil
		}, "none of them could send"},
		{"everywhere, for this machine alone", func(c *Config) { c.Listeners[0].Address = ":25" }, "none of them could send"},
		{"everywhere, a client's network without TLS", func(c *Config) {
			c.Listeners[0].Address, c.Listeners[0].Networks = "0.0.0.0:25", nil
			c.Clients = []Client{{Name: "plant", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
		}, ""},
		{"everywhere, a client's network without TLS beside a password", func(c *Config) {
			password(c)
			c.Listeners[0].Address, c.Listeners[0].Networks = "0.0.0.0:25", nil
			c.Clients = append(c.Clients, Client{Name: "plant", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		}, ""},
		{"everywhere, a client on this machine alone", func(c *Config) {
			c.Listeners[0].Address, c.Listeners[0].Networks = "0.0.0.0:25", nil
			c.Clients = []Client{{Name: "local tool", Networks: loopback}}
		}, "none of them could send"},
		{"the whole world as a client's network", func(c *Config) {
			c.Clients = []Client{{Name: "all", Networks: []netip.Prefix{netip.MustParsePrefix("::/0")}}}
		}, "would let everyone send"},
		{"the whole world as a network", func(c *Config) {
			c.Listeners[0].Networks = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
		}, "would let everyone send"},
		{"a name is not loopback because it looks so", func(c *Config) {
			password(c)
			c.Listeners[0].Address, c.Listeners[0].Networks = "127.example.com:25", nil
		}, "reachable from other machines"},
		{"an address without port", func(c *Config) { c.Listeners[0].Address = "127.0.0.1" }, "is not host:port"},
		{"TLS without certificate", func(c *Config) { c.Listeners[0].TLS = ImplicitTLS }, "needs a certificate"},
		{"a certificate without key", func(c *Config) {
			c.Listeners[0].TLS, c.Listeners[0].Certificate.CertFile = ImplicitTLS, "x.pem"
		}, "both its file and its key's file"},
		{"a certificate that is not there", func(c *Config) {
			c.Listeners[0].TLS, c.Listeners[0].Certificate = ImplicitTLS, Certificate{CertFile: "missing.pem", KeyFile: "missing.pem"}
		}, "missing.pem"},
		{"TLS of an unknown kind", func(c *Config) { c.Listeners[0].TLS = "ssl" }, `TLS is "ssl"`},
		{"TLS 1.0 without TLS", func(c *Config) { c.Listeners[0].AllowTLS10 = true }, "TLS is off"},
		{"a plain password", func(c *Config) { c.Clients = []Client{{Name: "printer", PasswordHash: "hunter2"}} }, "is not a hash"},
		{"two clients of one name", func(c *Config) { c.Clients = []Client{{Name: "a"}, {Name: "A"}} }, `two clients are named "A"`},
		{"a client without name", func(c *Config) { c.Clients = []Client{{}} }, "has no name"},
		{"no host name: the machine's", func(c *Config) { c.Hostname = "" }, ""},
		{"a host name with a dot at its end", func(c *Config) { c.Hostname = "mail.contoso.com." }, `"mail.contoso.com." is not a host name; write it as mail.example.com`},
		{"a client named like the notices", func(c *Config) { c.Clients = []Client{{Name: "TrayMail"}} }, `client "TrayMail": the record of messages calls the program's own notices by this name`},
		{"a listener named like the notices", func(c *Config) { c.Listeners[0].Name = "traymail" }, `listener "traymail": the record of messages calls the program's own notices by this name`},
		{"a folder named like the commands", func(c *Config) { c.Folders = []Folder{{Name: "Command", Path: "."}} }, `folder "Command": the record of messages calls messages of commands by this name`},
		{"an account named like the notices", func(c *Config) { c.Accounts[0].Name, c.Default = "traymail", "" }, ""},
		{"a client's account is missing", func(c *Config) { c.Clients = []Client{{Name: "a", Account: "x"}} }, `account "x" does not exist`},
		{"a sender that is no address", func(c *Config) { c.Clients = []Client{{Name: "a", AllowedSenders: []string{"contoso.com"}}} }, "neither an address nor a domain"},
		{"an account without sender", func(c *Config) { c.Accounts[0].Sender = "" }, "not an address"},
		{"an unknown From policy", func(c *Config) { c.Accounts[0].From = "drop" }, `From policy is "drop"`},
		{"on behalf of nobody", func(c *Config) { c.Accounts[0].OnBehalf = "nobody" }, "who sends on behalf"},
		{"a default account that is missing", func(c *Config) { c.Default = "x" }, `default account "x"`},
		{"a folder that is missing", func(c *Config) { c.Folders = []Folder{{Name: "out", Path: "missing"}} }, "create it"},
		{"a folder that is a file", func(c *Config) { c.Folders = []Folder{{Name: "out", Path: "validate.go"}} }, "is not a folder"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig()
			test.change(&c)
			err := c.Validate()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error repeats the password")
			}
		})
	}
}

func TestValidateTellsAllOnOneLine(t *testing.T) {
	c := testConfig()
	c.Default, c.Folders = "x", []Folder{{Name: "out", Path: "missing"}}
	err := c.Validate()
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `change its path; the default account "x" does not exist`) {
		t.Errorf("got %v", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its cause is lost: %v", err)
	}
}

func TestValidHostname(t *testing.T) {
	label := strings.Repeat("x", 63)
	for name, want := range map[string]bool{
		"mail.contoso.com": true, "MAIL-01": true, "scan_pc.local": true, "1and1.example": true, "x": true, "xn--bcher-kva.example": true,
		label + ".example": true, label + "x.example": false, strings.Repeat(label+".", 3) + label: false,
		"": false, ".": false, "mail.contoso.com.": false, ".contoso.com": false, "a..b": false, "-x": false, "x-.example": false,
		"two words": false, " x": false, "x\r\n": false, "b\u00fccher.example": false, "[192.0.2.1]": false, "a:25": false,
	} {
		if got := ValidHostname(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestASelfMadeCertificateIsKeptAndRenewed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	now := testNow
	config := Config{Hostname: "relay.test", Listeners: []Listener{
		{Name: "lan", Address: "192.0.2.7:587", TLS: STARTTLS, Certificate: Certificate{Folder: folder}},
		{Name: "other", Address: "192.0.2.8:587", TLS: STARTTLS, Certificate: Certificate{Folder: folder}},
	}}
	configs := func() (map[string]*tls.Config, error) {
		return config.tlsConfigs(func() time.Time { return now }, slog.New(slog.DiscardHandler))
	}
	get := func() *x509.Certificate {
		t.Helper()
		all, err := configs()
		if err != nil {
			t.Fatal(err)
		}
		c := all["192.0.2.7:587"]
		cert, err := c.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(380 * 24 * time.Hour) // the program runs for long
		renewed, err := c.GetCertificate(nil)
		if err != nil || renewed.Leaf.SerialNumber.Cmp(cert.Leaf.SerialNumber) == 0 {
			t.Fatalf("it was not renewed: %v", err)
		}
		return renewed.Leaf
	}
	first := get()
	for _, name := range []string{"localhost", "127.0.0.1", "relay.test", "192.0.2.7", "192.0.2.8"} {
		if err := first.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(folder, keyName))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(folder, keyName)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	kept, err := os.ReadFile(filepath.Join(folder, certName))
	if block, _ := pem.Decode(kept); err != nil || string(block.Bytes) != string(first.Raw) {
		t.Error("the file has another certificate than is shown")
	}
	second := get()
	if again, _ := os.ReadFile(filepath.Join(folder, keyName)); string(again) != string(key) || string(second.RawSubjectPublicKeyInfo) != string(first.RawSubjectPublicKeyInfo) {
		t.Error("the key was changed with the certificate")
	}
	for name, text := range map[string]string{keyName: "no key", certName: "no certificate"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := configs(); err == nil || !strings.Contains(err.Error(), "remove") {
			t.Errorf("%s is broken: %v", name, err)
		}
	}
}
