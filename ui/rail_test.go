//go:build !darwin || cgo

package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
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

func TestAMarkInTheFoldedRailLeavesTheSignReadable(t *testing.T) {
	w, b, _ := opened(t)
	for _, p := range []desk.Page{desk.Home, desk.Queue} {
		w.rail.badge(p, true)
	}
	w.Resize(fyne.NewSize(1024, 700))
	if !w.rail.folded {
		t.Fatal("at 1024 the rail is not folded")
	}
	b.Look("rail-folded")
	const edge = 3 // of the sign's box, where its lines do not reach
	for _, p := range []desk.Page{desk.Home, desk.Queue} {
		item := w.rail.items[p]
		sign, dot := item.sign.Position(), item.dot.Position()
		if !item.dot.Visible() || dot.X < sign.X+item.sign.Size().Width-edge || dot.Y+item.dot.Size().Height > sign.Y+edge {
			t.Errorf("%s: the mark, %v at %v, is on the sign, %v at %v", p, item.dot.Size(), dot, item.sign.Size(), sign)
		}
		if end := dot.X + item.dot.Size().Width; dot.Y < 0 || end > item.Size().Width {
			t.Errorf("%s: the mark ends at %v of %v", p, end, item.Size().Width)
		}
	}
	w.Canvas().Focus(w.rail.items[desk.Home])
	w.Canvas().(test.WindowlessCanvas).SetScale(2)
	b.Look("rail-folded-200")
}
