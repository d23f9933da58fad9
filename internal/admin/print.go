package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"traymail/internal/account"
)

// ofGraph reports whether PowerShell is for the window of Microsoft Graph.
func ofGraph(command string) bool { return strings.Contains(command, "-Mg") }

// uses names the steps that must come before command, which is one of s.
func uses(s Step, command string) (steps []string) {
	switch {
	case ofGraph(command):
		steps = []string{graphConnect}
	case s.ID != "object-id":
		steps = []string{exchangeConnect}
	}
	if strings.Contains(command, "$mailboxes") {
		steps = append(steps, "mailboxes")
	}
	return steps
}

// preparations collects what the chosen commands of steps use, nil when no
// command is chosen.
func preparations(steps []Step, choose func(Step) string) (ids []string) {
	for _, s := range steps {
		if command := choose(s); command != "" && !s.prepares {
			ids = append(ids, uses(s, command)...)
		}
	}
	return ids
}

// Script returns the commands of steps as one PowerShell script for Exchange's
// window, with what shows that they worked at its end. What cannot be run, or
// not in that window, stands in it as comments; where that is everything, the
// script does nothing, and says so. It is "" outside Microsoft 365, where no
// step has PowerShell. It is ASCII, so that Windows PowerShell 5.1 reads it
// without a byte order mark.
func Script(a account.Account, steps []Step) string {
	needed := preparations(steps, func(s Step) string {
		if s.Optional {
			return ""
		}
		return s.Command
	})
	look, graph := checks(steps, false), checks(steps, true)
	if needed == nil && look == "" && graph == "" {
		return ""
	}
	var b strings.Builder
	if needed == nil {
		b.WriteString(comment(fmt.Sprintf("What account %s needs at Microsoft 365: nothing of it is a command of PowerShell, so this script does nothing.\nThe pages to open, in order:", a.Name)))
	} else {
		b.WriteString(comment(fmt.Sprintf("What account %s needs at Microsoft 365. It may be run again: it looks before it creates.\nRun it in a new window of PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.", a.Name)))
		b.WriteString("$ErrorActionPreference = 'Stop'\n")
	}
	for _, s := range steps {
		if s.ID == graphConnect || s.prepares && !slices.Contains(needed, s.ID) {
			continue
		}
		b.WriteString("\n" + comment(heading(s)))
		switch {
		case s.Command == "":
			if s.Optional || s.Where == "" {
				b.WriteString(comment(s.Why))
			}
			if s.Where != "" {
				b.WriteString(comment("In the portal: " + s.Where + link(s)))
			}
		case s.Optional && s.Command != "":
			b.WriteString(comment(s.Why + "\nTake the first # of these lines away to run them:\n" + s.Command))
		default:
			if s.ID == "object-id" {
				b.WriteString(comment("In the portal: " + s.Where + link(s)))
			}
			b.WriteString(s.Command + "\n")
		}
	}
	if look != "" && needed != nil {
		b.WriteString("\n" + comment("What there is now. From here on nothing is changed.") + "$ErrorActionPreference = 'Continue'\n" + look)
	}
	if look != "" && needed == nil {
		b.WriteString("\n" + comment(fmt.Sprintf("What there is now, PowerShell shows: traymail admin %s --verify", a.Name)))
	}
	if graph != "" {
		b.WriteString("\n" + comment(fmt.Sprintf("What was consented to, Microsoft Graph PowerShell shows, in a window of its own: its module and Exchange's\n"+
			"conflict in one. The lines are those of 'traymail admin %s --verify-graph'. Without the first # of each line:\n\n%s", a.Name, strings.TrimSpace(preamble(steps, true)+graph))))
	}
	return b.String()
}

func heading(s Step) string {
	h := s.Title
	if s.Optional {
		h = "Optional: " + h
	}
	if s.Role != "" {
		h += "\nRole: " + s.Role
	}
	if s.Takes != "" {
		h += "\nTakes: " + s.Takes
	}
	if s.Note != "" {
		h += "\nNote: " + s.Note
	}
	return h
}

func link(s Step) string {
	if s.Link == "" {
		return ""
	}
	return "\n" + s.Link
}

// VerifyScript returns the lines that show what is done, as one PowerShell
// script that changes nothing and installs nothing: Exchange's, or where the
// account has none of these, Microsoft Graph's. It is "" when there are none.
func VerifyScript(a account.Account, steps []Step) string {
	look, graph := checks(steps, false), checks(steps, true)
	switch {
	case look == "":
		return VerifyGraphScript(a, steps)
	case graph == "":
		return verification(a, "It changes nothing.", preamble(steps, false)+look)
	}
	return verification(a, fmt.Sprintf("It changes nothing.\nWhat was consented to stands in Entra: 'traymail admin %s --verify-graph' has the lines, for a window of their own.", a.Name),
		preamble(steps, false)+look)
}

// VerifyGraphScript returns those of the lines that are Microsoft Graph's, as
// VerifyScript does. They need a window of their own: the modules of Exchange
// and Graph conflict in one.
func VerifyGraphScript(a account.Account, steps []Step) string {
	graph := checks(steps, true)
	if graph == "" {
		return ""
	}
	return verification(a, "It changes nothing. Run it in a new window of PowerShell.", preamble(steps, true)+graph)
}

func verification(a account.Account, about, lines string) string {
	return comment(fmt.Sprintf("What account %s has at Microsoft 365. %s", a.Name, about)) + lines
}

// preamble is what the checks of one window need before them.
func preamble(steps []Step, graph bool) string {
	needed := preparations(steps, func(s Step) string {
		if ofGraph(s.Verify) != graph {
			return ""
		}
		return s.Verify
	})
	var b strings.Builder
	for _, s := range steps {
		if s.prepares && slices.Contains(needed, s.ID) {
			b.WriteString("\n" + comment(s.Title) + cmp.Or(s.look, s.Command) + "\n")
		}
	}
	return b.String()
}

// checks are the lines of one window that show what is done.
func checks(steps []Step, graph bool) string {
	var b strings.Builder
	for _, s := range steps {
		if s.Verify != "" && ofGraph(s.Verify) == graph {
			b.WriteString("\n" + comment(s.Title+"\nPrints: "+s.Expect) + s.Verify + "\n")
		}
	}
	return b.String()
}

// Text returns the steps for a person to read.
func Text(a account.Account, steps []Step) string {
	var b strings.Builder
	fmt.Fprintf(&b, "What account %s needs, in order: %s, which sends as %s over %s.\n", a.Name, signIn(a), a.Sender, transport(a))
	for i, s := range steps {
		title := s.Title
		if s.Optional {
			title += " (optional)"
		}
		check := s.Verify
		if ofGraph(check) {
			check = "# in the window of Microsoft Graph PowerShell\n" + check
		}
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, title)
		for _, f := range []struct{ name, value string }{
			{"Why", s.Why}, {"Where", s.Where}, {"Link", s.Link}, {"Run", s.Command}, {"Check", check}, {"Prints", s.Expect}, {"Role", s.Role}, {"Takes", s.Takes}, {"Note", s.Note},
		} {
			if f.value != "" {
				fmt.Fprintf(&b, "   %-7s%s\n", f.name, strings.ReplaceAll(f.value, "\n", "\n"+strings.Repeat(" ", 10)))
			}
		}
	}
	return b.String()
}

func signIn(a account.Account) string {
	switch a.SignIn {
	case account.AppOnly:
		if a.Credential == account.FederatedCredential {
			return "an application with the token of another issuer"
		}
		return "an application with a " + string(a.Credential)
	case account.PasswordSignIn:
		return "a password of " + a.Username
	}
	return "a browser sign-in of " + a.Username
}

func transport(a account.Account) string {
	switch a.Transport {
	case account.Graph:
		return "Microsoft Graph"
	case account.Auto:
		return "SMTP, and Microsoft Graph when SMTP AUTH is off"
	}
	return "SMTP"
}
