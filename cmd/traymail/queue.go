package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	accounts "traymail/internal/account"
	"traymail/internal/mailer"
)

func (p *program) queueCommand() *cobra.Command {
	c := &cobra.Command{Use: "queue", Short: "See and change what waits, and what became of messages"}
	c.AddCommand(
		p.queueLs(), p.queueShow(),
		p.queueChange(mailer.Retry, "retry", "Try messages again now", "tried again now"),
		p.queueChange(mailer.Hold, "hold", "Keep messages from being sent, until they are released", "held"),
		p.queueChange(mailer.Release, "release", "Let held messages go on", "released"),
		p.queueChange(mailer.Drop, "rm", "Take messages out of the queue; nobody is told", "removed"),
		p.queueFlush(),
	)
	return c
}

func (p *program) queueLs() *cobra.Command {
	var f mailer.Filter
	var state string
	var all bool
	c := p.reporting(&cobra.Command{
		Use:   "ls",
		Short: "List messages, newest first",
		Long: `List messages, newest first: those that are not done with, or with --state or
--all others too. The record is kept for 30 days, or as keep_days says.`,
		Args: usage(cobra.NoArgs),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, _ []string) error {
			if f.Limit < 1 {
				return &usageError{c, errors.New("--limit is at least 1")}
			}
			states, err := statesOf(c, state, all)
			if err != nil {
				return err
			}
			list := []mailer.Message{}
			for _, s := range states {
				f.State = s
				some, err := m.Messages(c.Context(), f)
				if err != nil {
					return err
				}
				list = append(list, some...)
			}
			list = newest(list, f.Limit)
			if p.json {
				return p.printJSON(list)
			}
			s, err := m.Status(c.Context())
			if err != nil {
				return err
			}
			p.printDamages(s.Damaged)
			if len(list) == 0 {
				fmt.Fprintln(p.stderr, "No message waits. The record of those that are done with: traymail queue ls --all")
				return nil
			}
			w := p.table("ID", "STATE", "RECEIVED", "ACCOUNT", "FROM", "SIZE", "NEXT TRY", "SUBJECT")
			for _, s := range list {
				w.row(s.ID, stateOf(s), moment(s.Received), s.Account, cmp.Or(s.From, "<>"), s.Size, moment(s.Next), short(s.Subject))
			}
			w.end()
			return nil
		}),
	})
	c.Flags().StringVar(&state, "state", "", "only messages in this state: queued, sending, held, delivered, failed, removed")
	c.Flags().BoolVar(&all, "all", false, "also those that are done with")
	c.Flags().StringVar(&f.Account, "account", "", "only this account's")
	c.Flags().StringVar(&f.Address, "address", "", "only those from or to this address")
	c.Flags().StringVar(&f.Subject, "subject", "", "only those with this in their subject")
	c.Flags().StringVar(&f.ID, "id", "", "only the one with this ID or Message-ID")
	c.Flags().StringVar(&f.Before, "before", "", "continue a list: the last ID of the page before")
	c.Flags().IntVar(&f.Limit, "limit", 100, "how many")
	c.MarkFlagsMutuallyExclusive("state", "all")
	return c
}

// statesOf is which lists make up the one that is asked for.
func statesOf(c *cobra.Command, state string, all bool) ([]mailer.State, error) {
	states := map[string]mailer.State{}
	for _, s := range mailer.States {
		states[string(s)] = s
	}
	switch s, known := states[state]; {
	case state != "" && !known:
		return nil, &usageError{c, fmt.Errorf("%q is not a state", state)}
	case state != "":
		return []mailer.State{s}, nil
	case all || c.Flags().Changed("id"):
		return []mailer.State{""}, nil
	}
	return mailer.OpenStates, nil
}

// newest merges lists of messages, as many as are asked for. IDs sort by time.
func newest(list []mailer.Message, limit int) []mailer.Message {
	slices.SortFunc(list, func(a, b mailer.Message) int { return strings.Compare(b.ID, a.ID) })
	return list[:min(len(list), max(limit, 0))]
}

func (p *program) queueShow() *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   "show ID",
		Short: "Show all that is known of a message, with every reply",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, args []string) error {
			r, err := m.Message(c.Context(), args[0])
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(r)
			}
			p.printRecord(r)
			return nil
		}),
	})
}

func (p *program) printRecord(r *mailer.Record) {
	for _, line := range [][2]string{
		{"ID", r.ID}, {"State", stateOf(r.Summary)}, {"Account", r.Account}, {"Client", r.Client}, {"From", cmp.Or(r.From, "<>")},
		{"Message-ID", r.MessageID}, {"Subject", r.Subject}, {"Size", fmt.Sprint(r.Size)}, {"Received", moment(r.Received)},
		{"Next try", moment(r.Next)}, {"Finished", moment(r.Finished)},
	} {
		if line[1] != "" && line[1] != "-" {
			fmt.Fprintf(p.stdout, "%-11s %s\n", line[0]+":", line[1])
		}
	}
	if r.Unknown {
		fmt.Fprintf(p.stdout, "It may have been sent. Find out, in Sent Items of the sender's mailbox or from a recipient: when it was, traymail queue rm %[1]s; when it was not, traymail queue release %[1]s\n", r.ID)
	}
	fmt.Fprintln(p.stdout)
	w := p.table("RECIPIENT", "STATE", "TRIES", "NEXT TRY", "REPLY")
	for _, to := range r.Recipients {
		w.row(to.Address, to.State, to.Tries, moment(to.Next), cmp.Or(flat(to.Reply), "-"))
	}
	w.end()
	if len(r.Attempts) == 0 {
		return
	}
	fmt.Fprintln(p.stdout)
	a := p.table("ATTEMPT", "STARTED", "TOOK", "OUTCOME", "SESSION", "REPLY")
	for _, at := range r.Attempts {
		a.row(fmt.Sprint(at.N, resent(at)), moment(at.Started), at.Elapsed.Round(time.Millisecond), cmp.Or(at.Outcome, "under way"), cmp.Or(at.Session, "-"), cmp.Or(flat(at.Reply), "-"))
	}
	a.end()
}

// stateOf is a message's state, and of one that is held whether it may have been
// sent.
func stateOf(m mailer.Message) string {
	if m.Unknown {
		return string(m.State) + " (fate unknown)"
	}
	return string(m.State)
}

// resent marks an attempt that may have sent the message a second time.
func resent(a mailer.Attempt) string {
	if a.Resend {
		return " (again)"
	}
	return ""
}

func (p *program) queueChange(what mailer.Change, name, short, done string) *cobra.Command {
	return p.reporting(&cobra.Command{
		Use:   name + " ID...",
		Short: short,
		Args:  usage(cobra.MinimumNArgs(1)),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, args []string) error {
			var errs []error
			changed := []string{}
			for _, id := range args {
				if err := m.Change(c.Context(), id, what); err != nil {
					errs = append(errs, fmt.Errorf("message %s: %w", id, err))
					continue
				}
				changed = append(changed, id)
				fmt.Fprintf(p.stderr, "Message %s is %s.\n", id, done)
			}
			if p.json {
				errs = append(errs, p.printJSON(map[string][]string{"changed": changed}))
			}
			return errors.Join(errs...)
		}),
	})
}

func (p *program) queueFlush() *cobra.Command {
	var account string
	c := p.reporting(&cobra.Command{
		Use:   "flush",
		Short: "Try everything that waits for a later attempt now",
		Args:  usage(cobra.NoArgs),
		RunE: p.withQueue(func(c *cobra.Command, m mailer.Program, _ []string) error {
			if account != "" {
				if _, _, err := m.Account(c.Context(), account); errors.Is(err, accounts.ErrNotFound) {
					return err
				}
			}
			n, err := m.Flush(c.Context(), account)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(map[string]int{"messages": n})
			}
			fmt.Fprintf(p.stderr, "%d messages are due now.\n", n)
			return nil
		}),
	})
	c.Flags().StringVar(&account, "account", "", "only this account's")
	return c
}

// flat is a server's reply of several lines on one.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// short is a subject as far as a line has room for it.
func short(s string) string {
	if r := []rune(flat(s)); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return flat(s)
}
