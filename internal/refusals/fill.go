package refusals

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
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
}

// placeholders are all there are.
var placeholders = []string{"{account}", "{username}", "{sender}", "{mailbox}", "{client_id}", "{tenant}", "{object_id}"}

// fill replaces the placeholders of text by values as write has them. What is
// not known stands in capitals.
func fill(text string, n Names, write func(string) string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	values := []string{n.Account, n.Username, n.Sender, cmp.Or(n.Mailbox, n.Username), n.ClientID, n.Tenant, n.ObjectID}
	var pairs []string
	for i, p := range placeholders {
		value := strings.ReplaceAll(strings.ToUpper(strings.Trim(p, "{}")), "_", "-")
		if values[i] != "" {
			value = write(values[i])
		}
		pairs = append(pairs, p, value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Fill puts names into a fix; for commands and links there is Filled. Unknown
// names stand in capitals (USERNAME).
func Fill(text string, n Names) string { return fill(text, n, func(s string) string { return s }) }

// appsLink stands for a page of an app whose client ID is not known.
const appsLink = "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"

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
	r.Command = fill(r.Command, n, quoteUnlessPlain)
	if strings.Contains(r.Link, "{client_id}") && n.ClientID == "" || strings.Contains(r.Link, "{tenant}") && n.Tenant == "" {
		r.Link = appsLink
	}
	r.Link = fill(r.Link, n, url.PathEscape)
	return r
}

// plainName is what accounts are called: it needs no quotes in any shell.
var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func quoteUnlessPlain(s string) string {
	if plainName.MatchString(s) {
		return s
	}
	return Quote(s)
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
