package mailer

import (
	"context"
	"strings"
	"sync"
	"time"

	"traymail/internal/account"
)

// alerts looks for what will break, tells of it in status, log and mail, and
// uses sign-ins that nobody does. Its methods are safe for concurrent use.
type alerts struct {
	engine    *engine
	now       chan struct{} // a reason to look at once
	refusals  refusalCounts
	mailboxes mailboxRefusals

	checking sync.Mutex          // held by check
	told     map[string]Severity // by account and ID, what the log has; only check uses it
	looked   map[string]time.Time
	stranded map[string]bool // by account, that its notices wait is logged; only check uses it

	mu        sync.Mutex
	anew      bool                 // the keystore is to be asked at the next check
	unsigned  map[string]bool      // by account
	refreshed map[string]time.Time // by account, when an unused sign-in was tried
	memory    alertMemory
}

const (
	// alertRound is how often is looked without a reason.
	alertRound = 2 * time.Minute
	// keystoreRound is how often the keystore is asked whether a sign-in is there.
	keystoreRound = time.Hour
	// keystoreTimeout is how long it may take: it may wait for a person.
	keystoreTimeout = 10 * time.Second
)

func newAlerts(e *engine) *alerts {
	l := &alerts{engine: e, now: make(chan struct{}, 1), told: map[string]Severity{}, looked: map[string]time.Time{}, stranded: map[string]bool{},
		unsigned: map[string]bool{}, refreshed: map[string]time.Time{}}
	l.memory = e.mailer.readAlertMemory(e.log)
	return l
}

// kick has everything looked at soon, because something was changed; with anew
// the keystore is asked too.
func (l *alerts) kick(anew bool) {
	l.mu.Lock()
	l.anew = l.anew || anew
	l.mu.Unlock()
	select {
	case l.now <- struct{}{}:
	default: // one is on its way
	}
}

// run looks until ctx ends.
func (l *alerts) run(ctx context.Context) {
	var idle sync.WaitGroup // a refresh may take minutes
	defer idle.Wait()
	turn := make(chan struct{}, 1)
	ticker := time.NewTicker(alertRound)
	defer ticker.Stop()
	for {
		l.check(ctx)
		select {
		case turn <- struct{}{}:
			idle.Go(func() {
				defer func() { <-turn }()
				l.refreshIdle(ctx)
			})
		default: // the last one is still under way
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-l.now:
		}
	}
}

// check looks at every account once, and tells what is new.
func (l *alerts) check(ctx context.Context) {
	l.checking.Lock()
	defer l.checking.Unlock()
	l.mu.Lock()
	anew := l.anew
	l.anew = false
	l.mu.Unlock()
	accounts, err := l.engine.accounts(ctx)
	if err == nil {
		for i := range accounts {
			l.refusals.judge(accounts[i].Name, l.engine.mailer.now())
			l.look(ctx, &accounts[i], anew)
		}
		accounts, err = l.engine.accounts(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			l.engine.log.Error("looking for what will break", "error", err)
		}
		return
	}
	names := map[string]bool{}
	for i := range accounts {
		names[accounts[i].Name] = true
		l.remember(&accounts[i])
	}
	l.forget(names)
	// What was remembered says since when, and so whether it is an alert by now.
	for i := range accounts {
		accounts[i].Alerts = l.of(&accounts[i], l.file(accounts[i].Name))
	}
	if l.tell(accounts) {
		l.engine.changed.beat()
	}
	// Since when it is so names the mail, and must outlast a crash in between.
	l.engine.mailer.keepAlertMemory(l)
	l.mailAll(ctx, accounts)
	l.engine.mailer.keepAlertMemory(l)
}

// look finds out whether an account has a refresh token. One that cannot be
// asked for is as it was.
func (l *alerts) look(ctx context.Context, s *AccountStatus, anew bool) {
	now := l.engine.mailer.now()
	a := l.file(s.Name)
	l.mu.Lock()
	anew = anew || l.unsigned[s.Name] // whoever signs in should not wait for an hour
	l.mu.Unlock()
	if a == nil || a.SignIn != account.BrowserSignIn || s.Cause == CauseKeystore || !anew && now.Sub(l.looked[s.Name]).Abs() < keystoreRound {
		return
	}
	l.looked[s.Name] = now
	ctx, cancel := context.WithTimeout(ctx, keystoreTimeout)
	defer cancel()
	signedIn, err := l.engine.mailer.has(ctx, refreshTokenName(a))
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsigned[s.Name] = !signedIn
}

// isUnsigned reports whether nobody is signed in to an account, as far as is known.
func (l *alerts) isUnsigned(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unsigned[name]
}

// signedIn notes that somebody has just signed in.
func (l *alerts) signedIn(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.unsigned, name)
}

// file is an account's, nil when it cannot be read.
func (l *alerts) file(name string) *account.Account {
	a, err := l.engine.mailer.Accounts().Load(name)
	if err != nil {
		return nil
	}
	return a
}

// findings are an account's, with since when each is so.
func (l *alerts) findings(s *AccountStatus, file *account.Account) []finding {
	m := l.engine.mailer
	now := m.now()
	c := circumstances{status: s, file: file, now: now, rising: l.refusals.of(s.Name, now), mailboxes: l.mailboxes.of(s.Name, now)}
	if found, teller := l.engine.damaged(); teller == s.Name {
		c.damaged = found
	}
	if file != nil {
		c.used = m.tokenUse(file)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.unsigned = l.unsigned[s.Name]
	all := c.findings()
	for i := range all {
		f := &all[i]
		if r := l.memory[s.Name][f.ID]; r.is(*f) {
			f.Since = r.Since
		}
		if f.Since.IsZero() || f.Since.After(now) && f.Due.IsZero() { // the clock may have been ahead
			f.Since = now
		}
	}
	return all
}

// of returns an account's alerts, the gravest first.
func (l *alerts) of(s *AccountStatus, file *account.Account) []Alert {
	list := []Alert{}
	for _, f := range l.findings(s, file) {
		if l.engine.mailer.now().Sub(f.Since) >= f.patience {
			list = append(list, f.Alert)
		}
	}
	return list
}

// tell logs which alerts are new or graver, and which are over, and reports
// whether there was any.
func (l *alerts) tell(accounts []AccountStatus) bool {
	log, news := l.engine.log, false
	now := map[string]Severity{}
	for _, s := range accounts {
		for _, a := range s.Alerts {
			key := s.Name + " " + a.ID
			now[key] = a.Severity
			if was, known := l.told[key]; !known || a.Severity.rank() > was.rank() {
				log.Warn("alert", "account", s.Name, "alert", a.ID, "severity", string(a.Severity), "summary", a.Summary, "fix", a.Fix)
				news = true
			}
		}
	}
	for key := range l.told {
		if _, still := now[key]; !still {
			name, id, _ := strings.Cut(key, " ")
			log.Info("an alert is over", "account", name, "alert", id)
			news = true
		}
	}
	l.told = now
	return news
}
