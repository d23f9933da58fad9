package refusals

import (
	"regexp"
	"strings"
)

const removed = "[removed]"

var (
	jwt        = regexp.MustCompile(`eyJ[A-Za-z0-9_=-]*(?:\s*\.\s*[A-Za-z0-9_=-]*)*`)
	authLine   = regexp.MustCompile(`(?i)\b(AUTH\s+(?:XOAUTH2|PLAIN|LOGIN|OAUTHBEARER|CRAM-MD5|NTLM)\s+)\S+`)
	bearer     = regexp.MustCompile(`(?i)\b(?:bearer|basic)[\s:="']+[A-Za-z0-9+/_.~=|!*-]{6,}`)
	header     = regexp.MustCompile(`(?i)\b(authorization["']?\s*[:=]\s*["']?[a-z]+\s+)[^\s"']+`)
	plainWord  = regexp.MustCompile(`^[a-z]+[\s:="']+[A-Z]?[a-z]+[.:]?$`)
	assignment = regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:passwor[dt]|passwd|passphrase|\bpwd|\bpass|secret|token|api_?key|assertion|authorization|credential|code_verifier|device_code|kennwort|mot de passe)["']?\s*(?:=>|[:=]|\bis\b)\s*)(?:"[^"\n]*"?|'[^'\n]*'?|[^\s,;&]+)`)
	noSecret   = regexp.MustCompile(`(?i)[a-z]\s+is\s+(?:not|no|in|empty|missing|expired|invalid|incorrect|wrong|required|disabled|malformed|being|the|issued|for|an?|too|already|used|locked)[.,:;)]?$|^InvalidAuthenticationToken["']?:\s`)
	codeParam  = regexp.MustCompile(`\b(code=)[^\s&"']+`)
	blob       = regexp.MustCompile(`[A-Za-z0-9+/_~=-]{20,}(?:\.[A-Za-z0-9+/_~=-]{8,})*`)
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// scrubbed returns text without what could be a secret.
func scrubbed(text string) string {
	text = jwt.ReplaceAllString(text, removed)
	text = authLine.ReplaceAllString(text, "${1}"+removed)
	text = header.ReplaceAllString(text, "${1}"+removed)
	text = bearer.ReplaceAllStringFunc(text, func(s string) string {
		if plainWord.MatchString(strings.ToLower(s)) {
			return s // "basic authentication is disabled"
		}
		return removed
	})
	text = assignment.ReplaceAllStringFunc(text, func(s string) string {
		if noSecret.MatchString(s) {
			return s // "the password is expired", "InvalidAuthenticationToken: Access"
		}
		return assignment.ReplaceAllString(s, "${1}"+removed)
	})
	text = codeParam.ReplaceAllString(text, "${1}"+removed)
	return blob.ReplaceAllStringFunc(text, func(s string) string {
		if guid.MatchString(s) || isName(s) {
			return s
		}
		return removed
	})
}

// What an extract has at most, in bytes.
const (
	longest = 500
	before  = 160 // of it, before what was recognised
	window  = 4096
)

// extract returns what was recognised and the rest of its line, without
// secrets. They are looked for in more of the line than is returned, because one
// that is cut looks like none.
func extract(source string, from, to int) string {
	begin := max(0, from-window)
	if i := strings.LastIndexByte(source[begin:from], '\n'); i >= 0 {
		begin += i + 1
	} else if begin > 0 {
		begin = from - len(wholeWords(source[begin:from], false))
	}
	end := min(len(source), to+window)
	if i := strings.IndexByte(source[to:end], '\n'); i >= 0 {
		end = to + i
	} else if end < len(source) {
		end = to + len(wholeWords(source[to:end], true))
	}
	// What is cut within a word would look like another one.
	for from > begin && from < to && isWord(source[from-1]) && isWord(source[from]) {
		from--
	}
	for to < end && to > from && isWord(source[to-1]) && isWord(source[to]) {
		to++
	}
	head, words, tail := scrubbed(source[begin:from]), scrubbed(source[from:to]), scrubbed(source[to:end])
	if len(head) > before {
		head = wholeWords(head[len(head)-before:], false)
	}
	all := strings.Join(strings.Fields(head+words+tail), " ")
	if len(all) > longest {
		all = wholeWords(all[:longest], true)
	}
	return strings.ToValidUTF8(all, "")
}

// wholeWords returns text without the word that is cut at its end, or at its
// beginning.
func wholeWords(text string, atEnd bool) string {
	if atEnd {
		return text[:strings.LastIndexAny(text, " \n")+1]
	}
	if i := strings.IndexAny(text, " \n"); i >= 0 {
		return text[i:]
	}
	return ""
}

// identifier is words in camel case, with dots, hyphens and underscores between
// them perhaps.
var identifier = regexp.MustCompile(`^(?:[A-Z]{0,5}[a-z]{2,}|[A-Z]{1,5}[a-z]|[A-Z]{2,}|[._-])+$`)

// isName reports whether a long word consists of words, in camel case or with
// hyphens, or of a number, rather than of something random: that changes between
// small letters, capitals and digits all the time.
func isName(s string) bool {
	if identifier.MatchString(s) && readable(s) {
		return true
	}
	changes := 0
	for i := 1; i < len(s); i++ {
		before, c := s[i-1], s[i]
		if isDigit(before) != isDigit(c) && (isLetter(before) || isLetter(c)) || isLower(before) && isLetter(c) && !isLower(c) {
			changes++
		}
	}
	return changes*6 <= len(s) && !strings.ContainsAny(s, "+~")
}

// readable reports whether the words of an identifier could be spoken: they are
// four letters long in the mean, and nearly all have a vowel.
func readable(s string) bool {
	words, letters, mute := 0, 0, 0
	spoken, open := true, false
	for i := range len(s) {
		c := s[i]
		begins := !isLetter(c) || i > 0 && isLower(s[i-1]) && !isLower(c)
		if begins && open && !spoken {
			mute++
		}
		if !isLetter(c) {
			open, spoken = false, true
			continue
		}
		if begins || !open {
			words, open, spoken = words+1, true, false
		}
		letters++
		spoken = spoken || strings.IndexByte("aeiouyAEIOUY", c) >= 0
	}
	if open && !spoken {
		mute++
	}
	return words > 0 && letters >= 4*words && mute*4 <= words
}

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
