package words

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"traymail/internal/refusals"
)

// saidIn are the engine's sentences in a language, as its file has them.
func saidIn(t *testing.T, language string) map[string]string {
	t.Helper()
	data, err := saidFiles.ReadFile("said/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestEverySentenceOfTheEngineIsSaidInEveryLanguage(t *testing.T) {
	english := allUnits(t)
	if len(english) < 1500 {
		t.Fatalf("only %d sentences are found in the source", len(english))
	}
	for _, language := range Languages[1:] {
		texts := saidIn(t, language)
		same := 0
		for unit, where := range english {
			translated, ok := texts[unit]
			a, b := placeForm.FindAllString(unit, -1), placeForm.FindAllString(translated, -1)
			slices.Sort(a)
			slices.Sort(b)
			switch {
			case !ok || translated == "":
				t.Errorf("%s lacks %q of %s", language, unit, where)
			case !slices.Equal(a, b):
				t.Errorf("%s: %q has the places %v, and %q has %v", language, unit, a, translated, b)
			case unit == translated:
				same++
			}
		}
		for unit := range texts {
			if english[unit] == "" {
				t.Errorf("%s has %q, which the engine does not say", language, unit)
			}
		}
		if same*20 > len(english) {
			t.Errorf("%s: %d of %d sentences are English", language, same, len(english))
		}
	}
}

// TestEverySentenceIsKnownAgain fills the places of each sentence: no other one
// may be taken for it.
func TestEverySentenceIsKnownAgain(t *testing.T) {
	t.Parallel()
	for _, language := range Languages[1:] {
		l := sayings[language]()
		for english, translated := range l.exact {
			fill := func(s string) string {
				return placeForm.ReplaceAllStringFunc(s, func(p string) string { return "X" + strings.Trim(p, "{}") + "X" })
			}
			if strings.HasPrefix(english, ",") {
				english, translated = "Y"+english, "Y"+translated
			}
			if got := l.said(fill(english)); got != fill(translated) {
				t.Errorf("%s: %q is said as %q, want %q", language, fill(english), got, fill(translated))
			}
		}
	}
}

func TestTheEnginesTextsAreSaidInTheLanguageOfTheWindow(t *testing.T) {
	t.Cleanup(func() { Use("en") })
	l := newSaying("de", map[string]string{
		"the tenant {1} exists at {2}":                         "den Mandanten {1} gibt es bei {2}",
		"the tenant {1} exists at {2}; its ID is {3}":          "den Mandanten {1} gibt es bei {2}; seine ID ist {3}",
		"{1} ended on {2}":                                     "{1} ist am {2} abgelaufen",
		"a client {1}":                                         "ein Client {1}",
		"{1} refused {2} for {3}":                              "{1} lehnte {2} für {3} ab",
		"the client secret":                                    "das Client-Secret",
		"sign in again":                                        "noch einmal anmelden",
		"sign in: traymail login {account}":                    "anmelden: traymail login {account}",
		"it is missing":                                        "es fehlt",
		"a new access token came{1}":                           "ein neues Zugriffstoken kam{1}",
		", good until {1}":                                     ", gültig bis {1}",
		"Messages leave all the same.":                         "Nachrichten gehen trotzdem hinaus.",
		"the connection to it was lost":                        "die Verbindung dazu brach ab",
		"{1} days":                                             "{1} Tage",
		"over SMTP ({1}:{2})":                                  "über SMTP ({1}:{2})",
		"{1} signs in in the browser and sends as {2}":         "{1} meldet sich im Browser an und sendet als {2}",
		"wait for the {1}, which takes {2}":                    "auf {1} warten, was {2} dauert",
		"the keychain is locked":                               "der Schlüsselbund ist gesperrt",
		"nobody can tell whether {1} is {2} or {1} is another": "ob {1} {2} ist oder {1} ein anderer, weiß niemand",
	})
	for english, want := range map[string]string{
		"": "",
		"the tenant contoso.com exists at login.example":                             "den Mandanten contoso.com gibt es bei login.example",
		"the tenant contoso.com exists at login.example; its ID is 42":               "den Mandanten contoso.com gibt es bei login.example; seine ID ist 42",
		"the client secret ended on 2026-12-02":                                      "das Client-Secret ist am 2026-12-02 abgelaufen",
		"The client secret ended on 2026-12-02.":                                     "das Client-Secret ist am 2026-12-02 abgelaufen.",
		"main: smtp.example refused it: 550 5.7.1 the tenant is dead; sign in again": "main: smtp.example refused it: 550 5.7.1 the tenant is dead; sign in again",
		"sign in: traymail login work; or in PowerShell: Get-Mailbox -Identity x":    "anmelden: traymail login work; or in PowerShell: Get-Mailbox -Identity x",
		"the file cannot be read: it is missing":                                     "the file cannot be read: es fehlt",
		"a new access token came":                                                    "ein neues Zugriffstoken kam",
		"a new access token came, good until 15:04 UTC":                              "ein neues Zugriffstoken kam, gültig bis 15:04 UTC",
		"it is missing. Messages leave all the same. It is not known":                "es fehlt. Nachrichten gehen trotzdem hinaus. It is not known",
		"it is missing\nMessages leave all the same.":                                "es fehlt\nNachrichten gehen trotzdem hinaus.",
		"the connection to it was lost (dial tcp 10.0.0.1:5432: it is missing)":      "die Verbindung dazu brach ab (dial tcp 10.0.0.1:5432: es fehlt)",
		"12 days": "12 Tage",
		"a client does not have the right to do that": "a client does not have the right to do that",
		"smtp.example refused the sender: 550 5.7.1 the keychain is locked; Client is off. The tenant x exists at y.; sign in again": "smtp.example refused the sender: 550 5.7.1 the keychain is locked; Client is off. The tenant x exists at y.; sign in again",
		"it took some twelve days": "it took some twelve days",
		"main: smtp.example refused it: 452 4.2.2 over quota; try again later":                        "main: smtp.example refused it: 452 4.2.2 over quota; try again later",
		"main: smtp.example refused it: 550 mailbox unavailable; the message is held":                 "main: smtp.example refused it: 550 mailbox unavailable; the message is held",
		"a@b.example signs in in the browser and sends as c@b.example over SMTP (smtp.b.example:587)": "a@b.example meldet sich im Browser an und sendet als c@b.example über SMTP (smtp.b.example:587)",
		"wait for the client secret, which takes 3 days":                                              "auf client secret warten, was 3 Tage dauert",
		"nobody can tell whether A is B or A is another":                                              "ob A B ist oder A ein anderer, weiß niemand",
		"nobody can tell whether A is B or C is another":                                              "nobody can tell whether A is B or C is another",
		"Set-Mailbox -Identity 'the client secret'":                                                   "Set-Mailbox -Identity 'the client secret'",
	} {
		if got := l.said(english); got != want {
			t.Errorf("%q is said as %q, want %q", english, got, want)
		}
	}
	Use("de")
	if got := Sentence("the keychain is locked"); got == "" || got == "The keychain is locked" {
		t.Errorf("a sentence is said as %q", got)
	}
	if got, want := Sentences("foo bar", "", "baz."), "Foo bar. Baz."; got != want {
		t.Errorf("sentences are %q, want %q", got, want)
	}
	Use("ja")
	if got, want := Sentences("foo bar", "baz"), "Foo bar。Baz。"; got != want {
		t.Errorf("sentences are %q, want %q", got, want)
	}
	Use("en")
	if got, want := Sentence("the keychain is locked"), "The keychain is locked"; got != want {
		t.Errorf("a sentence is %q, want %q", got, want)
	}
}

// englishWord is a word that a German, French or Spanish text does not have.
var englishWord = regexp.MustCompile(`(?:^|[\s(„“"'])(?:The|This|It|the|is|are|and|of|to|with|which|that|not|from|it|its|for|by|have)(?:[\s).,:;”"']|$)`)

// shown is what of a text is not for people to read in their language: commands,
// what stands in quotes, and ways through a portal.
var shown = regexp.MustCompile(`From:|Sender:|traymail [a-z-]+[^;.,)]*|https?://\S+|"[^"]*"|“[^”]*”|'[^']*'|„[^“]*“|«[^»]*»|[^.;:(]*→[^.;)]*`)

// TestWhatTheChecksSayOfEachScenarioIsSaidInFull has all texts that the checks of
// all scenarios came out with, which the tests of internal/mailer wrote down,
// said in three languages.
func TestWhatTheChecksSayOfEachScenarioIsSaidInFull(t *testing.T) {
	data, err := os.ReadFile("testdata/spoken.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts []struct{ Text, Reply string }
	if err := json.Unmarshal(data, &texts); err != nil || len(texts) < 200 {
		t.Fatalf("%d texts, %v", len(texts), err)
	}
	for _, language := range []string{"de", "fr", "es"} {
		l := sayings[language]()
		for _, text := range texts {
			got := l.said(text.Text)
			rest := strings.ReplaceAll(got, text.Reply, "")
			rest = shown.ReplaceAllString(rest, "")
			if at := englishWord.FindString(rest); at != "" {
				t.Errorf("%s: %q is said as\n%s\nwhere %q is English", language, text.Text, got, strings.TrimSpace(at))
			}
		}
	}
}

// TestWhatTheCatalogueSaysIsSaidInFull has each entry filled with names, and joined
// with its command as packages checks and mailer do it.
func TestWhatTheCatalogueSaysIsSaidInFull(t *testing.T) {
	names := refusals.Names{Account: "work", Username: "svc@contoso.com", Sender: "alerts@contoso.com", ClientID: "0d5a4f3c-61e8-4f0b-8a4e-2b9c7d1e6f01", Tenant: "contoso.com", ObjectID: "1b2c3d4e-61e8-4f0b-8a4e-2b9c7d1e6f01", Server: "smtp.office365.com", Port: 587}
	for _, language := range []string{"de", "fr", "es"} {
		l := sayings[language]()
		for _, r := range refusals.All() {
			for _, filled := range []refusals.Refusal{r.Filled(names, false), r.Filled(names, true), r.Filled(refusals.Names{}, false)} {
				for _, text := range []string{filled.Cause, filled.FixAdmin, filled.FixUser, filled.FixAdmin + "; or in PowerShell: Get-Mailbox", filled.Takes} {
					got := l.said(text)
					if at := englishWord.FindString(shown.ReplaceAllString(got, "")); at != "" {
						t.Errorf("%s: %s: %q is said as\n%s\nwhere %q is English", language, r.ID, text, got, strings.TrimSpace(at))
					}
				}
			}
		}
	}
}

func TestManyMaySpeakAtOnce(t *testing.T) {
	t.Parallel()
	l := newSaying("de", map[string]string{"the tenant {1} exists at {2}": "den Mandanten {1} gibt es bei {2}"})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range keeps / 4 {
				english := fmt.Sprintf("the tenant %d exists at %d", n, i)
				if got, want := l.said(english), fmt.Sprintf("den Mandanten %d gibt es bei %d", n, i); got != want {
					t.Errorf("%q is said as %q, want %q", english, got, want)
					return
				}
			}
		})
	}
	all.Wait()
	if len(l.kept) > keeps {
		t.Errorf("%d texts are kept", len(l.kept))
	}
}

// FuzzSaid has any text said: what is not known stays, and nothing ends in a
// panic.
func FuzzSaid(f *testing.F) {
	for _, s := range []string{
		"", ": ", "; ; : ", "the tenant x exists at y; its ID is z", "The server showed a. B? C\nD", "a (b (c))", "x@y over SMTP (a:1)", "{1} ended on {2}", ", good until",
		"sign in: traymail login a; sign in: traymail login b", "\xff\xfe: the tenant \x00 exists at \n", strings.Repeat("the connection was refused: ", 50),
	} {
		f.Add(s)
	}
	unknown := newSaying("de", map[string]string{"the client secret": "das Client-Secret", "{1} ended on {2}": "{1} ist am {2} abgelaufen"})
	f.Fuzz(func(t *testing.T, s string) {
		for _, language := range []string{"de", "ja"} {
			l := sayings[language]()
			l.said(s)
			if got := l.said(s); s == "" && got != "" {
				t.Errorf("nothing is said as %q", got)
			}
		}
		if got := unknown.said(s); !strings.Contains(strings.ToLower(s), "the client secret") && !strings.Contains(s, "ended on") && got != s {
			t.Errorf("%q is said as %q", s, got)
		}
	})
}
