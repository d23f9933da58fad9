package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// A saving is the part that adding and changing an account have in common.
type saving struct {
	secret  secretFlags
	quickly bool // without trying whether it works
}

func (s *saving) register(c *cobra.Command) {
	registerFields(c)
	s.secret.register(c)
	c.Flags().BoolVar(&s.quickly, "no-validate", false, "do not try at once whether an application, or a password, can sign in")
}

func (p *program) accountAdd() *cobra.Command {
	var s saving
	c := &cobra.Command{
		Use:     "add ACCOUNT [flags]",
		Short:   "Add an account",
		Example: accountExamples,
		Long: `Add an account. A person signs in to it afterwards, with traymail login. An
application (--sign-in app-only) and a password sign in by themselves, and that is
tried at once; the account is saved all the same.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			a := account.New(args[0])
			if err := p.unused(a.Name); err != nil {
				return err
			}
			if _, err := setFields(c, a); err != nil {
				return err
			}
			if err := a.Validate(); err != nil {
				return err
			}
			v, err := s.secret.read(c.Context(), p, a, true)
			if err != nil {
				return err
			}
			if err := m.Save(c.Context(), *a, v); err != nil {
				return err
			}
			if a.SignIn == account.BrowserSignIn {
				register := " Register the redirect URL " + a.RedirectURL + ", then sign in"
				if a.Provider == account.Google && a.Registration == account.Public {
					register = " Sign in" // desktop apps have nothing to register
				}
				fmt.Fprintf(p.stderr, "Account %s is saved.%s: traymail login %s\n", a.Name, register, a.Name)
			} else {
				fmt.Fprintf(p.stderr, "Account %s is saved.\n", a.Name)
			}
			if err := p.tellSaved(c, m, a.Name, v != ""); err != nil {
				return err
			}
			if a.SignIn == account.BrowserSignIn {
				return p.showSaved(c, m, a.Name)
			}
			return s.conclude(c, p, m, a)
		}),
	}
	p.reporting(c)
	s.register(c)
	inGroups(c)
	return c
}

// unused returns an error when there is an account of that name.
func (p *program) unused(name string) error {
	dir, err := p.accounts()
	if err != nil {
		return err
	}
	switch _, err := dir.Load(name); {
	case err == nil:
		return &account.FieldError{Key: "name", Text: fmt.Sprintf("there is an account %s already", name), Fix: "choose another name, or change it: traymail account edit " + name}
	case !errors.Is(err, account.ErrNotFound):
		return err
	}
	return nil
}

func (p *program) accountEdit() *cobra.Command {
	var s saving
	c := &cobra.Command{
		Use:               "edit ACCOUNT --FIELD VALUE... [flags]",
		ValidArgsFunction: p.accountNames,
		Short:             "Change fields of an account",
		Long:              "Change fields of an account. An empty value brings back a field's default.",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			a, err := dir.Load(args[0])
			if err != nil {
				return err
			}
			former := *a
			changed, err := setFields(c, a)
			switch {
			case err != nil:
				return err
			case !changed && !s.secret.given():
				return &usageError{c, fmt.Errorf("nothing to change: name a field, such as --sender; to try whether it signs in: traymail account validate %s", a.Name)}
			}
			if err := a.Validate(); err != nil {
				return err
			}
			v, err := s.secret.read(c.Context(), p, a, false)
			if err != nil {
				return err
			}
			_, before, err := m.Account(c.Context(), a.Name)
			if err != nil {
				return err
			}
			if err := m.Save(c.Context(), *a, v); err != nil {
				return err
			}
			_, after, err := m.Account(c.Context(), a.Name)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "Account %s is saved.\n", a.Name)
			if err := p.tellSaved(c, m, a.Name, v != ""); err != nil {
				return err
			}
			added := more(asksFor(a), asksFor(&former))
			switch {
			case a.SignIn != account.BrowserSignIn:
				return s.conclude(c, p, m, a)
			case after.SignedIn && len(added) > 0:
				fmt.Fprintf(p.stderr, "Its sign-in was for less than it asks for now (%s). Sign in again: traymail login %s\n", strings.Join(added, " "), a.Name)
			case before.SignedIn && !after.SignedIn:
				fmt.Fprintf(p.stderr, "Its sign-in has ended, because it was for the former settings. Sign in: traymail login %s\n", a.Name)
			}
			return p.showSaved(c, m, a.Name)
		}),
	}
	p.reporting(c)
	s.register(c)
	inGroups(c)
	return c
}

// asksFor are the permissions that a person's sign-in is for.
func asksFor(a *account.Account) []string {
	scopes := strings.Fields(a.GraphScope)
	if a.SendsOver(account.SMTP) {
		scopes = append(scopes, strings.Fields(a.SMTPScope)...)
	}
	return scopes
}

// more returns what the one has and the other has not.
func more(now, before []string) []string {
	return slices.DeleteFunc(now, func(s string) bool { return slices.Contains(before, s) })
}

// conclude tries whether an account that nobody signs in to works, and tells
// what its person has to know.
func (s *saving) conclude(c *cobra.Command, p *program, m mailer.Program, a *account.Account) error {
	if s.secret.public != "" {
		s.secret.tellMade(p, a) // it cannot work before the upload
		if err := p.tellWaiting(c, m, a.Name); err != nil {
			return err
		}
		return p.showSaved(c, m, a.Name)
	}
	if s.quickly {
		return p.showSaved(c, m, a.Name)
	}
	v, err := m.Validate(c.Context(), a.Name)
	if err != nil {
		return fmt.Errorf("the account is saved, but it cannot sign in yet: %w", err)
	}
	fmt.Fprintf(p.stderr, "It signed in: %s at %s. Send a test email: traymail test %s\n", v.Mailbox, v.Server, a.Name)
	p.tellWarnings(v)
	if err := p.tellWaiting(c, m, a.Name); err != nil {
		return err
	}
	return p.showSaved(c, m, a.Name)
}

// showSaved prints an account that was just saved, where JSON is wanted.
func (p *program) showSaved(c *cobra.Command, m mailer.Program, name string) error {
	if !p.json {
		return nil
	}
	return p.showAccount(c, m, name)
}
