package relay

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// drop makes a watch whose scans the test runs, with a clock of its own.
type drop struct {
	*watch
	inbox  *inbox
	folder *Folder
	now    time.Time
}

func newDrop(t testing.TB, change func(*Config)) *drop {
	t.Helper()
	d := &drop{inbox: newInbox(), now: testNow}
	c := testConfig()
	d.folder = &Folder{Name: "out", Path: t.TempDir(), Settle: time.Second, Poll: time.Minute}
	if change != nil {
		change(&c)
	}
	s := &Server{
		ctx: t.Context(),
		in:  &intake{accept: d.inbox.accept, log: slog.New(slog.DiscardHandler), now: func() time.Time { return d.now }, paces: newPaces(), seen: newSeen()},
	}
	s.state.Store(&state{Config: c.withDefaults("")})
	d.watch = &watch{srv: s, path: d.folder.Path, looks: map[string]*look{}}
	return d
}

func (d *drop) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.path, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// look scans after so much time and returns the names that are in the folder.
func (d *drop) look(t testing.TB, after time.Duration) []string {
	t.Helper()
	d.now = d.now.Add(after)
	if _, err := d.scan(t.Context(), d.folder); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

const dropped = "From: Alex <alex@contoso.com>\r\nTo: a@contoso.com, G: b@contoso.com;\r\nBcc: \"c c\"@contoso.com, a@contoso.com\r\n\r\nhello\r\n"

func TestADroppedFileIsTakenOnceItIsComplete(t *testing.T) {
	d := newDrop(t, nil)
	d.write(t, "order.eml", dropped[:30])
	d.write(t, ".hidden.eml", dropped)
	d.write(t, "note.txt", dropped)
	d.write(t, "empty.eml", "")
	d.look(t, 0)
	d.write(t, "order.eml", dropped)
	d.look(t, time.Hour) // has changed since
	if err := os.Chtimes(filepath.Join(d.path, "order.eml"), testNow, testNow); err != nil {
		t.Fatal(err)
	}
	d.look(t, time.Hour) // so has its time, and not its size
	if len(d.inbox.all()) > 0 {
		t.Fatal("a file was taken while it changed")
	}
	wantNames(t, d.look(t, 999*time.Millisecond), ".hidden.eml", "empty.eml", "note.txt", "order.eml")
	wantNames(t, d.look(t, time.Millisecond), ".hidden.eml", "empty.eml", "note.txt")
	all := d.inbox.all()
	if len(all) != 1 {
		t.Fatalf("%d messages", len(all))
	}
	var to []string
	for _, r := range all[0].Recipients {
		to = append(to, r.Address)
	}
	if want := []string{"a@contoso.com", "b@contoso.com", `"c c"@contoso.com`}; !slices.Equal(to, want) || all[0].From != "alex@contoso.com" || all[0].Client != "out" {
		t.Errorf("got %+v", all[0].Message)
	}
	if body := string(all[0].body); strings.Contains(body, "Bcc") || !strings.HasSuffix(body, "\r\n\r\nhello\r\n") {
		t.Errorf("got %q", body)
	}
}

func TestASidecarIsTheEnvelope(t *testing.T) {
	d := newDrop(t, nil)
	d.write(t, "a.envelope", "X-Envelope-From: <bounce@contoso.com>\nX-Envelope-To: x@contoso.com\nX-Envelope-To: y@contoso.com, z@contoso.com\n")
	d.write(t, "a.EML", dropped)
	d.look(t, 0)
	wantNames(t, d.look(t, time.Second))
	all := d.inbox.all()
	if len(all) != 1 || all[0].From != "bounce@contoso.com" || len(all[0].Recipients) != 3 {
		t.Errorf("got %+v", all)
	}
}

func TestASidecarHasTheParametersOfDSN(t *testing.T) {
	m, err := sidecarEnvelope(strings.NewReader("X-Envelope-From: <bounces@contoso.com>\nX-Envelope-To: a@b.c\nX-Envelope-Orcpt: alias@b.c\n" +
		"X-Envelope-To: b@b.c\nX-Envelope-Notify: failure, delay\nX-Envelope-Ret: hdrs\nX-Envelope-Envid: order 4711\n"))
	want := Message{From: "bounces@contoso.com", Return: "HDRS", EnvelopeID: "order 4711", Recipients: []Recipient{
		{Address: "a@b.c", OriginalRecipient: "alias@b.c", Notify: []string{"FAILURE", "DELAY"}},
		{Address: "b@b.c", Notify: []string{"FAILURE", "DELAY"}},
	}}
	if err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestARefusedFileLiesBesideItsReason(t *testing.T) {
	tests := []struct {
		name, file, sidecar, reason string
		change                      func(*Config)
	}{
		{"no recipient", "From: alex@contoso.com\n\nx", "", "there is no recipient", nil},
		{"a broken To", "To: <<a\n\nx", "", "the field to", nil},
		{"a sidecar with a typing error", dropped, "X-Envelope-Form: <>\n", "X-Envelope-Form: this is none of", nil},
		{"a sidecar with an unknown word", dropped, "X-Envelope-From: <>\nX-Envelope-To: a@b.c\nX-Envelope-Notify: never,delay\n", `notify "NEVER,DELAY"`, nil},
		{"a sidecar that says it twice", dropped, "X-Envelope-From: <>\nX-Envelope-To: a@b.c\nX-Envelope-Ret: full\nX-Envelope-Ret: hdrs\n", "more than one X-Envelope-Ret", nil},
		{"a sidecar with an original of two", dropped, "X-Envelope-From: <>\nX-Envelope-To: a@b.c, b@b.c\nX-Envelope-Orcpt: x@y.z\n", "follow an X-Envelope-To with one address", nil},
		{"a sidecar that is something else", dropped, "hello\n", "is not a field", nil},
		{"a sidecar without sender", dropped, "X-Envelope-To: a@contoso.com\n", "no X-Envelope-From", nil},
		{"no account", dropped, "", "no account sends for", func(c *Config) { c.Default, c.Accounts[0].Sender = "", "other@contoso.com" }},
		{"no author and no account", "To: a@contoso.com\n\nx", "", "the From field has no address", func(c *Config) { c.Default = "" }},
		{"a message in UTF-16", "F\x00r\x00o\x00m\x00:\x00", "", "not UTF-16", nil},
		{"too large", dropped, "", "larger than the 20 octets", func(c *Config) { c.MaxSize = 20 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDrop(t, test.change)
			names := []string{"a.eml.error.txt", "a.eml.refused"}
			if test.sidecar != "" {
				d.write(t, "a.envelope", test.sidecar)
				names = append(names, "a.envelope.refused")
			}
			d.write(t, "a.eml", test.file)
			d.look(t, 0)
			wantNames(t, d.look(t, time.Second), names...)
			text, err := os.ReadFile(filepath.Join(d.path, "a.eml.error.txt"))
			if err != nil || !strings.Contains(string(text), test.reason) {
				t.Errorf("got %q, %v; want %q", text, err, test.reason)
			}
			if len(d.inbox.all()) > 0 {
				t.Error("it was taken")
			}
		})
	}
}

func TestADroppedFileWithoutAuthorIsOfTheAccount(t *testing.T) {
	for _, from := range []string{"", "From:\n", "From: root\n", "From: root (Cron Daemon)\n", "From: Backup Job\n", "From: nobody:;\n", "From: a@x..y\n"} {
		d := newDrop(t, func(c *Config) {
			c.Accounts = append(c.Accounts, Account{Name: "shop", Sender: "shop@contoso.com"})
		})
		d.folder.Client.Account = "shop"
		d.write(t, "a.eml", from+"To: a@contoso.com\n\nx")
		d.look(t, 0)
		wantNames(t, d.look(t, time.Second))
		if all := d.inbox.all(); len(all) != 1 || all[0].From != "shop@contoso.com" || all[0].Account != "shop" {
			t.Errorf("%q: got %+v", from, all)
		}
	}
	d := newDrop(t, nil)
	d.write(t, "a.envelope", "X-Envelope-From: <>\nX-Envelope-To: a@contoso.com\n")
	d.write(t, "a.eml", "From: root\n\nx")
	d.look(t, 0)
	d.look(t, time.Second)
	if all := d.inbox.all(); len(all) != 1 || all[0].From != "" {
		t.Errorf("the null sender became %+v", all)
	}
}

func TestAFullQueueLeavesTheFileForLater(t *testing.T) {
	d := newDrop(t, nil)
	d.inbox.refuse = ErrFull
	d.write(t, "a.eml", dropped)
	d.look(t, 0)
	wantNames(t, d.look(t, time.Second), "a.eml.sending")
	d.inbox.refuse = nil
	wantNames(t, d.look(t, time.Minute-1), "a.eml.sending")
	wantNames(t, d.look(t, 1))
	if len(d.inbox.all()) != 1 {
		t.Error("it was not taken")
	}
}

func TestAFileThatIsWrittenWhileItIsReadIsNotTaken(t *testing.T) {
	d := newDrop(t, nil)
	d.write(t, "a.eml", dropped)
	var failed error
	d.srv.in.accept = func(_ context.Context, _ Message, r io.Reader) (string, error) {
		d.write(t, "a.eml.sending", dropped+"more\r\n")
		_, failed = io.Copy(io.Discard, r)
		return "", failed
	}
	d.look(t, 0)
	wantNames(t, d.look(t, time.Second), "a.eml.sending")
	if failed == nil {
		t.Error("half a file was read to its end")
	}
}

func TestALinkIsNoMessage(t *testing.T) {
	d := newDrop(t, nil)
	d.write(t, "secret", dropped)
	if err := os.Symlink("secret", filepath.Join(d.path, "a.eml")); err != nil {
		t.Logf("no links here: %v", err)
		return
	}
	d.look(t, 0)
	wantNames(t, d.look(t, time.Hour), "a.eml", "secret")
	if len(d.inbox.all()) > 0 {
		t.Error("it was followed")
	}
}

func TestAFolderOfARunningRelay(t *testing.T) {
	c := testConfig()
	c.Folders = []Folder{{Name: "out", Path: t.TempDir(), Settle: time.Nanosecond, Poll: time.Millisecond}}
	b := newInbox()
	s, err := Start(c, b.accept, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(c.Folders[0].Path, "a.eml")
	if err := os.WriteFile(name+".part", []byte(dropped), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".part", name); err != nil {
		t.Fatal(err)
	}
	<-b.arrived
	if got, want := s.Folders(), []FolderState{{"out", c.Folders[0].Path, ""}}; !slices.Equal(got, want) {
		t.Errorf("it stands as %+v", got)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestAFolderTellsWhatStandsInItsWay(t *testing.T) {
	for name, c := range map[string]struct {
		harm, mend func(t *testing.T, path string)
		want       string
	}{
		"it is removed": {
			func(t *testing.T, path string) { try(t, os.RemoveAll(path)) },
			func(t *testing.T, path string) { try(t, os.Mkdir(path, 0o700)) }, "the folder is not there"},
		"a file is in its place": {
			func(t *testing.T, path string) {
				try(t, os.RemoveAll(path))
				try(t, os.WriteFile(path, nil, 0o600))
			},
			func(t *testing.T, path string) {
				try(t, os.Remove(path))
				try(t, os.Mkdir(path, 0o700))
			}, "directory"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			try(t, os.Mkdir(path, 0o700))
			d := newDrop(t, nil)
			d.path, d.folder.Path = path, path
			look := func() string {
				d.now = d.now.Add(time.Hour)
				_, err := d.scan(t.Context(), d.folder)
				d.note(err)
				return d.problem.Load().(string)
			}
			if got := look(); got != "" {
				t.Fatalf("a sound one: %q", got)
			}
			c.harm(t, path)
			if got := look(); !strings.Contains(got, c.want) || strings.Contains(got, path) {
				t.Errorf("it says %q", got)
			}
			c.mend(t, path)
			if got := look(); got != "" {
				t.Errorf("mended, it says %q", got)
			}
		})
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzSidecar(f *testing.F) {
	f.Add("X-Envelope-From: <>\nX-Envelope-To: a@b.c\n")
	f.Add("X-Envelope-From: <>\nX-Envelope-To: a@b.c\nX-Envelope-Orcpt: x@y.z\nX-Envelope-Notify: never\nX-Envelope-Ret: full\nX-Envelope-Envid: 1\n")
	f.Add("X-Envelope-From: A <a@b.c>\nX-Envelope-To: G: x@y.z, \"q q\"@y.z;\n folded@y.z\n\nrest")
	f.Fuzz(func(t *testing.T, in string) {
		m, err := sidecarEnvelope(strings.NewReader(in))
		if err != nil {
			return
		}
		if len(m.Recipients) == 0 {
			t.Fatalf("%q has no recipient", in)
		}
		if m.checkDSN() != nil {
			t.Fatalf("%q has %+v", in, m)
		}
		// What Submit lets through of it can stand in a command.
		for _, r := range append(m.Recipients, Recipient{Address: m.From}) {
			if checkAddress(r.Address, true) == nil && strings.ContainsAny(quoteLocal(r.Address), "\r\n\x00") {
				t.Errorf("%q has the address %q", in, r.Address)
			}
		}
	})
}
