//go:build !darwin || cgo

package look

import (
	"image"
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// The focus is seen when enough of the picture changes to something that is told
// apart from what is around it (WCAG 2.2, 2.4.7 and 1.4.11).
func TestTheFocusIsSeenOnEveryKindOfWidget(t *testing.T) {
	app := test.NewTempApp(t)
	t.Cleanup(func() { Use("system") })
	for _, name := range []string{"light", "dark"} {
		Use(name)
		app.Settings().SetTheme(Theme{})
		w := app.NewWindow("test")
		w.SetPadded(false)
		k := NewKit(w.Canvas(), func(string) {}, func() {})
		entry, password := k.Entry(), k.Entry()
		password.Password = true
		picked := k.Select([]string{"one", "two"}, func(int) {})
		picked.Set(0)
		ticked := k.Check("ticked", func(bool) {})
		ticked.Set(true)
		line := k.Line(100, 100)
		line.Tell(OK, "name", "done", "what was found", true, false)
		important := k.Button("Send test email", func() {})
		important.Importance = widget.HighImportance
		link := Link("Open the inbox", func() {}).(*container.ThemeOverride)
		for what, o := range map[string]fyne.CanvasObject{
			"an entry": entry, "a password": password, "a text that is read": k.ReadOnly(), "a quiet text": k.ReadOnly(), "a select": picked,
			"a box": k.Check("box", func(bool) {}), "a ticked box": ticked, "a line": line, "a button": k.Button("Copy", func() {}),
			"the important button": important, "a card to choose": k.Choice("title", "text", func() {}), "a link": link,
		} {
			focused, _ := o.(fyne.Focusable)
			if o == fyne.CanvasObject(link) {
				focused = link.Content.(fyne.Focusable)
			}
			if what == "a quiet text" {
				o = Quiet(o)
			}
			w.SetContent(container.NewPadded(container.NewPadded(container.NewPadded(container.NewVBox(o)))))
			w.Resize(fyne.NewSize(400, 120))
			w.Canvas().Unfocus()
			before := w.Canvas().Capture()
			w.Canvas().Focus(focused)
			after := w.Canvas().Capture()
			if n := seen(before, after); n < 100 {
				t.Errorf("%s: the focus on %s changes %d pixels enough to be seen", name, what, n)
			}
		}
		w.Close()
	}
}

// seen counts the pixels that are told apart from what they were, and from the
// window.
func seen(before, after image.Image) (n int) {
	ground := Theme{}.Color(theme.ColorNameBackground, 0)
	r := before.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			is := color.NRGBAModel.Convert(after.At(x, y))
			if contrast(before.At(x, y), is) >= 3 && contrast(ground, is) >= 3 {
				n++
			}
		}
	}
	return n
}

func TestWhatIsAskedOverAWindowHasTheOnlyFocusThatIsSeen(t *testing.T) {
	w := test.NewTempApp(t).NewWindow("test")
	defer w.Close()
	k := NewKit(w.Canvas(), func(string) {}, func() {})
	b := k.Button("Remove", func() {})
	w.SetContent(b)
	c := w.Canvas()
	for what, open := range map[string]func(){
		"a question": func() { Ask(c, Question{What: "Remove it", Do: "Remove it", Keep: "Keep it"}, func() {}) },
		"an error":   func() { Tell(c, Headline{Level: Error, What: "It was not done"}, "Close") },
		"a menu":     func() { Menu(c, b, []Item{{Text: "Copy", Do: func() {}}}) },
	} {
		c.Focus(b)
		open()
		if c.Focused() == nil || b.ring.Visible() {
			t.Errorf("%s: %v is focused, and below it the button has its ring: %v", what, c.Focused(), b.ring.Visible())
		}
		c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		if c.Overlays().Top() != nil || c.Focused() != fyne.Focusable(b) || !b.ring.Visible() {
			t.Errorf("%s: the focus does not return", what)
		}
	}
}
