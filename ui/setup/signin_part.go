//go:build !darwin || cgo

package setup

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A signInPart is the step of the sign-in: what will happen, how it goes, and
// who signed in.
type signInPart struct {
	page   *Page
	sight  *look.Scroll
	banner *look.Banner
	detail *look.Entry // what happened, in the program's or the server's words
	fixed  *widget.Label
	fix    *look.Entry

	busy     *fyne.Container // what can be done while it waits
	copyLink *look.Button
	device   *look.Button
	paste    *look.Button
	cancel   *look.Button

	pasting *fyne.Container // the field for the address
	address *look.Entry
	hand    *look.Button
	wrong   *fyne.Container
	wrongIs *widget.Label

	coding *fyne.Container // the code for another device
	code   *widget.Label
	link   *look.Entry

	idle    *fyne.Container // other ways to begin
	another *look.Button
	again   *look.Button
}

func (p *Page) buildSignIn() fyne.CanvasObject {
	g := &p.signIn
	g.page = p
	g.sight = p.kit.Scrolled(func() fyne.CanvasObject {
		g.banner = look.NewBanner()
		g.detail, g.fix = p.kit.ReadOnly(), p.kit.ReadOnly()
		g.fixed = look.Small(words.Say("setup.what_to_do"))
		link := func() string { return p.last.Signing.Link }
		g.copyLink = p.kit.CopyButton(words.Say("setup.copy_link"), link)
		g.device = p.kit.Button(words.Say("setup.use_code"), p.p.withCode)
		g.paste = p.kit.Button(words.Say("setup.paste_address"), func() { p.p.openPaste(true) })
		g.cancel = p.kit.Button(words.Say("setup.cancel_sign_in"), p.p.stop)
		g.busy = look.Flow(g.copyLink, g.device, g.paste, g.cancel)
		g.another = p.kit.Button(words.Say("setup.use_code"), p.p.withCode)
		g.again = p.kit.Button(words.Say("setup.sign_in_again"), p.p.proceed)
		g.idle = look.Flow(g.again, g.another)
		g.buildCode(p)
		g.buildPaste(p)
		return inset(container.NewVBox(look.Surface(look.Rows(4, look.Indented(g.banner.Container), look.Indented(g.detail), g.fixed, look.Indented(g.fix), g.coding, g.pasting,
			look.Space(0, 4), look.Indented(g.busy), look.Indented(g.idle)))))
	})
	return g.sight.Scroll
}

func (g *signInPart) buildCode(p *Page) {
	g.code, g.link = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Monospace: true, Bold: true}), p.kit.ReadOnly()
	g.code.SizeName, g.code.Selectable = theme.SizeNameHeadingText, true
	copyCode := p.kit.CopyButton(words.Say("setup.copy_code"), func() string { return p.last.Signing.Code })
	open := p.kit.Button(words.Say("setup.open_page"), func() { p.frame.Follow(p.last.Signing.Link) })
	g.coding = look.Rows(4, look.Text(words.Say("setup.code_on")), look.Indented(container.NewBorder(nil, nil, nil, container.NewHBox(look.Space(4, 0), open), g.link)),
		look.Text(words.Say("setup.code_type")), look.Indented(container.NewBorder(nil, nil, nil, container.NewHBox(look.Space(4, 0), container.NewCenter(copyCode)), g.code)))
}

func (g *signInPart) buildPaste(p *Page) {
	g.address = p.kit.Entry()
	g.address.SetPlaceHolder("http://localhost/?code=…")
	hand := func() { p.p.pasteAddress(strings.TrimSpace(g.address.Text)) }
	g.address.OnSubmitted = func(string) { hand() }
	g.hand = p.kit.Button(words.Say("setup.hand_over"), hand)
	g.wrongIs = look.Caption(widget.DangerImportance)
	g.wrong = container.NewBorder(nil, nil, container.NewVBox(look.Space(22, 8), container.NewCenter(look.Sized(16, widget.NewIcon(look.Icon(look.Error.Shape, look.Error.Colour))))), nil, g.wrongIs)
	g.pasting = look.Rows(0, look.Text(words.Say("setup.paste_how")), look.Indented(container.NewBorder(nil, nil, nil, container.NewHBox(look.Space(4, 0), g.hand), g.address)), g.wrong)
}

func (g *signInPart) tell(s State) {
	a, o, at := s.Draft.Account, s.Outcome, s.Signing
	signing := s.Activity == SigningIn
	g.banner.Tell(headline(s))
	failed := o.Err != nil && !o.Cancelled
	said, fix := "", ""
	if failed && mailer.OtherAccount(o.Err) == "" { // else the headline says it
		said, fix = words.Sentence(o.Err.Error()), words.Sentence(mailer.Fix(o.Err))
	}
	if o.Of == Validating && o.Err == nil && len(o.Validation.Warnings) > 0 {
		w := o.Validation.Warnings[0]
		said, fix = words.Sentence(w.Text), words.Sentence(w.Fix)
	}
	look.SetCode(g.detail, said)
	look.SetCode(g.fix, fix)
	look.Show(g.fixed, fix != "")

	look.Show(g.coding, signing && at.Device && at.Code != "")
	look.SetLabel(g.code, at.Code)
	look.SetEntry(g.link, at.Link)
	look.Show(g.pasting, signing && at.Pasting)
	if !signing {
		look.SetEntry(g.address, "")
	}
	look.Show(g.wrong, at.Wrong != nil)
	if at.Wrong != nil {
		look.SetLabel(g.wrongIs, words.Sentence(at.Wrong.Error()))
	}
	look.Show(g.busy, signing || s.Activity == Validating)
	look.Show(g.copyLink, signing && at.Link != "" && !at.Device)
	coded := hasDevice(a)
	look.Show(g.device, signing && !at.Device && coded)
	look.Show(g.paste, signing && !at.Device && !at.Pasting)
	look.Enable(g.cancel, !at.Cancelling)
	label := words.Say("setup.cancel_sign_in")
	if s.Activity == Validating {
		label = words.Say("setup.cancel_validate")
	}
	if g.cancel.Text != label {
		g.cancel.SetText(label)
	}
	idle := s.Activity == Idle && s.SignsIn()
	look.Show(g.again, idle && s.Proven())
	look.Show(g.another, idle && !s.Proven() && coded)
	look.Show(g.idle, idle && (s.Proven() || coded))
}

// hasDevice reports whether a code on another device can be used.
func hasDevice(a account.Account) bool { return a.HasEntra() || a.DeviceURL != "" }

// headline says how the step stands.
func headline(s State) look.Headline {
	a, o, at := s.Draft.Account, s.Outcome, s.Signing
	d := words.Data{"Username": a.Username, "Left": words.Watch(at.Left), "Mailbox": sendsAs(a), "Server": o.Validation.Server}
	kind := "app"
	switch {
	case s.SignsIn():
		kind = "browser"
	case a.SignIn == account.PasswordSignIn:
		kind = "password"
	}
	h := func(l look.Level, key string) look.Headline {
		return look.Headline{Level: l, What: words.Say("setup.proof_"+key, d), Then: words.Say("setup.proof_"+key+"_then", d)}
	}
	switch {
	case at.Cancelling:
		return look.Headline{Level: look.Working, What: words.Say("setup.proof_stopping")}
	case s.Activity == Validating:
		return h(look.Working, "validating")
	case s.Activity == SigningIn && at.Link == "" && at.Device:
		return look.Headline{Level: look.Working, What: words.Say("setup.proof_asking_code")}
	case s.Activity == SigningIn && at.Link == "":
		return look.Headline{Level: look.Working, What: words.Say("setup.proof_opening")}
	case s.Activity == SigningIn && at.Device:
		return h(look.Waiting, "coding")
	case s.Activity == SigningIn:
		return h(look.Waiting, "waiting")
	case o.Cancelled:
		return h(look.Attention, "cancelled")
	case mailer.OtherAccount(o.Err) != "":
		d["Other"] = mailer.OtherAccount(o.Err)
		return h(look.Error, "other")
	case o.Err != nil && o.Of == SigningIn:
		return look.Headline{Level: look.Error, What: words.Say("setup.proof_failed")}
	case o.Err != nil:
		return look.Headline{Level: look.Error, What: words.Say("setup.proof_refused")}
	case s.Proven() && s.SignsIn():
		if o.SignedInAs != "" {
			d["Username"] = o.SignedInAs
		}
		return h(look.OK, "signed_in")
	case s.Proven() && len(o.Validation.Warnings) > 0:
		return h(look.Attention, "warned")
	case s.Proven():
		return h(look.OK, "valid")
	}
	return h(look.Pending, kind)
}

// focus is where the keyboard goes on.
func (g *signInPart) focus(s State) fyne.Focusable {
	switch {
	case s.Activity == SigningIn && s.Signing.Pasting:
		return g.address
	case s.Activity == SigningIn || s.Activity == Validating:
		return g.cancel
	}
	return g.page.primary
}
