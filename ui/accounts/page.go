//go:build !darwin || cgo

package accounts

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

var levels = map[Mood]look.Level{Fine: look.OK, Resting: look.Paused, Needed: look.Attention, Broken: look.Error}

// A Step is a part of the window that is about one account, such as the checks.
type Step interface {
	Content() fyne.CanvasObject
	Show(account string)
	Begin()
	Hide()
	Status(desk.Status)
	// Outdated is told of an account that has another secret.
	Outdated(account string)
}

// A Page is the page Accounts. All of it belongs to the window's goroutine.
type Page struct {
	*presenter
	kit     *look.Kit
	frame   look.Frame
	checks  Step
	content fyne.CanvasObject
	state   State

	add, bring   *look.Button
	list         *fyne.Container
	listScroll   *look.Scroll
	rows         []Row
	choices      []*look.Choice
	empty, whole *fyne.Container

	settings        *fyne.Container // detail, and the bar below it
	detail          *look.Scroll
	checking        *fyne.Container
	checked         bool // the checks are shown
	head            *headCard
	notice, problem *noticeCard
	trial           *trial.Strip
	form            *form
	formBox         *fyne.Container
	applyBar        *look.Card
	changed         *widget.Label
	apply, discard  *look.Button

	coming bool   // the page was opened, and waits for the account to be read
	wanted string // what the place then begins
	blame  bool   // the focus goes to what is wrong
}

// New returns the page. d is the window's desk, p the program, f the frame around
// the page, files how it asks for files, and checks what shows the checks of an
// account.
func New(d *desk.Desk, p interface {
	Program
	trial.Program
}, f look.Frame, files desk.Files, checks Step) *Page {
	return pageOf(newPresenter(d, p, files, nil), trial.New(d, p), f, checks)
}

// Anew makes the page in the language in use now, with what was changed and not
// applied and what was said; v is not used any more.
func (v *Page) Anew(f look.Frame, checks Step) *Page {
	if len(v.wrong) > 0 {
		v.check()
	}
	return pageOf(v.presenter, v.trial.Trial, f, checks)
}

func pageOf(is *presenter, t *trial.Trial, f look.Frame, checks Step) *Page {
	v := &Page{presenter: is, frame: f, checks: checks}
	v.kit = f.Kit(v.Escape)
	is.show, is.renewed = v.draw, checks.Outdated
	v.build(t)
	v.presenter.draw()
	return v
}

// Content is the page, as the window shows it.
func (v *Page) Content() fyne.CanvasObject { return v.content }

// Show shows an account, or the one that was shown last, and begins what the
// place says.
func (v *Page) Show(at desk.Place) {
	if at.Do == desk.DoNew || at.Do == desk.DoSignIn {
		at.Page = desk.Setup
		v.frame.Open(at)
		return
	}
	v.coming, v.wanted = true, at.Do
	v.Open()
	if at.Account == "" || at.Account == v.chosen {
		v.Refresh()
		v.begin()
		return
	}
	v.change(at.Account)
	v.Refresh()
}

// Hide keeps what was changed, until the page is shown again.
func (v *Page) Hide() {
	v.coming, v.wanted = false, ""
	v.Close()
	if v.checked {
		v.checks.Hide()
	}
}

// Status takes a new status.
func (v *Page) Status(s desk.Status) {
	v.presenter.Status(s)
	v.checks.Status(s)
}

// Escape leaves the checks, or puts away what was said of the test email.
func (v *Page) Escape() {
	switch {
	case v.checked:
		v.showChecks(false)
	case v.trial.State().Stage == trial.Busy:
		v.trial.Cancel()
	case v.trial.State().Stage != trial.None:
		v.trial.Close()
	}
}

// change chooses another account; what was changed and not applied is asked for.
func (v *Page) change(name string) {
	choose := func() {
		v.showChecks(false)
		v.trial.Close()
		v.Choose(name)
	}
	if name == v.chosen && v.dirty() {
		v.showChecks(false) // it is there already, with what was changed
		return
	}
	v.unlessChanged(choose)
}

// bringIn imports an account, which is then the chosen one.
func (v *Page) bringIn() {
	v.unlessChanged(func() {
		v.showChecks(false)
		v.Import()
	})
}

// unlessChanged does what leaves the chosen account, and asks first when
// something was changed and not applied.
func (v *Page) unlessChanged(do func()) {
	if !v.dirty() {
		do()
		return
	}
	look.Ask(v.kit.Canvas, look.Question{
		What: words.Say("accounts.ask_discard", words.Data{"Account": v.chosen}), Then: words.Say("accounts.ask_discard_then"),
		Do: words.Say("accounts.discard"), Keep: words.Say("accounts.keep_editing"), Dangerous: true,
	}, do)
}

// begin does what the place asked for, once the account is there.
func (v *Page) begin() {
	if v.state.Stage == Loading || v.state.Stage == Nothing {
		v.focusList()
		return
	}
	wanted := v.wanted
	v.coming, v.wanted = false, ""
	switch {
	case wanted == desk.DoCheck:
		v.showChecks(true)
		v.checks.Begin()
	case wanted == desk.DoTest:
		v.send()
	case wanted == desk.DoSecret && v.state.Secret.Kind != NoSecret:
		v.showChecks(false)
		v.kit.Canvas.Focus(v.form.secret.focus())
	default:
		v.focusList()
	}
}

func (v *Page) focusList() {
	if v.state.Empty {
		v.kit.Canvas.Focus(v.add)
		return
	}
	for i, r := range v.rows {
		if r.Name == v.chosen || v.chosen == "" {
			v.kit.Canvas.Focus(v.choices[i])
			return
		}
	}
}

func (v *Page) build(t *trial.Trial) {
	k := v.kit
	v.add = k.Button(words.Say("accounts.add"), func() { v.frame.Open(desk.Place{Page: desk.Setup, Do: desk.DoNew}) })
	v.add.Importance = widget.HighImportance
	v.bring = k.Button(words.Say("accounts.import"), v.bringIn)
	v.listScroll = k.Scrolled(func() fyne.CanvasObject {
		v.list = look.Rows(8)
		return container.New(layout.NewCustomPaddedLayout(4, 4, 4, 12), v.list)
	})
	v.detail = k.Scrolled(func() fyne.CanvasObject {
		v.trial = trial.NewStrip(k, t, func(string) { v.showChecks(true) }, v.settle)
		v.head = v.newHead()
		v.notice, v.problem = v.newNotice(), v.newNotice()
		secret := newSecretInput(k, v.SetSecret, v.ChooseCertificate, v.MakeCertificate)
		v.form = newForm(k, v.Set, v.Browse, secret)
		v.formBox = look.Rows(0, v.form.content)
		return container.New(layout.NewCustomPaddedLayout(4, 8, 4, 12), look.Rows(12, v.head.card, v.trial.Card, v.notice.card, v.problem.card, v.formBox))
	})
	v.apply = k.Button(words.Say("accounts.apply"), func() {
		v.blame = true
		v.Apply()
	})
	v.apply.Importance = widget.HighImportance
	v.discard = k.Button(words.Say("accounts.discard"), v.Discard)
	v.changed = look.Text("")
	v.applyBar = look.Surface(container.New(layout.NewCustomPaddedLayout(2, -6, 0, 0), container.NewBorder(nil, nil, nil, look.Row(v.discard, v.apply), v.changed)))
	bar := container.New(layout.NewCustomPaddedLayout(8, 0, 4, 12), v.applyBar)
	back := k.Button(words.Say("accounts.back"), func() { v.showChecks(false) })
	backRow := container.New(layout.NewCustomPaddedLayout(4, 8, 4, 0), container.NewHBox(back))
	v.checking = container.New(layout.NewBorderLayout(backRow, nil, nil, nil), backRow, v.checks.Content())
	v.checking.Hide()
	v.settings = container.New(layout.NewBorderLayout(nil, bar, nil, nil), v.detail.Scroll, bar)
	v.whole = container.New(&sideLayout{}, v.listScroll.Scroll, container.NewStack(v.settings, v.checking))
	v.empty = container.NewStack(look.Surface(look.Empty(words.Say("accounts.empty"), words.Say("accounts.empty_then"))))
	v.content = look.Page(words.Say("accounts.title"), container.NewStack(v.whole, v.empty), v.bring, v.add)
}

// alarmHeight is the room for what is said below a field that is wrong.
const alarmHeight = 76

// sideLayout gives the list its width, and the rest to what is beside it.
type sideLayout struct{}

const listWidth = 284

func (sideLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(listWidth, s.Height))
	o[1].Move(fyne.NewPos(listWidth, 0))
	o[1].Resize(fyne.NewSize(s.Width-listWidth, s.Height))
}

func (sideLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(listWidth+o[1].MinSize().Width, max(o[0].MinSize().Height, o[1].MinSize().Height))
}

func (v *Page) send() {
	v.trial.Send(v.chosen)
	v.detail.ScrollToTop()
	v.kit.Canvas.Focus(v.trial.Focus())
}

func (v *Page) showChecks(on bool) {
	if on == v.checked || on && v.chosen == "" {
		return
	}
	v.checked = on
	look.Show(v.checking, on)
	look.Show(v.settings, !on)
	v.drawBar(v.state)
	if on {
		v.kit.Canvas.Unfocus() // what has it is not seen any more
		v.checks.Show(v.chosen)
		return
	}
	v.checks.Hide()
	v.kit.Canvas.Focus(v.head.check)
}

// settle puts things in their places after the strip of the test email changed.
func (v *Page) settle() {
	if v.content == nil {
		return
	}
	v.detail.Arrange()
	if v.trial.Lost(v.kit.Canvas.Focused()) {
		if v.trial.State().Stage == trial.None {
			v.kit.Canvas.Focus(v.head.test)
		} else {
			v.kit.Canvas.Focus(v.trial.Focus())
		}
	}
}

func (v *Page) choosePause() {
	pause := func(d time.Duration) func() { return func() { v.Pause(d) } }
	look.Menu(v.kit.Canvas, v.head.pause, []look.Item{
		{Text: words.Say("accounts.pause_15"), Do: pause(15 * time.Minute)},
		{Text: words.Say("accounts.pause_60"), Do: pause(time.Hour)},
		{Text: words.Say("accounts.pause_open"), Do: pause(0)},
	})
}

// askRemove asks before the account is removed. One with messages stays.
func (v *Page) askRemove() {
	named := words.Data{"Account": v.chosen}
	if n := v.state.Head.Waiting; n > 0 {
		look.Ask(v.kit.Canvas, look.Question{What: words.Count("accounts.ask_waiting", n, named), Then: words.Say("accounts.ask_waiting_then"),
			Do: words.Say("accounts.show_queue"), Keep: words.Say("accounts.keep", named)}, func() { v.frame.Open(desk.Place{Page: desk.Queue, Account: v.chosen}) })
		return
	}
	look.Ask(v.kit.Canvas, look.Question{What: words.Say("accounts.ask_remove", named), Then: words.Say("accounts.ask_remove_then"),
		Do: words.Say("accounts.remove_named", named), Keep: words.Say("accounts.keep", named), Dangerous: true}, v.Remove)
}

// draw shows a state.
func (v *Page) draw(s State) {
	if reflect.DeepEqual(s, v.state) && !v.blame {
		return
	}
	was := v.state
	v.state = s
	look.Show(v.empty, s.Empty)
	look.Show(v.whole, !s.Empty)
	look.Enable(v.bring, s.Usable && !s.Busy)
	v.drawRows(s)
	v.head.draw(s)
	v.notice.draw(s.Notice)
	v.problem.draw(s.Problem)
	look.Show(v.problem.again, s.Stage == Unreadable)
	editing := s.Stage == Editing || s.Stage == Applying
	look.Show(v.formBox, editing)
	var wrong fyne.Focusable
	if editing {
		wrong = v.form.draw(s, v.blame)
	}
	bar := v.applyBar.Visible()
	v.drawBar(s)
	if v.content != nil {
		v.settings.Layout.Layout(v.settings.Objects, v.settings.Size())
		v.detail.Arrange()
	}
	if at, is := v.form.has(v.kit.Canvas.Focused()); is && bar != v.applyBar.Visible() {
		v.detail.KeepInSight(at, 0) // which the bar must not cover
	}
	if s.Stage == Editing && v.blame {
		if v.blame = false; wrong != nil {
			v.kit.Canvas.Focus(wrong)
			v.detail.KeepInSight(wrong.(fyne.CanvasObject), alarmHeight)
		} else if s.Notice != nil {
			v.detail.ScrollToTop()
			v.kit.Canvas.Focus(v.notice.focus(v.head.check))
		}
	}
	if was.Stage == Loading && s.Stage != Loading && v.coming {
		v.begin()
	}
}

func (v *Page) drawBar(s State) {
	look.Show(v.applyBar, s.Changes > 0 && !v.checked)
	first := widget.HighImportance
	if s.Changes > 0 {
		first = widget.MediumImportance // applying them comes first
	}
	if v.add.Importance != first {
		v.add.Importance = first
		v.add.Refresh()
	}
	text := words.Count("accounts.changes", s.Changes)
	if s.Stage == Applying {
		text = words.Say("accounts.applying")
	}
	look.SetLabel(v.changed, text)
	look.Enable(v.apply, s.Stage == Editing && s.Usable)
	look.Enable(v.discard, s.Stage == Editing)
}

// drawRows makes the list anew when it says something else.
func (v *Page) drawRows(s State) {
	if !slices.Equal(s.Rows, v.rows) {
		focused := slices.IndexFunc(v.choices, func(c *look.Choice) bool { return v.kit.Canvas.Focused() == c })
		name := ""
		if focused >= 0 {
			name = v.rows[focused].Name
		}
		v.rows, v.choices, v.list.Objects = s.Rows, nil, nil
		v.kit.Within(v.listScroll, func() {
			for _, r := range s.Rows {
				c := v.kit.Option(rowContent(r), func() { v.change(r.Name) })
				v.choices = append(v.choices, c)
				v.list.Add(c)
			}
		})
		v.list.Refresh()
		if at := slices.IndexFunc(s.Rows, func(r Row) bool { return r.Name == name }); focused >= 0 && at >= 0 {
			v.kit.Canvas.Focus(v.choices[at])
		}
	}
	for i, c := range v.choices {
		c.Select(s.Rows[i].Name == s.Chosen)
	}
}

// rowContent is an account of the list: how it is doing, who sends, and how.
func rowContent(r Row) fyne.CanvasObject {
	name := look.Text(r.Name)
	name.TextStyle.Bold = true
	word, sign := look.Caption(widget.MediumImportance), widget.NewIcon(nil)
	word.Text = r.Word
	look.SetSign(sign, word, levels[r.Mood])
	lines := look.Rows(-16, name, look.Small(r.Address), look.Small(r.Way), word)
	return container.NewBorder(nil, nil, container.NewVBox(look.Space(0, 4), look.Sized(20, sign)), nil, lines)
}
