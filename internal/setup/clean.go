package setup

import (
	"net/url"
	"strings"
	"unicode"

	"traymail/internal/account"
)

// isInvisible reports whether r takes no room: what pages and chat programs put
// between the letters that are copied.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' ||
		r >= '\ufe00' && r <= '\ufe0f' || unicode.IsControl(r) && !unicode.IsSpace(r)
}

// isBlank reports whether r is a blank, or cannot be seen.
func isBlank(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) }

func withoutInvisible(s string) string {
	return strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// quotes are pairs that stand around what people copy.
var quotes = [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"„", "“"}, {"‘", "’"}, {"«", "»"}, {"「", "」"}, {"<", ">"}, {"(", ")"}, {"[", "]"}}

// Clean takes away what can be taken from a field's value without a doubt about
// what was meant: blanks and quotes around it, invisible characters, brackets
// around an ID or an address, "mailto:", and %2D and its like in an ID. Of a
// password only line breaks at its ends go, because everything else may belong
// to it; of a client secret, blanks, quotes and what is invisible.
//
// secretOf is the account that a Secret is of; for other fields it is not used.
func Clean(field, value string, secretOf account.Account) string {
	if field == Secret && secretOf.SignIn == account.PasswordSignIn {
		return strings.Trim(value, "\r\n")
	}
	s := strings.TrimFunc(withoutInvisible(value), unicode.IsSpace)
	for again := true; again; {
		again = false
		for _, q := range quotes {
			inner, ok := strings.CutPrefix(s, q[0])
			if inner, closed := strings.CutSuffix(inner, q[1]); ok && closed {
				s, again = strings.TrimFunc(inner, unicode.IsSpace), true
			}
		}
	}
	switch field {
	case ClientID, Tenant, ObjectID:
		if d, err := url.PathUnescape(s); err == nil && account.IsGUID(d) {
			s = d
		}
		if joined := strings.Join(strings.Fields(s), ""); account.IsGUID(joined) {
			s = joined // a line break in the middle of it
		}
		s = strings.TrimRight(s, ".,;/")
		if guid, ok := strings.CutPrefix(strings.ToLower(s), "api://"); ok && field == ClientID && account.IsGUID(guid) {
			s = s[len("api://"):]
		}
		if t, ok := tenantOfURL(s); ok && field == Tenant {
			s = t
		}
		if account.IsGUID(s) {
			s = strings.ToLower(s)
		}
	case Username, Sender, TestTo, NoticeTo:
		if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
			s = s[7:]
		}
		if _, after, ok := cutLast(strings.TrimSuffix(s, ">"), "<"); ok && strings.HasSuffix(s, ">") && AddressProblem(after) == "" {
			s = after // Name <address>
		}
		s = strings.TrimRight(s, ".,;")
	}
	return s
}

// tenantOfURL takes the tenant out of an address of Entra's endpoints.
func tenantOfURL(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || !strings.HasPrefix(u.Hostname(), "login.") {
		return "", false
	}
	tenant, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	return tenant, account.IsGUID(tenant) || isDomain(tenant)
}
