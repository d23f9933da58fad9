package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the flags of an account in the order of a guide's steps. Each
// flag stands in one group.
var flagGroups = []struct {
	title string
	flags []string
}{
	{"Who sends", []string{"provider", "sign-in", "transport", "username", "sender", "label", "test-to", "notice-to"}},
	{"App registration", []string{"client-id", "tenant", "token-endpoint", "secret-stdin", "secret-file", "secret-expires"}},
	{"A person signs in (--sign-in browser)", []string{"registration", "redirect-url"}},
	{"An application signs in (--sign-in app-only)", []string{"credential", "certificate", "make-certificate", "assertion-file", "object-id", "mailbox", useSenderFlag}},
	{"Other senders", []string{"from", sendersFlag, onBehalfFlag}},
	{"Server", []string{"smtp-host", "smtp-port", "smtp-tls", "smtp-auth", "smtp-scope", "timeout", "ca-file"}},
	{"Microsoft Graph (--transport graph or auto)", []string{"graph-scope", skipSentFlag, "graph-url"}},
	{"Pace and limits", []string{"messages-per-minute", batchFlag, "sessions", "pipeline-depth", "recipients-per-day", "recipients-per-message", "max-size-mb"}},
	{"Another provider or cloud", []string{"authority-url", "authorize-url", "device-url", "jwks-url", "issuer", "exchange-url"}},
	{"This command", []string{"no-validate", "json", "help"}},
}

// otherWords are names that guides have for flags.
var otherWords = []struct{ word, flag string }{
	{"authorized-from", "sender"},
	{"sender-email", "sender"},
	{"scopes", "smtp-scope"},
	{"test-email", "test-to"},
	{"secret-expiration-date", "secret-expires"},
}

const accountExamples = `  A person signs in, once, in a browser:
    traymail account add invoices --username svc@contoso.com --client-id ID --tenant ID
    traymail login invoices

  An application signs in by itself, with a client secret:
    traymail account add payroll --sign-in app-only --sender payroll@contoso.com --client-id ID --tenant ID --secret-stdin --secret-expires 2028-01-31

  An application sends through Microsoft Graph, with a certificate that is made:
    traymail account add alerts --sign-in app-only --transport graph --sender alerts@contoso.com --client-id ID --tenant ID --make-certificate alerts.pem`

// inGroups shows a command's flags in groups, and lets guides' words stand for
// them.
func inGroups(c *cobra.Command) {
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		for _, o := range otherWords {
			if name == o.word {
				name = o.flag
			}
		}
		return pflag.NormalizedName(name)
	})
	c.SetUsageFunc(func(c *cobra.Command) error {
		w := c.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n", c.UseLine())
		if c.Example != "" {
			fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
		}
		for _, g := range flagGroups {
			group := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
			group.SortFlags = false
			for _, name := range g.flags {
				group.AddFlag(c.Flags().Lookup(name))
			}
			fmt.Fprintf(w, "\n%s:\n%s", g.title, group.FlagUsages())
		}
		fmt.Fprintf(w, "\nEverywhere:\n%s\nWords of some guides are taken too:", c.InheritedFlags().FlagUsages())
		var words []string
		for _, o := range otherWords {
			words = append(words, " --"+o.word+" is --"+o.flag)
		}
		_, err := fmt.Fprintln(w, strings.Join(words, ",")+".")
		return err
	})
}
