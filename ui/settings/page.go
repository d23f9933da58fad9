//go:build !darwin || cgo

package settings

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// Preferences are what the person chose for the window. A change takes effect
// at once.
type Preferences interface {
	Language() string // a tag of words.Languages, "" for the system's
	SetLanguage(tag string)
	Variant() string // one of look.Variants
	SetVariant(name string)
	Notifies() bool
	SetNotifies(on bool)
}

// An Autostart is whether the window starts with the person's session. It may
// block.
type Autostart interface {
	Enabled() (bool, error)
	Set(on bool) error
}

// A Page is the page on the screen.
type Page struct {
	presenter *presenter
	desk      *desk.Desk
	prefs     Preferences
	autostart Autostart
	kit       *look.Kit
	content   fyne.CanvasObject
	scroll    *look.Scroll

	rows     map[string]*row
	language *look.Select
	variant  *look.Select
	notify   *look.Check
	auto     *look.Check
	autoErr  *widget.Label
	apply    *look.Button
	discard  *look.Button
	banner   *look.Banner
	detail   *look.Entry

	accounts  []string
	rendering bool
	was       State
}

// A row is a setting with its name, its field, and what is wrong with it.
type row struct {
	field  Field
	entry  *look.Entry   // for what is typed
	choice *look.Select  // for what is chosen
	means  *widget.Label // what is typed, or the default, in words; of a duration
	wrong  *widget.Label
	alarm  fyne.CanvasObject
	place  fyne.CanvasObject // both
}

// New makes the page. It is not loaded before Show.
func New(d *desk.Desk, p Program, f look.Frame, prefs Preferences, a Autostart) *Page {
	return pageOf(newPresenter(d, p, nil), f, prefs, a)
}

// Anew makes the page in the language in use now, with what was typed and not
// applied; v is not used any more.
func (v *Page) Anew(f look.Frame) *Page { return pageOf(v.presenter, f, v.prefs, v.autostart) }

func pageOf(p *presenter, f look.Frame, prefs Preferences, a Autostart) *Page {
	v := &Page{presenter: p, desk: p.desk, prefs: prefs, autostart: a, rows: map[string]*row{}}
	v.kit = f.Kit(v.Escape)
	p.show = v.render
	v.content = v.build()
	return v
}

// Content is the page's content.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// Show reads what is in force, and puts the focus on the first field.
func (v *Page) Show(desk.Place) {
	v.readAutostart()
	v.presenter.load()
	v.kit.Canvas.Focus(v.language)
}

// Hide does nothing: what was typed stays until one returns.
func (v *Page) Hide() {}

// Escape gives up what is under way.
func (v *Page) Escape() { v.presenter.stop() }

// Status brings the names of the accounts up to date.
func (v *Page) Status(s desk.Status) {
	names := []string{""}
	for _, a := range s.Accounts {
		names = append(names, a.Name)
	}
	if slices.Equal(names, v.accounts) {
		return
	}
	v.accounts = names
	v.render(v.presenter.state)
}

func (v *Page) build() fyne.CanvasObject {
	v.scroll = v.kit.Scrolled(func() fyne.CanvasObject {
		cards := look.Rows(12, v.windowCard())
		for _, g := range Groups() {
			cards.Add(v.groupCard(g))
		}
		return container.New(layout.NewCustomPaddedLayout(8, 8, 3, 14), cards)
	})
	v.apply = v.kit.Button(words.Say("settings.apply"), v.presenter.apply)
	v.apply.Importance = widget.HighImportance
	v.discard = v.kit.Button(words.Say("settings.discard"), v.presenter.discard)
	v.banner = look.NewBanner()
	v.detail = v.kit.ReadOnly()
	v.detail.Hide()
	foot := container.NewBorder(nil, nil, nil, container.NewVBox(layout.NewSpacer(), look.Row(v.discard, v.apply), layout.NewSpacer()),
		look.Rows(0, v.banner.Container, look.Indented(v.detail)))
	foot = container.New(layout.NewCustomPaddedLayout(8, 4, 3, 3), foot)
	return look.Page(words.Say("settings.title"), container.New(layout.NewBorderLayout(nil, foot, nil, nil), v.scroll.Scroll, foot))
}

// windowCard is what the person chose for the window.
func (v *Page) windowCard() fyne.CanvasObject {
	names := []string{words.Say("settings.language_system")}
	for _, tag := range words.Languages {
		names = append(names, words.Names[tag])
	}
	v.language = v.kit.Select(names, func(at int) {
		tag := ""
		if at > 0 {
			tag = words.Languages[at-1]
		}
		v.prefs.SetLanguage(tag)
	})
	v.language.Set(slices.Index(words.Languages, v.prefs.Language()) + 1)
	var variants []string
	for _, name := range look.Variants {
		variants = append(variants, words.Say("settings.variant_"+name))
	}
	v.variant = v.kit.Select(variants, func(at int) { v.prefs.SetVariant(look.Variants[at]) })
	v.variant.Set(max(0, slices.Index(look.Variants, v.prefs.Variant())))
	v.notify = v.kit.Check(words.Say("settings.notify"), v.prefs.SetNotifies)
	v.notify.Set(v.prefs.Notifies())
	v.auto = v.kit.Check(words.Say("settings.autostart"), v.setAutostart)
	v.auto.Disable()
	v.autoErr = look.Caption(widget.DangerImportance)
	v.autoErr.Hide()
	return look.NewCard(words.Say("settings.group_window"), look.Rows(4,
		v.pair(words.Say("settings.language"), v.language), v.pair(words.Say("settings.variant"), v.variant),
		v.pair("", v.notify), v.pair("", v.auto), v.autoErr))
}

// pair puts a field beside its name; the names of all cards have one width.
func (v *Page) pair(name string, field fyne.CanvasObject) fyne.CanvasObject {
	l := look.Text(name)
	return container.New(look.Columns{Gap: 8, Share: 0.36}, l, field)
}

func (v *Page) groupCard(g Group) fyne.CanvasObject {
	list := look.Rows(2)
	if g.Restart {
		list.Add(look.Small(words.Say("settings.restart")))
	}
	for _, f := range g.Fields {
		list.Add(v.rowOf(f))
	}
	return look.NewCard(words.Say("settings.group_"+g.ID), list)
}

func (v *Page) rowOf(f Field) fyne.CanvasObject {
	r := &row{field: f, wrong: look.Caption(widget.DangerImportance)}
	v.rows[f.Key] = r
	var control fyne.CanvasObject
	switch f.Kind {
	case Option, AnAccount:
		r.choice = v.kit.Select(nil, func(at int) {
			if at >= 0 && !v.rendering {
				v.presenter.set(f, v.options(f)[at])
			}
		})
		control = r.choice
	default:
		r.entry = v.kit.Entry()
		if f.Default != "" {
			r.entry.SetPlaceHolder(words.Say("settings.default", words.Data{"Value": f.Default}))
		} else {
			r.entry.SetPlaceHolder(words.Say("settings.empty_" + wordOf(f.Key)))
		}
		r.entry.OnChanged = func(s string) {
			if !v.rendering {
				v.presenter.set(f, s)
			}
		}
		r.entry.OnSubmitted = func(string) { v.presenter.apply() }
		control = r.entry
	}
	r.alarm = container.NewBorder(nil, nil, container.NewVBox(look.Space(0, 8), look.Sized(16, widget.NewIcon(look.Icon(look.Error.Shape, look.Error.Colour)))), nil, r.wrong)
	r.alarm.Hide()
	r.means = look.Small("")
	r.place = look.Rows(0, control, r.means, r.alarm)
	return v.pair(words.Say("settings.field_"+wordOf(f.Key)), r.place)
}

// wordOf is a setting's key as a part of a text's key.
func wordOf(key string) string {
	word := []byte(key)
	for i, c := range word {
		if c == '.' {
			word[i] = '_'
		}
	}
	return string(word)
}

// options are what can be chosen in a field, "" for the default.
func (v *Page) options(f Field) []string {
	if f.Kind == AnAccount {
		return v.accounts
	}
	return f.Options
}

// render draws a state.
func (v *Page) render(s State) {
	v.rendering = true
	defer func() { v.rendering = false }()
	for _, r := range v.rows {
		value := s.Value(r.field)
		if r.choice != nil {
			v.renderChoice(r, value)
			look.Enable(r.choice, s.Known && !s.Busy)
		} else {
			look.SetEntry(r.entry, value)
			look.Enable(r.entry, s.Known && !s.Busy)
		}
		look.SetText(r.means, r.field.inWords(value))
		about := s.Problem != nil && s.Problem.Key == r.field.Key
		if about {
			look.SetLabel(r.wrong, words.Sentences(s.Problem.Text, s.Problem.Fix))
		}
		look.Show(r.alarm, about)
	}
	look.Enable(v.apply, s.Changed() && !s.Busy)
	look.Enable(v.discard, (s.Changed() || s.Stale) && !s.Busy)
	v.renderFoot(s)
	if s.Problem != nil && s.Problem != v.was.Problem {
		if r := v.rows[s.Problem.Key]; r.entry != nil {
			v.kit.Canvas.Focus(r.entry)
		} else {
			v.kit.Canvas.Focus(r.choice)
		}
		v.scroll.KeepInSight(v.rows[s.Problem.Key].place, 0)
	}
	v.was = s
}

func (v *Page) renderChoice(r *row, value string) {
	options := v.options(r.field)
	if !slices.Contains(options, value) {
		options = append(slices.Clip(options), value) // of an account that is gone
	}
	var names []string
	for _, o := range options {
		switch {
		case o == "" && r.field.Kind == AnAccount:
			o = words.Say("settings.account_only")
		case o == "":
			o = words.Say("settings.default", words.Data{"Value": r.field.Default})
		}
		names = append(names, o)
	}
	if !slices.Equal(r.choice.Options, names) {
		r.choice.SetOptions(names)
	}
	r.choice.Set(slices.Index(options, value))
}

// renderFoot says how things stand with what was typed.
func (v *Page) renderFoot(s State) {
	h, detail := look.Headline{}, ""
	switch {
	case s.Busy && !s.Known:
		h = look.Headline{Level: look.Working, What: words.Say("settings.reading")}
	case s.Busy:
		h = look.Headline{Level: look.Working, What: words.Say("settings.saving")}
	case s.Problem != nil:
		h = look.Headline{Level: look.Error, What: words.Say("settings.problem", words.Data{"Field": words.Say("settings.field_" + wordOf(s.Problem.Key))}), Then: words.Say("settings.unchanged")}
	case s.Stale:
		h = look.Headline{Level: look.Attention, What: words.Say("settings.stale"), Then: words.Say("settings.stale_then")}
	case s.Err != nil:
		h, detail = look.Headline{Level: look.Error, What: words.Say("settings.failed")}, words.Sentence(s.Err.Error())
		if fix := mailer.Fix(s.Err); fix != "" {
			detail += "\n" + words.Sentence(fix)
		}
	case s.Saved:
		h = look.Headline{Level: look.OK, What: words.Say("settings.saved")}
	case s.Changed() && s.NeedsRestart():
		h = look.Headline{Level: look.Attention, What: words.Say("settings.changed"), Then: words.Say("settings.restart")}
	case s.Changed():
		h = look.Headline{Level: look.Attention, What: words.Say("settings.changed")}
	}
	look.Show(v.banner.Container, h.What != "")
	if h.What != "" {
		v.banner.Tell(h)
	}
	look.SetCode(v.detail, detail)
}

// readAutostart shows whether the window starts with the session.
func (v *Page) readAutostart() {
	v.desk.Start(func(context.Context) func() {
		on, err := v.autostart.Enabled()
		return func() { v.autostartIs(on, err) }
	})
}

func (v *Page) setAutostart(on bool) {
	v.auto.Disable()
	v.desk.Start(func(context.Context) func() {
		err := v.autostart.Set(on)
		is, readErr := v.autostart.Enabled()
		if err == nil {
			err = readErr
		}
		return func() { v.autostartIs(is, err) }
	})
}

func (v *Page) autostartIs(on bool, err error) {
	v.auto.Set(on)
	v.auto.Enable()
	text := ""
	if err != nil {
		text = words.Sentence(err.Error())
	}
	look.SetText(v.autoErr, text)
}
