package mailer

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"traymail/internal/checks"
)

// mark is in every secret that the test plants, and in nothing else.
const mark = "pLaNtEd"

func document(t *testing.T, all []Document, name string) string {
	t.Helper()
	for _, d := range all {
		if d.Name == name {
			if !strings.HasSuffix(d.About, ".") || strings.Count(d.About, ". ") > 0 {
				t.Errorf("%s: %q is not one sentence", name, d.About)
			}
			return string(d.Content)
		}
	}
	t.Errorf("there is no %s", name)
	return ""
}

func TestNoSecretIsInTheDiagnostics(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	log := filepath.Join(b.Home, "traymail.log")
	b.settings("[log]\nfile = 'traymail.log'\n# password = \"" + mark + "1\"\n")
	ctx := t.Context()
	// Where secrets are kept, and where messages are.
	for i, name := range []string{refreshTokenName(&b.account), clientSecretName(&b.account), passwordName(&b.account), certificateName(&b.account)} {
		if err := b.Secrets.Set(ctx, name, Secret(fmt.Sprint(mark, "-kept-", i))); err != nil {
			t.Fatal(err)
		}
	}
	d := webDraft()
	if err := b.SaveDraft(ctx, d, mark+"-draft"); err != nil {
		t.Fatal(err)
	}
	password, err := b.SaveClient(ctx, Client{Name: "scanner"}, NewPassword)
	if err != nil {
		t.Fatal(err)
	}
	client, err := b.ClientFiles().Load("scanner")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(ctx); err != nil {
		t.Fatal(err)
	}
	q, err := b.Enqueue(ctx, "main", Submission{To: []string{"somebody.else@fabrikam.com"},
		Data: strings.NewReader("Subject: " + mark + " subject\r\nX-Other: " + mark + "\r\n\r\n" + mark + " body\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	b.until("tried", func(Status) bool {
		r, err := b.Message(ctx, q.ID)
		return err == nil && len(r.Attempts) > 0 && !r.Attempts[0].Finished.IsZero()
	})
	if _, err := b.Check(ctx, "main", checks.Options{NoSend: true}, nil); err != nil {
		t.Fatal(err)
	}
	// What people and other programs put where it does not belong.
	jwt := "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(mark)) + "." + mark
	lines := []string{
		`msg="x" password=` + mark + ` client_secret="` + mark + ` with blanks" access_token=` + jwt,
		`refresh_token: '` + mark + `', "id_token":"` + mark + `" Authorization: Bearer ` + mark + mark + mark,
		`postgres://user:` + mark + `@db.contoso.com/mail {\"password\": \"` + mark + `\"} secret value = ` + mark,
		`http://localhost:53682/callback?code=` + mark + `&state=` + mark,
		`token ` + jwt + ` and 0.A` + strings.Repeat("XyZ9", 12) + mark + `, 1//0` + strings.Repeat("aB3", 9) + mark,
		"-----BEGIN PRIVATE KEY-----\n" + mark + "\n-----END PRIVATE KEY-----",
		`to=somebody.else@fabrikam.com from=` + b.account.Sender,
	}
	if err := os.WriteFile(log, []byte("early\n"+strings.Repeat("line\n", 600)+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := "id = \"0123456789\"\nclient_secret = \"" + mark + "\"\npassword = '''\n" + mark + "\n'''\n"
	if err := os.WriteFile(filepath.Join(string(b.Accounts()), "broken.toml"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}

	all, err := b.Diagnostics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		text := string(d.Content)
		for what, secret := range map[string]string{"a planted secret": mark, "a client's password": password.Reveal(), "a client's hash": client.PasswordHash,
			"a recipient": "somebody.else@", "a hash": "$argon2"} {
			if strings.Contains(text, secret) {
				at := strings.Index(text, secret)
				t.Errorf("%s is in %s, at %q", what, d.Name, text[max(0, at-60):at])
			}
		}
	}
	for name, want := range map[string]string{
		"about.txt":            "without a window",
		"status.json":          `"name": "main"`,
		settingsFile:           "[[listener]]",
		"accounts/main.toml":   b.account.ClientID,
		"accounts/broken.toml": `id = "0123456789"`,
		"clients.json":         `"has_password": true`,
		"log.txt":              "to=s…@fabrikam.com from=" + b.account.Sender,
		"attempts.json":        q.ID,
		"checks.json":          `"main"`,
	} {
		if text := document(t, all, name); !strings.Contains(text, want) {
			t.Errorf("%q is not in %s:\n%.2000s", want, name, text)
		}
	}
	if text := document(t, all, "log.txt"); strings.Contains(text, "early") || strings.Count(text, "\n") > 501 {
		t.Error("the log is longer than it should be")
	}
}

func TestDiagnosticsOfAHomeInWhichNothingIsTellSo(t *testing.T) {
	m := settingsHome(t, "")
	all, err := m.Diagnostics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := document(t, all, "about.txt"); !strings.Contains(text, "no program runs") {
		t.Error(text)
	}
	if text := document(t, all, "attempts.json"); text != "[]\n" {
		t.Error(text)
	}
	for _, d := range all {
		if d.Name == "log.txt" || d.Name == "checks.json" {
			t.Errorf("there is a %s", d.Name)
		}
	}
}

func TestWhatCannotBeReadIsADocumentThatSaysWhy(t *testing.T) {
	m := settingsHome(t, "[log]\nfile = \"none/at/all.log\"\n")
	clients := string(m.ClientFiles())
	if err := os.MkdirAll(clients, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(clients, "x.toml"), []byte("password = \""+mark+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := m.Diagnostics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"log.txt", "clients.json"} {
		if text := document(t, all, name); !strings.HasPrefix(text, "It cannot be read: ") || strings.Contains(text, mark) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestScrubbingLeavesWhatHelps(t *testing.T) {
	keep := map[string]bool{"svc@contoso.com": true}
	for text, want := range map[string]string{
		"SVC@contoso.com":                      "SVC@contoso.com",
		"to <a.b+c@x.example>":                 "to <a…@x.example>",
		"token_url = \"https://x/token\"":      "token_url = \"https://x/token\"",
		"secret_expires = \"2027-01-31\"":      "secret_expires = \"2027-01-31\"",
		"key_file = \"k\" # no password":       "key_file = \"k\" # no password",
		`"has_password": true,`:                `"has_password": true,`,
		`"token_expires": "2026-01-01"`:        `"token_expires": "2026-01-01"`,
		"postgres://u@db/x":                    "postgres://u@db/x",
		"to=ab@x.example from=svc@contoso.com": "to=a…@x.example from=svc@contoso.com",
		"<ab=x.example@lists.example>":         "<a…@lists.example>",
		"password=a b":                         "password=[removed] b",
		`password = "a\"b" x`:                  `password = "[removed]" x`,
		"AADSTS7000215: invalid client":        "AADSTS7000215: invalid client",
		"http://localhost/?code=abc&x=1":       "http://localhost/?code=[removed]&x=1",
		"535 5.7.139 Authentication failed":    "535 5.7.139 Authentication failed",
	} {
		if got := scrub(text, keep); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// FuzzScrub finds an address that stays.
func FuzzScrub(f *testing.F) {
	f.Add("to=a@b.example password=x", "bob")
	f.Add("<", "é.\"")
	whole := regexp.MustCompile(`[a-z]{2,}@contoso\.com`)
	f.Fuzz(func(t *testing.T, text, local string) {
		once := scrub(text+"\n"+local+"@contoso.com", nil)
		if found := whole.FindString(once); found != "" {
			t.Errorf("%q is left of %q", found, text)
		}
	})
}

func TestNobodysNameIsInTheDiagnosticsAsPartOfAPath(t *testing.T) {
	b := newBench(t, "")
	person := filepath.Dir(b.Home)
	t.Setenv("HOME", person)
	t.Setenv("USERPROFILE", person)
	log := filepath.Join(b.Home, "traymail.log")
	b.settings("[log]\nfile = '" + log + "'\n")
	line := "opened " + filepath.Join(person, "x") + " in " + person + "\n"
	if err := os.WriteFile(log, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := b.Diagnostics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		for _, form := range []string{person, strings.ReplaceAll(person, `\`, `\\`), filepath.ToSlash(person)} {
			if strings.Contains(string(d.Content), form) {
				t.Errorf("%s has the folder of a person:\n%s", d.Name, d.Content)
			}
		}
	}
	rest, _ := filepath.Rel(person, b.Home)
	if text := document(t, all, "about.txt"); !strings.Contains(text, "~"+string(filepath.Separator)+rest) {
		t.Errorf("it does not say where in that folder:\n%s", text)
	}
	if text := document(t, all, "clients.json"); strings.TrimSpace(text) != "[]" {
		t.Errorf("no clients are %q, want an empty list", text)
	}
}

func TestAFolderIsAPersonsOnlyWhole(t *testing.T) {
	for folder, texts := range map[string]map[string]string{
		"/home/al": {"/home/al/x": "~/x", "/home/alice/x": "/home/alice/x", "home=/home/al": "home=~", `"/home/al"`: `"~"`, "/home/al-x": "/home/al-x",
			"in /home/al.": "in ~.", "/home/al.old/x": "/home/al.old/x"},
		"/": {"/x": "/x"},
		"":  {"x": "x"},
	} {
		r := personal(folder, nil)
		for text, want := range texts {
			got := text
			if r != nil {
				got = r.ReplaceAllString(text, "~$1")
			}
			if got != want {
				t.Errorf("%q of %q is %q, want %q", text, folder, got, want)
			}
		}
	}
}
