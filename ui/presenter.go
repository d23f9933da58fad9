package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
)

// signInTime is how long the browser has.
const signInTime = 5 * time.Minute

// A presenter is the page without its widgets. Its methods return at once and
// belong to one goroutine, the window's; what blocks runs on goroutines that
// close waits for.
type presenter struct {
	service Service
	browse  func(address string) error
	// do runs a function on the window's goroutine, later, and does not block.
	do func(func())
	// show gets every new state, on the window's goroutine.
	show func(State)
	// notify tells of a check that was waited for and passed. It does not block.
	notify func(checks.Result, account.Account)
	// explain looks a text up in the catalogue. It may take a while.
	explain func(text string) refusals.Answer
	asking  bool // a text is being looked up

	state  State
	stored account.Account // as it is in its file, or a new one's defaults
	unread bool            // there is such a file, and it cannot be read
	since  time.Time       // when the activity began
	until  time.Time       // when the browser's time is over

	ctx    context.Context
	cancel context.CancelFunc // of the activity
	work   sync.WaitGroup

	ending sync.Mutex // nothing is dispatched once end has returned
	ended  context.CancelFunc
}

func newPresenter(service Service, browse func(string) error, do func(func()), show func(State)) *presenter {
	p := &presenter{service: service, browse: browse, do: do, show: show, cancel: func() {}}
	p.notify = func(checks.Result, account.Account) {}
	p.explain = refusals.Explain
	p.ctx, p.ended = context.WithCancel(context.Background())
	p.stored = *account.New("main")
	p.state.Account = p.stored
	p.state.Changed = true
	p.state.Checks = newChecks()
	return p
}

// end gives up what is under way, without waiting for it. Once it has returned
// nothing is dispatched or shown: the window's loop may stop.
func (p *presenter) end() {
	p.ending.Lock()
	defer p.ending.Unlock()
	p.ended()
}

// close ends what is under way and waits for it.
func (p *presenter) close() {
	p.end()
	p.work.Wait()
}

// open shows an account, or the form of a new one when name is "".
func (p *presenter) open(name string) {
	if name == "" {
		p.show(p.state)
		return
	}
	p.stored.Name, p.state.Account.Name = name, name
	p.begin(Opening, func(ctx context.Context) Outcome {
		a, secrets, err := p.service.Account(ctx, name)
		p.adopt(a, secrets)
		return Outcome{Err: err}
	})
}

// set changes a field of the form.
func (p *presenter) set(f Field, value string) {
	if p.state.Activity != Idle {
		return
	}
	s := &p.state
	if f == FieldSecret {
		s.Secret = mailer.Secret(value)
	} else {
		s.Account = edited(s.Account, p.stored, f, value)
	}
	s.Changed = !s.Stored || !s.Account.Equal(p.stored) || s.Secret != ""
	if s.Problem != nil && Field(s.Problem.Key) == f {
		s.Problem = nil
	}
	p.show(p.state)
}

// save stores the form.
func (p *presenter) save() {
	if p.state.CanSave() {
		p.begin(Saving, p.saveChanges())
	}
}

// signIn stores what was changed and signs in, in the browser.
func (p *presenter) signIn() {
	if p.state.CanSignIn() {
		p.afterSaving(SigningIn, p.waitForBrowser)
	}
}

// sendTest stores what was changed and sends the test email.
func (p *presenter) sendTest() {
	if p.state.CanSend() {
		p.afterSaving(Sending, func(ctx context.Context, name string) Outcome {
			d, err := p.service.SendTest(ctx, name, "")
			return Outcome{Err: err, Delivery: d}
		})
	}
}

// stop gives up what is under way. The activity ends when the service lets go.
func (p *presenter) stop() {
	if p.state.Activity == Idle || p.state.Cancelling {
		return
	}
	p.state.Cancelling = true
	p.cancel()
	p.show(p.state)
}

// begin runs work on a goroutine of its own and shows its outcome.
func (p *presenter) begin(a Activity, work func(context.Context) Outcome) {
	ctx, cancel := context.WithCancel(p.ctx)
	p.cancel = cancel
	p.state.Outcome, p.state.Problem = Outcome{}, nil
	p.enter(a)
	p.show(p.state)
	p.work.Go(func() { p.tick(ctx) })
	p.work.Go(func() {
		o := work(ctx)
		o.Cancelled = o.Err != nil && errors.Is(ctx.Err(), context.Canceled)
		cancel()
		p.post(func() { p.finish(o) })
	})
}

// enter makes a the activity under way.
func (p *presenter) enter(a Activity) {
	p.since, p.until = time.Now(), time.Time{}
	p.state.Activity, p.state.Elapsed, p.state.Cancelling, p.state.Link, p.state.Unopened = a, 0, false, "", nil
}

// finish shows how the activity ended.
func (p *presenter) finish(o Outcome) {
	o.Of = p.state.Activity
	p.enter(Idle)
	p.state.Outcome = o
	if !o.Cancelled {
		p.state.Problem = problemOf(o.Err)
	}
	p.state.Checks = p.state.Checks.ended()
	switch {
	case o.Of == Opening:
		p.unread = o.Err != nil && !p.state.Stored
	case o.Of == Saving && o.Err != nil:
		p.state.View = ViewAccount // where the form is
	}
	if o.Username != "" {
		p.state.Secrets.SignedIn = true
	}
}

// tick keeps the times in the state current, second by second.
func (p *presenter) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			p.post(func() {})
		}
	}
}

// post changes the state on the window's goroutine and shows it, unless the
// window is closed by then.
func (p *presenter) post(change func()) {
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	p.do(func() {
		if p.ctx.Err() != nil {
			return
		}
		change()
		now := time.Now()
		p.state.Elapsed = now.Sub(p.since).Truncate(time.Second)
		p.state.Left = max(0, p.until.Sub(now).Round(time.Second))
		p.state.Checks.Now = now
		p.show(p.state)
	})
}

// afterSaving begins a step that needs the form to be stored.
func (p *presenter) afterSaving(a Activity, step func(ctx context.Context, name string) Outcome) {
	name := p.state.Account.Name
	if !p.state.Changed {
		p.begin(a, func(ctx context.Context) Outcome { return step(ctx, name) })
		return
	}
	save := p.saveChanges()
	p.begin(Saving, func(ctx context.Context) Outcome {
		if o := save(ctx); o.Err != nil {
			return o
		}
		p.post(func() { p.enter(a) })
		return step(ctx, name)
	})
}

// saveChanges returns what stores the form as it is now.
func (p *presenter) saveChanges() func(context.Context) Outcome {
	a, secret, isNew := p.state.Account, p.state.Secret, !p.state.Stored
	if !p.state.TakesSecret() {
		secret = "" // its field is hidden
	}
	return func(ctx context.Context) Outcome {
		if isNew {
			if err := p.free(ctx, a.Name); err != nil {
				return Outcome{Err: err}
			}
		}
		if err := p.service.Save(ctx, a, secret); err != nil {
			return Outcome{Err: err}
		}
		// What was left empty has its default now, and a changed username has
		// ended the sign-in.
		saved, secrets, err := p.service.Account(ctx, a.Name)
		p.adopt(saved, secrets)
		return Outcome{Err: err}
	}
}

// free returns an error unless no account has the name: a new account never
// replaces one, not even one that cannot be read.
func (p *presenter) free(ctx context.Context, name string) error {
	_, _, err := p.service.Account(ctx, name)
	switch {
	case err == nil:
		return &account.FieldError{Key: string(FieldName), Text: fmt.Sprintf("there is an account %s already", name), Fix: "choose another name"}
	case errors.Is(err, account.ErrNotFound):
		return nil
	}
	return err
}

// adopt shows a stored account in the form. The service returns one without a
// name when there is none; when only its secrets cannot be read, it has one.
func (p *presenter) adopt(a account.Account, secrets mailer.Secrets) {
	if a.Name == "" {
		return
	}
	p.post(func() {
		p.stored, p.state.Account, p.state.Secret = a, a, ""
		p.state.Stored, p.state.Changed, p.state.Secrets = true, false, secrets
	})
}

// waitForBrowser signs in. Where no browser opens it waits all the same.
func (p *presenter) waitForBrowser(ctx context.Context, name string) Outcome {
	in, err := p.service.SignIn(ctx, name, mailer.SignIn{Timeout: signInTime, Open: func(address string) error {
		p.post(func() { p.state.Link, p.until = address, time.Now().Add(signInTime) })
		if err := p.browse(address); err != nil {
			p.post(func() { p.state.Unopened = err })
		}
		return nil // the link can be copied
	}})
	return Outcome{Err: err, Username: in.Username}
}

// follow opens a link of the page. Its failure is not the page's business: the
// address stands there to be copied.
func (p *presenter) follow(address string) {
	p.work.Go(func() { _ = p.browse(address) })
}
