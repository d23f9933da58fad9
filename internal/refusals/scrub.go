package refusals

import (
	"regexp"
	"strings"
)

const removed = "[removed]"

var (
	jwt        = regexp.MustCompile(`eyJ[A-Za-z0-9_=-]*(?:\s*\.\s*[A-Za-z0-9_=-]*)*`)
	authLine   = regexp.MustCompile(`(?i)\b(AUTH\s+(?:XOAUTH2|PLAIN|LOGIN|OAUTHBEARER|CRAM-MD5|NTLM)\s+)\S+`)
	bearer     = regexp.MustCompile(`(?i)\b(bearer|basic)[\s:="']+[A-Za-z0-9+/_.~=|!*-]{6,}`)
	assignment = regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:passwor[dt]|passwd|passphrase|\bpwd|\bpass|secret|token|api_?key|assertion|authorization|credential|code_verifier|device_code|kennwort|mot de passe)["']?\s*(?:[:=]|=>|\bis\b)\s*)(?:"[^"\n]*"?|'[^'\n]*'?|[^\s,;&]+)`)
	codeParam  = regexp.MustCompile(`\b(code=)[^\s&"']+`)
	blob       = regexp.MustCompile(`[A-Za-z0-9+/_~=-]{20,}(?:\.[A-Za-z0-9+/_~=-]{8,})*`)
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// scrubbed returns text without what could be a secret.
func scrubbed(text string) string {
	text = jwt.ReplaceAllString(text, removed)
	text = authLine.ReplaceAllString(text, "${1}"+removed)
	text = bearer.ReplaceAllString(text, "${1} "+removed)
	text = assignment.ReplaceAllString(text, "${1}"+removed)
	text = codeParam.ReplaceAllString(text, "${1}"+removed)
	return blob.ReplaceAllStringFunc(text, func(s string) string {
		if guid.MatchString(s) || isName(s) {
			return s
		}
		return removed
	})
}

// isName reports whether a long word consists of words, in camel case or with
// hyphens, or of a number, rather than of something random: that changes between
// small letters, capitals and digits all the time.
func isName(s string) bool {
	changes := 0
	for i := 1; i < len(s); i++ {
		before, c := s[i-1], s[i]
		if isDigit(before) != isDigit(c) && (isLetter(before) || isLetter(c)) || isLower(before) && isLetter(c) && !isLower(c) {
			changes++
		}
	}
	return changes*6 <= len(s) && !strings.ContainsAny(s, "+~")
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
