//go:build !darwin || cgo

package setup

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A registrationPart is the step of the app registration: what to do at the
// provider on the one side, what comes from there on the other.
type registrationPart struct {
	portal  portal
	pem     *look.Entry // a certificate with its key
	pemBox  *fyne.Container
	secret  *row
	pasting *widget.Label // that a whole page can be pasted
	found   *fyne.Container
	foundIs *look.Banner
	ends    *fyne.Container // that passwords end
	title   *widget.Label
}

func (p *Page) buildRegistration() fyne.CanvasObject {
	r := &p.registration
	fields := p.scrolled(func() fyne.CanvasObject {
		r.ends = container.NewVBox()
		banner := look.NewBanner()
		banner.Tell(look.Headline{Level: look.Attention, What: words.Say("setup.password_ends"), Then: words.Say("setup.password_ends_then")})
		r.ends.Add(look.Indented(banner.Container))
		r.pasting = look.Text(words.Say("setup.paste_anywhere"))
		r.foundIs = look.NewBanner()
		r.found = container.NewVBox(look.Indented(r.foundIs.Container))
		r.found.Hide()
		r.title = look.Strong("")
		secret := p.newRow(setup.Secret)
		r.secret = secret
		r.pem = p.kit.Entry()
		r.pem.MultiLine, r.pem.Wrapping, r.pem.TextStyle.Monospace = true, fyne.TextWrapBreak, true
		r.pem.SetMinRowsVisible(4)
		r.pem.SetPlaceHolder("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----")
		r.pem.OnChanged = func(s string) {
			if !p.drawing && s != "" {
				p.p.set(setup.Secret, s)
			}
		}
		r.pemBox = look.Rows(0, look.Indented(r.pem))
		at := indexOf(secret.box, secret.hint)
		secret.box.Objects = append(secret.box.Objects[:at:at], append([]fyne.CanvasObject{r.pemBox}, secret.box.Objects[at:]...)...)
		return inset(container.NewVBox(look.Surface(look.Rows(2, r.title, r.ends, p.newRow(fieldRegistration).box, p.newRow(setup.RedirectURL).box, p.newRow(fieldCredential).box,
			r.pasting, r.found, p.newRow(setup.ClientID).box, p.newRow(setup.Tenant).box, secret.box, p.newRow(fieldAssertionFile).box,
			p.newRow(setup.ObjectID).box, p.newRow(setup.SecretExpires).box))))
	})
	steps := p.buildPortal()
	return container.New(halves{gap: 12, share: .5}, steps, fields.Scroll)
}

func indexOf(box *fyne.Container, o fyne.CanvasObject) int {
	for i, each := range box.Objects {
		if each == o {
			return i
		}
	}
	return len(box.Objects)
}

func (r *registrationPart) tell(s State) {
	a := s.Draft.Account
	password := a.SignIn == account.PasswordSignIn
	title := words.Say("setup.fields_title")
	if password {
		title = words.Say("setup.label_password")
	}
	look.SetLabel(r.title, title)
	look.Show(r.ends, password && a.HasEntra())
	look.Show(r.pasting, !password && a.HasEntra())
	look.Show(r.pemBox, s.Certified())
	look.Show(r.secret.line, !s.Certified())
	if s.Secret == "" || !strings.Contains(s.Secret.Reveal(), r.pem.Text) {
		look.SetEntry(r.pem, "")
	}
	look.Show(r.found, len(s.Filled) > 0)
	if len(s.Filled) > 0 {
		var names []string
		for _, f := range s.Filled {
			names = append(names, labelOf(f, s))
		}
		h := look.Headline{Level: look.OK, What: words.Say("setup.found", words.Data{"Fields": words.List(names)})}
		if s.Pasted.Guessed {
			h.Level, h.Then = look.Attention, words.Say("setup.found_guessed")
		}
		r.foundIs.Tell(h)
	}
	r.portal.tell(s)
}

// halves puts one object beside the other, where the first is to be seen.
type halves struct{ gap, share float32 }

func (h halves) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	if !objects[0].Visible() {
		objects[1].Move(fyne.NewPos(0, 0))
		objects[1].Resize(s)
		return
	}
	look.Columns{Gap: h.gap, Share: h.share}.Layout(objects, s)
}

func (h halves) MinSize(objects []fyne.CanvasObject) fyne.Size {
	if !objects[0].Visible() {
		return objects[1].MinSize()
	}
	return look.Columns{Gap: h.gap, Share: h.share}.MinSize(objects)
}
