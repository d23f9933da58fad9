package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestEveryFlagOfAnAccountStandsInOneGroupOfTheHelp(t *testing.T) {
	p := &program{}
	for _, c := range []*cobra.Command{p.accountAdd(), p.accountEdit()} {
		c.InitDefaultHelpFlag()
		var grouped []string
		for _, g := range flagGroups {
			grouped = append(grouped, g.flags...)
		}
		var real []string
		c.Flags().VisitAll(func(f *pflag.Flag) { real = append(real, f.Name) })
		slices.Sort(grouped)
		slices.Sort(real)
		if !slices.Equal(grouped, real) {
			t.Errorf("%s has the flags\n%v, and in groups\n%v", c.Name(), real, grouped)
		}
		for _, o := range otherWords {
			if f := c.Flags().Lookup(o.word); f == nil || f.Name != o.flag {
				t.Errorf("--%s is not --%s", o.word, o.flag)
			}
		}
	}
}

func TestTheHelpOfAccountAddShowsTheThreeWays(t *testing.T) {
	var out bytes.Buffer
	if code := run(t.Context(), []string{"traymail", "account", "add", "--help"}, strings.NewReader(""), &out, &out); code != exitDone {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	for _, want := range []string{"traymail account add ACCOUNT [flags]\n", "traymail login invoices", "--secret-stdin --secret-expires", "--transport graph --sender", "\nPace and limits:\n", "--authorized-from is --sender", "--home"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	root := (&program{}).rootCommand()
	for line := range strings.Lines(accountExamples) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "traymail" {
			if _, err := checkCommand(root, words[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func TestValuesThatFlagsDoNotTakeAreRefusedInPlainWords(t *testing.T) {
	tests := []struct{ args, want string }{
		{"account add a --timeout abc", `traymail: --timeout: "abc" is not a number`},
		{"account add a --smtp-port 99999999999999999999", `traymail: --smtp-port: "99999999999999999999" is not a number`},
		{"account add a --on-behalf=maybe", `traymail: --on-behalf: "maybe" is neither true nor false`},
		{"login a --timeout soon", `traymail: --timeout: "soon" is not a duration, such as 90s or 5m`},
		{"account add a --senders \"x", `traymail: --senders: "\"x" is not a list separated by commas`},
		{"account add a --batch-size small --messages-per-minute 3", "traymail: --batch-size and --messages-per-minute do not go together"},
		{"login a --device --paste", "traymail: --device and --paste do not go together"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"traymail"}, strings.Fields(tt.args)...), strings.NewReader(""), &out, &out)
		if code != exitUsage || !strings.HasPrefix(out.String(), tt.want+"\n") {
			t.Errorf("%s: exit %d, %s", tt.args, code, out.String())
		}
	}
}
