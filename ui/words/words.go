// Package words holds what the window says, in each of its languages: one file
// a language and an area of the window in translations, by key. No text stands
// in the code.
//
// The files have the form of Fyne's own translations, and go-i18n, which Fyne's
// package lang wraps, reads them. It is used directly because lang speaks the
// system's language and no other, and the person may choose one.
package words

import (
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed translations
var files embed.FS

// Data is what the places of a text, such as {{.Account}}, are filled with.
type Data map[string]any

// Languages are those that the window speaks, English first, as BCP 47 tags.
var Languages = []string{"en", "de", "fr", "es", "pt", "ja", "zh"}

// Names are what the languages call themselves.
var Names = map[string]string{"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "pt": "Português", "ja": "日本語", "zh": "简体中文"}

// bundle is read when something is said first: the same program runs commands,
// which say nothing here.
var bundle = sync.OnceValue(read)

// spoken is the language in use, and what speaks it.
type spoken struct {
	tag string
	*i18n.Localizer
}

var current atomic.Pointer[spoken] // nil: English, until Use

// speaking returns what speaks the language in use.
func speaking() *spoken {
	if s := current.Load(); s != nil {
		return s
	}
	current.CompareAndSwap(nil, &spoken{"en", i18n.NewLocalizer(bundle(), "en")})
	return current.Load()
}

// read reads all files; they are in the program, and its tests read them.
func read() *i18n.Bundle {
	b := i18n.NewBundle(language.English)
	b.RegisterUnmarshalFunc("json", json.Unmarshal)
	err := fs.WalkDir(files, "translations", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(file)
		if err == nil {
			_, err = b.ParseMessageFileBytes(data, path.Base(file))
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return b
}

// Use chooses the language of what is said from now on: that of Languages which
// is closest to the tags, such as "de-AT", the first of them before the second.
// What is on the screen already stays as it is. Concurrent calls are safe.
func Use(tags ...string) {
	var wanted []language.Tag
	for _, t := range tags {
		// A locale of POSIX: "de_DE.UTF-8".
		t, _, _ = strings.Cut(t, ".")
		if tag, err := language.Parse(t); err == nil {
			wanted = append(wanted, tag)
		}
	}
	var have []language.Tag
	for _, l := range Languages {
		have = append(have, language.Make(l))
	}
	_, at, _ := language.NewMatcher(have).Match(wanted...)
	current.Store(&spoken{Languages[at], i18n.NewLocalizer(bundle(), Languages[at])})
}

// Language is the tag of the language in use, one of Languages.
func Language() string { return speaking().tag }

// Say returns the text of a key, its places filled with data. A key without a
// text in the language in use has its English one; the tests see to it that
// there is no such key.
func Say(key string, data ...Data) string {
	return say(&i18n.LocalizeConfig{MessageID: key}, data)
}

// Count is Say for a text that depends on a number, which stands at its place
// {{.N}} as the language writes it.
func Count(key string, n int, data ...Data) string {
	filled := Data{"N": Number(n)}
	for _, d := range data {
		for k, v := range d {
			filled[k] = v
		}
	}
	return say(&i18n.LocalizeConfig{MessageID: key, PluralCount: n}, []Data{filled})
}

func say(c *i18n.LocalizeConfig, data []Data) string {
	if len(data) > 0 {
		c.TemplateData = data[0]
	}
	text, err := speaking().Localize(c)
	if err != nil && text == "" {
		return c.MessageID
	}
	return text
}

// Has reports whether there is a text for the key: keys that are made of an ID
// may have none.
func Has(key string) bool {
	_, err := i18n.NewLocalizer(bundle(), "en").Localize(&i18n.LocalizeConfig{MessageID: key})
	return err == nil
}

// List joins names as the language does: "a, b and c".
func List(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		between := Say("common.list_between")
		return strings.Join(names[:n-1], between) + Say("common.list_last") + names[n-1]
	}
}

// Known reports whether tag is one of Languages.
func Known(tag string) bool { return slices.Contains(Languages, tag) }
