//go:build cgo && !headless

package main

import (
	"fmt"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"traymail/internal/mailer"
	"traymail/ui"
)

// hasWindow tells the two variants of the program apart.
const hasWindow = true

// openWindow opens the window on the first account.
func (p *program) openWindow(c *cobra.Command, args []string) error {
	return p.with(p.window)(c, args)
}

func (p *program) window(c *cobra.Command, m *mailer.Mailer, _ []string) error {
	names, err := m.Accounts().Names()
	if err != nil {
		return err
	}
	o := ui.Options{Service: m, OpenBrowser: browser.OpenURL}
	if len(names) > 0 {
		o.Account = names[0]
	}
	return ui.Run(c.Context(), o)
}

// showDemo opens the window on the sandbox's account.
func (p *program) showDemo(c *cobra.Command, r *rehearsal) error {
	return ui.Run(c.Context(), ui.Options{
		Service:     r.mailer,
		Account:     r.account.Name,
		OpenBrowser: browser.OpenURL,
		Notice: fmt.Sprintf("Sandbox: nothing leaves this machine. Sign in as %s with the password %s; what is sent arrives at %s",
			r.user.Username, r.user.Password, r.ready.InboxURL),
	})
}
