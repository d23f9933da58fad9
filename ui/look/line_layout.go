//go:build !darwin || cgo

package look

import "fyne.io/fyne/v2"

// Of a line's parts: the sign and the mark are of one size, each in a margin, and
// what is found needs some room to be worth reading beside a name.
const (
	signSize   = 18
	signMargin = 3
	signColumn = 25
	foundRoom  = 120
)

// A placing is where what was found is put.
type placing int

const (
	beside placing = iota
	below
	nowhere // until the line is opened
)

// A lineLayout puts sign, name, what was found, word and mark of a line in their
// places.
type lineLayout struct{ of *Line }

// room is what is left for what was found beside the name.
func (l *Line) room(width float32) float32 {
	return width - signColumn - l.nameWidth - l.wordWidth - signSize - 2*signMargin
}

// place says where what was found goes in a line so wide.
func (l *Line) place(width float32) placing {
	room := l.room(width)
	switch {
	case width == 0 || l.nameWidth == 0:
		return beside
	case l.calm && room < foundRoom:
		return nowhere
	case !l.calm && Widest(l.Found.Text) > room:
		return below
	}
	return beside
}

// short reports whether a line so wide leaves out a part of what was found.
func (l *Line) short(width float32) bool {
	if !l.calm || width == 0 || l.Found.Text == "" {
		return false
	}
	return l.place(width) == nowhere || Widest(l.Found.Text) > l.room(width)
}

// Layout implements fyne.Layout.
func (y *lineLayout) Layout(_ []fyne.CanvasObject, s fyne.Size) {
	l, at := y.of, y.of.place(s.Width)
	put := func(o fyne.CanvasObject, x, top, width float32) {
		o.Move(fyne.NewPos(x, top))
		o.Resize(fyne.NewSize(max(width, 0), 0)) // a text's height follows from its width
		o.Resize(fyne.NewSize(max(width, 0), o.MinSize().Height))
	}
	end := s.Width - signSize - 2*signMargin // of the word
	for o, x := range map[fyne.CanvasObject]float32{l.sign: signMargin, l.mark: s.Width - signMargin - signSize} {
		o.Move(fyne.NewPos(x, signMargin))
		o.Resize(fyne.NewSquareSize(signSize))
	}
	put(l.word, end-l.wordWidth, 0, l.wordWidth)
	name := l.nameWidth
	if at != beside || l.Found.Text == "" {
		name = end - l.wordWidth - signColumn
	}
	put(l.name, signColumn, 0, name)
	switch at {
	case beside:
		put(l.Found, signColumn+l.nameWidth, 0, l.room(s.Width))
	case below:
		put(l.Found, signColumn, l.name.Size().Height-4, s.Width-signColumn-signMargin)
	}
	Show(l.Found, at != nowhere)
	Show(l.mark, l.Opens())
}

// MinSize implements fyne.Layout. The height is that of the width that there is.
func (y *lineLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	l := y.of
	least := fyne.NewSize(signColumn+min(l.nameWidth, foundRoom)+l.wordWidth+signSize+2*signMargin, max(l.name.MinSize().Height, l.word.MinSize().Height))
	switch l.place(l.parts.Size().Width) {
	case beside:
		least.Height = max(least.Height, l.Found.MinSize().Height)
	case below:
		least.Height += l.Found.MinSize().Height - 4
	}
	return least
}
