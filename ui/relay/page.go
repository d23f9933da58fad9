//go:build !darwin || cgo

package relay

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Page is the page on the screen: at the left what there is, at the right the
// entry that is open.
type Page struct {
	presenter *presenter
	frame     look.Frame
	kit       *look.Kit
	content   fyne.CanvasObject

	cards  map[Kind]*fyne.Container
	lines  map[Entry]*look.Line
	order  []Entry
	adds   map[Kind]*look.Button
	left   *look.Scroll
	editor *editor
	hint   fyne.CanvasObject // in place of the editor
	gone   *widget.Label     // why there is none any more

	accounts []string
	names    []Entry // that the lines are for
	was      *Edit
	opening  desk.Place
	arrived  bool // and not loaded since
}

// New makes the page. It is not loaded before Show.
func New(d *desk.Desk, p Program, f look.Frame) *Page { return pageOf(newPresenter(d, p, nil), f) }

// Anew makes the page in the language in use now, with what was changed and not
// applied; v is not used any more.
func (v *Page) Anew(f look.Frame) *Page { return pageOf(v.presenter, f) }

func pageOf(p *presenter, f look.Frame) *Page {
	v := &Page{presenter: p, frame: f, cards: map[Kind]*fyne.Container{}, lines: map[Entry]*look.Line{}, adds: map[Kind]*look.Button{}}
	v.kit = f.Kit(v.Escape)
	p.show = v.render
	v.content = v.build()
	return v
}

// Content is the page's content.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// Show reads what there is.
func (v *Page) Show(at desk.Place) {
	v.opening, v.arrived = at, true
	v.presenter.load()
}

// Hide does nothing: what was typed stays until one returns.
func (v *Page) Hide() {}

// Escape closes the entry that is open.
func (v *Page) Escape() {
	if v.presenter.state.Edit == nil {
		return
	}
	v.unlessTyped(func() {
		e := v.presenter.state.Edit
		v.presenter.closeEdit()
		if l := v.lines[e.Entry]; l != nil {
			v.kit.Canvas.Focus(l)
		}
	})
}

// open opens an entry.
func (v *Page) open(e Entry) {
	if is := v.presenter.state.Edit; is != nil && is.Entry == e && e.Name != "" {
		v.editor.focusFirst() // it is open, perhaps with something typed or a new password
		return
	}
	v.unlessTyped(func() { v.presenter.open(e) })
}

// unlessTyped does what closes the entry that is open, and asks first when
// something was typed and not applied.
func (v *Page) unlessTyped(do func()) {
	s := v.presenter.state
	if s.Busy || !s.Unsaved() {
		do()
		return
	}
	look.Ask(v.kit.Canvas, look.Question{
		What: words.Say("relay.discard_what"), Then: words.Say("relay.discard_then"),
		Do: words.Say("relay.discard"), Keep: words.Say("relay.discard_keep"), Dangerous: true,
	}, do)
}

// Status brings what is seen of listeners and tools up to date.
func (v *Page) Status(s desk.Status) {
	v.accounts = []string{""}
	for _, a := range s.Accounts {
		v.accounts = append(v.accounts, a.Name)
	}
	v.presenter.status(s)
}

func (v *Page) build() fyne.CanvasObject {
	v.left = v.kit.Scrolled(func() fyne.CanvasObject {
		cards := look.Rows(12)
		for _, k := range Kinds {
			v.cards[k] = look.Rows(0)
			v.adds[k] = v.kit.Button(words.Say("relay.add_"+string(k)), func() { v.open(Entry{Kind: k}) })
			cards.Add(look.NewCard(words.Say("relay.card_"+string(k)), look.Rows(4, look.Small(words.Say("relay.about_"+string(k))),
				v.cards[k], look.Indented(container.NewHBox(v.adds[k])))))
		}
		return container.New(layout.NewCustomPaddedLayout(8, 8, 3, 14), cards)
	})
	v.editor = newEditor(v)
	v.hint = look.Empty(words.Say("relay.nothing_open"), words.Say("relay.nothing_open_then"))
	v.gone = look.Text("")
	v.gone.Alignment = fyne.TextAlignCenter
	v.hint = container.New(layout.NewBorderLayout(v.gone, nil, nil, nil), v.gone, v.hint)
	right := container.New(layout.NewCustomPaddedLayout(8, 8, 0, 3), container.NewStack(v.hint, v.editor.content))
	return look.Page(words.Say("relay.title"), container.New(look.Columns{Gap: 4, Share: 0.52}, v.left.Scroll, right))
}

// render draws a state.
func (v *Page) render(s State) {
	v.renderLists(s)
	if s.Edit != nil {
		v.editor.render(s)
	}
	look.Show(v.editor.content, s.Edit != nil)
	look.Show(v.hint, s.Edit == nil)
	gone := ""
	if s.Gone != "" {
		gone = words.Say("relay.gone", words.Data{"Name": s.Gone})
	}
	look.SetText(v.gone, gone)
	for k := range v.adds {
		look.Enable(v.adds[k], s.Known && !s.Busy)
	}
	switch was := v.was; {
	case s.Edit != nil && (was == nil || was.Entry != s.Edit.Entry):
		v.editor.focusFirst()
	case s.Edit == nil && was != nil && v.lines[was.Entry] == nil:
		v.kit.Canvas.Focus(v.adds[was.Kind])
	}
	v.was = s.Edit
	if v.arrived && !s.Busy {
		v.arrived = false
		v.arrive(s)
	}
}

// arrive puts the focus where the next key belongs when the page was opened and
// is loaded.
func (v *Page) arrive(s State) {
	switch {
	case v.opening.Do == desk.DoNew:
		v.presenter.open(Entry{Kind: Listener})
	case s.Edit != nil:
		v.editor.focusFirst()
	default:
		v.kit.Canvas.Focus(v.adds[Tool])
	}
}

// renderLists draws a line for each entry.
func (v *Page) renderLists(s State) {
	var names []Entry
	for _, k := range Kinds {
		for _, name := range s.Names(k) {
			names = append(names, Entry{k, name})
		}
	}
	if !slices.Equal(names, v.names) {
		v.names = names
		v.rebuildLines()
	}
	for _, e := range names {
		at, word, found := v.standing(s, e)
		v.lines[e].Tell(at, e.Name, word, found, true, s.Edit != nil && s.Edit.Entry == e)
	}
}

func (v *Page) rebuildLines() {
	for _, k := range Kinds {
		v.cards[k].RemoveAll()
	}
	clear(v.lines)
	v.order = v.names
	v.kit.Within(v.left, func() {
		for i, e := range v.names {
			l := v.kit.Line(130, 0)
			l.OnOpen = func() { v.open(e) }
			l.OnMove = func(by int) {
				if at := i + by; at >= 0 && at < len(v.order) {
					v.kit.Canvas.Focus(v.lines[v.order[at]])
				}
			}
			v.lines[e] = l
			v.cards[e.Kind].Add(container.New(layout.NewCustomPaddedLayout(0, 0, 5, 0), l))
		}
	})
	v.left.Arrange()
}

// standing is how an entry stands: its sign, and a sentence.
func (v *Page) standing(s State, e Entry) (at look.Level, word, found string) {
	switch e.Kind {
	case Tool:
		seen, is := s.Seen(e.Name)
		data := words.Data{"Taken": words.Number(int(seen.Messages)), "Refused": words.Number(int(seen.Refused))}
		switch {
		case !is || seen.LastSeen.IsZero():
			return look.Pending, "", words.Say("relay.never_seen")
		case seen.Refused > 0:
			data["Ago"] = words.Ago(seen.LastSeen, s.Status.At)
			return look.Attention, "", words.Say("relay.seen_refused", data)
		}
		data["Ago"] = words.Ago(seen.LastSeen, s.Status.At)
		return look.OK, "", words.Say("relay.seen", data)
	case Listener:
		l := s.Settings.Listeners[slices.Index(s.Names(Listener), e.Name)]
		tls := words.Say("relay.tls_" + l.TLS)
		if bound := s.Bound(e.Name); bound != "" {
			return look.OK, "", words.Say("relay.listens", words.Data{"Address": bound, "TLS": tls})
		}
		return look.Attention, "", words.Say("relay.listens_not", words.Data{"Address": l.Address, "TLS": tls})
	}
	f := s.Settings.Folders[slices.Index(s.Names(Folder), e.Name)]
	watched, is := s.Watched(e.Name)
	switch {
	case !is:
		return look.Attention, "", words.Say("relay.watched_not", words.Data{"Path": f.Path})
	case watched.Problem != "":
		return look.Attention, "", watched.Path + "\n" + words.Sentence(watched.Problem)
	}
	return look.OK, "", watched.Path
}

// place puts a field beside its name.
func place(name string, field fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabel(name)
	l.Wrapping = fyne.TextWrapWord
	return container.New(look.Columns{Gap: 8, Share: 0.36}, l, field)
}
