package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

func (p *program) accountCommand() *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Add, list, show, change, try, remove, export and import accounts"}
	c.AddCommand(p.accountAdd(), p.accountLs(), p.accountShow(), p.accountEdit(), p.accountValidate(), p.accountRm(), p.accountExport(), p.accountImport())
	return c
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
				fmt.Fprintln(p.stderr, "There is no account. Add one: traymail account add ACCOUNT --username ADDRESS --client-id ID (more ways: traymail account add --help)")
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
	Label    string `json:"label,omitempty"`
	Username string `json:"username,omitempty"`
	Sender   string `json:"sender,omitempty"`
	SignIn   string `json:"sign_in"`
}

// accountRow describes one account; what is wrong with it is part of the row,
// so that one broken file does not hide the others.
func (p *program) accountRow(c *cobra.Command, m mailer.Program, name string) accountRow {
	a, secrets, err := m.Account(c.Context(), name)
	row := accountRow{Name: name, Label: a.Label, Username: a.Username, Sender: a.Sender}
	if err != nil {
		row.SignIn = oneLine(err)
		return row
	}
	row.SignIn = signInState(a, secrets)
	return row
}

// signInState says whether an account has what it signs in with, and what to do
// when it has not.
func signInState(a account.Account, s mailer.Secrets) string {
	missing := "store its client secret: traymail account edit " + a.Name + " --secret-stdin"
	switch {
	case a.SignIn == account.BrowserSignIn && s.SignedIn:
		return "signed in"
	case a.SignIn == account.BrowserSignIn && a.HasClientSecret() && !s.ClientSecret:
		return missing
	case a.SignIn == account.BrowserSignIn:
		return "sign in: traymail login " + a.Name
	case a.Credential == account.FederatedCredential:
		return "application, federated"
	case s.CertificateWaiting != nil:
		return "application, certificate; a new one waits to be uploaded"
	case s.Certificate:
		return "application, certificate"
	case a.Credential == account.CertificateCredential:
		return "store its certificate: traymail account edit " + a.Name + " --certificate FILE"
	case s.Password:
		return "password"
	case a.SignIn == account.PasswordSignIn:
		return "store its password: traymail account edit " + a.Name + " --secret-stdin"
	case s.ClientSecret:
		return "application, client secret"
	}
	return missing
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
				{"account", a.Name}, {"label", a.Label}, {"provider", a.Provider}, {"sign_in", string(a.SignIn)}, {"transport", string(a.Transport)},
				{"username", a.Username}, {"sender", a.Sender}, {"mailbox", string(a.Mailbox)}, {"test_to", a.TestTo},
				{"tenant", a.Tenant}, {"client_id", a.ClientID}, {"registration", string(a.Registration)}, {"redirect_url", a.RedirectURL},
				{"credential", string(a.Credential)}, {"assertion_file", a.AssertionFile}, {"object_id", a.ObjectID}, {"secret_expires", a.SecretExpires},
				{"certificate", certificateLine(secrets.CertificateInUse)}, {"new certificate", certificateLine(secrets.CertificateWaiting)},
				{"state", signInState(a, secrets)}, {"notice", strings.Join(notices(a), "; ")},
				{"server", serverOf(a)}, {"timeout", seconds(a.Timeout)}, {"smtp_scope", a.SMTPScope}, {"graph_url", a.GraphURL}, {"graph_scope", a.GraphScope}, {"skip_sent_items", onlyTrue(a.SkipSentItems)},
				{"authority_url", a.AuthorityURL}, {"authorize_url", a.AuthorizeURL}, {"token_url", a.TokenURL}, {"device_url", a.DeviceURL},
				{"jwks_url", a.JWKSURL}, {"issuer", a.Issuer}, {"ca_file", a.CAFile},
				{"notice_to", a.NoticeTo}, {"from", string(a.From)}, {"on_behalf", onlyTrue(a.OnBehalf)}, {"senders", strings.Join(a.Senders, ", ")},
				{"limits", fmt.Sprintf("%d messages a minute, %d sessions%s, %d recipients a day, %d a message, %d MiB a message",
					a.MessagesPerMinute, a.Sessions, pipelining(a), a.RecipientsPerDay, a.RecipientsPerMessage, a.MaxSizeMB)},
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

// pipelining is how many messages share a session, where it is more than one.
func pipelining(a account.Account) string {
	if a.PipelineDepth < 2 {
		return ""
	}
	return fmt.Sprintf(" with %d messages at once on each", a.PipelineDepth)
}

func serverOf(a account.Account) string {
	if !a.SendsOver(account.SMTP) {
		return ""
	}
	return fmt.Sprintf("%s:%d %s %s", a.SMTPHost, a.SMTPPort, a.SMTPTLS, a.SMTPAuth)
}

func seconds(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d s", n)
}

// certificateLine is what the portal shows of a certificate.
func certificateLine(c *mailer.Certificate) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("thumbprint (SHA-1) %s, SHA-256 %s, good until %s", c.SHA1, c.SHA256, c.Ends)
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
