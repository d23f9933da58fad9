//go:build !darwin || cgo

package setup

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// show draws a state, unless the page is not to be seen.
func (p *Page) show(s State) {
	was := p.last
	p.last = s
	if !p.seen {
		return
	}
	p.drawing = true
	defer func() { p.drawing = false }()
	p.renderList(s)
	p.renderHead(s)
	for _, r := range p.rows {
		r.tell(s)
	}
	p.keepInSight(s)
	switch s.Step() {
	case setup.StepMethod:
		p.method.tell(s)
	case setup.StepAddresses:
		p.addresses.tell(s)
	case setup.StepRegistration:
		p.registration.tell(s)
	case setup.StepSignIn:
		p.signIn.tell(s)
	}
	moved := p.renderStep(s)
	switch s.Step() { // of what is shown and hidden there follows how high it is
	case setup.StepAddresses:
		p.addresses.sight.Arrange()
	case setup.StepSignIn:
		p.signIn.sight.Arrange()
	}
	p.renderFoot(s)
	if moved || was.Turn != s.Turn {
		p.moveFocus(s)
	}
}

// keepInSight scrolls to what is said about the field that is typed into.
func (p *Page) keepInSight(s State) {
	for _, f := range s.Fields(s.Step()) {
		r := p.rows[f]
		if said := r.alarm.Visible(); said != r.alarmed {
			r.alarmed = said
			if said && r.entry != nil && p.frame.Window.Canvas().Focused() == fyne.Focusable(r.entry) {
				r.sight.KeepInSight(r.entry, r.alarm.MinSize().Height+8)
			}
		}
	}
}

// renderStep puts the state's step on the page, and reports whether it is
// another one.
func (p *Page) renderStep(s State) bool {
	step, of := s.Step(), s.Draft.Account.Name
	if s.Activity == Opening {
		step = ""
	}
	for _, each := range setup.Order() {
		look.Show(p.parts[each], each == step)
	}
	host := p.hosts[step]
	if step == p.showing && (host == nil || of == p.of) {
		return false
	}
	if was := p.hosts[p.showing]; was != nil {
		p.noteTest(p.showing)
		was.Hide()
	}
	p.showing, p.of = step, of
	p.watch(step)
	if host == nil {
		return true
	}
	p.renderFoot(s) // the button has the focus unless the step has something before it
	p.frame.Window.Canvas().Focus(p.primary)
	host.Show(of)
	if tests, ok := host.(interface{ Test() }); ok && s.Do == desk.DoTest {
		tests.Test()
	} else if resumes, ok := host.(interface{ Resume() }); ok && s.Draft.Tested {
		resumes.Resume()
	} else if begins, ok := host.(interface{ Begin() }); ok {
		begins.Begin()
	}
	return true
}

func (p *Page) renderList(s State) {
	for _, step := range setup.Order() {
		at := look.Pending
		switch here, far := position(s.Step()), position(s.Reached); {
		case step == s.Step():
			at = look.Level{Shape: "working", Colour: look.Working.Colour}
		case step == setup.StepChecks && here < position(step): // of settings that may be others now
		case position(step) < max(here, far) && (step != setup.StepSignIn || s.Proven() || !s.SignsIn()):
			at = look.OK
			if step == setup.StepChecks && !p.proved(s) {
				at = look.Attention
			}
		}
		item := p.list[step]
		look.SetLabel(item.name, stepName(step, s))
		item.tell(at, settled(step, s), step == s.Step(), s.CanGo(step))
	}
}

// proved reports whether the checks that the person has passed had nothing against it.
func (p *Page) proved(s State) bool {
	readiness, ok := p.hosts[setup.StepChecks].(interface{ Ready() bool })
	return !ok || s.Draft.Tested || readiness.Ready()
}

func (p *Page) renderHead(s State) {
	look.Show(p.waiting, s.Waiting != "")
	look.SetLabel(p.waitText, words.Say("setup.waiting", words.Data{"Name": s.Waiting}))
	look.Show(p.trouble, s.Err != nil)
	if s.Err != nil {
		p.troubled.Tell(look.Headline{Level: look.Error, What: words.Say("setup.not_done"), Then: words.Sentence(s.Err.Error())})
		look.SetCode(p.fix, words.Sentence(mailer.Fix(s.Err)))
	}
	look.Show(p.startOver, s.Waiting == "" && (s.Stored || s.Draft.Account.Username != "" || s.Draft.Account.Sender != "" || s.Draft.Guide != "" || s.Draft.Method != setup.Methods()[0].ID))
}

// renderFoot draws the buttons: one of them is the primary.
func (p *Page) renderFoot(s State) {
	step := s.Step()
	look.Show(p.back, position(step) > 0)
	look.Enable(p.back, s.Activity != Saving && s.Activity != Opening)
	label, importance := words.Say("setup.next"), widget.HighImportance
	said, at := "", look.Pending
	tried := false
	switch {
	case s.Activity == Saving:
		said, at = words.Say("setup.saving"), look.Working
	case step == setup.StepSignIn && !s.Proven():
		label = proofButton(s)
		tried = s.Outcome.Err != nil
	case step == setup.StepChecks && !p.ready:
		importance = widget.MediumImportance // the step has its own
		said, at = words.Say("setup.not_ready"), look.Attention
	case step == setup.StepDone:
		label = words.Say("setup.finish")
		if !p.ready {
			importance = widget.MediumImportance
		}
	}
	if said == "" && s.Unkept != nil {
		said, at = words.Say("setup.unkept", words.Data{"Reason": words.Said(s.Unkept.Error())}), look.Attention
	}
	look.Show(p.footSign, said != "")
	look.SetSign(p.footSign, p.foot, at)
	look.SetLabel(p.foot, said)
	if p.primary.Text != label {
		p.primary.SetText(label)
	}
	if p.primary.Importance != importance {
		p.primary.Importance = importance
		p.primary.Refresh()
	}
	look.Show(p.onward, tried)
	look.Enable(p.onward, s.Activity == Idle)
	look.Enable(p.primary, s.Activity == Idle)
}

// moveFocus puts the focus where the next key belongs.
func (p *Page) moveFocus(s State) {
	if s.Activity == Opening || p.hosts[s.Step()] != nil {
		return // a given step does that itself
	}
	c := p.frame.Window.Canvas()
	if to := p.focusable(s); to != nil && c.Focused() != to {
		c.Focus(to)
	}
}

func (p *Page) focusable(s State) fyne.Focusable {
	if r := p.rows[s.Focus]; r != nil && r.box.Visible() && r.entry != nil {
		return r.entry
	}
	switch s.Step() {
	case setup.StepMethod:
		return p.method.chosen(s)
	case setup.StepAddresses, setup.StepRegistration:
		var first fyne.Focusable
		for _, f := range s.Fields(s.Step()) {
			e := p.rows[f].entry
			if e == nil || f == setup.RedirectURL || e.Disabled() {
				continue
			}
			if e.Text == "" && !(f == setup.Secret && s.HasSecret()) && f != setup.ObjectID && f != setup.SecretExpires {
				return e
			}
			if first == nil {
				first = e
			}
		}
		if complete := len(missing(s)) == 0; complete || first == nil {
			return p.primary
		}
		return first
	case setup.StepSignIn:
		return p.signIn.focus(s)
	}
	return nil
}
