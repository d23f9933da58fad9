package refusals

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// shapes are what logs, consoles and mail programs make of a text.
var shapes = []struct {
	name   string
	change func(string) string
}{
	{"as published", func(text string) string { return text }},
	{"after a syslog prefix", prefixedBy("Jan 12 10:22:31 mail01 app[4711]: ")},
	{"after a container's prefix", prefixedBy("mailer_1  | 2026-01-12T10:22:31.123Z ")},
	{"wrapped at blanks", func(text string) string { return wrapped(text, true) }},
	{"wrapped within words", func(text string) string { return wrapped(text, false) }},
	{"with Windows' line ends", func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }},
}

// TestRefusalsCollectedInPublicAreExplainedAsJudgedInEveryShape reads the
// collection: "a-" is of Microsoft, "b-" of networks, TLS and other providers.
// Each file says in its header where it is from and why it was judged so.
func TestRefusalsCollectedInPublicAreExplainedAsJudgedInEveryShape(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "collected", "*.txt"))
	if err != nil || len(files) < 400 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range files {
				judged, text := readJudged(t, file)
				if a := Explain(shape.change(text)); !agrees(a, judged) {
					t.Errorf("%s\n is %s\n want %s", filepath.Base(file), told(a), judged)
				}
			}
		})
	}
}

// readJudged returns what a collected file wants, and its text.
func readJudged(t *testing.T, file string) (judged, text string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, text, cut := strings.Cut(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		if want, ok := strings.CutPrefix(line, "want: "); ok {
			judged = want
		}
	}
	if !cut || judged == "" {
		t.Fatalf("%s has no header", file)
	}
	return judged, text
}

// agrees reports whether an answer is the judged one. A text that names several
// causes is ambiguous among these, or is answered with each of them.
func agrees(a Answer, judged string) bool {
	among, ambiguous := strings.CutPrefix(judged, "ambiguous ")
	switch {
	case judged == string(Unknown) || judged == string(None):
		return string(a.Verdict) == judged
	case !ambiguous:
		return a.Verdict == Known && len(a.Findings) == 1 && a.Findings[0].Refusal.ID == judged
	}
	var all []string
	for _, f := range a.Findings {
		all = append(all, f.Refusal.ID)
	}
	if a.Verdict == Known && len(all) != len(strings.Fields(among)) {
		return false
	}
	for _, c := range a.Candidates {
		all = append(all, c.ID)
	}
	return !slices.ContainsFunc(strings.Fields(among), func(id string) bool { return !slices.Contains(all, id) })
}

func told(a Answer) string {
	var all []string
	for _, f := range a.Findings {
		all = append(all, f.Refusal.ID)
	}
	for _, c := range a.Candidates {
		all = append(all, c.ID)
	}
	return fmt.Sprintf("%s %s", a.Verdict, strings.Join(all, " "))
}

func prefixedBy(prefix string) func(string) string {
	return func(text string) string {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		return prefix + strings.Join(lines, "\n"+prefix) + "\n"
	}
}

// wrapped breaks lines at 60 bytes, within words or at the blank before.
func wrapped(text string, atBlanks bool) string {
	const width = 60
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		for len(line) > width {
			end := width
			if i := strings.LastIndexByte(line[:width], ' '); atBlanks && i > 0 {
				end = i
			}
			for !utf8.RuneStart(line[end]) {
				end--
			}
			b.WriteString(line[:end] + "\n")
			line = line[end:]
			if atBlanks {
				line = strings.TrimPrefix(line, " ")
			}
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
