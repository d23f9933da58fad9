package main

import (
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"traymail/internal/sandbox"
)

func (p *program) sandboxCommand() *cobra.Command {
	var o sandbox.Options
	var readyFile string
	var list bool
	c := p.reporting(&cobra.Command{
		Use:   "sandbox",
		Short: "Run a Microsoft 365 tenant in a box, on this machine",
		Long: `Run a Microsoft 365 tenant in a box: sign-in pages, token endpoint, Graph and an
SMTP server that answers as Exchange Online does. It listens on loopback, keeps
everything in memory, and ends with Ctrl+C.

Its portal has a form, and the curl command for it, for what an administrator
does: permissions and consent, certificates, federated credentials, service
principals, mailbox permissions, roles in Exchange, SMTP AUTH.`,
		Example: `  traymail sandbox --list
  traymail sandbox --scenario app-no-consent --ready-file ready.json`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if list {
				return p.listScenarios()
			}
			if !slices.ContainsFunc(sandbox.Scenarios(), func(s sandbox.Scenario) bool { return s.Name == o.Scenario || o.Scenario == "" }) {
				return &usageError{c, fmt.Errorf("no scenario is called %q; --list names them", o.Scenario)}
			}
			s, err := sandbox.Start(o)
			if err != nil {
				return err
			}
			defer s.Close()
			if readyFile != "" {
				if err := s.WriteReady(readyFile); err != nil {
					return err
				}
			}
			if p.json {
				if err := p.printJSON(s.Ready()); err != nil {
					return err
				}
			} else {
				p.describe(s.Ready())
			}
			<-c.Context().Done()
			return nil
		},
	})
	f := c.Flags()
	f.StringVar(&o.Scenario, "scenario", "", "what is wrong with the tenant; --list names them")
	f.StringVar(&readyFile, "ready-file", "", "write endpoints, users, apps and CA to a file, as JSON, once everything listens")
	f.BoolVar(&list, "list", false, "list the scenarios")
	f.StringVar(&o.HTTPAddr, "https-addr", "", "address of the sign-in pages (default: a free port on 127.0.0.1)")
	f.StringVar(&o.SMTPAddr, "smtp-addr", "", "address of the SMTP server (default: a free port on 127.0.0.1)")
	f.StringVar(&o.SMTPSAddr, "smtps-addr", "", "address of an SMTP server that begins with TLS (default: none, at Google a free port)")
	return c
}

func (p *program) listScenarios() error {
	if p.json {
		return p.printJSON(sandbox.Scenarios())
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	group := ""
	for _, s := range sandbox.Scenarios() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(w, "# %s\t\n", group)
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Name, s.What)
	}
	return w.Flush()
}

func (p *program) describe(r sandbox.Ready) {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "authority\t%s\ntenant\t%s (%s)\nGraph\t%s\nSMTP\t%s:%d\ninbox\t%s\n", r.Authority, r.TenantID, r.Domain, r.GraphURL, r.SMTPHost, r.SMTPPort, r.InboxURL)
	if r.PortalURL != "" {
		fmt.Fprintf(w, "portal\t%s\n", r.PortalURL)
	}
	if r.FederatedIssuer != "" {
		fmt.Fprintf(w, "federated issuer\t%s, tokens %s\n", r.FederatedIssuer, r.FederatedTokenURL)
	}
	for _, u := range r.Users {
		fmt.Fprintf(w, "user\t%s, password %s\t%s\n", u.Username, u.Password, u.What)
	}
	for _, a := range r.Apps {
		fmt.Fprintf(w, "app\t%s, %s, %s\t%s\n", a.ClientID, a.Platform, a.RedirectURL, a.What)
	}
	w.Flush()
}
