package refusals

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// isReply reports whether a value is what a server said.
func isReply(value string) bool {
	return replyStart.MatchString(value) || hasCode(value[:min(3, len(value))]) && len(value) > 3 && strings.IndexByte(" ,-", value[3]) >= 0
}

// odd reports whether a word is none of a language.
func odd(word string) bool {
	letters, digits, marks := false, false, false
	for i := range len(word) {
		c := word[i]
		letters = letters || isLetter(c) || c >= utf8.RuneSelf
		digits = digits || isDigit(c)
		marks = marks || strings.IndexByte("!$%^*#~+=", c) >= 0
	}
	return len(word) >= 4 && letters && (digits || marks) && !strings.HasPrefix(word, "AADSTS")
}

var (
	simpleWord = regexp.MustCompile(`^(?:[A-Z]?[a-z]+|[A-Z]+)$`)
	ordinaryIn = regexp.MustCompile(`[a-z]{3,}`)
)

// isWord reports whether a word has the letters of one.
func isWord(word string) bool { return simpleWord.MatchString(word) }

// ordinary are the words of the catalogue, in small letters.
var ordinary = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	add := func(texts []string) {
		for _, t := range texts {
			for _, w := range ordinaryIn.FindAllString(strings.ToLower(t), -1) {
				all[w] = true
			}
		}
	}
	c := the()
	for _, e := range c.entries {
		add(e.Looks)
		add(e.Phrases)
		add([]string{e.Cause})
	}
	for _, d := range c.doubts {
		add(d.Looks)
		add(d.Phrases)
	}
	return all
})

// isOrdinary reports whether a word is one of those that refusals consist of.
func isOrdinary(word string) bool {
	word = strings.ToLower(strings.Trim(word, `.,:;!?()[]"'`))
	return word == "" || ordinary()[word] || len(word) < 3
}

// identifier is words in camel case, with small numbers, dots, hyphens and
// underscores between them perhaps.
var identifier = regexp.MustCompile(`^(?:[A-Z]{0,5}[a-z]{2,}|[A-Z]{1,5}[a-z]|[A-Z]{2,}|[0-9]{1,2}[A-Z._-]|[._-])+$`)

// isName reports whether a long word consists of words, in camel case or with
// hyphens, or of a number, rather than of something random: that changes between
// small letters, capitals and digits all the time.
func isName(s string) bool {
	if identifier.MatchString(s) && readable(s) {
		return true
	}
	changes := 0
	for i := 1; i < len(s); i++ {
		before, c := s[i-1], s[i]
		if isDigit(before) != isDigit(c) && (isLetter(before) || isLetter(c)) || isLower(before) && isLetter(c) && !isLower(c) {
			changes++
		}
	}
	return changes*6 <= len(s) && !strings.ContainsAny(s, "+~")
}

// readable reports whether the words of an identifier could be spoken: they are
// four letters long in the mean, and nearly all have a vowel.
func readable(s string) bool {
	words, letters, mute := 0, 0, 0
	spoken, open := true, false
	for i := range len(s) {
		c := s[i]
		begins := !isLetter(c) || i > 0 && isLower(s[i-1]) && !isLower(c)
		if begins && open && !spoken {
			mute++
		}
		if !isLetter(c) {
			open, spoken = false, true
			continue
		}
		if begins || !open {
			words, open, spoken = words+1, true, false
		}
		letters++
		spoken = spoken || strings.IndexByte("aeiouyAEIOUY", c) >= 0
	}
	if open && !spoken {
		mute++
	}
	return words > 0 && letters >= 4*words && mute*4 <= words
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
