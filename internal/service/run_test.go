package service

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/kardianos/service"
)

func TestRunOutsideAManagerIsRunAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	failed := errors.New("failed")
	err := Run(ctx, "traymail", func(ctx context.Context) error {
		if ctx.Err() == nil {
			t.Error("the context is not the caller's")
		}
		return failed
	})
	if err != failed {
		t.Errorf("%v", err)
	}
}

func TestAManagersStopEndsTheContextAndWaitsForRun(t *testing.T) {
	for _, want := range []error{nil, errors.New("could not finish")} {
		started := make(chan struct{})
		var ended atomic.Bool
		c := &service.Config{Name: "traymail", Option: service.KeyValue{"RunWait": func() { <-started }}}
		err := runManaged(context.Background(), c, func(ctx context.Context) error {
			close(started)
			<-ctx.Done()
			ended.Store(true)
			return want
		}, func(int) { t.Error("the process would have exited before the manager knew") })
		if err != want || !ended.Load() {
			t.Errorf("%v, want %v; run has ended: %v", err, want, ended.Load())
		}
	}
}

func TestARunThatEndsByItselfEndsTheProcess(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{{nil, 0}, {errors.New("the port is taken"), 1}} {
		code := make(chan int, 1)
		exited := make(chan struct{})
		config := &service.Config{Name: "traymail", Option: service.KeyValue{"RunWait": func() { <-exited }}}
		err := runManaged(context.Background(), config, func(context.Context) error { return c.err }, func(n int) {
			code <- n
			close(exited)
		})
		if n := <-code; n != c.code || err != c.err {
			t.Errorf("exit code %d, %v", n, err)
		}
	}
}
