//go:build !cgo || headless

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// hasWindow tells the two variants of the program apart.
const hasWindow = false

// openWindow prints the help, because this build has no window.
func (p *program) openWindow(c *cobra.Command, _ []string) error { return c.Help() }

// windowForDemo says why there is no window in this build.
func (p *program) windowForDemo(*cobra.Command, *rehearsal) error {
	return fmt.Errorf("this build has no window: use 'traymail demo --headless', or the desktop build (%w)", errors.ErrUnsupported)
}
