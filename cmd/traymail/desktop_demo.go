//go:build cgo && !headless

package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"traymail/internal/mailer"
	"traymail/internal/sandbox"
	"traymail/internal/service"
	"traymail/keystore"
	"traymail/ui"
)

// showDemo opens the window on the sandbox's account. A tool has handed over a
// message before, which leaves as soon as somebody has signed in.
func (p *program) showDemo(c *cobra.Command, r *rehearsal) error {
	if err := ui.Usable(); err != nil {
		return err
	}
	r.mailer.Logger = slog.New(slog.DiscardHandler) // what there is to tell stands here
	relayed, err := p.handToRelay(c.Context(), r)
	if err != nil {
		return err
	}
	p.tell("It leaves as soon as you have signed in, in the window.")
	ctx, cancel := context.WithCancel(c.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		// It ends with the window, delivered or not.
		_ = p.awaitRelayed(ctx, r, &relayed)
	})
	defer waiting.Wait()
	defer cancel()
	o := r.window()
	o.Account = r.account.Name
	return ui.Run(ctx, o)
}

// showSetup opens the window as at the first start, on a home that is empty.
// Microsoft 365's names lead to the sandbox, and nothing else is there. What is
// entered is in memory and in that home, and goes with them.
func (p *program) showSetup(c *cobra.Command) error {
	if err := ui.Usable(); err != nil {
		return err
	}
	inMemory := func(context.Context, string) (keystore.Store, error) { return keystore.Memory(), nil }
	r, err := p.stage(c.Context(), sandbox.Options{Pages: true}, inMemory)
	if err != nil {
		return err
	}
	defer r.close()
	r.mailer.Network = &mailer.Network{Dial: r.sandbox.Dial, Resolve: r.sandbox.Resolve, Roots: r.sandbox.CertPool()}
	quiet := slog.New(slog.DiscardHandler) // what there is to tell stands in the window
	r.mailer.Window, r.mailer.Logger = true, quiet
	// The usual port is for the traymail that is no rehearsal: a tool's mail must not end here.
	const settings = "[[listener]]\nname = \"rehearsal\"\naddress = \"127.0.0.1:0\"\n"
	if err := os.WriteFile(filepath.Join(r.mailer.Home, "traymail.toml"), []byte(settings), 0o600); err != nil {
		return err
	}
	stop, err := p.background(c.Context(), r.mailer, mailer.Settings{}, quiet)
	if err != nil {
		return err
	}
	defer func() { _ = stop() }() // all of it goes
	p.tell("Its inbox is %s, its portal %s.", r.sandbox.Page(r.ready.InboxURL), r.sandbox.Page(r.ready.PortalURL))
	p.tell("In the window: sign in as %s with the password %s.", r.user.Username, r.user.Password)
	p.tell("Its home is %s. All of it is thrown away when the window closes.", r.mailer.Home)
	return ui.Run(c.Context(), r.window())
}

// window is what a window on the rehearsal shows.
func (r *rehearsal) window() ui.Options {
	page := r.sandbox.Page
	m := machine(r.mailer.Home)
	m.Autostart = &untouched{}
	m.Service = func() (string, error) { return string(service.NotInstalled), nil }
	return ui.Options{
		Program:     r.mailer,
		OpenBrowser: func(address string) error { return browser.OpenURL(page(address)) },
		Machine:     m,
		Rehearsal: &ui.Rehearsal{
			Username: r.user.Username, Password: r.user.Password, Page: page,
			Inbox: page(r.ready.InboxURL), Portal: page(r.ready.PortalURL),
		},
	}
}

// untouched is an autostart that changes nothing of the machine.
type untouched struct{ on atomic.Bool }

func (u *untouched) Enabled() (bool, error) { return u.on.Load(), nil }
func (u *untouched) Set(on bool) error      { u.on.Store(on); return nil }
