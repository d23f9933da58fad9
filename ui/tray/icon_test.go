//go:build !darwin || cgo

package tray

import (
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// An area is where the toolkit's driver puts a tray icon.
type area struct {
	pictures []string
	menus    []*fyne.Menu
}

func (a *area) SetSystemTrayMenu(m *fyne.Menu)    { a.menus = append(a.menus, m) }
func (a *area) SetSystemTrayIcon(r fyne.Resource) { a.pictures = append(a.pictures, r.Name()) }
func (a *area) SetSystemTrayWindow(w fyne.Window) { panic("takes the window's own close away") }
func (a *area) picture() string                   { return a.pictures[len(a.pictures)-1] }
func (a *area) item(label string) *fyne.MenuItem {
	items := a.menus[len(a.menus)-1].Items
	return items[slices.IndexFunc(items, func(i *fyne.MenuItem) bool { return i.Label == label })]
}

func TestOnlyWhatChangedIsShownAnew(t *testing.T) {
	words.Use("en")
	a := &area{}
	i := New(a, Of(desk.Status{}, noon), func(Action) {})
	i.Show(Of(running(ready("main")), noon))
	if !strings.HasPrefix(a.picture(), "idle") {
		t.Errorf("the picture is %s", a.picture())
	}
	pictures, menus := len(a.pictures), len(a.menus)
	busy := ready("main")
	busy.Sending = 1
	i.Show(Of(running(ready("main")), noon))
	i.Show(Of(running(busy), noon))
	if len(a.pictures) != pictures+1 || len(a.menus) != menus {
		t.Errorf("%d pictures and %d menus for a message", len(a.pictures)-pictures, len(a.menus)-menus)
	}
	i.Show(Of(running(needy("main", mailer.CauseSignIn)), noon))
	if len(a.menus) != menus+1 || !strings.HasPrefix(a.picture(), "attention") {
		t.Errorf("%d menus for a sign-in, and the picture %s", len(a.menus)-menus, a.picture())
	}
	// The toolkit shows the first one again when the tray is ready.
	if slices.ContainsFunc(a.menus, func(m *fyne.Menu) bool { return m != a.menus[0] }) {
		t.Error("there is more than one menu")
	}
	i.Close()
}

func TestTheMenuEndsWithTheOnlyQuit(t *testing.T) {
	words.Use("en")
	a := &area{}
	var did []Action
	i := New(a, Of(desk.Status{}, noon), func(x Action) { did = append(did, x) })
	i.Show(Of(running(ready("a"), ready("b")), noon))
	items := a.menus[0].Items
	if last := items[len(items)-1]; !last.IsQuit || last.Action == nil {
		t.Error("the last entry does not end the program")
	}
	if !items[0].Disabled || !items[1].IsSeparator {
		t.Error("the line at the top can be chosen")
	}
	a.item("Send test email").ChildMenu.Items[1].Action()
	a.item("Open traymail").Action()
	items[len(items)-1].Action()
	if want := []Action{{Do: SendTest, Account: "b"}, {Do: Open}, {Do: Quit}}; !slices.Equal(did, want) {
		t.Errorf("done: %v, want %v", did, want)
	}
}
