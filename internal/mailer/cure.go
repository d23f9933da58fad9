package mailer

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// A cure ends the pauses that the program itself began: it tries, without any
// message, whether the account could send, and lets it go on when it can.
// Pauses that have an end of their own are the queue's, and those that a person
// made are the person's.
type cure struct {
	engine *engine
	now    chan struct{} // a reason to look at once

	told map[string]string // by account, the cause that the log has; only run uses it

	mu     sync.Mutex
	kicked bool              // pauses with an end are to be ended too, at the next look
	cases  map[string]*case_ // by account
}

// A case_ is one account's trouble.
type case_ struct {
	err   error     // what was met last, for its fix
	next  time.Time // when to try again
	tries int
	busy  bool
}

func newCure(e *engine) *cure {
	return &cure{engine: e, now: make(chan struct{}, 1), told: map[string]string{}, cases: map[string]*case_{}}
}

// round is how often the cure looks for accounts that are due.
const round = 5 * time.Second

// tryAfter is how long after the nth try the next follows, by cause: what costs
// nobody anything is tried often, what a server or a person might mind is not.
func tryAfter(c Cause, n int) time.Duration {
	first, last := round, time.Minute
	switch c {
	case CauseKeystore: // it may ask a person each time
		first, last = 30*time.Second, 5*time.Minute
	case CauseProvider: // servers count failed sign-ins
		first, last = time.Minute, 5*time.Minute
	}
	return min(first<<min(n, 10), last)
}

// noted remembers what an account has met.
func (c *cure) noted(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cases[name] == nil {
		c.cases[name] = &case_{next: c.engine.mailer.now().Add(round)}
	}
	c.cases[name].err = err
}

// fixOf says what to do about an account's pause: by the error that was met, or,
// when another process met it, by what is recorded of it.
func (e *engine) fixOf(a queue.Account) string {
	e.cure.mu.Lock()
	if k := e.cure.cases[a.Name]; k != nil && k.err != nil {
		defer e.cure.mu.Unlock()
		return Fix(k.err)
	}
	e.cure.mu.Unlock()
	file, err := e.mailer.Accounts().Load(a.Name)
	if err != nil {
		file = &account.Account{Name: a.Name}
	}
	return cmp.Or(fixOfReply(file, "", a.Reason), Cause(a.Cause).fix(file))
}

// fix is what to do about a cause of which no more is known.
func (c Cause) fix(a *account.Account) string {
	switch c {
	case CauseSignIn:
		return signInAgain(a.Name)
	case CauseSettings:
		return "see what is wrong with the account: traymail check " + a.Name
	case CauseProvider:
		return "an administrator looks at " + a.Username + " and the refusal's text; traymail check " + a.Name + " tells what is wrong"
	case CauseKeystore:
		return "unlock the keychain, or make the encrypted file's key available"
	case CauseUser:
		return "let it go on: traymail resume " + a.Name
	case CauseQuota:
		return "wait, or raise recipients_per_day if the provider allows more: traymail account edit " + a.Name + " --recipients-per-day N"
	}
	return ""
}

// kick has every account tried at once, because something was changed.
func (c *cure) kick() {
	c.mu.Lock()
	c.kicked = true
	for _, k := range c.cases {
		k.next, k.tries = time.Time{}, 0
	}
	c.mu.Unlock()
	select {
	case c.now <- struct{}{}:
	default: // one is on its way
	}
}

// run tries until ctx ends, and waits for the tries under way.
func (c *cure) run(ctx context.Context) {
	var tries sync.WaitGroup
	defer tries.Wait()
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	for {
		accounts, err := c.engine.queue.Accounts(ctx)
		if err != nil && ctx.Err() == nil {
			c.engine.log.Error("looking for accounts that are paused", "error", err)
		}
		c.tell(accounts)
		c.engine.followPauses(ctx, accounts)
		kicked := c.wasKicked()
		for _, a := range accounts {
			switch {
			case a.Paused.IsZero() || a.Cause == "" || Cause(a.Cause) == CauseUser:
				c.forget(a)
			case !a.Until.IsZero():
				if kicked { // the next message is the test
					c.goOn(ctx, a)
				}
			case c.take(a.Name):
				tries.Go(func() { c.try(ctx, a) })
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.now:
		}
	}
}

// forget drops the case of an account that is well.
func (c *cure) forget(a queue.Account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Paused.IsZero() && c.cases[a.Name] != nil && !c.cases[a.Name].busy {
		delete(c.cases, a.Name)
	}
}

// take reports whether an account is due, and makes it busy.
func (c *cure) take(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.cases[name]
	if k == nil { // it was paused before the program started
		k = &case_{}
		c.cases[name] = k
	}
	if k.busy || c.engine.mailer.now().Before(k.next) {
		return false
	}
	k.busy = true
	return true
}

func (c *cure) try(ctx context.Context, a queue.Account) {
	e := c.engine
	err := e.mailer.ready(ctx, a.Name)
	if ctx.Err() != nil {
		return
	}
	cause := Cause(a.Cause)
	if err == nil {
		c.goOn(ctx, a)
	} else if t := e.troubleNow(a.Name, err); t.cause != "" && (t.cause != cause || plain(err) != a.Reason) {
		cause = t.cause
		if err := e.queue.Pause(ctx, a.Name, *e.pause(a.Name, t, err)); err != nil {
			e.log.Error("an account's reason to be paused is not updated", "account", a.Name, "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.cases[a.Name]
	k.err = err
	k.busy = false
	k.next = e.mailer.now().Add(tryAfter(cause, k.tries))
	k.tries++
}

// troubleNow is troubleOf for an account that was tried without a message.
func (e *engine) troubleNow(name string, err error) trouble {
	a, notLoaded := e.mailer.Accounts().Load(name)
	if notLoaded != nil {
		return troubleOf(err, nil, "")
	}
	return troubleOf(err, a, a.Sender)
}

// goOn ends an account's pause, unless it has another one by now.
func (c *cure) goOn(ctx context.Context, a queue.Account) {
	e := c.engine
	e.mailer.pausing.Lock()
	defer e.mailer.pausing.Unlock()
	lifted, err := e.queue.ResumeIf(ctx, a.Name, a.Cause)
	if err == nil && lifted {
		err = e.followPause(ctx, queue.Account{Name: a.Name})
	}
	if err != nil {
		e.log.Error("an account that could go on is still paused, or one that a person paused goes on", "account", a.Name, "error", err)
	}
}

// tell logs which accounts began to wait since the last look, and which go on.
func (c *cure) tell(accounts []queue.Account) {
	for _, a := range accounts {
		cause := ""
		if !a.Paused.IsZero() {
			cause = cmp.Or(a.Cause, "somebody")
		}
		switch was := c.told[a.Name]; {
		case cause == was:
			continue
		case cause != "":
			log := c.engine.log.With("account", a.Name, "cause", cause, "reason", a.Reason, "fix", c.engine.fixOf(a))
			if !a.Until.IsZero() {
				log = log.With("until", a.Until)
			}
			level := slog.LevelWarn
			if Cause(cause) == CauseUser {
				level = slog.LevelInfo
			}
			log.Log(context.Background(), level, "the account waits")
		default:
			c.engine.log.Info("the account goes on", "account", a.Name, "was", was)
		}
		c.told[a.Name] = cause
		c.engine.alerts.kick(false)
	}
}

func (c *cure) wasKicked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.kicked
	c.kicked = false
	return was
}

// readyTimeout bounds one try.
const readyTimeout = 2 * time.Minute

// ready reports why an account could not send now: it signs in to the server,
// and sends nothing.
func (m *Mailer) ready(ctx context.Context, name string) error {
	_, err := m.Validate(ctx, name)
	return err
}
