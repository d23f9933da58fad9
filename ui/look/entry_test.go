//go:build !darwin || cgo

package look

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
)

func TestTabSelectsWhatAFieldHoldsAndAClickDoesNot(t *testing.T) {
	w := test.NewTempApp(t).NewWindow("test")
	k := NewKit(w.Canvas(), func(string) {}, func() {})
	first, second, whole := k.Entry(), k.Entry(), k.Entry()
	whole.MultiLine = true
	read := k.Code("250 2.0.0 OK")
	w.SetContent(container.NewVBox(first, second, whole, read))
	w.Resize(fyne.NewSize(400, 300))
	second.SetText("svc@contoso.com")
	whole.SetText("of several lines")
	w.Canvas().Focus(first)
	test.Type(first, "anna@contoso.com")
	w.Canvas().FocusNext()
	test.Type(second, "invoices@contoso.com")
	if second.Text != "invoices@contoso.com" {
		t.Errorf("what is typed after Tab makes %q", second.Text)
	}
	second.FocusLost() // as when another window comes to the front
	second.FocusGained()
	test.Type(second, ".au")
	if second.Text != "invoices@contoso.com.au" {
		t.Errorf("after a look at another window it is %q", second.Text)
	}
	for _, e := range []*Entry{whole, read} {
		if w.Canvas().Focus(e); e.SelectedText() != "" {
			t.Errorf("%q is selected", e.SelectedText())
		}
	}
	w.Canvas().Focus(first) // all of it is selected
	first.SetText("")
	test.Type(first, "ben@contoso.com")
	if first.Text != "ben@contoso.com" {
		t.Errorf("after another text was set, what is typed makes %q", first.Text)
	}
	w.Canvas().Focus(second)
	at := fyne.NewPos(12, first.Size().Height/2)
	first.MouseDown(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at}, Button: desktop.MouseButtonPrimary})
	first.MouseUp(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at}, Button: desktop.MouseButtonPrimary})
	if first.SelectedText() != "" || w.Canvas().Focused() != first {
		t.Errorf("a click selects %q", first.SelectedText())
	}
	w.Canvas().Focus(second)
	w.Canvas().Focus(first)
	if first.SelectedText() != first.Text {
		t.Errorf("back again %q of %q is selected", first.SelectedText(), first.Text)
	}
}

func TestThePageScrollsUnderThePointerOnATextThatIsRead(t *testing.T) {
	w := test.NewTempApp(t).NewWindow("test")
	k := NewKit(w.Canvas(), func(string) {}, func() {})
	var all []*Entry
	page := k.Scrolled(func() fyne.CanvasObject {
		all = []*Entry{k.Entry(), k.ReadOnly(), k.Code("250 2.0.0 OK")}
		box := container.NewVBox(Space(10, 20))
		for _, e := range all {
			box.Add(e)
		}
		box.Add(Space(10, 900))
		return box
	})
	w.SetContent(page.Scroll)
	w.Resize(fyne.NewSize(400, 300))
	for i, e := range all {
		page.ScrollToTop()
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(e).AddXY(20, 10)
		if test.Scroll(w.Canvas(), at, 0, -30); page.Offset.Y != 30 {
			t.Errorf("over entry %d it is scrolled to %v", i, page.Offset.Y)
		}
	}
}
