package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// pauseResult is what both commands print as JSON.
type pauseResult struct {
	Account string    `json:"account,omitempty"` // none: all
	Paused  bool      `json:"paused"`
	Until   time.Time `json:"until,omitzero"` // none: until it is resumed
}

func (p *program) pauseCommand() *cobra.Command {
	var length time.Duration
	var end string
	c := p.reporting(&cobra.Command{
		Use:               "pause [ACCOUNT]",
		ValidArgsFunction: p.accountNames,
		Short:             "Stop sending what is queued, of one account or of all, until a time or until 'resume'",
		Long: `Stop sending what is queued, of one account or of all. Messages are taken as
before and wait, and those that are being sent are finished. Nothing else ends the pause but its
time and 'traymail resume', not even a restart. 'traymail test' and 'traymail send --now' still
send, because somebody waits for them.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, args []string) error {
			r := pauseResult{Account: one(args), Paused: true}
			now := time.Now()
			switch {
			case c.Flags().Changed("for") && length <= 0:
				return &usageError{c, fmt.Errorf("--for: %v is no time to wait", length)}
			case length > 0:
				r.Until = now.Add(length).Truncate(time.Second)
			case end != "":
				var err error
				if r.Until, err = timeToCome(end, now); err != nil {
					return &usageError{c, err}
				}
			}
			if err := m.Pause(c.Context(), r.Account, r.Until); err != nil {
				return err
			}
			fmt.Fprintf(p.stderr, "%s until %s.\n", pausedWhat(r.Account), cmp.Or(whenOf(r.Until), strings.TrimSpace("resumed: traymail resume "+r.Account)))
			if p.json {
				return p.printJSON(r)
			}
			return nil
		}),
	})
	c.Flags().DurationVar(&length, "for", 0, "how long, such as 15m or 2h")
	c.Flags().StringVar(&end, "until", "", "when it ends: 17:30, 2026-11-30 or \"2026-11-30 07:00\", in this machine's time, or as RFC 3339")
	c.MarkFlagsMutuallyExclusive("for", "until")
	return c
}

func (p *program) resumeCommand() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:               "resume [ACCOUNT]",
		ValidArgsFunction: p.accountNames,
		Short:             "End the pauses that 'pause' or the window began, of one account or of all",
		Long: `End the pauses that 'pause' or the window began, of one account or of all. An
account that waits for another reason, such as a sign-in, goes on waiting for it.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, args []string) error {
			r := pauseResult{Account: one(args)}
			if err := m.Resume(c.Context(), r.Account); err != nil {
				return err
			}
			if r.Account == "" {
				fmt.Fprintln(p.stderr, "Nobody's pause holds up any account.")
			} else {
				fmt.Fprintf(p.stderr, "Nobody's pause holds up the account %s.\n", r.Account)
			}
			if p.json {
				return p.printJSON(r)
			}
			return nil
		}),
	})
}

// one is the only argument, "" when there is none.
func one(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func pausedWhat(account string) string {
	if account == "" {
		return "All accounts are paused"
	}
	return "The account " + account + " is paused"
}

func whenOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// timeToCome reads a time as people write it; one of a day alone is its next.
func timeToCome(text string, now time.Time) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			if !t.After(now) {
				return t, &account.FieldError{Key: "until", Text: text + " is over", Fix: "give a time to come, or none to pause until it is resumed"}
			}
			return t, nil
		}
	}
	t, err := time.ParseInLocation("15:04", text, now.Location())
	if err != nil {
		return t, fmt.Errorf("--until: %q is not a time, such as 17:30 or \"2026-11-30 07:00\"", text)
	}
	t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
	if !t.After(now) {
		t = time.Date(now.Year(), now.Month(), now.Day()+1, t.Hour(), t.Minute(), 0, 0, now.Location())
	}
	return t, nil
}
