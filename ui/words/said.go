package words

import (
	"embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"time"
)

// What the engine says is English, and a contract: commands print it, logs and
// bounces hold it, programs read it. The window recognises its sentences, and
// says them in its own language. The files in said have them, an English
// sentence with places beside its translation; see docs/contributing.md.
//
//go:embed said
var saidFiles embed.FS

// sayings are the engine's sentences in each language but English. They are read
// when something of the engine's is first shown in it.
var sayings = func() map[string]func() *saying {
	all := map[string]func() *saying{}
	for _, language := range Languages[1:] {
		all[language] = sync.OnceValue(func() *saying {
			data, err := saidFiles.ReadFile("said/" + language + ".json")
			if err != nil {
				panic(err)
			}
			var texts map[string]string
			if err := json.Unmarshal(data, &texts); err != nil {
				panic(err)
			}
			return newSaying(language, texts)
		})
	}
	return all
}()

// Said is what the engine said, in the language in use. Sentences that are not
// known stay as they are, and so do servers' replies, commands, addresses and
// IDs within those that are. Concurrent calls are safe.
func Said(english string) string {
	language, ok := sayings[Language()]
	switch {
	case english == "":
		return ""
	case !ok:
		return withSpans(english)
	}
	return language().said(english)
}

// goSpan is how the engine's sentences have how long something lasts: "1m30s".
var goSpan = regexp.MustCompile(`^(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?s$`)

// spanned is s as words where it is a time that lasts a second or more, and else
// as it is.
func spanned(s string) string {
	if !goSpan.MatchString(s) {
		return s
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return s
	}
	return Span(d)
}

// withSpans is an English text with such times as words. A server's words stay as
// they are, but not what the engine adds to them.
func withSpans(english string) string {
	lines := strings.Split(english, "\n")
	for i, line := range lines {
		own, quoted, added := line, "", ""
		if at := reply.FindStringIndex(line); at != nil {
			own, quoted = line[:at[0]], line[at[0]:]
			if last := strings.LastIndex(quoted, "; try again in "); last >= 0 {
				quoted, added = quoted[:last], quoted[last:]
			}
		}
		lines[i] = eachSpanned(own) + quoted + eachSpanned(added)
	}
	return strings.Join(lines, "\n")
}

// eachSpanned has each word spanned, but for the values of a command's options.
func eachSpanned(s string) string {
	all := strings.Split(s, " ")
	for i, word := range all {
		bare := strings.Trim(word, "(),.;:")
		if said := spanned(bare); said != bare && (i == 0 || !strings.HasPrefix(all[i-1], "-")) {
			all[i] = strings.Replace(word, bare, said, 1)
		}
	}
	return strings.Join(all, " ")
}

// stops are what ends a sentence in each language.
var stops = map[string]string{"en": ".", "de": ".", "fr": ".", "es": ".", "pt": ".", "ja": "。", "zh": "。"}

// joints are how sentences are joined where that is not as in English.
var joints = map[string]map[string]string{"fr": {": ": "\u00a0: ", "; ": "\u00a0; "}, "ja": {"; ": "。"}, "zh": {": ": "：", "; ": "；"}}

// saying speaks one language.
type saying struct {
	exact  map[string]string
	stop   string            // what ends a sentence
	joints map[string]string // what joins two of its parts
	// forms are the sentences with places, by a word that stands in them: the one
	// that the fewest share.
	forms map[string][]*form

	mu   sync.Mutex
	kept map[string]string // what was said lately
}

const (
	// longest is the length of a text that is looked at, in octets. What is longer
	// is no sentence of the engine's, but something that it quotes.
	longest = 4 << 10
	// keeps is how many texts are remembered. A page shows some dozens, again and
	// again.
	keeps = 1000
)

func newSaying(language string, texts map[string]string) *saying {
	l := &saying{stop: stops[language], joints: joints[language], exact: texts, forms: map[string][]*form{}, kept: map[string]string{}}
	var all []*form
	shared := map[string]int{}
	for english, translated := range texts {
		if f := newForm(english, translated); f != nil {
			all = append(all, f)
			for _, w := range f.words {
				shared[w]++
			}
		}
	}
	for _, f := range all {
		rarest := f.words[0]
		for _, w := range f.words {
			if shared[w] < shared[rarest] {
				rarest = w
			}
		}
		l.forms[rarest] = append(l.forms[rarest], f)
	}
	return l
}

func (l *saying) said(english string) string {
	if len(english) > longest {
		return english
	}
	l.mu.Lock()
	translated, ok := l.kept[english]
	l.mu.Unlock()
	if ok {
		return translated
	}
	lines := strings.Split(english, "\n")
	t := translation{saying: l, sentences: map[string]result{}, phrases: map[string]result{}}
	for i, line := range lines {
		lines[i] = t.line(line, 0).text
	}
	translated = strings.Join(lines, "\n")
	l.mu.Lock()
	if len(l.kept) >= keeps {
		clear(l.kept)
	}
	l.kept[english] = translated
	l.mu.Unlock()
	return translated
}
