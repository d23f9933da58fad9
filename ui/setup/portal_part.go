//go:build !darwin || cgo

package setup

import (
	"reflect"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A portal is what to do at the provider, in order: each step with a tick, the
// page to open, and what is typed there.
type portal struct {
	page  *Page
	sight *look.Scroll
	title *widget.Label
	app   *fyne.Container // the app's steps
	more  *fyne.Container // the mailbox's, which are folded
	fold  *look.Button
	rest  *fyne.Container
	open  bool

	steps []setup.Step // that are drawn
	ticks map[string]*look.Check
}

func (p *Page) buildPortal() fyne.CanvasObject {
	w := &p.registration.portal
	w.page = p
	w.sight = p.kit.Scrolled(func() fyne.CanvasObject {
		w.title = look.Strong("")
		w.app, w.more = look.Rows(4), look.Rows(4)
		w.fold = p.kit.Button("", func() {
			w.open = !w.open
			w.folded()
		})
		w.rest = look.Rows(4, look.Text(words.Say("setup.portal_mailbox")), look.Indented(container.NewHBox(w.fold)), w.more)
		return inset(container.NewVBox(look.Surface(look.Rows(0, w.title, w.app, look.Space(0, 8), w.rest))))
	})
	w.folded()
	return w.sight.Scroll
}

func (w *portal) folded() {
	label := words.Say("setup.portal_unfold")
	if w.open {
		label = words.Say("setup.portal_fold")
	}
	w.fold.SetText(label)
	look.Show(w.more, w.open)
}

func (w *portal) tell(s State) {
	a := s.Draft.Account
	look.Show(w.sight.Scroll, a.Provider != account.Custom && (a.SignIn != account.PasswordSignIn || a.Provider == account.Google))
	if steps := stepsOf(a); !reflect.DeepEqual(steps, w.steps) {
		w.steps = steps
		w.rebuild(a.HasEntra())
	}
	title := words.Say("setup.portal_title")
	if !a.HasEntra() {
		title = words.Say("setup.portal_title_elsewhere")
	}
	look.SetLabel(w.title, title)
	for id, tick := range w.ticks {
		tick.Set(s.Draft.Ticks[id])
	}
}

// stepsOf are the steps with what is drawn of them alone.
func stepsOf(a account.Account) []setup.Step {
	all := setup.Steps(a)
	for i := range all {
		all[i].Help.Command, all[i].Help.Verify = "", ""
	}
	return all
}

// rebuild draws the steps anew. exchange says that those for the mailbox are for
// an administrator of Exchange.
func (w *portal) rebuild(exchange bool) {
	w.ticks = map[string]*look.Check{}
	w.app.RemoveAll()
	w.more.RemoveAll()
	w.page.kit.Within(w.sight, func() {
		for _, s := range w.steps {
			if s.Part == setup.AtRegistration || !exchange {
				w.app.Add(w.step(s))
			} else {
				w.more.Add(w.step(s))
			}
		}
	})
	look.Show(w.rest, len(w.more.Objects) > 0)
}

// step draws one: its tick and what to do, where, and what is copied for it.
func (w *portal) step(s setup.Step) fyne.CanvasObject {
	p := w.page
	tick := p.kit.Check("", func(done bool) { p.p.tickOff(s.ID, done) })
	w.ticks[s.ID] = tick
	what := look.Text(portalText(s))
	if s.Optional {
		what.Importance = widget.LowImportance
	}
	lines := look.Rows(-10, what)
	if where := portalWhere(s); where != "" {
		lines.Add(look.Small(where))
	}
	buttons := look.Flow()
	if s.Link != "" {
		buttons.Add(p.kit.Button(words.Say("setup.open_page"), func() { p.frame.Follow(s.Link) }))
	}
	for _, text := range s.Copy {
		label := words.Say("setup.copy_what", words.Data{"Text": text})
		if strings.Contains(text, "://") {
			label = words.Say("setup.copy_redirect_url")
		}
		buttons.Add(p.kit.CopyButton(label, func() string { return text }))
	}
	if s.Command != "" {
		buttons.Add(p.kit.CopyButton(words.Say("setup.copy_command"), func() string { return s.Command }))
	}
	below := look.Rows(2, lines)
	if len(buttons.Objects) > 0 {
		below.Add(look.Indented(buttons))
	}
	return container.NewBorder(nil, nil, container.NewVBox(tick), nil, below)
}

// portalText is what to do in a step.
func portalText(s setup.Step) string {
	if key := "setup.portal_" + keyOf(s.ID); words.Has(key) {
		return words.Say(key, words.Data{"Text": words.List(s.Copy)})
	}
	return words.Said(s.Help.Title)
}

// portalWhere is the way through the portal.
func portalWhere(s setup.Step) string {
	if key := "setup.where_" + keyOf(s.ID); words.Has(key) {
		return words.Say(key)
	}
	return words.Said(s.Help.Where)
}
