package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// pages returns the text of the documentation by the name of its file, that of
// docs/systems with the folder's.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documentation: %v", err)
	}
	systems, err := filepath.Glob(filepath.Join(root, "docs", "systems", "*.md"))
	if err != nil || len(systems) == 0 {
		t.Fatalf("no pages of systems: %v", err)
	}
	all := map[string]string{}
	for _, file := range slices.Concat(files, systems, []string{filepath.Join(root, "README.md"), filepath.Join(root, "CHANGELOG.md")}) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if filepath.Base(filepath.Dir(file)) == "systems" {
			name = "systems/" + name
		}
		all[name] = string(text)
	}
	return all
}

// keysOf lists the keys of a struct's TOML under the name of its section, and
// those of its tables under theirs.
func keysOf(section string, t reflect.Type, into map[string][]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous:
			keysOf(section, f.Type, into)
		case key == "" || key == "-":
		case section == "" && f.Type.Kind() == reflect.Struct:
			keysOf("["+key+"]", f.Type, into)
		case section == "" && f.Type.Kind() == reflect.Slice:
			keysOf("[["+key+"]]", f.Type.Elem(), into)
		default:
			into[section] = append(into[section], key)
		}
	}
}

func TestEveryKeyIsDocumentedAndEveryDocumentedKeyExists(t *testing.T) {
	real := map[string][]string{}
	keysOf("", reflect.TypeFor[mailer.Settings](), real)
	keysOf("accounts/NAME.toml", reflect.TypeFor[account.Account](), real)
	keysOf("clients/NAME.toml", reflect.TypeFor[mailer.Client](), real)

	// A table with "key" at its head documents the section that the heading
	// above it names; its first column has one key or several.
	documented := map[string][]string{}
	heading := regexp.MustCompile("^#+ `?([^`]*)`?$")
	word := regexp.MustCompile("`([^`]+)`")
	section, table := "", false
	for line := range strings.Lines(pages(t)["configuration.md"]) {
		line = strings.TrimSpace(line)
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		switch m := heading.FindStringSubmatch(line); {
		case m != nil:
			section, table = m[1], false
		case !strings.HasPrefix(line, "|"):
			table = false
		case strings.TrimSpace(first) == "key":
			table = true
		case table:
			for _, key := range word.FindAllStringSubmatch(first, -1) {
				documented[section] = append(documented[section], key[1])
			}
		}
	}
	for section := range real {
		slices.Sort(real[section])
	}
	for section := range documented {
		slices.Sort(documented[section])
	}
	for section, keys := range real {
		if len(keys) == 0 || !slices.Equal(keys, documented[section]) {
			t.Errorf("%s has the keys\n%v, and in docs/configuration.md\n%v", section, keys, documented[section])
		}
	}
	for section, keys := range documented {
		if _, ok := real[section]; !ok {
			t.Errorf("docs/configuration.md has keys of %q, which is no section: %v", section, keys)
		}
	}
}

func TestEveryExampleOfAFileIsTaken(t *testing.T) {
	block := regexp.MustCompile("(?s)```toml\n# ([^\n]*?\\.toml)[^\n]*\n(.*?)```")
	anyBlock := regexp.MustCompile("```toml\n")
	taken := 0
	for page, text := range pages(t) {
		blocks := block.FindAllStringSubmatch(text, -1)
		if n := len(anyBlock.FindAllString(text, -1)); n != len(blocks) {
			t.Errorf("%s: %d of %d examples do not begin with the name of their file", page, n-len(blocks), n)
		}
		for _, b := range blocks {
			if err := takeExample(t, b[1], b[2]); err != nil {
				t.Errorf("%s: %v, in\n%s", page, err, b[2])
			}
			taken++
		}
	}
	if taken < 5 {
		t.Errorf("only %d examples were found", taken)
	}
}

// takeExample reads an example as the program reads that file.
func takeExample(t *testing.T, name, text string) error {
	home := t.TempDir()
	m := &mailer.Mailer{Home: home}
	file := filepath.Join(home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	folder, base := filepath.Split(filepath.FromSlash(name))
	stem := strings.TrimSuffix(base, ".toml")
	switch {
	case name == "traymail.toml":
		_, err := mailer.ReadSettings(home)
		return err
	case folder == "accounts"+string(filepath.Separator):
		var lines map[string]any // an example may show some lines of an account only
		if err := toml.Unmarshal([]byte(text), &lines); err != nil {
			return err
		}
		if _, whole := lines["id"]; !whole {
			_, err := account.ReadTOML(file, &account.Account{})
			return err
		}
		_, err := m.Accounts().Load(stem)
		return err
	case folder == "clients"+string(filepath.Separator):
		_, err := m.ClientFiles().Load(stem)
		return err
	}
	return fmt.Errorf("%s is no file of the configuration", name)
}

func TestEveryCommandInTheDocumentationExists(t *testing.T) {
	root := (&program{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).rootCommand()
	// In a block of code a command begins its line, after sudo perhaps; in a
	// sentence it stands between backquotes.
	block := regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```")
	line := regexp.MustCompile(`(?m)^(?:[0-9. *\t]*)(?:sudo (?:-u \S+ )?)?traymail ([^\n#<>|]*)`)
	inline := regexp.MustCompile("`(?:sudo (?:-u [^ `]+ )?)?traymail ([^`\n#<>|]*)")
	found := map[string]bool{}
	for page, text := range pages(t) {
		var commands []string
		for _, b := range block.FindAllStringSubmatch(text, -1) {
			for _, m := range line.FindAllStringSubmatch(b[1], -1) {
				commands = append(commands, m[1])
			}
		}
		for _, m := range inline.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
			commands = append(commands, m[1])
		}
		for _, words := range commands {
			name, err := checkCommand(root, strings.Fields(words))
			if err != nil {
				t.Errorf("%s: traymail %s: %v", page, words, err)
			}
			found[name] = true
		}
	}
	if len(found) < 15 {
		t.Errorf("only these were found: %v", slices.Sorted(maps.Keys(found)))
	}
}

func TestTheGuidesTablesNameFlagsAndKeysThatExist(t *testing.T) {
	add := (&program{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).accountAdd()
	keys := map[string][]string{}
	keysOf("account", reflect.TypeFor[account.Account](), keys)
	flag, key := regexp.MustCompile("--([a-z-]+)"), regexp.MustCompile("`([a-z_]+)`")
	found := 0
	for page, text := range pages(t) {
		if !strings.HasPrefix(page, "systems/") {
			continue
		}
		table := false
		for line := range strings.Lines(text) {
			cells := strings.Split(line, " | ")
			switch {
			case strings.HasPrefix(line, "|---"):
			case len(cells) != 4:
				table = false
			case cells[1] == "flag of `traymail account add`":
				table = true
			case table:
				for _, m := range flag.FindAllStringSubmatch(cells[1], -1) {
					if add.Flags().Lookup(m[1]) == nil {
						t.Errorf("%s: there is no flag --%s", page, m[1])
					}
					found++
				}
				for _, m := range key.FindAllStringSubmatch(cells[2], -1) {
					if !slices.Contains(keys["account"], m[1]) {
						t.Errorf("%s: an account has no key %s", page, m[1])
					}
					found++
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("only %d flags and keys were found", found)
	}
}

func TestEveryLinkWithinTheDocumentationLeadsSomewhere(t *testing.T) {
	all := pages(t)
	link := regexp.MustCompile(`\]\(([^):]*?)(?:#([^)]*))?\)`)
	heading := regexp.MustCompile("(?m)^#+ (.*)$")
	// GitHub's own rule for the name of a heading.
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	anchors := func(text string) (list []string) {
		for _, m := range heading.FindAllStringSubmatch(text, -1) {
			list = append(list, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
		}
		return list
	}
	found := 0
	for page, text := range all {
		folder := "docs"
		if page == "README.md" || page == "CHANGELOG.md" {
			folder = ""
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to, target := path.Join(folder, path.Dir(page), m[1]), text
			if m[1] != "" {
				if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(to))); err != nil {
					t.Errorf("%s: (%s): %v", page, m[1], err)
					continue
				}
				target = all[strings.TrimPrefix(to, "docs/")]
			}
			if m[2] != "" && !slices.Contains(anchors(target), m[2]) {
				t.Errorf("%s: (%s#%s): there is no such heading", page, m[1], m[2])
			}
			found++
		}
	}
	if found < 20 {
		t.Errorf("only %d links were found", found)
	}
}

func TestEveryMetricInTheDocumentationExists(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "..", "internal", "metrics", "testdata", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\btraymail_[a-z_]+`).FindAllString(pages(t)["operations.md"], -1)
	if len(named) < 10 {
		t.Errorf("only %d metrics are named", len(named))
	}
	for _, metric := range named {
		if !strings.Contains(string(golden), "\n# TYPE "+metric+" ") {
			t.Errorf("docs/operations.md names %s, which is no metric", metric)
		}
	}
}

// checkCommand reports a subcommand or a flag that does not exist. "a|b" is not
// expected: the alternatives of a command are written out.
func checkCommand(root *cobra.Command, words []string) (name string, err error) {
	c := root
	flags := regexp.MustCompile(`^--?[a-z]`)
	for i := 0; i < len(words); i++ {
		word := strings.TrimRight(words[i], ".,;:")
		switch {
		case word == "--home":
			i++ // and its value
		case flags.MatchString(word):
			flag, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
			known := c.Flags().Lookup(flag) != nil || c.InheritedFlags().Lookup(flag) != nil || flag == "help"
			for _, short := range flag {
				if known || strings.HasPrefix(word, "--") {
					break
				}
				if c.Flags().ShorthandLookup(string(short)) == nil {
					return c.Name(), fmt.Errorf("there is no flag -%c", short)
				}
			}
			if !known && strings.HasPrefix(word, "--") {
				return c.Name(), fmt.Errorf("there is no flag %s", word)
			}
		case c.HasSubCommands():
			next := slices.IndexFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == word })
			if next < 0 {
				return c.Name(), fmt.Errorf("%q is no command", word)
			}
			c = c.Commands()[next]
		}
	}
	return c.CommandPath(), nil
}
