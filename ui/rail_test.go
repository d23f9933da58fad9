//go:build !darwin || cgo

package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"traymail/ui/desk"
	"traymail/ui/words"
)

func TestTheNameOfEveryPageStandsWholeInTheRailInEveryLanguage(t *testing.T) {
	t.Cleanup(func() { words.Use("en") })
	w, _, _ := opened(t)
	for _, language := range words.Languages {
		words.Use(language)
		w.rebuild()
		w.Resize(fyne.NewSize(1280, 720))
		for _, p := range desk.Pages {
			w.open(desk.Place{Page: p})
			item := w.rail.items[p]
			item.mark(p == desk.Home || p == desk.Queue)
			needs := fyne.MeasureText(item.word.Text, theme.TextSize(), item.word.TextStyle).Width + 2*theme.InnerPadding()
			if has := item.word.Size().Width; needs > has {
				t.Errorf("%s: %q needs %.0f and has %.0f", language, item.word.Text, needs, has)
			}
		}
	}
}
