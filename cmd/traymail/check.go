package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gen2brain/beeep"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
)

func (p *program) checkCommand() *cobra.Command {
	var o checks.Options
	c := p.reporting(&cobra.Command{
		Use:               "check ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Check every part of an account's setup, and say what mends what is wrong",
		Long: `Check every part of an account's setup, in order: settings, names, ports, TLS,
clock, tenant, app registration, secret, tokens, who signed in, licence, SMTP AUTH,
Send As or Send on Behalf, the test email, and the renewal of the sign-in. What
fails comes with its cause, the page where it is mended, and the command.

The test email is sent, to the account's test address; --no-send leaves it out.
What an administrator just granted takes minutes to hours: --wait tries what fails
again for so long, and then tells you, also by a notification of the desktop.

The exit code is 0 when nothing failed, 75 when all that failed ends by itself,
and 1 otherwise.`,
		Example: `  traymail check invoices
  traymail check invoices --wait 1h
  traymail check invoices --no-send --json`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: p.with(func(c *cobra.Command, m mailer.Program, args []string) error {
			if o.Wait < 0 {
				return &usageError{c, fmt.Errorf("--wait: %v is over before it begins", o.Wait)}
			}
			told := p.tellChecks()
			if p.json {
				told = nil
			}
			all, err := m.Check(c.Context(), args[0], o, told)
			if err != nil {
				return err
			}
			if p.json {
				if err := p.printJSON(append([]checks.Result{}, all...)); err != nil {
					return err
				}
			}
			return p.concludeChecks(args[0], all, o)
		}),
	})
	c.Flags().BoolVar(&o.NoSend, "no-send", false, "send no test email")
	c.Flags().DurationVar(&o.Wait, "wait", 0, "how long to try again what fails, such as 15m or 2h")
	p.wireFlag(c)
	return c
}

// A checkError is what failed, of checks whose results are told already.
type checkError struct {
	account string
	failed  []checks.Result
}

func (e *checkError) Error() string {
	first := e.failed[0]
	text := fmt.Sprintf("account %s: %s failed: %s", e.account, first.ID, first.Summary)
	if n := len(e.failed) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// fix is what to do about the first failure.
func (e *checkError) fix() string { return e.failed[0].Fix }

// temporary reports whether all failures end by themselves.
func (e *checkError) temporary() bool {
	for _, r := range e.failed {
		if known, ok := refusals.Find(r.Finding); !ok || !known.Temporary {
			return false
		}
	}
	return true
}

// concludeChecks says how it went, and fails when something failed.
func (p *program) concludeChecks(name string, all []checks.Result, o checks.Options) error {
	var failed []checks.Result
	warned := 0
	for _, r := range all {
		switch r.Status {
		case checks.Fail:
			failed = append(failed, r)
		case checks.Warn:
			warned++
		}
	}
	var err error
	end := "Everything works."
	switch {
	case len(failed) > 0:
		err, end = &checkError{name, failed}, "check failed: "+failed[0].ID
	case slices.ContainsFunc(all, func(r checks.Result) bool { return r.Finding == "unknown-outcome" }):
		end = "Nothing is known to be wrong, and whether the test email was sent is not known."
	case o.NoSend && warned == 0:
		end = "Everything works, as far as can be told without a message."
	case o.NoSend:
		end = fmt.Sprintf("Nothing failed, as far as can be told without a message; %s.", count(warned, "note"))
	case warned > 0:
		end = fmt.Sprintf("It works; %s.", count(warned, "note"))
	}
	if o.Wait > 0 {
		p.notify("traymail: "+name, end)
	}
	if err == nil && !p.json {
		fmt.Fprintln(p.stdout, end)
	}
	return err
}

func count(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y"):
		what = strings.TrimSuffix(what, "y") + "ies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// notify calls somebody who looks elsewhere: by the terminal's bell and, where
// there is a desktop, by its notification. Where there is none nothing is lost.
// The text is the program's own and nothing that a server said: on Windows it may
// go through a script.
func (p *program) notify(title, text string) {
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(f, "\a")
	}
	beeep.AppName = "traymail"
	_ = beeep.Notify(title, text, "")
}

// signs are how a status is printed.
var signs = map[checks.Status]string{checks.Pass: "ok", checks.Warn: "note", checks.Fail: "FAILED", checks.Skip: "-"}

// tellChecks returns what prints each result as it comes. A check that is tried
// again is printed whole at first, and then by a line.
func (p *program) tellChecks() func(checks.Result) {
	before := map[string]checks.Result{}
	return func(r checks.Result) {
		last, again := before[r.ID]
		before[r.ID] = r
		if again && r.Status == checks.Skip && last.Status == checks.Skip {
			return
		}
		if again && r.Status == checks.Fail && last.Finding == r.Finding && last.Summary == r.Summary {
			if w := r.Waiting; w != nil {
				note := ""
				if w.Note != "" {
					note = "; " + w.Note
				}
				fmt.Fprintf(p.stderr, "        waiting since %s, %s, next at %s%s%s\n", clockTime(w.Since), count(w.Tries, "try"), clockTime(w.Next), usually(r), note)
			}
			return
		}
		p.printCheck(r)
	}
}

func clockTime(t time.Time) string { return t.Local().Format(time.TimeOnly) }

func usually(r checks.Result) string {
	if r.Takes == "" {
		return ""
	}
	return "; it usually takes " + r.Takes
}

// printCheck prints one result: a line, and for what deserves a look all that
// is known of it.
func (p *program) printCheck(r checks.Result) {
	fmt.Fprintf(p.stdout, "%-7s %-16s %s\n", signs[r.Status], r.ID, r.Summary)
	if r.Status == checks.Pass && r.ID == checks.SendAs && r.Detail != "" {
		fmt.Fprintf(p.stdout, "        %-10s %s\n", "means", r.Detail) // what recipients see
	}
	if r.Status != checks.Fail && r.Status != checks.Warn {
		return
	}
	line := func(title, text string) {
		if text != "" {
			fmt.Fprintf(p.stdout, "        %-10s %s\n", title, strings.ReplaceAll(text, "\n", "\n                   "))
		}
	}
	line("means", r.Detail)
	line("server", r.Reply)
	line("fix", r.Fix)
	line("page", r.Link)
	line("command", r.Command)
	line("verify", r.Verify)
	if r.Status == checks.Fail {
		line("takes", r.Takes)
	}
}
