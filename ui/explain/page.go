//go:build !darwin || cgo

package explain

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/refusals"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Page belongs to the window's goroutine.
type Page struct {
	p       *presenter
	frame   look.Frame
	kit     *look.Kit
	content fyne.CanvasObject

	text    *look.Entry
	whose   *look.Select
	unread  *widget.Label
	clear   *look.Button
	banner  *look.Banner
	answers *fyne.Container
	scroll  *look.Scroll
	entries []*entryBlock // those that can be opened

	drawn   State // what is to be seen
	visible bool
}

// An entryBlock is one of several entries of the catalogue: a line with its
// cause and, when it is open, all it has to say.
type entryBlock struct {
	entry Entry
	line  *look.Line
	body  *fyne.Container
}

// New returns the page, empty.
func New(d *desk.Desk, p Program, f look.Frame) *Page {
	return pageOf(newPresenter(d, p), f)
}

// Anew makes the page in the language in use now, with the text that was pasted; x
// is not used any more.
func (x *Page) Anew(f look.Frame) *Page { return pageOf(x.p, f) }

func pageOf(p *presenter, f look.Frame) *Page {
	x := &Page{p: p, frame: f}
	x.p.show = x.render
	x.kit = f.Kit(x.Escape)
	x.content = look.Page(words.Say("explain.title"), container.New(look.Columns{Gap: 12, Share: 5. / 12}, x.pasteView(), x.meansView()))
	x.render(x.p.state)
	return x
}

// Content is what the page consists of.
func (x *Page) Content() fyne.CanvasObject { return x.content }

// Show opens the page. A text of the place is explained, with the names of its
// account.
func (x *Page) Show(at desk.Place) {
	x.visible = true
	if at.Account != "" {
		x.p.choose(at.Account)
	}
	if at.Text != "" {
		x.p.ask(at.Text)
	} else {
		x.render(x.p.state)
	}
	x.kit.Canvas.Focus(x.text)
}

// Hide says that the page is not to be seen.
func (x *Page) Hide() { x.visible = false }

// Status takes the program's state.
func (x *Page) Status(s desk.Status) {
	if !s.Known {
		return
	}
	var names []string
	for _, a := range s.Accounts {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	x.p.accounts(names)
}

// Escape closes the entry that is open.
func (x *Page) Escape() {
	if id := x.p.state.Open; id != "" {
		x.p.toggle(id)
	}
}

func (x *Page) pasteView() fyne.CanvasObject {
	x.text = x.kit.Entry()
	x.text.MultiLine, x.text.Wrapping = true, fyne.TextWrapBreak
	x.text.TextStyle.Monospace = true
	x.text.OnChanged = x.p.ask
	x.clear = x.kit.Button(words.Say("explain.clear"), func() {
		x.p.ask("")
		x.kit.Canvas.Focus(x.text)
	})
	x.whose = x.kit.Select(nil, func(i int) {
		name := ""
		if i > 0 {
			name = x.p.state.Accounts[i-1]
		}
		x.p.choose(name)
	})
	x.unread = look.Caption(widget.WarningImportance)
	hint := look.Text(words.Say("explain.hint"))
	foot := look.Rows(4, look.Space(0, 0), look.Indented(look.Flow(x.clear)), look.Rows(-6, look.Small(words.Say("explain.names")), look.Indented(x.whose)), x.unread)
	// Not NewBorder, which would put the text last in the order of Tab.
	text := look.Indented(x.text)
	return look.NewCard(words.Say("explain.said"), container.New(layout.NewBorderLayout(hint, foot, nil, nil), hint, text, foot))
}

func (x *Page) meansView() fyne.CanvasObject {
	x.banner = look.NewBanner()
	x.answers = look.Rows(4)
	x.scroll = x.kit.Scrolled(func() fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedLayout(4, 4, 5, 14), x.answers)
	})
	head := look.Indented(x.banner.Container)
	return look.NewCard(words.Say("explain.means"), container.New(layout.NewBorderLayout(head, nil, nil, nil), head, x.scroll.Scroll))
}

// render draws a state, unless nobody sees it.
func (x *Page) render(s State) {
	if !x.visible {
		return
	}
	look.SetEntry(x.text, s.Text)
	look.Enable(x.clear, s.Text != "")
	options := append([]string{words.Say("explain.nobody")}, s.Accounts...)
	if !slices.Equal(options, x.whose.Options) {
		x.whose.Options = options
		x.whose.Refresh()
	}
	x.whose.Set(slices.Index(s.Accounts, s.For) + 1)
	unread := ""
	if s.Unread != nil {
		unread = words.Sentence(s.Unread.Error())
	}
	look.SetText(x.unread, unread)
	x.banner.Tell(headlineOf(s))
	if was := x.drawn; was.Of != s.Of || !same(was.Answer, s.Answer) {
		x.answers.RemoveAll()
		x.entries = nil
		x.kit.Within(x.scroll, func() { x.addAnswer(s.Answer) })
		if was.Of != s.Of {
			x.scroll.ScrollToTop()
		}
	}
	for _, b := range x.entries {
		open := b.entry.ID == s.Open
		b.line.Tell(look.Pending, "", "", words.Sentence(b.entry.Cause), true, open)
		look.Show(b.body, open)
	}
	x.scroll.Arrange()
	x.drawn = s
}

// same reports whether two answers are one: each is replaced as a whole.
func same(a, b Answer) bool {
	return a.Lead == b.Lead && len(a.Rest) == len(b.Rest) && (len(a.Rest) == 0 || &a.Rest[0] == &b.Rest[0]) && a.Extract == b.Extract && a.Verdict == b.Verdict
}

// addAnswer fills the page with an answer: the refusal that the others follow
// from in full, of all others a line each that can be opened.
func (x *Page) addAnswer(a Answer) {
	lead := words.Say("explain.may_be")
	switch a.Verdict {
	case refusals.Known:
		lead = words.Say("explain.says_too")
	case refusals.Unknown:
		lead = words.Say("explain.similar")
	}
	if a.Extract != "" {
		x.answers.Add(look.Rows(0, look.Small(words.Say("explain.extract")), look.Indented(x.kit.Code(a.Extract))))
	}
	if a.Lead != nil {
		x.answers.Add(x.entryBody(*a.Lead))
	}
	if len(a.Rest) > 0 {
		x.answers.Add(look.Small(lead))
	}
	for _, e := range a.Rest {
		b := &entryBlock{entry: e, line: x.kit.Line(0, 0)}
		b.line.OnOpen = func() { x.p.toggle(e.ID) }
		b.line.OnMove = func(by int) { x.move(b, by) }
		b.body = container.New(layout.NewCustomPaddedLayout(0, 8, 24, 0), look.Rows(-4, look.Small(whose(e.Refusal)), x.entryBody(e)))
		b.body.Hide()
		x.entries = append(x.entries, b)
		x.answers.Add(look.Rows(0, b.line, b.body))
	}
	if a.Shortened {
		x.answers.Add(look.Small(words.Say("explain.shortened")))
	}
}

// move moves the focus from one entry to another.
func (x *Page) move(from *entryBlock, by int) {
	if i := slices.Index(x.entries, from) + by; i >= 0 && i < len(x.entries) {
		x.kit.Canvas.Focus(x.entries[i].line)
	}
}

// entryBody is what an entry of the catalogue has to say beside its cause.
func (x *Page) entryBody(e Entry) fyne.CanvasObject {
	box := look.Rows(0)
	for _, p := range partsOf(e) {
		box.Add(look.Rows(-8, look.Small(p.name), look.Text(p.text)))
	}
	buttons := look.Flow()
	if e.Command != "" {
		box.Add(look.Rows(0, look.Space(0, 4), look.Indented(x.kit.Code(e.Command))))
		buttons.Add(x.kit.CopyButton(words.Say("explain.copy_command"), func() string { return e.Command }))
	}
	if other := e.Application.Command; other != "" {
		box.Add(look.Rows(0, look.Small(words.Say("explain.application_command")), look.Indented(x.kit.Code(other))))
	}
	if e.Link != "" {
		buttons.Add(x.kit.Button(words.Say("explain.open_portal"), func() { x.frame.Follow(e.Link) }))
	}
	buttons.Add(x.kit.CopyButton(words.Say("explain.copy_all"), func() string { return entryText(e) }))
	if e.Takes != "" {
		box.Add(look.Small(words.Say("explain.takes", words.Data{"Takes": words.Said(e.Takes)})))
	}
	box.Add(look.Rows(0, look.Space(0, 6), look.Indented(buttons)))
	return box
}
