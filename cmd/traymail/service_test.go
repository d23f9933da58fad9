package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/service"
)

func TestAServiceIsRefusedAKeystoreThatItCouldNotOpen(t *testing.T) {
	given := service.Job{Credential: "key", CredentialFile: "/etc/key"}
	file := mailer.KeystoreSettings{Kind: "file", File: "secrets.age"}
	keyFile, credential := file, file
	keyFile.KeyFile, credential.Credential = "key", "key"
	keychain := mailer.KeystoreSettings{Kind: "keychain"}
	for _, c := range []struct {
		name     string
		keystore mailer.KeystoreSettings
		job      service.Job
		system   string
		key, fix string // empty: it can
	}{
		{"the machine's, keychain, Linux", keychain, service.Job{}, "linux", "kind", "credential"},
		{"one's own, keychain, Linux", keychain, service.Job{User: true}, "linux", "", ""},
		{"the machine's, keychain, Windows", keychain, service.Job{}, "windows", "", ""},
		{"passphrase", file, service.Job{}, "linux", "key_file", "key_file"},
		{"passphrase, one's own", file, service.Job{User: true}, "darwin", "key_file", "key_file"},
		{"key file", keyFile, service.Job{}, "linux", "", ""},
		{"credential, given", credential, given, "linux", "", ""},
		{"credential, not given", credential, service.Job{}, "linux", "credential", "--credential key=FILE"},
		{"credential, another given", credential, service.Job{Credential: "other", CredentialFile: "/etc/key"}, "linux", "credential", "--credential key=FILE"},
		{"credential that nothing asks for", keyFile, given, "linux", "--credential", `credential = "key"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := keyWithoutPerson(c.keystore, c.job, c.system)
			var field *account.FieldError
			if errors.As(err, &field) != (c.key != "") {
				t.Fatalf("%v", err)
			}
			if c.key != "" && (field.Key != c.key || !strings.Contains(mailer.Fix(err), c.fix)) {
				t.Errorf("%v; fix: %s", err, mailer.Fix(err))
			}
		})
	}
}

func TestServiceExplainsWhatItCannotDo(t *testing.T) {
	_, managed := service.Manager()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   string
		code   int
		anyway string // what it says, and
		inTurn string // where a service manager runs
	}{
		{"install --credential key", exitUsage, "--credential takes NAME=FILE", ""},
		{"install --bogus", exitUsage, "--bogus", ""},
		{"bogus", exitUsage, "bogus", ""},
		{"status more", exitUsage, "more", ""},
		{"install --name a/b", exitFailed, "", "--name"},
		{"install", exitFailed, "", "passphrase"},
		{"status --name a/b", exitFailed, "", "--name"},
		{"start --name traymail-test-none", exitFailed, "", "traymail-test-none"},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"traymail", "--home", home, "service"}, strings.Fields(c.args)...)
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		want := c.anyway
		if want == "" {
			if want = c.inTurn; managed != nil {
				want = service.ErrNoManager.Error()
			}
		}
		if code != c.code || !strings.Contains(stderr.String(), want) || stdout.Len() > 0 {
			t.Errorf("service %s: %d\n%s%s", c.args, code, &stdout, &stderr)
		}
	}
}
