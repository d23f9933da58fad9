package refusals

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile are texts of MaxInput bytes that are all signs.
func hostile() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, MaxInput/len(s)) }
	var passwords strings.Builder
	for i := 0; passwords.Len() < MaxInput-100; i++ {
		fmt.Fprintf(&passwords, "password=Xy%d\n", i)
	}
	return map[string]string{
		"refusals on lines":     fill(said[1].text + "\n"),
		"refusals on one line":  fill(said[16].text + " "),
		"numbers":               fill("535 5.7."),
		"codes":                 fill("452\n"),
		"errors":                fill("error code 535 "),
		"different passwords":   said[1].text + "\n" + passwords.String(),
		"ends of sentences":     fill("Authentication unsuccessful, SmtpClientAuthentication is disabled for the\n"),
		"a sign in each window": fill("535" + strings.Repeat(" nothing", reach/7)),
		"letters beyond ASCII":  fill("é"),
		"broken UTF-8":          fill("\xff\x80"),
		"brackets":              fill("<"),
		"empty lines":           fill("\n"),
	}
}

func TestOfATextThatIsAllSignsOnlyAPartIsStudied(t *testing.T) {
	for name, text := range hostile() {
		parts, all := studied(text)
		if len(parts) > maxStudied || all != (name == "brackets" || name == "empty lines") {
			t.Errorf("%s: %d bytes are studied, all of them: %v", name, len(parts), all)
		}
		if more := elsewhere(text, []string{text[:600]}); len(more) > maxStudied {
			t.Errorf("%s: %d bytes more are looked through for secrets", name, len(more))
		}
	}
	a := Explain(hostile()["refusals on lines"])
	if a.Verdict != Known || !a.Shortened {
		t.Errorf("%s, shortened %v", a.Verdict, a.Shortened)
	}
}

func TestARefusalInALongLogIsTheSameAsAlone(t *testing.T) {
	names, err := filepath.Glob("testdata/collected/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	line := "2026-01-09 16:12:30 INFO nothing to see here, 12 of 1711 done\n"
	filler := strings.Repeat(line, 2*maxStudied/len(line))
	for i, name := range names {
		if i%24 != 7 {
			continue // all of them would take long
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		near := strings.Repeat(line, 30)
		alone, within := Explain(near+text+"\n"+near), Explain(filler+text+"\n"+filler)
		if short(alone) != short(within) || within.Shortened {
			t.Errorf("%s: alone %s, in a log %s, shortened %v", filepath.Base(name), short(alone), short(within), within.Shortened)
		}
	}
}

func TestASecretThatIsToldFarAwayIsNotRepeated(t *testing.T) {
	filler := strings.Repeat("nothing to see here\n", maxStudied/10)
	a := Explain("configuration: smtp_password=Hunter2-Geheim\n" + filler + "535 5.7.3 Authentication unsuccessful Hunter2-Geheim\n" + filler)
	if a.Verdict != Known || strings.Contains(a.Findings[0].Extract, "Geheim") {
		t.Errorf("%s: %q", a.Verdict, a.extracts())
	}
}
