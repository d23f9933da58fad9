package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

func (p *program) logCommand() *cobra.Command {
	var follow bool
	var since time.Duration
	c := p.reporting(&cobra.Command{
		Use:   "log",
		Short: "Show what was sent and refused, one line an attempt",
		Long: `Show what was sent and refused, one line an attempt, with the server's replies,
oldest first. With --json each line is an object.`,
		Args: usage(cobra.NoArgs),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, _ []string) error {
			if _, here := m.(*mailer.Mailer); here && follow {
				return &account.FieldError{Text: "nothing follows, because traymail does not run", Fix: "start it: traymail serve; without --follow the log of the past is shown"}
			}
			after := mailer.Attempt{Finished: time.Now().Add(-since)}
			after, err := p.printLog(c.Context(), m, after)
			if err != nil || !follow {
				return err
			}
			err = m.Watch(c.Context(), func(mailer.Status) (err error) {
				after, err = p.printLog(c.Context(), m, after)
				return err
			})
			if c.Context().Err() == nil {
				return err
			}
			// It ends with Ctrl+C, which is no failure, and shows what there is by then.
			last, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 2*time.Second)
			defer cancel()
			_, err = p.printLog(last, m, after)
			return err
		}),
	})
	c.Flags().BoolVar(&follow, "follow", false, "go on with what follows, until Ctrl+C")
	c.Flags().DurationVar(&since, "since", 24*time.Hour, "how far back")
	return c
}

// printLog prints the attempts behind one, and returns the last.
func (p *program) printLog(ctx context.Context, m mailer.Program, after mailer.Attempt) (mailer.Attempt, error) {
	const page = 500
	for {
		list, err := m.Log(ctx, after, page)
		if err != nil {
			return after, err
		}
		for _, a := range list {
			after = a
			if p.json {
				e := json.NewEncoder(p.stdout)
				e.SetEscapeHTML(false) // replies and message IDs are full of angle brackets
				if err := e.Encode(a); err != nil {
					return after, err
				}
				continue
			}
			fmt.Fprintf(p.stdout, "%s %s%s %s %s recipients=%d took=%s %s\n", moment(a.Finished), a.ID, resent(a), a.Account, a.Outcome,
				a.Recipients, a.Elapsed.Round(time.Millisecond), flat(a.Reply))
		}
		if len(list) < page {
			return after, nil
		}
	}
}
