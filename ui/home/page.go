//go:build !darwin || cgo

package home

import (
	"reflect"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/trial"
	"traymail/ui/words"
)

var levels = map[Mood]look.Level{Fine: look.OK, Busy: look.Working, Resting: look.Paused, Needed: look.Attention, Broken: look.Error}

// A Page is the page Home. All of it belongs to the window's goroutine.
type Page struct {
	*presenter
	kit     *look.Kit
	content fyne.CanvasObject
	scroll  *look.Scroll
	state   State

	test, pause, resume *look.Button
	trial               *trial.Strip

	whole         *look.Card
	banner        *look.Banner
	cure          *look.Button // what the headline offers
	said, fix     *look.Entry
	where         *widget.Label
	problem       *look.Card
	problemSaid   *look.Entry
	reread        *look.Button
	trouble       *look.Card
	troubleWhat   *widget.Label
	troubleSaid   *look.Entry
	troubleFix    *look.Entry
	cards         *fyne.Container
	byAccount     map[string]*accountCard
	empty, filled *fyne.Container
	emptyDo       *look.Button
	plot          *plotCard

	coming bool           // it was opened, and nothing could have the focus yet
	met    fyne.Focusable // what had the focus then
}

// New returns the page. d is the window's desk, p the program, and f the frame
// around the page.
func New(d *desk.Desk, p interface {
	Program
	trial.Program
}, f look.Frame) *Page {
	v := pageOf(newPresenter(d, p, f.Open, nil), f, trial.New(d, p))
	v.draw(State{Headline: headline(desk.Status{}, delivery{}, time.Time{})})
	return v
}

// Anew makes the page in the language in use now, with what it says and what is
// under way; v is not used any more.
func (v *Page) Anew(f look.Frame) *Page {
	n := pageOf(v.presenter, f, v.trial.Trial)
	n.presenter.draw()
	return n
}

func pageOf(p *presenter, f look.Frame, t *trial.Trial) *Page {
	v := &Page{presenter: p, byAccount: map[string]*accountCard{}}
	v.kit = f.Kit(v.Escape)
	p.show = v.draw
	v.build(t)
	return v
}

// Content is the page, as the window shows it.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// Show begins to keep the page up to date. The focus is at what cures what is
// wrong or, when all is well, at the test email.
func (v *Page) Show(at desk.Place) {
	v.presenter.Show()
	if at.Do == desk.DoTest && at.Account != "" {
		v.send(at.Account)
		return
	}
	v.coming, v.met = true, v.kit.Canvas.Focused()
	v.arrive()
}

// Hide ends keeping it up to date.
func (v *Page) Hide() {
	v.coming = false
	v.presenter.Hide()
}

// arrive sets the focus once there is something to have it, unless the person
// was faster.
func (v *Page) arrive() {
	to := v.first()
	if !v.coming || to == nil {
		return
	}
	v.coming = false
	v.kit.Canvas.Focus(to)
}

// first is where the first key belongs.
func (v *Page) first() fyne.Focusable {
	switch {
	case v.state.Empty:
		return v.emptyDo
	case v.state.Paused && !v.resume.Disabled():
		return v.resume
	case v.cure.Visible():
		return v.cure
	}
	for _, c := range v.state.Cards {
		if c.Mood == Needed && len(c.Cures) > 0 {
			return v.byAccount[c.Account].cures[0]
		}
	}
	if !v.test.Visible() || v.test.Disabled() {
		return nil
	}
	return v.test
}

// Escape gives up a test email that is under way, and puts away what was said.
func (v *Page) Escape() {
	switch {
	case v.trial.State().Stage == trial.Busy:
		v.trial.Cancel()
	case v.trial.State().Stage != trial.None:
		v.trial.Close()
	case v.state.Trouble != nil:
		v.CloseTrouble()
	}
}

func (v *Page) build(t *trial.Trial) {
	k := v.kit
	v.test = k.Button(words.Say("home.do_test"), v.chooseTest)
	v.test.Importance = widget.HighImportance
	v.pause = k.Button(words.Say("home.pause"), v.choosePause)
	v.resume = k.Button(words.Say("home.resume"), func() { v.Resume("") })
	v.scroll = k.Scrolled(func() fyne.CanvasObject {
		v.trial = trial.NewStrip(k, t, func(account string) { v.Cure(CureCheck, account) }, v.settle)
		v.cards = look.Rows(12)
		v.emptyDo = k.Button(words.Say("home.do_setup"), func() { v.Cure(CureSetup, "") })
		v.emptyDo.Importance = widget.HighImportance
		v.empty = container.NewStack(look.Surface(look.Rows(0, look.Space(0, 40),
			look.Empty(words.Say("home.empty"), words.Say("home.empty_then"), v.emptyDo), look.Space(0, 48))))
		v.plot = newPlotCard(k, v.ChooseSpan)
		v.filled = look.Rows(12, v.cards, v.plot.Card)
		return container.New(gutter{}, look.Rows(12, v.troubleCard(), v.trial.Card, v.wholeCard(), v.problemCard(), v.empty, v.filled, look.Space(0, 8)))
	})
	v.content = look.Page(words.Say("home.title"), v.scroll.Scroll, v.pause, v.resume, v.test)
}

// beneath puts an object below a text that stands behind a sign of a width.
func beneath(sign float32, o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, sign, 0), o)
}

// gutter keeps the scroll bar, and rings around what is focused, off the cards.
type gutter struct{}

func (gutter) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Move(fyne.NewPos(4, 4))
	o[0].Resize(fyne.NewSize(s.Width-4-8, s.Height-4))
}

func (gutter) MinSize(o []fyne.CanvasObject) fyne.Size { return o[0].MinSize().AddWidthHeight(12, 4) }

// wholeCard is the sentence for the whole.
func (v *Page) wholeCard() fyne.CanvasObject {
	v.banner, v.said, v.fix, v.where = look.NewBanner(), v.kit.ReadOnly(), v.kit.ReadOnly(), look.Small("")
	v.cure = v.kit.Button("", func() { v.act(v.state.Headline.DoneBy, v.state.Headline.Account) })
	v.cure.Importance = widget.HighImportance
	v.cure.Hide()
	v.whole = look.Surface(look.Rows(0, container.NewBorder(nil, nil, nil, container.NewVBox(v.cure), v.banner.Container), beneath(32, look.Quiet(look.Rows(0, v.said, v.fix))), beneath(32, v.where)))
	return v.whole
}

func (v *Page) problemCard() fyne.CanvasObject {
	banner := look.NewBanner()
	banner.Tell(look.Headline{Level: look.Attention, What: words.Say("home.problem"), Then: words.Say("home.problem_then")})
	v.problemSaid = v.kit.ReadOnly()
	v.reread = v.kit.Button(words.Say("home.do_settings"), func() { v.Cure(CureSettings, "") })
	v.problem = look.Surface(look.Rows(4, container.NewBorder(nil, nil, nil, container.NewVBox(v.reread), banner.Container), beneath(32, look.Quiet(v.problemSaid))))
	return v.problem
}

func (v *Page) troubleCard() fyne.CanvasObject {
	v.troubleWhat, v.troubleSaid, v.troubleFix = look.Strong(""), v.kit.ReadOnly(), v.kit.ReadOnly()
	shape := widget.NewIcon(nil)
	look.SetSign(shape, v.troubleWhat, look.Error)
	remove := v.kit.Button(words.Say("home.close"), v.CloseTrouble)
	v.trouble = look.Surface(look.Rows(4, container.NewBorder(nil, nil, container.NewVBox(look.Space(0, 4), look.Sized(20, shape)), container.NewVBox(remove), v.troubleWhat),
		beneath(24, look.Quiet(look.Rows(0, v.troubleSaid, v.troubleFix)))))
	return v.trouble
}

// chooseTest sends the test email of the only account, or asks of which.
func (v *Page) chooseTest() {
	names := v.Accounts()
	if len(names) == 1 {
		v.send(names[0])
		return
	}
	var items []look.Item
	for _, name := range names {
		items = append(items, look.Item{Text: name, Do: func() { v.send(name) }})
	}
	look.Menu(v.kit.Canvas, v.test, items)
}

func (v *Page) send(account string) {
	v.trial.Send(account)
	v.scroll.ScrollToTop()
	v.kit.Canvas.Focus(v.trial.Focus())
}

// settle puts things in their places after the strip of the test email changed,
// and moves the focus off what is gone.
func (v *Page) settle() {
	if v.content == nil {
		return
	}
	v.scroll.Arrange()
	switch {
	case !v.trial.Lost(v.kit.Canvas.Focused()):
	case v.trial.State().Stage == trial.None:
		v.kit.Canvas.Focus(v.first())
	default:
		v.kit.Canvas.Focus(v.trial.Focus())
	}
}

func (v *Page) choosePause() {
	pause := func(d time.Duration) func() { return func() { v.Pause(d) } }
	look.Menu(v.kit.Canvas, v.pause, []look.Item{
		{Text: words.Say("home.pause_15"), Do: pause(15 * time.Minute)},
		{Text: words.Say("home.pause_60"), Do: pause(time.Hour)},
		{Text: words.Say("home.pause_open"), Do: pause(0)},
	})
}

// draw shows a state.
func (v *Page) draw(s State) {
	if reflect.DeepEqual(s, v.state) {
		return
	}
	v.state = s
	acts := s.Usable && !s.Empty
	look.Show(v.pause, !s.Paused && !s.Empty)
	look.Show(v.resume, s.Paused)
	look.Show(v.test, !s.Empty)
	look.Enable(v.pause, acts && !s.Asking)
	look.Enable(v.resume, acts && !s.Asking)
	look.Enable(v.test, acts && len(s.Cards) > 0)
	v.banner.Tell(look.Headline{Level: levels[s.Headline.Mood], What: s.Headline.What, Then: s.Headline.Then})
	look.Show(v.cure, s.Headline.DoneBy != "")
	if s.Headline.DoneBy != "" {
		if text := words.Say("home.do_" + s.Headline.DoneBy); v.cure.Text != text {
			v.cure.SetText(text)
		}
	}
	first := widget.HighImportance
	if s.Headline.DoneBy != "" {
		first = widget.MediumImportance // that comes first
	}
	if v.test.Importance != first {
		v.test.Importance = first
		v.test.Refresh()
	}
	look.SetCode(v.said, s.Headline.Said)
	look.SetCode(v.fix, s.Headline.Fix)
	look.SetText(v.where, s.Where)
	look.SetCode(v.problemSaid, s.Problem)
	look.Show(v.problem, s.Problem != "")
	look.Enable(v.reread, s.Usable && !s.Asking)
	look.Show(v.trouble, s.Trouble != nil)
	if s.Trouble != nil {
		look.SetLabel(v.troubleWhat, s.Trouble.What)
		look.SetCode(v.troubleSaid, s.Trouble.Said)
		look.SetCode(v.troubleFix, s.Trouble.Fix)
	}
	look.Show(v.whole, !s.Empty)
	look.Show(v.empty, s.Empty)
	look.Show(v.filled, !s.Empty && len(s.Cards) > 0)
	v.drawCards(s)
	v.plot.draw(s.Plot)
	look.Show(v.plot.Card, s.Usable || len(s.Plot.Bars) > 0)
	v.settle()
	if f := v.kit.Canvas.Focused(); f == nil || f == v.met {
		v.arrive()
	} else if f == v.cure && !v.cure.Visible() {
		v.kit.Canvas.Focus(v.first()) // it is cured
	}
}

func (v *Page) drawCards(s State) {
	var order []fyne.CanvasObject
	there := map[string]bool{}
	for _, c := range s.Cards {
		card := v.byAccount[c.Account]
		if card == nil {
			v.kit.Within(v.scroll, func() { card = newAccountCard(v.kit, v.act) })
			v.byAccount[c.Account] = card
		}
		v.kit.Within(v.scroll, func() { card.draw(c, len(s.Cards) == 1, s.Usable, s.Asking) })
		there[c.Account] = true
		order = append(order, card.Card)
	}
	for name := range v.byAccount {
		if !there[name] {
			delete(v.byAccount, name)
		}
	}
	if !slices.Equal(order, v.cards.Objects) {
		v.cards.Objects = order
		v.cards.Refresh()
	}
}

// act does what a button of a card says.
func (v *Page) act(cure, account string) {
	if cure == CureTest {
		v.send(account)
		return
	}
	v.Cure(cure, account)
}
