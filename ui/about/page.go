//go:build !darwin || cgo

package about

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// pages are the documentation that people look for, by the key of its name.
var pages = []struct{ name, address string }{
	{"about.page_register", "https://learn.microsoft.com/entra/identity-platform/quickstart-register-app"},
	{"about.page_oauth", "https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth"},
	{"about.page_smtp_auth", "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission"},
}

// A Page is the page About. All of it belongs to the window's goroutine.
type Page struct {
	*presenter
	kit     *look.Kit
	content fyne.CanvasObject
	shown   State

	facts               [4]*look.Entry
	collect, save, stop *look.Button
	intro, working      *widget.Label
	result              *look.Banner
	resultSaid          *look.Entry
	documents           *fyne.Container
	scroll              *look.Scroll
	list                *fyne.Container
	lines               []*look.Choice
	listed              []mailer.Document // what lines are of
	readName            *widget.Label
	reader              *reader
}

// New returns the page. d is the window's desk, p the program, f the frame
// around the page, and files how it asks where to save.
func New(d *desk.Desk, p Program, f look.Frame, files desk.Files) *Page {
	return pageOf(newPresenter(d, p, files, nil), f)
}

// Anew makes the page in the language in use now, with what was collected, what is
// under way and what came of it; v is not used any more.
func (v *Page) Anew(f look.Frame) *Page { return pageOf(v.presenter, f) }

func pageOf(p *presenter, f look.Frame) *Page {
	v := &Page{presenter: p}
	v.kit = f.Kit(v.Escape)
	p.show = v.draw
	v.build(f)
	v.presenter.draw()
	return v
}

// Content is the page, as the window shows it.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// Show sets the focus where the next key belongs.
func (v *Page) Show(desk.Place) { v.kit.Canvas.Focus(v.first()) }

// Hide gives nothing up: what is collected or saved goes on.
func (v *Page) Hide() {}

// Escape gives up what is under way.
func (v *Page) Escape() { v.Cancel() }

func (v *Page) first() fyne.Focusable {
	switch v.shown.Stage {
	case Idle:
		return v.collect
	case Listed:
		return v.save
	}
	return v.stop
}

func (v *Page) build(f look.Frame) {
	// In a small window it scrolls; in others it fills what is there.
	whole := v.kit.Scrolled(func() fyne.CanvasObject {
		diagnostics := v.diagnosticsCard()
		// Not NewBorder, which would put what is on top last in the order of Tab.
		above := look.Rows(0, v.programCard(f), look.Space(0, 12))
		all := container.New(layout.NewBorderLayout(above, nil, nil, nil), above, diagnostics)
		return container.New(layout.NewCustomPaddedLayout(4, 4, 4, 12), all) // room for rings and the bar
	})
	v.content = look.Page(words.Say("about.title"), whole.Scroll)
}

func (v *Page) programCard(f look.Frame) fyne.CanvasObject {
	mark := look.Sized(40, widget.NewIcon(look.Icon("mark", theme.ColorNamePrimary)))
	claim, licence := look.Small(words.Say("about.claim")), look.Small(words.Say("about.licence"))
	head := container.NewBorder(nil, nil, container.NewHBox(look.Space(4, 0), mark), nil, look.Rows(-12, look.Strong("traymail"), claim))
	facts := container.NewGridWithColumns(2)
	for i, label := range []string{words.Say("about.version"), words.Say("about.runs"), words.Say("about.home"), words.Say("about.queue")} {
		v.facts[i] = v.kit.ReadOnly()
		facts.Add(look.Rows(-14, look.Small(label), look.Quiet(v.facts[i])))
	}
	links := look.Row()
	for _, p := range pages {
		links.Add(v.kit.Button(words.Say(p.name), func() { f.Follow(p.address) }))
	}
	return look.Surface(look.Rows(0, head, facts, container.NewBorder(nil, nil, nil, links, licence)))
}

func (v *Page) diagnosticsCard() fyne.CanvasObject {
	k := v.kit
	v.collect = k.Button(words.Say("about.collect"), v.Collect)
	v.save = k.Button(words.Say("about.save"), v.Save)
	v.save.Importance = widget.HighImportance
	v.stop = k.Button(words.Say("about.stop"), v.Cancel)
	v.intro, v.working = look.Text(words.Say("about.diagnostics_then")), look.Text("")
	v.result, v.resultSaid = look.NewBanner(), k.ReadOnly()
	title := look.Strong(words.Say("about.diagnostics"))
	head := look.Rows(0,
		container.NewBorder(nil, nil, nil, container.NewVBox(look.Row(v.stop, v.collect, v.save)), look.Rows(-8, title, v.intro, v.working)),
		v.result.Container, container.New(layout.NewCustomPaddedLayout(0, 0, 32, 0), look.Quiet(v.resultSaid)))
	v.scroll = k.Scrolled(func() fyne.CanvasObject {
		v.list = look.Rows(8)
		return container.New(layout.NewCustomPaddedLayout(4, 4, 4, 12), v.list) // room for rings and the bar
	})
	v.readName, v.reader = look.Small(""), newReader(v.Escape)
	v.readName.Wrapping, v.readName.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	copyText := k.CopyButton(words.Say("about.copy"), func() string { return string(v.shown.Documents[v.shown.Open].Content) })
	readHead := container.NewBorder(nil, nil, nil, copyText, v.readName)
	right := container.New(layout.NewBorderLayout(readHead, nil, nil, nil), readHead, v.reader)
	v.documents = container.NewStack(look.Space(0, 200), container.New(look.Columns{Gap: 12, Share: 0.42}, v.scroll.Scroll, right))
	return look.Surface(container.New(layout.NewBorderLayout(head, nil, nil, nil), head, v.documents))
}

// draw shows a state.
func (v *Page) draw(s State) {
	was := v.shown
	v.shown = s
	for i, text := range []string{words.Say("about.version_on", words.Data{"Version": s.Version, "System": s.System}), s.Runs, s.Home, s.Queue} {
		look.SetEntry(v.facts[i], text)
	}
	busy := s.Stage == Collecting || s.Stage == Saving
	look.Show(v.stop, busy)
	look.Show(v.collect, !busy)
	look.Show(v.save, s.Stage == Listed)
	collect := words.Say("about.collect")
	if s.Stage == Listed {
		collect = words.Say("about.collect_again")
	}
	if v.collect.Text != collect {
		v.collect.SetText(collect)
	}
	working := ""
	switch s.Stage {
	case Collecting:
		working = words.Say("about.collecting")
	case Saving:
		working = words.Say("about.saving")
	case Listed:
		working = words.Count("about.listed", len(s.Documents))
	}
	look.SetText(v.working, working)
	v.drawResult(s.Result)
	v.drawDocuments(s)
	if was.Stage != s.Stage && (v.kit.Canvas.Focused() == v.stop || v.kit.Canvas.Focused() == v.collect || v.kit.Canvas.Focused() == v.save) {
		v.kit.Canvas.Focus(v.first())
	}
}

func (v *Page) drawResult(r *Result) {
	look.Show(v.result.Container, r != nil)
	said := ""
	if r != nil {
		level := look.OK
		if r.Failed {
			level = look.Error
		}
		v.result.Tell(look.Headline{Level: level, What: r.What, Then: r.Fix})
		said = r.Said
	}
	look.SetCode(v.resultSaid, said)
}

func (v *Page) drawDocuments(s State) {
	look.Show(v.documents, len(s.Documents) > 0)
	if !slices.EqualFunc(s.Documents, v.listed, func(a, b mailer.Document) bool { return a.Name == b.Name && len(a.Content) == len(b.Content) }) {
		v.listed, v.lines, v.list.Objects = s.Documents, nil, nil
		v.kit.Within(v.scroll, func() {
			for i, d := range s.Documents {
				title := words.Say("about.document", words.Data{"Name": d.Name, "Size": words.Size(int64(len(d.Content)))})
				v.lines = append(v.lines, v.kit.Choice(title, words.Said(d.About), func() { v.Read(i) }))
				v.list.Add(v.lines[i])
			}
		})
		v.list.Refresh()
	}
	for i, l := range v.lines {
		l.Select(i == s.Open)
	}
	if s.Open >= 0 && s.Open < len(s.Documents) {
		look.SetLabel(v.readName, s.Documents[s.Open].Name)
		v.reader.SetText(string(s.Documents[s.Open].Content))
	}
}
