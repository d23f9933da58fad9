//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// A Note is a Banner of the size of a text, within a card.
type Note struct {
	Container  *fyne.Container
	shape      *widget.Icon
	What, Then *widget.Label
}

// NewNote returns a note that says nothing yet.
func NewNote() *Note {
	n := &Note{shape: widget.NewIcon(nil), What: Text(""), Then: Text("")}
	n.What.TextStyle.Bold = true
	n.Container = container.NewBorder(nil, nil, Indented(container.NewVBox(Space(0, 5), Sized(18, n.shape))), nil, Rows(-10, n.What, n.Then))
	return n
}

// Tell sets what the note says. One that says nothing is hidden.
func (n *Note) Tell(h Headline) {
	Show(n.Container, h.What != "")
	if h.What == "" {
		return
	}
	SetSign(n.shape, n.What, h.Level)
	SetText(n.What, h.What)
	SetText(n.Then, h.Then)
}
