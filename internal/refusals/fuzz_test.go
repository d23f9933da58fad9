package refusals

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secrets are what logs hold and no answer may repeat: how it stands there, and
// the part that is secret.
var secrets = [][2]string{
	{"password=Hunter2-Geheim", "Hunter2-Geheim"},
	{`"client_secret": "abc8Q~defGHIjklMNO"`, "abc8Q~defGHIjklMNO"},
	{"AUTH LOGIN c3ZjQGNvbnRvc28uY29tOkh1bnRlcjI=", "c3ZjQGNvbnRvc28uY29tOkh1bnRlcjI="},
	{"Authorization: Bearer EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA", "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"},
	{"eyJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJzdmMifQ.c2lnbmF0dXJl", "eyJ1cG4iOiJzdmMifQ"},
	{"334 dXNlcj1zdmNAY29udG9zby5jb20BYXV0aD1CZWFyZXIgRXdC", "dXNlcj1zdmNAY29udG9zby5jb20BYXV0aD1CZWFyZXIgRXdC"},
}

func FuzzExplain(f *testing.F) {
	for i, s := range said {
		for j, form := range forms {
			if (i+j)%7 == 0 { // all of them would take long to begin with
				f.Add(form.in(s.text), i*31+j)
			}
		}
	}
	for _, d := range the().doubts {
		f.Add(d.Looks[0], 3)
	}
	names, err := filepath.Glob("testdata/collected/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for i, name := range names {
		if b, err := os.ReadFile(name); err == nil && i%5 == 0 {
			f.Add(string(b), i)
		}
	}
	f.Fuzz(func(t *testing.T, text string, where int) {
		secret := secrets[uint(where)%uint(len(secrets))]
		at := int(uint(where) % uint(len(text)+1))
		if strings.Contains(text, secret[1]) {
			return // the text itself is about it
		}
		a := Explain(text[:at] + " " + secret[0] + " " + text[at:])
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), secret[1]) {
			t.Errorf("the answer repeats the secret: %s", b)
		}
		for _, w := range a.extracts() {
			if len(w) > longest || strings.ContainsAny(w, "\n\x1b") {
				t.Errorf("an extract is no line of at most %d bytes: %q", longest, w)
			}
		}
		ok := false
		switch a.Verdict {
		case Known:
			ok = len(a.Findings) > 0 && a.Candidates == nil && a.Near == nil && a.Tell == ""
		case Ambiguous:
			ok = a.Findings == nil && len(a.Candidates) > 1 && a.Near == nil && a.Tell != ""
		case Unknown:
			ok = a.Findings == nil && a.Candidates == nil && a.Extract != "" && len(a.Near) <= 3
		case None:
			ok = a.Findings == nil && a.Candidates == nil && a.Near == nil && a.Extract == ""
		}
		if !ok {
			t.Errorf("the answer does not fit its verdict: %s", b)
		}
	})
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"svc@contoso.com", "O'Brien@contoso.com", "a'; Remove-Mailbox b #", "x‘y’", "line\nline", "$(Get-Date)", "\xff", "日本語"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := Quote(s)
		if got, ok := evaluated(q); !ok || got != string([]rune(s)) {
			t.Errorf("%q is quoted as %q, which PowerShell takes for %q", s, q, got)
		}
		for i := range len(q) {
			if q[i] < ' ' || q[i] > '~' {
				t.Errorf("%q is quoted as %q, which is not printable ASCII", s, q)
			}
		}
	})
}
