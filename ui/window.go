//go:build !darwin || cgo

package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A page is one of the window's pages. All of it runs on the window's goroutine.
type page interface {
	// Content is what is seen of it, made once.
	Content() fyne.CanvasObject
	// Show is called each time it is opened, with the place that is wanted.
	Show(at desk.Place)
	// Hide is called when another one is opened.
	Hide()
	// Status is called whenever there is a new one, seen or not.
	Status(s desk.Status)
	// Escape does what that key does, if it does anything here.
	Escape()
}

// A window is the frame of the pages on the screen.
type window struct {
	fyne.Window
	desk    *desk.Desk // the window's, as long as it is open
	build   func(d *desk.Desk, f look.Frame) map[desk.Page]page
	follow  func(address string)
	copy    func(string)
	notify  func(title, say string)
	do      func(func())
	played  *Rehearsal        // nil: it is the real thing
	changed func(desk.Status) // for the tray; nil for none
	// calmed is a status without what a person is about to do just now; nil for the
	// status as it is.
	calmed func(desk.Status) desk.Status

	pagesDesk *desk.Desk // of the pages
	pages     map[desk.Page]page
	place     desk.Place
	rail      *rail
	stack     *fyne.Container
	body      *fyne.Container // the stack below what is said above every page
	wrong     *fyne.Container // what keeps the program from working
	wrongText *look.Banner
	said      look.Headline // what keeps the program from working, as it is shown
	status    desk.Status
	asleep    bool // it is hidden
}

// rebuild makes all pages, at first and in another language, and opens the one
// that was open. What is under way goes on.
func (w *window) rebuild() {
	if w.pagesDesk != nil {
		w.pages[w.place.Page].Hide()
	} else {
		w.pagesDesk = desk.New(w.do)
	}
	frame := look.Frame{Window: w.Window, Copy: w.copy, Follow: w.follow, Open: w.open, Notify: w.notify}
	w.pages = w.build(w.pagesDesk, frame)
	w.SetContent(w.content())
	w.tellPages()
	w.open(w.place)
}

// content puts rail, notices and pages together.
func (w *window) content() fyne.CanvasObject {
	w.rail = newRail(func(p desk.Page) { w.open(desk.Place{Page: p}) }, w.escape)
	w.stack = container.NewStack()
	for _, p := range desk.Pages {
		content := w.pages[p].Content()
		content.Hide()
		w.stack.Add(content)
	}
	head := container.NewVBox()
	if w.played != nil {
		head.Add(w.played.banner(w.follow))
	}
	w.wrongText = look.NewBanner()
	w.wrong = container.New(layout.NewCustomPaddedLayout(0, 8, 0, 0), look.Surface(look.Indented(w.wrongText.Container)))
	w.wrong.Hide()
	w.said = look.Headline{}
	head.Add(w.wrong)
	w.body = container.New(layout.NewBorderLayout(head, nil, nil, nil), head, w.stack)
	inner := container.New(layout.NewCustomPaddedLayout(12, 16, 8, 16), w.body)
	tips, all := look.NewTips(container.New(beside{w.rail}, w.rail.object, inner))
	w.rail.tips = tips
	return all
}

// open shows a place.
func (w *window) open(at desk.Place) {
	if at.Page == "" {
		at.Page = desk.Home
	}
	if was := w.pages[w.place.Page]; was != nil && w.place.Page != at.Page {
		was.Hide()
	}
	another := w.place.Page != at.Page
	w.place = desk.Place{Page: at.Page, Account: at.Account}
	w.showWrong()
	w.rail.choose(at.Page)
	for i, p := range desk.Pages {
		look.Show(w.stack.Objects[i], p == at.Page)
	}
	if another || w.Canvas().Focused() == nil {
		// Until the page has something to focus, and where it never has: what had the
		// focus is not seen any more.
		w.Canvas().Focus(w.rail.items[at.Page])
	}
	w.rail.tips.Hide()
	w.pages[at.Page].Show(at)
}

// told passes a status on to everything that shows it.
func (w *window) told(s desk.Status) {
	w.status = s
	h := troubleOf(s, time.Now())
	if h != w.said {
		w.said = h
		if h.What != "" {
			w.wrongText.Tell(h)
		}
		w.showWrong()
		w.body.Refresh() // of another height
	}
	look.SetLabel(w.rail.foot, whereabouts(s))
	calm := s
	if w.calmed != nil {
		calm = w.calmed(s)
	}
	w.rail.badge(desk.Home, needsPerson(calm))
	w.rail.badge(desk.Queue, unknownOutcome(s))
	if !w.asleep {
		w.tellPages()
	}
	if w.changed != nil {
		w.changed(calm)
	}
}

// showWrong shows what keeps the program from working, but on the page Home, which
// says it itself, with what there is to do.
func (w *window) showWrong() {
	if is := w.said.What != "" && w.place.Page != desk.Home; is != w.wrong.Visible() {
		look.Show(w.wrong, is)
		w.body.Refresh() // the page makes room, or takes it back
	}
}

func (w *window) tellPages() {
	for _, p := range w.pages {
		p.Status(w.status)
	}
}

// sleep leaves the page that is open, because nobody sees it.
func (w *window) sleep() {
	w.asleep = true
	w.pages[w.place.Page].Hide()
}

// awake opens the page again, with what has happened meanwhile.
func (w *window) awake() {
	w.asleep = false
	w.tellPages()
	w.pages[w.place.Page].Show(w.place)
}

// shortcuts gives the window its keys: Control with the number of a page, or
// with E for the page that explains.
func (w *window) shortcuts() {
	keys := []fyne.KeyName{fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6, fyne.Key7, fyne.Key8, fyne.Key9}
	lead := func(key fyne.KeyName, to desk.Page) {
		w.Canvas().AddShortcut(&desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { w.open(desk.Place{Page: to}) })
	}
	for i, p := range desk.Pages {
		lead(keys[i], p)
	}
	lead(fyne.KeyE, desk.Explain)
	w.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape {
			w.escape()
		}
	})
}

// escape does what the key does on the page that is open.
func (w *window) escape() { w.pages[w.place.Page].Escape() }

// whereabouts says where the program runs.
func whereabouts(s desk.Status) string {
	switch {
	case !s.Known:
		return ""
	case s.Service:
		return words.Say("common.runs_elsewhere", words.Data{"PID": s.PID})
	case !s.Running:
		return words.Say("common.runs_not")
	}
	return words.Say("common.runs_here")
}
