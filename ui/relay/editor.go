//go:build !darwin || cgo

package relay

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// An editor shows the fields of the entry that is open.
type editor struct {
	page    *Page
	content fyne.CanvasObject
	title   *widget.Label
	fields  *fyne.Container
	scroll  *look.Scroll
	rows    map[string]*row
	order   []string

	banner                      *look.Banner
	detail                      *look.Entry
	password                    *fyne.Container // a new one, shown once
	secret                      *look.Entry
	copy                        *look.Button // copies it
	apply, close, remove, renew *look.Button

	of        Entry // that the rows are for
	made      bool
	rendering bool
}

// A row is a field with what is wrong with it.
type row struct {
	field  Field
	entry  *look.Entry
	choice *look.Select
	box    *look.Check
	wrong  *widget.Label
	alarm  fyne.CanvasObject
	place  fyne.CanvasObject
}

func newEditor(v *Page) *editor {
	e := &editor{page: v, title: look.Strong(""), banner: look.NewBanner(), rows: map[string]*row{}}
	k, p := v.kit, v.presenter
	e.detail = k.ReadOnly()
	e.secret = k.Code("")
	e.copy = k.CopyButton(words.Say("relay.copy_password"), func() string { return e.secret.Text })
	e.password = look.Rows(4, look.Text(words.Say("relay.password_once")), look.Indented(container.NewBorder(nil, nil, nil, e.copy, e.secret)))
	e.apply = k.Button(words.Say("relay.apply"), p.apply)
	e.apply.Importance = widget.HighImportance
	e.close = k.Button(words.Say("relay.close"), v.Escape)
	e.remove = k.Button("", e.askRemove)
	e.renew = k.Button(words.Say("relay.new_password"), e.askRenew)
	e.scroll = k.Scrolled(func() fyne.CanvasObject {
		e.fields = look.Rows(2)
		return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 12), look.Rows(6, e.fields, e.password, look.Indented(look.Row(e.renew, e.remove))))
	})
	foot := look.Rows(4, e.banner.Container, look.Indented(e.detail), container.NewHBox(layout.NewSpacer(), look.Row(e.close, e.apply), look.Space(8, 0)))
	e.content = look.Surface(container.New(layout.NewBorderLayout(e.title, foot, nil, nil), e.title, e.scroll.Scroll, foot))
	return e
}

// make makes the rows of a kind.
func (e *editor) make(of Entry) {
	e.of, e.made = of, true
	e.fields.RemoveAll()
	clear(e.rows)
	e.order = nil
	e.page.kit.Within(e.scroll, func() {
		for _, f := range FieldsOf(of.Kind) {
			e.order = append(e.order, f.Key)
			e.fields.Add(e.row(of.Kind, f))
		}
	})
}

func (e *editor) row(kind Kind, f Field) fyne.CanvasObject {
	r := &row{field: f, wrong: look.Caption(widget.DangerImportance)}
	e.rows[f.Key] = r
	k, p := e.page.kit, e.page.presenter
	name := words.Say("relay.field_" + string(kind) + "_" + f.Key)
	set := func(value string) {
		if !e.rendering {
			p.set(f, value)
		}
	}
	var control fyne.CanvasObject
	switch {
	case f.Box:
		r.box = k.Check(name, func(on bool) {
			if on {
				set("true")
			} else {
				set("false")
			}
		})
		control, name = r.box, ""
	case f.Account || f.Options != nil:
		r.choice = k.Select(nil, func(at int) {
			if at >= 0 {
				set(e.options(f)[at])
			}
		})
		control = r.choice
	default:
		r.entry = k.Entry()
		r.entry.SetPlaceHolder(words.Say("relay.hint_" + string(kind) + "_" + f.Key))
		r.entry.OnChanged = set
		r.entry.OnSubmitted = func(string) { p.apply() }
		control = r.entry
	}
	r.alarm = container.NewBorder(nil, nil, container.NewVBox(look.Space(0, 8), look.Sized(16, widget.NewIcon(look.Icon(look.Error.Shape, look.Error.Colour)))), nil, r.wrong)
	r.place = look.Rows(0, control, r.alarm)
	return place(name, r.place)
}

func (e *editor) options(f Field) []string {
	if f.Account {
		return e.page.accounts
	}
	return f.Options
}

// render draws the entry that is open.
func (e *editor) render(s State) {
	if !e.made || e.of != s.Edit.Entry {
		e.make(s.Edit.Entry)
	}
	e.rendering = true
	defer func() { e.rendering = false }()
	kind, isNew := string(s.Edit.Kind), s.Edit.Name == ""
	title := s.Edit.Name
	if isNew {
		title = words.Say("relay.new_" + kind)
	}
	look.SetLabel(e.title, title)
	for _, r := range e.rows {
		e.renderRow(r, s, isNew)
	}
	look.Enable(e.apply, len(s.Edit.Typed) > 0 && !s.Busy)
	look.Show(e.remove, !isNew)
	look.Show(e.renew, s.Edit.Kind == Tool && !isNew)
	look.Enable(e.remove, !s.Busy)
	look.Enable(e.renew, !s.Busy)
	if text := words.Say("relay.remove_" + kind); e.remove.Text != text {
		e.remove.SetText(text)
	}
	shown := s.Password != "" && s.Of == s.Edit.Name
	if shown {
		look.SetEntry(e.secret, s.Password.Reveal())
	} else {
		look.SetEntry(e.secret, "")
	}
	fresh := shown && !e.password.Visible()
	look.Show(e.password, shown)
	e.renderFoot(s)
	e.scroll.Arrange()
	if fresh { // it is not shown again
		e.page.kit.Canvas.Focus(e.copy)
	}
	if s.Problem != nil {
		r := e.rows[s.Problem.Key]
		e.focus(r)
		e.scroll.KeepInSight(r.place, 0)
	}
}

func (e *editor) renderRow(r *row, s State, isNew bool) {
	value := r.field.Read(s.Edit)
	free := !s.Busy && (isNew || !r.field.Fixed)
	switch {
	case r.box != nil:
		r.box.Set(value == "true")
		look.Enable(r.box, free)
	case r.choice != nil:
		var names []string
		options := e.options(r.field)
		for _, o := range options {
			names = append(names, e.optionName(r.field, o, s))
		}
		if !slices.Equal(r.choice.Options, names) {
			r.choice.SetOptions(names)
		}
		r.choice.Set(slices.Index(options, value))
		look.Enable(r.choice, free)
	default:
		look.SetEntry(r.entry, value)
		look.Enable(r.entry, free)
	}
	about := s.Problem != nil && s.Problem.Key == r.field.Key
	if about {
		look.SetLabel(r.wrong, words.Sentences(s.Problem.Text, s.Problem.Fix))
	}
	look.Show(r.alarm, about)
}

// optionName is what an option is called.
func (e *editor) optionName(f Field, option string, s State) string {
	switch {
	case f.Account && option == "":
		return words.Say("relay.account_by_sender")
	case f.Account:
		return option
	case f.Key == "tls":
		return words.Say("relay.tls_" + option)
	case option == string(mailer.KeepPassword) && !s.Edit.Client.HasPassword:
		return words.Say("relay.password_has_none")
	}
	return words.Say("relay.password_" + option)
}

// renderFoot says how things stand with the entry.
func (e *editor) renderFoot(s State) {
	h, detail := look.Headline{}, ""
	switch {
	case s.Busy:
		h = look.Headline{Level: look.Working, What: words.Say("relay.saving")}
	case s.Problem != nil:
		h = look.Headline{Level: look.Error, What: words.Say("relay.problem")}
	case s.Err != nil:
		h, detail = look.Headline{Level: look.Error, What: words.Say("relay.failed")}, words.Sentence(s.Err.Error())
		if fix := mailer.Fix(s.Err); fix != "" {
			detail += "\n" + words.Sentence(fix)
		}
	case s.Saved:
		h = look.Headline{Level: look.OK, What: words.Say("relay.saved")}
	case s.Edit.Kind == Listener && !Local(FieldsOf(Listener)[1].Read(s.Edit)) && FieldsOf(Listener)[1].Read(s.Edit) != "":
		h = look.Headline{Level: look.Attention, What: words.Say("relay.beyond"), Then: words.Say("relay.beyond_then")}
	}
	look.Show(e.banner.Container, h.What != "")
	if h.What != "" {
		e.banner.Tell(h)
	}
	look.SetCode(e.detail, detail)
}

// focusFirst puts the focus on the first field that can be changed.
func (e *editor) focusFirst() {
	for _, key := range e.order {
		r := e.rows[key]
		if r.field.Fixed && e.of.Name != "" {
			continue
		}
		e.focus(r)
		return
	}
}

func (e *editor) focus(r *row) {
	c := e.page.kit.Canvas
	switch {
	case r.entry != nil && c.Focused() != r.entry:
		c.Focus(r.entry)
	case r.choice != nil && c.Focused() != r.choice:
		c.Focus(r.choice)
	case r.box != nil && c.Focused() != r.box:
		c.Focus(r.box)
	}
}

func (e *editor) askRemove() {
	kind := string(e.of.Kind)
	look.Ask(e.page.kit.Canvas, look.Question{
		What: words.Say("relay.remove_what", words.Data{"Name": e.of.Name}), Then: words.Say("relay.remove_then_" + kind),
		Do: words.Say("relay.remove_" + kind), Keep: words.Say("relay.remove_keep"), Dangerous: true,
	}, e.page.presenter.remove)
}

func (e *editor) askRenew() {
	look.Ask(e.page.kit.Canvas, look.Question{
		What: words.Say("relay.renew_what", words.Data{"Name": e.of.Name}), Then: words.Say("relay.renew_then"),
		Do: words.Say("relay.new_password"), Keep: words.Say("relay.renew_keep"),
	}, e.page.presenter.renew)
}
