//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A tab leads to a view, and has a line below while that is shown.
type tab struct {
	button *button
	below  *underline
}

// nav makes the tabs. Control with the number of a tab leads to it too.
func (v *page) nav() fyne.CanvasObject {
	row := container.New(layout.NewCustomPaddedHBoxLayout(4))
	v.tabs = map[View]*tab{}
	keys := map[View]fyne.KeyName{ViewAccount: fyne.Key1, ViewChecks: fyne.Key2, ViewExplain: fyne.Key3}
	for _, at := range []View{ViewAccount, ViewChecks, ViewExplain} {
		t := &tab{v.button(viewName(at), func() { v.onLook(at) }), newUnderline()}
		t.button.plain = true
		t.button.Importance = widget.LowImportance
		v.tabs[at] = t
		row.Add(container.New(layout.NewCustomPaddedVBoxLayout(0), t.button, t.below))
		v.canvas.AddShortcut(&desktop.CustomShortcut{KeyName: keys[at], Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { v.onLook(at) })
	}
	return row
}

func viewName(at View) string {
	switch at {
	case ViewAccount:
		return lang.L("Account")
	case ViewChecks:
		return lang.L("Checks")
	}
	return lang.L("Explain a refusal")
}

// shortcutName is how a system's keyboards name a key of the page.
func shortcutName(key string) string {
	if fyne.KeyModifierShortcutDefault == fyne.KeyModifierSuper {
		return "⌘" + key
	}
	return "Ctrl+" + key
}

// renderView shows one view.
func (v *page) renderView(s State) {
	for at, t := range v.tabs {
		show(t.below.fill, at == s.View)
		show(v.views[at], at == s.View)
	}
}

// An underline is a short line in the accent's colour.
type underline struct {
	widget.BaseWidget
	fill *canvas.Rectangle
}

func newUnderline() *underline {
	u := &underline{fill: canvas.NewRectangle(nil)}
	u.fill.SetMinSize(fyne.NewSize(0, 2))
	u.ExtendBaseWidget(u)
	return u
}

func (u *underline) CreateRenderer() fyne.WidgetRenderer {
	r := &underlineRenderer{widget.NewSimpleRenderer(container.New(layout.NewCustomPaddedLayout(0, 0, 8, 8), u.fill)), u}
	r.Refresh()
	return r
}

type underlineRenderer struct {
	fyne.WidgetRenderer
	underline *underline
}

func (r *underlineRenderer) MinSize() fyne.Size { return fyne.NewSize(0, 2) }

func (r *underlineRenderer) Refresh() {
	r.underline.fill.FillColor = r.underline.Theme().Color(theme.ColorNamePrimary, fyne.CurrentApp().Settings().ThemeVariant())
	r.underline.fill.Refresh()
}
