package mailer

import (
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const scrubbed = "[removed]"

var (
	// secretForm is a name that only secrets have, with its value: in TOML, JSON,
	// a log line, a connection string or a form.
	secretForm = regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:passw(?:or)?d|passphrase|pwd|client[ _-]?secret|secret[ _-]?value|refresh[ _-]?token|access[ _-]?token|id[ _-]?token|assertion|private[ _-]?key|api[ _-]?key|password_hash)\\?["']?[ \t]*[=:][ \t]*)` +
		`(?:"""(?s:.*?)"""|'''(?s:.*?)'''|\\"[^"]*\\"|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,;&"'}\]]+)`)
	// bearerForm is a token that follows its scheme.
	bearerForm = regexp.MustCompile(`(?i)\b(bearer|basic|xoauth2|plain)[ \t]+[a-z0-9+/_.~-]{16,}=*`)
	// jwtForm is a token of the identity providers.
	jwtForm = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?`)
	// refreshForm is a refresh token of Entra or Google.
	refreshForm = regexp.MustCompile(`\b(?:[01]\.A[A-Za-z0-9_-]{40,}|1//[A-Za-z0-9_-]{20,}|M\.[A-Z0-9_]{4,}\.[A-Za-z0-9!*$.-]{20,})[A-Za-z0-9_.-]*`)
	// codeForm is what comes back from a sign-in.
	codeForm = regexp.MustCompile(`([?&](?:code|state|client_info|session_state)=)[^&\s"']+`)
	// userinfoForm is a password in an address.
	userinfoForm = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@"']*):[^/\s@"']+@`)
	hashForm     = regexp.MustCompile(`\$argon2[a-z]*\$[^\s"']+`)
	keyForm      = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`)
	ageForm      = regexp.MustCompile(`(?i)AGE-SECRET-KEY-[A-Z0-9-]+`)
	// addressForm has the key before it, as a log line does.
	addressForm = regexp.MustCompile(`((?:^|[\s,;])[a-z_]+=)?([\pL\pN.!#$%&*+/=?^_{|}~-]+)@([\pL\pN-]+(?:\.[\pL\pN-]+)+)`)
)

// scrub takes out what looks like a secret, and shortens the addresses that are
// not kept.
func scrub(text string, keep map[string]bool) string {
	for _, whole := range []*regexp.Regexp{keyForm, ageForm, jwtForm, refreshForm, hashForm} {
		text = whole.ReplaceAllString(text, scrubbed)
	}
	text = userinfoForm.ReplaceAllString(text, "${1}:"+scrubbed+"@")
	text = secretForm.ReplaceAllStringFunc(text, func(s string) string {
		m := secretForm.FindStringSubmatch(s)
		value := s[len(m[1]):]
		switch {
		case value == "true" || value == "false" || value == `""`:
			return s // has_password says nothing about it
		case strings.HasPrefix(value, `\"`):
			return m[1] + `\"` + scrubbed + `\"`
		case strings.HasPrefix(value, `"`):
			return m[1] + `"` + scrubbed + `"`
		}
		return m[1] + scrubbed
	})
	text = bearerForm.ReplaceAllString(text, "${1} "+scrubbed)
	text = codeForm.ReplaceAllString(text, "${1}"+scrubbed)
	var b strings.Builder
	at := 0
	for _, m := range addressForm.FindAllStringSubmatchIndex(text, -1) {
		local, domain := text[m[4]:m[5]], text[m[6]:m[7]]
		if keep[strings.ToLower(local+"@"+domain)] {
			continue
		}
		b.WriteString(text[at:m[4]])
		b.WriteString(string([]rune(local)[0]) + "…@" + domain)
		at = m[1]
	}
	b.WriteString(text[at:])
	return b.String()
}

// personal finds a person's folder in a text, as it is, with either slash and as
// JSON and TOML have it; the group is what stands behind it. It is nil where
// there is no such folder, or it is the whole disk.
func personal(folder string, err error) *regexp.Regexp {
	if folder = filepath.Clean(folder); err != nil || filepath.Dir(folder) == folder || folder == "." {
		return nil
	}
	parts := strings.FieldsFunc(folder, func(r rune) bool { return r == '/' || r == filepath.Separator })
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	form := strings.Join(parts, `(?:/|\\{1,4})`)
	if folder[0] == '/' || folder[0] == filepath.Separator {
		form = `(?:/|\\{1,4})` + form
	}
	if runtime.GOOS != "linux" { // whose file systems tell letters apart
		form = "(?i)" + form
	}
	return regexp.MustCompile(form + `(\.?(?:[^\pL\pN._-]|$))`)
}
