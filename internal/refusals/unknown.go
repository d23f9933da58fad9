package refusals

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A likeness is what a refusal looks like, whatever it says, within one line.
type likeness struct {
	pattern *regexp.Regexp
	// words are parts of every line that it can be in, in small letters; none is
	// any line.
	words []string
	// code says that it has a reply code of 4 or 5.
	code bool
	// not reports that it is something else after all; nil is never.
	not func(line string, m []int) bool
}

// likenesses are all there are, the most telling first. A group of a pattern is
// where the refusal begins.
var likenesses = []likeness{
	{pattern: regexp.MustCompile(`(?:^|[^\w.])([45][0-5]\d)[ \-]{1,2}[("'#]{0,2}([45])\.\d{1,3}\.\d{1,3}(?:[^\d.]|\.?$|\. )`), code: true,
		not: func(line string, m []int) bool { return line[m[2]] != line[m[4]] }},
	{pattern: regexp.MustCompile(`^([45]\d\d)[ \-]([45])\.\d{1,3}\.\d{1,3} .*[A-Za-z]{3}`),
		not: func(line string, m []int) bool { return line[m[2]] != line[m[4]] }},
	{pattern: regexp.MustCompile(`(?i)\bstatus: ?[45]\.\d{1,3}\.\d{1,3}(?:\s*$|[:;,( ])|\b(?:smtp|dsn|code|error)[ :=]{1,2}[45]\.\d{1,3}\.\d{1,3}[:;] `), words: []string{"status", "smtp", "dsn", "code", "error"}},
	{pattern: regexp.MustCompile(`\(([45][0-5]\d), ?["'\[]`), code: true},
	{pattern: regexp.MustCompile(`(?i)(?:\bsaid|\brepl(?:y|ied)|\brespon(?:se|ded)|\bresponse ?code|\bstatus ?code|\bstatus|\bsmtp ?code|\bsmtp ?error|\bsmtp|\berror ?code|\berror|\bcode|\breturned|\bfailed|\brefused|\bhttp/[\d.]+|\bhttp)\b["']?(?:\s+from\s+\S+)?[\s:=]{1,4}["'(\[#]{0,2}([45][0-5]\d)\b(?:[^.\w]|\.\D|$)`), code: true,
		words: []string{"said", "repl", "respon", "status", "smtp", "error", "code", "returned", "failed", "refused", "http"}},
	{pattern: regexp.MustCompile(`^([45][0-5]\d)[ -][A-Za-z<*'"]`), code: true,
		not: func(line string, _ []int) bool { return !failingWords.MatchString(line) || aboutCode.MatchString(line) }},
	{pattern: regexp.MustCompile(`"code"\s*:\s*"[A-Za-z.]{4,}"|\bError[A-Z][A-Za-z]{5,}\b`), words: []string{`"code"`, "error"}},
	{pattern: regexp.MustCompile(`\b[A-Za-z][\w.$]*(?:Exception|Error|Failure|Fault)\b(?::|\(| [-(:]|\s*$)|\bTraceback \(most recent|\bpanic: |^E[A-Z]{4,14}\b`),
		words: []string{"exception", "error", "failure", "fault", "traceback", "panic: ", "econn", "esock", "etime", "edns", "eauth", "estream", "eproto", "emessage", "eenvelope", "etls"}},
	{pattern: regexp.MustCompile(`^curl: \(\d+\) |\bcurl error \d+`), words: []string{"curl"}},
	{pattern: regexp.MustCompile(`\bstatus=(?:deferred|bounced|undeliverable)\b|\b(?:milter-reject|NOQUEUE: reject): |SMTP\[ERROR\]: |\berrormsg='|\bexitcode=EX_[A-NP-Z]`), words: []string{"status=", "reject", "smtp[error]", "errormsg=", "exitcode="}},
	{pattern: regexp.MustCompile(`(?i)(?:^|[\s\[("'|])(?:fatal|critical|severe|error|failed|failure|fehler|erreur|errore|エラー|错误)["']?(?:\[[^\]]*\])?\s?[:：=](.*[A-Za-z]{3})|^(?:failed to |unable to |could not |cannot )|[a-z\])]: (?:failed to|unable to|could not|cannot) (?:connect|reach|send|deliver|authenticate|log ?in|sign in)\b`),
		words: []string{"fatal", "critical", "severe", "error", "fail", "fehler", "erreur", "エラー", "错误", "unable to", "could not", "cannot"},
		not:   func(line string, m []int) bool { return m[2] >= 0 && noError.MatchString(line[m[2]:m[3]]) }},
	{pattern: regexp.MustCompile(`\(([45][0-5]\d)\)`), code: true, words: []string{"smtp", "auth", "error", "fehl", "fail", "erreur"}},
	{pattern: regexp.MustCompile(`\b([45]5\d) (?:[A-Z][a-z]+ )+?(?i:rejected|refused|denied)\b`), code: true, words: []string{"rejected", "refused", "denied"}},
}

var (
	failingWords = regexp.MustCompile(`(?i)smtp|ehlo|mail from|rcpt|refus|reject|denied|error|fail|exception|unable|cannot|could not|not |invalid|unauthor|forbidden|too many|block|limit|exceed|unavailable|unknown`)
	noError      = regexp.MustCompile(`(?i)^["'\s]*(?:(?:null|none|nil|false|ok|success|no errors?|kein fehler|keine fehler|aucune erreur|sin errore?s?|nessun errore)\b|0(?:[\s,;"'}]|\.?$)|(?:no|never|keine?[rs]?|aucune?|ninguno|nessun[oa]?|geen|n/a)[\s.,;!"'}]*$)`)
	aboutCode    = regexp.MustCompile(`^[45][0-5]\d[ -](?:is|are|means|stands)\b`) // prose
)

// suspect returns what looks most like a refusal in a text: a number of Entra's,
// or the first of the most telling likeness.
func suspect(source string, numbers []stsNumber) []span {
	if len(numbers) > 0 {
		return []span{{numbers[0].from, numbers[0].to}}
	}
	var best []span
	candidates := likenesses
	lower := lowerASCII(source)
	for begin := 0; begin < len(source) && len(candidates) > 0; {
		end := len(source)
		if i := strings.IndexByte(source[begin:], '\n'); i >= 0 {
			end = begin + i
		}
		for i, l := range candidates {
			if at := l.in(source[begin:end], lower[begin:end]); at >= 0 {
				best, candidates = []span{{begin + at, min(begin+at+len("535"), end)}}, candidates[:i]
				break
			}
		}
		begin = end + 1
	}
	return best
}

// in returns where a line has the likeness, -1 where it has not.
func (l *likeness) in(line, lower string) int {
	if l.code && !hasCode(line) || len(l.words) > 0 && !slices.ContainsFunc(l.words, func(w string) bool { return strings.Contains(lower, w) }) {
		return -1
	}
	for _, m := range l.pattern.FindAllStringSubmatchIndex(line, 20) {
		at := m[0]
		if len(m) >= 4 && m[2] >= 0 {
			at = m[2]
		}
		switch {
		case l.code && mentioned(line, at, codesEnd(line, at)):
		case l.not != nil && l.not(line, m):
		default:
			return at
		}
	}
	return -1
}

var (
	enhancedNext = regexp.MustCompile(`^[ \-,"'#(\[b]{1,5}[45]\.\d{1,3}\.\d{1,3}`)
	sentenceNext = regexp.MustCompile(`^,[ ](?:[A-Za-z'’]+[ ,]+){3}[A-Za-z]`)
	nameNext     = regexp.MustCompile(`^[A-Za-z. ]{0,40}:[ ]?[A-Z][A-Za-z]{3,60}Exception\b`)
)

// enhanced reports whether an enhanced code follows a reply code.
func (s span) enhanced(source string) bool {
	return enhancedNext.MatchString(source[s.to:min(len(source), s.to+16)])
}

// sentenceAfter reports whether more than the beginning of a sentence follows,
// or the name of an exception.
func sentenceAfter(source string, to int) bool {
	rest := source[to:min(len(source), to+200)]
	if nameNext.MatchString(rest) {
		return true
	}
	for _, skip := range []string{" ", "Authentication unsuccessful"} {
		rest = strings.TrimPrefix(rest, skip)
	}
	return sentenceNext.MatchString(rest)
}

// hasCode reports whether a line has a number that could be a reply code of
// failure.
func hasCode(line string) bool {
	for i := 0; i+2 < len(line); i++ {
		if (line[i] == '4' || line[i] == '5') && line[i+1] >= '0' && line[i+1] <= '5' && isDigit(line[i+2]) &&
			(i == 0 || !isDigit(line[i-1])) && (i+3 == len(line) || !isDigit(line[i+3])) {
			return true
		}
	}
	return false
}

// lowerASCII is text with its ASCII letters small, every byte where it was.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

var (
	enhancedIn = regexp.MustCompile(`\b[45]\.\d{1,3}\.\d{1,3}\b`)
	codeIn     = regexp.MustCompile(`\b[45]\d\d\b`)
	wordIn     = regexp.MustCompile(`[A-Za-z]{4,}`)
	digitsIn   = regexp.MustCompile(`(?i)AADSTS(\d{5,8})`)
)

// most is how many entries near returns.
const most = 3

// near returns up to three entries that look similar to an unknown refusal: of a
// number of Entra's those whose numbers begin alike, and of an enhanced code
// those of its class and subject. Nothing else would be similar but in words.
func (c *catalogue) near(words string) []Refusal {
	if sts := digitsIn.FindStringSubmatch(words); sts != nil {
		return c.nearNumber(sts[1])
	}
	type scored struct{ entry, points int }
	var all []scored
	enhanced, code := enhancedIn.FindString(words), codeIn.FindString(words)
	seen := map[string]bool{}
	for _, w := range wordIn.FindAllString(strings.ToLower(words), 200) {
		seen[w] = true
	}
	for i, e := range c.entries {
		points := 0
		for _, look := range e.Looks {
			p, enough := 0, 4
			if enhanced != "" {
				other := enhancedIn.FindString(look)
				switch {
				case other == enhanced:
					p += 12
				case other != "" && subject(other) == subject(enhanced):
					p, enough = p+4, 8 // some words too
				default:
					continue
				}
			}
			if code != "" && codeIn.FindString(look) == code {
				p += 3
			}
			common, total := 0, 0
			for _, w := range wordIn.FindAllString(strings.ToLower(look), 60) {
				total++
				if seen[w] {
					common++
				}
			}
			if total > 0 {
				p += min(common, 8) * 10 / (total + 4)
			}
			if p >= enough {
				points = max(points, p)
			}
		}
		if points > 0 {
			all = append(all, scored{i, points})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.points, a.points) })
	var near []Refusal
	for _, s := range all[:min(most, len(all))] {
		near = append(near, c.entries[s.entry])
	}
	return near
}

// subject is an enhanced code without its last number (RFC 3463 section 2).
func subject(enhanced string) string { return enhanced[:strings.LastIndexByte(enhanced, '.')] }

// nearNumber returns the entries of Entra's numbers that share most of their
// first digits with another one, more than half of them, the next number first.
func (c *catalogue) nearNumber(sts string) []Refusal {
	type neighbour struct{ entry, same, away int }
	var all []neighbour
	longest := len(sts)/2 + 1
	for number, entry := range c.matcher.aadsts {
		other := strconv.Itoa(number)
		if len(other) != len(sts) {
			continue
		}
		same := 0
		for same < len(sts) && sts[same] == other[same] {
			same++
		}
		away, _ := strconv.Atoi(sts) // eight digits at most
		if longest = max(longest, same); same == longest {
			all = append(all, neighbour{entry, same, max(away-number, number-away)})
		}
	}
	all = slices.DeleteFunc(all, func(n neighbour) bool { return n.same < longest })
	slices.SortFunc(all, func(a, b neighbour) int { return cmp.Or(cmp.Compare(a.away, b.away), cmp.Compare(a.entry, b.entry)) })
	var near []Refusal
	for _, n := range all {
		if len(near) < most && !slices.ContainsFunc(near, func(r Refusal) bool { return r.ID == c.entries[n.entry].ID }) {
			near = append(near, c.entries[n.entry])
		}
	}
	return near
}
