//go:build !darwin || cgo

package ui

import (
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

// pages makes all pages.
func (f *frame) pages(d *desk.Desk, l look.Frame) map[desk.Page]page {
	p, m := f.options.Program, f.options.Machine
	var wizard *setup.Page
	end := &handing{Step: handover.New(d, p, l, handover.Options{Autostart: m.Autostart, Service: m.Service, Program: m.Program, Machine: m.Name,
		Made: func(account, client string) { wizard.Made(account, client) }})}
	wizard = setup.New(d, p, l, checking.New(d, p, l), end)
	end.wizard = wizard
	return map[desk.Page]page{
		desk.Home:     home.New(d, p, l),
		desk.Setup:    wizard,
		desk.Queue:    messages.New(d, p, l, messages.Queue),
		desk.History:  messages.New(d, p, l, messages.History),
		desk.Accounts: accounts.New(d, p, l, l.Files(), checking.New(d, p, l)),
		desk.Relay:    relay.New(d, p, l),
		desk.Settings: settings.New(d, p, l, f.prefs, m.Autostart),
		desk.Explain:  explain.New(d, p, l),
		desk.About:    about.New(d, p, l, l.Files()),
	}
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
