package refusals

import "testing"

func TestEveryLookIsExplainedAsItsEntry(t *testing.T) {
	for _, e := range All() {
		for _, look := range e.Looks {
			a := Explain(look)
			if a.Verdict != Known || a.Findings[0].Refusal.ID != e.ID {
				t.Errorf("%s: %q\n is %s %v", e.ID, look, a.Verdict, a.Findings)
			}
		}
	}
}
