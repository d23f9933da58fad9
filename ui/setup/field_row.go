//go:build !darwin || cgo

package setup

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A row is a field with its name above it, and below it what it is for, or what
// is wrong with it.
type row struct {
	field Field
	name  *widget.Label
	entry *look.Entry // nil for a choice
	line  fyne.CanvasObject
	pick  *look.Select
	codes []string // of the choice, in its order
	hint  *widget.Label
	sign  *widget.Icon
	said  *widget.Label
	alarm *fyne.Container
	box   *fyne.Container
	sight *look.Scroll // that it is in
	// alarmed says that there was something wrong with it when it was drawn last.
	alarmed bool
}

func (p *Page) newRow(f Field) *row {
	r := &row{field: f, name: look.Text(""), hint: look.Small(""), sign: widget.NewIcon(nil), said: look.Caption(widget.MediumImportance)}
	r.name.TextStyle.Bold = true
	r.alarm = container.NewBorder(nil, nil, container.NewVBox(look.Space(22, 8), container.NewCenter(look.Sized(16, r.sign))), nil, r.said)
	r.alarm.Hide()
	r.line = look.Indented(p.control(r))
	r.box = look.Rows(-5, r.name, r.line, r.hint, r.alarm)
	p.rows[f] = r
	p.made = append(p.made, r)
	return r
}

// control makes what a field's value is given with.
func (p *Page) control(r *row) fyne.CanvasObject {
	switch r.field {
	case fieldRegistration, fieldCredential, fieldSignIn, setup.SMTPTLS, setup.Mailbox:
		r.codes = choices[r.field]
		var options []string
		for _, code := range r.codes {
			options = append(options, words.Say("setup.choice_"+code))
		}
		r.pick = p.kit.Select(options, func(i int) { p.p.choice(r.field, r.codes[i]) })
		return r.pick
	}
	r.entry = p.kit.LongEntry()
	if r.field == setup.Secret {
		r.entry = p.kit.Entry() // what is not to be read has one line
	}
	r.entry.OnChanged = func(s string) {
		if !p.drawing {
			p.p.set(r.field, s)
		}
	}
	r.entry.OnSubmitted = func(string) { p.submit(r.field) }
	switch r.field {
	case setup.RedirectURL:
		copied := p.kit.CopyButton(words.Say("common.copy"), func() string { return p.last.Value(setup.RedirectURL) })
		return container.NewBorder(nil, nil, nil, container.NewHBox(look.Space(4, 0), copied), r.entry)
	case setup.Secret:
		r.entry.Password = true
	}
	return r.entry
}

// choices are what the choices among the fields offer.
var choices = map[Field][]string{
	fieldRegistration: {"public", "web"},
	fieldCredential:   {"secret", "certificate", "federated"},
	fieldSignIn:       {"password", "browser", "app-only"},
	setup.SMTPTLS:     {"starttls", "implicit", "none"},
	setup.Mailbox:     {"sender", "from"},
}

// tell draws the field of a state.
func (r *row) tell(s State) {
	look.Show(r.box, slices.Contains(s.Fields(s.Step()), r.field))
	if !r.box.Visible() {
		return
	}
	look.SetLabel(r.name, labelOf(r.field, s))
	look.SetText(r.hint, hintOf(r.field, s))
	if r.pick != nil {
		r.pick.Set(slices.Index(r.codes, s.Value(r.field)))
	} else {
		r.entry.SetPlaceHolder(placeholderOf(r.field, s))
		look.SetEntry(r.entry, s.Value(r.field))
		if r.field == fieldName {
			look.Enable(r.entry, !s.Stored)
		}
	}
	notes := s.Notes[r.field]
	look.Show(r.alarm, len(notes) > 0)
	if len(notes) == 0 {
		return
	}
	at := levelOf(notes)
	var said []string
	for _, n := range notes {
		said = append(said, n.say(r.field, s))
	}
	look.SetSign(r.sign, r.said, at)
	look.SetLabel(r.said, strings.Join(said, "\n"))
	look.Show(r.hint, r.hint.Text != "" && at == look.Pending)
}

// levelOf is how grave the gravest of notes is.
func levelOf(notes []Note) look.Level {
	at := look.Pending
	for _, n := range notes {
		switch {
		case n.Certain():
			return look.Error
		case !n.Mistake.Cleaned:
			at = look.Attention
		}
	}
	return at
}
