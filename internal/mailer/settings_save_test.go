package mailer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/keystore"
)

const written = `# Mail of the ERP system. Ask Kim before you change anything here.

[keystore] # the box has no keychain
kind = "file"
key_file   =   'keys/keystore.key'

  [relay]
  # Everything without an owner goes out here.
  hostname = "mail.contoso.com"  # as in DNS
  max_recipients = 0x64

# What the scanners on the second floor use.
[[listener]]
name = "local"     # do not rename, the runbook says so
address = "127.0.0.1:2525"

[[listener]]
# needs a client with a password
name = "devices"
address = "127.0.0.1:2587"
networks = [
  "127.0.0.0/8",   # this machine
]

queue.keep_days = 7
`

// The last line belongs to no table in TOML, so that it stands first.
func writtenSettings() string {
	rest, last, _ := strings.Cut(written, "\nqueue.keep_days = 7\n")
	return "queue.keep_days = 7\n" + rest + last
}

// a home is a Mailer whose home holds these settings.
func settingsHome(t *testing.T, text string) *Mailer {
	t.Helper()
	m := &Mailer{Home: t.TempDir(), Secrets: keystore.Memory()}
	t.Cleanup(func() { m.Close() })
	if text != "" {
		if err := os.WriteFile(filepath.Join(m.Home, settingsFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func fileOf(t *testing.T, m *Mailer) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(m.Home, settingsFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func saved(t *testing.T, m *Mailer, change func(*Settings)) {
	t.Helper()
	s, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(&s)
	if err := m.SaveSettings(t.Context(), s); err != nil {
		t.Fatalf("%v (%s)", err, Fix(err))
	}
	now, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.fillIn(m.Home)
	s.Revision, now.Revision = "", ""
	if !reflect.DeepEqual(now, s) {
		t.Errorf("saved %+v\ngot   %+v", s, now)
	}
}

func TestAChangeOfTheSettingsLeavesTheRestOfTheFileAsItIsWritten(t *testing.T) {
	base := writtenSettings()
	lines := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(base) }
	for name, c := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"nothing":           {func(*Settings) {}, base},
		"a value":           {func(s *Settings) { s.Relay.Hostname = "smtp.contoso.com" }, lines(`"mail.contoso.com"`, `"smtp.contoso.com"`)},
		"a number":          {func(s *Settings) { s.Relay.MaxRecipients = 50 }, lines("0x64", "50")},
		"a dotted key":      {func(s *Settings) { s.Queue.KeepDays = 30 }, lines("keep_days = 7", "keep_days = 30")},
		"beside a dotted":   {func(s *Settings) { s.Queue.Expire = Duration(48 * time.Hour) }, lines("keep_days = 7\n", "keep_days = 7\nqueue.expire = \"48h\"\n")},
		"another key":       {func(s *Settings) { s.Relay.Timeout = Duration(90 * time.Second) }, lines("0x64\n", "0x64\n  timeout = \"1m30s\"\n")},
		"a key less":        {func(s *Settings) { s.Relay.MaxRecipients = 0 }, lines("  max_recipients = 0x64\n", "")},
		"its comment stays": {func(s *Settings) { s.Relay.Hostname = "" }, lines("  hostname = \"mail.contoso.com\"  # as in DNS\n", "# as in DNS\n")},
		"another table":     {func(s *Settings) { s.Log.Level = "debug" }, base + "\n[log]\nlevel = \"debug\"\n"},
		"a listener's key":  {func(s *Settings) { s.Listeners[1].Address = "127.0.0.1:2588" }, lines("2587", "2588")},
		"a listener's list": {func(s *Settings) {
			s.Listeners[1].Networks = append(s.Listeners[1].Networks, netip.MustParsePrefix("192.0.2.0/24"))
		}, lines("[\n  \"127.0.0.0/8\",   # this machine\n]", `["127.0.0.0/8", "192.0.2.0/24"]`)},
		"a listener renamed": {func(s *Settings) { s.Listeners[0].Name = "here" }, lines(`name = "local" `, `name = "here" `)},
		"a listener more": {func(s *Settings) {
			s.Listeners = append(s.Listeners, ListenerSettings{Name: "third", Address: "127.0.0.1:2600", TLS: "starttls"})
		}, base + "\n[[listener]]\nname = \"third\"\naddress = \"127.0.0.1:2600\"\ntls = \"starttls\"\n"},
		"the first listener gone": {func(s *Settings) { s.Listeners = s.Listeners[1:] },
			lines("\n# What the scanners on the second floor use.\n[[listener]]\nname = \"local\"     # do not rename, the runbook says so\naddress = \"127.0.0.1:2525\"\n", "")},
		"the last listener gone, and the first changed": {func(s *Settings) { s.Listeners = s.Listeners[:1]; s.Listeners[0].TLS = "starttls" },
			strings.Replace(base[:strings.LastIndex(base, "\n[[listener]]")], "2525\"\n", "2525\"\ntls = \"starttls\"\n", 1)},
		"a path":     {func(s *Settings) { s.Keystore.KeyFile = "other.key" }, lines("'keys/keystore.key'", `"other.key"`)},
		"two tables": {func(s *Settings) { s.Log.File, s.Metrics.Listen = "log/x.log", "127.0.0.1:9325" }, base + "\n[log]\nfile = \"log/x.log\"\n\n[metrics]\nlisten = \"127.0.0.1:9325\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, form := range map[string][2]string{"unix": {"", "\n"}, "windows": {"", "\r\n"}, "an old editor of windows": {account.ByteOrderMark, "\r\n"}} {
				m := settingsHome(t, form[0]+strings.ReplaceAll(base, "\n", form[1]))
				saved(t, m, c.change)
				if got, want := fileOf(t, m), form[0]+strings.ReplaceAll(c.want, "\n", form[1]); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", kind, got, want)
				}
			}
		})
	}
}

func TestSettingsAreWrittenWhereThereWereNone(t *testing.T) {
	m := settingsHome(t, "")
	folder := t.TempDir()
	saved(t, m, func(*Settings) {})
	if got := fileOf(t, m); got != "" {
		t.Errorf("nothing was changed, and the file holds %q", got)
	}
	saved(t, m, func(s *Settings) {
		s.Relay.Hostname = "mail.contoso.com"
		s.Folders = []FolderSettings{{Name: "erp", Path: folder, AllowedSenders: []string{"@contoso.com", `"o'dd\"@contoso.com`}, Poll: Duration(time.Minute)}}
	})
	saved(t, m, func(s *Settings) {
		s.Listeners = append(s.Listeners, ListenerSettings{Name: "more", Address: "127.0.0.1:2600"})
		s.Queue.Retry = []Duration{Duration(time.Minute), Duration(time.Hour)}
	})
	for _, want := range []string{"[[listener]]\nname = \"local\"", "[[listener]]\nname = \"more\"", "retry = [\"1m\", \"1h\"]", "poll = \"1m\""} {
		if !strings.Contains(fileOf(t, m), want) {
			t.Errorf("%q is not in the file:\n%s", want, fileOf(t, m))
		}
	}
	saved(t, m, func(s *Settings) { s.Listeners, s.Folders = s.Listeners[:1], nil })
	if got := fileOf(t, m); strings.Contains(got, "folder") || strings.Contains(got, "more") {
		t.Errorf("it holds\n%s", got)
	}
}

func TestSettingsThatCannotBeUsedChangeNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Settings)
		key    string
		text   string
	}{
		"a negative number":           {func(s *Settings) { s.Relay.MaxSizeMB = -1 }, "relay.max_size_mb", "negative"},
		"a name that is none":         {func(s *Settings) { s.Relay.Hostname = "mail.contoso.com." }, "relay.hostname", "not a host name"},
		"a keystore with both":        {func(s *Settings) { s.Keystore.Kind = "keychain" }, "keystore.kind", "has no file"},
		"half a certificate":          {func(s *Settings) { s.Listeners[0].CertFile = "cert.pem" }, "listener.cert_file", "belong together"},
		"a password":                  {func(s *Settings) { s.Queue.PostgreSQL = "host=db password=hunter2" }, "queue.postgresql", "holds a password"},
		"a duration below zero":       {func(s *Settings) { s.Queue.Expire = -5 }, "queue.expire", "not a duration"},
		"no such account":             {func(s *Settings) { s.Relay.DefaultAccount = "other" }, "", `the default account "other" does not exist`},
		"others without a password":   {func(s *Settings) { s.Listeners[0].Address = "0.0.0.0:2525" }, "", "reachable from other machines"},
		"everybody":                   {func(s *Settings) { s.Listeners[0].Networks = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }, "", "let everyone send"},
		"two of a name":               {func(s *Settings) { s.Listeners[1].Name = "local" }, "", `two listeners are named "local"`},
		"two of a name, one is added": {func(s *Settings) { s.Listeners = append(s.Listeners, s.Listeners[0]) }, "", "two listeners are named"},
		"no name":                     {func(s *Settings) { s.Listeners[1].Name = "" }, "", "has no name"},
		"a folder that is not there":  {func(s *Settings) { s.Folders = []FolderSettings{{Name: "erp", Path: "none"}} }, "", "create it or change its path"},
	} {
		t.Run(name, func(t *testing.T) {
			m := settingsHome(t, writtenSettings())
			s, err := m.Settings(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.change(&s)
			err = m.SaveSettings(t.Context(), s)
			var field *account.FieldError
			if !errors.As(err, &field) || field.Key != c.key || !strings.Contains(field.Text, c.text) || field.Fix == "" || field.Line != 0 {
				t.Errorf("%+v", err)
			}
			if strings.Contains(Fix(err), settingsFile) {
				t.Errorf("who changes it here is sent to a file: %s", Fix(err))
			}
			if err != nil && strings.Contains(err.Error()+Fix(err), "hunter2") {
				t.Errorf("it is quoted: %v", err)
			}
			if got := fileOf(t, m); got != writtenSettings() {
				t.Errorf("the file changed:\n%s", got)
			}
		})
	}
}

func TestSettingsThatSomebodyElseChangedMeanwhileAreNotOverwritten(t *testing.T) {
	m := settingsHome(t, writtenSettings())
	s, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := writtenSettings() + "\n# a word of Kim's\n"
	writeFileAt(t, m, other)
	s.Relay.MaxRecipients = 5
	if err := m.SaveSettings(t.Context(), s); !errors.Is(err, ErrChangedMeanwhile) {
		t.Errorf("saved over it: %v", err)
	}
	if err := os.Remove(filepath.Join(m.Home, settingsFile)); err != nil {
		t.Fatal(err)
	}
	if err := m.SaveSettings(t.Context(), s); !errors.Is(err, ErrChangedMeanwhile) {
		t.Errorf("saved although it was removed: %v", err)
	}
	writeFileAt(t, m, other)
	saved(t, m, func(s *Settings) { s.Relay.MaxRecipients = 5 })
	if !strings.HasSuffix(fileOf(t, m), "# a word of Kim's\n") {
		t.Error("the other's change is lost")
	}
}

func writeFileAt(t *testing.T, m *Mailer, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(m.Home, settingsFile), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsInAFormThatIsNotUnderstoodAreRefusedAndNotMangled(t *testing.T) {
	for name, text := range map[string]string{
		"a table in one line":     "relay = { max_recipients = 5 }\n",
		"listeners in one line":   "listener = [{ name = \"a\", address = \"127.0.0.1:2525\" }]\n",
		"a listener more of them": "listener = [\n]\n",
	} {
		t.Run(name, func(t *testing.T) {
			m := settingsHome(t, text)
			s, err := m.Settings(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.Relay.MaxRecipients = 7
			s.Listeners = append(s.Listeners, ListenerSettings{Name: "b", Address: "127.0.0.1:2600", TLS: "none"})
			var field *account.FieldError
			if err := m.SaveSettings(t.Context(), s); !errors.As(err, &field) || field.Fix == "" {
				t.Errorf("%v", err)
			}
			if got := fileOf(t, m); got != text {
				t.Errorf("the file is %q", got)
			}
		})
	}
}

func TestSavedSettingsAreInForceWhenTheCallReturns(t *testing.T) {
	b := newBench(t, "")
	b.start()
	s, err := b.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Listeners = append(s.Listeners, ListenerSettings{Name: "second", Address: "localhost:0", TLS: "none"})
	if err := b.SaveSettings(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	status, err := b.Status(t.Context())
	if err != nil || len(status.Listeners) != 2 || status.Problem != "" {
		t.Errorf("%+v, %v", status, err)
	}
	// What cannot be taken over is told, and is seen in the status.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if s, err = b.Settings(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Listeners[1].Address = taken.Addr().String()
	if err := b.SaveSettings(t.Context(), s); !errors.Is(err, ErrNotInForce) {
		t.Errorf("a port that is taken: %v", err)
	}
	if status, err = b.Status(t.Context()); err != nil || status.Problem == "" {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestManyWhoSaveTheSettingsLoseNothing(t *testing.T) {
	m := settingsHome(t, writtenSettings())
	done := make(chan int)
	for i := range 8 {
		go func() {
			tries := 0
			for ; ; tries++ {
				s, err := m.Settings(context.Background())
				if err != nil {
					t.Error(err)
					break
				}
				s.Queue.Retry = append(s.Queue.Retry, Duration(time.Duration(i+1)*time.Minute))
				if err := m.SaveSettings(context.Background(), s); err == nil {
					break
				} else if !errors.Is(err, ErrChangedMeanwhile) {
					t.Error(err)
					break
				}
			}
			done <- tries
		}()
	}
	for range 8 {
		<-done
	}
	s, err := m.Settings(t.Context())
	if err != nil || len(s.Queue.Retry) != 8 {
		t.Errorf("%v, %v", s.Queue.Retry, err)
	}
}

// FuzzAChangeOfTheSettings changes files of any form: what is saved reads as
// what was asked for, and comments are as many as before.
func FuzzAChangeOfTheSettings(f *testing.F) {
	f.Add(writtenSettings(), "mail.contoso.com", 5)
	f.Add("", "a", 0)
	f.Add("[relay]\r\nhostname='x' # c", "", 1)
	f.Add("relay.hostname = \"\"\"\nx\"\"\"\n[\"relay\"]", "y", 2)
	f.Add("[[listener]]\nname=\"a\"\naddress=\"127.0.0.1:1\"\n#[x]\n[[listener]]\nname=\"b\"\naddress=\"127.0.0.1:2\"", "z", 3)
	f.Fuzz(func(t *testing.T, text, hostname string, n int) {
		home := "/home"
		was, err := parseSettings(home, []byte(text))
		if err != nil {
			return
		}
		s := was
		s.Relay.Hostname, s.Relay.MaxRecipients = hostname, n
		s.Log.Level = "debug"
		if n%2 == 0 && len(s.Listeners) > 1 {
			s.Listeners = s.Listeners[1:]
		}
		s.Folders = append(s.Folders[:len(s.Folders):len(s.Folders)], FolderSettings{Name: "fuzz", Path: hostname})
		got, err := changedSettings(home, []byte(text), s)
		if err != nil {
			return // it said so, and changed nothing
		}
		now, err := decodeSettings("", got)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		if now.Relay.Hostname != hostname || now.Relay.MaxRecipients != n || len(now.Folders) != len(s.Folders) {
			t.Errorf("%q became %q", text, got)
		}
		again := now
		again.fillIn(home)
		if once, err := changedSettings(home, got, again); err != nil || string(once) != string(got) {
			t.Errorf("saving %q once more made %q, %v", got, once, err)
		}
	})
}

func TestOneBlankLineSetsOffEachTableOfAFileWithoutALineBreakAtItsEnd(t *testing.T) {
	m := settingsHome(t, "# nothing here")
	saved(t, m, func(s *Settings) { s.Relay.MaxRecipients, s.Log.Level = 7, "warn" })
	if got, want := fileOf(t, m), "# nothing here\n\n[relay]\nmax_recipients = 7\n\n[log]\nlevel = \"warn\"\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
