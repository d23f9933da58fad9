//go:build !darwin || cgo

package messages

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Page is one of the two pages. It belongs to the window's goroutine.
type Page struct {
	p     *presenter
	frame look.Frame
	kit   *look.Kit

	content fyne.CanvasObject
	actions map[mailer.Change]*look.Button
	search  *look.Entry
	state   *look.Select
	account *look.Select
	clear   *look.Button
	count   *countLabel
	failed  *notice
	job     *notice
	news    *news
	list    *list
	card    *look.Card
	empty   *fyne.Container // takes the list's place
	pane    *pane

	fields, top, beside, body *fyne.Container

	stops    []stop // those that come and go
	shape    shape
	accounts []string // to choose from
	emptyOf  *Query   // that empty speaks of
	version  int
	drawing  bool // what the fields tell is not from the person
	visible  bool
	ticking  func()

	choose func(name string, chosen func(Target, error))
}

// New makes the page of a kind.
func New(d *desk.Desk, p Program, f look.Frame, k Kind) *Page {
	return pageOf(newPresenter(k, d, p, hooks{}), f)
}

// Anew makes the page in the language in use now. What is searched for and what
// is under way goes on in it; v is not used any more.
func (v *Page) Anew(f look.Frame) *Page { return pageOf(v.p, f) }

func pageOf(p *presenter, f look.Frame) *Page {
	v := &Page{p: p, frame: f, actions: map[mailer.Change]*look.Button{}, version: -1}
	p.hooks = hooks{v.draw, v.moved, v.ask}
	v.kit = f.Kit(v.Escape)
	v.choose = v.dialog
	v.content = v.build()
	return v
}

// Content is the page; it is the same at each call.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// find is the key that leads to the search, on every system with its own modifier.
var find = &desktop.CustomShortcut{KeyName: fyne.KeyF, Modifier: fyne.KeyModifierShortcutDefault}

// Show is told that the page is in sight, at a place: of an account, or with the
// details of a message.
func (v *Page) Show(at desk.Place) {
	v.visible = true
	v.frame.Window.Canvas().AddShortcut(find, func(fyne.Shortcut) { v.frame.Window.Canvas().Focus(v.search) })
	if v.ticking == nil {
		v.ticking = v.p.desk.Every(30*time.Second, func() { v.draw(v.p.state) }) // "2 min ago" becomes 3
	}
	v.p.appear(at)
	v.draw(v.p.state)
	v.home()
}

// home puts the focus where the next key belongs.
func (v *Page) home() {
	if v.card.Visible() {
		v.frame.Window.Canvas().Focus(v.list)
	} else {
		v.frame.Window.Canvas().Focus(v.search)
	}
}

// Hide is told that another page is in sight.
func (v *Page) Hide() {
	v.visible = false
	v.frame.Window.Canvas().RemoveShortcut(find)
	if v.ticking != nil {
		v.ticking()
		v.ticking = nil
	}
	v.p.vanish()
}

// Status is told what the program is doing.
func (v *Page) Status(s desk.Status) { v.p.status(s) }

// Escape closes the details, else shows all messages again, else does nothing.
func (v *Page) Escape() {
	if v.p.leave() {
		v.home()
		return
	}
	v.p.clear()
}

func (v *Page) build() fyne.CanvasObject {
	var actions []fyne.CanvasObject
	for _, what := range []mailer.Change{mailer.Release, mailer.Retry, mailer.Hold, export} {
		if v.p.kind == History && what != export {
			continue
		}
		do := func() { v.p.all(what) }
		if what == export {
			do = v.export
		}
		b := v.kit.Button(words.Say("messages.all_"+string(what)), do)
		v.actions[what] = b
		actions = append(actions, b)
	}
	v.failed = newNotice(v.kit, v.p.again)
	v.job = newNotice(v.kit, func() {
		if v.p.state.Job != nil {
			v.p.stop()
		} else {
			v.p.dismiss()
		}
	})
	v.news = newNews(v.kit, v.p.again)

	v.list = newList()
	v.list.rowAt, v.list.see, v.list.move, v.list.enter = v.p.row, v.p.see, v.p.move, v.p.enter
	v.list.escape, v.list.copy, v.list.canvas = v.Escape, v.frame.Copy, v.kit.Canvas
	v.list.now = func() time.Time { return v.p.now() }
	v.card = look.Surface(container.New(layout.NewCustomPaddedLayout(0, -8, 8, 0), v.list))
	v.empty = container.NewStack()
	v.pane = newPane(v.kit, v.frame, v.list.now, v.p.change, v.Escape)

	v.pane.content.Hide()
	v.fields = v.filters()
	v.top = look.Rows(4, v.fields, v.failed.box, v.job.box, v.news.box, look.Space(0, 2))
	v.beside = container.New(besideLayout{gap: 12}, container.NewStack(v.card, v.empty), v.pane.content)
	v.stops = []stop{{v.account, v.account}, {v.clear, v.clear}, {v.job.button, v.job.box}, {v.job.said, v.job.box}, {v.failed.button, v.failed.box},
		{v.failed.said, v.failed.box}, {v.news.show, v.news.box}, {v.list, v.card}}
	for _, b := range v.actions {
		v.stops = append(v.stops, stop{b, b})
	}
	v.body = container.New(layout.NewBorderLayout(v.top, nil, nil, nil), v.top, v.beside)
	return look.Page(words.Say("messages.page_"+string(v.p.kind)), v.body, actions...)
}

func (v *Page) filters() *fyne.Container {
	v.search = v.kit.Entry()
	v.search.SetPlaceHolder(words.Say("messages.search", words.Data{"Key": look.Shortcut("F")}))
	v.search.OnChanged = func(text string) {
		if !v.drawing {
			v.p.search(text)
		}
	}
	v.search.OnSubmitted = func(string) { v.frame.Window.Canvas().Focus(v.list) }
	states := []string{words.Say("messages.any_state")}
	for _, s := range v.p.kind.States() {
		states = append(states, stateWord(s, false, 0))
	}
	widest := float32(0)
	for _, s := range states {
		widest = max(widest, look.Widest(s))
	}
	v.state = v.kit.Select(states, func(i int) { v.p.narrow(v.stateAt(i), v.p.state.Query.Account) })
	v.account = v.kit.Select([]string{words.Say("messages.any_account")}, func(i int) { v.p.narrow(v.p.state.Query.State, v.accountAt(i)) })
	v.clear = v.kit.Button(words.Say("messages.clear"), func() {
		v.p.clear()
		v.frame.Window.Canvas().Focus(v.search)
	})
	v.count = newCountLabel()
	anyAccount := look.Widest(words.Say("messages.any_account"))
	return container.New(filterLayout{gap: 8, account: anyAccount + selectRoom}, v.search, container.New(look.Column{Width: widest + selectRoom}, v.state), v.account, v.clear, v.count)
}

// selectRoom is what a choice needs beside its text.
const selectRoom = 48

func (v *Page) stateAt(i int) mailer.State {
	if i <= 0 {
		return ""
	}
	return v.p.kind.States()[i-1]
}

func (v *Page) accountAt(i int) string {
	if i <= 0 {
		return ""
	}
	return v.accounts[i-1]
}

// moved keeps the rows in sight where they are, when others above them came or
// went.
func (v *Page) moved(by int) { v.list.scrollTo(v.list.scroll.Offset.Y + float32(by)*rowHeight) }
