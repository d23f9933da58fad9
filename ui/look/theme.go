//go:build !darwin || cgo

package look

import (
	"embed"
	"image/color"
	"sync/atomic"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Theme is the house's: calm and flat: one accent, colour only for state.
type Theme struct{}

// ColorLine is the one-pixel line around cards.
const ColorLine fyne.ThemeColorName = "line"

// palette has what both variants must have. Text has a contrast of at least
// 4.5 on the surface, lines of at least 3.
type palette struct {
	background, surface, line, text, muted  color.Color
	accent, onAccent, ok, attention, danger color.Color
	focus, hover, pressed, selection        color.Color
}

func rgb(hex uint32) color.Color {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

func glaze(hex uint32, alpha uint8) color.Color {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: alpha}
}

func paletteOf(v fyne.ThemeVariant) palette {
	if v == theme.VariantDark {
		return palette{
			background: rgb(0x12161C), surface: rgb(0x1B212A), line: rgb(0x707A88), text: rgb(0xE8ECF1), muted: rgb(0xA3ADBA),
			accent: rgb(0x7FB2FF), onAccent: rgb(0x0B1220), ok: rgb(0x6FD19A), attention: rgb(0xF0BE5A), danger: rgb(0xFF8A80),
			focus: glaze(0x7FB2FF, 0x50), hover: glaze(0xE8ECF1, 0x14), pressed: glaze(0xE8ECF1, 0x28), selection: glaze(0x7FB2FF, 0x60),
		}
	}
	return palette{
		background: rgb(0xF6F7F9), surface: rgb(0xFFFFFF), line: rgb(0x868E9A), text: rgb(0x16202C), muted: rgb(0x55606E),
		accent: rgb(0x1F5FBF), onAccent: rgb(0xFFFFFF), ok: rgb(0x19743F), attention: rgb(0x8A5A00), danger: rgb(0xB3261E),
		focus: glaze(0x1F5FBF, 0x40), hover: glaze(0x16202C, 0x10), pressed: glaze(0x16202C, 0x20), selection: glaze(0x1F5FBF, 0x40),
	}
}

// Variants are what Use takes: the system's own choice, light and dark.
var Variants = []string{"system", "light", "dark"}

var variant atomic.Pointer[string]

// Use chooses one of Variants, for themes that are set from now on. Any other
// word is the system's choice.
func Use(name string) { variant.Store(&name) }

// Variant is the variant to draw in, where the system has chosen v.
func Variant(v fyne.ThemeVariant) fyne.ThemeVariant {
	switch name := variant.Load(); {
	case name != nil && *name == "light":
		return theme.VariantLight
	case name != nil && *name == "dark":
		return theme.VariantDark
	}
	return v
}

// Color implements fyne.Theme.
func (Theme) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	v = Variant(v)
	p := paletteOf(v)
	switch n {
	case theme.ColorNameBackground, theme.ColorNameDisabledButton:
		return p.background
	case theme.ColorNameInputBackground, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground, theme.ColorNameButton:
		return p.surface
	case ColorLine, theme.ColorNameInputBorder, theme.ColorNameSeparator, theme.ColorNameScrollBar:
		return p.line
	case theme.ColorNameForeground:
		return p.text
	case theme.ColorNameDisabled, theme.ColorNamePlaceHolder:
		return p.muted
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		return p.accent
	case theme.ColorNameForegroundOnPrimary:
		return p.onAccent
	case theme.ColorNameSuccess:
		return p.ok
	case theme.ColorNameWarning:
		return p.attention
	case theme.ColorNameError:
		return p.danger
	case theme.ColorNameFocus:
		return p.focus
	case theme.ColorNameHover:
		return p.hover
	case theme.ColorNamePressed:
		return p.pressed
	case theme.ColorNameSelection:
		return p.selection
	case theme.ColorNameShadow, theme.ColorNameScrollBarBackground:
		return color.Transparent
	}
	return theme.DefaultTheme().Color(n, v)
}

// Size implements fyne.Theme.
func (Theme) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameHeadingText:
		return 24
	case theme.SizeNameSubHeadingText:
		return 16
	case theme.SizeNameText:
		return 14
	case theme.SizeNameCaptionText:
		return 12
	case theme.SizeNamePadding:
		return 4
	case theme.SizeNameInnerPadding:
		return 8
	case theme.SizeNameInputRadius:
		return 4
	case theme.SizeNameInputBorder, theme.SizeNameSeparatorThickness:
		return 1
	}
	return theme.DefaultTheme().Size(n)
}

// Font implements fyne.Theme.
func (Theme) Font(s fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(s) }

// Icon implements fyne.Theme.
func (Theme) Icon(n fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(n) }

//go:embed icons
var icons embed.FS

// Icon returns one of the icons in a colour of the theme.
func Icon(name string, c fyne.ThemeColorName) fyne.Resource {
	svg, err := icons.ReadFile("icons/" + name + ".svg")
	if err != nil {
		panic(err) // it is in the program
	}
	return theme.NewColoredResource(fyne.NewStaticResource(name+".svg", svg), c)
}
