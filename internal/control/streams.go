package control

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"traymail/internal/checks"
	"traymail/internal/mailer"
)

// farewell is how long a caller that does not read may hold up Shutdown.
const farewell = time.Second

// errStopped is what callers learn whose stream Shutdown ended.
var errStopped = fmt.Errorf("traymail has stopped; %w", ErrNotRunning)

// A stream sends events to a caller.
type stream struct {
	control *http.ResponseController
	mu      sync.Mutex
	encoder *json.Encoder
	over    bool
}

// open begins a stream. ctx ends with the caller, and with Shutdown; end ends
// the stream.
func (s *Server) open(w http.ResponseWriter, r *http.Request) (out *stream, ctx context.Context, end func()) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	out = &stream{control: http.NewResponseController(w), encoder: json.NewEncoder(w)}
	_ = out.control.Flush() // who has gone is noticed soon enough
	ctx, cancel := context.WithCancel(r.Context())
	keep := context.AfterFunc(s.stopping, func() {
		_ = out.control.SetWriteDeadline(time.Now().Add(farewell))
		cancel()
	})
	return out, ctx, func() {
		keep()
		cancel()
		out.mu.Lock()
		defer out.mu.Unlock()
		out.over = true
	}
}

// send sends one event. It blocks while the caller does not read.
func (o *stream) send(e event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return errors.New("the caller has its answer already")
	}
	if err := o.encoder.Encode(e); err != nil {
		return err
	}
	return o.control.Flush()
}

// finish sends the last event, with the result in it that the call has.
func (s *Server) finish(out *stream, last event, err error) {
	if err != nil && s.stopping.Err() != nil {
		err = errStopped
	}
	last.Event, last.Error = eventEnd, encode(err)
	_ = out.send(last) // it may have gone
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	if !arguments(w, r, &nothing{}) {
		return
	}
	out, ctx, end := s.open(w, r)
	defer end()
	_, err := safely(s, "/watch", func() (nothing, error) {
		return nothing{}, s.program.Watch(ctx, func(status mailer.Status) error {
			return out.send(event{Event: eventStatus, Status: &status})
		})
	})
	if err == nil && s.stopping.Err() != nil {
		err = errStopped // else the caller could not tell it from an end of its own
	}
	s.finish(out, event{}, err)
}

func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	var in checking
	if !arguments(w, r, &in) {
		return
	}
	out, ctx, end := s.open(w, r)
	defer end()
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	all, err := safely(s, "/account/check", func() ([]checks.Result, error) {
		return s.program.Check(ctx, in.Name, in.Options, func(c checks.Result) {
			if out.send(event{Event: eventCheck, Check: &c}) != nil {
				giveUp() // nobody reads any more
			}
		})
	})
	s.finish(out, event{Checks: all}, err)
}

// A dialog is one sign-in whose callbacks run in the caller's process.
type dialog struct {
	ctx context.Context
	out *stream

	mu      sync.Mutex
	n       int
	waiting map[int]chan reply // by number; one answer fits
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var in signingIn
	if !arguments(w, r, &in) {
		return
	}
	out, ctx, end := s.open(w, r)
	defer end()
	d := &dialog{ctx: ctx, out: out, waiting: map[int]chan reply{}}
	session := rand.Text()
	s.mu.Lock()
	s.dialogs[session] = d
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.dialogs, session)
	}()
	if err := out.send(event{Event: eventSigningIn, Session: session}); err != nil {
		return
	}
	signed, err := safely(s, "/sign-in", func() (mailer.SignedIn, error) {
		return s.program.SignIn(ctx, in.Name, d.callbacks(in))
	})
	s.finish(out, event{Result: &signed}, err)
}

// callbacks are those that the caller has: which ones are set chooses how to
// sign in.
func (d *dialog) callbacks(in signingIn) mailer.SignIn {
	how := mailer.SignIn{Timeout: in.Timeout}
	if in.Open {
		how.Open = func(address string) error {
			_, err := d.ask(d.ctx, event{Event: eventOpen, Address: address})
			return err
		}
	}
	if in.Paste {
		how.Paste = func(ctx context.Context, address string, wrong error) (string, error) {
			return d.ask(ctx, event{Event: eventPaste, Address: address, Wrong: encode(wrong)})
		}
	}
	if in.Device {
		how.Device = func(code mailer.DeviceCode) {
			_, _ = d.ask(d.ctx, event{Event: eventDevice, Device: &code})
		}
	}
	return how
}

// ask lets the caller do something and returns what it answers.
func (d *dialog) ask(ctx context.Context, e event) (pasted string, err error) {
	answer := make(chan reply, 1)
	d.mu.Lock()
	d.n++
	e.N = d.n
	d.waiting[e.N] = answer
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, e.N)
	}()
	if err := d.out.send(e); err != nil {
		return "", err
	}
	select {
	case a := <-answer:
		return a.Pasted, a.Error.ofCaller()
	case <-ctx.Done():
		_ = d.out.send(event{Event: eventCancel, N: e.N}) // it ends with the stream anyway
		return "", ctx.Err()
	}
}

// answer passes on what a caller answers. One that comes too late, or twice,
// changes nothing.
func (s *Server) answer(a reply) {
	s.mu.Lock()
	d := s.dialogs[a.Session]
	s.mu.Unlock()
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if waiting := d.waiting[a.N]; waiting != nil {
		delete(d.waiting, a.N)
		waiting <- a
	}
}
