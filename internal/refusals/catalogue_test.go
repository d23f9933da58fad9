package refusals

import (
	"slices"
	"testing"
)

func TestEveryLookIsExplainedAsItsEntry(t *testing.T) {
	for _, e := range All() {
		for _, look := range e.Looks {
			a := Explain(look)
			if a.Verdict != Known || a.Findings[0].Refusal.ID != e.ID {
				t.Errorf("%s: %q\n is %s", e.ID, look, short(a))
			}
		}
	}
}

func TestEveryDoubtIsAmbiguous(t *testing.T) {
	for _, d := range the().doubts {
		for _, look := range d.Looks {
			a := Explain(look)
			if a.Verdict != Ambiguous || !slices.Equal(ids(a.Candidates), d.Candidates) {
				t.Errorf("%q\n is %s, want one of %q", look, short(a), d.Candidates)
			}
		}
	}
}

func ids(all []Refusal) []string {
	var s []string
	for _, r := range all {
		s = append(s, r.ID)
	}
	return s
}

func short(a Answer) string {
	s := string(a.Verdict)
	for _, f := range a.Findings {
		s += " " + f.Refusal.ID + " (" + f.Extract + ")"
	}
	for _, c := range append(ids(a.Candidates), ids(a.Near)...) {
		s += " " + c
	}
	return s + " " + a.Extract
}
