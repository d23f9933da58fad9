package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pkg/browser"
	"github.com/spf13/cobra"

	"traymail/internal/mailer"
)

func (p *program) loginCommand() *cobra.Command {
	var device, paste bool
	var timeout time.Duration
	c := p.reporting(&cobra.Command{
		Use:               "login ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Sign an account in",
		Long: `Sign an account in, in the browser. Without a browser on this machine use
--device (a code to type on another device) or --paste (open the address
anywhere, and paste the one on which the browser ended; a terminal that takes
no line that long takes it from a file, with < FILE).`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			how := mailer.SignIn{Open: p.openBrowser, Timeout: timeout}
			switch {
			case device:
				how = mailer.SignIn{Device: p.showCode}
			case paste:
				how = mailer.SignIn{Paste: p.askAddress(), Timeout: timeout}
			}
			in, err := m.SignIn(c.Context(), args[0], how)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(in)
			}
			fmt.Fprintf(p.stdout, "%s. Send a test email: traymail test %s\n", signedIn(in), args[0])
			return nil
		}),
	})
	c.Flags().BoolVar(&device, "device", false, "sign in with a code on another device")
	c.Flags().BoolVar(&paste, "paste", false, "paste the address on which the browser ended")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long the browser may take")
	c.MarkFlagsMutuallyExclusive("device", "paste")
	c.MarkFlagsMutuallyExclusive("device", "timeout") // a code has its own end, which the service sets
	return c
}

// signedIn says who signed in, which providers without ID tokens leave open.
func signedIn(in mailer.SignedIn) string {
	if in.Username == "" {
		return "Signed in; the provider does not say as whom"
	}
	return "Signed in as " + in.Username
}

// openBrowser opens the system's browser, and prints the address in case none
// opens: a browser that does not open often says nothing. Some stay in the
// foreground until they are closed, and nobody waits for them.
func (p *program) openBrowser(address string) error {
	fmt.Fprintf(p.stderr, "Sign in, in the browser that opens. If none does, open this address on this machine:\n%s\n", address)
	go func() {
		if err := browser.OpenURL(address); err != nil {
			fmt.Fprintln(p.stderr, "No browser could be opened here.")
		}
	}()
	return nil
}

func init() {
	// The library passes on what browsers print, which nobody here wants to read.
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
}

func (p *program) showCode(c mailer.DeviceCode) {
	fmt.Fprintf(p.stderr, "On any device open %s and enter the code %s (until %s).\n",
		c.VerificationURL, c.UserCode, c.ExpiresAt.Local().Format("15:04:05"))
}

// askAddress shows the address and reads what is pasted, a line each time.
func (p *program) askAddress() func(context.Context, string, error) (string, error) {
	in := bufio.NewReader(p.stdin)
	return func(_ context.Context, address string, wrong error) (string, error) {
		if wrong != nil {
			fmt.Fprintf(p.stderr, "%s\nPaste the whole address: ", oneLine(wrong))
		} else {
			fmt.Fprintf(p.stderr, "Open this address in any browser:\n%s\nSign in. The browser ends on a page that it may not be able to show; paste its address here: ", address)
		}
		line, err := in.ReadString('\n')
		if line = strings.TrimSpace(line); line == "" && err == io.EOF {
			return "", errors.New("no address was pasted")
		}
		if line == "" && err != nil {
			return "", err
		}
		return line, nil
	}
}
