package refusals

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	gapMark   = "…"
	gap       = 240 // squeezed bytes between the parts of a phrase
	minPhrase = 5   // squeezed bytes of a whole one
	minCut    = 18  // squeezed bytes of a phrase that is cut off, to know it by
	mostCuts  = 64  // phrases that are cut off, of one text
)

// kind is what something was recognised by; the later, the surer.
type kind int

const (
	byOAuth kind = iota
	byCut        // the beginning of a phrase, at the end of a text
	byNumber
	byAADSTS
	byPhrase
)

// A needle is one sign of an entry, or of a doubt.
type needle struct {
	entry, doubt int // one of them is -1
	kind         kind
	weak         bool // its entry is, or it is an OAuth code
	enhanced     bool // an enhanced code alone, which could be a version number
	name         bool // a name in capitals, ENOTFOUND, and not the letters of a sentence
	token        bool // begins with one word, which could be several of a sentence
	parts        []string
}

// A matcher finds the signs of a whole catalogue in a text.
type matcher struct {
	needles []needle
	a       *automaton
	// uses are, of each string of the automaton, the needles that it is a part of.
	uses   [][]use
	aadsts map[int]int
	oauth  map[string]int
}

type use struct{ needle, part int }

func newMatcher(c *catalogue) (*matcher, error) {
	m := &matcher{aadsts: map[int]int{}, oauth: map[string]int{}}
	owner := map[string]string{}
	add := func(who string, n needle) error {
		key := strings.Join(n.parts, gapMark)
		if n.token {
			key = "code " + key
		}
		if other, taken := owner[key]; taken {
			return fmt.Errorf("%s and %s are recognised by the same %q", other, who, key)
		}
		owner[key] = who
		m.needles = append(m.needles, n)
		return nil
	}
	texts := func(who string, n needle, replies, phrases []string) error {
		for _, p := range phrases {
			n.kind, n.parts, n.enhanced, n.name = byPhrase, parts(p), false, nameForm.MatchString(p)
			if err := add(who, n); err != nil {
				return err
			}
		}
		for _, r := range replies {
			n.kind, n.parts, n.enhanced, n.name = byNumber, parts(r), enhancedForm.MatchString(r), false
			if err := add(who, n); err != nil {
				return err
			}
		}
		return nil
	}
	for i, e := range c.entries {
		who := fmt.Sprintf("refusal %q", e.ID)
		for _, number := range e.AADSTS {
			if other, taken := m.aadsts[number]; taken {
				return nil, fmt.Errorf("refusal %q and %s are recognised by the same AADSTS%d", c.entries[other].ID, who, number)
			}
			m.aadsts[number] = i
		}
		if err := texts(who, needle{entry: i, doubt: -1, weak: e.Weak}, e.Replies, e.Phrases); err != nil {
			return nil, err
		}
		if err := texts(who, needle{entry: i, doubt: -1}, nil, e.Firm); err != nil {
			return nil, err
		}
		for _, g := range e.Graph {
			n := needle{entry: i, doubt: -1, kind: byPhrase, weak: e.Weak, token: true, parts: []string{squeezed(g.Code)}}
			if g.Phrase != "" {
				n.parts = append(n.parts, parts(g.Phrase)...)
			}
			if err := add(who, n); err != nil {
				return nil, err
			}
		}
		for _, o := range e.OAuth {
			if other, taken := m.oauth[o]; taken {
				return nil, fmt.Errorf("refusal %q and %s are recognised by the same %q", c.entries[other].ID, who, o)
			}
			m.oauth[o] = i
			m.needles = append(m.needles, needle{entry: i, doubt: -1, kind: byOAuth, weak: true, parts: []string{squeezed(o)}})
		}
	}
	for i, d := range c.doubts {
		if err := texts(fmt.Sprintf("doubt %d, of %q,", i+1, d.Candidates), needle{entry: -1, doubt: i}, d.Replies, d.Phrases); err != nil {
			return nil, err
		}
	}
	m.build()
	return m, nil
}

func (m *matcher) build() {
	ids := map[string]int{}
	var all []string
	for i, n := range m.needles {
		for j, p := range n.parts {
			id, known := ids[p]
			if !known {
				id = len(all)
				ids[p] = id
				all = append(all, p)
				m.uses = append(m.uses, nil)
			}
			m.uses[id] = append(m.uses[id], use{i, j})
		}
	}
	m.a = newAutomaton(all)
}

// A hit is a sign that was found.
type hit struct {
	entry, doubt int
	kind         kind
	weak         bool
	whole        bool // its sign has no gap
	letters      int  // squeezed bytes of the sign itself
	from, to     int  // in the source
}

// A cut is the beginning of phrases at a place where a text ends.
type cut struct {
	entries  []int
	from, to int
}

// find returns the signs in a text, by their beginning, without those that are a
// part of others, and what was cut off.
func (m *matcher) find(s *squeeze, numbers []stsNumber) (hits []hit, cuts []cut) {
	type chain struct{ start, end int }
	open := map[int][]chain{} // of each needle, the latest chain that reached each part
	at := int32(0)
	for i, c := range s.bytes {
		at = m.a.step(at, c)
		for n := m.a.nodes[at].output; n >= 0; n = m.a.nodes[m.a.nodes[n].fail].output {
			start := i + 1 - int(m.a.nodes[n].depth)
			for _, id := range m.a.nodes[n].ends {
				if !s.bounded(start, i+1) {
					continue
				}
				for _, u := range m.uses[id] {
					begin := start
					if last := len(m.needles[u.needle].parts) - 1; last > 0 {
						if open[u.needle] == nil {
							open[u.needle] = make([]chain, last)
						}
						if u.part > 0 {
							before := open[u.needle][u.part-1]
							if before.end == 0 || before.end > start || start-before.end > gap {
								continue
							}
							begin = before.start
						}
						if u.part < last {
							open[u.needle][u.part] = chain{start: begin, end: i + 1}
							continue
						}
					}
					if h, ok := m.hit(s, u.needle, begin, i+1); ok {
						hits = append(hits, h)
					}
				}
			}
		}
		if len(cuts) < mostCuts && m.a.nodes[at].depth >= minCut && s.cutAfter(i) && (i+1 == len(s.bytes) || m.a.child(at, s.bytes[i+1]) == 0) {
			if c, ok := m.cutAt(s, at, i+1); ok {
				cuts = append(cuts, c)
			}
		}
	}
	// A sentence that is whole is not cut off, although others begin with it.
	cuts = slices.DeleteFunc(cuts, func(c cut) bool {
		return slices.ContainsFunc(hits, func(h hit) bool {
			return (h.doubt >= 0 || len(c.entries) == 1 && c.entries[0] == h.entry) && h.from <= c.from && c.to <= h.to
		})
	})
	hits = append(hits, m.numbers(numbers)...)
	return outermost(s.source, hits), cuts
}

// goesOn is how prose goes on that only mentions what a refusal would say.
var goesOn = regexp.MustCompile(`(?i)^ (?:(?:is|was|are|has been|will be|can be) (?:now )?(?:off|on|what|no longer|never|disabled|enabled|switched|turned|active|inactive|supported|configured)\b|(?:usually |often )?means\b|(?:the|an?|our|your|my|all|any|these|those) (?:old|idle|stale|previous|dead|unused|inactive|sleeping)\b|(?:settings?|options?|feature|filter|support|module|plugin|policy|policies|handling|threshold|values?)\b)|^["']?\s?[:=]\s?["']?(?:off|disabled|no|none|never|false|inactive|0)(?:["',;\s]|\.?$)|^\?\s+(?:never|not|none)\b`)

// short reports whether a sign has so few letters that prose has it too.
func (n *needle) short() bool { return len(n.parts) == 1 && len(n.parts[0]) <= 17 }

// hit checks what the letters alone do not tell.
func (m *matcher) hit(s *squeeze, id, start, end int) (hit, bool) {
	n := m.needles[id]
	from, to := s.sourceSpan(start, end)
	switch {
	case n.enhanced && !replyBefore(s.source, from, to):
		return hit{}, false
	case n.name && !oneWord(s.source, from, to):
		return hit{}, false
	case (n.kind == byPhrase || n.kind == byNumber) && mentioned(s.source, from, to):
		return hit{}, false
	case n.kind == byPhrase && !n.token && n.short() && goesOn.MatchString(s.source[to:min(len(s.source), to+40)]):
		return hit{}, false
	case n.token && !tokenAt(s, start, start+len(n.parts[0])):
		return hit{}, false
	case n.kind == byOAuth && !oauthAround(s.source, from, to):
		return hit{}, false
	}
	letters := 0
	for _, p := range n.parts {
		letters += len(p)
	}
	return hit{n.entry, n.doubt, n.kind, n.weak, len(n.parts) == 1, letters, from, to}, true
}

// cutAfter reports whether a text, or a line of it, ends after the squeezed byte
// i.
func (s *squeeze) cutAfter(i int) bool {
	if i+1 == len(s.bytes) {
		return true
	}
	if s.pos[i+1] == s.pos[i] {
		return false // within a character of several bytes
	}
	_, to := s.sourceSpan(i, i+1)
	between := s.source[to:s.pos[i+1]]
	return strings.ContainsAny(between, "\n…") || strings.Contains(between, "...") || strings.HasPrefix(s.source[s.pos[i+1]:], "trunc") || strings.HasPrefix(s.source[s.pos[i+1]:], "snip")
}

func (m *matcher) cutAt(s *squeeze, at int32, end int) (cut, bool) {
	c := cut{}
	for n := at; m.a.nodes[n].depth >= minCut; n = m.a.nodes[n].fail {
		m.a.below(n, func(id int32) {
			for _, u := range m.uses[id] {
				if entry := m.needles[u.needle].entry; u.part == 0 && entry >= 0 && m.needles[u.needle].kind == byPhrase && !slices.Contains(c.entries, entry) {
					c.entries = append(c.entries, entry)
				}
			}
		})
		if len(c.entries) > 0 {
			c.from, c.to = s.sourceSpan(end-int(m.a.nodes[n].depth), end)
			return c, true
		}
	}
	return c, false
}

var (
	beforeEnhanced = regexp.MustCompile(`(?i)(?:\b([45])\d\d[\s\-,:;'"(\[#=)\]]{1,8}|#|\bdsn[=:"' ]{1,4}|status(?: ?code)?["']?[=:"' ]{1,4}|smtp; ?|smtpapi?[ :]{1,3}|(?:said|reason|error|info|response|reply|failed|returned|fehler|erreur|errore|エラー|错误)["']?[ ]?[:=：]?[ ]?["'(\[]{0,2})$`)
	afterEnhanced  = regexp.MustCompile(`^[ :;,]{1,3}["']?(?:[A-Z][a-z]+|STORE|RESOLVER|SMTP)`)
	nameForm       = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	camelCase      = regexp.MustCompile(`^[A-Z][a-z]+(?:[A-Z]+[a-z]+){2,}[A-Z]*$`)
	aroundCode     = regexp.MustCompile(`(?i)code|graph|error|exception|status`)
	aroundOAuth    = regexp.MustCompile(`(?i)error|oauth|fail|exception|refused|denied|token`)
)

// replyBefore reports whether a number of three parts is an enhanced code and no
// version, date or address: by what stands before it, or by the sentence after
// it at the beginning of a line.
func replyBefore(source string, from, to int) bool {
	before := source[max(0, from-24):from]
	if m := beforeEnhanced.FindStringSubmatch(before); m != nil {
		return m[1] == "" || m[1][0] == source[from]
	}
	lineBegins := strings.TrimRight(before, ` "'([`)
	return (lineBegins == "" && from < 24 || strings.HasSuffix(lineBegins, "\n")) && afterEnhanced.MatchString(source[to:min(len(source), to+40)])
}

// oneWord reports whether letters stand together and by themselves, but for the
// end of a line.
func oneWord(source string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(source[:from])
	after, _ := utf8.DecodeRuneInString(source[to:])
	return !isLatin(before) && !isLatin(after) && !strings.ContainsAny(source[from:to], " .,:;")
}

// tokenAt reports whether letters are one word, but for the end of a line, that
// stands where error codes do.
func tokenAt(s *squeeze, start, end int) bool {
	from, to := s.sourceSpan(start, end)
	if strings.ContainsFunc(s.source[from:to], func(r rune) bool { return r < 'A' && r != '\n' }) {
		return false
	}
	if camelCase.MatchString(s.source[from:to]) {
		return true
	}
	return aroundCode.MatchString(s.source[max(0, from-200):min(len(s.source), to+100)])
}

// oauthAround reports whether an OAuth error code is meant as one.
func oauthAround(source string, from, to int) bool {
	if from > 0 && (source[from-1] == '_' || source[from-1] == '.' || source[from-1] == '-') || to < len(source) && source[to] == '_' {
		return false
	}
	if !strings.Contains(source[from:to], "_") {
		return false // the letters of a sentence
	}
	return aroundOAuth.MatchString(source[max(0, from-80):from]) || aroundOAuth.MatchString(source[to:min(len(source), to+80)])
}

// numbers returns those of Entra's that are in the catalogue.
func (m *matcher) numbers(numbers []stsNumber) []hit {
	var hits []hit
	for _, n := range numbers {
		if entry, ok := m.aadsts[n.number]; ok {
			hits = append(hits, hit{entry: entry, doubt: -1, kind: byAADSTS, letters: n.to - n.from, from: n.from, to: n.to})
		} else if entry, ok := m.aadsts[n.wrapped]; ok {
			hits = append(hits, hit{entry: entry, doubt: -1, kind: byAADSTS, letters: n.to - n.from, from: n.from, to: n.to})
		}
	}
	return hits
}

// wholeFirst compares signs of the same letters: the one without a gap says more.
func wholeFirst(a, b hit) int {
	switch {
	case a.whole == b.whole:
		return 0
	case a.whole:
		return -1
	}
	return 1
}

// outermost sorts hits by their beginning and drops those that stand within
// others that say more, and numbers whose sentence says something else.
func outermost(source string, hits []hit) []hit {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to), cmp.Compare(b.letters, a.letters), wholeFirst(a, b))
	})
	var all []hit
	var widest hit
	for i, h := range hits {
		within := i > 0 && h.to <= widest.to
		if within && h.letters <= widest.letters && (widest.entry >= 0 || h.entry < 0 || widest.whole) {
			continue
		}
		if !within {
			widest = h
		}
		all = append(all, h)
	}
	yields := make([]bool, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		yields[i] = yieldsTo(source, all[i], all[i+1:], yields[i+1:])
	}
	i := 0
	return slices.DeleteFunc(all, func(hit) bool { i++; return yields[i-1] })
}

// yieldsTo reports whether a number says less than what follows it. One of
// Entra's does where the sentence after it is another entry's, because some
// numbers have had several meanings, or where the number of the cause comes next:
// "AADSTS70002: Error validating credentials" begins the description of many. A
// reply's does where its sentence is another entry's.
func yieldsTo(source string, h hit, after []hit, yields []bool) bool {
	if h.entry < 0 || h.kind != byAADSTS && h.kind != byNumber {
		return false
	}
	for i, o := range after {
		switch {
		case o.from-h.to >= gap:
			return false
		case o.from < h.to || o.entry < 0:
		case h.kind == byAADSTS && o.kind == byAADSTS:
			return o.from-h.to < len(": Error validating credentials. ")+4 && (o.entry != h.entry || yields[i])
		case h.kind == byAADSTS && o.kind == byPhrase:
			return o.entry != h.entry
		case h.kind == byNumber && o.kind == byPhrase && !o.weak:
			return o.entry != h.entry && o.from-h.to < gap/2 && !strings.Contains(source[h.to:o.from], "\n")
		}
	}
	return false
}
