package refusals

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/troubleshooting.md")

// TestTroubleshootingPageIsWhatTheCatalogueSays fails when the page is not what
// 'go test ./internal/refusals -run Troubleshooting -update' writes.
func TestTroubleshootingPageIsWhatTheCatalogueSays(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "troubleshooting.md")
	want := page(the())
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Errorf("%s is not what the catalogue says: go test ./internal/refusals -run Troubleshooting -update", name)
	}
}

// headings are those of the groups.
var headings = map[string][2]string{
	groupSignIn:  {"Signing in", "What Entra answers when somebody signs in, or a program fetches a token. The number counts, whatever the language of the sentence."},
	groupSMTP:    {"SMTP", "What the submission server, or a recipient's server behind it, replies. Exchange holds each refusal back for about five seconds."},
	groupGraph:   {"Microsoft Graph", "What Graph answers when a message is sent through it."},
	groupNetwork: {"Network and TLS", "What keeps a program from reaching the server at all, in the words of many systems and libraries."},
	groupOther:   {"Other providers", "Gmail, Yahoo, Fastmail, iCloud."},
	groupChecks:  {"Found by checks only", "No server says these: `traymail check` finds them."},
}

var owners = map[Whose]string{
	Administrator: "an administrator of the organisation",
	User:          "whoever signs in",
	Setup:         "the settings, of traymail or of the tool",
	Network:       "the network between this computer and the server",
	Provider:      "nobody here: wait",
	Message:       "whoever wrote the message",
}

const introduction = `<!-- Written from internal/refusals/catalogue.toml: go test ./internal/refusals -run Troubleshooting -update -->

# Troubleshooting

**Paste the refusal.** Whatever program it is from: traymail finds it in a log, a stack trace, JSON or HTML, wrapped, prefixed, cut off or in another
language, and says what it means and what to do. Secrets in the text stay on this computer and are not repeated.

` + "```" + `
traymail explain < error.log
traymail explain "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
` + "```" + `

**Or have the setup checked.** Each step is tried in order, from the name of the server to a test email, and the first that fails says why, whose it is and
what to click or type, with this account's own names in it. What was granted just now may take a while: ` + "`--wait 1h`" + ` tries for an hour until it works.

` + "```" + `
traymail check ACCOUNT
traymail check ACCOUNT --wait 1h
traymail admin ACCOUNT
` + "```" + `

The last prints everything that an administrator does for the account, with links and PowerShell. Below, words in capitals (ACCOUNT, USERNAME, SENDER) stand
for your own; PowerShell is that of Exchange Online (` + "`Connect-ExchangeOnline`" + `) or of Microsoft Graph (` + "`Connect-MgGraph`" + `, where the command has
Mg in it).
`

// page is docs/troubleshooting.md.
func page(c *catalogue) string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n- [%s](#%s):", headings[g][0], strings.ReplaceAll(strings.ToLower(headings[g][0]), " ", "-"))
		separator := " "
		for _, e := range c.entries {
			if e.Group == g {
				fmt.Fprintf(&b, "%s[%s](#%[2]s)", separator, e.ID)
				separator = " · "
			}
		}
	}
	b.WriteString("\n- [What could be several things](#what-could-be-several-things)\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", headings[g][0], headings[g][1])
		for _, e := range c.entries {
			if e.Group == g {
				writeEntry(&b, e)
			}
		}
	}
	b.WriteString("\n## What could be several things\n\nThese texts are cut off, or say too little. traymail says so, and does not guess.\n\n| it says | it may be | what tells |\n|---|---|---|\n")
	for _, d := range c.doubts {
		var links []string
		for _, id := range d.Candidates {
			links = append(links, "["+id+"](#"+id+")")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.ReplaceAll(code(d.Looks[0]), "|", `\|`), strings.Join(links, ", "), strings.ReplaceAll(d.Tell, "|", `\|`))
	}
	return b.String()
}

func writeEntry(b *strings.Builder, e Refusal) {
	application := e.Filled(Names{}, true)
	e = e.Filled(Names{}, false)
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n", e.ID, sentence(e.Cause))
	if len(e.Looks) > 0 {
		fmt.Fprintf(b, "```text\n%s\n```\n\n", strings.Join(e.Looks, "\n"))
	}
	fmt.Fprintf(b, "- **Whose:** %s", owners[e.Whose])
	if e.Temporary {
		b.WriteString("; it may go away by itself")
	}
	fmt.Fprintf(b, "\n- **Administrator:** %s\n- **You:** %s\n", e.FixAdmin, e.FixUser)
	if application.FixAdmin != e.FixAdmin {
		fmt.Fprintf(b, "- **Administrator, of an application that signs in by itself:** %s\n", application.FixAdmin)
	}
	if application.FixUser != e.FixUser {
		fmt.Fprintf(b, "- **You, of an application that signs in by itself:** %s\n", application.FixUser)
	}
	if e.Link != "" {
		fmt.Fprintf(b, "- **Page:** <%s>\n", e.Link)
	}
	if e.Takes != "" {
		fmt.Fprintf(b, "- **Takes:** %s\n", e.Takes)
	}
	fmt.Fprintf(b, "- **Source:** %s\n", e.Source)
	if e.Command != "" {
		fmt.Fprintf(b, "\n```%s\n%s\n```\n", shell(e.Command), e.Command)
	}
	if application.Command != e.Command {
		fmt.Fprintf(b, "\nOf an application:\n\n```%s\n%s\n```\n", shell(application.Command), application.Command)
	}
}

// shell is the language of a command: PowerShell's cmdlets have a capital or a
// variable in front, and every shell has the other programs.
func shell(command string) string {
	if command[0] == '$' || command[0] >= 'A' && command[0] <= 'Z' {
		return "powershell"
	}
	return "text"
}

// sentence is text with a capital at its beginning.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// code is text as code in Markdown.
func code(text string) string { return "`" + strings.ReplaceAll(text, "\n", " ") + "`" }
