package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"traymail/internal/refusals"
)

// findingLink is how the pages name a finding: a link to where it is explained.
var findingLink = regexp.MustCompile("\\[`([a-z0-9.-]+)`\\]\\(\\.\\./troubleshooting\\.md#([a-z0-9.-]+)\\)")

func TestTheFindingsOnThePagesOfGuidesAreThoseOfTheirMistakes(t *testing.T) {
	tested := map[string]map[string]bool{} // by page
	for _, g := range []guide{endpointCentral, basicAuthentication, secureAuth, sei, incorta, signify} {
		if tested[g.page] == nil {
			tested[g.page] = map[string]bool{}
		}
		for _, m := range g.mistakes {
			for _, finding := range append(m.notes, m.finding) {
				if finding != "" {
					tested[g.page][finding] = true
				}
			}
		}
	}
	for name, findings := range tested {
		_, text, _ := strings.Cut(readPage(t, name).text, "\n## When it does not work\n")
		text, _, _ = strings.Cut(text, "\n## ")
		named := map[string]bool{}
		for _, link := range findingLink.FindAllStringSubmatch(text, -1) {
			if named[link[1]] = true; link[1] != link[2] {
				t.Errorf("%s: the link of %s leads to %s", name, link[1], link[2])
			}
			if _, ok := refusals.Find(link[1]); !ok {
				t.Errorf("%s: the catalogue has no %s", name, link[1])
			}
		}
		if !maps.Equal(named, findings) {
			t.Errorf("%s names %v, and the mistakes are found as %v", name, slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(findings)))
		}
		if !strings.HasPrefix(text, "\n```sh\ntraymail check ") {
			t.Errorf("%s does not begin with traymail check", name)
		}
	}
}
