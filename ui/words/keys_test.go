package words

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// inCode are the keys that the window asks for, and the beginnings of those
// that it makes of an ID, each with a place where it does.
func inCode(t *testing.T) (keys, beginnings map[string]string) {
	t.Helper()
	keys, beginnings = map[string]string{}, map[string]string{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if name, ok := pair.Key.(*ast.Ident); ok && name.Name == "Key" {
					return false // of a setting
				}
			}
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err == nil && keyForm.MatchString(text) {
				if strings.HasSuffix(text, "_") {
					beginnings[text] = file
				} else {
					keys[text] = file
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, beginnings
}

// keyForm is how every key looks, and nothing else in the window's code does.
var keyForm = regexp.MustCompile(`^(common|home|setup|checks|handover|messages|accounts|relay|settings|explain|about|tray|trial)\.[a-z0-9_-]+$`)

// translations are the texts of a language, by key and plural form; "other"
// where there is one form.
func translations(t *testing.T, language string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	names, err := fs.Glob(files, "translations/*."+language+".json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var entries map[string]json.RawMessage
		if err := json.Unmarshal(data, &entries); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		area, _, _ := strings.Cut(path.Base(name), ".")
		for key, raw := range entries {
			if !strings.HasPrefix(key, area+".") || !keyForm.MatchString(key) {
				t.Errorf("%s: %q is no key of this file", name, key)
			}
			var text string
			forms := map[string]string{}
			if json.Unmarshal(raw, &text) == nil {
				forms["other"] = text
			} else if err := json.Unmarshal(raw, &forms); err != nil {
				t.Errorf("%s: %s: %v", name, key, err)
			}
			all[key] = forms
		}
	}
	return all
}

func TestEveryTextThatTheWindowAsksForIsThereAndEveryOneThatIsThereIsAskedFor(t *testing.T) {
	keys, beginnings := inCode(t)
	english := translations(t, "en")
	for key, file := range keys {
		if english[key] == nil {
			t.Errorf("%s asks for %s, which has no text", file, key)
		}
	}
	for beginning, file := range beginnings {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(english)), func(k string) bool { return strings.HasPrefix(k, beginning) }) {
			t.Errorf("%s makes keys of %s, and there is none", file, beginning)
		}
	}
	for key := range english {
		made := slices.ContainsFunc(slices.Collect(maps.Keys(beginnings)), func(b string) bool { return strings.HasPrefix(key, b) })
		if keys[key] == "" && !made {
			t.Errorf("nothing asks for %s", key)
		}
	}
}

// places are what a text is filled with.
var places = regexp.MustCompile(`{{\.([A-Za-z]+)}}`)

func placesOf(forms map[string]string) []string {
	var all []string
	for _, text := range forms {
		for _, m := range places.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(all, m[1]) {
				all = append(all, m[1])
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestEveryLanguageHasEveryTextWithTheSamePlaces(t *testing.T) {
	english := translations(t, "en")
	for _, language := range Languages[1:] {
		have := translations(t, language)
		same := 0
		for key, forms := range english {
			theirs := have[key]
			switch {
			case theirs == nil:
				t.Errorf("%s lacks %s", language, key)
			case (forms["one"] != "") != (len(theirs) > 1) && language != "ja" && language != "zh":
				t.Errorf("%s: %s has the forms %v, English %v", language, key, slices.Collect(maps.Keys(theirs)), slices.Collect(maps.Keys(forms)))
			case !slices.Equal(placesOf(forms), placesOf(theirs)):
				t.Errorf("%s: %s has the places %v, English %v", language, key, placesOf(theirs), placesOf(forms))
			case theirs["other"] == forms["other"]:
				same++
			}
		}
		for key := range have {
			if english[key] == nil {
				t.Errorf("%s has %s, which English has not", language, key)
			}
		}
		if same*4 > len(english) {
			t.Errorf("%s: %d of %d texts are English", language, same, len(english))
		}
	}
}

func TestEveryNumberHasAFormInEveryLanguage(t *testing.T) {
	for key, forms := range translations(t, "en") {
		if forms["one"] == "" {
			continue
		}
		data := Data{}
		for _, place := range placesOf(forms) {
			data[place] = "x"
		}
		for _, language := range Languages {
			for _, n := range []int{0, 1, 2, 3, 11, 21, 100, 1_000_000} {
				_, err := i18n.NewLocalizer(bundle(), language).Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: data})
				if err != nil {
					t.Errorf("%s: %s for %d: %v", language, key, n, err)
				}
			}
		}
	}
}
