package mailer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/natefinch/atomic"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/checks"
)

// A keptRefusal is what the last sign-in of an account ended with, in a file: who
// asks may be another process. It holds the provider's words and no secret.
type keptRefusal struct {
	checks.SignInRefusal
	// Of is what the account was then: to another one it says nothing.
	Of refusedAccount `json:"of"`
}

type refusedAccount struct {
	Username, Tenant, ClientID, RedirectURL, Authority, Token string
	Registration                                              account.Registration
}

func refusedAs(a *account.Account) refusedAccount {
	return refusedAccount{a.Username, a.Tenant, a.ClientID, a.RedirectURL, a.AuthorityURL, a.TokenURL, a.Registration}
}

func (m *Mailer) refusalFile(a *account.Account) string {
	return filepath.Join(m.Home, "state", a.ID+".refused")
}

// keepRefusal notes why a sign-in ended, where the provider said so. What the
// network did is no word of the provider's, and what the browser alone showed
// nobody told. Failing to note it is no reason to hide the error.
func (m *Mailer) keepRefusal(a *account.Account, err error) {
	kept := keptRefusal{Of: refusedAs(a)}
	var oauth *authcode.Error
	var other *authcode.WrongAccountError
	switch {
	case errors.As(err, &other):
		kept.Finding, kept.SignedInAs = "other-account-signed-in", other.SignedInAs
	case errors.As(err, &oauth) && oauth.Code != "" && !oauth.Temporary():
		r, ok := refusalOf(err)
		if !ok {
			return
		}
		kept.Finding, kept.Words = r.ID, strings.Join(strings.Fields(oauth.Code+": "+oauth.Description), " ")
	default:
		return
	}
	kept.At = m.now()
	text, err := json.Marshal(kept)
	if err == nil && os.MkdirAll(filepath.Dir(m.refusalFile(a)), 0o700) == nil {
		_ = atomic.WriteFile(m.refusalFile(a), strings.NewReader(string(text)))
	}
}

// lastRefusal is what keepRefusal noted of the account as it is, nil for nothing.
func (m *Mailer) lastRefusal(a *account.Account) *checks.SignInRefusal {
	var kept keptRefusal
	text, err := os.ReadFile(m.refusalFile(a))
	if err != nil || json.Unmarshal(text, &kept) != nil || kept.Of != refusedAs(a) || m.now().Sub(kept.At) > refusalLasts {
		return nil
	}
	return &kept.SignInRefusal
}

// refusalLasts is how long a refused sign-in says something about the next one.
const refusalLasts = 30 * 24 * time.Hour

func (m *Mailer) forgetRefusal(a *account.Account) error {
	if err := os.Remove(m.refusalFile(a)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
