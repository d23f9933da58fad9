//go:build !darwin || cgo

package relay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"go.uber.org/goleak"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/uitest"
)

func TestMain(m *testing.M) {
	os.Setenv("LANG", "en_US.UTF-8")
	goleak.VerifyTestMain(m)
}

const file = `# the relay of the second floor
[[listener]]
name = "local"
address = "127.0.0.1:2525"

[[listener]]
name = "office" # printers
address = "0.0.0.0:2587"
tls = "starttls"
networks = ["192.0.2.0/24"]
`

const longName = "scanner-on-the-second-floor-behind-the-stairs"

// opened is the page on a window, with the real program on a home of its own;
// nothing of it runs.
func opened(t *testing.T) (*Page, *uitest.Bench, *mailer.Mailer) {
	t.Helper()
	m := &mailer.Mailer{Home: t.TempDir()}
	t.Cleanup(func() { m.Close() })
	if err := os.WriteFile(filepath.Join(m.Home, "traymail.toml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	a := account.New("invoices")
	a.Username, a.ClientID = "svc@contoso.com", "6a1c9f6e-0000-4000-8000-000000000001"
	if err := m.Accounts().Save(a); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backup-job", longName} {
		if _, err := m.SaveClient(t.Context(), mailer.Client{Name: name, AllowedSenders: []string{"@contoso.com"}}, mailer.NewPassword); err != nil {
			t.Fatal(err)
		}
	}
	b := uitest.New(t)
	v := New(b.Desk, m, b.Frame)
	b.Window.SetContent(v.Content())
	b.Window.Resize(fyne.NewSize(1064, 720))
	now := time.Now()
	v.Status(desk.Status{Known: true, At: now, Status: mailer.Status{
		Accounts:  []mailer.AccountStatus{{Name: "invoices"}},
		Listeners: []mailer.ListenerStatus{{Name: "local", Address: "127.0.0.1:2525", TLS: "none"}},
		Clients: []mailer.ClientStatus{{Name: "backup-job", LastSeen: now.Add(-2 * time.Minute), Messages: 1204},
			{Name: longName, LastSeen: now.Add(-3 * time.Hour), Messages: 12, Refused: 2}},
	}})
	v.Show(desk.Place{Page: desk.Relay})
	wait(v, b)
	return v, b, m
}

func wait(v *Page, b *uitest.Bench) {
	b.Until(func() bool { return v.presenter.state.Known && !v.presenter.state.Busy })
}

func read(t *testing.T, m *mailer.Mailer) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(m.Home, "traymail.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEachToolSaysWhenItWasSeenAndEachListenerWhetherItListens(t *testing.T) {
	v, b, _ := opened(t)
	b.Look("relay")
	for e, want := range map[Entry]string{
		{Tool, "backup-job"}: "last seen 2 min ago · 1,204 taken",
		{Tool, longName}:     "2 refused",
		{Listener, "local"}:  "127.0.0.1:2525",
		{Listener, "office"}: "does not listen",
	} {
		if got := v.lines[e].Found.Text; !strings.Contains(got, want) {
			t.Errorf("%v says %q, want %q", e, got, want)
		}
	}
	s := v.presenter.state.Status
	s.Clients[0].Messages++
	v.Status(s)
	if got := v.lines[Entry{Tool, "backup-job"}].Found.Text; !strings.Contains(got, "1,205 taken") {
		t.Errorf("after one more it says %q", got)
	}
}

func TestEachDropFolderSaysWhetherItsFilesAreTaken(t *testing.T) {
	v, b, m := opened(t)
	settings, err := m.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	settings.Folders = []mailer.FolderSettings{{Name: "erp", Path: path}}
	if err := m.SaveSettings(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	v.Show(desk.Place{Page: desk.Relay})
	wait(v, b)
	e := Entry{Folder, "erp"}
	for name, c := range map[string]struct {
		folders []mailer.FolderStatus
		at      look.Level
		found   string
	}{
		"it is watched":     {[]mailer.FolderStatus{{Name: "erp", Path: path}}, look.OK, path},
		"it is not watched": {nil, look.Attention, path + " · is not watched"},
		"something is in the way": {[]mailer.FolderStatus{{Name: "erp", Path: path, Problem: "the folder is not there; create it, or change its path"}}, look.Attention,
			path + "\nThe folder is not there; create it, or change its path"},
	} {
		t.Run(name, func(t *testing.T) {
			s := v.presenter.state.Status
			s.Folders = c.folders
			v.Status(s)
			if at, _, _ := v.standing(v.presenter.state, e); at != c.at || v.lines[e].Found.Text != c.found {
				t.Errorf("%+v: %q, want %+v: %q", at, v.lines[e].Found.Text, c.at, c.found)
			}
			b.Look("relay-folder-" + strings.ReplaceAll(name, " ", "-"))
		})
	}
}

func TestTheNewToolsPasswordIsShownOnceAndWorks(t *testing.T) {
	v, b, m := opened(t)
	b.Press(fyne.KeyReturn) // the button to add a tool has the focus
	b.Type("erp")
	b.Window.Canvas().FocusNext()
	b.Type("@contoso.com")
	b.Press(fyne.KeyReturn)
	wait(v, b)
	password := v.editor.secret.Text
	if password == "" || !v.editor.password.Visible() {
		t.Fatalf("no password is shown: %v", v.presenter.state.Err)
	}
	b.Look("relay-password")
	c, err := m.ClientFiles().Load("erp")
	if err != nil || c.PasswordHash == "" || strings.Contains(c.PasswordHash, password) {
		t.Fatalf("the client is %+v (%v)", c, err)
	}
	b.Press(fyne.KeyEscape)
	if v.presenter.state.Password != "" || v.editor.content.Visible() {
		t.Error("the password is still there after the entry was closed")
	}
	v.lines[Entry{Tool, "erp"}].Tapped(nil)
	if v.editor.password.Visible() || v.editor.secret.Text != "" {
		t.Error("it is shown twice")
	}
}

func TestANewPasswordIsAskedForFirstAndReplacesTheFormerOne(t *testing.T) {
	v, b, m := opened(t)
	before, err := m.ClientFiles().Load("backup-job")
	if err != nil {
		t.Fatal(err)
	}
	v.lines[Entry{Tool, "backup-job"}].Tapped(nil)
	v.editor.renew.Tapped(nil)
	b.Press(fyne.KeyEscape)
	if after, _ := m.ClientFiles().Load("backup-job"); after.PasswordHash != before.PasswordHash {
		t.Fatal("it was replaced though the answer was no")
	}
	v.editor.renew.Tapped(nil)
	b.Look("relay-renew")
	b.Window.Canvas().FocusNext()
	b.Press(fyne.KeyReturn)
	wait(v, b)
	after, err := m.ClientFiles().Load("backup-job")
	if err != nil || after.PasswordHash == before.PasswordHash || !v.editor.password.Visible() {
		t.Errorf("after it: %v, shown: %v", err, v.editor.password.Visible())
	}
	if len(after.AllowedSenders) != 1 {
		t.Errorf("its senders are %v", after.AllowedSenders)
	}
}

func TestAListenerThatIsChangedKeepsTheRestOfTheFile(t *testing.T) {
	v, b, m := opened(t)
	v.lines[Entry{Listener, "office"}].Tapped(nil)
	b.Look("relay-listener")
	v.editor.rows["networks"].entry.SetText("192.0.2.0/24, 2001:db8::/32")
	v.editor.apply.Tapped(nil)
	wait(v, b)
	if text := read(t, m); !strings.Contains(text, "# the relay of the second floor") || !strings.Contains(text, `"office" # printers`) || !strings.Contains(text, "2001:db8::/32") {
		t.Errorf("the file:\n%s", text)
	}
	if !v.presenter.state.Saved {
		t.Errorf("it does not say that it is saved: %v", v.presenter.state.Err)
	}
}

func TestAListenerThatEverybodyCouldUseIsRefusedWithTheReason(t *testing.T) {
	v, b, m := opened(t)
	v.adds[Listener].Tapped(nil)
	for key, value := range map[string]string{"name": "open", "address": "0.0.0.0:25"} {
		v.editor.rows[key].entry.SetText(value)
	}
	v.editor.rows["tls"].choice.SetSelectedIndex(0)
	if v.editor.banner.What.Text != "Other machines can reach this address" {
		t.Errorf("before it is applied it says %q", v.editor.banner.What.Text)
	}
	v.editor.apply.Tapped(nil)
	wait(v, b)
	b.Look("relay-refused")
	why, fix, _ := strings.Cut(v.editor.detail.Text, "\n")
	if !strings.Contains(why, "reachable from other machines") || fix == "" || v.editor.banner.Then.Visible() {
		t.Errorf("it says why: %q, and then what to do: %q", why, fix)
	}
	if s := v.presenter.state; s.Err == nil || read(t, m) != file {
		t.Errorf("it was taken: %v\n%s", s.Err, read(t, m))
	}
	if v.editor.rows["address"].entry.Text != "0.0.0.0:25" {
		t.Error("what was typed is gone")
	}
}

func TestAWrongValueIsToldAtItsField(t *testing.T) {
	v, b, m := opened(t)
	for key, value := range map[string]string{"networks": "the office", "max_size_mb": "much", "name": "no/name"} {
		v.adds[Tool].Tapped(nil)
		v.editor.rows["name"].entry.SetText("new")
		v.editor.rows[key].entry.SetText(value)
		v.editor.apply.Tapped(nil)
		wait(v, b)
		r := v.editor.rows[key]
		if !r.alarm.Visible() || b.Window.Canvas().Focused() != r.entry {
			t.Errorf("%s = %q: its field says nothing: %v", key, value, v.presenter.state.Err)
		}
		if names, _ := m.ClientFiles().Names(); len(names) != 2 {
			t.Errorf("%s = %q: the clients are %v", key, value, names)
		}
		b.Press(fyne.KeyEscape)
		b.Window.Canvas().FocusNext() // what was typed is given up
		b.Press(fyne.KeyReturn)
	}
}

func TestWhatWasTypedIsGivenUpOnlyWhenThatIsTheAnswer(t *testing.T) {
	v, b, _ := opened(t)
	v.lines[Entry{Listener, "office"}].Tapped(nil)
	typed := func() string { return v.editor.rows["address"].entry.Text }
	v.editor.rows["address"].entry.SetText("0.0.0.0:2600")
	for name, leave := range map[string]func(){
		"Escape":        func() { b.Press(fyne.KeyEscape) },
		"Close":         func() { v.editor.close.Tapped(nil) },
		"another entry": func() { v.lines[Entry{Tool, "backup-job"}].Tapped(nil) },
		"a new one":     func() { v.adds[Folder].Tapped(nil) },
	} {
		leave()
		b.Press(fyne.KeyReturn) // goes on editing: that has the focus
		if e := v.presenter.state.Edit; e == nil || e.Name != "office" || typed() != "0.0.0.0:2600" {
			t.Fatalf("after %s, %+v is open", name, e)
		}
	}
	v.lines[Entry{Listener, "office"}].Tapped(nil)
	if typed() != "0.0.0.0:2600" {
		t.Error("what was typed is gone when the entry is opened that is open")
	}
	v.lines[Entry{Tool, "backup-job"}].Tapped(nil)
	b.Look("relay-discard")
	b.Window.Canvas().FocusNext()
	b.Press(fyne.KeyReturn)
	if e := v.presenter.state.Edit; e == nil || e.Name != "backup-job" {
		t.Errorf("%+v is open", e)
	}
}

func TestAnotherLanguageKeepsWhatWasTypedAndAPasswordThatIsShown(t *testing.T) {
	v, b, _ := opened(t)
	v.lines[Entry{Tool, "backup-job"}].Tapped(nil)
	v.presenter.renew()
	wait(v, b)
	password := v.editor.secret.Text
	v.editor.rows["allowed_senders"].entry.SetText("erp@contoso.com")
	v = v.Anew(b.Frame)
	b.Window.SetContent(v.Content())
	v.Show(desk.Place{Page: desk.Relay})
	wait(v, b)
	if got := v.editor.rows["allowed_senders"].entry.Text; got != "erp@contoso.com" || v.editor.apply.Disabled() || password == "" || v.editor.secret.Text != password {
		t.Errorf("%q stands there, and the password %q", got, v.editor.secret.Text)
	}
}

func TestAnEntryThatSomebodyElseRemovedIsClosedAndSaidToBeGone(t *testing.T) {
	v, b, m := opened(t)
	v.lines[Entry{Tool, "backup-job"}].Tapped(nil)
	if err := m.RemoveClient(t.Context(), "backup-job"); err != nil {
		t.Fatal(err)
	}
	v.Show(desk.Place{Page: desk.Relay})
	wait(v, b)
	if v.presenter.state.Edit != nil || v.gone.Text != "backup-job is gone: it was removed elsewhere." || !v.gone.Visible() {
		t.Errorf("%+v is open, and it says %q", v.presenter.state.Edit, v.gone.Text)
	}
	b.Look("relay-gone")
	v.presenter.renew() // as from a question that was still open
	v.presenter.remove()
	wait(v, b)
	if names, _ := m.ClientFiles().Names(); len(names) != 1 {
		t.Errorf("the clients are %v", names)
	}
}

func TestANewToolsCardHasRoomForIt(t *testing.T) {
	v, b, _ := opened(t)
	v.adds[Tool].Tapped(nil)
	v.editor.rows["name"].entry.SetText("erp")
	v.editor.apply.Tapped(nil)
	wait(v, b)
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject
	add, next := v.adds[Tool], v.lines[Entry{Listener, "local"}]
	if below, above := place(add).Y+add.Size().Height, place(next).Y; below > above {
		t.Errorf("the button ends at %v, and the next card's line begins at %v", below, above)
	}
	if b.Window.Canvas().Focused() != v.editor.copy {
		t.Error("the focus is not at the button that copies the password")
	}
}

func TestWhatIsRemovedIsAskedForFirst(t *testing.T) {
	v, b, m := opened(t)
	for _, e := range []Entry{{Listener, "office"}, {Tool, "backup-job"}} {
		v.lines[e].Tapped(nil)
		v.editor.remove.Tapped(nil)
		b.Press(fyne.KeyReturn) // keeps it: that has the focus
		if v.lines[e] == nil || v.presenter.state.Busy {
			t.Fatalf("%v is gone unasked", e)
		}
		v.editor.remove.Tapped(nil)
		b.Window.Canvas().FocusNext()
		b.Press(fyne.KeyReturn)
		wait(v, b)
		if v.lines[e] != nil || v.presenter.state.Edit != nil {
			t.Errorf("%v is still there: %v", e, v.presenter.state.Err)
		}
	}
	if names, _ := m.ClientFiles().Names(); len(names) != 1 || strings.Contains(read(t, m), "office") {
		t.Errorf("the clients are %v, the file:\n%s", names, read(t, m))
	}
}

func TestADropFolderIsAdded(t *testing.T) {
	v, b, m := opened(t)
	v.adds[Folder].Tapped(nil)
	v.editor.rows["name"].entry.SetText("erp-out")
	v.editor.rows["path"].entry.SetText(t.TempDir())
	v.editor.apply.Tapped(nil)
	wait(v, b)
	if !strings.Contains(read(t, m), `"erp-out"`) && !strings.Contains(read(t, m), `'erp-out'`) || v.lines[Entry{Folder, "erp-out"}] == nil {
		t.Errorf("it is not there: %v", v.presenter.state.Err)
	}
}

func TestTheListIsWalkedByKeyboard(t *testing.T) {
	v, b, _ := opened(t)
	b.Window.Canvas().Focus(v.lines[Entry{Tool, "backup-job"}])
	b.Press(fyne.KeyDown)
	b.Press(fyne.KeyDown)
	b.Press(fyne.KeyReturn)
	if e := v.presenter.state.Edit; e == nil || e.Entry != (Entry{Listener, "local"}) {
		t.Fatalf("open is %+v", e)
	}
	b.Press(fyne.KeyEscape)
	if b.Window.Canvas().Focused() != v.lines[Entry{Listener, "local"}] {
		t.Error("after Escape the focus is not where it was")
	}
}

func TestThePageFitsTheSmallestWindow(t *testing.T) {
	v, b, _ := opened(t)
	v.lines[Entry{Tool, longName}].Tapped(nil)
	b.Window.Resize(fyne.NewSize(944, 660))
	b.Look("relay-small")
	if size := v.Content().MinSize(); size.Width > 944 || size.Height > 660 {
		t.Errorf("it needs %v", size)
	}
}
