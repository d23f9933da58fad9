package refusals

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxStudied is how many bytes of a text are looked at for everything that is
	// known. Texts that hold one sign after the other take the most time, some 4
	// seconds a MiB.
	maxStudied = 128 << 10
	pieceSize  = 400  // bytes that a long line is divided into
	reach      = 1200 // bytes on each side of a piece with a sign: a stack trace begins before, a sentence ends after
	mostOf     = 8    // places where a word of an extract is looked for outside of what was studied
)

// telling are parts of every piece of a text that a refusal could be in, in small
// letters, beside reply codes and letters beyond ASCII.
var telling = []string{
	"aadsts", "auth", "block", "bounce", "cannot", "certificate", "closed", "connect", "consent", "could not", "curl", "defer", "denied", "disabled", "dsn",
	"econn", "edns", "error", "etime", "etls", "exceed", "except", "exhaust", "expired", "fail", "fatal", "fault", "full", "grant", "invalid", "licen", "limit", "login", "lookup", "mailbox",
	"not ", "panic", "password", "permission", "quota", "refus", "reject", "require", "reset", "retry", "rfc", "secret", "smtp", "ssl", "status", "suspend", "timed out",
	"timeout", "tls", "token", "too many", "traceback", "unable", "unavail", "unknown", "unreach", "unsupport", "x509",
}

// studied returns the parts of a text in which a refusal could be, whole lines
// where lines are short, up to maxStudied bytes; all says that nothing with a sign
// was left out. A short text is studied as it is.
func studied(text string) (parts string, all bool) {
	text = strings.ReplaceAll(text, "\x00", "") // as clean does: UTF-16 has no signs otherwise
	if len(text) <= maxStudied {
		return text, true
	}
	lower := lowerASCII(text)
	var b strings.Builder
	taken := 0 // what comes before it is in b, or was left out
	for at := 0; at < len(text); {
		end := pieceEnd(text, at)
		if signed(lower[at:end]) && end+reach > taken {
			from := max(taken, onBoundary(text, at-reach))
			to := onBoundary(text, end+reach)
			if b.Len()+to-from > maxStudied {
				return b.String(), false
			}
			if from > taken && b.Len() > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(text[from:to])
			taken = to
		}
		at = end
	}
	if b.Len() == 0 {
		return text[:onBoundary(text, maxStudied)], true // nothing was found to tell from
	}
	return b.String(), true
}

// pieceEnd is where the line, or the piece of a long line, ends that begins at i.
func pieceEnd(text string, i int) int {
	rest := text[i:min(len(text), i+pieceSize)]
	if n := strings.IndexByte(rest, '\n'); n >= 0 {
		return i + n + 1
	}
	return onBoundary(text, i+len(rest))
}

// onBoundary is the beginning of the character at i, within text.
func onBoundary(text string, i int) int {
	i = min(max(i, 0), len(text))
	for back := 0; i > 0 && i < len(text) && back < utf8.UTFMax && !utf8.RuneStart(text[i]); back++ {
		i--
	}
	return i
}

// signed reports whether a piece could be a part of a refusal.
func signed(lower string) bool {
	if hasCode(lower) || strings.IndexFunc(lower, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return true
	}
	for _, s := range telling {
		if strings.Contains(lower, s) {
			return true
		}
	}
	return false
}

// elsewhere returns the places of a long text where words stand that an extract
// has too: one of them may tell that it is a secret.
func elsewhere(text string, extracts []string) string {
	if len(text) <= maxStudied {
		return ""
	}
	var b strings.Builder
	seen := map[string]bool{}
	for _, e := range extracts {
		for _, word := range strings.Fields(e) {
			if len(word) < 4 || isOrdinary(word) || seen[word] {
				continue
			}
			seen[word] = true
			for at, n := 0, 0; n < mostOf; n++ {
				i := strings.Index(text[at:], word)
				if i < 0 {
					break
				}
				at += i
				from, to := onBoundary(text, at-pieceSize/2), onBoundary(text, at+len(word)+pieceSize/2)
				if b.Len()+to-from > maxStudied {
					return b.String()
				}
				b.WriteByte('\n')
				b.WriteString(text[from:to])
				at += len(word)
			}
		}
	}
	return b.String()
}
