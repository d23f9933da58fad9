package admin

import (
	"fmt"
	"slices"
	"strings"

	"traymail/internal/account"
)

// uses names the steps that must come before command, which is one of s.
func uses(s Step, command string) (steps []string) {
	switch {
	case strings.Contains(command, "Get-Mg"):
		steps = []string{"connect-graph"}
	case s.ID != "object-id":
		steps = []string{"connect-exchange"}
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

// Script returns the commands of steps as one PowerShell script, "" when there
// is none to run. What cannot be run stands in it as comments, in its place. It
// is ASCII, so that Windows PowerShell 5.1 reads it without a byte order mark.
func Script(a account.Account, steps []Step) string {
	needed := preparations(steps, func(s Step) string {
		if s.Optional {
			return ""
		}
		return s.Command
	})
	if needed == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(comment(fmt.Sprintf("What account %s needs at Microsoft 365. It may be run again: it looks before it creates.\nRun it in PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.\n", a.Name)))
	b.WriteString("$ErrorActionPreference = 'Stop'\n")
	for _, s := range steps {
		if s.prepares && !slices.Contains(needed, s.ID) {
			continue
		}
		b.WriteString("\n" + comment(heading(s)))
		switch {
		case s.Command == "" && s.Where != "":
			b.WriteString(comment("In the portal: " + s.Where + link(s)))
		case s.Optional && s.Command != "":
			b.WriteString(comment(s.Why + "\nTake the first # of these lines away to run them:\n" + s.Command))
		case s.Command != "":
			b.WriteString(s.Command + "\n")
		}
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
	return h
}

func link(s Step) string {
	if s.Link == "" {
		return ""
	}
	return "\n" + s.Link
}

// VerifyScript returns the lines that show what is done, as one PowerShell
// script that changes nothing; "" when there are none.
func VerifyScript(a account.Account, steps []Step) string {
	needed := preparations(steps, func(s Step) string { return s.Verify })
	if needed == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(comment(fmt.Sprintf("What account %s has at Microsoft 365. It changes nothing.", a.Name)))
	for _, s := range steps {
		if s.prepares && slices.Contains(needed, s.ID) {
			b.WriteString("\n" + comment(s.Title) + s.Command + "\n")
		}
	}
	for _, s := range steps {
		if s.Verify != "" {
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
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, title)
		for _, f := range []struct{ name, value string }{
			{"Why", s.Why}, {"Where", s.Where}, {"Link", s.Link}, {"Run", s.Command}, {"Check", s.Verify}, {"Prints", s.Expect}, {"Role", s.Role}, {"Takes", s.Takes}, {"Note", s.Note},
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
