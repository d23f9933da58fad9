//go:build !darwin || cgo

package messages

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A notice is a line above the list: what is, an error in its own words with
// what to do about it, and a button.
type notice struct {
	box    *fyne.Container
	shape  *widget.Icon
	what   *widget.Label
	then   *widget.Label
	said   *look.Entry
	button *look.Button
}

func newNotice(k *look.Kit, do func()) *notice {
	n := &notice{shape: widget.NewIcon(nil), what: look.Text(""), then: look.Text(""), said: k.ReadOnly()}
	n.what.TextStyle.Bold = true
	n.button = k.Button("", do)
	sign := container.NewVBox(look.Space(0, 6), look.Sized(18, n.shape))
	lines := look.Rows(-8, n.what, n.then)
	n.box = container.NewBorder(nil, nil, sign, container.NewVBox(n.button), look.Rows(0, lines, look.Indented(n.said)))
	n.box.Hide()
	return n
}

func (n *notice) hide() { look.Show(n.box, false) }

// tell shows the notice. err may be nil; button is empty for none.
func (n *notice) tell(at look.Level, what string, err error, button string) {
	said, then := "", ""
	if err != nil {
		said, then = words.Sentence(err.Error()), mailer.Fix(err)
	}
	n.say(at, what, then, said, button)
}

func (n *notice) say(at look.Level, what, then, said, button string) {
	if r := look.Icon(at.Shape, at.Colour); n.shape.Resource == nil || n.shape.Resource.Name() != r.Name() {
		n.shape.SetResource(r)
	}
	look.SetText(n.what, what)
	look.SetText(n.then, words.Sentence(then))
	look.SetCode(n.said, said)
	look.Show(n.button, button != "")
	if button != "" && n.button.Text != button {
		n.button.SetText(button)
	}
	look.Show(n.box, true)
}

// A news line tells of messages that the list does not show yet.
type news struct {
	box  *fyne.Container
	what *widget.Label
	show *look.Button
}

func newNews(k *look.Kit, show func()) *news {
	n := &news{what: widget.NewLabel(""), show: k.Button("", show)}
	n.what.TextStyle.Bold = true
	n.box = container.NewHBox(n.what, n.show)
	n.box.Hide()
	return n
}

func (n *news) tell(count int) {
	look.Show(n.box, count > 0)
	if count == 0 {
		return
	}
	look.SetLabel(n.what, words.Count("messages.news", count))
	if text := words.Count("messages.show_news", count); n.show.Text != text {
		n.show.SetText(text)
	}
}
