//go:build !darwin || cgo

package setup

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// An addressesPart is the step in which the addresses are given, and for a
// provider without a preset its servers.
type addressesPart struct {
	elsewhere *fyne.Container // the address belongs to another provider
	whose     *look.Banner
	change    *look.Button
	behalf    *fyne.Container // username and sender differ
	facts     [4]*widget.Label
	server    *fyne.Container
	sight     *look.Scroll
}

func (p *Page) buildAddresses() fyne.CanvasObject {
	a := &p.addresses
	a.sight = p.scrolled(func() fyne.CanvasObject {
		a.whose = look.NewBanner()
		a.change = p.kit.Button("", func() { p.p.choose(otherMethod(p.last.Draft.Account)) })
		a.elsewhere = gap(look.Surface(look.Rows(4, a.whose.Container, look.Indented(container.NewHBox(a.change)))))
		fields := container.New(grid{2, 12}, p.newRow(setup.Username).box, p.newRow(setup.Sender).box, p.newRow(setup.TestTo).box, p.newRow(fieldName).box,
			p.newRow(setup.Mailbox).box, p.newRow(setup.NoticeTo).box)
		a.behalf = gap(p.buildBehalf())
		a.server = gap(p.buildServer())
		a.elsewhere.Hide()
		return inset(look.Rows(0, look.NewCard(words.Say("setup.addresses_title"), fields), a.elsewhere, a.behalf, a.server))
	})
	return a.sight.Scroll
}

// buildBehalf says what happens when one signs in and another one sends.
func (p *Page) buildBehalf() fyne.CanvasObject {
	a := &p.addresses
	form := look.Rows(-8)
	for i, key := range []string{words.Say("setup.behalf_signs_in"), words.Say("setup.behalf_sends"), words.Say("setup.behalf_seen"), words.Say("setup.behalf_needs")} {
		name := widget.NewLabel(key)
		name.Importance = widget.LowImportance
		a.facts[i] = look.Text("")
		name.Wrapping = fyne.TextWrapWord
		form.Add(container.NewBorder(nil, nil, container.New(wide{140}, name), nil, a.facts[i]))
	}
	return look.NewCard(words.Say("setup.behalf_title"), look.Rows(-8, look.Text(words.Say("setup.behalf_then")), form))
}

func (p *Page) buildServer() fyne.CanvasObject {
	where := container.New(look.Columns{Gap: 12, Share: .6}, p.newRow(setup.SMTPHost).box,
		container.New(look.Columns{Gap: 12, Share: .4}, p.newRow(setup.SMTPPort).box, p.newRow(setup.SMTPTLS).box))
	return look.NewCard(words.Say("setup.server_title"), look.Rows(2, where, p.newRow(fieldSignIn).box, p.newRow(fieldAuthorizeURL).box,
		p.newRow(setup.TokenURL).box, p.newRow(setup.SMTPScope).box))
}

func (p *addressesPart) tell(s State) {
	a := s.Draft.Account
	other := otherMethod(a)
	look.Show(p.elsewhere, other != "")
	if other != "" {
		d := words.Data{"Domain": setup.Domain(sendsAs(a)), "Method": words.Say("setup.method_" + keyOf(other) + "_short")}
		p.whose.Tell(look.Headline{Level: look.Attention, What: words.Say("setup.elsewhere", d), Then: words.Say("setup.elsewhere_then", d)})
		if label := words.Say("setup.elsewhere_change", d); p.change.Text != label {
			p.change.SetText(label)
		}
	}
	differ := setup.SendsForOther(a) && setup.AddressProblem(a.Username) == "" && setup.AddressProblem(a.Sender) == ""
	look.Show(p.behalf, differ)
	if differ {
		d := words.Data{"Username": a.Username, "Sender": a.Sender}
		for i, text := range []string{a.Username, a.Sender, words.Say("setup.behalf_seen_as", d), words.Say("setup.behalf_needs_what", d)} {
			look.SetLabel(p.facts[i], text)
		}
	}
	look.Show(p.server, a.Provider == account.Custom)
}

// gap leaves room above a card that may be hidden.
func gap(o fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(12, 0, 0, 0), o)
}
