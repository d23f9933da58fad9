package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"traymail/internal/control"
	"traymail/internal/mailer"
)

func (p *program) sendCommand() *cobra.Command {
	var s mailer.Submission
	var accountName string
	var wholeInput, now bool
	c := p.reporting(&cobra.Command{
		Use:   "send [-t] [-i] [-f FROM] [RCPT...] < message",
		Short: "Send a message, as sendmail does",
		Long: `Put the message on standard input into the queue, with sendmail's flags; it is
delivered by the running traymail, or by the next one. --now sends it at once and
waits for the server's reply. The account is the one whose sender or username is
the envelope sender, or without that the From of the message, or the default
account, or the only one there is.
Also runs when the program is called as sendmail.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !s.ToFromHeader {
				return &usageError{c, errors.New("no recipient: name one, or use -t")}
			}
			if from, _ := c.Flags().GetString("sender"); from != "" {
				s.From = from // the older name of -f
			}
			s.To = args
			s.Null = (c.Flags().Changed("from") || c.Flags().Changed("sender")) && strings.Trim(s.From, "<>") == ""
			s.From = strings.Trim(s.From, "<>")
			s.Data = p.stdin
			if !wholeInput {
				s.Data = untilDot(p.stdin)
			}
			if now {
				return p.sendNow(c.Context(), accountName, s)
			}
			return p.enqueue(c.Context(), accountName, s)
		},
	})
	f := c.Flags()
	f.BoolVarP(&s.ToFromHeader, "to-from-header", "t", false, "take the recipients from To, Cc and Bcc; Bcc is removed")
	f.StringVarP(&s.From, "from", "f", "", "envelope sender (default: the account's sender)")
	f.StringVarP(&s.FullName, "full-name", "F", "", "name for a From field that has to be added")
	f.BoolVarP(&wholeInput, "ignore-dots", "i", false, "do not take a line with a single dot as the end")
	f.StringVar(&accountName, "account", "", "account to send with")
	f.BoolVar(&now, "now", false, "send at once, past the queue, and wait for the server's reply")
	p.wireFlag(c)
	f.StringP("sender", "r", "", "as -f")
	notify := f.StringP("notify", "N", "", "ask for delivery status notifications: never, or success, failure, delay")
	f.StringVarP(&s.Return, "return", "R", "", "what a bounce returns: full or hdrs")
	f.StringVarP(&s.EnvelopeID, "envelope-id", "V", "", "identifier for delivery status notifications")
	// What programs give sendmail and what changes nothing here.
	options := f.StringArrayP("option", "o", nil, "sendmail option; i is as -i, the others are accepted")
	f.StringArrayP("set", "O", nil, "accepted")
	f.StringP("body", "B", "", "accepted; the body's type is found out")
	f.StringP("mode", "b", "", "m only")
	f.BoolP("verbose", "v", false, "accepted")
	f.BoolP("metoo", "m", false, "accepted")
	for _, name := range []string{"set", "body", "verbose", "metoo"} {
		_ = f.MarkHidden(name)
	}
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		for _, o := range *options {
			wholeInput = wholeInput || o == "i"
		}
		s.Return = strings.ToUpper(s.Return)
		if *notify != "" {
			s.Notify = strings.Split(strings.ToUpper(*notify), ",")
		}
		if b, _ := f.GetString("mode"); b != "" && b != "m" {
			return &usageError{c, fmt.Errorf("mode -b%s is not for this program", b)}
		}
		return nil
	}
	return c
}

// enqueue puts a message into the queue of the running program, or of the next.
// The message is read first: whoever writes it may take its time, and nobody
// else shall wait for the queue meanwhile.
func (p *program) enqueue(ctx context.Context, account string, s mailer.Submission) error {
	message, err := mailer.NewSpool(s.Data)
	if err != nil {
		return err
	}
	defer message.Close()
	var q mailer.Queued
	for deadline := time.Now().Add(stopTimeout + 10*time.Second); ; {
		s.Data = message.Open()
		q, err = p.handIn(ctx, account, s)
		// A program that stops took nothing, and is gone soon. Many who call
		// sendmail do not call it again.
		if !errors.Is(err, control.ErrNotRunning) && !errors.Is(err, mailer.ErrStopping) || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	if errors.Is(err, control.ErrNotRunning) {
		err = fmt.Errorf("%w: %w", mailer.ErrStopping, err)
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(q)
	}
	if q.Waiting && !p.sendmail {
		fmt.Fprintf(p.stderr, "Queued as %s. Nothing delivers it until traymail runs: traymail serve\n", q.ID)
	}
	return nil
}

func (p *program) handIn(ctx context.Context, account string, s mailer.Submission) (mailer.Queued, error) {
	m, done, err := p.reachQueue(ctx)
	if err != nil {
		return mailer.Queued{}, err
	}
	defer done()
	return m.Enqueue(ctx, account, s)
}

// sendNow submits a message without the queue.
func (p *program) sendNow(ctx context.Context, account string, s mailer.Submission) error {
	m, done, err := p.reach(ctx)
	if err != nil {
		return err
	}
	defer done()
	d, err := m.Send(ctx, account, s)
	if err != nil {
		return err
	}
	return p.reportSent(d)
}

// reportSent is silent on success, as sendmail is, and fails when a recipient
// was refused: the others have the message.
func (p *program) reportSent(d mailer.Delivery) error {
	if p.json {
		if err := p.printDelivery(d); err != nil {
			return err
		}
	}
	if len(d.Refused) == 0 {
		return nil
	}
	var refused []string
	for _, r := range d.Refused {
		refused = append(refused, r.Recipient+" ("+r.Reply+")")
	}
	return fmt.Errorf("sent to %s; refused: %s", strings.Join(d.Accepted, ", "), strings.Join(refused, ", "))
}

// untilDot ends the input at a line with a single dot.
func untilDot(r io.Reader) io.Reader { return &dotReader{in: bufio.NewReader(r), lineStart: true} }

type dotReader struct {
	in        *bufio.Reader
	rest      []byte
	lineStart bool
	done      bool
}

func (d *dotReader) Read(b []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.done {
			return 0, io.EOF
		}
		line, err := d.in.ReadSlice('\n')
		if d.lineStart && bytes.Equal(bytes.TrimRight(line, "\r\n"), []byte(".")) {
			d.done = true
			return 0, io.EOF
		}
		d.lineStart = err == nil
		d.rest = line
		if err != nil && err != bufio.ErrBufferFull {
			d.done = true
			if err != io.EOF {
				return 0, err
			}
		}
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
