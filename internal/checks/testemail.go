package checks

import (
	"context"
	"fmt"

	"traymail/internal/account"
)

// A delivery is what became of the test email.
type delivery struct {
	tried bool
	sent  Sent
	err   error
}

// deliver sends the test email, once for both checks that look at what becomes
// of it.
func (r *run) deliver(ctx context.Context) (Sent, error) {
	if !r.delivery.tried || r.again {
		sent, err := r.SendTest(ctx)
		r.delivery = delivery{true, sent, err}
	}
	return r.delivery.sent, r.delivery.err
}

// testEmail sends the test email, unless that is done.
func (r *run) testEmail(ctx context.Context) Result {
	if r.options.NoSend {
		return skipped("not sent, as it was asked for")
	}
	sent, err := r.deliver(ctx)
	if err != nil {
		summary := "the test email was not accepted"
		switch j := judge(err); {
		case j.unknown:
			summary = "nobody knows whether the test email was accepted: look for it in the Inbox of its recipient"
		case j.temporary:
			summary = "the test email was not accepted for now"
		}
		return r.refused(Fail, err, summary)
	}
	over := ""
	if sent.OverGraph && r.Account.Transport == account.Auto {
		over = " through Microsoft Graph"
	}
	result := passed("the test email to %s was accepted%s", sent.To, over)
	result.Reply = oneLine(sent.Reply)
	result.Detail = fmt.Sprintf("That is not yet its arrival: look into the Inbox of %s, and into Junk.", sent.To)
	return result
}
