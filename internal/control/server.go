package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"traymail/internal/mailer"
)

// A Server offers a Program to other processes of the same user.
type Server struct {
	program mailer.Program
	log     *slog.Logger
	http    *http.Server
	served  chan struct{} // closed when nothing is accepted any more
	release func() error

	stopping context.Context // its end ends the streams
	stop     context.CancelFunc
	abort    context.CancelFunc // ends the other requests
	once     sync.Once
	stopped  error // of Shutdown

	mu      sync.Mutex
	dialogs map[string]*dialog // the sign-ins under way, by session
}

// Serve makes p reachable for the other processes of this user that name the
// same home, until Shutdown. The home is created when there is none. p must be
// safe for concurrent use, and stays the caller's to close. When a program
// serves the home already the error is a *RunningError. log gets panics and
// faults of the transport, never what was sent.
func Serve(home string, p mailer.Program, log *slog.Logger) (*Server, error) {
	l, release, err := listen(home, commands)
	if err != nil {
		return nil, err
	}
	s := &Server{program: p, log: log, release: release, served: make(chan struct{}), dialogs: map[string]*dialog{}}
	s.stopping, s.stop = context.WithCancel(context.Background())
	base, abort := context.WithCancel(context.Background())
	s.abort = abort
	s.http = &http.Server{
		Handler:           guard(s.routes()),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("commands do not reach this program any more", "error", err)
		}
	}()
	return s, nil
}

// Shutdown takes no new request, ends sign-ins and what watches, and waits for
// the other requests until ctx ends, which breaks them off and is then the
// error. The home is free for another program afterwards.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(func() {
		s.stop()
		err := s.http.Shutdown(ctx)
		s.abort()
		if err != nil {
			err = errors.Join(fmt.Errorf("requests of other programs were broken off: %w", err), s.http.Close())
		}
		<-s.served
		s.stopped = errors.Join(err, s.release())
	})
	return s.stopped
}

// guard refuses what cannot be meant for this program. No browser reaches a
// socket or a pipe by itself; one that is led here sends an Origin.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Date"] = nil
		h.Set(apiHeader, api)
		h.Set(versionHeader, version())
		switch {
		case len(r.Header.Values("Origin")) > 0:
			refuse(w, http.StatusForbidden, errors.New("web pages have no access here"))
		case r.Header.Get(apiHeader) != api:
			refuse(w, http.StatusBadRequest, mismatch(version(), api, r.Header.Get(versionHeader), r.Header.Get(apiHeader)))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// errPanicked is what a caller learns of a panic.
var errPanicked = errors.New("the running traymail has a fault: its log says where; this request was given up")

// safely calls the program; a panic of it becomes an error and a line in the
// log. What was panicked with may hold what was sent, and is logged only when
// it comes from the runtime.
func safely[T any](s *Server, call string, do func() (T, error)) (result T, err error) {
	defer func() {
		if v := recover(); v != nil {
			what := fmt.Sprintf("%T", v)
			if fault, ok := v.(runtime.Error); ok {
				what = fault.Error()
			}
			s.log.Error("a request of another program ran into a fault", "call", call, "panic", what, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do()
}
