package main

import (
	"errors"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mayImport is the table of docs/architecture.md: which of our packages each
// folder may import, tests aside. A folder that is missing here fails the test.
var mayImport = map[string][]string{
	"authcode":              nil,
	"keystore":              nil,
	"smtp":                  nil,
	"internal/account":      nil,
	"internal/control":      {"internal/mailer", "internal/account", "internal/checks", "internal/setup", "keystore"},
	"internal/sandbox":      nil,
	"internal/keyringtest":  nil,
	"internal/faultproxy":   nil,
	"internal/traytest":     nil,
	"internal/queuetest":    nil,
	"internal/screentest":   {"ui/locale"},
	"internal/autostart":    nil,
	"internal/clienttest":   nil,
	"internal/journal":      nil,
	"internal/queue":        {"internal/journal", "internal/salvage"},
	"internal/salvage":      nil,
	"internal/relay":        nil,
	"internal/dsn":          nil,
	"internal/postgrestest": nil,
	"internal/logfile":      nil,
	"internal/service":      nil,
	"internal/metrics":      {"internal/mailer"},
	"internal/admin":        {"internal/account", "internal/refusals"},
	"internal/setup":        {"internal/account", "internal/admin"},
	"internal/apponly":      {"authcode", "internal/claims"},
	"internal/claims":       nil,
	"internal/graph":        nil,
	"internal/refusals":     nil,
	"internal/exchange":     nil,
	"internal/checks":       {"authcode", "smtp", "internal/account", "internal/admin", "internal/claims", "internal/exchange", "internal/graph", "internal/refusals"},
	"internal/mailer":       {"authcode", "keystore", "smtp", "internal/account", "internal/apponly", "internal/claims", "internal/graph", "internal/queue", "internal/relay", "internal/dsn", "internal/checks", "internal/exchange", "internal/refusals", "internal/setup"},
	"ui": {"internal/mailer", "ui/about", "ui/accounts", "ui/checking", "ui/desk", "ui/explain", "ui/handover", "ui/home", "ui/locale", "ui/look", "ui/messages", "ui/probe", "ui/relay",
		"ui/settings", "ui/setup", "ui/tray", "ui/words"},
	"ui/locale":     nil,
	"ui/probe":      nil,
	"ui/tray":       {"internal/mailer", "ui/desk", "ui/tray/icons", "ui/words"},
	"ui/tray/icons": nil,
	"ui/words":      nil,
	"ui/desk":       {"internal/mailer"},
	"ui/look":       {"ui/desk", "ui/words"},
	"ui/messages":   {"internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/home":       {"internal/account", "internal/mailer", "ui/desk", "ui/look", "ui/trial", "ui/words"},
	"ui/accounts":   {"authcode", "internal/account", "internal/apponly", "internal/mailer", "ui/desk", "ui/look", "ui/trial", "ui/words"},
	"ui/about":      {"internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/trial":      {"internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/relay":      {"internal/account", "internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/settings":   {"internal/account", "internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/checking":   {"internal/account", "internal/admin", "internal/checks", "internal/mailer", "ui/desk", "ui/look", "ui/words"},
	"ui/explain":    {"internal/account", "internal/mailer", "internal/refusals", "ui/desk", "ui/look", "ui/words"},
	"ui/handover":   {"internal/account", "internal/mailer", "internal/setup", "ui/desk", "ui/look", "ui/words"},
	"ui/setup":      {"internal/account", "internal/mailer", "internal/setup", "ui/desk", "ui/look", "ui/words"},
	"ui/uitest":     {"ui/desk", "ui/look", "ui/words"},
	"cmd/traymail": {"authcode", "keystore", "smtp", "ui", "internal/account", "internal/admin", "internal/apponly", "internal/mailer",
		"internal/sandbox", "internal/control", "internal/relay", "internal/logfile", "internal/metrics", "internal/service", "internal/checks", "internal/refusals", "internal/setup", "internal/autostart"},
	"bench/beside": nil,
	"bench/window": nil,
}

// mayImportFyne are the only files outside ui/ that may.
var mayImportFyne = []string{"cmd/traymail/desktop.go", "internal/screentest/read.go"}

func TestEveryArrowBetweenPackagesIsInTheTable(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		checkImports(t, file, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, file, rel string) {
	folder := path.Dir(rel)
	allowed, known := mayImport[folder]
	if !known {
		t.Errorf("%s: the folder %s is not in the table", rel, folder)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, i := range parsed.Imports {
		name := strings.Trim(i.Path.Value, `"`)
		ours, isOurs := strings.CutPrefix(name, "traymail/")
		if isOurs && !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s, which the table does not allow", rel, ours)
		}
		if strings.HasPrefix(name, "fyne.io/") && folder != "ui" && !strings.HasPrefix(folder, "ui/") && !slices.Contains(mayImportFyne, rel) {
			t.Errorf("%s imports %s: only ui/ may", rel, name)
		}
	}
}

func TestTheTableIsTheOneInTheDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z/]+)/` \\|[^|]*\\| (.*) \\|$")
	documented := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		var may []string
		for _, folder := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(m[2], -1) {
			may = append(may, folder[1])
		}
		documented[m[1]] = may
	}
	for folder, may := range mayImport {
		written, ok := documented[folder]
		if everything := folder == "cmd/traymail"; !ok || !everything && !slices.Equal(written, may) {
			t.Errorf("%s may import %v here, and %v in docs/architecture.md", folder, may, written)
		}
	}
	if len(documented) != len(mayImport) {
		t.Errorf("docs/architecture.md has %d folders, the tree %d", len(documented), len(mayImport))
	}
}

// namingTests are the pages that name tests as their proof. One that is not
// written yet names none.
var namingTests = []string{"security.md", "faults.md"}

func TestTheTestsThatPagesNameExist(t *testing.T) {
	out, err := exec.Command("git", "-C", filepath.Join("..", ".."), "grep", "--untracked", "-hoE", "^func (Test|Fuzz)[A-Za-z0-9]+").Output()
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		there[strings.TrimSpace(strings.TrimPrefix(line, "func "))] = true
	}
	for _, script := range scripts {
		there["TestScript/"+strings.TrimSuffix(filepath.Base(script), ".txtar")] = true
	}
	unraced, err := os.ReadFile(filepath.Join("..", "..", "scripts", "unraced"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range regexp.MustCompile(`(?m)^\+?(Test\w+)$`).FindAllStringSubmatch(string(unraced), -1) {
		if !there[test[1]] {
			t.Errorf("scripts/unraced names %s, which is no test", test[1])
		}
	}
	for _, name := range namingTests {
		page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`((?:Test|Fuzz)[^`]*)`").FindAllStringSubmatch(string(page), -1)
		if len(named) < 20 {
			t.Errorf("docs/%s names only %d tests", name, len(named))
		}
		for _, m := range named {
			test, sub, _ := strings.Cut(m[1], "/")
			if test == "TestScript" && sub != "" {
				test = m[1]
			}
			if !there[test] {
				t.Errorf("docs/%s names %s, which is no test", name, m[1])
			}
		}
	}
}

func TestWhereGoroutinesStartTheTestsLookForThoseThatStay(t *testing.T) {
	grep := func(pattern string) []string {
		out, err := exec.Command("git", "-C", filepath.Join("..", ".."), "grep", "--untracked", "-lE", pattern, "--", "*.go").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	looks, tested := map[string]bool{}, map[string]bool{}
	for _, file := range grep(`goleak\.(VerifyTestMain|Find)`) {
		looks[path.Dir(file)] = true
	}
	for _, file := range grep(`^func Test`) {
		tested[path.Dir(file)] = true
	}
	for _, file := range grep(`^\s+go [a-zA-Z(]|\.Go\(`) {
		if folder := path.Dir(file); tested[folder] && !looks[folder] {
			t.Errorf("%s starts a goroutine, and the tests of its folder do not look for those that stay: call goleak in TestMain", file)
			looks[folder] = true
		}
	}
}

func TestTheHeadlessBinaryHasNoFyneInIt(t *testing.T) {
	c := exec.Command("go", "list", "-deps", ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "traymail/internal/mailer") {
		t.Fatalf("go list does not know this package's dependencies: %s", out)
	}
	for _, dep := range deps {
		if strings.HasPrefix(dep, "fyne.io/") || dep == "traymail/ui" {
			t.Errorf("the headless binary depends on %s", dep)
		}
	}
}
