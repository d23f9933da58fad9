//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
)

// render draws a state.
func (v *page) render(s State) {
	v.rendering = true
	defer func() { v.rendering = false }()
	was := v.last
	v.last = s
	v.renderView(s)
	switch s.View { // the others are not to be seen
	case ViewAccount:
		v.renderForm(s)
		v.renderHeadline(s)
		v.renderActions(s)
		v.renderResult(s)
		v.renderSetup(s)
	case ViewChecks:
		v.renderChecks(s)
	case ViewExplain:
		v.renderExplain(s)
	}
	v.moveFocus(was, s)
}

func (v *page) renderForm(s State) {
	busy := s.Activity != Idle
	for f, r := range v.rows {
		if r.value != nil {
			v.renderValue(f, r.value, s)
			r.value.SetPlaceHolder(fieldHint(f, s))
		}
		about := s.Problem != nil && Field(s.Problem.Key) == f
		if about {
			r.wrong.SetText(sentence(s.Problem.Text))
			r.fix.SetText(sentence(s.Problem.Fix))
		}
		show(r.alarm, about)
	}
	if s.SignsIn() { // else the choice is hidden, and no option is right
		v.kind.SetSelected(v.kind.Options[0])
	}
	if s.Account.Registration == account.Web {
		v.kind.SetSelected(v.kind.Options[1])
	}
	enable(v.kind, !busy)
	secret := v.rows[FieldSecret]
	show(secret.name, s.TakesSecret())
	show(secret.cell, s.TakesSecret())
	for _, f := range []Field{FieldRegistration, FieldRedirectURL} {
		show(v.rows[f].name, s.SignsIn())
		show(v.rows[f].cell, s.SignsIn())
	}

	enable(v.save, s.CanSave())
	switch {
	case busy:
		v.saveState.SetText("")
	case !s.Changed:
		v.saveState.SetText(lang.L("Everything is saved"))
	case s.Stored:
		v.saveState.SetText(lang.L("Changes are not saved yet"))
	default:
		v.saveState.SetText("")
	}
}

func (v *page) renderValue(f Field, e *entry, s State) {
	value := s.Value(f)
	if f == FieldSecret {
		value = s.Secret.Reveal()
	}
	if e.Text != value {
		e.SetText(value)
	}
	if !e.readOnly {
		enable(e, s.Activity == Idle && (f != FieldName || !s.Stored))
	}
}

func (v *page) renderHeadline(s State) {
	h := headlineOf(s)
	sign(v.shape, v.what, h)
	v.what.SetText(h.what)
	v.then.SetText(h.then)
	show(v.then, h.then != "")
}

// renderActions leaves one primary button: the next step.
func (v *page) renderActions(s State) {
	busy := s.Activity != Idle
	v.signIn.Text, v.signIn.Importance, v.send.Importance = lang.L("Sign in"), widget.HighImportance, widget.MediumImportance
	if s.Secrets.Complete(&s.Account) {
		v.signIn.Text, v.signIn.Importance, v.send.Importance = lang.L("Sign in again"), widget.MediumImportance, widget.HighImportance
	}
	v.cancel.Text = lang.L("Stop")
	switch s.Activity {
	case SigningIn:
		v.cancel.Text = lang.L("Cancel sign-in")
	case Sending:
		v.cancel.Text = lang.L("Stop sending")
	}
	enable(v.signIn, s.CanSignIn())
	enable(v.send, s.CanSend())
	enable(v.cancel, !s.Cancelling)
	show(v.signIn, !busy && s.SignsIn())
	show(v.send, !busy)
	show(v.cancel, busy)
	show(v.copyLink, s.Link != "")
	v.signIn.Refresh()
	v.send.Refresh()
	v.cancel.Refresh()

	why := ""
	switch {
	case s.Activity == SigningIn && s.Link != "" && s.Unopened == nil:
		why = lang.L("No browser opened? Copy the link and open it on this machine.")
	case !busy && !s.CanSend() && s.SignsIn():
		why = lang.L("The test email can be sent after the sign-in.")
	}
	v.reason.SetText(why)
	show(v.reason, why != "")
}

func (v *page) renderResult(s State) {
	whose, text := detail(s)
	v.whose.SetText(whose)
	setText(v.detail, text)
	v.facts.SetText(particulars(s))
	fix := ""
	if s.Activity == Idle && s.Problem == nil {
		fix = sentence(s.Outcome.Fix())
	}
	setText(v.fix, fix)
	show(v.whose, text != "")
	show(v.detail, text != "")
	show(v.facts, v.facts.Text != "")
	show(v.fixHead, fix != "")
	show(v.fix, fix != "")
}

// renderSetup offers the checks, and says when they are of use.
func (v *page) renderSetup(s State) {
	hint := lang.L("Looks at every part of the setup and says what mends it.")
	switch ended := s.Activity == Idle && !s.Outcome.Cancelled; {
	case ended && s.Outcome.Err != nil && (s.Outcome.Of == SigningIn || s.Outcome.Of == Sending):
		hint = lang.L("Finds the part of the setup that is wrong.")
	case ended && s.Outcome.Err == nil && (s.Outcome.Of == SigningIn || s.Outcome.Of == Sending):
		hint = lang.L("Next: shows whether the rest of the setup is right too, and stays so.")
	}
	if v.setupHint.Text != hint {
		v.setupHint.SetText(hint)
	}
	enable(v.setup, s.CanCheck())
}

// moveFocus puts the focus where the next key belongs when what had it is gone.
func (v *page) moveFocus(was, is State) {
	switch {
	case is.View == ViewChecks:
		v.moveChecksFocus(was, is)
	case is.View == ViewExplain:
		if was.View != ViewExplain {
			v.canvas.Focus(v.explain.text)
		}
	case was.View != ViewAccount && is.Activity != Idle:
		v.canvas.Focus(v.cancel)
	case is.Problem != nil && is.Problem != was.Problem:
		if r := v.rows[Field(is.Problem.Key)]; r.value != nil {
			v.canvas.Focus(r.value)
		}
	case was.Activity == Idle && is.Activity != Idle:
		v.canvas.Focus(v.cancel)
	case was.Activity != Idle && is.Activity == Idle, was.View != ViewAccount:
		if is.CanSend() {
			v.canvas.Focus(v.send)
		} else {
			v.canvas.Focus(v.signIn)
		}
	}
}

func (l level) importance() widget.Importance {
	switch l {
	case levelOK:
		return widget.SuccessImportance
	case levelAttention:
		return widget.WarningImportance
	case levelError:
		return widget.DangerImportance
	case levelPending, levelSkipped:
		return widget.MediumImportance
	}
	return widget.HighImportance
}

func show(o fyne.CanvasObject, visible bool) {
	switch {
	case visible && !o.Visible():
		o.Show()
	case !visible && o.Visible():
		o.Hide()
	}
}

func enable(o fyne.Disableable, enabled bool) {
	switch {
	case enabled && o.Disabled():
		o.Enable()
	case !enabled && !o.Disabled():
		o.Disable()
	}
}

// sign gives a headline its sign and its colour.
func sign(shape *widget.Icon, what *widget.Label, h headline) {
	if r := icon(h.shape, h.colour); shape.Resource == nil || shape.Resource.Name() != r.Name() {
		shape.SetResource(r)
	}
	if i := h.importance(); what.Importance != i {
		what.Importance = i
		what.Refresh()
	}
}

// label sets a label's text. The toolkit draws it anew even when it is the same.
func label(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

func setText(e *entry, text string) {
	if e.Text != text {
		e.SetText(text)
	}
}
