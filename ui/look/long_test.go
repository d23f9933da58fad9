//go:build !darwin || cgo

package look

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
)

// shown opens a window of a width with an object in it, as a page has it.
func shown(t *testing.T, width float32, make func(k *Kit) fyne.CanvasObject) fyne.Window {
	t.Helper()
	app := test.NewTempApp(t)
	app.Settings().SetTheme(Theme{})
	w := app.NewWindow("test")
	k := NewKit(w.Canvas(), func(string) {}, func() {})
	w.SetContent(k.Scrolled(func() fyne.CanvasObject { return container.NewVBox(make(k)) }))
	w.Resize(fyne.NewSize(width, 200))
	w.Resize(fyne.NewSize(width+1, 200))
	return w
}

const long = "a-service-for-the-invoices@subsidiary.of.a-long-company.example.com"

func TestALongEntryIsAsHighAsItsTextAndTypesOneLine(t *testing.T) {
	var e, one *Entry
	w := shown(t, 240, func(k *Kit) fyne.CanvasObject {
		e, one = k.LongEntry(), k.Entry()
		return container.NewVBox(e, one)
	})
	if e.MinSize() != one.MinSize() {
		t.Errorf("an empty one is %v, and any other %v", e.MinSize(), one.MinSize())
	}
	submitted := ""
	e.OnSubmitted = func(s string) { submitted = s }
	w.Canvas().Focus(e)
	test.Type(e, "svc@contoso.com")
	if e.MinSize().Height != one.MinSize().Height {
		t.Errorf("a short text makes it %v high", e.MinSize().Height)
	}
	e.SetText("")
	clipboard := test.NewClipboard()
	clipboard.SetContent(long + "\n" + long)
	e.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
	if want := long + " " + long; e.Text != want {
		t.Errorf("what was pasted stands there as %q, want %q", e.Text, want)
	}
	e.SetText(long)
	if lines := e.MinSize().Height / one.MinSize().Height; lines < 1.8 {
		t.Errorf("a long text makes it %v high, and one line is %v", e.MinSize().Height, one.MinSize().Height)
	}
	e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if submitted != long || strings.Contains(e.Text, "\n") {
		t.Errorf("Enter hands %q over, and leaves %q", submitted, e.Text)
	}
	if e.AcceptsTab() {
		t.Error("Tab stays in it")
	}
	e.OnSubmitted = nil
	if e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnter}); e.Text != long {
		t.Errorf("Enter that hands nothing over leaves %q", e.Text)
	}
}

func TestAChoiceIsAsHighAsWhatIsChosen(t *testing.T) {
	var s *Select
	w := shown(t, 300, func(k *Kit) fyne.CanvasObject {
		s = k.Select([]string{"Web", "Without a client secret, for mobile devices and desktops"}, func(int) {})
		s.Set(0)
		return s
	})
	one := s.MinSize().Height
	s.Set(1)
	if s.MinSize().Height < one*1.4 {
		t.Errorf("with a long text it is %v high, with a short one %v", s.MinSize().Height, one)
	}
	s.Set(0)
	if s.MinSize().Height != one {
		t.Errorf("with the short one again it is %v high, before %v", s.MinSize().Height, one)
	}
	w.Close()
}
