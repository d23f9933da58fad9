package mailer

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/queue"
	"traymail/internal/relay"
	"traymail/smtp"
)

// deliver is the queue's Deliver: one attempt at one message.
func (e *engine) deliver(ctx context.Context, d *queue.Delivery) queue.Outcome {
	if p, ofAll, paused := e.userPause(d.Account); paused {
		// Another pause has just ended, or the account is new to the queue.
		pause := p.forQueue(ofAll)
		return queue.Outcome{Pause: &pause}
	}
	for {
		w, err := e.mailer.sender(ctx, d.Account)
		if err != nil {
			return e.failed(ctx, d, nil, nil, d.From, err)
		}
		m := &smtp.Message{
			From: d.From, UTF8: d.UTF8, Return: d.Return, EnvelopeID: d.EnvelopeID, Size: d.Size,
			Open: func() (io.ReadCloser, error) { return d.Open(ctx) },
		}
		for _, r := range d.Recipients {
			m.To = append(m.To, smtp.Recipient(r))
		}
		author := ""
		if w.account.Mailbox == account.FromMailbox {
			if author, err = authorOf(ctx, d); errors.Is(err, errLongHeader) {
				err = &smtp.Error{Op: smtp.OpMessage, Err: err} // it never gets shorter
			}
			if err != nil {
				return e.failed(ctx, d, w, nil, d.From, err)
			}
		}
		out := outgoing{Message: m, author: author, own: d.Client == relay.NoticeClient, resend: d.Resend, since: d.Received}
		receipt, err := w.submit(ctx, out)
		if errors.Is(err, errRetired) {
			continue // the account was changed meanwhile
		}
		if out.own && d.From == "" && refusesNullSender(err) {
			// Some servers take nothing from an authenticated client but its own
			// address. No notice answers another, so nothing can go round.
			m.From = w.account.Sender
			receipt, err = w.submit(ctx, out)
		}
		if err != nil {
			return e.failed(ctx, d, w, receipt, refusedSender(ctx, d, cmp.Or(author, m.From), err), err)
		}
		return e.taken(d, w.mailboxFor(author), receipt)
	}
}

// authorOf is whom a message is from by its header.
func authorOf(ctx context.Context, d *queue.Delivery) (string, error) {
	body, err := d.Open(ctx)
	if err != nil {
		return "", err
	}
	defer body.Close()
	fields, err := readHeader(bufio.NewReaderSize(body, maxHeader))
	if err != nil {
		return "", err
	}
	return firstAuthor(fields), nil
}

// refusedSender is the sender that a refusal is about: the envelope's or, where
// it may not be sent as, the header's.
func refusedSender(ctx context.Context, d *queue.Delivery, envelope string, err error) string {
	if !is(err, "send-as-denied") {
		return envelope
	}
	author, err := authorOf(ctx, d)
	if err != nil {
		return envelope
	}
	return cmp.Or(author, envelope)
}

func refusesNullSender(err error) bool {
	refused, ok := errors.AsType[*smtp.Error](err)
	return ok && refused.Code/100 == 5 && slices.Contains([]string{smtp.OpMAIL, smtp.OpDATA, smtp.OpBDAT}, refused.Op)
}

// taken is the outcome of a message that the server took, for some recipients
// at least.
func (e *engine) taken(d *queue.Delivery, mailbox string, r *smtp.Receipt) queue.Outcome {
	o := queue.Outcome{Results: results(d, r, true, 0), Reply: r.Reply.String(), Session: r.Session, ExchangeID: exchangeID(r.Reply.Text)}
	e.stats.count(d.Account, o, replyCode(o.Reply), r, e.mailer.now())
	e.alerts.mailboxes.delivered(d.Account, mailbox)
	e.restUntil(d.Account, 0)
	return o
}

// results has the verdict on each recipient: what the server refused at RCPT,
// and for the others whether it took the message; after is the least wait before
// it is tried again.
func results(d *queue.Delivery, r *smtp.Receipt, took bool, after time.Duration) []queue.Result {
	refused := map[string]*smtp.Error{}
	for _, e := range r.Refused {
		refused[e.Recipient] = e
	}
	var all []queue.Result
	for _, to := range d.Recipients {
		e := refused[to.Address]
		switch {
		case e == nil && took:
			all = append(all, queue.Result{Verdict: queue.Accepted, Relayed: !r.DSN})
		case e == nil:
			all = append(all, queue.Result{Verdict: queue.Retry, After: after})
		case e.Code/100 == 5:
			all = append(all, queue.Result{Verdict: queue.Refused, Reply: serverText(e)})
		default:
			all = append(all, queue.Result{Verdict: queue.Retry, After: after, Reply: serverText(e)})
		}
	}
	return all
}

// failed is the outcome of a message that was not taken. w is nil when not even
// the account could be had; r is nil when nothing was said. from is the sender
// that was refused, if one was.
func (e *engine) failed(ctx context.Context, d *queue.Delivery, w *sender, r *smtp.Receipt, from string, err error) queue.Outcome {
	refusal, _ := errors.AsType[*smtp.Error](err)
	g, _ := errors.AsType[*graph.Error](err)
	hold := g != nil && g.Unknown // also when the program stops: the next start would send it again
	unknown := hold || refusal != nil && refusal.Unknown
	if ctx.Err() != nil {
		return queue.Outcome{Reply: "cut short, because the program stops", Unknown: unknown, Hold: hold}
	}
	var a *account.Account
	if w != nil {
		a = w.account
		e.mailer.keepClaims(a, err)
		err = w.about(err)
	}
	t := troubleOf(err, a, from)
	if t.mailbox {
		err = aboutMailbox(err, w.mailboxFor(from))
		e.alerts.mailboxes.refused(d.Account, w.mailboxFor(from), refusalText(err), Fix(err), e.mailer.now())
		e.alerts.kick(false)
	}
	o := queue.Outcome{Reply: refusalText(err)}
	if r != nil {
		o.Session = r.Session
	}
	o.Unknown = unknown
	switch {
	case t.hold:
		o.Hold = true
	case t.cause != "":
		o.Pause = e.pause(d.Account, t, err)
	case r != nil && len(r.Refused) > 0 && !t.permanent || refusal != nil && refusal.Op == smtp.OpRCPT && r != nil:
		// What was refused is settled; the others have not got the message.
		o.Results = results(d, r, false, t.after)
	default:
		one := queue.Result{Verdict: queue.Retry, After: t.after}
		if t.permanent {
			one.Verdict = queue.Refused
		}
		for range d.Recipients {
			o.Results = append(o.Results, one)
		}
	}
	e.stats.count(d.Account, o, errorCode(err, o.Reply), r, e.mailer.now())
	e.log.Warn("not delivered", "id", d.ID, "account", d.Account, "attempt", d.Attempt, "message_id", d.MessageID, "reply", o.Reply, "cause", string(t.cause))
	return o
}

// pause notes why an account stands still, and until when.
func (e *engine) pause(account string, t trouble, err error) *queue.Pause {
	p := &queue.Pause{Cause: string(t.cause), Reason: plain(err), Here: t.cause.ofMachine()}
	switch {
	case t.cause == CauseThrottle:
		p.Until = e.restUntil(account, 1)
		if asked := e.mailer.now().Add(t.after); asked.After(p.Until) {
			p.Until = asked
		}
	case t.rest > 0:
		p.Until = e.mailer.now().Add(t.rest)
	case t.after > 0:
		p.Until = e.mailer.now().Add(t.after)
	}
	e.cure.noted(account, err)
	return p
}

// restUntil is until when a throttled account rests: 2 s after the first time,
// and twice as long each further time up to a minute; step 0 starts anew.
func (e *engine) restUntil(account string, step int) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if step == 0 {
		delete(e.throttled, account)
		return time.Time{}
	}
	e.throttled[account] += step
	rest := min(time.Second<<min(e.throttled[account], 6), time.Minute)
	return e.mailer.now().Add(rest)
}

// refusalText is what a server said, verbatim, or what failed before it.
func refusalText(err error) string {
	if refusal, ok := errors.AsType[*smtp.Error](err); ok && refusal.Code != 0 {
		return serverText(refusal)
	}
	return plain(err)
}

// exchangeIDForm is how Exchange names a message in its 250.
var exchangeIDForm = regexp.MustCompile(`<[^<>\s]+@[^<>\s]+>`)

func exchangeID(reply string) string { return exchangeIDForm.FindString(reply) }

// errorCode is replyCode of what was refused: Graph has words where a submission
// server has a second number.
func errorCode(err error, reply string) string {
	if g, ok := errors.AsType[*graph.Error](err); ok && g.Status != 0 && g.Op != graph.OpToken {
		return strings.TrimSpace(fmt.Sprint(g.Status, " ", g.Code))
	}
	return replyCode(reply)
}

// replyCode is a reply's code with its enhanced one, as metrics count them, and
// a word for what was no reply.
func replyCode(reply string) string {
	code, rest, _ := strings.Cut(reply, " ")
	if len(code) != 3 || strings.Trim(code, "0123456789") != "" {
		return "none"
	}
	enhanced, _, _ := strings.Cut(rest, " ")
	if parts := strings.Split(enhanced, "."); len(parts) == 3 && strings.Trim(enhanced, "0123456789.") == "" {
		return code + " " + enhanced
	}
	return code
}
