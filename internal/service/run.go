package service

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"

	"github.com/kardianos/service"
)

// Run calls run and returns what it returns, with a context that ends when the
// program is to stop: with ctx, and, where Windows runs it as the service of
// this name, when the service is stopped or the machine shuts down. Windows is
// told that the service has stopped when run has returned.
//
// When run ends there by itself with an error, the error goes to the event log
// and the process exits with 1 at once: that is what Windows takes for a
// failure, and after which it starts the service again. systemd and launchd
// need nothing of this: a signal ends ctx, and the exit code says the rest.
func Run(ctx context.Context, name string, run func(ctx context.Context) error) error {
	if runtime.GOOS != "windows" || service.Interactive() {
		return run(ctx)
	}
	return runManaged(ctx, &service.Config{Name: name}, run, os.Exit)
}

// runManaged runs under a service manager that the library answers.
func runManaged(ctx context.Context, c *service.Config, run func(ctx context.Context) error, exit func(code int)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &managed{ctx: ctx, cancel: cancel, run: run, exit: exit, done: make(chan struct{})}
	s, err := service.New(m, c)
	if err != nil {
		return err
	}
	if err := s.Run(); err != nil && !errors.Is(err, m.result()) {
		return err // the manager's, not run's
	}
	return m.result()
}

// managed is a run in the library's words.
type managed struct {
	ctx    context.Context
	cancel context.CancelFunc
	run    func(ctx context.Context) error
	exit   func(code int)
	done   chan struct{} // closed when run has returned

	mu  sync.Mutex
	err error // what run returned
}

// Start implements service.Interface.
func (m *managed) Start(s service.Service) error {
	go func() {
		err := m.run(m.ctx)
		m.mu.Lock()
		m.err = err
		m.mu.Unlock()
		close(m.done)
		if m.ctx.Err() != nil {
			return // it was told to, and Stop waits for it
		}
		code := 0
		if err != nil {
			code = 1
			if log, logErr := s.Logger(nil); logErr == nil {
				log.Error(err)
			}
		}
		m.exit(code)
	}()
	return nil
}

// Stop implements service.Interface. It waits for run.
func (m *managed) Stop(service.Service) error {
	m.cancel()
	<-m.done
	return m.result()
}

func (m *managed) result() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
