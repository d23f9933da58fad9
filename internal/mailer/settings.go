package mailer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"traymail/internal/account"
	"traymail/internal/relay"
)

// Settings are what traymail.toml holds: what concerns the program, not one
// account. Without the file everything has its default.
type Settings struct {
	// Revision tells the file that they were read from, for SaveSettings: "" is
	// that there was none.
	Revision  string             `toml:"-"`
	Keystore  KeystoreSettings   `toml:"keystore"`
	Relay     RelaySettings      `toml:"relay"`
	Listeners []ListenerSettings `toml:"listener"`
	Folders   []FolderSettings   `toml:"folder"`
	Queue     QueueSettings      `toml:"queue"`
	Log       LogSettings        `toml:"log"`
	Metrics   MetricsSettings    `toml:"metrics"`
}

// RelaySettings are the limits of the relay as a whole; 0 is the default named
// in docs/configuration.md.
type RelaySettings struct {
	// DefaultAccount sends what nothing else decides; without it the only
	// account does, where there is only one.
	DefaultAccount           string   `toml:"default_account"`
	Hostname                 string   `toml:"hostname"`
	MaxSizeMB                int      `toml:"max_size_mb"`
	MaxRecipients            int      `toml:"max_recipients"`
	MaxConnections           int      `toml:"max_connections"`
	MaxConnectionsPerAddress int      `toml:"max_connections_per_address"`
	Timeout                  Duration `toml:"timeout"`
}

// ListenerSettings are one address on which SMTP is spoken.
type ListenerSettings struct {
	Name     string         `toml:"name"`
	Address  string         `toml:"address"`
	TLS      string         `toml:"tls"`
	CertFile string         `toml:"cert_file"`
	KeyFile  string         `toml:"key_file"`
	TLS10    bool           `toml:"allow_tls10"`
	Networks []netip.Prefix `toml:"networks"`
}

// FolderSettings are one folder in which programs drop messages.
type FolderSettings struct {
	Name           string   `toml:"name"`
	Path           string   `toml:"path"`
	Account        string   `toml:"account"`
	AllowedSenders []string `toml:"allowed_senders"`
	Settle         Duration `toml:"settle"`
	Poll           Duration `toml:"poll"`
}

// QueueSettings say where the queue is kept, how much and how long.
type QueueSettings struct {
	// PostgreSQL is a connection string, without a password; empty keeps the
	// queue in a file of the home folder.
	PostgreSQL     string     `toml:"postgresql"`
	MaxMessages    int        `toml:"max_messages"`
	MaxSizeMB      int        `toml:"max_size_mb"`
	KeepDays       int        `toml:"keep_days"`
	KeepBodiesDays int        `toml:"keep_bodies_days"`
	Retry          []Duration `toml:"retry"`
	Expire         Duration   `toml:"expire"`
	DelayNotice    Duration   `toml:"delay_notice"`
}

// LogSettings are the program's log.
type LogSettings struct {
	File       string `toml:"file"` // "" is standard error
	Format     string `toml:"format"`
	Level      string `toml:"level"`
	MaxSizeMB  int    `toml:"max_size_mb"`
	MaxFiles   int    `toml:"max_files"`
	MaxAgeDays int    `toml:"max_age_days"`
}

// MetricsSettings switch the metrics on.
type MetricsSettings struct {
	Listen string `toml:"listen"`
}

// A Duration is written as "5m" or "120h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v <= 0 {
		return fmt.Errorf(`%q is not a duration such as "90s", "5m" or "120h"`, text)
	}
	*d = Duration(v)
	return nil
}

// MarshalJSON is for internal/control: what is not set stays so.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d)) }

// UnmarshalJSON undoes MarshalJSON.
func (d *Duration) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*time.Duration)(d)) }

// settingsFile is the name of the program's settings in the home folder.
const settingsFile = "traymail.toml"

// DefaultListen is where the relay listens when the settings name no listener.
const DefaultListen = "127.0.0.1:2525"

// ReadSettings reads traymail.toml in home. Relative paths in it start there.
func ReadSettings(home string) (Settings, error) {
	data, err := os.ReadFile(filepath.Join(home, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		data = nil
	} else if err != nil {
		return Settings{}, err
	}
	return parseSettings(home, data)
}

// parseSettings is ReadSettings with what the file holds; nil: there is none.
func parseSettings(home string, data []byte) (Settings, error) {
	path := filepath.Join(home, settingsFile)
	s, err := decodeSettings(path, data)
	if err != nil {
		return Settings{}, err
	}
	for _, check := range []func() error{s.Keystore.validate, s.Queue.validate, s.validateRelay} {
		if err := check(); err != nil {
			return Settings{}, account.Locate(err, path, data)
		}
	}
	s.fillIn(home)
	return s, nil
}

// decodeSettings is what the file says, without what it leaves out.
func decodeSettings(path string, data []byte) (Settings, error) {
	s := Settings{Keystore: KeystoreSettings{Kind: "keychain"}, Revision: revision(data)}
	_, err := account.DecodeTOML(path, data, &s)
	return s, err
}

// revision tells one file from another; nil is none.
func revision(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (s *Settings) fillIn(home string) {
	paths := []*string{&s.Keystore.File, &s.Keystore.KeyFile, &s.Log.File}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		paths = append(paths, &l.CertFile, &l.KeyFile)
		if l.TLS == "" {
			l.TLS = "none"
		}
	}
	for i := range s.Folders {
		paths = append(paths, &s.Folders[i].Path)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(home, *p)
		}
	}
	if s.Keystore.File == "" {
		s.Keystore.File = filepath.Join(home, "secrets.age")
	}
	if len(s.Listeners) == 0 {
		s.Listeners = defaultListeners()
	}
}

func defaultListeners() []ListenerSettings {
	return []ListenerSettings{{Name: "local", Address: DefaultListen, TLS: "none"}}
}

// validateRelay checks what the relay itself cannot, because there 0 stands for
// the default; the rest is the relay's to refuse.
func (s *Settings) validateRelay() error {
	r := s.Relay
	for _, n := range []struct {
		key   string
		value int
	}{
		{"relay.max_size_mb", r.MaxSizeMB}, {"relay.max_recipients", r.MaxRecipients}, {"relay.max_connections", r.MaxConnections},
		{"relay.max_connections_per_address", r.MaxConnectionsPerAddress}, {"queue.max_messages", s.Queue.MaxMessages}, {"queue.max_size_mb", s.Queue.MaxSizeMB},
		{"queue.keep_days", s.Queue.KeepDays}, {"queue.keep_bodies_days", s.Queue.KeepBodiesDays},
		{"log.max_size_mb", s.Log.MaxSizeMB}, {"log.max_files", s.Log.MaxFiles}, {"log.max_age_days", s.Log.MaxAgeDays},
	} {
		if n.value < 0 {
			return &account.FieldError{Key: n.key, Text: fmt.Sprintf("%d is negative", n.value), Fix: "give a number above 0, or leave the key out"}
		}
	}
	if !relay.ValidHostname(cmp.Or(r.Hostname, "localhost")) {
		return &account.FieldError{Key: "relay.hostname", Text: fmt.Sprintf("%q is not a host name", r.Hostname), Fix: "write it as mail.contoso.com, without a dot at its end, or leave the key out"}
	}
	for _, l := range s.Listeners {
		if (l.CertFile == "") != (l.KeyFile == "") {
			return &account.FieldError{Key: "listener.cert_file", Text: "and key_file belong together", Fix: "give both, or leave both out for a certificate that traymail makes"}
		}
	}
	return nil
}

// passwordForm finds a password in either form of a connection string.
var passwordForm = regexp.MustCompile(`(?i)\bpassword\s*=|^[a-z]+://[^/@:]*:[^/@]`)

func (q *QueueSettings) validate() error {
	if q.PostgreSQL == "" {
		return nil
	}
	if passwordForm.MatchString(q.PostgreSQL) {
		return &account.FieldError{Key: "queue.postgresql", Text: "holds a password, and no configuration file may",
			Fix: "put it into a file that only traymail can read, as host:port:database:user:password, and name that with passfile="}
	}
	if _, err := pgconn.ParseConfig(q.PostgreSQL); err != nil {
		return &account.FieldError{Key: "queue.postgresql", Text: err.Error(), Fix: `write it as "host=db.contoso.com user=traymail dbname=traymail sslmode=verify-full passfile=/path/to/pgpass"`}
	}
	return nil
}

func (d Duration) std() time.Duration { return time.Duration(d) }
