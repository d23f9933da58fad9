package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/control"
	"traymail/internal/mailer"
)

// reach returns the program that runs for the home folder or, when none runs,
// one in this process. The caller calls close when it is done.
func (p *program) reach(ctx context.Context) (m mailer.Program, close func(), err error) {
	home, err := p.homeFolder()
	if err != nil {
		return nil, nil, err
	}
	if p.wire == "" { // the dialog of another process cannot be logged here
		running, err := control.Dial(ctx, home)
		switch {
		case err == nil:
			return running, func() { running.Close() }, nil
		case !errors.Is(err, control.ErrNotRunning):
			return nil, nil, err
		}
	}
	return p.engine()
}

// queueTimeout is how long a command waits for another one that has the queue
// open, while no program runs that would take both their messages.
const queueTimeout = 30 * time.Second

// reachQueue is reach for commands that need the queue.
func (p *program) reachQueue(ctx context.Context) (mailer.Program, func(), error) {
	for deadline := time.Now().Add(queueTimeout); ; {
		m, done, err := p.reach(ctx)
		if err != nil {
			return nil, nil, err
		}
		local, ok := m.(*mailer.Mailer)
		if !ok {
			return m, done, nil
		}
		if err = local.OpenQueue(ctx); err == nil {
			return m, done, nil
		}
		done()
		if !errors.Is(err, mailer.ErrQueueInUse) || time.Now().After(deadline) {
			return nil, nil, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// A command works on a program, in this process or in another.
type command = func(c *cobra.Command, m mailer.Program, args []string) error

// with gives a command the program and ends it afterwards.
func (p *program) with(do command) func(*cobra.Command, []string) error {
	return through(p.reach, do)
}

// withQueue is with for commands that need the queue.
func (p *program) withQueue(do command) func(*cobra.Command, []string) error {
	return through(p.reachQueue, do)
}

func through(reach func(context.Context) (mailer.Program, func(), error), do command) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		m, done, err := reach(c.Context())
		if err != nil {
			return err
		}
		defer done()
		return do(c, m, args)
	}
}

// accounts is where the accounts are. They are read from the files, which need
// no program and no keystore.
func (p *program) accounts() (account.Dir, error) {
	home, err := p.homeFolder()
	return (&mailer.Mailer{Home: home}).Accounts(), err
}

// clients is where the relay's clients are.
func (p *program) clients() (mailer.ClientDir, error) {
	home, err := p.homeFolder()
	if err == nil {
		err = checkOwner(home)
	}
	return (&mailer.Mailer{Home: home}).ClientFiles(), err
}
