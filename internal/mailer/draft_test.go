package mailer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/keystore"
)

// A webDraft is one of an app with a client secret.
func webDraft() setup.Draft {
	a := account.New("work")
	a.Username, a.Tenant, a.ClientID = "svc@contoso.com", "contoso.com", "11111111-2222-3333-4444-555555555555"
	a.Registration, a.RedirectURL = account.Web, account.WebRedirectURL
	return setup.Draft{Step: setup.StepRegistration, Method: "m365-browser", Account: *a, Ticks: map[string]bool{"register": true}}
}

func TestADraftIsKeptWithItsSecretInTheKeystoreAlone(t *testing.T) {
	m := settingsHome(t, "")
	ctx := t.Context()
	if d, err := m.Draft(ctx); err != nil || !d.Empty() {
		t.Errorf("%+v, %v", d, err)
	}
	d := webDraft()
	if err := m.SaveDraft(ctx, d, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Draft(ctx); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, secret := range []Secret{"first~secret", "", "sec0nd~secret", ""} {
		d.Step = setup.StepSignIn
		if err := m.SaveDraft(ctx, d, secret); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.Draft(ctx)
	if err != nil || !got.HasSecret || got.Step != setup.StepSignIn {
		t.Errorf("%+v, %v", got, err)
	}
	text, err := os.ReadFile(m.draftFile())
	if err != nil || strings.Contains(string(text), "~secret") {
		t.Errorf("%v: %s", err, text)
	}
	if info, err := os.Stat(m.draftFile()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	kept, err := m.readDraft()
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := m.Secrets.Get(ctx, kept.Secret); err != nil || secret.Reveal() != "sec0nd~secret" {
		t.Errorf("the secret that is kept is another, %v", err)
	}
	if err := m.DropDraft(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Secrets.Get(ctx, kept.Secret); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("its secret is still there: %v", err)
	}
	if d, err := m.Draft(ctx); err != nil || !d.Empty() {
		t.Errorf("dropped, it is %+v, %v", d, err)
	}
	if err := m.DropDraft(ctx); err != nil {
		t.Error(err)
	}
}

func TestTheDraftsAccountTakesItsSecretOver(t *testing.T) {
	m := settingsHome(t, "")
	ctx := t.Context()
	d := webDraft()
	if err := m.SaveDraft(ctx, d, "the~secret"); err != nil {
		t.Fatal(err)
	}
	kept, err := m.readDraft()
	if err != nil {
		t.Fatal(err)
	}
	other := webDraft().Account
	other.Name = "other"
	if err := m.Save(ctx, other, ""); err == nil {
		t.Error("another account took the secret")
	}
	if err := m.Save(ctx, d.Account, ""); err != nil {
		t.Fatal(err)
	}
	if _, s, err := m.Account(ctx, "work"); err != nil || !s.ClientSecret {
		t.Errorf("%+v, %v", s, err)
	}
	if secret, err := m.Secrets.Get(ctx, clientSecretName(&d.Account)); err != nil || secret.Reveal() != "the~secret" {
		t.Errorf("it has another one, %v", err)
	}
	if _, err := m.Secrets.Get(ctx, kept.Secret); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("the draft still keeps it: %v", err)
	}
	if got, err := m.Draft(ctx); err != nil || got.HasSecret || got.Empty() {
		t.Errorf("%+v, %v", got, err)
	}
	if err := m.Save(ctx, d.Account, ""); err != nil { // and again, with the one it has
		t.Error(err)
	}
	// What cannot be saved leaves the draft its secret.
	if err := m.SaveDraft(ctx, d, "an0ther~secret"); err != nil {
		t.Fatal(err)
	}
	wrong := d.Account
	wrong.SMTPPort = -1
	if err := m.Save(ctx, wrong, ""); err == nil {
		t.Error("it was saved")
	}
	if got, err := m.Draft(ctx); err != nil || !got.HasSecret {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestADraftThatCannotBeReadCanBeReplacedAndDropped(t *testing.T) {
	m := settingsHome(t, "")
	broken := func() {
		if err := os.MkdirAll(filepath.Dir(m.draftFile()), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.draftFile(), []byte("{\"step\": "), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broken()
	if _, err := m.Draft(t.Context()); err == nil || !strings.Contains(err.Error(), "begin a new one") {
		t.Errorf("%v", err)
	}
	if err := m.DropDraft(t.Context()); err != nil {
		t.Error(err)
	}
	broken()
	if err := m.SaveDraft(t.Context(), webDraft(), "x"); err != nil {
		t.Error(err)
	}
	if d, err := m.Draft(t.Context()); err != nil || !d.HasSecret {
		t.Errorf("%+v, %v", d, err)
	}
}

// A lockedKeystore waits for a person who does not come.
type lockedKeystore struct{ keystore.Store }

func (lockedKeystore) Set(ctx context.Context, _ string, _ Secret) error {
	<-ctx.Done()
	return keystore.ErrUnavailable
}

func TestADraftWhoseSecretCannotBeKeptIsAsItWas(t *testing.T) {
	m := settingsHome(t, "")
	before := webDraft()
	if err := m.SaveDraft(t.Context(), before, ""); err != nil {
		t.Fatal(err)
	}
	m.Secrets = lockedKeystore{m.Secrets}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	after := before
	after.Step = setup.StepChecks
	if err := m.SaveDraft(ctx, after, "the~secret"); err == nil {
		t.Error("it was kept")
	}
	if got, err := m.Draft(t.Context()); err != nil || !reflect.DeepEqual(got, before) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := m.SaveDraft(t.Context(), after, ""); err != nil { // what needs no keystore goes on
		t.Error(err)
	}
}
