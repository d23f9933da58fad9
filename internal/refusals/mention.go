package refusals

import (
	"regexp"
	"strings"
)

var (
	referenceBefore = regexp.MustCompile(`(?i)\b(?:reference|ref|ticket|order|invoice|chapter|section)(?: no\.?| number| id)?\s?[.:#]?\s*$`)
	pastBefore      = regexp.MustCompile(`(?i)\b(?:succeeded|successful|successfully|recovered|delivered|sent|accepted|resolved|fixed)\b[^.:;]{0,30}\bafter (?:an? |the |some |\d+ )?(?:earlier |previous |first |initial )?["'(]?$`)
	proseAfter      = regexp.MustCompile(`(?i)^["',]{0,2} (?:(?:is|are) (?:the|an?|our|one of the) (?:[a-z]+ ){0,3}(?:reply|replies|codes?|answers?|refusals?|numbers?)\b|(?:means|stands for)\b)`)
)

// mentioned reports whether what a refusal would say is only spoken of: as the
// number of something else, as what is over, or in prose about it.
func mentioned(source string, from, to int) bool {
	before := source[max(0, from-80):from]
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	if isDigit(source[from]) && referenceBefore.MatchString(before) {
		return true
	}
	return strings.Contains(before, " after ") && pastBefore.MatchString(before) ||
		proseAfter.MatchString(source[to:min(len(source), to+60)])
}

// codesEnd is where a reply code and the enhanced code after it end.
func codesEnd(line string, from int) int {
	to := from
	for to < len(line) && (isDigit(line[to]) || to+1 < len(line) && strings.IndexByte(" -.", line[to]) >= 0 && isDigit(line[to+1])) {
		to++
	}
	return to
}
