package refusals

import (
	"slices"
	"strings"
)

const removed = "[removed]"

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
	line := source[begin:end]
	secret := apart(append(secretSpans(line), blobSpans(line)...))
	head, rest := without(line, secret, 0, from-begin), without(line, secret, from-begin, len(line))
	if len(head) > before {
		head = wholeWords(head[len(head)-before:], false)
	}
	all := strings.Join(strings.Fields(head+rest), " ")
	if len(all) > longest {
		all = wholeWords(all[:longest], true)
	}
	return strings.ToValidUTF8(all, "")
}

// without returns a part of a text without spans of it. What begins before the
// part leaves its mark there.
func without(text string, spans []span, from, to int) string {
	var b strings.Builder
	at := from
	for _, s := range spans {
		if s.to <= at || s.from >= to {
			continue
		}
		if s.from >= at {
			b.WriteString(text[at:s.from])
			b.WriteString(removed)
		}
		at = min(s.to, to)
	}
	b.WriteString(text[at:to])
	return b.String()
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

// withhold takes out of an answer the secrets of its whole text: an extract may
// have lost, with the beginning of its line or the line before, what told that a
// word of it is one.
func (a *Answer) withhold(text string) {
	if a.Verdict == None {
		return
	}
	var secrets []string
	seen := map[string]bool{}
	for _, s := range secretsOf(clean(text)) {
		if !seen[s] {
			seen[s] = true
			secrets = append(secrets, s)
		}
	}
	// A long one may have a short one in it.
	slices.SortStableFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, s := range secrets {
		a.Extract = strings.ReplaceAll(a.Extract, s, removed)
		for i := range a.Findings {
			a.Findings[i].Extract = strings.ReplaceAll(a.Findings[i].Extract, s, removed)
		}
	}
}

// extracts are the words of the text that an answer repeats.
func (a *Answer) extracts() []string {
	all := []string{a.Extract}
	for _, f := range a.Findings {
		all = append(all, f.Extract)
	}
	return all
}

// secretsOf returns the secrets of a whole text as they would stand in an
// extract. Words that refusals consist of are none, wherever they stand.
func secretsOf(text string) []string {
	var all []string
	for _, secret := range secretSpans(text) {
		for line := range strings.SplitSeq(text[secret.from:secret.to], "\n") {
			value := strings.Join(strings.Fields(line), " ")
			if len(value) >= 4 && !isOrdinary(value) && !isReply(value) && value != "removed" {
				all = append(all, value)
			}
		}
	}
	return all
}
