package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/keystore"
)

func (p *program) accountCommand() *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Add, list, show, change and remove accounts"}
	c.AddCommand(p.accountAdd(), p.accountLs(), p.accountShow(), p.accountEdit(), p.accountRm())
	return c
}

// An accountField is a field of an account as a flag.
type accountField struct {
	flag, help string
	of         func(*account.Account) *string
}

var accountFields = []accountField{
	{"provider", "provider: " + strings.Join(account.Providers(), ", "), func(a *account.Account) *string { return &a.Provider }},
	{"username", "address that signs in", func(a *account.Account) *string { return &a.Username }},
	{"sender", "address in From (default: the username)", func(a *account.Account) *string { return &a.Sender }},
	{"test-to", "where the test email goes (default: the sender)", func(a *account.Account) *string { return &a.TestTo }},
	{"tenant", "Directory (tenant) ID or domain (default: the username's domain)", func(a *account.Account) *string { return &a.Tenant }},
	{"client-id", "Application (client) ID", func(a *account.Account) *string { return &a.ClientID }},
	{"registration", "public (Mobile and desktop applications) or web (redirect URL and client secret)", func(a *account.Account) *string { return (*string)(&a.Registration) }},
	{"redirect-url", "redirect URL as registered (default: " + account.PublicRedirectURL + ", or " + account.WebRedirectURL + " for web)", func(a *account.Account) *string { return &a.RedirectURL }},
	{"authority-url", "sign-in address of another cloud", func(a *account.Account) *string { return &a.AuthorityURL }},
	{"graph-url", "Microsoft Graph's address in another cloud", func(a *account.Account) *string { return &a.GraphURL }},
	{"smtp-scope", "scope of the token for SMTP, in full", func(a *account.Account) *string { return &a.SMTPScope }},
	{"graph-scope", "scope of the token for Graph, in full", func(a *account.Account) *string { return &a.GraphScope }},
	{"smtp-host", "submission server", func(a *account.Account) *string { return &a.SMTPHost }},
	{"smtp-tls", "starttls, implicit, or none (this machine only, without authentication)", func(a *account.Account) *string { return (*string)(&a.SMTPTLS) }},
	{"notice-to", "who gets the bounces that their sender cannot receive", func(a *account.Account) *string { return &a.NoticeTo }},
	{"from", "what happens to messages from others than the sender: keep, force or rewrite", func(a *account.Account) *string { return (*string)(&a.From) }},
	{"secret-expires", "day on which the client secret ends, as 2027-01-31", func(a *account.Account) *string { return &a.SecretExpires }},
	{"ca-file", "PEM certificates to trust instead of the system's", func(a *account.Account) *string { return &a.CAFile }},
}

// accountNumbers are the fields that are numbers; 0 brings back the default.
var accountNumbers = []struct {
	flag, help string
	of         func(*account.Account) *int
}{
	{"smtp-port", "the server's port", func(a *account.Account) *int { return &a.SMTPPort }},
	{"messages-per-minute", "pace of delivery", func(a *account.Account) *int { return &a.MessagesPerMinute }},
	{"sessions", "sessions at the same time", func(a *account.Account) *int { return &a.Sessions }},
	{"recipients-per-day", "recipients in 24 hours", func(a *account.Account) *int { return &a.RecipientsPerDay }},
	{"recipients-per-message", "recipients of one message; longer lists are split", func(a *account.Account) *int { return &a.RecipientsPerMessage }},
	{"max-size-mb", "largest message, in MiB", func(a *account.Account) *int { return &a.MaxSizeMB }},
}

const (
	onBehalfFlag = "on-behalf"
	sendersFlag  = "senders"
)

func registerFields(c *cobra.Command) {
	for _, f := range accountFields {
		c.Flags().String(f.flag, "", f.help)
	}
	for _, f := range accountNumbers {
		c.Flags().Int(f.flag, 0, f.help)
	}
	c.Flags().Bool(onBehalfFlag, false, "name the username in the Sender field of messages from others (Send on Behalf)")
	c.Flags().StringSlice(sendersFlag, nil, "addresses, and domains as @contoso.com, whose messages go through this account")
	for flag, values := range map[string][]string{
		"provider":     account.Providers(),
		"registration": {string(account.Public), string(account.Web)},
		"from":         {string(account.KeepFrom), string(account.ForceFrom), string(account.RewriteFrom)},
		"smtp-tls":     {string(account.STARTTLS), string(account.ImplicitTLS), string(account.NoTLS)},
	} {
		// It fails for an unknown flag only, and these stand above.
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = c.MarkFlagFilename("ca-file")
}

// accountNames completes the names of the accounts. It needs no secrets, and so
// no keystore.
func (p *program) accountNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if dir, err := p.accounts(); err == nil && len(args) == 0 {
		names, _ := dir.Names()
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// setFields puts the flags that were given into an account and reports whether
// there was one. What other fields follow from comes first, so that a flag has
// the last word.
func setFields(c *cobra.Command, a *account.Account) (any bool) {
	former := *a
	set := func(f accountField) {
		if v := c.Flags().Lookup(f.flag); v.Changed {
			*f.of(a) = v.Value.String()
			any = true
		}
	}
	for _, f := range accountFields {
		if f.flag == "username" || f.flag == "registration" {
			set(f)
		}
	}
	a.Follow(former)
	for _, f := range accountFields {
		set(f)
	}
	for _, f := range accountNumbers {
		if c.Flags().Changed(f.flag) {
			*f.of(a), _ = c.Flags().GetInt(f.flag)
			any = true
		}
	}
	if c.Flags().Changed(onBehalfFlag) {
		a.OnBehalf, _ = c.Flags().GetBool(onBehalfFlag)
		any = true
	}
	if c.Flags().Changed(sendersFlag) {
		a.Senders, _ = c.Flags().GetStringSlice(sendersFlag)
		any = true
	}
	if c.Flags().Changed("ca-file") && a.CAFile != "" {
		if path, err := filepath.Abs(a.CAFile); err == nil {
			a.CAFile = path // what the person sees from here, wherever traymail runs
		}
	}
	return any
}

// secretFlags say where a client secret comes from; it is never an argument.
type secretFlags struct {
	stdin bool
	file  string
}

func (s *secretFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&s.stdin, "secret-stdin", false, "read the client secret from standard input")
	c.Flags().StringVar(&s.file, "secret-file", "", "read the client secret from a file")
	c.MarkFlagsMutuallyExclusive("secret-stdin", "secret-file")
}

func (s *secretFlags) given() bool { return s.stdin || s.file != "" }

// read returns the client secret; ask says whether to ask for it when no flag
// names its source and a person sits at the terminal.
func (s *secretFlags) read(ctx context.Context, p *program, ask bool) (keystore.Secret, error) {
	var from io.Reader
	switch {
	case s.file != "":
		f, err := os.Open(s.file)
		if err != nil {
			return "", &account.FieldError{Key: "--secret-file", Text: err.Error(), Fix: "give the path of a readable file, or use --secret-stdin"}
		}
		defer f.Close()
		from = f
	case s.stdin:
		from = p.stdin
	case ask && p.interactive():
		return p.askSecret(ctx, "Client secret (the Value, not the Secret ID): ")
	default:
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(bufio.NewReader(from), 64<<10))
	if err != nil {
		return "", fmt.Errorf("reading the client secret: %w", err)
	}
	v := strings.TrimSpace(string(b))
	if v == "" {
		return "", &account.FieldError{Key: "client secret", Text: "the client secret is empty", Fix: "copy the secret's Value, which the portal shows once, right after it was made"}
	}
	return keystore.Secret(v), nil
}

func (p *program) accountAdd() *cobra.Command {
	var secret secretFlags
	c := &cobra.Command{
		Use:   "add ACCOUNT --username ADDRESS --client-id ID",
		Short: "Add an account",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			a := account.New(args[0])
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			switch _, err := dir.Load(a.Name); {
			case err == nil:
				return &account.FieldError{Key: "name", Text: fmt.Sprintf("there is an account %s already", a.Name), Fix: "choose another name, or change it: traymail account edit " + a.Name}
			case !errors.Is(err, account.ErrNotFound):
				return err
			}
			setFields(c, a)
			if err := a.Validate(); err != nil {
				return err
			}
			v, err := secret.read(c.Context(), p, a.Registration == account.Web)
			if err != nil {
				return err
			}
			if err := m.Save(c.Context(), *a, v); err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "Account %s is saved. Register the redirect URL %s, then sign in: traymail login %s\n", a.Name, a.RedirectURL, a.Name)
			return p.showSaved(c, m, a.Name)
		}),
	}
	p.reporting(c)
	registerFields(c)
	secret.register(c)
	return c
}

func (p *program) accountEdit() *cobra.Command {
	var secret secretFlags
	c := &cobra.Command{
		Use:               "edit ACCOUNT --FIELD VALUE...",
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
			if !setFields(c, a) && !secret.given() {
				return &usageError{c, errors.New("nothing to change: name a field, such as --sender")}
			}
			v, err := secret.read(c.Context(), p, false)
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
			if before.SignedIn && !after.SignedIn {
				fmt.Fprintf(p.stderr, "Its sign-in has ended, because it was for the former settings. Sign in: traymail login %s\n", a.Name)
			}
			return p.showSaved(c, m, a.Name)
		}),
	}
	p.reporting(c)
	registerFields(c)
	secret.register(c)
	return c
}

// showSaved prints an account that was just saved, where JSON is wanted.
func (p *program) showSaved(c *cobra.Command, m mailer.Program, name string) error {
	if !p.json {
		return nil
	}
	return p.showAccount(c, m, name)
}

func (p *program) accountLs() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "ls",
		Short: "List the accounts",
		Args:  usage(cobra.NoArgs),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, _ []string) error {
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			names, err := dir.Names()
			if err != nil {
				return err
			}
			rows := []accountRow{}
			for _, name := range names {
				rows = append(rows, p.accountRow(c, m, name))
			}
			if p.json {
				return p.printJSON(rows)
			}
			if len(rows) == 0 {
				fmt.Fprintln(p.stderr, "There is no account. Add one: traymail account add ACCOUNT --username ADDRESS --client-id ID")
				return nil
			}
			w := p.table("ACCOUNT", "USERNAME", "SENDER", "SIGN-IN")
			for _, r := range rows {
				w.row(r.Name, r.Username, r.Sender, r.SignIn)
			}
			w.end()
			return nil
		}),
	})
}

type accountRow struct {
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
	Sender   string `json:"sender,omitempty"`
	SignIn   string `json:"sign_in"`
}

// accountRow describes one account; what is wrong with it is part of the row,
// so that one broken file does not hide the others.
func (p *program) accountRow(c *cobra.Command, m mailer.Program, name string) accountRow {
	a, secrets, err := m.Account(c.Context(), name)
	row := accountRow{Name: name, Username: a.Username, Sender: a.Sender, SignIn: "signed in"}
	switch {
	case err != nil:
		row.SignIn = oneLine(err)
	case !secrets.SignedIn:
		row.SignIn = "sign in: traymail login " + name
	}
	return row
}

func (p *program) accountShow() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:               "show ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Show an account, without its secrets",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			if p.json {
				return p.showAccount(c, m, args[0])
			}
			a, secrets, err := m.Account(c.Context(), args[0])
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
			for _, f := range [][2]string{
				{"account", a.Name}, {"provider", a.Provider}, {"username", a.Username}, {"sender", a.Sender}, {"test_to", a.TestTo},
				{"tenant", a.Tenant}, {"client_id", a.ClientID}, {"registration", string(a.Registration)}, {"redirect_url", a.RedirectURL},
				{"client secret", stored(secrets.ClientSecret)}, {"refresh token", stored(secrets.SignedIn)},
				{"server", fmt.Sprintf("%s:%d %s", a.SMTPHost, a.SMTPPort, a.SMTPTLS)}, {"authority_url", a.AuthorityURL},
				{"smtp_scope", a.SMTPScope}, {"graph_url", a.GraphURL}, {"graph_scope", a.GraphScope}, {"ca_file", a.CAFile},
				{"notice_to", a.NoticeTo}, {"from", string(a.From)}, {"on_behalf", onlyTrue(a.OnBehalf)}, {"senders", strings.Join(a.Senders, ", ")}, {"secret_expires", a.SecretExpires},
				{"limits", fmt.Sprintf("%d messages a minute, %d sessions, %d recipients a day, %d a message, %d MiB a message",
					a.MessagesPerMinute, a.Sessions, a.RecipientsPerDay, a.RecipientsPerMessage, a.MaxSizeMB)},
			} {
				if f[1] != "" {
					fmt.Fprintf(w, "%s\t%s\n", f[0], f[1])
				}
			}
			return w.Flush()
		}),
	})
}

// showAccount prints an account as JSON.
func (p *program) showAccount(c *cobra.Command, m mailer.Program, name string) error {
	a, secrets, err := m.Account(c.Context(), name)
	if err != nil {
		return err
	}
	return p.printJSON(struct {
		account.Account
		Secrets mailer.Secrets `json:"secrets"`
	}{a, secrets})
}

func onlyTrue(is bool) string {
	if is {
		return "true"
	}
	return ""
}

func stored(is bool) string {
	if is {
		return "stored"
	}
	return "none"
}

func (p *program) accountRm() *cobra.Command {
	return &cobra.Command{
		Use:               "rm ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Remove an account with its secrets",
		Args:              usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			if err := m.Remove(c.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "Account %s is removed, with its secrets.\n", args[0])
			return nil
		}),
	}
}

func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // replies and message IDs are full of angle brackets
	return e.Encode(v)
}
