//go:build !darwin || cgo

package ui

import (
	"runtime"

	"traymail/ui/about"
	"traymail/ui/accounts"
	"traymail/ui/checking"
	"traymail/ui/desk"
	"traymail/ui/explain"
	"traymail/ui/handover"
	"traymail/ui/home"
	"traymail/ui/look"
	"traymail/ui/messages"
	"traymail/ui/relay"
	"traymail/ui/settings"
	"traymail/ui/setup"
)

// A hosted is what is shown within pages: the checks within the setup and the
// accounts, and the end of the setup.
type hosted struct {
	inSetup, ofAccount *checking.Step
	end                *handing
}

// pages makes all pages, at first and in another language: what was typed into
// them, and what is under way, is in the new ones too.
func (f *frame) pages(d *desk.Desk, l look.Frame) map[desk.Page]page {
	p, m := f.options.Program, f.options.Machine
	o := handover.Options{Autostart: m.Autostart, Service: m.Service, Program: m.Program, Machine: m.Name, System: runtime.GOOS,
		Made: func(account, client string) { f.inside.end.wizard.Made(account, client) }}
	was := f.window.pages
	if was == nil {
		h := hosted{checking.New(d, p, l), checking.New(d, p, l), &handing{Step: handover.New(d, p, l, o)}}
		h.end.wizard = setup.New(d, p, l, checksOf{h.inSetup, h.ofAccount}, h.end)
		f.inside = h
		return map[desk.Page]page{
			desk.Home:     home.New(d, p, l),
			desk.Setup:    h.end.wizard,
			desk.Queue:    messages.New(d, p, l, messages.Queue),
			desk.History:  messages.New(d, p, l, messages.History),
			desk.Accounts: accounts.New(d, p, l, l.Files(), checksOf{h.ofAccount, h.inSetup}),
			desk.Relay:    relay.New(d, p, l),
			desk.Settings: settings.New(d, p, l, f.prefs, m.Autostart),
			desk.Explain:  explain.New(d, p, l),
			desk.About:    about.New(d, p, l, l.Files()),
		}
	}
	h := hosted{f.inside.inSetup.Anew(l), f.inside.ofAccount.Anew(l), &handing{Step: f.inside.end.Anew(l, o)}}
	h.end.wizard = f.inside.end.wizard.Anew(l, checksOf{h.inSetup, h.ofAccount}, h.end)
	f.inside = h
	return map[desk.Page]page{
		desk.Home:     was[desk.Home].(*home.Page).Anew(l),
		desk.Setup:    h.end.wizard,
		desk.Queue:    was[desk.Queue].(*messages.Page).Anew(l),
		desk.History:  was[desk.History].(*messages.Page).Anew(l),
		desk.Accounts: was[desk.Accounts].(*accounts.Page).Anew(l, checksOf{h.ofAccount, h.inSetup}),
		desk.Relay:    was[desk.Relay].(*relay.Page).Anew(l),
		desk.Settings: was[desk.Settings].(*settings.Page).Anew(l),
		desk.Explain:  was[desk.Explain].(*explain.Page).Anew(l),
		desk.About:    was[desk.About].(*about.Page).Anew(l),
	}
}

// checksOf are the checks of one page. What is outdated is so on the other too.
type checksOf struct {
	*checking.Step
	beside *checking.Step
}

// Outdated forgets what was found of an account.
func (c checksOf) Outdated(account string) {
	c.Step.Outdated(account)
	c.beside.Outdated(account)
}

// handing is the hand-over as the last step of a setup.
type handing struct {
	*handover.Step
	wizard *setup.Page
}

// Show shows it for an account, in the words of the guide that was followed and
// with the client that was made before.
func (h *handing) Show(account string) {
	h.Step.Show(handover.What{Account: account, Guide: h.wizard.Guide(), Client: h.wizard.Client()})
}
