package words

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A translation of one text is under way. A line may be cut into sentences, and
// those into parts, in several ways, and a place may hold any text. Of all ways
// to read it the one counts in which the most letters are known.
type translation struct {
	*saying
	sentences, phrases map[string]result // what was looked for before
	work               int               // how many sentences were looked for
}

// A result is a text, translated as far as it is known, and how many of its
// letters are. What is nowhere known has none.
type result struct {
	text  string
	known int
}

const (
	// deepest is how often a place may hold a text with places.
	deepest = 6
	// joined is how many parts are looked at as one, of those that ": " and "; "
	// join.
	joined = 8
	// most is how many sentences are looked for in a text. What the engine says
	// takes some dozens; a text that takes more is something that it quotes.
	most = 500
)

// sentenceEnd is where one sentence ends and another begins, as package checks
// has it.
var sentenceEnd = regexp.MustCompile(`[.?!] [A-ZÄÖÜ]`)

// reply is where a server's words begin, with their code: SMTP's or HTTP's, OAuth's,
// or Entra's.
var reply = regexp.MustCompile(`(?:^|: )(?:[245]\d\d[ -](?:[245]\.\d|[A-Z])|(?:4[2-5]\d|5[0-5][1-9]|5[1-5]0)[ -][a-z]|(?:invalid|unauthorized|unsupported|access|consent|interaction|login|server|temporarily|authorization|expired|slow)_[a-z_]+: |AADSTS\d+: )`)

// line translates sentences, up to a server's reply.
func (t *translation) line(s string, depth int) result {
	at := reply.FindStringIndex(s)
	if at == nil {
		return t.sentencesOf(s, depth)
	}
	var head result
	if head = t.sentencesOf(s[:at[0]], depth); at[0] > 0 {
		head.text += t.joint(": ", head.known > 0)
		at[0] += 2
	}
	quoted, behind := s[at[0]:], ""
	for quoted[0] > '9' { // an SMTP server's words may well be the engine's: they are left alone
		// What the engine adds at the end is again its own.
		last := strings.LastIndex(quoted, "; ")
		if last < 0 {
			break
		}
		r := t.part(quoted[last+2:], depth)
		if r.known == 0 {
			break
		}
		quoted, behind = quoted[:last], t.joint("; ", true)+r.text+behind
		head.known += r.known
	}
	return result{head.text + quoted + behind, head.known}
}

func (t *translation) joint(english string, known bool) string {
	if theirs, ok := t.joints[english]; ok && known {
		return theirs
	}
	return english
}

// sentencesOf translates sentences.
func (t *translation) sentencesOf(s string, depth int) result {
	whole := t.phrase(s, depth)
	first := sentenceEnd.FindStringIndex(s)
	if first == nil {
		return whole
	}
	var apart result
	for rest := s; rest != ""; {
		one := rest
		if at := sentenceEnd.FindStringIndex(rest); at != nil {
			one, rest = rest[:at[0]+1], rest[at[0]+2:]
		} else {
			rest = ""
		}
		r := t.phrase(one, depth)
		apart.text += r.text
		if rest != "" && !strings.HasSuffix(r.text, "。") {
			apart.text += " "
		}
		apart.known += r.known
	}
	if whole.known > apart.known {
		return whole // a place holds the end of a sentence
	}
	return apart
}

// phrase translates a sentence of parts that ": " and "; " join, of which each
// may be known.
func (t *translation) phrase(s string, depth int) result {
	if r, ok := t.phrases[s]; ok || t.work > most {
		return cmp.Or(r, result{s, 0})
	}
	best, whole := t.part(s, depth), true
	for _, end := range ends(s) {
		head, tail := t.part(s[:end], depth), t.phrase(s[end+2:], depth)
		// Of two ways that know as much, a place should not take more than its own.
		if known := head.known + tail.known; known > best.known || whole && known == best.known && head.known > 0 {
			whole = false
			best = result{head.text + t.joint(s[end:end+2], head.known > 0) + tail.text, known}
		}
	}
	t.phrases[s] = best
	return best
}

// ends are where the first parts of a sentence end, but for the last part.
func ends(s string) []int {
	var all []int
	for at := 1; at < len(s) && len(all) < joined; at++ {
		i := strings.IndexAny(s[at:], ":;")
		if i < 0 {
			break
		}
		if at += i; strings.HasPrefix(s[at+1:], " ") {
			all = append(all, at)
		}
	}
	return all
}

// part translates a part of a sentence: as a whole, with something in parentheses
// at its end, or with a name in front.
func (t *translation) part(s string, depth int) result {
	best := t.sentence(s, depth)
	if head, tail, ok := strings.Cut(s, " ("); ok && strings.HasSuffix(tail, ")") {
		h, in := t.sentence(head, depth), t.place(tail[:len(tail)-1], depth)
		if h.known > 0 && h.known+in.known >= best.known || in.known > best.known {
			best = result{h.text + " (" + in.text + ")", h.known + in.known}
		}
	}
	if name, rest, ok := strings.Cut(s, " "); ok && strings.ContainsAny(name, "@._:") {
		if r := t.sentence(rest, depth); r.known > best.known {
			best = result{name + " " + r.text, r.known}
		}
	}
	return best
}

// sentence translates a sentence that is known as a whole.
func (t *translation) sentence(s string, depth int) result {
	if r, ok := t.sentences[s]; ok {
		return r
	}
	if t.work++; t.work > most {
		return result{s, 0}
	}
	r := t.exactly(s)
	if r.known == 0 {
		r = t.formed(s, depth)
	}
	if bare, ok := strings.CutSuffix(s, "."); ok && r.known == 0 && bare != "" {
		if r = t.sentence(bare, depth); r.known > 0 {
			r.text += t.stop
		}
	}
	first, n := utf8.DecodeRuneInString(s)
	if small := unicode.ToLower(first); r.known == 0 && small != first {
		r = t.sentence(string(small)+s[n:], depth)
	}
	if r.known == 0 {
		r.text = s
	}
	t.sentences[s] = r
	return r
}

func (t *translation) exactly(s string) result {
	if text, ok := t.exact[s]; ok {
		return result{text, letters(s)}
	}
	return result{s, 0}
}

// formed translates a sentence that has a form: of all the one that makes the
// most of it known.
func (t *translation) formed(s string, depth int) result {
	var candidates []*form
	for _, at := range wordForm.FindAllStringIndex(s, -1) {
		for _, f := range t.forms[s[at[0]:at[1]]] {
			if !slices.Contains(candidates, f) {
				candidates = append(candidates, f)
			}
		}
	}
	var best result
	var of *form
	for _, f := range candidates {
		values, ok := f.match(s)
		if !ok {
			continue
		}
		r := t.filled(f, values, depth)
		if r.known == 0 {
			continue
		}
		// Of two that say as much, the one with more words of its own.
		if of == nil || r.known > best.known || r.known == best.known && (f.letters > of.letters || f.letters == of.letters && f.english < of.english) {
			best, of = r, f
		}
	}
	return best
}

// filled is the translation of a form with what stands at its places.
func (t *translation) filled(f *form, values map[string]string, depth int) result {
	said := map[string]string{}
	known := f.letters
	for name, value := range values {
		r := result{value, 0}
		if !isName(name) {
			r = t.place(value, depth)
		}
		if f.letters < fewest && r.known == 0 && strings.Contains(value, " ") && plainWord.MatchString(value) {
			return result{}
		}
		said[name] = r.text
		known += r.known
	}
	var b strings.Builder
	for i, piece := range f.translated {
		b.WriteString(piece)
		if i < len(f.theirs) {
			b.WriteString(said[f.theirs[i]])
		}
	}
	return result{b.String(), known}
}

// place translates what stands at a place of a sentence.
func (t *translation) place(s string, depth int) result {
	if depth >= deepest || !strings.Contains(s, " ") {
		return result{spanned(s), 0}
	}
	return t.line(s, depth+1)
}

func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
