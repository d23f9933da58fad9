package refusals

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Names are an account's own, for the placeholders of the catalogue. What is
// empty is not known.
type Names struct {
	Account string // its name in traymail
	// Username is whom the server knows: the person who signs in or, of an
	// application, the mailbox that it sends through.
	Username string
	Sender   string // the address in From
	Mailbox  string // the mailbox that messages leave through; Username when empty
	ClientID string
	Tenant   string
	ObjectID string // of the enterprise application
	Server   string // the host that messages are submitted to
	Port     int    // its TCP port; 0 is not known
}

// placeholders are all there are.
var placeholders = []string{"{account}", "{username}", "{sender}", "{mailbox}", "{client_id}", "{tenant}", "{object_id}", "{server}", "{port}"}

// fill replaces the placeholders of text by values as write has them. What is
// not known stands in capitals.
func fill(text string, n Names, write func(placeholder, value string) string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	port := ""
	if n.Port > 0 {
		port = strconv.Itoa(n.Port)
	}
	values := []string{n.Account, n.Username, n.Sender, cmp.Or(n.Mailbox, n.Username), n.ClientID, n.Tenant, n.ObjectID, n.Server, port}
	var pairs []string
	for i, p := range placeholders {
		value := strings.ReplaceAll(strings.ToUpper(strings.Trim(p, "{}")), "_", "-")
		if values[i] != "" {
			value = write(p, values[i])
		}
		pairs = append(pairs, p, value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Fill puts names into a fix; for commands and links there is Filled. Unknown
// names stand in capitals (USERNAME).
func Fill(text string, n Names) string {
	return fill(text, n, func(_, value string) string { return value })
}

// What stands for a page of an app of which not all IDs are known.
const (
	appsLink       = "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"
	enterpriseLink = "https://entra.microsoft.com/#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview"
)

// Filled returns the entry with names in its fixes, its link and its command; of
// an account that signs in by itself with the application's own fixes. In the
// command every name is quoted for PowerShell, so that none can become a
// command. Unknown names stand in capitals (USERNAME).
func (r Refusal) Filled(n Names, application bool) Refusal {
	if application {
		r.FixAdmin = cmp.Or(r.Application.FixAdmin, r.FixAdmin)
		r.FixUser = cmp.Or(r.Application.FixUser, r.FixUser)
		r.Command = cmp.Or(r.Application.Command, r.Command)
	}
	r.Application = Fixes{}
	r.FixAdmin, r.FixUser = Fill(r.FixAdmin, n), Fill(r.FixUser, n)
	r.Command = fillCommand(r.Command, n)
	switch {
	case strings.Contains(r.Link, "{object_id}") && (n.ObjectID == "" || n.ClientID == ""):
		r.Link = enterpriseLink
	case strings.Contains(r.Link, "{client_id}") && n.ClientID == "":
		r.Link = appsLink
	}
	r.Link = fill(r.Link, n, func(_, value string) string { return url.PathEscape(value) })
	return r
}

// fillCommand is fill for a command. A placeholder in single quotes stands where
// PowerShell reads a value rather than an argument: those quotes go, unless the
// name is not known.
func fillCommand(command string, n Names) string {
	for _, p := range placeholders {
		if quoted := "'" + p + "'"; strings.Contains(command, quoted) && fill(p, n, func(_, _ string) string { return "" }) == "" {
			command = strings.ReplaceAll(command, quoted, p)
		}
	}
	return fill(command, n, quoteForShell)
}

// plainName is what accounts, servers and ports are called: it needs no quotes
// in any shell. PowerShell alone reads the other names, where one that is plain
// by chance could be a command or a number.
var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*$`)

func quoteForShell(placeholder, value string) string {
	switch placeholder {
	case "{account}", "{server}", "{port}":
		if plainName.MatchString(value) {
			return value
		}
	}
	return Quote(value)
}

// Quote returns a PowerShell expression whose value is s, whatever s holds, in
// printable ASCII on one line. It can stand where an argument stands.
//
// Inside single quotes PowerShell expands nothing, and only a quote ends the
// string; doubled, it stands for itself. PowerShell takes the curly quotes
// U+2018 to U+201B for quotes too, and Windows PowerShell 5.1 reads a script
// without a byte order mark in the system's code page: so whatever is not
// ASCII, and every control character, is written by its number and is outside
// the quotes. Bytes that are no UTF-8 become U+FFFD.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	inside, plain := true, true
	for _, u := range utf16.Encode([]rune(s)) {
		if u < 0x20 || u > 0x7e {
			if inside {
				b.WriteByte('\'')
			}
			fmt.Fprintf(&b, " + [char]0x%04X", u)
			inside, plain = false, false
			continue
		}
		if !inside {
			b.WriteString(" + '")
			inside = true
		}
		if u == '\'' {
			b.WriteByte('\'')
		}
		b.WriteByte(byte(u))
	}
	if inside {
		b.WriteByte('\'')
	}
	if plain {
		return b.String()
	}
	return "(" + b.String() + ")"
}
