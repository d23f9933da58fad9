package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

func (p *program) accountExport() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:               "export [ACCOUNT...]",
		ValidArgsFunction: p.accountNames,
		Short:             "Print accounts without their secrets, for 'account import' on another machine",
		Long:              "Print accounts, all of them when none is named, as TOML, or with --json as JSON. Secrets stay in the keychain.",
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				if args, err = dir.Names(); err != nil {
					return err
				}
			}
			var all []account.Account
			for _, name := range args {
				a, err := dir.Load(name)
				if err != nil {
					return err
				}
				all = append(all, *a)
			}
			export := account.ExportTOML
			if p.json {
				export = account.ExportJSON
			}
			data, err := export(all)
			if err == nil {
				_, err = p.stdout.Write(data)
			}
			return err
		},
	})
}

// maxImport is how much an import reads; an account has no kilobyte.
const maxImport = 4 << 20

func (p *program) accountImport() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "import FILE",
		Short: "Add the accounts that 'account export' printed, TOML or JSON; - reads standard input",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			var data []byte
			var err error
			if args[0] == "-" {
				data, err = io.ReadAll(io.LimitReader(p.stdin, maxImport))
			} else {
				data, err = os.ReadFile(args[0])
			}
			if err != nil {
				return &account.FieldError{Text: err.Error(), Fix: "give the path of a file that 'traymail account export' wrote, or - for standard input"}
			}
			accounts, err := account.Import(data)
			if field, ok := errors.AsType[*account.FieldError](err); ok {
				field.File = args[0]
				if args[0] == "-" {
					field.File = "standard input"
				}
			}
			if err != nil {
				return err
			}
			for _, a := range accounts {
				if err := p.unused(a.Name); err != nil {
					return err // before any of them is saved
				}
			}
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			for i := range accounts {
				if err := dir.Save(&accounts[i]); err != nil {
					return err
				}
			}
			rows := []accountRow{}
			for _, a := range accounts {
				row := p.accountRow(c, m, a.Name)
				rows = append(rows, row)
				fmt.Fprintf(p.stderr, "Account %s is added. Next: %s\n", a.Name, row.SignIn)
			}
			if p.json {
				return p.printJSON(rows)
			}
			return nil
		}),
	})
}
