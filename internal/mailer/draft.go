package mailer

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/natefinch/atomic"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/keystore"
)

// A keptDraft is an unfinished setup in its file, which holds no secret.
type keptDraft struct {
	setup.Draft
	// Secret names the draft's secret in the keystore; "" is none. It is made for
	// each draft, so that two homes on one keychain never share one.
	Secret string `json:"secret,omitempty"`
}

// draftSlot is the place of the draft among the accounts: whoever changes it may
// have to wait for a person who unlocks the keystore. No account has that name.
const draftSlot = "unfinished setup"

func (m *Mailer) draftFile() string { return filepath.Join(m.Home, "state", "draft.json") }

// Draft returns the unfinished setup, the zero one when there is none.
func (m *Mailer) Draft(context.Context) (setup.Draft, error) {
	kept, err := m.readDraft()
	return kept.Draft, err
}

func (m *Mailer) readDraft() (keptDraft, error) {
	var kept keptDraft
	b, err := os.ReadFile(m.draftFile())
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil {
		return keptDraft{}, fmt.Errorf("the unfinished setup cannot be read: %w; begin a new one, which drops it", err)
	}
	kept.HasSecret = kept.Secret != ""
	return kept, nil
}

// SaveDraft keeps an unfinished setup in place of the one there was. The secret
// goes to the keystore; an empty one leaves the one that is kept. d.HasSecret has
// no meaning. When it returns an error nothing has changed.
func (m *Mailer) SaveDraft(ctx context.Context, d setup.Draft, secret Secret) error {
	place := m.slot(draftSlot)
	if err := place.lock(ctx); err != nil {
		return err
	}
	defer place.unlock()
	was, err := m.readDraft()
	if err != nil {
		was = keptDraft{} // it was no use to anybody, and this one is
	}
	kept := keptDraft{Draft: d, Secret: was.Secret}
	undo := func() error { return nil }
	if secret != "" {
		if kept.Secret == "" {
			kept.Secret = "draft-" + strings.ToLower(rand.Text()) + "/secret"
		}
		if undo, err = m.replaceSecret(ctx, kept.Secret, secret); err != nil {
			return err
		}
	}
	if err := m.writeDraft(kept); err != nil {
		return errors.Join(err, undo())
	}
	return nil
}

func (m *Mailer) writeDraft(kept keptDraft) error {
	kept.HasSecret = kept.Secret != ""
	b, err := json.MarshalIndent(kept, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(m.draftFile()), 0o700)
	}
	if err == nil {
		err = atomic.WriteFile(m.draftFile(), bytes.NewReader(append(b, '\n')))
	}
	if err != nil {
		return fmt.Errorf("the unfinished setup is not kept: %w", err)
	}
	return nil
}

// DropDraft forgets the unfinished setup with its secret. There need not be one.
func (m *Mailer) DropDraft(ctx context.Context) error {
	place := m.slot(draftSlot)
	if err := place.lock(ctx); err != nil {
		return err
	}
	defer place.unlock()
	// One that cannot be read names no secret.
	if kept, err := m.readDraft(); err == nil && kept.Secret != "" {
		if err := m.Secrets.Delete(ctx, kept.Secret); err != nil {
			return fmt.Errorf("the unfinished setup stays: %w", err)
		}
	}
	if err := os.Remove(m.draftFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// drafted reports whether the draft keeps a secret for this account, whose
// settings ask for one. An account does not wait for a draft that cannot be read.
func (m *Mailer) drafted(a *account.Account) bool {
	kept, err := m.readDraft()
	return err == nil && kept.Secret != "" && a.ID != "" && kept.Account.ID == a.ID && credentialOf(a).name != ""
}

// saveDrafted is save of the draft's account with the secret that the draft
// keeps, which is kept there no longer.
func (m *Mailer) saveDrafted(ctx context.Context, a account.Account) error {
	place := m.slot(draftSlot)
	if err := place.lock(ctx); err != nil {
		return err
	}
	defer place.unlock()
	kept, err := m.readDraft()
	if err != nil {
		return err
	}
	secret := Secret("")
	if kept.Secret != "" {
		if secret, err = m.Secrets.Get(ctx, kept.Secret); err != nil && !errors.Is(err, keystore.ErrNotFound) {
			return err
		}
	}
	if err := m.save(ctx, a, secret); err != nil {
		return err
	}
	m.settleDraft(ctx)
	return nil
}

// settleDraft removes the secret of the draft, which the account has now.
func (m *Mailer) settleDraft(ctx context.Context) {
	kept, err := m.readDraft()
	if err == nil && kept.Secret != "" {
		if err = m.Secrets.Delete(ctx, kept.Secret); err == nil {
			kept.Secret = ""
			err = m.writeDraft(kept)
		}
	}
	if err != nil {
		m.log().Warn("the secret of an unfinished setup is kept beside the account's", "error", err)
	}
}
