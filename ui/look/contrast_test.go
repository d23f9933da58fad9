//go:build !darwin || cgo

package look

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// over is what is seen of a colour that lets another one through.
func over(top, below color.Color) color.NRGBA {
	t, b := color.NRGBAModel.Convert(top).(color.NRGBA), color.NRGBAModel.Convert(below).(color.NRGBA)
	mix := func(t, b, a uint8) uint8 { return uint8((int(t)*int(a) + int(b)*(255-int(a))) / 255) }
	return color.NRGBA{R: mix(t.R, b.R, t.A), G: mix(t.G, b.G, t.A), B: mix(t.B, b.B, t.A), A: 255}
}

// contrast is the ratio of WCAG 2.2.
func contrast(a, b color.Color) float64 {
	luminance := func(c color.Color) float64 {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		linear := func(v uint8) float64 {
			f := float64(v) / 255
			if f <= 0.04045 {
				return f / 12.92
			}
			return math.Pow((f+0.055)/1.055, 2.4)
		}
		return 0.2126*linear(n.R) + 0.7152*linear(n.G) + 0.0722*linear(n.B)
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// Text needs 4.5 and what else is to be made out 3 (WCAG 2.2, 1.4.3 and 1.4.11).
func TestColoursAreToldApartInBothVariants(t *testing.T) {
	const text, line = 4.5, 3.0
	for name, v := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		Use(name)
		of := func(n fyne.ThemeColorName) color.Color { return Theme{}.Color(n, v) }
		check := func(what fyne.ThemeColorName, on color.Color, where string, least float64) {
			if got := contrast(over(of(what), on), on); got < least {
				t.Errorf("%s: %s on %s has %.2f, want %.1f", name, what, where, got, least)
			}
		}
		plain := map[string]color.Color{"the window": of(theme.ColorNameBackground), "a card": of(theme.ColorNameOverlayBackground)}
		for where, on := range plain {
			under := map[string]color.Color{where: on, "the pointer over " + where: over(of(theme.ColorNameHover), on)}
			for where, on := range under {
				for _, n := range []fyne.ThemeColorName{theme.ColorNameForeground, theme.ColorNamePlaceHolder, theme.ColorNameDisabled, theme.ColorNamePrimary,
					theme.ColorNameHyperlink, theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError} {
					check(n, on, where, text)
				}
			}
			for _, n := range []fyne.ThemeColorName{ColorLine, theme.ColorNameInputBorder, theme.ColorNameScrollBar, theme.ColorNameSeparator} {
				check(n, on, where, line)
			}
			check(theme.ColorNameForeground, over(of(theme.ColorNameSelection), on), "selected text of "+where, text)
			check(theme.ColorNameForeground, over(of(theme.ColorNamePressed), on), "what is pressed of "+where, text)
		}
		for back, front := range map[fyne.ThemeColorName]fyne.ThemeColorName{theme.ColorNamePrimary: theme.ColorNameForegroundOnPrimary,
			theme.ColorNameError: theme.ColorNameForegroundOnError} {
			check(front, of(back), string(back), text)
			check(front, over(of(theme.ColorNameHover), of(back)), string(back)+" under the pointer", text)
			check(front, over(of(theme.ColorNameFocus), of(back)), string(back)+" with the focus", text)
		}
	}
	Use("system")
}
