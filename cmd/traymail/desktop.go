//go:build cgo && !headless

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"traymail/internal/control"
	"traymail/internal/mailer"
	"traymail/ui"
)

// hasWindow tells the two variants of the program apart.
const hasWindow = true

// openWindow opens the window. Where no traymail runs for this home, the
// background sending runs together with it. A second start brings the first
// one's window to the front.
func (p *program) openWindow(c *cobra.Command, _ []string) error {
	home, err := p.homeFolder()
	if err != nil {
		return err
	}
	if err := ui.Usable(); err != nil {
		return err
	}
	if err := p.raiseWindow(c.Context(), home); !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	m, done, err := p.reach(c.Context())
	if err != nil {
		return err
	}
	defer done()
	o := ui.Options{
		Program: m, Service: true, OpenBrowser: browser.OpenURL, Machine: machine(home), Hidden: p.hidden,
		Raised: func(raise func()) (io.Closer, error) { return control.ServeWindow(home, raise) },
	}
	if local, ok := m.(*mailer.Mailer); ok {
		o.Service, local.Window = false, true
		stop, err := p.behindWindow(c.Context(), local)
		if err != nil {
			o.Unstarted = err
		} else {
			defer func() { _ = stop() }() // the log has what went wrong
		}
	}
	err = ui.Run(c.Context(), o)
	if _, ok := errors.AsType[*control.RunningError](err); ok { // two were started at once, and this one is the second
		return p.raiseWindow(c.Context(), home)
	}
	return err
}

// raiseWindow brings the window that is open to the front. The error matches
// control.ErrNotRunning when there is none.
func (p *program) raiseWindow(ctx context.Context, home string) error {
	err := control.RaiseWindow(ctx, home)
	if err == nil {
		fmt.Fprintln(p.stderr, "traymail is open already: its window is in front now.")
	}
	return err
}

// behindWindow starts the background sending in this process.
func (p *program) behindWindow(ctx context.Context, m *mailer.Mailer) (stop func() error, err error) {
	settings, err := mailer.ReadSettings(m.Home)
	if err != nil {
		return nil, err
	}
	if settings.Log.File == "" && settings.Log.Level == "" {
		settings.Log.Level = "warn" // nobody reads the rest on standard error
	}
	log, closer, err := p.openLog(m.Home, settings.Log)
	if err != nil {
		return nil, err
	}
	m.Logger = log
	end, err := p.background(ctx, m, settings, log)
	if err != nil {
		return nil, errors.Join(err, closer.Close())
	}
	return func() error { return errors.Join(end(), closer.Close()) }, nil
}
