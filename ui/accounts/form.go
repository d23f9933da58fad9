//go:build !darwin || cgo

package accounts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

// A form is the fields of an account, in groups. It is made once; fields that do
// not go with the account are hidden.
type form struct {
	content fyne.CanvasObject
	kit     *look.Kit
	set     func(key, value string)

	inputs  map[string]*input
	more    *look.Button // folds what is seldom changed
	rest    *fyne.Container
	cards   map[Group]fyne.CanvasObject
	secret  *secretInput
	unfold  bool
	drawing bool // what changes now was not typed
}

// An input is one field with its name, and what is wrong with it.
type input struct {
	row        *fyne.Container
	entry      *look.Entry
	choice     *look.Select
	flag       *look.Check
	options    []string
	browse     *look.Button
	alarm      *fyne.Container
	wrong, fix *widget.Label
}

func newForm(k *look.Kit, set func(key, value string), browse func(key string), secret *secretInput) *form {
	f := &form{kit: k, set: set, inputs: map[string]*input{}, cards: map[Group]fyne.CanvasObject{}, secret: secret}
	for _, g := range groups {
		rows := look.Rows(4)
		for i := range fields {
			if fields[i].group != g {
				continue
			}
			in := f.input(&fields[i], browse)
			f.inputs[fields[i].key] = in
			rows.Add(in.row)
			if fields[i].key == "credential" {
				rows.Add(secret.row)
			}
		}
		f.cards[g] = look.NewCard(words.Say("accounts.group_"+string(g)), rows)
	}
	f.more = k.Button("", func() { f.fold(!f.unfold) })
	f.more.Alignment = widget.ButtonAlignLeading
	f.rest = look.Rows(12, f.cards[Messages], f.cards[Limits], f.cards[Servers])
	f.content = look.Rows(12, f.cards[Addresses], f.cards[SignIn], container.NewHBox(f.more), f.rest)
	f.fold(false)
	return f
}

// fold shows or hides what is seldom changed.
func (f *form) fold(open bool) {
	f.unfold = open
	text, shape := words.Say("accounts.more"), "folded"
	if open {
		text, shape = words.Say("accounts.less"), "unfolded"
	}
	f.more.Icon = look.Icon(shape, look.Pending.Colour)
	f.more.SetText(text)
	look.Show(f.rest, open)
}

const nameWidth = 180

func (f *form) input(of *field, browse func(key string)) *input {
	in := &input{options: of.options}
	changed := func(value string) {
		if !f.drawing {
			f.set(of.key, value)
		}
	}
	var control fyne.CanvasObject
	switch of.kind {
	case choice:
		var names []string
		for _, o := range of.options {
			names = append(names, option(of.key, o))
		}
		in.choice = f.kit.Select(names, func(i int) { changed(of.options[i]) })
		control = in.choice
	case flag:
		in.flag = f.kit.Check(words.Say("accounts.field_"+of.key), func(on bool) {
			value := ""
			if on {
				value = "true"
			}
			changed(value)
		})
		control = in.flag
	default:
		in.entry = f.kit.Entry()
		if of.group == Addresses {
			in.entry = f.kit.LongEntry()
		}
		in.entry.OnChanged = changed
		control = in.entry
		if of.kind == file {
			in.browse = f.kit.Button(words.Say("accounts.browse"), func() { browse(of.key) })
			control = container.NewBorder(nil, nil, nil, in.browse, in.entry)
		}
	}
	name := ""
	if of.kind != flag {
		name = words.Say("accounts.field_" + of.key)
	}
	in.row, in.alarm, in.wrong, in.fix = fieldRow(name, hint(of.key), control)
	return in
}

// hint is what a field is for, where its name does not say so.
func hint(key string) string {
	if k := "accounts.hint_" + key; words.Has(k) {
		return words.Say(k)
	}
	return ""
}

// fieldRow puts a name before a control, and below it what it is for and what is
// wrong.
func fieldRow(name, hint string, control fyne.CanvasObject) (row, alarm *fyne.Container, wrong, fix *widget.Label) {
	label := look.Text(name)
	wrong, fix = look.Caption(widget.DangerImportance), look.Caption(widget.MediumImportance)
	sign := widget.NewIcon(look.Icon(look.Error.Shape, look.Error.Colour))
	alarm = container.NewBorder(nil, nil, container.NewVBox(look.Space(0, 4), look.Sized(16, sign)), nil, look.Rows(-12, wrong, fix))
	alarm.Hide()
	below := look.Rows(-6, control)
	if hint != "" {
		below.Add(look.Small(hint))
	}
	below.Add(alarm)
	row = container.New(&pairLayout{}, label, below)
	return row, alarm, wrong, fix
}

// pairLayout puts the second object behind the first, which has a fixed width.
type pairLayout struct{}

func (pairLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(nameWidth, s.Height))
	o[1].Move(fyne.NewPos(nameWidth, 0))
	o[1].Resize(fyne.NewSize(s.Width-nameWidth, s.Height))
}

func (pairLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	m := o[1].MinSize()
	return fyne.NewSize(nameWidth+m.Width, max(m.Height, 36))
}

// draw shows the fields and returns the first that is wrong. blame unfolds where
// that is.
func (f *form) draw(s State, blame bool) (first fyne.Focusable) {
	f.drawing = true
	there := map[string]bool{}
	editable := s.Stage == Editing
	for _, v := range s.Inputs {
		in := f.inputs[v.Key]
		there[v.Key] = true
		in.draw(v, editable)
		if v.Wrong != "" && first == nil {
			first = in.focus()
			if g := fieldOf(v.Key).group; g != Addresses && g != SignIn && blame {
				f.fold(true)
			}
		}
	}
	for key, in := range f.inputs {
		look.Show(in.row, there[key])
	}
	f.secret.draw(s.Secret, editable)
	if s.Secret.Wrong != "" && first == nil {
		first = f.secret.focus()
	}
	f.drawing = false
	return first
}

func (in *input) draw(v Input, editable bool) {
	switch {
	case in.choice != nil:
		in.choice.Set(index(in.options, v.Value))
		look.Enable(in.choice, editable)
	case in.flag != nil:
		in.flag.Set(v.Value != "")
		look.Enable(in.flag, editable)
	default:
		look.SetEntry(in.entry, v.Value)
		look.Enable(in.entry, editable)
		if in.browse != nil {
			look.Enable(in.browse, editable)
		}
	}
	look.SetLabel(in.wrong, v.Wrong)
	look.SetText(in.fix, v.Fix)
	look.Show(in.alarm, v.Wrong != "")
}

// has reports whether something of the form has the focus.
func (f *form) has(focused fyne.Focusable) (fyne.CanvasObject, bool) {
	if focused == f.secret.entry {
		return f.secret.entry, true
	}
	for _, in := range f.inputs {
		if at := in.focus(); focused == at {
			return at.(fyne.CanvasObject), true
		}
	}
	return nil, false
}

func (in *input) focus() fyne.Focusable {
	switch {
	case in.choice != nil:
		return in.choice
	case in.flag != nil:
		return in.flag
	}
	return in.entry
}

func index(options []string, value string) int {
	for i, o := range options {
		if o == value {
			return i
		}
	}
	return -1
}

// A secretInput is where a new secret is typed, or a certificate chosen.
type secretInput struct {
	row, alarm   *fyne.Container
	name         *widget.Label
	entry        *look.Entry
	known        *widget.Label
	choose, make *look.Button
	wrong, fix   *widget.Label
	drawing      bool
}

func newSecretInput(k *look.Kit, set func(string), choose, create func()) *secretInput {
	s := &secretInput{entry: k.Entry(), known: look.Small(""), choose: k.Button(words.Say("accounts.choose_certificate"), choose), make: k.Button(words.Say("accounts.make_certificate"), create)}
	s.entry.Password = true
	s.entry.OnChanged = func(v string) {
		if !s.drawing {
			set(v)
		}
	}
	buttons := container.New(layout.NewCustomPaddedLayout(0, 6, 0, 0), look.Row(s.choose, s.make))
	s.row, s.alarm, s.wrong, s.fix = fieldRow(" ", "", look.Rows(0, buttons, s.entry, s.known))
	s.name = s.row.Objects[0].(*widget.Label)
	return s
}

func (s *secretInput) draw(v Secret, editable bool) {
	s.drawing = true
	look.Show(s.row, v.Kind != NoSecret)
	if v.Kind == NoSecret {
		s.drawing = false
		return
	}
	look.SetLabel(s.name, words.Say("accounts.secret_"+string(v.Kind)))
	certificate := v.Kind == Certificate
	look.Show(s.choose, certificate)
	look.Show(s.make, certificate)
	look.Show(s.entry, !certificate || v.File != "")
	known := words.Say("accounts.secret_missing")
	switch {
	case certificate && v.File != "":
		known = words.Say("accounts.secret_file", words.Data{"File": v.File})
	case v.Stored:
		known = words.Say("accounts.secret_stored")
	}
	look.SetLabel(s.known, known)
	placeholder := words.Say("accounts.secret_new")
	if certificate {
		placeholder = words.Say("accounts.secret_file_password")
	}
	if s.entry.PlaceHolder != placeholder {
		s.entry.SetPlaceHolder(placeholder)
	}
	look.SetEntry(s.entry, v.Typed.Reveal())
	look.Enable(s.entry, editable)
	look.Enable(s.choose, editable)
	look.Enable(s.make, editable)
	look.SetLabel(s.wrong, v.Wrong)
	look.SetText(s.fix, v.Fix)
	look.Show(s.alarm, v.Wrong != "")
	s.drawing = false
}

func (s *secretInput) focus() fyne.Focusable {
	if s.entry.Visible() {
		return s.entry
	}
	return s.choose
}
