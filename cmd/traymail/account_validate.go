package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// accountValidate is what some programs have as a button, Validate.
func (p *program) accountValidate() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:               "validate ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Sign in to the server, and send nothing",
		Long: `Get a token, sign in to the server, and send nothing. It prints whose mailbox that
was, the server, and what the token says that may not work. A certificate that
waits is tried at once. To send something: traymail test ACCOUNT`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			v, err := m.Validate(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := p.tellWaiting(c, m, args[0]); err != nil {
				return err
			}
			if p.json {
				return p.printJSON(v)
			}
			fmt.Fprintf(p.stdout, "It signs in: %s at %s. Nothing was sent.\n", v.Mailbox, v.Server)
			p.tellWarnings(v)
			return nil
		}),
	})
}

// tellWarnings says what a token says that may not work.
func (p *program) tellWarnings(v mailer.Validation) {
	for _, w := range v.Warnings {
		fmt.Fprintf(p.stderr, "Note: %s. %s\n", w.Text, w.Fix)
	}
}

// tellWaiting says which certificate waits, and what for.
func (p *program) tellWaiting(c *cobra.Command, m mailer.Program, name string) error {
	_, s, err := m.Account(c.Context(), name)
	if err != nil || s.CertificateWaiting == nil || s.CertificateInUse == nil {
		return err
	}
	fmt.Fprintf(p.stderr, "The new certificate (thumbprint %s) waits: until it is uploaded and taken, the former one (thumbprint %s, good until %s) stays in use. "+
		"traymail changes over by itself within an hour of mail, or at once: traymail account validate %s\n",
		s.CertificateWaiting.SHA1, s.CertificateInUse.SHA1, s.CertificateInUse.Ends, name)
	return nil
}

// tellSaved says what a person should know of settings that were just saved.
func (p *program) tellSaved(c *cobra.Command, m mailer.Program, name string, newSecret bool) error {
	a, _, err := m.Account(c.Context(), name)
	if err != nil {
		return err
	}
	if newSecret && a.HasClientSecret() && a.HasEntra() && a.SecretExpires == "" {
		fmt.Fprintf(p.stderr, "Note: when its client secret ends is not known. The portal shows the day beside the secret (Certificates & secrets); with it traymail warns before: traymail account edit %s --secret-expires YYYY-MM-DD\n", name)
	}
	for _, notice := range notices(a) {
		fmt.Fprintf(p.stderr, "Note: %s.\n", notice)
	}
	return nil
}

// notices are what is known to come of an account's settings.
func notices(a account.Account) (all []string) {
	for _, notice := range []string{a.Retirement(), a.Haste()} {
		if notice != "" {
			all = append(all, notice)
		}
	}
	return all
}
