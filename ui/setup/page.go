//go:build !darwin || cgo

package setup

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A Step is one of the steps that are given to the page. Its methods are called
// on the window's goroutine. It may have methods more: Ready() bool, which says
// whether everything in it is done, and is asked every second; Begin(), called
// after Show to begin what the step is there for; Resume(), called in its place when
// the server took a test email already, and Accepted() bool, whether it took one;
// Test(), called in its place when a place wants the test email sent;
// Outdated(account), told that the account has another secret; Escape(); and
// Forget(), called when the setup is ended.
type Step interface {
	Content() fyne.CanvasObject
	// Show is called when the person comes to the step, with the account's name.
	Show(account string)
	// Hide is called when the person leaves it, or the page.
	Hide()
	Status(s desk.Status)
}

// A Page is the setup of an account, step by step.
type Page struct {
	p     *presenter
	desk  *desk.Desk
	frame look.Frame
	kit   *look.Kit
	hosts map[string]Step // the steps that are given

	content fyne.CanvasObject
	list    map[string]*stepItem
	parts   map[string]fyne.CanvasObject
	rows    map[Field]*row
	made    []*row // of the part that is being made

	method       methodPart
	addresses    addressesPart
	registration registrationPart
	signIn       signInPart

	startOver *look.Button
	waiting   *fyne.Container // another setup is unfinished
	waitText  *widget.Label
	trouble   *fyne.Container // of opening or saving
	troubled  *look.Banner
	fix       *look.Entry
	foot      *widget.Label
	footSign  *widget.Icon
	back      *look.Button
	onward    *look.Button // goes on without what the step is there for
	primary   *look.Button

	drawing bool  // what changes now was not typed
	seen    bool  // the page is open
	last    State // what is drawn
	showing string
	of      string // the account that a given step was shown for
	ready   bool
	poll    context.CancelFunc
}

// New returns the page. checks and done are its last two steps.
func New(d *desk.Desk, p Program, f look.Frame, checks, done Step) *Page {
	return pageOf(newPresenter(p, d, f.Follow, nil), f, checks, done)
}

// Anew makes the page in the language in use now, where the setup is and with what
// is under way; p is not used any more.
func (p *Page) Anew(f look.Frame, checks, done Step) *Page {
	for _, field := range p.p.state.Fields(p.p.state.Step()) {
		if _, is := p.p.state.Typed[field]; is {
			p.p.remark(field)
		}
	}
	page := pageOf(p.p, f, checks, done)
	page.last = p.p.state
	return page
}

func pageOf(p *presenter, f look.Frame, checks, done Step) *Page {
	page := &Page{p: p, desk: p.desk, frame: f, hosts: map[string]Step{setup.StepChecks: checks, setup.StepDone: done}, rows: map[Field]*row{},
		list: map[string]*stepItem{}, poll: func() {}}
	p.show = page.show
	p.renewed = func(account string) {
		if found, ok := checks.(interface{ Outdated(account string) }); ok {
			found.Outdated(account)
		}
	}
	page.kit = f.Kit(page.Escape)
	page.content = page.build()
	return page
}

// Content returns what is to be seen.
func (p *Page) Content() fyne.CanvasObject { return p.content }

// Guide returns the ID of the guide that the person follows, "" for none.
func (p *Page) Guide() string { return p.last.Draft.Guide }

// Client returns the name of the client that was made for the tool, "" for none.
func (p *Page) Client() string { return p.last.Draft.Client }

// FirstSignIn is the account that the open page sets up and that nobody has signed in
// to yet, "" for none.
func (p *Page) FirstSignIn() string {
	s := p.p.state
	if !p.seen || !s.Stored || p.p.visits || !s.SignsIn() || s.Draft.SignedIn != "" || s.Secrets.SignedIn {
		return ""
	}
	return s.Draft.Account.Name
}

// Made is told of a client that was made for the tool that sends through an
// account.
func (p *Page) Made(account, client string) { p.p.made(account, client) }

// Show opens the page: where the setup was left, or at the account of a place.
// What the place has to be begun is begun.
func (p *Page) Show(at desk.Place) {
	p.seen = true
	p.showing = ""
	p.p.open(at)
}

// Hide is told when the page is left. What was typed is kept at once; a sign-in
// goes on.
func (p *Page) Hide() {
	p.seen = false
	p.poll()
	if host := p.hosts[p.showing]; host != nil {
		p.noteTest(p.showing)
		host.Hide()
	}
	p.showing = ""
	p.p.leave()
}

// Status takes a new status.
func (p *Page) Status(s desk.Status) {
	p.p.status(s)
	for _, host := range p.hosts {
		host.Status(s)
	}
}

// Escape gives up what is under way, of a given step too where that has a method
// Escape; when there is nothing, it does nothing.
func (p *Page) Escape() {
	p.p.stop()
	if host, ok := p.hosts[p.showing].(interface{ Escape() }); ok {
		host.Escape()
	}
}

func (p *Page) build() fyne.CanvasObject {
	p.parts = map[string]fyne.CanvasObject{
		setup.StepMethod:       p.buildMethod(),
		setup.StepAddresses:    p.buildAddresses(),
		setup.StepRegistration: p.buildRegistration(),
		setup.StepSignIn:       p.buildSignIn(),
	}
	for step, host := range p.hosts {
		p.parts[step] = host.Content()
	}
	stack := container.NewStack()
	for _, step := range setup.Order() {
		p.parts[step].Hide()
		stack.Add(p.parts[step])
	}
	p.startOver = p.kit.Button(words.Say("setup.start_over"), p.askStartOver)
	foot := p.buildFoot()
	head := p.buildHead()
	list := p.buildList()
	side := container.New(layout.NewCustomPaddedLayout(0, 0, 0, 12), container.New(wide{208}, container.NewVBox(list)))
	middle := container.New(layout.NewBorderLayout(head, foot, nil, nil), head, stack, foot)
	body := container.New(layout.NewBorderLayout(nil, nil, side, nil), side, middle)
	return look.Page(words.Say("setup.title"), body, p.startOver)
}

// scrolled makes a part of the page that scrolls, with the fields in it.
func (p *Page) scrolled(build func() fyne.CanvasObject) *look.Scroll {
	p.made = nil
	s := p.kit.Scrolled(build)
	for _, r := range p.made {
		r.sight = s
	}
	return s
}

// buildList makes the list of the steps.
func (p *Page) buildList() *fyne.Container {
	list := look.Rows(2)
	for i, step := range setup.Order() {
		p.list[step] = newStepItem("", func() { p.p.goTo(step) }, p.Escape, func(by int) {
			all := setup.Order()
			for at := i + by; at >= 0 && at < len(all); at += by {
				if to := p.list[all[at]]; !to.Disabled() {
					p.frame.Window.Canvas().Focus(to)
					return
				}
			}
		})
		list.Add(p.list[step])
	}
	return list
}

// buildHead makes what stands above every step when there is something to say.
func (p *Page) buildHead() fyne.CanvasObject {
	p.waitText = look.Text("")
	resume := p.kit.Button(words.Say("setup.continue_other"), p.p.restore)
	p.waiting = container.New(layout.NewCustomPaddedLayout(0, 8, 0, 0), look.Surface(container.NewBorder(nil, nil, nil, container.NewCenter(resume), p.waitText)))
	p.troubled = look.NewBanner()
	p.fix = p.kit.ReadOnly()
	p.trouble = container.New(layout.NewCustomPaddedLayout(0, 8, 0, 0), look.Surface(look.Rows(0, p.troubled.Container, look.Indented(p.fix))))
	p.waiting.Hide()
	p.trouble.Hide()
	return container.NewVBox(p.waiting, p.trouble)
}

// buildFoot makes Back, Next and what stands beside them.
func (p *Page) buildFoot() fyne.CanvasObject {
	p.foot, p.footSign = look.Caption(widget.LowImportance), widget.NewIcon(nil)
	p.back = p.kit.Button(words.Say("setup.back"), p.p.back)
	p.onward = p.kit.Button(words.Say("setup.onward"), p.p.next)
	p.primary = p.kit.Button(words.Say("setup.next"), p.press)
	buttons := look.Row(p.back, p.onward, p.primary)
	said := container.NewBorder(nil, nil, container.NewCenter(look.Sized(16, p.footSign)), nil, p.foot)
	// Not NewBorder, which would put the buttons first in the order of Tab.
	line := container.New(layout.NewBorderLayout(nil, nil, nil, buttons), said, buttons)
	return container.New(layout.NewCustomPaddedLayout(12, 4, 0, 4), line)
}

// press does what the step's primary button does.
func (p *Page) press() {
	switch {
	case p.last.Step() == setup.StepDone:
		if forgets, ok := p.hosts[setup.StepDone].(interface{ Forget() }); ok {
			forgets.Forget()
		}
		p.p.finish()
		p.frame.Open(desk.Place{Page: desk.Home})
	case p.last.Step() == setup.StepSignIn && !p.last.Proven():
		p.p.proceed()
	default:
		p.p.next()
	}
}

// submit is Enter in a field: on to the next that is empty, or to the next step.
func (p *Page) submit(f Field) {
	optional := []Field{setup.ObjectID, setup.SecretExpires, setup.SMTPScope}
	here := p.last.Fields(p.last.Step())
	for _, next := range here[slices.Index(here, f)+1:] {
		r := p.rows[next]
		if r.entry == nil || r.entry.Text != "" || slices.Contains(optional, next) || next == setup.Secret && p.last.HasSecret() {
			continue
		}
		p.frame.Window.Canvas().Focus(r.entry)
		return
	}
	p.p.next()
}

func (p *Page) askStartOver() {
	s := p.last
	then := words.Say("setup.start_over_then")
	if s.Stored {
		then = words.Say("setup.start_over_stored", words.Data{"Account": s.Draft.Account.Name})
	}
	look.Ask(p.frame.Window.Canvas(), look.Question{What: words.Say("setup.start_over_what"), Then: then,
		Do: words.Say("setup.start_over_do"), Keep: words.Say("setup.start_over_keep")}, p.p.startOver)
}

// watch looks at the step that is shown, second by second: whether it is ready.
func (p *Page) watch(step string) {
	p.poll()
	p.poll = func() {}
	readiness, ok := p.hosts[step].(interface{ Ready() bool })
	if p.ready = !ok || readiness.Ready(); !ok {
		return
	}
	p.poll = p.desk.Every(time.Second, func() {
		p.noteTest(step)
		if is := readiness.Ready(); is != p.ready {
			p.ready = is
			p.renderFoot(p.last)
			if _, typing := p.frame.Window.Canvas().Focused().(*look.Entry); is && !typing && step == setup.StepChecks {
				p.frame.Window.Canvas().Focus(p.primary) // not what the step did a moment ago
			}
		}
	})
}

// noteTest notes that the server took a test email, so that a setup that goes on
// later sends no other.
func (p *Page) noteTest(step string) {
	if tests, ok := p.hosts[step].(interface{ Accepted() bool }); ok && tests.Accepted() {
		p.p.tested(p.of)
	}
}

// wide gives its object a width.
type wide struct{ width float32 }

func (w wide) Layout(objects []fyne.CanvasObject, s fyne.Size) { objects[0].Resize(s) }

func (w wide) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(w.width, objects[0].MinSize().Height)
}
