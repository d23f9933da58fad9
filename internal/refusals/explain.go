package refusals

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Verdict says what Explain made of a text.
type Verdict string

// The four.
const (
	Known     Verdict = "refusal"   // Findings say which
	Ambiguous Verdict = "ambiguous" // one of Candidates; Tell says how to find out
	Unknown   Verdict = "unknown"   // a refusal that the catalogue has not
	None      Verdict = "none"      // no refusal at all
)

// An Answer is what a text says. Its extracts hold no secrets of the text.
type Answer struct {
	Verdict Verdict `json:"verdict"`
	// Findings are the refusals in the text, the one that caused the others first.
	Findings []Finding `json:"findings,omitempty"`
	// Extract is what could not be told for certain, in the text's own words.
	Extract    string    `json:"extract,omitempty"`
	Candidates []Refusal `json:"candidates,omitempty"`
	Tell       string    `json:"tell,omitempty"`
	// Near are entries that look similar to an unknown refusal, and no more.
	Near []Refusal `json:"near,omitempty"`
	// Shortened says that the text was longer than MaxInput, or held more that
	// could be a refusal than is looked at, and the rest was left out.
	Shortened bool `json:"shortened,omitempty"`
}

// A Finding is a refusal and the words that it was recognised by.
type Finding struct {
	Refusal Refusal `json:"refusal"`
	Extract string  `json:"extract"`
}

// Explain finds the refusal in a text of any origin: a reply, a log, a stack
// trace, JSON, HTML, in whatever a program made of them. It reads MaxInput bytes
// at most, in time that grows with them and no faster.
func Explain(text string) Answer {
	c := the()
	shortened := len(text) > MaxInput
	if shortened {
		end := MaxInput
		for end > MaxInput-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	whole := text
	text, all := studied(whole)
	var best reading
	for i, v := range variants(text) {
		r := c.read(v)
		if i == 0 || r.rank() > best.rank() {
			best = r
		}
		if best.rank() == surest || best.rank() == doubtful && len(best.doubt) > 0 {
			break // other readings only tear that sentence apart
		}
	}
	a := c.answer(best)
	a.withhold(text + elsewhere(whole, a.extracts()))
	a.Shortened = shortened || !all
	return a
}

// A reading is what one variant of a text says.
type reading struct {
	source  string
	entries []found
	doubt   []found
	cuts    []cut
	unknown []span // what looks like a refusal
	sts     []stsNumber
}

// found is a hit as its entry's, and how much it tells.
type found struct {
	hit
	depth int // how many "caused by" lead to it
}

type span struct{ from, to int }

// The ranks of a reading with a refusal that needs no other, and of one that
// could be several.
const surest, doubtful = 4, 2

// rank compares the readings of one text.
func (r *reading) rank() int {
	switch {
	case len(r.entries) > 0 && !r.entries[0].weak:
		return surest
	case len(r.entries) > 0:
		return 3
	case len(r.doubt)+len(r.cuts) > 0:
		return doubtful
	case len(r.unknown) > 0:
		return 1
	}
	return 0
}

func (c *catalogue) read(source string) reading {
	s := squeezeText(source)
	r := reading{source: source, sts: aadstsIn(s)}
	hits, cuts := c.matcher.find(s, r.sts)
	r.cuts = cuts
	depths := causes(source)
	sure := false // an entry that is not weak, nor an OAuth code
	for _, h := range hits {
		f := found{hit: h, depth: depthAt(depths, h.from)}
		if h.entry < 0 {
			r.doubt = append(r.doubt, f)
			continue
		}
		sure = sure || !f.weak
		if i := slices.IndexFunc(r.entries, func(o found) bool { return o.entry == h.entry }); i < 0 {
			r.entries = append(r.entries, f)
		} else {
			o := &r.entries[i]
			o.depth = max(o.depth, f.depth)
			if o.weak && !f.weak {
				f.depth = o.depth
				*o = f // the surer sign of the same
			}
		}
	}
	r.doubt = slices.DeleteFunc(r.doubt, func(f found) bool { return c.doubts[f.doubt].Sentence && sentenceAfter(source, f.to) })
	if !sure {
		r.unknown = suspect(source, r.sts)
		if len(r.doubt) == 0 && len(r.unknown) > 0 && !r.unknown[0].enhanced(source) {
			r.doubt = c.doubtOf(source, r.unknown[0])
		}
		if c.unknownNumber(r.sts) {
			// The OAuth code beside a number says less than the number.
			r.entries = slices.DeleteFunc(r.entries, func(f found) bool { return f.kind == byOAuth })
		}
		if slices.ContainsFunc(r.doubt, func(f found) bool { return c.doubts[f.doubt].Reply }) {
			r.entries = nil
		}
		for _, cut := range r.cuts {
			if len(cut.entries) == 1 && !slices.ContainsFunc(r.entries, func(o found) bool { return o.entry == cut.entries[0] }) {
				r.entries = append(r.entries, found{hit: hit{entry: cut.entries[0], doubt: -1, kind: byCut, from: cut.from, to: cut.to}})
			}
		}
	}
	if slices.ContainsFunc(r.entries, func(f found) bool { return !f.weak }) {
		r.entries = slices.DeleteFunc(r.entries, func(f found) bool { return f.weak })
	}
	all := r.entries
	r.entries = slices.DeleteFunc(slices.Clone(all), func(f found) bool {
		return slices.ContainsFunc(all, func(o found) bool { return slices.Contains(c.entries[o.entry].InsteadOf, c.entries[f.entry].ID) })
	})
	slices.SortFunc(r.doubt, func(a, b found) int { return cmp.Or(cmp.Compare(a.doubt, b.doubt), cmp.Compare(a.from, b.from)) })
	slices.SortStableFunc(r.entries, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(a.from, b.from))
	})
	return r
}

// doubtOf returns the doubt that a reply code alone means.
func (c *catalogue) doubtOf(source string, s span) []found {
	code := number(source[s.from:s.to])
	i := slices.IndexFunc(c.doubts, func(d doubt) bool { return slices.Contains(d.Codes, code) })
	if i < 0 {
		return nil
	}
	return []found{{hit: hit{entry: -1, doubt: i, kind: byNumber, from: s.from, to: s.to}}}
}

// unknownNumber reports whether the text has a number of Entra's that the
// catalogue has not.
func (c *catalogue) unknownNumber(all []stsNumber) bool {
	return slices.ContainsFunc(all, func(n stsNumber) bool {
		_, known := c.matcher.aadsts[n.number]
		_, wrapped := c.matcher.aadsts[n.wrapped]
		return !known && !wrapped
	})
}

// causedBy is what programs write before the error that led to another one.
var causedBy = []string{"caused by:", "nested exception is", "--->", "inner exception", "innerexception", "root cause"}

// causes returns where a text goes one error deeper.
func causes(source string) []int {
	lower := lowerASCII(source)
	var at []int
	for _, mark := range causedBy {
		for i := 0; ; i += len(mark) {
			n := strings.Index(lower[i:], mark)
			if n < 0 {
				break
			}
			i += n
			at = append(at, i)
		}
	}
	slices.Sort(at)
	return at
}

func depthAt(causes []int, at int) int {
	n, _ := slices.BinarySearch(causes, at)
	return n
}

func (c *catalogue) answer(r reading) Answer {
	switch {
	case len(r.entries) > 0:
		a := Answer{Verdict: Known}
		for _, f := range r.entries {
			a.Findings = append(a.Findings, Finding{Refusal: c.entries[f.entry], Extract: extract(r.source, f.from, f.to)})
		}
		return a
	case len(r.doubt) > 0:
		f := r.doubt[0]
		d := c.doubts[f.doubt]
		a := Answer{Verdict: Ambiguous, Extract: extract(r.source, f.from, f.to), Tell: d.Tell}
		for _, id := range d.Candidates {
			a.Candidates = append(a.Candidates, c.entries[c.byID[id]])
		}
		return a
	case len(r.cuts) > 0:
		k := r.cuts[0]
		a := Answer{Verdict: Ambiguous, Extract: extract(r.source, k.from, k.to), Tell: "The sentence is cut off: its end tells. Look for the whole of it in the program's log."}
		for _, e := range k.entries {
			a.Candidates = append(a.Candidates, c.entries[e])
		}
		return a
	case len(r.unknown) > 0:
		u := r.unknown[0]
		words := extract(r.source, u.from, u.to)
		return Answer{Verdict: Unknown, Extract: words, Near: c.near(words)}
	}
	return Answer{Verdict: None}
}

// OfReply returns the entry of one reply of a submission server, with its code.
func OfReply(reply string) (Refusal, bool) {
	c := the()
	r := c.read(joined(strings.Map(fold, reply)))
	if len(r.entries) == 0 {
		return Refusal{}, false
	}
	return c.entries[r.entries[0].entry], true
}

// OfEntra returns the entry of a number of Entra's (AADSTS).
func OfEntra(number int) (Refusal, bool) {
	c := the()
	i, ok := c.matcher.aadsts[number]
	if !ok {
		return Refusal{}, false
	}
	return c.entries[i], true
}

// OfOAuth returns the entry of an OAuth error code. Entra's number beside it
// tells more: OfEntra.
func OfOAuth(code string) (Refusal, bool) {
	c := the()
	i, ok := c.matcher.oauth[code]
	if !ok {
		return Refusal{}, false
	}
	return c.entries[i], true
}

// OfGraph returns the entry of an error of Microsoft Graph: its HTTP status, its
// code and its text, of which any may be missing.
func OfGraph(status int, code, message string) (Refusal, bool) {
	c := the()
	if r := c.read(code + ": " + strings.Map(fold, message)); code != "" && len(r.entries) > 0 && !r.entries[0].weak {
		return c.entries[r.entries[0].entry], true
	}
	switch status {
	case 429:
		return Find("graph-throttled")
	case 500, 502, 503, 504:
		return Find("graph-unavailable")
	}
	return Refusal{}, false
}
