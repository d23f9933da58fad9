package words

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"traymail/internal/refusals"
)

// allUnits are the sentences of the engine that have a translation, each with
// where it stands.
func allUnits(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(where string, texts ...string) {
		for _, text := range texts {
			for _, s := range strings.Split(text, "\n") {
				for _, unit := range divided(s) {
					all[unit] = where
				}
			}
		}
	}
	for _, r := range refusals.All() {
		add(r.ID, r.Cause, r.FixAdmin, r.FixUser, r.Application.FixAdmin, r.Application.FixUser, r.Takes)
	}
	data, err := os.ReadFile("../../internal/refusals/catalogue.toml")
	var doubts struct {
		Doubt []struct{ Tell string }
	}
	if err == nil {
		err = toml.Unmarshal(data, &doubts)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range doubts.Doubt {
		add("doubt", d.Tell)
	}
	delete(all, "")
	for text, where := range engineTexts(t) {
		for _, unit := range units(text) {
			all[unit] = where
		}
	}
	for unit, where := range pieced {
		all[unit] = where
	}
	return all
}

// divided are the sentences of a line.
func divided(line string) []string {
	var all []string
	for {
		at := sentenceEnd.FindStringIndex(line)
		if at == nil {
			return append(all, strings.TrimSpace(line))
		}
		all = append(all, strings.TrimSpace(line[:at[0]+1]))
		line = line[at[0]+1:]
	}
}

var (
	adjacent = regexp.MustCompile(`(\{\d+\})(?: ?\{\d+\})+`)
	leading  = regexp.MustCompile(`^(?:\{\d+\} ([A-Z])|(?:\{\d+\}[:;] )+)`)
	trailing = regexp.MustCompile(`(?:[:;] \{\d+\}| \(\{\d+\}\))+$`)
	anyPlace = regexp.MustCompile(`\{\d+\}`)
)

// units are the sentences of a text of the source: without what only joins them
// to others, and with one place for several beside each other, for what stands
// there is translated on its own.
func units(text string) []string {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		for _, s := range divided(line) {
			s = adjacent.ReplaceAllString(s, "$1")
			s = strings.TrimPrefix(strings.TrimPrefix(s, ": "), "; ")
			s = leading.ReplaceAllString(s, "$1")
			s = strings.TrimRight(trailing.ReplaceAllString(s, ""), ": ")
			at := map[string]string{}
			s = anyPlace.ReplaceAllStringFunc(s, func(p string) string {
				if at[p] == "" {
					at[p] = "{" + strconv.Itoa(len(at)+1) + "}"
				}
				return at[p]
			})
			if isText(s) {
				all = append(all, s)
			}
		}
	}
	return all
}

var (
	command   = regexp.MustCompile(`^(?:#|--|\$|<|\(id, |[A-Z][a-z]+-[A-Z]\w+ |traymail |if \(|foreach|\(Get-|throw|w32tm|sudo|\d{3} \d\.\d)|(?:SELECT|UPDATE|INSERT|FROM|WHERE|VALUES|PRAGMA|ALTER|CASE WHEN|ROLLBACK|RELEASE|DROP|UNION) |^AND `)
	lowerWord = regexp.MustCompile(`(?:^|[^\pL])[a-z]{3,}(?:[^\pL]|$)`)
)

// isText reports whether people read a string as a sentence, or a part of one.
func isText(s string) bool {
	return strings.Contains(s, " ") && lowerWord.MatchString(placeForm.ReplaceAllString(s, "")) &&
		!command.MatchString(s) && !strings.Contains(s, "2006") && !slices.Contains(names, s)
}
