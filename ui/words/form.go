package words

import (
	"regexp"
	"strings"
)

// A form is a sentence with places, and how it is said in another language.
type form struct {
	english string
	// pieces are what stands around the places: one more than there are places.
	pieces, translated []string
	// places are the names of the places in the English sentence, and theirs of
	// those in the translation.
	places, theirs []string
	// words stand in the sentence as whole words, whatever is at its places.
	words []string
	// letters is how much of the sentence is no place.
	letters int
}

var (
	placeForm = regexp.MustCompile(`\{[a-z_0-9]+\}`)
	wordForm  = regexp.MustCompile(`[\pL\d_]+`)
)

// fewest is how many letters a sentence needs for its places to hold words that
// are not known: with less it would be found in everything.
const fewest = 12

// plainWord is a word of a sentence, as opposed to a name, an address or a number.
var plainWord = regexp.MustCompile(`(?:^|\s)[a-z]{3,}(?:[\s,.]|$)`)

// newForm reads a sentence. One that begins with a comma goes on with another,
// which is its first place, {0}. It is nil for one without places, and for one that
// is nothing but places.
func newForm(english, translated string) *form {
	if strings.HasPrefix(english, ",") {
		english, translated = "{0}"+english, "{0}"+translated
	}
	f := &form{english: english}
	f.pieces, f.places = cutAtPlaces(english)
	f.translated, f.theirs = cutAtPlaces(translated)
	if len(f.places) == 0 {
		return nil
	}
	for i, piece := range f.pieces {
		f.letters += letters(piece)
		for _, at := range wordForm.FindAllStringIndex(piece, -1) {
			// What touches a place may be a part of a word.
			if (at[0] > 0 || i == 0) && (at[1] < len(piece) || i == len(f.pieces)-1) {
				f.words = append(f.words, piece[at[0]:at[1]])
			}
		}
	}
	if len(f.words) == 0 {
		return nil
	}
	return f
}

// cutAtPlaces divides a sentence into its places and what is around them.
func cutAtPlaces(s string) (pieces, places []string) {
	at := 0
	for _, p := range placeForm.FindAllStringIndex(s, -1) {
		pieces, places = append(pieces, s[at:p[0]]), append(places, s[p[0]:p[1]])
		at = p[1]
	}
	return append(pieces, s[at:]), places
}

// match finds what stands at the places of a sentence of this form. Each place
// takes as little as it can.
func (f *form) match(s string) (values map[string]string, ok bool) {
	last := len(f.places)
	if !strings.HasPrefix(s, f.pieces[0]) {
		return nil, false
	}
	s = s[len(f.pieces[0]):]
	if !strings.HasSuffix(s, f.pieces[last]) {
		return nil, false
	}
	s = s[:len(s)-len(f.pieces[last])]
	values = make(map[string]string, last)
	for i, name := range f.places {
		value := s
		if i+1 < last {
			at := strings.Index(s, f.pieces[i+1])
			if at < 0 {
				return nil, false
			}
			value, s = s[:at], s[at+len(f.pieces[i+1]):]
		}
		if before, twice := values[name]; twice && before != value || !f.takes(i, value) {
			return nil, false
		}
		values[name] = value
	}
	return values, true
}

// takes reports whether a value may stand at a place.
func (f *form) takes(i int, value string) bool {
	switch {
	case value == "":
		// A word that ends with a place may go without: "came{1}".
		return f.places[i] == "{0}" || f.pieces[i] != "" && !strings.HasSuffix(f.pieces[i], " ")
	case i == len(f.places)-1 && f.pieces[i+1] == "" && strings.HasSuffix(value, "."):
		return false // the full stop is the sentence's
	case isName(f.places[i]):
		return !strings.ContainsAny(value, " \t") && !strings.HasSuffix(value, ";")
	}
	return true
}

// isName reports whether a place is one of the catalogue's, such as {account}:
// its value is a name, and never a text.
func isName(place string) bool { return place[1] > '9' }
