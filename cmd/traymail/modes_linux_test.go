package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/mailer"
)

// TestEveryFileAndSocketIsItsOwnersAlone runs the program through what makes
// files, for a user who asks for the loosest permissions and for one who asks for
// the usual ones, and looks at each file, folder and socket.
func TestEveryFileAndSocketIsItsOwnersAlone(t *testing.T) {
	for _, umask := range []string{"000", "022"} {
		t.Run("umask "+umask, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.signIn()
			certificate, out := filepath.Join(b.home, "ca.pem"), t.TempDir()
			// A home that the program has made itself, and nobody before it.
			made, err := os.MkdirTemp("", "traymail")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(made) })
			secrets := b.home
			b.home = filepath.Join(made, "home")
			command := func(stdin string, args ...string) *exec.Cmd {
				cmd := exec.Command("sh", append([]string{"-c", `umask "$1"; shift; exec traymail "$@"`, "sh", umask, "--home", b.home}, args...)...)
				cmd.Stdin = strings.NewReader(stdin)
				return cmd
			}
			does := func(stdin string, args ...string) {
				t.Helper()
				if all, err := command(stdin, args...).CombinedOutput(); err != nil {
					t.Fatalf("traymail %s: %v: %s", strings.Join(args, " "), err, all)
				}
			}
			if err := os.Mkdir(b.home, 0o700); err != nil {
				t.Fatal(err)
			}
			settings := strings.Replace(takesEverything, "[[listener]]", "[log]\nfile = \"log/traymail.log\"\nmax_size_mb = 1\n[[listener]]\nname = \"tls\"\naddress = \"127.0.0.2:0\"\ntls = \"starttls\"\nnetworks = [\"127.0.0.0/8\"]\n[[listener]]", 1)
			for name, text := range map[string][]byte{"traymail.toml": []byte(settings), "ca.pem": nil} {
				if name == "ca.pem" {
					if text, err = os.ReadFile(certificate); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(filepath.Join(b.home, name), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(b.home, "drop"), 0o700); err != nil {
				t.Fatal(err)
			}
			r := b.ready
			does("", "account", "add", "demo", "--username", r.Users[0].Username, "--client-id", r.Apps[0].ClientID, "--tenant", r.TenantID, "--authority-url", r.Authority, "--graph-url", r.GraphURL,
				"--exchange-url", r.ExchangeURL, "--smtp-host", r.SMTPHost, "--smtp-port", fmt.Sprint(r.SMTPPort), "--ca-file", certificate)
			for _, app := range r.Apps {
				if app.Platform == "application" {
					does(app.ClientSecret, "account", "add", "app", "--no-validate", "--sign-in", "app-only", "--sender", "ops@contoso.com", "--client-id", app.ClientID, "--tenant", r.TenantID, "--secret-stdin",
						"--authority-url", r.Authority, "--smtp-host", r.SMTPHost, "--smtp-port", fmt.Sprint(r.SMTPPort), "--ca-file", certificate)
					break
				}
			}
			login := command("", "login", "demo")
			password := filepath.Join(secrets, "password")
			if err := os.WriteFile(password, []byte(r.Users[0].Password), 0o600); err != nil {
				t.Fatal(err)
			}
			login.Env = append(os.Environ(), "CA="+certificate, "PERSON="+r.Users[0].Username, "PASSWORD_FILE="+password)
			if all, err := login.CombinedOutput(); err != nil {
				t.Fatalf("login: %v: %s", err, all)
			}
			does("", "client", "add", "scanner")
			does(string(letter("one@contoso.com", 100)), "send", "ops@contoso.com")

			serve := command("", "serve")
			var said bytes.Buffer
			serve.Stderr = &said
			if err := serve.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { serve.Process.Kill(); serve.Wait() })
			var status mailer.Status
			for deadline := time.Now().Add(time.Minute); len(status.Listeners) < 2; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the program does not listen")
				}
				if text, code := b.run(nil, io.Discard, "status", "--json"); code == exitDone {
					if err := json.Unmarshal([]byte(text), &status); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, l := range status.Listeners {
				if l.TLS == "none" {
					if err := smtp.SendMail(l.Address, nil, "svc@contoso.com", []string{"ops@contoso.com"}, letter("two@contoso.com", 600<<10)); err != nil {
						t.Error(err)
					}
				}
			}
			// One that is refused, with the reason beside it.
			if err := os.WriteFile(filepath.Join(b.home, "drop", "a.eml"), []byte("no recipient\r\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			does("", "pause", "app")
			does("", "test", "demo", "--to", "ops@contoso.com", "--wire-log", filepath.Join(out, "wire"))
			does("", "diagnostics", filepath.Join(out, "report.zip"))
			does("", "reload")
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(b.home, "drop", "a.eml.refused")); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the file is not refused")
				}
			}
			seen := open(t, b.home, out)
			if err := serve.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			serve.Wait()
			open(t, b.home, out)
			for _, name := range []string{"accounts", "accounts/demo.toml", "clients/scanner.toml", "drop/a.eml.error.txt", "key", "log/traymail.log", "secrets.age", "state", "state/control.sock", "state/queue.db", "state/queue.db-wal", "state/pauses.json", "report.zip", "wire"} {
				if !slices.Contains(seen, name) {
					t.Errorf("%s was not seen, of %q", name, seen)
				}
			}
		})
	}
}

// open fails for what in folders is open to others, and returns what was seen.
func open(t *testing.T, roots ...string) (seen []string) {
	t.Helper()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			info, err := os.Lstat(path)
			if err != nil || info.Mode().Type() == fs.ModeSymlink {
				if errors.Is(err, fs.ErrNotExist) {
					err = nil // it was there for a moment
				}
				return err
			}
			rel, err := filepath.Rel(root, path)
			seen = append(seen, filepath.ToSlash(rel))
			if path != root && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is open to others: %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	return seen
}
