package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"traymail/internal/sandbox"
)

// TestScript runs testdata/script/*.txtar: each command of the program, from an
// empty home folder, against a sandbox of its own. The scripts' own commands:
//
//	sandbox [SCENARIO]          starts one and sets AUTHORITY, TENANT, CLIENT_ID, …
//	account NAME [FLAG...]      adds the sandbox's account, with more flags
//	setup NAME FLAG...          adds an account of any kind at the sandbox's addresses
//	inbox N                     fails unless the sandbox holds N messages
//	received N FILE             writes message N, as it was received, to FILE
//	until PATTERN COMMAND...    repeats a command until its output matches, for a minute
//	secretless FILE...          fails when a secret of the sandbox is in a file
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox":    startSandbox,
			"account":    addAccount,
			"setup":      addSetup,
			"inbox":      checkInbox,
			"received":   writeReceived,
			"secretless": checkSecretless,
			"until":      repeatUntil,
			"unpack":     unpack,
		},
		RequireExplicitExec: true,
	})
}

// inHand is the key of a script's sandbox.
type inHand struct{}

// setUpScript gives a script a home folder that keeps its secrets in an
// encrypted file: a keychain is shared by all processes of a session.
func setUpScript(e *testscript.Env) error {
	e.Values[inHand{}] = new(*sandbox.Sandbox)
	home := filepath.Join(e.WorkDir, "home")
	e.Defer(func() { findSecrets(e, home) })
	e.Setenv("TRAYMAIL_HOME", home)
	e.Setenv("CA", filepath.Join(e.WorkDir, "ca.pem"))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"key\"\n"), 0o600)
}

func startSandbox(ts *testscript.TestScript, neg bool, args []string) {
	o := sandbox.Options{}
	if len(args) > 0 {
		o.Scenario = args[0]
	}
	s, err := sandbox.Start(o)
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	r := s.Ready()
	*ts.Value(inHand{}).(**sandbox.Sandbox) = s
	ts.Check(os.WriteFile(ts.Getenv("CA"), []byte(r.CAPEM), 0o600))
	for key, value := range map[string]string{
		"AUTHORITY": r.Authority, "TENANT": r.TenantID, "GRAPH": r.GraphURL, "SMTP_PORT": strconv.Itoa(r.SMTPPort),
		"PERSON": r.Users[0].Username, "PASSWORD": r.Users[0].Password,
	} {
		ts.Setenv(key, value)
	}
	for _, a := range r.Apps {
		prefix := strings.ToUpper(string(a.Platform))
		if slices.ContainsFunc(a.AppRoles, func(role string) bool { return strings.HasSuffix(role, "/Mail.Send") }) {
			prefix = "GRAPHAPP"
		}
		ts.Setenv(prefix+"_ID", a.ClientID)
		ts.Setenv(prefix+"_SECRET", a.ClientSecret)
		ts.Setenv(prefix+"_REDIRECT", a.RedirectURL)
	}
	for _, u := range r.Users {
		name, _, _ := strings.Cut(u.Username, "@")
		ts.Setenv("PASSWORD_"+strings.ToUpper(name), u.Password)
		ts.Setenv("MFA_"+strings.ToUpper(name), u.MFACode)
	}
}

func addSetup(ts *testscript.TestScript, neg bool, args []string) {
	all := append([]string{"account", "add", args[0], "--authority-url", ts.Getenv("AUTHORITY"), "--graph-url", ts.Getenv("GRAPH"), "--exchange-url", ts.Getenv("GRAPH"),
		"--smtp-host", "localhost", "--smtp-port", ts.Getenv("SMTP_PORT"), "--ca-file", ts.Getenv("CA")}, args[1:]...)
	if err := ts.Exec("traymail", all...); (err != nil) != neg {
		ts.Fatalf("account add: %v", err)
	}
}

func addAccount(ts *testscript.TestScript, neg bool, args []string) {
	addSetup(ts, neg, append([]string{args[0], "--username", ts.Getenv("PERSON"), "--client-id", ts.Getenv("PUBLIC_ID"), "--tenant", ts.Getenv("TENANT")}, args[1:]...))
}

func theSandbox(ts *testscript.TestScript) *sandbox.Sandbox {
	s := *ts.Value(inHand{}).(**sandbox.Sandbox)
	if s == nil {
		ts.Fatalf("no sandbox was started")
	}
	return s
}

func checkInbox(ts *testscript.TestScript, neg bool, args []string) {
	if got := strconv.Itoa(len(theSandbox(ts).Tenant().Inbox())); (got == args[0]) == neg {
		ts.Fatalf("the inbox holds %s messages", got)
	}
}

func writeReceived(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	inbox := theSandbox(ts).Tenant().Inbox()
	if n < 1 || n > len(inbox) {
		ts.Fatalf("there is no message %d of %d", n, len(inbox))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), inbox[n-1].Data, 0o600))
}

func repeatUntil(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	var said string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		said = ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if err == nil && pattern.MatchString(said) != neg {
			return
		}
	}
	ts.Fatalf("never %s: %s", args[0], said)
}

// unpack puts the files of a zip into a folder.
func unpack(ts *testscript.TestScript, neg bool, args []string) {
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer z.Close()
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), z))
}

func checkSecretless(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		if holdsSecret([]byte(ts.ReadFile(file)), *ts.Value(inHand{}).(**sandbox.Sandbox)) {
			ts.Fatalf("%s holds a secret", file)
		}
	}
}

// findSecrets looks through a script's home folder after its end.
func findSecrets(e *testscript.Env, home string) {
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && holdsSecret(data, *e.Values[inHand{}].(**sandbox.Sandbox)) {
			return fmt.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		e.T().Fatal(err)
	}
}

// tokenForm is that of the sandbox's access tokens, refresh tokens and codes. A
// digit before the 1 makes it a moment of time, as a database keeps them. What a
// sign-in's address holds at random, such as its state, has 43 letters and may
// begin like a token, which is longer.
var tokenForm = regexp.MustCompile(`(eyJ|EwB)[A-Za-z0-9_-]{45}|(ya29\.|(?:^|[^0-9])1\.)[A-Za-z0-9_-]{20}|PRIVATE KEY`)

// holdsSecret looks for tokens, and for what the sandbox's people and apps keep
// secret.
func holdsSecret(data []byte, s *sandbox.Sandbox) bool {
	var marks []string
	if s != nil {
		for _, u := range s.Ready().Users {
			marks = append(marks, u.Password)
		}
		for _, a := range s.Ready().Apps {
			marks = append(marks, a.ClientSecret)
		}
	}
	for _, mark := range marks {
		if mark != "" && bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	return tokenForm.Match(data)
}
