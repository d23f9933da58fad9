// Package ui is the window: a page with the account's form, the redirect URL
// to copy, the sign-in, the test email and its result; one with the checks of
// the setup; and one that explains a refusal.
//
// It has two halves. The presenter knows no widget: it turns what the person
// does into calls of the mailer and emits a State, which is never changed. The
// page knows no mailer: it draws a State and reports what was typed and
// tapped. Both live on the goroutine of the window; what blocks does not, and
// comes back through the dispatcher that the presenter is given.
//
// Only Run needs a graphics driver, and with it cgo; the rest builds and is
// tested without, but for macOS, where the toolkit's widgets need cgo too.
package ui

import (
	"context"

	"traymail/internal/checks"
	"traymail/internal/mailer"
)

// A Service is what the window needs of the program, such as a mailer.Program.
type Service interface {
	mailer.Service
	// Check does the setup checks of an account and tells report of each, as
	// mailer.Program does.
	Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error)
}

// Options say what the window shows. Service and OpenBrowser must be set.
type Options struct {
	Service Service
	// Account is the account to show, "" for the form of a new one.
	Account string
	// OpenBrowser opens an address in the person's browser. It may block.
	OpenBrowser func(address string) error
	// Notice stands above the page, such as "Sandbox: nothing leaves this
	// machine". An address in it can be followed.
	Notice string
}
