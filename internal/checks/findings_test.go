package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"traymail/internal/refusals"
)

var (
	named  = regexp.MustCompile(`(?:found\(|fault\{|verdict\{|finding(?:, \w+)? :?= )"([a-z0-9-]+)"`)
	listed = regexp.MustCompile(`\d{5,8}: +"([a-z0-9-]+)"`)
)

func TestEveryFindingIsInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append(named.FindAllStringSubmatch(string(text), -1), listed.FindAllStringSubmatch(string(text), -1)...) {
			n++
			entry, ok := refusals.Find(m[1])
			if !ok {
				t.Errorf("%s: the finding %q is not in the catalogue", file, m[1])
				continue
			}
			if fixOf(entry) == "" {
				t.Errorf("%s: the finding %q has no fix", file, m[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d findings were recognised in the sources", n)
	}
}
