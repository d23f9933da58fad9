package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// psMaxNesting is how deep brackets and blocks may stand in one another.
const psMaxNesting = 64

// A psSyntaxError is what is wrong with a script before any of it runs.
type psSyntaxError struct {
	line    int
	message string
}

func (e *psSyntaxError) Error() string {
	return fmt.Sprintf("ParserError: line %d: %s", e.line, e.message)
}

// psParser reads a script, as far as PowerShell's language specification has
// what it uses. Its methods panic with a *psSyntaxError.
type psParser struct {
	src   []rune
	pos   int
	depth int

	counted, lines int // so many lines end before counted
}

// line is the line that the parser is at, from 1.
func (p *psParser) line() int {
	if p.pos < p.counted {
		p.counted, p.lines = 0, 0
	}
	for ; p.counted < min(p.pos, len(p.src)); p.counted++ {
		if p.src[p.counted] == '\n' || p.src[p.counted] == '\r' && (p.counted+1 == len(p.src) || p.src[p.counted+1] != '\n') {
			p.lines++
		}
	}
	return p.lines + 1
}

func (p *psParser) fail(format string, args ...any) {
	panic(&psSyntaxError{p.line(), fmt.Sprintf(format, args...)})
}

// outside refuses what PowerShell has and this console has not.
func (p *psParser) outside(what string) {
	p.fail("%s is PowerShell that the sandbox's console does not know; it knows what traymail prints.", what)
}

// unexpected refuses what stands here.
func (p *psParser) unexpected() {
	if p.eof() {
		p.fail("The script ends in the middle of a statement.")
	}
	end := p.pos + 1
	for end < len(p.src) && !unicode.IsSpace(p.src[end]) && end < p.pos+40 {
		end++
	}
	p.fail("Unexpected token '%s' in expression or statement.", string(p.src[p.pos:end]))
}

func (p *psParser) eof() bool { return p.pos >= len(p.src) }

// peek is the character n places on, 0 behind the end.
func (p *psParser) peek(n int) rune {
	if p.pos+n < len(p.src) {
		return p.src[p.pos+n]
	}
	return 0
}

func psNewline(r rune) bool { return r == '\n' || r == '\r' }

// The characters that PowerShell takes for a quote and for a dash (language
// specification, 2.2.4 and 2.3.5.2).
func psSingle(r rune) bool { return r == '\'' || r >= '\u2018' && r <= '\u201b' }
func psDouble(r rune) bool { return r == '"' || r >= '\u201c' && r <= '\u201e' }
func psDash(r rune) bool   { return r == '-' || r >= '\u2013' && r <= '\u2015' }
func psLetter(r rune) bool { return r == '_' || unicode.IsLetter(r) }
func psWord(r rune) bool   { return psLetter(r) || unicode.IsDigit(r) }

// skip passes over blanks, comments and continued line ends, and over other line
// ends where those mean nothing.
func (p *psParser) skip(newlines bool) {
	for !p.eof() {
		r := p.peek(0)
		switch {
		case r == '#':
			for !p.eof() && !psNewline(p.peek(0)) {
				p.pos++
			}
		case r == '<' && p.peek(1) == '#':
			for p.pos += 2; p.peek(0) != '#' || p.peek(1) != '>'; p.pos++ {
				if p.eof() {
					p.fail("The terminator '#>' is missing from the multiline comment.")
				}
			}
			p.pos += 2
		case r == '`' && psNewline(p.peek(1)):
			if p.pos += 2; p.peek(-1) == '\r' && p.peek(0) == '\n' {
				p.pos++
			}
		case psNewline(r):
			if !newlines {
				return
			}
			p.pos++
		case unicode.IsSpace(r):
			p.pos++
		default:
			return
		}
	}
}

// take passes over r, which has to stand here behind blanks and line ends.
func (p *psParser) take(r rune) {
	p.skip(true)
	if p.peek(0) != r {
		if p.eof() {
			p.fail("Missing closing '%c'.", r)
		}
		p.unexpected()
	}
	p.pos++
}

// enter counts a bracket; the caller calls leave when it is closed.
func (p *psParser) enter() {
	if p.depth++; p.depth > psMaxNesting {
		p.fail("The script is nested more than %d deep.", psMaxNesting)
	}
}

func (p *psParser) leave() { p.depth-- }

// keyword passes over the word, if it is what stands here, and tells so.
func (p *psParser) keyword(word string) bool {
	end := p.pos
	for end < len(p.src) && (psWord(p.src[end]) || psDash(p.src[end]) || p.src[end] == '.') {
		end++
	}
	if !strings.EqualFold(string(p.src[p.pos:end]), word) {
		return false
	}
	p.pos = end
	return true
}

// name reads letters and digits.
func (p *psParser) name() string {
	start := p.pos
	for !p.eof() && psWord(p.peek(0)) {
		p.pos++
	}
	return string(p.src[start:p.pos])
}

// single reads a string in single quotes: any of them ends it, and two stand for
// the second.
func (p *psParser) single() string {
	var b strings.Builder
	for p.pos++; ; p.pos++ {
		switch {
		case p.eof():
			p.fail("The string is missing the terminator: '.")
		case psSingle(p.peek(0)) && psSingle(p.peek(1)):
			p.pos++
		case psSingle(p.peek(0)):
			p.pos++
			return b.String()
		}
		b.WriteRune(p.peek(0))
	}
}

// psEscapes are what a back-tick makes of a letter; of other characters it makes
// themselves.
var psEscapes = map[rune]rune{'n': '\n', 'r': '\r', 't': '\t', '0': 0}

// double reads a string in double quotes.
func (p *psParser) double() psExpr {
	var parts psExpand
	var b strings.Builder
	for p.pos++; ; p.pos++ {
		r := p.peek(0)
		switch {
		case p.eof():
			p.fail(`The string is missing the terminator: ".`)
		case psDouble(r) && psDouble(p.peek(1)):
			p.pos++
			b.WriteRune(p.peek(0))
		case psDouble(r):
			p.pos++
			return append(parts, psConst{b.String()})
		case r == '`':
			p.pos++
			c := p.peek(0)
			if e, ok := psEscapes[c]; ok {
				c = e
			} else if unicode.IsLetter(c) {
				p.outside("the escape `" + string(c))
			}
			b.WriteRune(c)
		case r == '$' && (psLetter(p.peek(1)) || p.peek(1) == '(' || p.peek(1) == '{'):
			parts = append(parts, psConst{b.String()})
			b.Reset()
			parts = append(parts, p.dollar())
			p.pos--
		default:
			b.WriteRune(r)
		}
	}
}

// psRefused are variables that PowerShell sets by itself, or whose setting
// changes how it works, and which the console does neither with.
var psRefused = []string{"args", "confirmpreference", "debugpreference", "error", "home", "host", "input", "matches", "myinvocation",
	"psboundparameters", "pscmdlet", "psdefaultparametervalues", "pshome", "psversiontable", "pwd", "verbosepreference", "warningpreference", "whatifpreference"}

// dollar reads a variable or a subexpression.
func (p *psParser) dollar() psExpr {
	switch p.pos++; {
	case p.peek(0) == '(':
		p.pos++
		return psSub{p.statements(')')}
	case p.peek(0) == '{':
		p.outside("a variable in braces")
	case p.peek(0) == '?' || p.peek(0) == '$' || p.peek(0) == '^':
		p.outside("$" + string(p.peek(0)))
	}
	at := p.pos
	name := strings.ToLower(p.name())
	switch {
	case name == "":
		p.unexpected()
	case p.peek(0) == ':' && psWord(p.peek(1)):
		p.outside("$" + name + ":")
	case slices.Contains(psRefused, name):
		p.pos = at
		p.outside("$" + name)
	}
	switch name {
	case "true", "false":
		return psConst{name == "true"}
	case "null":
		return psConst{nil}
	case "psitem":
		name = "_"
	}
	return psVar{name}
}

// number reads a whole number with its multiplier.
func (p *psParser) number() psExpr {
	start := p.pos
	for psWord(p.peek(0)) || p.peek(0) == '.' && unicode.IsDigit(p.peek(1)) {
		p.pos++
	}
	n, ok := psNumber(string(p.src[start:p.pos]))
	if !ok {
		text := string(p.src[start:p.pos])
		p.pos = start
		p.outside("the number " + text)
	}
	return psConst{n}
}

// psNumber reads a whole number, as 30, 0x20 and 150MB.
func psNumber(text string) (int64, bool) {
	lower := strings.ToLower(text)
	if hex, ok := strings.CutPrefix(lower, "0x"); ok {
		n, err := strconv.ParseInt(hex, 16, 64)
		return n, err == nil && hex[0] != '+' && hex[0] != '-'
	}
	shift := 0
	for suffix, bits := range map[string]int{"kb": 10, "mb": 20, "gb": 30} {
		if rest, ok := strings.CutSuffix(lower, suffix); ok {
			lower, shift = rest, bits
		}
	}
	n, err := strconv.ParseInt(lower, 10, 64)
	return n << shift, err == nil && n<<shift>>shift == n
}
