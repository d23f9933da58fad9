package mailer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/natefinch/atomic"

	"traymail/internal/account"
)

// A refresh token ends when nobody uses it, so when that was last is kept, in a
// file, because programs of one home may take turns.
func (m *Mailer) tokenUseFile(a *account.Account) string {
	return filepath.Join(m.Home, "state", a.ID+".used")
}

// noteTokenUse notes that a's refresh token was new, or made a new one, at t. It
// writes at most once a day, and a failure is logged alone: it costs an alert.
func (m *Mailer) noteTokenUse(a *account.Account, t time.Time) {
	if was := m.tokenUse(a); !was.IsZero() && t.Sub(was) < 24*time.Hour && !t.Before(was) {
		return
	}
	file := m.tokenUseFile(a)
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = atomic.WriteFile(file, strings.NewReader(t.UTC().Format(time.RFC3339)+"\n"))
	}
	if err != nil {
		m.log().Warn("when the sign-in was last used cannot be noted", "account", a.Name, "error", err)
	}
}

// tokenUse is when a's refresh token was last used, to a day; zero when that is
// not known.
func (m *Mailer) tokenUse(a *account.Account) time.Time {
	b, err := os.ReadFile(m.tokenUseFile(a))
	if err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(b)))
	if err != nil || t.After(m.now()) { // the clock was ahead, so that nothing is known
		return time.Time{}
	}
	return t
}

// forgetTokenUse is for an account that is removed.
func (m *Mailer) forgetTokenUse(a *account.Account) error {
	if err := os.Remove(m.tokenUseFile(a)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

const (
	// idleRefresh is how long a sign-in is left unused while the program runs.
	idleRefresh = 7 * 24 * time.Hour
	// idleRetry is how long after a refresh that failed the next one is tried.
	idleRetry = time.Hour
)

// refreshIdle uses the sign-ins that nobody used for a week, so that they never
// end for that. One that turns out to have ended pauses its account, which is
// how everybody hears of it.
func (l *alerts) refreshIdle(ctx context.Context) {
	m := l.engine.mailer
	accounts, err := l.engine.accounts(ctx)
	if err != nil {
		return // check has logged it
	}
	for i := range accounts {
		name := accounts[i].Name
		a, err := m.Accounts().Load(name)
		if err != nil || !refreshes(a) || accounts[i].Cause != "" || m.now().Sub(m.tokenUse(a)) < idleRefresh || !l.mayRefresh(name) {
			continue
		}
		err = m.refresh(ctx, name)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			l.engine.log.Info("the sign-in was refreshed, because it was not used for a week", "account", name)
			l.kick(false)
			continue
		}
		l.engine.log.Warn("a sign-in that is not used cannot be refreshed", "account", name, "error", plain(err), "fix", Fix(about(a, err)))
		if t := troubleOf(err, a, ""); t.cause == CauseSignIn {
			if err := l.engine.queue.Pause(ctx, name, *l.engine.pause(name, t, about(a, err))); err != nil {
				l.engine.log.Error("an account that needs a sign-in is not paused", "account", name, "error", err)
			}
			l.engine.changed.beat()
			l.kick(false)
		}
	}
}

// mayRefresh reports whether a refresh is due, and counts it as tried. An account
// that nobody is signed in to has nothing to refresh.
func (l *alerts) mayRefresh(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.engine.mailer.now()
	if l.unsigned[name] || now.Sub(l.refreshed[name]).Abs() < idleRetry {
		return false
	}
	l.refreshed[name] = now
	return true
}

// refresh gets an access token, and with it a new refresh token.
func (m *Mailer) refresh(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	w, err := m.sender(ctx, name)
	if err != nil || w.auth == nil { // the account was changed meanwhile, and no person signs in
		return err
	}
	_, err = w.tokens.Token(ctx, resources(w.account)[0].Name)
	m.keepClaims(w.account, err)
	return err
}
