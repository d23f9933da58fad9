//go:build !darwin || cgo

package accounts

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A headCard is how the chosen account is doing, with what can be done with it.
type headCard struct {
	card                                               *look.Card
	name                                               *widget.Label
	banner                                             *look.Banner
	said, fix                                          *look.Entry
	buttons                                            *fyne.Container
	signIn, check, test, pause, resume, export, remove *look.Button
}

func (v *Page) newHead() *headCard {
	k := v.kit
	h := &headCard{name: look.Strong(""), banner: look.NewBanner(), said: k.ReadOnly(), fix: k.ReadOnly()}
	h.signIn = k.Button(words.Say("accounts.sign_in"), func() {
		v.frame.Open(desk.Place{Page: desk.Setup, Account: v.chosen, Do: desk.DoSignIn})
	})
	h.check = k.Button(words.Say("accounts.check"), func() { v.showChecks(true) })
	h.test = k.Button(words.Say("accounts.test"), v.send)
	h.pause = k.Button(words.Say("accounts.pause"), v.choosePause)
	h.resume = k.Button(words.Say("accounts.resume"), v.Resume)
	h.resume.Hide()
	h.export = k.Button(words.Say("accounts.export"), v.Export)
	h.remove = k.Button(words.Say("accounts.remove"), v.askRemove)
	h.buttons = look.Flow(h.signIn, h.check, h.test, h.pause, h.resume, h.export, h.remove)
	h.card = look.Surface(look.Rows(0, look.Rows(-8, h.name, container.New(layout.NewCustomPaddedLayout(0, 0, 4, 0), h.banner.Container)),
		container.New(layout.NewCustomPaddedLayout(0, 0, 32, 0), look.Quiet(look.Rows(-6, h.said, h.fix))), container.New(layout.NewCustomPaddedLayout(4, 0, 8, 0), h.buttons)))
	return h
}

func (h *headCard) draw(s State) {
	look.Show(h.card, s.Chosen != "")
	if s.Chosen == "" {
		return
	}
	level := levels[s.Head.Mood]
	word := s.Head.Word
	switch {
	case s.Stage == Loading:
		level, word = look.Working, words.Say("accounts.loading")
	case s.Head.Word == "":
		level = look.Pending
	}
	h.banner.Tell(look.Headline{Level: level, What: word})
	look.SetLabel(h.name, s.Chosen)
	said, fix := s.Head.Said, s.Head.Fix
	if s.Stage == Unreadable {
		said, fix = "", "" // the card below says it
	}
	look.SetCode(h.said, said)
	look.SetCode(h.fix, fix)
	ready := s.Stage == Editing
	if h.signIn.Visible() != s.Head.SignsIn || h.resume.Visible() != s.Head.Paused {
		look.Show(h.signIn, s.Head.SignsIn)
		look.Show(h.pause, !s.Head.Paused)
		look.Show(h.resume, s.Head.Paused)
		h.buttons.Refresh() // the others move up
	}
	look.Enable(h.signIn, ready)
	look.Enable(h.check, ready)
	look.Enable(h.test, ready && s.Usable)
	look.Enable(h.pause, s.Usable && !s.Busy)
	look.Enable(h.resume, s.Usable && !s.Busy)
	look.Enable(h.export, ready && s.Usable && !s.Busy)
	look.Enable(h.remove, (ready || s.Stage == Unreadable) && s.Usable && !s.Busy)
}

// A noticeCard says what came of something, with the button that follows.
type noticeCard struct {
	card          *look.Card
	banner        *look.Banner
	said, fix     *look.Entry
	signIn, check *look.Button
	again         *look.Button // reads the account again
}

func (v *Page) newNotice() *noticeCard {
	n := &noticeCard{banner: look.NewBanner(), said: v.kit.ReadOnly(), fix: v.kit.ReadOnly()}
	n.signIn = v.kit.Button(words.Say("accounts.sign_in"), func() {
		v.frame.Open(desk.Place{Page: desk.Setup, Account: v.chosen, Do: desk.DoSignIn})
	})
	n.check = v.kit.Button(words.Say("accounts.check"), func() { v.showChecks(true) })
	n.again = v.kit.Button(words.Say("accounts.again"), func() { v.Choose(v.chosen) })
	n.again.Hide()
	n.card = look.Surface(look.Rows(0, container.NewBorder(nil, nil, nil, container.NewVBox(look.Row(n.signIn, n.check, n.again)), n.banner.Container),
		container.New(layout.NewCustomPaddedLayout(0, 0, 32, 0), look.Quiet(look.Rows(-6, n.said, n.fix)))))
	return n
}

func (n *noticeCard) draw(s *Notice) {
	look.Show(n.card, s != nil)
	if s == nil {
		return
	}
	n.banner.Tell(look.Headline{Level: levels[s.Mood], What: s.What, Then: s.Then})
	look.SetCode(n.said, s.Said)
	look.SetCode(n.fix, s.Fix)
	look.Show(n.signIn, s.SignIn)
	look.Show(n.check, s.Control)
	n.card.Refresh()
}

// focus is where the next key belongs: at what the notice offers, or else.
func (n *noticeCard) focus(or fyne.Focusable) fyne.Focusable {
	switch {
	case n.signIn.Visible():
		return n.signIn
	case n.check.Visible():
		return n.check
	}
	return or
}
