package refusals

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A squeeze is a text of which only letters and digits are left, in lower case
// and without accents, and the dots within numbers: however a program wrapped,
// quoted or punctuated a sentence, it is the same there.
type squeeze struct {
	source string
	bytes  []byte
	pos    []int32 // of each byte, where its character begins in source
}

func squeezeText(text string) *squeeze {
	s := &squeeze{source: text, bytes: make([]byte, 0, len(text)), pos: make([]int32, 0, len(text))}
	digit := false // the last byte is one
	for i, r := range text {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			s.add(byte(r), i)
			digit = r <= '9'
		case r >= 'A' && r <= 'Z':
			s.add(byte(r)+'a'-'A', i)
			digit = false
		case r == '.':
			if digit && digitFollows(text[i+1:]) {
				s.add('.', i)
			}
			digit = false
		case r < utf8.RuneSelf:
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if plain, ok := accents[unicode.ToLower(r)]; ok {
				s.add(plain, i)
			} else {
				for _, c := range []byte(string(unicode.ToLower(r))) {
					s.add(c, i)
				}
			}
			digit = false
		}
	}
	return s
}

func (s *squeeze) add(c byte, at int) {
	s.bytes = append(s.bytes, c)
	s.pos = append(s.pos, int32(at))
}

// squeezed is a phrase as it is looked for.
func squeezed(phrase string) string { return string(squeezeText(phrase).bytes) }

// digitFollows reports whether the first thing after a dot is a digit, through
// the end of a wrapped line.
func digitFollows(rest string) bool {
	for i := 0; i < len(rest) && i < 80; i++ {
		switch c := rest[i]; {
		case isDigit(c):
			return true
		case c != '\n' && !(c == ' ' && i > 0):
			return false
		}
	}
	return false
}

var accents = func() map[rune]byte {
	m := map[rune]byte{}
	for plain, all := range map[byte]string{'a': "àáâãäåā", 'c': "çćč", 'e': "èéêëēę", 'i': "ìíîïī", 'n': "ñń", 'o': "òóôõöøō", 's': "šś", 'u': "ùúûüū", 'y': "ýÿ", 'z': "žźż"} {
		for _, r := range all {
			m[r] = plain
		}
	}
	return m
}()

// sourceSpan is where in source the squeezed bytes from start to end stand.
func (s *squeeze) sourceSpan(start, end int) (int, int) {
	last := int(s.pos[end-1])
	_, n := utf8.DecodeRuneInString(s.source[last:])
	return int(s.pos[start]), last + n
}

// bounded reports whether the squeezed bytes from start to end stand by
// themselves: a number is not a part of another one and a short word not of
// another word.
func (s *squeeze) bounded(start, end int) bool {
	const short = 13 // ENOTFOUND is not in "example not found"
	from, to := s.sourceSpan(start, end)
	word := end-start < short
	before, _ := utf8.DecodeLastRuneInString(s.source[:from])
	after, _ := utf8.DecodeRuneInString(s.source[to:])
	switch first := s.bytes[start]; {
	case isDigit(first):
		if isRuneDigit(before) || before == '.' && from > 1 && isDigit(s.source[from-2]) {
			return false
		}
	case word && isLatin(before):
		return false
	}
	switch last := s.bytes[end-1]; {
	case isDigit(last):
		if isRuneDigit(after) || after == '.' && to+1 < len(s.source) && isDigit(s.source[to+1]) {
			return false
		}
	case word && isLatin(after):
		return false
	}
	return true
}

// isLatin reports whether a letter makes words with those of the catalogue's: text
// in Chinese or Japanese has no blanks around them.
func isLatin(r rune) bool { return r < 0x250 && unicode.IsLetter(r) }

func isRuneDigit(r rune) bool { return r >= '0' && r <= '9' }

// An automaton finds many strings in one pass (Aho and Corasick, 1975).
type automaton struct{ nodes []node }

type node struct {
	first, sibling int32 // children, as a list
	fail           int32 // the longest suffix that is a node too
	output         int32 // the nearest node on the way of fails at which a string ends, this one included; -1 is none
	depth          int32
	ends           []int32 // the strings that end here
	byte           byte
}

func newAutomaton(all []string) *automaton {
	a := &automaton{nodes: []node{{output: -1}}}
	for i, s := range all {
		at := int32(0)
		for j := range len(s) {
			next := a.child(at, s[j])
			if next == 0 {
				next = int32(len(a.nodes))
				a.nodes = append(a.nodes, node{byte: s[j], sibling: a.nodes[at].first, depth: int32(j) + 1, output: -1})
				a.nodes[at].first = next
			}
			at = next
		}
		a.nodes[at].ends = append(a.nodes[at].ends, int32(i))
	}
	for queue := []int32{0}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for c := a.nodes[at].first; c != 0; c = a.nodes[c].sibling {
			if at != 0 {
				a.nodes[c].fail = a.step(a.nodes[at].fail, a.nodes[c].byte)
			}
			if len(a.nodes[c].ends) > 0 {
				a.nodes[c].output = c
			} else {
				a.nodes[c].output = a.nodes[a.nodes[c].fail].output
			}
			queue = append(queue, c)
		}
	}
	return a
}

// child is the child of a node by a byte, 0 when there is none.
func (a *automaton) child(at int32, c byte) int32 {
	for n := a.nodes[at].first; n != 0; n = a.nodes[n].sibling {
		if a.nodes[n].byte == c {
			return n
		}
	}
	return 0
}

// step is the node after another one by a byte.
func (a *automaton) step(at int32, c byte) int32 {
	for {
		if n := a.child(at, c); n != 0 {
			return n
		}
		if at == 0 {
			return 0
		}
		at = a.nodes[at].fail
	}
}

// below calls visit with the strings that begin as a node does.
func (a *automaton) below(at int32, visit func(int32)) {
	for _, s := range a.nodes[at].ends {
		visit(s)
	}
	for c := a.nodes[at].first; c != 0; c = a.nodes[c].sibling {
		a.below(c, visit)
	}
}

// parts divides a phrase at its gaps.
func parts(phrase string) []string {
	var all []string
	for p := range strings.SplitSeq(phrase, gapMark) {
		all = append(all, squeezed(p))
	}
	return all
}
