//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A Question is asked before something that cannot be taken back. Do and Keep
// are the buttons' texts, verbs with their object: "Remove 37 messages", "Keep
// them".
type Question struct {
	What, Then string
	Do, Keep   string
	// Kept is called for the other answer; nil for nothing.
	Kept func()
	// Dangerous gives Do the colour of an error.
	Dangerous bool
}

// Ask asks the question over the window, and calls do when that is the answer.
// Escape keeps things as they are. The focus returns where it was.
func Ask(c fyne.Canvas, q Question, do func()) {
	was := c.Focused()
	var over *widget.PopUp
	end := func() {
		over.Hide()
		c.Focus(was)
	}
	stay := func() {
		end()
		if q.Kept != nil {
			q.Kept()
		}
	}
	k := NewKit(c, func(string) {}, stay)
	keep := k.Button(q.Keep, stay)
	yes := k.Button(q.Do, func() {
		end()
		do()
	})
	yes.Importance = widget.HighImportance
	if q.Dangerous {
		yes.Importance = widget.DangerImportance
	}
	what, then := Strong(q.What), Text(q.Then)
	Show(then, q.Then != "")
	card := Surface(Rows(4, Rows(-8, what, then), container.NewHBox(layout.NewSpacer(), Row(keep, yes), Space(theme.Padding(), 0))))
	over = widget.NewModalPopUp(container.New(columnLayout{width: min(480, c.Size().Width-48)}, card), c)
	c.Unfocus() // else two are seen to have it: what is below keeps its own
	over.Show()
	c.Focus(keep)
}

// Tell says something over the window until it is closed, with Enter or Escape
// too.
func Tell(c fyne.Canvas, h Headline, closing string) {
	was := c.Focused()
	var over *widget.PopUp
	end := func() {
		over.Hide()
		c.Focus(was)
	}
	k := NewKit(c, func(string) {}, end)
	done := k.Button(closing, end)
	b := NewBanner()
	b.Tell(h)
	over = widget.NewModalPopUp(container.New(columnLayout{width: min(480, c.Size().Width-48)},
		Surface(Rows(4, b.Container, container.NewHBox(layout.NewSpacer(), done, Space(theme.Padding(), 0))))), c)
	c.Unfocus()
	over.Show()
	c.Focus(done)
}
