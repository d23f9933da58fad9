package refusals

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// otherNumber is where Entra's numbers stand without their letters.
var otherNumber = regexp.MustCompile(`(?i)(?:error_?codes?["']?\s*[:=]\s*\[?\s*|login\.microsoftonline\.com/error\?code=|sign-?in error ?code:?\s*|failure ?code:?\s*)(\d{5,8})\b`)

// A stsNumber is one of Entra's.
type stsNumber struct {
	number int // as it stands, or put together from two lines
	// wrapped is the other reading, 0 when there is none.
	wrapped  int
	from, to int
}

// aadstsIn returns Entra's numbers in the order of a text.
func aadstsIn(s *squeeze) []stsNumber {
	const mark = "aadsts"
	var all []stsNumber
	source := s.source
	for at := 0; ; at += len(mark) {
		i := bytes.Index(s.bytes[at:], []byte(mark))
		if i < 0 {
			break
		}
		at += i
		from, to := s.sourceSpan(at, at+len(mark))
		begin := to
		for begin < len(source) && begin-to < 3 && strings.IndexByte(" \n_:#-", source[begin]) >= 0 {
			begin++
		}
		end := digitsEnd(source, begin)
		if end == begin || strings.Trim(source[from:to], "ADSTadst \n") != "" {
			continue
		}
		n := stsNumber{number: number(source[begin:end]), from: from, to: end}
		// A line that ends within the number goes on with the rest of it and a colon.
		if rest := source[end:]; strings.HasPrefix(strings.TrimLeft(rest, " "), "\n") {
			next := end + len(rest) - len(strings.TrimLeft(rest, " \n"))
			if last := digitsEnd(source, next); last > next && last < len(source) && source[last] == ':' && last-next+end-begin <= 8 {
				n.wrapped, n.number, n.to = n.number, number(source[begin:end]+source[next:last]), last
			}
		}
		all = append(all, n)
	}
	if len(all) > 0 || !bytes.Contains(s.bytes, []byte("code")) {
		return all // the others repeat them
	}
	for _, m := range otherNumber.FindAllStringSubmatchIndex(source, -1) {
		all = append(all, stsNumber{number: number(source[m[2]:m[3]]), from: m[0], to: m[3]})
	}
	return all
}

func digitsEnd(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1 // too many digits
	}
	return n
}
