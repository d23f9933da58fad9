package refusals

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What looks like a refusal, whatever it says.
var (
	replyLike     = regexp.MustCompile(`(?m)(?:^|[^\w.])([45][0-5]\d)[ \-]{1,2}[("'#]{0,2}([45])\.\d{1,3}\.\d{1,3}(?:[^\d.]|\.?$|\. )`)
	replyTuple    = regexp.MustCompile(`\(([45][0-5]\d), ?["'\[]`)
	replyLine     = regexp.MustCompile(`(?m)^([45][0-5]\d)[ -][A-Za-z<*'"]`)
	replySaid     = regexp.MustCompile(`(?i)(?:\bsaid|\brepl(?:y|ied)|\brespon(?:se|ded)|\bresponse ?code|\bstatus ?code|\bstatus|\bsmtp ?code|\bsmtp ?error|\bsmtp|\berror ?code|\berror|\bcode|\breturned|\bfailed|\brefused|\bhttp/[\d.]+|\bhttp)\b["']?(?:\s+from\s+\S+)?[\s:=]{1,4}["'(\[#]{0,2}([45][0-5]\d)\b(?:[^.\w]|\.\D|$)`)
	exceptionLike = regexp.MustCompile(`\b[A-Za-z][\w.$]*(?:Exception|Error|Failure|Fault)\b(?::|\(| [-(:]|\n\s*at )|\bTraceback \(most recent|\bpanic: |(?m)^E[A-Z]{4,14}\b`)
	errorLine     = regexp.MustCompile(`(?im)(?:^|[\s\[("'|])(?:fatal|critical|severe|error|failed|failure|fehler|erreur|errore|エラー|错误)["']?(?:\[[^\]]*\])?\s?[:：=][^\n]*[A-Za-z]{3}|^failed to |^unable to |^could not |^cannot `)
	failingWords  = regexp.MustCompile(`(?i)smtp|ehlo|mail from|rcpt|refus|reject|denied|error|fail|exception|unable|cannot|could not|not |invalid|unauthor|forbidden|too many|block|limit|exceed|unavailable|unknown`)
	replyProse    = regexp.MustCompile(`\b([45]5\d) (?:[A-Z][a-z]+ )+?(?i:rejected|refused|denied)\b`)
	mtaLine       = regexp.MustCompile(`\bstatus=(?:deferred|bounced|undeliverable)\b|\b(?:milter-reject|NOQUEUE: reject): |SMTP\[ERROR\]: |\berrormsg='|\bexitcode=EX_[A-NP-Z]`)
	aboutCode     = regexp.MustCompile(`^[45][0-5]\d[ -](?:is|are|means|stands)\b`) // prose
	graphLike     = regexp.MustCompile(`"code"\s*:\s*"[A-Za-z.]{4,}"|\bError[A-Z][A-Za-z]{5,}\b`)
)

// suspects returns what looks like a refusal in a text, the most telling first.
func suspects(source string) []span {
	var all []span
	for _, n := range aadstsIn(source) {
		all = append(all, span{n.from, n.to})
	}
	for _, p := range []*regexp.Regexp{replyLike, replyTuple, replySaid, replyLine, graphLike, exceptionLike, mtaLine, errorLine, replyProse} {
		for _, m := range p.FindAllStringSubmatchIndex(source, 100) {
			s := span{m[0], m[1]}
			if len(m) >= 4 && m[2] >= 0 {
				s = span{m[2], m[3]}
			}
			if p == replyLike && source[m[2]] != source[m[4]] {
				continue
			}
			if line := lineAt(source, s.from); p == replyLine && (!failingWords.MatchString(line) || aboutCode.MatchString(line)) {
				continue
			}
			all = append(all, s)
		}
		if len(all) > 0 {
			return all
		}
	}
	return all
}

func lineAt(source string, at int) string {
	begin := strings.LastIndexByte(source[:at], '\n') + 1
	if end := strings.IndexByte(source[at:], '\n'); end >= 0 {
		return source[begin : at+end]
	}
	return source[begin:]
}

var (
	enhancedIn = regexp.MustCompile(`\b[45]\.\d{1,3}\.\d{1,3}\b`)
	codeIn     = regexp.MustCompile(`\b[45]\d\d\b`)
	wordIn     = regexp.MustCompile(`[A-Za-z]{4,}`)
	digitsIn   = regexp.MustCompile(`(?i)AADSTS(\d{5,8})`)
)

// near returns up to three entries that look similar to an unknown refusal.
func (c *catalogue) near(words string) []Refusal {
	type scored struct{ entry, points int }
	var all []scored
	enhanced, code := enhancedIn.FindString(words), codeIn.FindString(words)
	seen := map[string]bool{}
	for _, w := range wordIn.FindAllString(strings.ToLower(words), 200) {
		seen[w] = true
	}
	sts := digitsIn.FindStringSubmatch(words)
	for i, e := range c.entries {
		points := 0
		if sts != nil {
			for _, n := range e.AADSTS {
				points = max(points, digitsAlike(sts[1], n))
			}
		}
		for _, look := range e.Looks {
			p := 0
			if enhanced != "" {
				switch other := enhancedIn.FindString(look); {
				case other == enhanced:
					p += 12
				case other != "" && other[:strings.LastIndexByte(other, '.')] == enhanced[:strings.LastIndexByte(enhanced, '.')]:
					p += 4
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
			points = max(points, p)
		}
		if points >= 4 {
			all = append(all, scored{i, points})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.points, a.points) })
	var near []Refusal
	for _, s := range all[:min(3, len(all))] {
		near = append(near, c.entries[s.entry])
	}
	return near
}

// digitsAlike counts for a number of Entra's that begins like another one.
func digitsAlike(sts string, n int) int {
	other := strconv.Itoa(n)
	same := 0
	for same < min(len(sts), len(other)) && sts[same] == other[same] {
		same++
	}
	if same < 3 {
		return 0
	}
	return same * 2
}
