package setup

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"traymail/internal/account"
)

// The codes of Mistakes.
const (
	SecretIDNotValue    = "secret-id-not-value"     // a GUID as client secret: its Secret ID, not its Value
	ObjectIDNotClientID = "object-id-not-client-id" // the paste or the account has it as Object ID
	ClientIDNotObjectID = "client-id-not-object-id"
	TenantIDInClientID  = "tenant-id-in-client-id"
	ClientIDInTenant    = "client-id-in-tenant"
	SecretInClientID    = "secret-in-client-id" // what stands there has the form of a secret
	ClientIDInSecret    = "client-id-in-secret"
	Blanks              = "blanks"    // inside; around it Clean takes them away
	Quotes              = "quotes"    // around it
	Brackets            = "brackets"  // < > around it, as in an example
	Invisible           = "invisible" // characters that cannot be seen
	URLEncoded          = "url-encoded"
	Placeholder         = "placeholder" // the example's own words, such as TENANT-ID
	NotAGUID            = "not-a-guid"
	NotAGoogleID        = "not-a-google-id"
	NotATenant          = "not-a-tenant"     // neither an ID nor a domain
	TenantForMany       = "tenant-for-many"  // "common" for an application, which signs in to one
	TenantOfPeople      = "tenant-of-people" // "consumers" at an organisation
	SecretShort         = "secret-short"     // shorter than any that Entra makes: part of it is missing
	SecretMasked        = "secret-masked"    // "abc*****" as the portal shows it later
	RedirectNotURL      = "redirect-not-url"
	RedirectNotLoopback = "redirect-not-loopback" // http to another machine, which Entra refuses
	RedirectElsewhere   = "redirect-elsewhere"    // https elsewhere: the sign-in has to be pasted back
	RedirectHasQuery    = "redirect-has-query"
	DayNotADay          = "day-not-a-day"
	DayPast             = "day-past"
)

// A Mistake is something about a value that a person should know while typing.
type Mistake struct {
	Code string
	// Certain: it cannot work like this. The others may be meant, or go away by
	// Clean.
	Certain bool
	// Cleaned: Clean takes it away.
	Cleaned bool
}

// Context is what else is known while a field is typed.
type Context struct {
	Account account.Account
	Pasted  Found     // what Recognise found so far
	Now     time.Time // for days; zero: no day is past
}

// Mistakes says what is wrong with a field's value as typed, the gravest first,
// nil when nothing is. An empty value has no mistake: that it is missing shows
// when a person goes on. Fields without rules have none.
func Mistakes(field, value string, c Context) []Mistake {
	if value == "" {
		return nil
	}
	var all []Mistake
	add := func(code string, certain bool) { all = append(all, Mistake{Code: code, Certain: certain}) }
	clean := Clean(field, value, c.Account)
	password := field == Secret && c.Account.SignIn == account.PasswordSignIn
	if clean == "" {
		return []Mistake{{Code: Blanks, Certain: true}}
	}
	switch {
	case password:
	case field == ClientID:
		clientIDMistakes(clean, c, add)
	case field == Tenant:
		tenantMistakes(clean, c, add)
	case field == ObjectID:
		switch {
		case !account.IsGUID(clean):
			add(NotAGUID, true)
		case strings.EqualFold(clean, c.Account.ClientID):
			add(ClientIDNotObjectID, true)
		}
	case field == Secret:
		secretMistakes(clean, c, add)
	case field == RedirectURL:
		redirectMistakes(clean, add)
	case field == SecretExpires:
		day, err := time.Parse(time.DateOnly, clean)
		switch {
		case err != nil:
			add(DayNotADay, true)
		case !c.Now.IsZero() && day.Before(c.Now.Truncate(24*time.Hour)):
			add(DayPast, false)
		}
	}
	if !password {
		all = append(all, formMistakes(field, value, clean)...)
	}
	return all
}

func clientIDMistakes(v string, c Context, add func(string, bool)) {
	google := c.Account.Provider == account.Google
	switch {
	case isPlaceholder(v):
		add(Placeholder, true)
	case secretForm.MatchString(v):
		add(SecretInClientID, true)
	case google && !strings.HasSuffix(v, ".apps.googleusercontent.com"):
		add(NotAGoogleID, true)
	case c.Account.HasEntra() && !account.IsGUID(v):
		add(NotAGUID, true)
	case same(v, c.Pasted.ObjectID) || same(v, c.Account.ObjectID):
		add(ObjectIDNotClientID, true)
	case same(v, c.Pasted.Tenant) || same(v, c.Account.Tenant):
		add(TenantIDInClientID, true)
	case same(v, c.Pasted.SecretID):
		add(SecretIDNotValue, true)
	}
}

func tenantMistakes(v string, c Context, add func(string, bool)) {
	lower := strings.ToLower(v)
	switch {
	case isPlaceholder(v):
		add(Placeholder, true)
	case c.Account.SignIn == account.AppOnly && slices.Contains([]string{"common", "organizations", "consumers"}, lower):
		add(TenantForMany, true)
	case lower == "consumers" && c.Account.Provider != account.OutlookCom:
		add(TenantOfPeople, true)
	case lower == "common" || lower == "organizations" || lower == "consumers":
	case !account.IsGUID(v) && !isDomain(v):
		add(NotATenant, true)
	case same(v, c.Account.ClientID) || same(v, c.Pasted.ClientID):
		add(ClientIDInTenant, true)
	case same(v, c.Pasted.ObjectID):
		add(ObjectIDNotClientID, true)
	}
}

// shortestSecret is how long Entra's oldest client secrets are; those of today
// have 40 characters.
const shortestSecret = 32

func secretMistakes(v string, c Context, add func(string, bool)) {
	switch {
	case isPlaceholder(v):
		add(Placeholder, true)
	case same(v, c.Account.ClientID) || same(v, c.Pasted.ClientID):
		add(ClientIDInSecret, true)
	case account.IsGUID(v):
		add(SecretIDNotValue, true)
	case strings.HasSuffix(v, "***") || strings.Contains(v, "•••"):
		add(SecretMasked, true)
	case c.Account.HasEntra() && len(v) < shortestSecret:
		add(SecretShort, false)
	}
}

func redirectMistakes(v string, add func(string, bool)) {
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		add(RedirectNotURL, true)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		add(RedirectHasQuery, true)
	case u.Scheme == "http" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1":
		add(RedirectNotLoopback, true)
	case u.Scheme == "https" && u.Hostname() != "localhost":
		add(RedirectElsewhere, false)
	}
}

// formMistakes are of how it was written, not of what it is.
func formMistakes(field, value, clean string) []Mistake {
	var all []Mistake
	add := func(code string, there, left bool) {
		if there {
			all = append(all, Mistake{Code: code, Certain: left, Cleaned: !left})
		}
	}
	add(Invisible, strings.ContainsFunc(value, isInvisible), false)
	around := strings.TrimFunc(withoutInvisible(value), unicode.IsSpace)
	first, last := "", ""
	if r := []rune(around); len(r) > 1 {
		first, last = string(r[0]), string(r[len(r)-1])
	}
	pair := slices.ContainsFunc(quotes, func(q [2]string) bool { return first == q[0] && last == q[1] })
	left := strings.ContainsAny(clean, "\"'“”„‘’")
	add(Brackets, pair && strings.ContainsAny(first, "<([") || strings.ContainsAny(clean, "<>"), strings.ContainsAny(clean, "<>"))
	add(Quotes, pair && !strings.ContainsAny(first, "<([") || left && field != Secret, left && field != Secret)
	add(Blanks, strings.ContainsFunc(withoutInvisible(value), unicode.IsSpace), strings.ContainsFunc(clean, unicode.IsSpace))
	if field == ClientID || field == Tenant || field == ObjectID || field == Secret {
		_, err := url.PathUnescape(clean)
		escaped := err == nil && escapeForm.MatchString(clean)
		add(URLEncoded, escaped || clean != around && escapeForm.MatchString(around), escaped)
	}
	return all
}

func same(v, other string) bool { return other != "" && strings.EqualFold(v, other) }

// isPlaceholder reports whether v is an example's word for a value.
func isPlaceholder(v string) bool {
	return placeholderForm.MatchString(v) || strings.Trim(v, "0-") == "" && account.IsGUID(v)
}
