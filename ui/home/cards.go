//go:build !darwin || cgo

package home

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

// An accountCard is the card of one account.
type accountCard struct {
	*look.Card
	kit *look.Kit
	act func(cure, account string)

	account                  string
	shape                    *widget.Icon
	name, word, address, why *widget.Label
	said, fix                *look.Entry
	buttons                  *fyne.Container
	cures                    []*look.Button
	kinds                    []string // of cures
	facts                    *fyne.Container
	labels                   []*widget.Label // of facts, a name and a value each
	notes                    *fyne.Container
	drawn                    []Note
	noteButtons              []*look.Button
}

func newAccountCard(k *look.Kit, act func(cure, account string)) *accountCard {
	c := &accountCard{kit: k, act: act, shape: widget.NewIcon(nil), name: look.Strong(""), word: widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true}),
		address: look.Small(""), why: look.Text(""), said: k.ReadOnly(), fix: k.ReadOnly(), buttons: look.Row(), facts: container.New(&factLayout{}), notes: look.Rows(0)}
	c.name.Wrapping, c.name.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	sign := container.NewVBox(look.Space(0, 3), look.Sized(22, c.shape))
	head := container.NewBorder(nil, nil, sign, container.NewVBox(c.buttons), look.Rows(-12, container.New(&titleLayout{}, c.name, c.word), c.address))
	c.Card = look.Surface(look.Rows(2, head, beneath(26, look.Rows(-6, c.why, look.Quiet(look.Rows(-6, c.said, c.fix)))), beneath(26, c.facts), c.notes))
	return c
}

// draw shows the account. alone says that there is no other: the button for its
// test email is the page's.
func (c *accountCard) draw(s Card, alone, usable, asking bool) {
	c.account = s.Account
	look.SetSign(c.shape, c.word, levels[s.Mood])
	look.SetLabel(c.name, s.Account)
	look.SetLabel(c.word, s.Word)
	look.SetText(c.address, s.Address)
	look.SetText(c.why, s.Why)
	look.SetCode(c.said, s.Said)
	look.SetCode(c.fix, s.Fix)
	kinds := slices.Clone(s.Cures)
	if !alone {
		kinds = append(kinds, CureTest)
	}
	if !slices.Equal(kinds, c.kinds) {
		c.kinds, c.cures, c.buttons.Objects = kinds, nil, nil
		for _, kind := range kinds {
			c.cures = append(c.cures, c.button(kind))
			c.buttons.Add(c.cures[len(c.cures)-1])
		}
	}
	for i, b := range c.cures {
		// What opens a page needs no answer of the program.
		look.Enable(b, c.kinds[i] != CureTest && c.kinds[i] != CureResume || usable && !asking)
	}
	c.drawFacts(s.Facts)
	c.drawNotes(s.Notes)
	for i, b := range c.noteButtons {
		look.Enable(b, usable || s.Notes[i].Cure != CureTest)
	}
}

func (c *accountCard) button(cure string) *look.Button {
	return c.kit.Button(words.Say("home.do_"+cure), func() { c.act(cure, c.account) })
}

func (c *accountCard) drawFacts(facts []Fact) {
	for len(c.labels) < 2*len(facts) {
		value := look.Text("")
		pair := look.Rows(-14, look.Small(""), value)
		c.labels = append(c.labels, pair.Objects[0].(*widget.Label), value)
		c.facts.Add(pair)
	}
	for i, pair := range c.facts.Objects {
		look.Show(pair, i < len(facts))
		if i < len(facts) {
			look.SetLabel(c.labels[2*i], facts[i].Name)
			look.SetLabel(c.labels[2*i+1], facts[i].Value)
		}
	}
}

// drawNotes makes the notes anew when they are others than before: they change
// from day to day.
func (c *accountCard) drawNotes(notes []Note) {
	if slices.Equal(notes, c.drawn) {
		return
	}
	c.drawn, c.notes.Objects, c.noteButtons = notes, nil, nil
	for _, n := range notes {
		level := levels[n.Mood]
		if n.Mood == Fine {
			level = look.Pending
		}
		said, fix := c.kit.ReadOnly(), c.kit.ReadOnly()
		look.SetCode(said, n.Said)
		look.SetCode(fix, n.Fix)
		b := c.button(n.Cure)
		c.noteButtons = append(c.noteButtons, b)
		sign := container.NewVBox(look.Space(0, 7), look.Sized(18, widget.NewIcon(look.Icon(level.Shape, level.Colour))))
		c.notes.Add(container.NewVBox(look.Space(0, 4), container.NewThemeOverride(widget.NewSeparator(), look.Theme{}), look.Space(0, 4),
			container.New(layout.NewCustomPaddedLayout(0, 0, 2, 0), container.NewBorder(nil, nil, sign, container.NewVBox(look.Space(0, 2), b), look.Quiet(look.Rows(-6, said, fix))))))
	}
	c.notes.Refresh()
}

// titleLayout puts the word of the state right behind the name, which is
// shortened where there is no room for both.
type titleLayout struct{}

func (titleLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	name, word := o[0].(*widget.Label), o[1]
	need := fyne.MeasureText(name.Text, theme.Size(theme.SizeNameSubHeadingText), fyne.TextStyle{Bold: true}).Width + 2*theme.InnerPadding() + 1
	w := word.MinSize().Width
	width := max(min(need, s.Width-w), 0)
	name.Resize(fyne.NewSize(width, s.Height))
	word.Resize(fyne.NewSize(min(w, s.Width), word.MinSize().Height))
	word.Move(fyne.NewPos(width, (s.Height-word.MinSize().Height)/2+1))
}

func (titleLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(o[1].MinSize().Width+60, max(o[0].MinSize().Height, o[1].MinSize().Height))
}

// factLayout puts what is visible beside one another, all equally wide.
type factLayout struct{}

func (factLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	n := float32(0)
	for _, o := range objects {
		if o.Visible() {
			n++
		}
	}
	x := float32(0)
	for _, o := range objects {
		if o.Visible() {
			o.Move(fyne.NewPos(x, 0))
			o.Resize(fyne.NewSize(s.Width/n, s.Height))
			x += s.Width / n
		}
	}
}

func (factLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for _, o := range objects {
		if o.Visible() {
			height = max(height, o.MinSize().Height)
		}
	}
	return fyne.NewSize(200, height)
}
