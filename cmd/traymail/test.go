package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"traymail/internal/mailer"
)

func (p *program) testCommand() *cobra.Command {
	var to string
	c := p.reporting(&cobra.Command{
		Use:               "test ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Send the test email now",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			d, err := m.SendTest(c.Context(), args[0], to)
			if err != nil {
				return err
			}
			if !p.json { // where they stand in it
				p.tellWarnings(mailer.Validation{Warnings: d.Warnings})
			}
			return p.printDelivery(d)
		}),
	})
	c.Flags().StringVar(&to, "to", "", "where it goes (default: the account's test address, else its sender)")
	p.wireFlag(c)
	return c
}

func (p *program) wireFlag(c *cobra.Command) {
	c.Flags().StringVar(&p.wire, "wire-log", "", "append the SMTP dialog to a file, credentials and bodies hidden")
}

func (p *program) printDelivery(d mailer.Delivery) error {
	if p.json {
		return p.printJSON(struct {
			mailer.Delivery
			ElapsedMS int64 `json:"elapsed_ms"`
		}{d, d.Elapsed.Milliseconds()})
	}
	fmt.Fprintf(p.stdout, "Sent to %s, from %s, signed in as %s.\nThe server said: %s\n", strings.Join(d.Accepted, ", "), d.From, d.Username, d.Reply)
	return nil
}
