package mailer

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"

	"traymail/internal/account"
)

func TestAClientsPasswordIsToldOnceAndItsHashNever(t *testing.T) {
	b := newBench(t, "")
	var log strings.Builder
	b.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.start()
	ctx := t.Context()
	hash := func() string {
		c, err := b.ClientFiles().Load("scanner")
		if err != nil {
			t.Fatal(err)
		}
		return c.PasswordHash
	}
	first, err := b.SaveClient(ctx, Client{Name: "scanner", AllowedSenders: []string{"@contoso.com"}, PasswordHash: "ignored"}, NewPassword)
	if err != nil || first == "" || hash() == "" {
		t.Fatalf("%v", err)
	}
	one := hash()
	kept, err := b.SaveClient(ctx, Client{Name: "scanner", PerMinute: 5}, KeepPassword)
	if err != nil || kept != "" || hash() != one {
		t.Errorf("kept: %v", err)
	}
	second, err := b.SaveClient(ctx, Client{Name: "scanner", PerMinute: 5}, NewPassword)
	if err != nil || second == "" || second == first || hash() == one {
		t.Errorf("renewed: %v", err)
	}
	all, err := b.Clients(ctx)
	if err != nil || len(all) != 1 || all[0].PasswordHash != "" || !all[0].HasPassword || all[0].PerMinute != 5 || all[0].AllowedSenders != nil {
		t.Errorf("%+v, %v", all, err)
	}
	text, err := json.Marshal(all)
	if err != nil || strings.Contains(string(text), "argon2") {
		t.Errorf("%s, %v", text, err)
	}
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}
	if none, err := b.SaveClient(ctx, Client{Name: "scanner", Networks: network}, NoPassword); err != nil || none != "" || hash() != "" {
		t.Errorf("without: %v", err)
	}
	if err := b.RemoveClient(ctx, "scanner"); err != nil {
		t.Error(err)
	}
	if err := b.RemoveClient(ctx, "scanner"); !errors.Is(err, ErrNoClient) {
		t.Errorf("removed twice: %v", err)
	}
	if err := b.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Secret{first, second} {
		if strings.Contains(log.String(), p.Reveal()) {
			t.Error("a password is in the log")
		}
	}
}

func TestAClientThatCannotBeUsedIsNotSaved(t *testing.T) {
	b := newBench(t, "")
	b.settings("")
	for name, c := range map[string]struct {
		client Client
		how    ClientPassword
		key    string
	}{
		"neither password nor network": {Client{Name: "scanner"}, KeepPassword, "password_hash"},
		"no such way":                  {Client{Name: "scanner"}, "maybe", "password"},
		"no name":                      {Client{Name: "Scan ner"}, NewPassword, "name"},
		"no such account":              {Client{Name: "scanner", Account: "other"}, NewPassword, "account"},
		"a sender that is none":        {Client{Name: "scanner", AllowedSenders: []string{"contoso"}}, NewPassword, ""},
		"everybody":                    {Client{Name: "scanner", Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, NewPassword, "networks"},
	} {
		t.Run(name, func(t *testing.T) {
			password, err := b.SaveClient(t.Context(), c.client, c.how)
			var field *account.FieldError
			if !errors.As(err, &field) || field.Key != c.key || field.Fix == "" || password != "" {
				t.Errorf("%v", err)
			}
			if strings.Contains(Fix(err), settingsFile) {
				t.Errorf("who changes it here is sent to a file: %s", Fix(err))
			}
			if all, err := b.ClientFiles().Names(); err != nil || len(all) != 0 {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
}

func TestWhoWroteAFileByHandIsToldToCorrectTheFile(t *testing.T) {
	b := newBench(t, "")
	b.settings("[[listener]]\nname = \"devices\"\naddress = \"0.0.0.0:2525\"\n")
	if err := b.Start(t.Context()); err == nil || !strings.Contains(Fix(err), "correct it in "+settingsFile) {
		t.Errorf("%v: %s", err, Fix(err))
	}
}

func TestAnAccountTravelsWithoutItsSecretsAndUnderANameOfItsOwn(t *testing.T) {
	b := newBench(t, "")
	b.signIn()
	ctx := t.Context()
	data, err := b.Export(ctx, "main")
	if err != nil || strings.Contains(string(data), b.account.ID) {
		t.Fatalf("%s, %v", data, err)
	}
	var field *account.FieldError
	if _, err := b.Import(ctx, data, ""); !errors.As(err, &field) || field.Key != "name" {
		t.Errorf("its name is taken: %v", err)
	}
	a, err := b.Import(ctx, data, "copy")
	if err != nil || a.Name != "copy" || a.ID == b.account.ID || a.Username != b.account.Username {
		t.Errorf("%+v, %v", a, err)
	}
	if _, s, err := b.Account(ctx, "copy"); err != nil || s.SignedIn {
		t.Errorf("%+v, %v", s, err)
	}
	for text, data := range map[string]string{"nothing": "", "two": string(data) + string(data), "a secret": "[[account]]\nname = \"x\"\nclient_secret = \"hunter2\"\n"} {
		if _, err := b.Import(ctx, []byte(data), "x"); !errors.As(err, &field) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := b.Export(ctx, "none"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(string(b.Accounts()) + "/x.toml"); err == nil {
		t.Error("something was added")
	}
}
