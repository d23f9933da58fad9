//go:build !darwin || cgo

package look

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
)

// Quiet shows fields without their lines: texts that can be selected, where they
// are said and not typed. The focus is still seen.
func Quiet(o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewThemeOverride(Rows(0, o), quietTheme{}) // in rows a hidden one takes no room
}

type quietTheme struct{ Theme }

// Color implements fyne.Theme.
func (t quietTheme) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if n == theme.ColorNameInputBorder || n == theme.ColorNameInputBackground {
		return color.Transparent
	}
	return t.Theme.Color(n, v)
}

// Follow returns what a page's own widget calls when it gets the focus, so that
// it is scrolled into sight where it is in a Scrolled part.
func (k *Kit) Follow(o fyne.CanvasObject) (focused func()) { return k.follower(o) }

// Escape is what a page's own widget calls for Escape.
func (k *Kit) Escape() { k.escape() }

// Option returns a card that can be chosen, with a content of its own. The chosen
// one has a stronger line and a bar at its side.
func (k *Kit) Option(content fyne.CanvasObject, chosen func()) *Choice {
	bar := canvas.NewRectangle(color.Transparent)
	c := &Choice{chosen: chosen, bar: bar}
	c.content = container.New(layout.NewCustomPaddedLayout(4, 6, 8, 8), content)
	c.onEscape, c.onFocus = k.escape, k.follower(c)
	c.ExtendBaseWidget(c)
	return c
}
