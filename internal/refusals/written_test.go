package refusals

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWrittenTextsAreExplainedAsJudged reads texts that were written for a test
// in the forms of real programs, and judged before they were tried.
func TestWrittenTextsAreExplainedAsJudged(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "written", "*.txt"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "\r\n", "\n")
		_, text, _ = strings.Cut(text, "\n") // what the file is
		for block := range strings.SplitSeq(text, "\n----\n") {
			judged, said, ok := strings.Cut(block, "\n")
			judged, header := strings.CutPrefix(judged, "want: ")
			if !ok || !header {
				t.Fatalf("%s: %q has no header", file, block)
			}
			a := Explain(said)
			if !agrees(a, judged) {
				t.Errorf("%q\n is %s\n want %s", said, told(a), judged)
			}
			for id := range strings.FieldsSeq(strings.TrimPrefix(judged, "ambiguous ")) {
				if _, known := Find(id); !known && !slices.Contains([]string{"none", "unknown"}, id) {
					t.Errorf("%s: there is no %q", file, id)
				}
			}
		}
	}
}

func TestTheBeginningOfARefusalIsNoPrefix(t *testing.T) {
	for _, line := range []string{"dial tcp: lookup smtp.example.com: no such host", "SMTP Error: Could not authenticate.", "mail server: 550 no", "host program: 550 no"} {
		if got := strings.TrimSuffix(unprefixed(line), "\n"); got != line {
			t.Errorf("%q of %q", got, line)
		}
	}
	if got := unprefixed("Jan 09 16:12:30 mx app: 550 no"); got != "550 no\n" {
		t.Errorf("%q", got)
	}
}
