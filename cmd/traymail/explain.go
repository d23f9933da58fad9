package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
)

func (p *program) explainCommand() *cobra.Command {
	var name string
	c := p.reporting(&cobra.Command{
		Use:   "explain [TEXT]",
		Short: "Say what a refusal means and what mends it, from any program's log",
		Long: `Say what a refusal means, whose fault it is, whether it ends by itself, and what
mends it. TEXT may be pasted from any program's log: a reply of a server, an error
page's number, a stack trace, JSON. Without TEXT it is read from standard input.

Nothing leaves this computer, and what looks like a token or a password is not
repeated. --account puts the names of an account into the fixes.`,
		Example: `  traymail explain "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."
  journalctl -u backup | traymail explain
  traymail explain AADSTS7000215 --account invoices`,
		RunE: func(c *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if len(args) == 0 {
				if p.interactive() {
					fmt.Fprintln(p.stderr, "Paste the text, then end it with Ctrl+D (on Windows Ctrl+Z and Enter).")
				}
				all, err := io.ReadAll(io.LimitReader(p.stdin, refusals.MaxInput+1))
				if err != nil {
					return fmt.Errorf("reading the text: %w", err)
				}
				text = string(all)
			}
			if strings.TrimSpace(text) == "" {
				return &usageError{c, errors.New("there is no text to explain: give it as TEXT, or on standard input")}
			}
			var a *account.Account
			if name != "" {
				dir, err := p.accounts()
				if err != nil {
					return err
				}
				if a, err = dir.Load(name); err != nil {
					return err
				}
			}
			e := explain(text, a)
			if p.json {
				return p.printJSON(e)
			}
			p.printExplained(e)
			return nil
		},
	})
	c.Flags().StringVar(&name, "account", "", "whose names the fixes are to have")
	_ = c.RegisterFlagCompletionFunc("account", p.accountNames)
	return c
}

// An explanation is what a refusal means; its fields are a contract.
type explanation struct {
	ID        string         `json:"id"`
	Cause     string         `json:"cause"`
	Whose     refusals.Whose `json:"whose,omitempty"`
	Temporary bool           `json:"temporary"`
	FixAdmin  string         `json:"fix_admin"`
	FixUser   string         `json:"fix_user"`
	// FixAdminApplication and FixUserApplication are the fixes of an account that
	// signs in by itself, where they are others: without --account nobody knows
	// which one the text is about.
	FixAdminApplication string `json:"fix_admin_application,omitempty"`
	FixUserApplication  string `json:"fix_user_application,omitempty"`

	Link    string `json:"link"`
	Command string `json:"command,omitempty"`
	Takes   string `json:"takes,omitempty"`
	// Extract is the text's own words.
	Extract string `json:"extract,omitempty"`
}

// explained is the answer to a text: what caused it, and the rest of what is
// known. ID is "ambiguous", "unknown" or "none" where nothing is certain.
type explained struct {
	Verdict refusals.Verdict `json:"verdict"`
	explanation
	Also       []explanation `json:"also,omitempty"`       // further refusals in the text
	Candidates []explanation `json:"candidates,omitempty"` // of an ambiguous one
	Tell       string        `json:"tell,omitempty"`       // what would tell them apart
	Near       []explanation `json:"near,omitempty"`       // what an unknown one looks like
	Shortened  bool          `json:"shortened,omitempty"`  // the text's end was not read
}

func explain(text string, a *account.Account) explained {
	answer := refusals.Explain(text)
	out := explained{Verdict: answer.Verdict, Tell: answer.Tell, Shortened: answer.Shortened}
	out.ID, out.Extract = string(answer.Verdict), answer.Extract
	one := func(r refusals.Refusal, extract string) explanation {
		e := mailer.Named(r, a)
		out := explanation{ID: e.ID, Cause: e.Cause, Whose: e.Whose, Temporary: e.Temporary, FixAdmin: e.FixAdmin, FixUser: e.FixUser,
			Link: e.Link, Command: e.Command, Takes: e.Takes, Extract: extract}
		if a == nil {
			application := r.Filled(refusals.Names{}, true)
			if application.FixAdmin != e.FixAdmin {
				out.FixAdminApplication = application.FixAdmin
			}
			if application.FixUser != e.FixUser {
				out.FixUserApplication = application.FixUser
			}
		}
		return out
	}
	for i, f := range answer.Findings {
		if i == 0 {
			out.explanation = one(f.Refusal, f.Extract)
			continue
		}
		out.Also = append(out.Also, one(f.Refusal, f.Extract))
	}
	for _, r := range answer.Candidates {
		out.Candidates = append(out.Candidates, one(r, ""))
	}
	for _, r := range answer.Near {
		out.Near = append(out.Near, one(r, ""))
	}
	switch answer.Verdict {
	case refusals.Ambiguous:
		out.Cause = "several causes look like this"
	case refusals.Unknown:
		out.Cause = "this refusal is not in the catalogue"
	case refusals.None:
		out.Cause = "no refusal was found in the text"
	}
	return out
}

// printExplained prints an answer for people.
func (p *program) printExplained(e explained) {
	w := p.stdout
	if e.Shortened {
		fmt.Fprintln(p.stderr, "The text is longer than what is read; a part of it was left out.")
	}
	switch e.Verdict {
	case refusals.None:
		fmt.Fprintln(w, "No refusal was found in the text. Paste the lines in which the program says what went wrong.")
		return
	case refusals.Ambiguous:
		fmt.Fprintf(w, "%s\n", e.Extract)
		fmt.Fprintf(w, "Several causes look like this. %s\n", e.Tell)
		p.printEach("It may be", e.Candidates)
		return
	case refusals.Unknown:
		fmt.Fprintf(w, "%s\nThis refusal is not in the catalogue.\n", e.Extract)
		p.printEach("It looks similar to, and may be something else", e.Near)
		return
	}
	p.printExplanation(e.explanation)
	p.printEach("The text also has", e.Also)
}

func (p *program) printEach(title string, all []explanation) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(p.stdout, "\n%s:\n", title)
	for _, e := range all {
		fmt.Fprintln(p.stdout)
		p.printExplanation(e)
	}
}

// owners are how it is said who can end a refusal.
var owners = map[refusals.Whose]string{
	refusals.Administrator: "an administrator at the provider",
	refusals.User:          "whoever signs in",
	refusals.Setup:         "the settings of this account or tool",
	refusals.Network:       "the network of this computer",
	refusals.Provider:      "the provider; nothing to do here but wait",
	refusals.Message:       "whoever wrote the message",
}

func (p *program) printExplanation(e explanation) {
	fmt.Fprintf(p.stdout, "%s: %s\n", e.ID, e.Cause)
	line := func(title, text string) {
		if text != "" {
			fmt.Fprintf(p.stdout, "  %-14s %s\n", title, strings.ReplaceAll(text, "\n", "\n                 "))
		}
	}
	line("found", e.Extract)
	line("whose", cmp.Or(owners[e.Whose], string(e.Whose)))
	lasts := "no: somebody has to change something"
	if e.Temporary {
		lasts = "yes: the same may work later"
	}
	line("temporary", lasts)
	line("administrator", e.FixAdmin)
	line("user", e.FixUser)
	// Where nobody signs in, because an application does so by itself.
	if e.FixAdminApplication != "" {
		line("application", "administrator: "+e.FixAdminApplication)
	}
	if e.FixUserApplication != "" {
		line("application", "user: "+e.FixUserApplication)
	}
	line("command", e.Command)
	line("takes", e.Takes)
	line("page", e.Link)
}
