package mailer

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"traymail/internal/checks"
	"traymail/internal/sandbox"
)

// pageHead is what docs/scenarios.md says before its tables.
const pageHead = `# Every scenario of the sandbox, and what check says

` + "`traymail sandbox --scenario NAME`" + ` runs a tenant in which one thing is wrong. This page says for each what
` + "`traymail check`" + ` names, and what mends it. It is written by a test, which has each kind of account meet each
scenario, sees that this check fails and no other does, does exactly what is printed, and sees that the account then
passes: ` + "`go test ./internal/mailer -run Scenario -update`" + `.

“Who” is the kind of account: *desktop* and *web* are a person who signed in to that kind of registration and sends over
SMTP, *device* one who signed in with a code on another device, *graph* a person over Microsoft Graph, *application* and
*graph-application* an app that signs in by itself, *password* a password.

“Mended by” says what was done:

- **PowerShell**: the printed commands, run as they stand in the sandbox's console.
- **traymail**: the printed ` + "`traymail account edit`" + ` or ` + "`traymail login`" + `, or the printed value in the account's file.
- **by hand**: what the printed fix names, in a portal or by whoever runs the network.
- **time**: it ends by itself; ` + "`check --wait`" + ` waits for it.

## What cannot be told apart

Servers do not always say why. Where several causes look the same from outside, check names what they have in common
and lists them:

- **app-not-admitted**: Exchange answers an application's right token with 535 5.7.3 when its service principal is not
  known, known by the Object ID of the registration, or lacks Full Access, when the mailbox does not exist, is an alias
  or has no licence, and while what was granted has not spread. The printed commands put all of the first three right,
  and leave alone what is right already; the others are named beside them.
- **app-permission-missing**: a token without the permission is refused in the same words when nobody consented and
  when, with App RBAC, the mailbox is outside the scope of the role: no token shows a role of Exchange's. The fix names
  both.
- **A permission that is missing or was given just now** looks the same: ` + "`propagation-…`" + ` scenarios have the finding
  of what was missing before. How long it usually takes stands in the result.
- **send-as-denied**: nobody but an administrator can look Send As up; of Send on Behalf the account itself knows only
  with an administrator's permission.
- **other-account-signed-in** before anything is kept: whether the username is an alias of whoever signed in, a mistake,
  or the browser's other sign-in, the token does not tell. The fix names all three.
- **What the browser alone shows** (AADSTS50057, 50105, 53003 at the sign-in) never comes back to the program: check says
  that nobody has signed in, and that ` + "`traymail explain`" + ` explains the page's text. “Shown” is what it explains it as.
  After a sign-in the same comes at the renewal of the token, and check names it.
- **secret-missing** (AADSTS7000218) is a forgotten secret, a redirect URL under Web, or a device code where public client
  flows are off.
- **A slow server** is warned of as submission-rate; whether it was Exchange's pace nobody says.
`

// groupTitles are the headings of the tables.
var groupTitles = map[string]string{
	sandbox.GroupProvider: "Providers and clouds", sandbox.GroupNetwork: "The network", sandbox.GroupServer: "The submission server",
	sandbox.GroupSettings: "The account's settings", sandbox.GroupRegistration: "The app registration", sandbox.GroupSignIn: "The sign-in",
	sandbox.GroupToken: "Tokens", sandbox.GroupApplication: "Applications", sandbox.GroupMailbox: "Mailboxes and permissions",
	sandbox.GroupGraph: "Microsoft Graph", sandbox.GroupRefusal: "What Exchange refuses for",
}

// mendings are the table's words.
var mendings = map[mending]string{
	nothing: "nothing to mend", script: "PowerShell", edit: "traymail: the account's settings", inFile: "traymail: the account's file",
	login: "traymail: a new sign-in", atPortal: "by hand", waiting: "time", newWay: "another way to sign in",
}

// comparePage compares docs/scenarios.md with what was found, or writes it.
func comparePage(t *testing.T, said []findings) {
	t.Helper()
	name := filepath.Join("..", "..", "docs", "scenarios.md")
	page := []byte(pageOf(said))
	if *update {
		if err := os.WriteFile(name, page, 0o644); err != nil {
			t.Fatal(err)
		}
		writeSpoken(t)
	}
	if is, err := os.ReadFile(name); err != nil || strings.ReplaceAll(string(is), "\r\n", "\n") != string(page) {
		t.Errorf("%s is not what check says now (%v): go test ./internal/mailer -run Scenario -update", name, err)
	}
}

func pageOf(said []findings) string {
	var b strings.Builder
	b.WriteString(pageHead)
	group := ""
	for _, s := range sandbox.Scenarios() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| Scenario | What is wrong | Who | What check says | Mended by |\n|---|---|---|---|---|\n", groupTitles[group])
		}
		for i, r := range rows {
			if r.scenario != s.Name {
				continue
			}
			kinds := strings.Fields(r.kinds)
			what := s.What
			if r.later {
				what += " It comes about after the sign-in."
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.scenario, what, strings.Join(kinds, ", "), verdictOf(r, said[i].of[kinds[0]]), mendings[r.mend])
		}
	}
	return b.String()
}

// verdictOf is what check said of a row.
func verdictOf(r row, result checks.Result) string {
	words := ""
	if r.fails == "" && r.warns == "" {
		words = "passes"
	} else {
		status := "**fails**"
		if r.fails == "" {
			status = "warns"
		}
		words = fmt.Sprintf("%s: `%s` %s: %s", result.ID, result.Finding, status, constant(result.Summary))
	}
	if r.page != "" && !slices.Contains(strings.Fields(r.fails), r.page) {
		words += fmt.Sprintf(". Shown: `%s`", r.page)
	}
	return strings.ReplaceAll(words, "|", "\\|")
}

var (
	portNumber = regexp.MustCompile(`localhost:\d+`)
	aDay       = regexp.MustCompile(`\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4} \d\d:\d\d UTC|\d{4}-\d\d-\d\d`)
	seconds    = regexp.MustCompile(`after \d+ seconds`)
	tempFile   = regexp.MustCompile(`\S+accounts\S+main\.toml`)
	someGUID   = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	remaining  = regexp.MustCompile(`in \d+ days?`)
)

// constant is a summary without what is another each time.
func constant(s string) string {
	s, _, _ = strings.Cut(s, "; its greeting is:")
	s = portNumber.ReplaceAllString(s, "localhost:587")
	s = aDay.ReplaceAllString(s, "DATE")
	s = seconds.ReplaceAllString(s, "after N seconds")
	s = tempFile.ReplaceAllString(s, "accounts/main.toml")
	s = remaining.ReplaceAllString(s, "in N days")
	return someGUID.ReplaceAllString(s, "ID")
}
