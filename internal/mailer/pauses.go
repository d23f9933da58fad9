package mailer

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// userPauses are the pauses that persons made. What the queue is told follows from
// them: it knows one pause an account, which may be of another cause and then stays.
type userPauses struct {
	All *Pause `json:"all,omitempty"`
	// Except are accounts that go on while all the others are paused.
	Except   []string         `json:"except,omitempty"`
	Accounts map[string]Pause `json:"accounts,omitempty"`
}

func (p Pause) over(now time.Time) bool { return !p.Until.IsZero() && !p.Until.After(now) }

// of is the pause of one account, of those that there are the one that lasts
// longest; ofAll says that it is the one of all.
func (u *userPauses) of(name string, now time.Time) (p Pause, ofAll, paused bool) {
	p, paused = u.Accounts[name]
	paused = paused && !p.over(now)
	if u.All == nil || u.All.over(now) || slices.Contains(u.Except, name) {
		return p, false, paused
	}
	if paused && (p.Until.IsZero() || !u.All.Until.IsZero() && p.Until.After(u.All.Until)) {
		return p, false, true
	}
	return *u.All, true, true
}

// prune drops what is over, and reports whether there was anything.
func (u *userPauses) prune(now time.Time) bool {
	any := false
	if u.All != nil && u.All.over(now) {
		u.All, u.Except, any = nil, nil, true
	}
	for name, p := range u.Accounts {
		if p.over(now) {
			delete(u.Accounts, name)
			any = true
		}
	}
	return any
}

func (u *userPauses) clone() userPauses {
	c := userPauses{Except: slices.Clone(u.Except), Accounts: maps.Clone(u.Accounts)}
	if u.All != nil {
		all := *u.All
		c.All = &all
	}
	if c.Accounts == nil {
		c.Accounts = map[string]Pause{}
	}
	return c
}

// userPause is the pause that a person made of an account.
func (e *engine) userPause(name string) (p Pause, ofAll, paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.paused.of(name, e.mailer.now())
}

// allPaused is a person's pause of all accounts, nil when there is none.
func (e *engine) allPaused() *Pause {
	e.mu.Lock()
	defer e.mu.Unlock()
	if all := e.paused.All; all != nil && !all.over(e.mailer.now()) {
		p := *all
		return &p
	}
	return nil
}

// userReason is what the queue keeps, for other machines of the same queue too.
func userReason(p Pause, ofAll bool) string {
	if ofAll {
		return "a person paused all accounts"
	}
	return "a person paused it"
}

func (p Pause) forQueue(ofAll bool) queue.Pause {
	return queue.Pause{Cause: string(CauseUser), Reason: userReason(p, ofAll), Until: p.Until}
}

// fixOfUser says how to end a person's pause.
func fixOfUser(name string, p Pause, ofAll bool) string {
	command := "traymail resume " + name
	if ofAll {
		command = "traymail resume"
	}
	if p.Until.IsZero() {
		return "let it go on: " + command
	}
	return "it goes on by itself; let it go on now: " + command
}

// Pause begins a person's pause of an account, or of all with "", or changes the
// end of the one there is. It outlives a restart. The error matches
// account.ErrNotFound when there is no such account.
func (m *Mailer) Pause(ctx context.Context, name string, until time.Time) error {
	if !until.IsZero() && !until.After(m.now()) {
		return &account.FieldError{Key: "until", Text: until.Local().Format(time.DateTime) + " is over", Fix: "give a time to come, or none to pause until it is resumed"}
	}
	return m.changePauses(ctx, name, func(u *userPauses, now time.Time) {
		p := Pause{Since: now, Until: until}
		if name == "" {
			if u.All != nil {
				p.Since = u.All.Since
			}
			u.All, u.Except = &p, nil
			return
		}
		if was, paused := u.Accounts[name]; paused {
			p.Since = was.Since
		}
		u.Accounts[name] = p
		u.Except = slices.DeleteFunc(u.Except, func(n string) bool { return n == name })
	})
}

// Resume ends a person's pause of an account, also while all others stay paused;
// with "" it ends every pause that a person made. Pauses of other causes stay.
func (m *Mailer) Resume(ctx context.Context, name string) error {
	return m.changePauses(ctx, name, func(u *userPauses, _ time.Time) {
		if name == "" {
			*u = userPauses{}
			return
		}
		delete(u.Accounts, name)
		if u.All != nil && !slices.Contains(u.Except, name) {
			u.Except = append(u.Except, name)
		}
	})
}

// changePauses changes the pauses, in the file first, and has the queue go by
// them.
func (m *Mailer) changePauses(ctx context.Context, name string, change func(*userPauses, time.Time)) error {
	e, err := m.opened(ctx)
	if err != nil {
		return err
	}
	m.pausing.Lock()
	defer m.pausing.Unlock()
	accounts, err := e.queue.Accounts(ctx)
	if err != nil {
		return err
	}
	if name != "" && !slices.ContainsFunc(accounts, func(a queue.Account) bool { return a.Name == name }) {
		if _, err := m.Accounts().ID(name); err != nil {
			return err
		}
	}
	if err := e.editPauses(ctx, change); err != nil {
		return err
	}
	defer e.changed.beat()
	names, err := m.Accounts().Names()
	if err != nil {
		return err
	}
	known := map[string]queue.Account{}
	for _, n := range names {
		known[n] = queue.Account{Name: n}
	}
	for _, a := range accounts {
		known[a.Name] = a
	}
	var errs []error
	for _, a := range known {
		errs = append(errs, e.followPause(ctx, a))
	}
	return errors.Join(errs...)
}

// followPause has the queue go by a person's pause of an account. One of another
// cause stays until it ends. One that a person made, and that is none any more, is
// ended: it is the end of an attempt that began before.
func (e *engine) followPause(ctx context.Context, a queue.Account) error {
	p, ofAll, paused := e.userPause(a.Name)
	byUser := !a.Paused.IsZero() && Cause(a.Cause) == CauseUser
	switch {
	case paused && byUser && a.Until.Equal(p.Until.Truncate(time.Millisecond)), paused && !a.Paused.IsZero() && !byUser && !a.Here:
		return nil
	case paused:
		if byUser {
			// The queue does not shorten a pause by itself.
			if _, err := e.queue.ResumeIf(ctx, a.Name, string(CauseUser)); err != nil {
				return err
			}
		}
		return e.queue.Pause(ctx, a.Name, p.forQueue(ofAll))
	case byUser:
		_, err := e.queue.ResumeIf(ctx, a.Name, string(CauseUser))
		return err
	}
	return nil
}

// followPauses is followPause for all accounts, and drops what is over. The
// accounts were read before it is called: what another machine does meanwhile is
// then taken for too old, and seen at the next call, but never undone for long.
func (e *engine) followPauses(ctx context.Context, accounts []queue.Account) {
	m := e.mailer
	m.pausing.Lock()
	defer m.pausing.Unlock()
	if err := e.rereadPauses(ctx); err != nil {
		if ctx.Err() == nil {
			e.log.Error("what persons pause on other machines is not known", "error", err)
		}
		return
	}
	for _, a := range accounts {
		if err := e.followPause(ctx, a); err != nil && ctx.Err() == nil {
			e.log.Error("an account that a person paused may go on", "account", a.Name, "error", err)
		}
	}
}

// forgetPause drops the pause of an account that was removed: another one of its
// name is not paused.
// Other machines that share the queue may still have it.
func (m *Mailer) forgetPause(ctx context.Context, name string) error {
	e := m.running()
	if e != nil && e.sharesPauses() {
		return nil
	}
	if e == nil {
		if _, err := os.Stat(m.pausesFile()); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	} else {
		e.mu.Lock()
		_, paused := e.paused.Accounts[name]
		paused = paused || slices.Contains(e.paused.Except, name)
		e.mu.Unlock()
		if !paused {
			return nil
		}
	}
	return m.changePauses(ctx, "", func(u *userPauses, _ time.Time) {
		delete(u.Accounts, name)
		u.Except = slices.DeleteFunc(u.Except, func(n string) bool { return n == name })
	})
}
