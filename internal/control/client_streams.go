package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"traymail/internal/checks"
	"traymail/internal/mailer"
)

// Send submits one message now. s.Data is not read any more when it returns,
// and an error of it leaves nothing sent.
func (c *Client) Send(ctx context.Context, account string, s mailer.Submission) (mailer.Delivery, error) {
	out, err := hand[deliveryResult](ctx, c, "/send", account, s)
	return out.delivery(), err
}

// Enqueue puts one message into the queue. s.Data is not read any more when it
// returns, and an error of it leaves nothing queued.
func (c *Client) Enqueue(ctx context.Context, account string, s mailer.Submission) (mailer.Queued, error) {
	return hand[mailer.Queued](ctx, c, "/enqueue", account, s)
}

// hand makes one call with a message.
func hand[Out any](ctx context.Context, c *Client, path, account string, s mailer.Submission) (Out, error) {
	var a answer[Out]
	for _, text := range append([]string{account, s.From, s.Return, s.EnvelopeID, s.FullName}, append(s.To, s.Notify...)...) {
		if !utf8.ValidString(text) { // JSON would make another address of it
			return a.Result, fmt.Errorf("%q is not text in UTF-8: correct it", text)
		}
	}
	data := &message{data: s.Data}
	s.Data = nil
	arguments, err := json.Marshal(sending{account, s})
	if err != nil {
		return a.Result, err
	}
	// The line has its end, and the message none that is known: it travels in
	// chunks, of which the last one is missing when reading it fails.
	err = c.exchange(ctx, path, io.MultiReader(bytes.NewReader(append(arguments, '\n')), data),
		func(body *json.Decoder) error { return body.Decode(&a) })
	if failed := data.finish(); failed != nil && err != nil && ctx.Err() == nil {
		return a.Result, fmt.Errorf("reading the message: %w", failed)
	}
	if err != nil {
		return a.Result, err
	}
	return a.Result, a.Error.decode(nil)
}

// A message is a submission's data, which nobody reads after finish.
type message struct {
	mu     sync.Mutex // held while data is read
	data   io.Reader
	done   bool
	failed error // of data
}

func (m *message) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done {
		return 0, errors.New("the message is not wanted any more")
	}
	n, err := m.data.Read(p)
	if err != nil && err != io.EOF {
		m.failed = err
	}
	return n, err
}

// finish waits for a Read under way.
func (m *message) finish() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = true
	return m.failed
}

// events makes one call that answers with events, until the last of them or an
// error of each, and returns the last.
func (c *Client) events(ctx context.Context, path string, in any, each func(event) error) (end event, err error) {
	arguments, err := json.Marshal(in)
	if err != nil {
		return event{}, err
	}
	err = c.exchange(ctx, path, bytes.NewReader(arguments), func(body *json.Decoder) error {
		for {
			// What was refused before the stream began is an answer, whose Error has
			// the same name.
			var e event
			if err := body.Decode(&e); err != nil {
				return err
			}
			if e.Event == eventEnd || e.Event == "" && e.Error != nil {
				end = e
				return nil
			}
			if err := e.check(); err != nil {
				return &readError{err}
			}
			if err := each(e); err != nil {
				return &readError{err}
			}
		}
	})
	return end, err
}

// Watch calls changed whenever the status may have changed, until ctx ends,
// changed returns an error, or the program stops; that error matches
// ErrNotRunning.
func (c *Client) Watch(ctx context.Context, changed func(mailer.Status) error) error {
	end, err := c.events(ctx, "/watch", nothing{}, func(e event) error {
		if e.Event != eventStatus {
			return nil
		}
		return changed(*e.Status)
	})
	switch {
	case errors.Is(err, ErrLost):
		return errStopped
	case err != nil:
		return err
	}
	return end.Error.decode(nil)
}

// Check does the setup checks of an account. report runs in this process, one
// call at a time, and has returned when Check returns.
func (c *Client) Check(ctx context.Context, name string, o checks.Options, report func(checks.Result)) ([]checks.Result, error) {
	end, err := c.events(ctx, "/account/check", checking{name, o}, func(e event) error {
		if e.Event == eventCheck && report != nil {
			report(*e.Check)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return end.Checks, end.Error.decode(nil)
}

// SignIn signs the account in. The callbacks of how run in this process, one
// at a time, and have returned when SignIn returns.
func (c *Client) SignIn(ctx context.Context, name string, how mailer.SignIn) (mailer.SignedIn, error) {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	p := &person{client: c, how: how, give: cancel, cancels: map[int]context.CancelFunc{}}
	end, err := c.events(ctx, "/sign-in", signingIn{Name: name, Open: how.Open != nil, Paste: how.Paste != nil,
		Device: how.Device != nil, Timeout: how.Timeout}, func(e event) error { return p.handle(ctx, e) })
	if err != nil && ctx.Err() != nil && outer.Err() == nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	p.callbacks.Wait()
	if err != nil {
		return mailer.SignedIn{}, err
	}
	var signed mailer.SignedIn
	if end.Result != nil {
		signed = *end.Result
	}
	return signed, end.Error.decode(p.failed)
}

// A person is the caller's side of a sign-in.
type person struct {
	client    *Client
	how       mailer.SignIn
	give      func(error) // ends the sign-in
	session   string
	callbacks sync.WaitGroup

	mu      sync.Mutex
	cancels map[int]context.CancelFunc // of the callbacks under way, by number
	failed  error                      // of the last callback
}

// handle begins what an event asks for.
func (p *person) handle(ctx context.Context, e event) error {
	var do func(context.Context) (string, error)
	switch {
	case e.Event == eventSigningIn:
		p.session = e.Session
		return nil
	case e.Event == eventCancel:
		p.cancel(e.N)
		return nil
	case e.Event == eventOpen && p.how.Open != nil:
		do = func(context.Context) (string, error) { return "", p.how.Open(e.Address) }
	case e.Event == eventPaste && p.how.Paste != nil:
		do = func(ctx context.Context) (string, error) { return p.how.Paste(ctx, e.Address, e.Wrong.decode(nil)) }
	case e.Event == eventDevice && p.how.Device != nil:
		do = func(context.Context) (string, error) { p.how.Device(*e.Device); return "", nil }
	default:
		return fmt.Errorf("the running traymail asked for %.40q, which this sign-in does not have: restart it", e.Event)
	}
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	p.cancels[e.N] = cancel
	p.mu.Unlock()
	p.callbacks.Go(func() {
		defer p.cancel(e.N)
		pasted, err := do(ctx)
		if ctx.Err() != nil {
			return // nobody waits for it any more
		}
		p.mu.Lock()
		p.failed = err
		p.mu.Unlock()
		_, err = ask[nothing](ctx, p.client, "/sign-in/answer",
			reply{Session: p.session, N: e.N, Pasted: strings.ToValidUTF8(pasted, "\uFFFD"), Error: encode(err)})
		if err != nil && ctx.Err() == nil {
			p.give(err) // it would wait for the answer
		}
	})
	return nil
}

func (p *person) cancel(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cancel := p.cancels[n]; cancel != nil {
		cancel()
		delete(p.cancels, n)
	}
}
