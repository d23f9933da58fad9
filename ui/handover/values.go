//go:build !darwin || cgo

package handover

import (
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A valuesPanel has what is typed into the tool, and makes its user.
type valuesPanel struct {
	place *look.Select
	rows  map[string]*row // by the ID of a setup.Field

	beyond *fyne.Container // no listener is reached from elsewhere
	note   *look.Note
	open   *look.Button
	trust  *widget.Label

	name     *look.Entry
	senders  *look.Entry
	as       *fyne.Container // the senders with their caption
	without  *look.Check
	from     *fyne.Container
	networks *look.Entry
	create   *look.Button
	renew    *look.Button
	state    *look.Note
	fix      *look.Entry
}

func (s *Step) valuesView() fyne.CanvasObject {
	v := &valuesPanel{rows: map[string]*row{}, note: look.NewNote(), state: look.NewNote()}
	s.values = v
	v.place = s.kit.Select([]string{words.Say("handover.here"), words.Say("handover.elsewhere")}, func(i int) { s.p.place(i == 1) })
	fields := setup.HandOver(setup.Relay{})
	width := widestName(names(fields)...)
	for _, f := range fields {
		v.rows[f.ID] = s.row(nameOf(f), width)
	}
	v.open = s.kit.Button(words.Say("handover.open_relay"), func() { s.frame.Open(desk.Place{Page: desk.Relay}) })
	v.beyond = look.Rows(4, v.note.Container, look.Indented(look.Flow(v.open)))
	v.trust = look.Small("")

	v.name = s.kit.Entry()
	v.name.OnChanged = s.p.name
	v.name.OnSubmitted = func(string) { s.p.create() }
	v.senders = s.kit.LongEntry()
	v.senders.SetPlaceHolder(words.Say("handover.senders_any"))
	v.senders.OnChanged = s.p.sendAs
	v.senders.OnSubmitted = func(string) { s.p.create() }
	v.as = look.Rows(-6, look.Small(words.Say("handover.senders")), look.Indented(v.senders))
	v.without = s.kit.Check(words.Say("handover.without_password"), s.p.withoutPassword)
	v.networks = s.kit.Entry()
	v.networks.OnChanged = s.p.from
	v.networks.OnSubmitted = func(string) { s.p.create() }
	v.networks.SetPlaceHolder("192.0.2.7")
	v.from = look.Rows(-6, look.Small(words.Say("handover.networks")), look.Indented(v.networks))
	v.create = s.kit.Button(words.Say("handover.create"), s.p.create)
	v.create.Importance = widget.HighImportance
	v.renew = s.kit.Button(words.Say("handover.renew"), s.askRenew)
	v.fix = s.kit.ReadOnly()

	line := func(id string) fyne.CanvasObject { return v.rows[id].content }
	return look.Rows(4, look.Strong(words.Say("handover.values_title")),
		look.Rows(-6, look.Small(words.Say("handover.place")), look.Indented(v.place)), v.beyond, look.Space(0, 0),
		line("server"), line("port"), line("encryption"), v.trust, look.Space(0, 4),
		look.Rows(-6, look.Small(words.Say("handover.name")), look.Indented(v.name)), v.as, v.without, v.from,
		look.Space(0, 0), look.Indented(look.Flow(v.create, v.renew)), v.state.Container, look.Indented(v.fix),
		line("user"), line("password"), line("sender"))
}

// renderValues draws the panel.
func (s *Step) renderValues(is State) {
	v := s.values
	place := 0
	if is.Elsewhere {
		place = 1
	}
	v.place.Set(place)
	l, reached := is.Listener()
	look.Show(v.beyond, !reached && is.Known)
	v.note.Tell(look.Headline{Level: look.Attention, What: words.Say("handover.beyond"), Then: words.Say("handover.beyond_then")})
	trust := ""
	if reached && l.TLS != "none" {
		trust = words.Say("handover.trust")
	}
	look.SetText(v.trust, trust)
	for _, f := range setup.HandOver(s.relay()) {
		v.rows[f.ID].tell(f.Value, word(is, f))
	}

	_, exists := is.Client()
	look.SetEntry(v.name, is.Tool)
	look.Enable(v.name, !is.Saving)
	look.SetEntry(v.senders, is.Senders)
	look.Enable(v.senders, is.Known && !is.Saving)
	look.Show(v.as, !exists)
	v.without.Set(is.Open)
	look.Enable(v.without, !is.Saving)
	look.Show(v.without, !exists)
	look.SetEntry(v.networks, is.Networks)
	look.Show(v.from, is.Open && !exists)
	label := words.Say("handover.create")
	if is.Open {
		label = words.Say("handover.create_open")
	}
	if v.create.Text != label {
		v.create.SetText(label)
	}
	look.Enable(v.create, is.CanCreate())
	look.Enable(v.renew, !is.Saving)
	had := s.kit.Canvas.Focused()
	look.Show(v.create, !exists)
	look.Show(v.renew, exists)
	if exists && had == fyne.Focusable(v.create) { // it is gone
		s.kit.Canvas.Focus(v.rows["password"].copy)
	}
	h, fix := clientState(is)
	v.state.Tell(h)
	look.SetCode(v.fix, fix)
}

// clientState says how it stands with the tool's user, and what to do.
func clientState(is State) (h look.Headline, fix string) {
	c, exists := is.Client()
	field, wrong := errors.AsType[*account.FieldError](is.Err)
	switch {
	case is.Unread != nil:
		return look.Headline{Level: look.Error, What: words.Sentence(is.Unread.Error())}, words.Sentence(mailer.Fix(is.Unread))
	case is.Saving:
		return look.Headline{Level: look.Working, What: words.Say("handover.saving")}, ""
	case errors.Is(is.Err, mailer.ErrNotInForce):
		return look.Headline{Level: look.Attention, What: words.Say("handover.not_in_force"), Then: words.Sentence(is.Err.Error())}, words.Sentence(mailer.Fix(is.Err))
	case wrong && field.File == "":
		return look.Headline{Level: look.Error, What: words.Sentence(field.Text)}, words.Sentence(field.Fix)
	case is.Err != nil:
		return look.Headline{Level: look.Error, What: words.Say("handover.not_saved"), Then: words.Sentence(is.Err.Error())}, words.Sentence(mailer.Fix(is.Err))
	case exists && is.Made == c.Name && is.Password != "":
		return look.Headline{Level: look.OK, What: words.Say("handover.made"), Then: words.Say("handover.made_then")}, ""
	case exists && is.Made == c.Name:
		return look.Headline{Level: look.OK, What: words.Say("handover.made_open"), Then: words.Say("handover.made_open_then")}, ""
	case exists:
		return look.Headline{Level: look.OK, What: words.Say("handover.exists", words.Data{"Name": c.Name}), Then: words.Say("handover.exists_then")}, ""
	}
	return look.Headline{}, ""
}

// askRenew asks before a password ends to work.
func (s *Step) askRenew() {
	c, is := s.drawn.Client()
	if !is {
		return
	}
	look.Ask(s.kit.Canvas, look.Question{What: words.Say("handover.renew_what", words.Data{"Name": c.Name}), Then: words.Say("handover.renew_then"),
		Do: words.Say("handover.renew"), Keep: words.Say("handover.renew_keep"), Dangerous: true}, s.p.renew)
}
