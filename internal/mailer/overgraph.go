package mailer

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/smtp"
)

// backToSMTP is after how long an account that fell back to Graph tries SMTP
// again: somebody may have switched it on.
const backToSMTP = 24 * time.Hour

// overGraph reports whether a mailbox's messages leave through Graph just now.
func (w *sender) overGraph(mailbox string) bool {
	if w.account.Transport == account.Graph {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f, fell := w.insteadOfSMTP[mailbox]
	return fell && f.holds(w.mailer.now())
}

// holds reports whether the fallback is still in force. A clock that was ahead
// does not prolong it.
func (f fallback) holds(now time.Time) bool { return now.Sub(f.since).Abs() < backToSMTP }

// insteadOf returns which mailboxes fell back to Graph, with the latest refusal.
func (w *sender) insteadOf() (mailboxes []string, reply string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var latest time.Time
	for mailbox, f := range w.insteadOfSMTP {
		if !f.holds(w.mailer.now()) {
			continue
		}
		mailboxes = append(mailboxes, mailbox)
		if !f.since.Before(latest) {
			latest, reply = f.since, f.reply
		}
	}
	slices.Sort(mailboxes)
	return mailboxes, reply
}

// fallBack notes why a mailbox's messages leave through Graph, and reports whether
// that is news.
func (w *sender) fallBack(mailbox, reply string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.mailer.now()
	maps.DeleteFunc(w.insteadOfSMTP, func(_ string, f fallback) bool { return !f.holds(now) })
	if w.insteadOfSMTP == nil {
		w.insteadOfSMTP = map[string]fallback{}
	}
	_, known := w.insteadOfSMTP[mailbox]
	w.insteadOfSMTP[mailbox] = fallback{since: now, reply: reply}
	return !known // others may have met it at the same time
}

// fallsBack reports whether a refusal means that a mailbox's messages leave
// through Graph from now on.
func (w *sender) fallsBack(mailbox string, err error) bool {
	var refused *smtp.Error
	if w.account.Transport != account.Auto || !errors.As(err, &refused) || !is(err, "smtp-auth-off-tenant") && !is(err, "smtp-auth-off-mailbox") {
		return false
	}
	if w.fallBack(mailbox, serverText(refused)) {
		w.mailer.unasked().Warn("SMTP AUTH is switched off, and messages leave through Microsoft Graph", "account", w.account.Name,
			"mailbox", cmp.Or(mailbox, w.account.Username), "reply", serverText(refused))
	}
	return true
}

// submitToGraph sends a message through Graph, and tells of it in the words of
// a submission server.
func (w *sender) submitToGraph(ctx context.Context, c *graph.Client, mailbox string, m outgoing) (*smtp.Receipt, error) {
	// A report (RFC 3464) has no form without a copy in Sent Items, and whoever
	// wrote a message must hear what became of it.
	g := &graph.Message{Mailbox: mailbox, From: m.From, SkipSentItems: w.account.SkipSentItems && !m.own, Open: m.Open, Resend: m.resend, Since: m.since}
	for _, to := range m.To {
		g.To = append(g.To, to.Address)
	}
	r, err := c.Send(ctx, g)
	if err != nil {
		return nil, err
	}
	reply := smtp.Reply{Code: http.StatusAccepted, Text: strings.TrimPrefix(r.Reply, "202 ")}
	return &smtp.Receipt{Reply: reply, Session: "Graph " + c.BaseURL, TLS: tls.VersionTLS12, RoundTrips: r.Requests}, nil
}

// graphTrouble is troubleOf for a refusal by Graph. What only the next message
// can find out has a rest, for Ready proves no permission.
func graphTrouble(e *graph.Error, a *account.Account, from string) trouble {
	switch {
	case e.Unknown:
		// It may have been sent. Nobody sends it again but a person.
		return trouble{hold: true}
	case e.Op == graph.OpRead:
		return trouble{}
	case e.Op == graph.OpToken && (errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded)):
		return trouble{cause: CauseNetwork}
	case e.Throttled():
		return trouble{cause: CauseThrottle, after: e.RetryAfter}
	case e.Status == 0 && e.Temporary() && e.Account():
		return trouble{cause: CauseNetwork}
	case e.Temporary():
		return trouble{after: e.RetryAfter}
	case e.Status == 0 && e.Account():
		return trouble{cause: CauseSettings}
	case e.Account() && othersMailbox(a, from):
		// This mailbox lacks a permission, or is none, and the others go on.
		return trouble{mailbox: true, after: mailboxRest}
	case e.Code == "ErrorExceededMessageLimit":
		return trouble{cause: CauseQuota, rest: time.Hour}
	case e.Account(), is(e, "send-as-denied") && a != nil && strings.EqualFold(from, a.Sender):
		return trouble{cause: CauseProvider, rest: 15 * time.Minute}
	}
	return trouble{permanent: true}
}

// othersMailbox reports whether a message with the envelope sender from leaves
// through a mailbox that only some of the account's messages leave through.
func othersMailbox(a *account.Account, from string) bool {
	return a != nil && a.Mailbox == account.FromMailbox && !strings.EqualFold(from, a.Sender)
}

// graphClient reaches Graph. It keeps its connection, for a message may take
// several requests; the time of each is graph.Client's to bound.
func (m *Mailer) graphClient(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: m.transport(roots)}
}
