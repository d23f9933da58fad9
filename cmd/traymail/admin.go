package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/admin"
)

// An adminRun is one run of the administrator's help.
type adminRun struct {
	account account.Account
	options admin.Options
	timeout time.Duration
	open    func(address string) error // shows a page to an administrator
}

func (p *program) adminCommand() *cobra.Command {
	var run adminRun
	var script, verify, verifyGraph, consent, grants, yes bool
	c := p.reporting(&cobra.Command{
		Use:               "admin ACCOUNT",
		ValidArgsFunction: p.accountNames,
		Short:             "Show what an administrator does at the provider for an account",
		Long: `Show what an administrator does at the provider for an account: the portal's
pages in order, the PowerShell with the account's own names and IDs in it, what
shows that it worked, who may do it and how long it takes.

--script prints the PowerShell alone, to be saved as a .ps1 file (it is ASCII)
and run; it may be run again, and ends with the lines that only look. --verify
prints these alone. What only Microsoft Graph PowerShell can show is in
--verify-graph: its module and Exchange's conflict in one window of PowerShell.

--consent opens the admin consent page and receives its answer; for an
application the redirect URL http://localhost must be registered under Mobile
and desktop applications.

--grant lets the username send on behalf of the sender, after you agreed: by the
account's own rights or, where it has none, by those of an administrator of
Exchange who signs in for it in the browser. It needs the delegated permission
Exchange.ManageV2 of Office 365 Exchange Online in the app registration.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := p.accounts()
			if err != nil {
				return err
			}
			a, err := dir.Load(args[0])
			if err != nil {
				return err
			}
			run.account = *a
			switch {
			case grants:
				return p.grantSendOnBehalf(c.Context(), grant{a.Name, yes})
			case consent:
				run.open = p.openConsent
				return p.askConsent(c.Context(), run)
			case script:
				return p.printScript(run, admin.Script)
			case verify:
				return p.printScript(run, admin.VerifyScript)
			case verifyGraph:
				return p.printScript(run, admin.VerifyGraphScript)
			}
			return p.printSteps(run)
		},
	})
	f := c.Flags()
	f.BoolVar(&script, "script", false, "print the PowerShell alone, as a script")
	f.BoolVar(&verify, "verify", false, "print the PowerShell that shows what is done, and changes nothing")
	f.BoolVar(&verifyGraph, "verify-graph", false, "the same for what only Microsoft Graph PowerShell shows, in a window of its own")
	f.BoolVar(&run.options.RBAC, "rbac", false, "permit an application by Exchange's roles for some mailboxes (App RBAC)")
	f.BoolVar(&consent, "consent", false, "open the admin consent page and receive its answer")
	f.BoolVar(&grants, "grant", false, "let the username send on behalf of the sender, after a question")
	f.BoolVar(&yes, "yes", false, "agree to what --grant asks")
	f.DurationVar(&run.timeout, "timeout", 5*time.Minute, "how long the browser may take, with --consent")
	f.StringVar(&run.options.TenantID, "tenant", "", "Directory (tenant) ID (default: the account's)")
	c.MarkFlagsMutuallyExclusive("script", "verify", "verify-graph", "consent", "grant")
	for _, text := range []string{"script", "verify", "verify-graph"} {
		c.MarkFlagsMutuallyExclusive(text, "json")
	}
	c.MarkFlagsMutuallyExclusive("rbac", "consent") // App RBAC has no permission to consent to
	return c
}

// steps are the account's; a way that it cannot go is explained.
func (r *adminRun) steps() ([]admin.Step, error) {
	steps, err := admin.Steps(r.account, r.options)
	if errors.Is(err, admin.ErrNoRBAC) {
		return nil, &account.FieldError{Text: fmt.Sprintf("account %s cannot use App RBAC: it is no application of Microsoft 365 that signs in without a person", r.account.Name),
			Fix: "leave --rbac out: traymail admin " + r.account.Name}
	}
	return steps, err
}

func (p *program) printSteps(r adminRun) error {
	steps, err := r.steps()
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(steps)
	}
	_, err = fmt.Fprint(p.stdout, admin.Text(r.account, steps))
	return err
}

func (p *program) printScript(r adminRun, print func(account.Account, []admin.Step) string) error {
	steps, err := r.steps()
	if err != nil {
		return err
	}
	text := print(r.account, steps)
	if text == "" {
		return &account.FieldError{Text: fmt.Sprintf("there is nothing to run for account %s: what it needs is on the provider's pages", r.account.Name),
			Fix: "see them: traymail admin " + r.account.Name}
	}
	_, err = fmt.Fprint(p.stdout, text)
	return err
}

// askConsent opens the account's consent pages one after the other.
func (p *program) askConsent(ctx context.Context, r adminRun) error {
	consents := admin.Consents(r.account, r.options)
	if len(consents) == 0 {
		return &account.FieldError{Text: fmt.Sprintf("account %s needs no admin consent", r.account.Name), Fix: "see what it needs: traymail admin " + r.account.Name}
	}
	redirect := admin.ConsentRedirect(r.account)
	if r.account.SignIn == account.AppOnly {
		fmt.Fprintf(p.stderr, "The redirect URL %s must be registered: Authentication → Add a platform → Mobile and desktop applications.\n", redirect)
	}
	outcome := consentOutcome{Account: r.account.Name, Granted: []grantedConsent{}, Next: "traymail test " + r.account.Name}
	if r.account.SignIn == account.BrowserSignIn {
		outcome.Next = "traymail login " + r.account.Name
	}
	for i, consent := range consents {
		hint := "Go on with: " + outcome.Next
		if i < len(consents)-1 {
			hint = "One more page comes, for " + consents[i+1].For + "."
		}
		ask := authcode.Consent{ClientID: r.account.ClientID, RedirectURL: redirect, Link: consent.Link, Next: hint, Timeout: r.timeout}
		granted, err := ask.Ask(ctx, r.open)
		if err != nil {
			err = explainConsent(err, r.account, consent)
			if p.json && len(outcome.Granted) > 0 {
				return errors.Join(p.printJSON(outcome), err)
			}
			return err
		}
		got := grantedConsent{For: consent.For, Scope: oneLine(errors.New(cmp.Or(granted.Scope, consent.Scope)))}
		outcome.Granted = append(outcome.Granted, got)
		if !p.json {
			fmt.Fprintf(p.stdout, "Consent for %s was granted, the page says: %s\n", got.For, got.Scope)
		}
	}
	if p.json {
		return p.printJSON(outcome)
	}
	fmt.Fprintf(p.stderr, "A token proves it: %s\n", outcome.Next)
	return nil
}

// A consentOutcome is what came of --consent, as JSON. An account with two
// pages has one when the second was refused.
type consentOutcome struct {
	Account string           `json:"account"`
	Granted []grantedConsent `json:"granted"`
	// Next is the command whose token proves it.
	Next string `json:"next"`
}

type grantedConsent struct {
	For   string `json:"for"`
	Scope string `json:"scope"` // as the page says
}

func (p *program) openConsent(address string) error {
	fmt.Fprintln(p.stderr, "An administrator signs in, looks at what is permitted, and accepts. A page that says that somebody else must approve does not come back here: Ctrl+C cancels.")
	return p.openBrowser(address)
}

// explainConsent says what to do instead: the portal's button needs no redirect
// URL, and does the same.
func explainConsent(err error, a account.Account, c admin.Consent) error {
	const button = "or grant it in the portal: App registrations → the app → API permissions → Grant admin consent"
	var refusal *authcode.Error
	var late *authcode.TimeoutError
	var elsewhere *authcode.NoListenerError
	var port *authcode.PortError
	switch {
	case errors.As(err, &elsewhere):
		return &account.FieldError{Text: fmt.Sprintf("the redirect URL %s is not on this machine, so the answer cannot be received here", elsewhere.RedirectURL),
			Fix: "open the page by hand, its end is an address with admin_consent=True: " + c.Link(elsewhere.RedirectURL, "") + "; " + button}
	case errors.As(err, &late):
		return &account.FieldError{Text: fmt.Sprintf("the browser did not come back within %v", late.After),
			Fix: fmt.Sprintf("what its page says tells why: the redirect URL %s is not registered (AADSTS50011), the client ID or the tenant is unknown, whoever signed in may not consent, or the tab was closed; try again, %s", late.RedirectURL, button)}
	case errors.As(err, &port):
		return &account.FieldError{Text: err.Error(), Fix: "end the program that has the port, " + button}
	case errors.As(err, &refusal):
		fix := "sign in there as an administrator who may consent, and accept; " + button
		if refusal.AADSTS == 650057 || refusal.AADSTS == 650056 || refusal.AADSTS == 650054 {
			fix = "add the permissions to the app registration first: traymail admin " + a.Name
		}
		return &account.FieldError{Text: refusal.Error(), Fix: fix}
	}
	return err
}
