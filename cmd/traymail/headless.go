//go:build !cgo || headless

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// hasWindow tells the two variants of the program apart.
const hasWindow = false

// openWindow prints the help, because this build has no window.
func (p *program) openWindow(c *cobra.Command, _ []string) error { return c.Help() }

// showSetup refuses, because this build has no window.
func (p *program) showSetup(c *cobra.Command) error {
	return &usageError{c, errors.New("--setup opens a window, and this build has none; traymail setup takes the same steps in the terminal")}
}

// showDemo tells each step in a line, because this build has no window.
func (p *program) showDemo(c *cobra.Command, r *rehearsal) error {
	return p.headlessDemo(c.Context(), r)
}
