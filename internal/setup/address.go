package setup

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"traymail/internal/account"
)

// Domain returns the part of an address behind its last @, in lower case; "" when
// there is none.
func Domain(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(address[i+1:]))
}

// A Suggestion is what follows from the address that somebody sends with.
type Suggestion struct {
	Provider string // the provider's preset
	Tenant   string // the domain, at Microsoft 365; "" elsewhere
	Method   string // the ID of the method that fits
	// Sure is false where the domain may be hosted anywhere, and Microsoft 365 is
	// only likely.
	Sure bool
}

// googleDomains and the others are where a domain alone tells the provider.
var (
	googleDomains = []string{"gmail.com", "googlemail.com"}
	// Microsoft's names for personal mailboxes, as whole domains and as names
	// under which each country has one (outlook.de, hotmail.co.uk).
	personalDomains = []string{"msn.com", "passport.com", "windowslive.com"}
	personalNames   = []string{"outlook", "hotmail", "live"}
	// Every tenant of Microsoft 365 has a domain under one of these.
	tenantDomains = map[string]string{
		".onmicrosoft.com": account.Microsoft365, ".onmicrosoft.us": account.Microsoft365US, ".partner.onmschina.cn": account.Microsoft365CN,
	}
)

// Suggest proposes provider and tenant for an address. For one that is not whole
// yet it is the zero Suggestion.
func Suggest(username string) Suggestion {
	domain := Domain(username)
	name, country, _ := strings.Cut(domain, ".")
	switch {
	case !isDomain(domain):
		return Suggestion{}
	case slices.Contains(googleDomains, domain):
		return Suggestion{Provider: account.Google, Method: Google, Sure: true}
	case slices.Contains(personalDomains, domain), slices.Contains(personalNames, name) && isCountry(country):
		return Suggestion{Provider: account.OutlookCom, Method: OutlookCom, Sure: true}
	}
	for suffix, provider := range tenantDomains {
		if strings.HasSuffix(domain, suffix) {
			return Suggestion{Provider: provider, Tenant: domain, Method: M365Browser, Sure: true}
		}
	}
	return Suggestion{Provider: account.Microsoft365, Tenant: domain, Method: M365Browser}
}

// WithAddress returns the account with the address that it sends by: of an
// application the mailbox, of a person who signs in the username. What followed
// from the former one follows: sender, tenant, and for a password the provider,
// where the domain alone tells it.
func WithAddress(a account.Account, address string) account.Account {
	former := a
	if a.SignIn == account.AppOnly {
		a.Username, a.Sender = address, address
	} else {
		a.Username = address
	}
	if s := Suggest(address); MethodOf(a) == Password && s.Provider != "" && s.Provider != account.OutlookCom && (s.Sure || a.Provider == account.Google) {
		a.Provider = s.Provider
	}
	a.Follow(former)
	return a
}

// isCountry reports whether s is "com", or a country's top-level domain with
// perhaps "co" or "com" before it.
func isCountry(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "co."), "com.")
	return s == "com" || len(s) == 2
}

// FreeName proposes an account's name for an address: its local part, with a
// number behind it where taken has that. It is a name that account.ValidateName
// takes.
func FreeName(address string, taken []string) string {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' {
			return r
		}
		return -1
	}, local), "-._")
	name = strings.TrimRight(name[:min(len(name), 50)], "-._")
	if account.ValidateName(name) != nil {
		name = "mail"
	}
	for n, free := 2, name; ; n++ {
		if !slices.Contains(taken, free) {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}

// What AddressProblem may find; a face has a sentence for each.
const (
	AddressEmpty     = "empty"
	AddressBlank     = "blank"     // a blank or an invisible character in it
	AddressBrackets  = "brackets"  // a name with <…> around the address, or quotes
	AddressSeveral   = "several"   // more than one address
	AddressNoAt      = "no-at"     // no @
	AddressNoLocal   = "no-local"  // nothing before the @
	AddressNoDomain  = "no-domain" // nothing behind it
	AddressBadDomain = "bad-domain"
	AddressBad       = "bad" // something else
)

// AddressProblem says in a code what is wrong with an address as it was typed,
// "" when nothing is. Blanks around it are no problem: Clean takes them away.
func AddressProblem(typed string) string {
	s := strings.TrimSpace(typed)
	local, domain, at := cutLast(s, "@")
	switch {
	case s == "":
		return AddressEmpty
	case strings.ContainsAny(s, `<>"`):
		return AddressBrackets
	case strings.ContainsAny(s, ",;") || strings.Count(s, "@") > 1:
		return AddressSeveral
	case strings.ContainsFunc(s, isBlank):
		return AddressBlank
	case !at:
		return AddressNoAt
	case local == "":
		return AddressNoLocal
	case domain == "":
		return AddressNoDomain
	case !isDomain(domain):
		return AddressBadDomain
	}
	if p, err := mail.ParseAddress(s); err != nil || p.Address != s {
		return AddressBad
	}
	return ""
}

// SendsForOther reports whether who signs in and who stands in From differ at
// Exchange, so that the one needs its permission to send for the other.
func SendsForOther(a account.Account) bool {
	return a.HasEntra() && a.Provider != account.OutlookCom && a.SignIn != account.AppOnly && a.Username != "" && a.Sender != "" && !strings.EqualFold(a.Username, a.Sender)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// isDomain reports whether s has the form of a domain with at least one dot.
// Names beyond ASCII are taken: Exchange has them.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") || strings.ContainsFunc(l, func(r rune) bool {
			return r < 0x80 && !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') || isBlank(r)
		}) {
			return false
		}
	}
	return len(labels) > 1
}
