package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"traymail/internal/account"
	"traymail/internal/graph"
)

// A delivery is what became of the test email.
type delivery struct {
	tried bool
	took  time.Duration
	sent  Sent
	err   error
}

// deliver sends the test email, once for both checks that look at what becomes
// of it.
func (r *run) deliver(ctx context.Context) (Sent, error) {
	if !r.delivery.tried || r.again {
		began := r.Now()
		ctx, cancel := context.WithTimeout(ctx, r.within(taking))
		defer cancel()
		sent, err := r.SendTest(ctx)
		if rest := restOf(err); rest > 0 && r.pause(ctx, rest) {
			sent, err = r.SendTest(ctx)
		}
		r.delivery = delivery{true, r.Now().Sub(began), sent, err}
	}
	return r.delivery.sent, r.delivery.err
}

// taking is the longest wait for the other side to take the test email. Exchange
// holds one back for a minute where there were many.
const taking = 100 * time.Second

// maxRest is the longest that the test email waits when it is asked to.
const maxRest = 10 * time.Second

// restOf is how long the other side wants to be left alone before the same
// message is sent again, 0 when that is not so, or too long.
func restOf(err error) time.Duration {
	e, ok := errors.AsType[*graph.Error](err)
	if !ok || e.Unknown || !e.Throttled() || e.RetryAfter > maxRest {
		return 0
	}
	return e.RetryAfter
}

// slow is how long a server takes a message for that it holds back.
const slow = 15 * time.Second

// testEmail sends the test email, unless that is done.
func (r *run) testEmail(ctx context.Context) Result {
	if r.options.NoSend {
		return skipped("not sent, as it was asked for")
	}
	sent, err := r.deliver(ctx)
	if err != nil {
		if result, without := r.noMailboxAtGraph(err); without {
			return result
		}
		summary := "the test email was not accepted"
		switch j := judge(err); {
		case j.unknown:
			result := r.refused(Warn, err, "nobody knows whether the test email was accepted: it may have been sent")
			result.Fix, result.Command = "look into the Inbox of its recipient, before another one is sent", ""
			return result
		case j.temporary:
			summary = "the test email was not accepted for now"
		case j.finding == "graph-permission-missing" && r.noGraphRole():
			return r.withoutGraphRole(Fail, j.reply)
		}
		return r.refused(Fail, err, summary)
	}
	over := ""
	if sent.OverGraph && r.Account.Transport == account.Auto {
		over = " through Microsoft Graph"
	}
	if d := r.delivery.took; d >= slow && !sent.OverGraph {
		result := r.found("submission-rate", Warn, fmt.Sprintf("the test email to %s was accepted, after %d seconds", sent.To, int(d.Seconds())), sent.Reply)
		result.Detail = "Exchange holds messages back when a mailbox has submitted more than 30 within a minute. Whether it was that, the server does not say: a slow server looks the same."
		result.Fix = "wait a minute and see whether it is as slow then; if not, send less in a minute"
		result.Command = ""
		return result
	}
	result := passed("the test email to %s was accepted%s", sent.To, over)
	result.Reply = oneLine(sent.Reply)
	result.Detail = fmt.Sprintf("That is not yet its arrival: look into the Inbox of %s, and into Junk.", sent.To)
	return result
}
