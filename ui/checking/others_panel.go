//go:build !darwin || cgo

package checking

import (
	"cmp"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// An othersPanel is about sending for another address: who signs in, who
// sends, what recipients see and what is granted.
type othersPanel struct {
	content    *fyne.Container
	user, as   *widget.Label
	see        *widget.Label
	note       *look.Note
	detail     *look.Entry
	ask, grant *look.Button

	admin     *fyne.Container // what an administrator does
	adminHow  *widget.Label
	script    *look.Entry
	copy      *look.Button
	portal    *look.Button
	orHead    *widget.Label
	command   *look.Entry
	copyGrant *look.Button
}

// othersView makes the panel.
func (s *Step) othersView() fyne.CanvasObject {
	o := &othersPanel{note: look.NewNote(), see: look.Text("")}
	s.others = o
	o.user, o.as, o.detail = look.Text(""), look.Text(""), s.kit.ReadOnly()
	o.ask = s.kit.Button(words.Say("checks.ask_exchange"), s.p.askAgain)
	o.grant = s.kit.Button(words.Say("checks.grant"), s.askGrant)
	o.adminHow = look.Text("")
	o.script, o.command = s.kit.Code(""), s.kit.Code("")
	o.copy = s.kit.CopyButton(words.Say("checks.copy_powershell"), func() string { return o.script.Text })
	o.portal = s.kit.Button(words.Say("checks.open_portal"), func() { s.frame.Follow(s.drawn.Others.Link) })
	o.orHead = look.Small(words.Say("checks.or_sign_in"))
	o.copyGrant = s.kit.CopyButton(words.Say("checks.copy_command"), func() string { return o.command.Text })
	o.admin = look.Rows(2, o.adminHow, look.Indented(o.script), look.Indented(look.Flow(o.copy, o.portal)),
		o.orHead, look.Indented(o.command), look.Indented(look.Flow(o.copyGrant)))
	row := func(key string, value fyne.CanvasObject) fyne.CanvasObject {
		return look.Rows(-10, caption(key), value)
	}
	o.content = look.Rows(0, look.Indented(widget.NewSeparator()), look.Space(0, 4), look.Strong(words.Say("checks.others_title")),
		row("checks.others_user", o.user), row("checks.others_as", o.as), row("checks.others_see", o.see), row("checks.others_granted", o.note.Container),
		look.Indented(o.detail), look.Space(0, 4), look.Indented(look.Flow(o.grant, o.ask)), o.admin)
	o.content.Hide()
	return o.content
}

// renderOthers draws the panel, if the account sends for others.
func (s *Step) renderOthers(is State) {
	p, o := s.others, is.Others
	look.Show(p.content, len(o.As) > 0)
	if len(o.As) == 0 {
		return
	}
	look.SetText(p.user, o.User)
	look.SetText(p.as, strings.Join(o.As, "\n"))
	look.SetText(p.see, seenAs(is))
	h, detail := granted(is)
	p.note.Tell(h)
	look.SetCode(p.detail, detail)

	busy := o.Asking || o.Granting
	proven := h.Level == look.OK
	had := s.kit.Canvas.Focused()
	look.Show(p.grant, o.Answer != nil && !o.Answer.Granted && !errors.Is(o.Err, mailer.ErrNotAllowed))
	look.Enable(p.grant, !busy)
	look.Show(p.ask, o.Askable)
	look.Enable(p.ask, !busy && is.Complete)
	if gone(had) && had == fyne.Focusable(p.grant) {
		s.kit.Canvas.Focus(p.ask)
	}

	script := ""
	if !proven && !busy && !p.grant.Visible() {
		script = o.Script
		if r := is.Checks.row(checks.SendAs).Result; r.Status == checks.Fail {
			script = cmp.Or(r.Command, script)
		}
	}
	look.SetCode(p.script, script)
	look.Show(p.portal, o.Link != "")
	command := ""
	if o.Askable {
		command = "traymail admin " + is.Name + " --grant"
	}
	look.SetCode(p.command, command)
	look.SetText(p.adminHow, words.Say("checks.administrator_runs"))
	look.Show(p.orHead, command != "")
	look.Show(p.copyGrant, command != "")
	look.Show(p.admin, script != "")
}

// seenAs says what recipients see of who sent a message.
func seenAs(is State) string {
	o := is.Others
	names := words.Data{"User": o.User, "Sender": o.As[0]}
	switch {
	case !is.Account.HasEntra() || is.Account.Provider == account.OutlookCom:
		return words.Say("checks.see_elsewhere", names)
	case o.Answer != nil && o.Answer.Granted:
		return words.Say("checks.see_on_behalf", names)
	}
	return words.Say("checks.see_either", names)
}

// granted says what is known of the permission: what a message proved goes
// before what Exchange lists.
func granted(is State) (h look.Headline, detail string) {
	o := is.Others
	proof := is.Checks.row(checks.SendAs)
	switch {
	case o.Asking:
		return look.Headline{Level: look.Working, What: words.Say("checks.asking")}, ""
	case o.Granting:
		return look.Headline{Level: look.Working, What: words.Say("checks.granting")}, ""
	case o.New:
		return look.Headline{Level: look.OK, What: words.Say("checks.granted_now"), Then: words.Say("checks.granted_now_then")}, ""
	case o.Err != nil && errors.Is(o.Err, mailer.ErrNotAllowed) && proof.Result.Status != checks.Pass:
		return look.Headline{Level: look.Attention, What: words.Say("checks.not_allowed"), Then: words.Say("checks.not_allowed_then")}, words.Said(o.Err.Error())
	case proof.Phase == Done && proof.Result.Status == checks.Pass:
		return look.Headline{Level: look.OK, What: words.Sentence(proof.Result.Summary), Then: words.Sentence(proof.Result.Detail)}, ""
	case proof.Phase == Done && proof.Result.Status == checks.Fail:
		return look.Headline{Level: look.Error, What: words.Sentence(proof.Result.Summary), Then: words.Sentence(proof.Result.Detail)}, ""
	case o.Err != nil:
		return look.Headline{Level: look.Attention, What: words.Say("checks.ask_failed"), Then: words.Sentence(mailer.Fix(o.Err))}, words.Said(o.Err.Error())
	case o.Answer != nil && o.Answer.Granted:
		return look.Headline{Level: look.OK, What: words.Say("checks.is_granted"), Then: delegates(o.Answer)}, ""
	case o.Answer != nil:
		return look.Headline{Level: look.Attention, What: words.Say("checks.is_not_granted"), Then: delegates(o.Answer) + " " + words.Say("checks.is_not_granted_then")}, ""
	}
	return look.Headline{Level: look.Pending, What: words.Say("checks.grant_unknown"), Then: words.Say("checks.grant_unknown_then")}, ""
}

// delegates names who may send on behalf.
func delegates(d *mailer.Delegation) string {
	if len(d.Delegates) == 0 {
		return words.Say("checks.delegates_none", words.Data{"Mailbox": d.Mailbox})
	}
	return words.Say("checks.delegates", words.Data{"Mailbox": d.Mailbox, "Names": words.List(d.Delegates)})
}

// askGrant asks before the permission is given.
func (s *Step) askGrant() {
	d := s.drawn.Others.Answer
	if d == nil {
		return
	}
	names := words.Data{"User": d.Username, "Sender": d.Mailbox}
	look.Ask(s.kit.Canvas, look.Question{What: words.Say("checks.grant_what", names), Then: words.Say("checks.grant_then", names) + " " + delegates(d),
		Do: words.Say("checks.grant"), Keep: words.Say("checks.grant_keep")}, s.p.grant)
}
