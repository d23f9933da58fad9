package mailer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"traymail/internal/checks"
)

// A spoken text is what a check said of a scenario, for the tests of ui/words:
// the window has to say all of it in its own languages.
type spoken struct {
	Text  string `json:"text"`
	Reply string `json:"reply,omitempty"` // the server's words, which may stand in it
}

// allSpoken are the texts of all checks of all scenarios, by text.
var allSpoken sync.Map

func speak(r checks.Result) {
	for _, text := range []string{r.Summary, r.Detail, r.Fix, r.Takes} {
		if text != "" {
			allSpoken.Store(lasting(text), lasting(r.Reply))
		}
	}
}

var (
	aPort  = regexp.MustCompile(`(localhost[ :]|invalid:|-Port |port )\d{5}`)
	anyID  = regexp.MustCompile(`[1-9a-f][0-9a-f]{7}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	lasted = regexp.MustCompile(`\b(after|to) \d+ seconds`)
)

// lasting is a text without what is another each time it is written.
func lasting(s string) string {
	s = aPort.ReplaceAllString(s, "${1}587")
	s = anyID.ReplaceAllString(s, "12345678-9abc-def0-1234-56789abcdef0")
	s = lasted.ReplaceAllString(s, "$1 3 seconds")
	s = aDay.ReplaceAllString(s, "2026-12-02")
	s = tempFile.ReplaceAllString(s, "/etc/traymail/accounts/main.toml")
	return remaining.ReplaceAllString(s, "in 12 days")
}

// writeSpoken keeps what was said where the tests of ui/words read it.
func writeSpoken(t *testing.T) {
	t.Helper()
	var all []spoken
	allSpoken.Range(func(text, reply any) bool {
		all = append(all, spoken{text.(string), reply.(string)})
		return true
	})
	slices.SortFunc(all, func(a, b spoken) int { return strings.Compare(a.Text, b.Text) })
	data, err := json.MarshalIndent(all, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "..", "ui", "words", "testdata", "spoken.json"), append(data, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
