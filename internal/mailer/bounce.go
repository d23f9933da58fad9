package mailer

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/dsn"
	"traymail/internal/queue"
	"traymail/internal/relay"
)

// bounce is the queue's Bounce: it writes what tells a sender that a message
// was refused, is late, or went where no report comes from. Notices are never
// answered by another.
func (e *engine) bounce(ctx context.Context, n queue.Notice) (queue.Message, io.Reader, bool) {
	d := n.Delivery
	log := e.log.With("id", d.ID, "account", d.Account, "notice", string(n.Kind))
	a, err := e.noticeAccount(ctx, d.Account)
	if err != nil {
		log.Error("nobody can be told, because no account can be used", "error", err)
		return queue.Message{}, nil, false
	}
	own, err := e.mailer.Accounts().Load(d.Account)
	if err != nil {
		own = a
	}
	to := noticeTo(&d.Message, own)
	if to == "" {
		log.Warn("nobody is told: the message is a notice itself, or its sender cannot receive and the account has no notice_to", "from", cmp.Or(d.ReturnTo, d.From))
		return queue.Message{}, nil, false
	}
	r := &dsn.Report{
		Kind: noticeKinds[n.Kind], ReportingMTA: e.hostname, From: a.Sender, To: to, MessageID: newMessageID(a.Sender),
		Date: e.mailer.now(), Arrival: d.Received, EnvelopeID: d.EnvelopeID, Expires: n.Expires, Account: d.Account,
		MaxOriginal:       int64(a.MaxSizeMB) << 20 / 2,
		OriginalMessageID: d.MessageID, OriginalSubject: d.Subject, Return: d.Return,
		Original: func() (io.ReadCloser, error) { return d.Open(ctx) },
	}
	if !e.sameDomain(d.Account, a) {
		r.Return = "HDRS" // another organisation's server need not see the message
	}
	reason, reasonFix := e.pauseOf(ctx, d.Account)
	mailbox := ""
	if own.Mailbox == account.FromMailbox {
		if mailbox, err = authorOf(ctx, &d); err != nil {
			log.Warn("whose mailbox it was to leave through is not known", "error", err)
		}
	}
	for _, rcpt := range n.Recipients {
		fix := fixOfReply(own, mailbox, rcpt.Reply)
		to := dsn.Recipient{Address: rcpt.Address, Original: rcpt.OriginalRecipient, Reply: rcpt.Reply, Fix: fix}
		expired := strings.HasPrefix(rcpt.Reply, "not delivered within ")
		if expired {
			to.Status = "4.4.7" // the time ran out (RFC 3463 §3.5)
		}
		if replyCode(rcpt.Reply) != "none" {
			to.RemoteMTA = own.SMTPHost // which said so
		} else if reason != "" && n.Kind != queue.NoticeRelayed && (expired || rcpt.Reply == "") {
			// It never came to an attempt, because of the account.
			to.Reply = strings.TrimPrefix(rcpt.Reply+"; the account waits: "+reason, "; ")
			to.Fix = cmp.Or(to.Fix, reasonFix)
		}
		r.Recipients = append(r.Recipients, to)
	}
	m := queue.Message{
		Envelope: queue.Envelope{Recipients: []queue.Recipient{{Address: to}}, UTF8: !isASCII([]byte(to))},
		Account:  a.Name, Client: relay.NoticeClient, MessageID: r.MessageID, Subject: noticeSubjects[n.Kind] + d.Subject,
	}
	body, err := r.Open()
	if err != nil && r.Original != nil {
		r.Original = nil // better a notice without the message than none
		body, err = r.Open()
	}
	if err != nil {
		log.Error("nobody is told, because the notice cannot be written", "error", err)
		return queue.Message{}, nil, false
	}
	return m, body, true
}

// noticeAccount is the account that a notice goes through: the message's own or,
// while that waits for a person, another that sends, if there is one. When it was
// removed or broken it is the one that sends by default.
func (e *engine) noticeAccount(ctx context.Context, name string) (*account.Account, error) {
	a, err := e.mailer.Accounts().Load(name)
	if err == nil {
		accounts, err := e.accounts(ctx)
		if err != nil || !slices.ContainsFunc(accounts, func(s AccountStatus) bool { return s.Name == name && s.State == Attention }) {
			return a, nil
		}
		return cmp.Or(e.alerts.route(accounts, name, true), a), nil
	}
	other, otherErr := e.mailer.forSender("")
	if otherErr != nil || other == name {
		return nil, err
	}
	return e.mailer.Accounts().Load(other)
}

// sameDomain reports whether a sends for the domain of the account of a name.
func (e *engine) sameDomain(name string, a *account.Account) bool {
	if a.Name == name {
		return true
	}
	own, err := e.mailer.Accounts().Load(name)
	return err == nil && strings.EqualFold(domainOf(own.Sender), domainOf(a.Sender))
}

// pauseOf is why an account is paused and what to do, "" when it is not.
func (e *engine) pauseOf(ctx context.Context, name string) (reason, fix string) {
	accounts, err := e.queue.Accounts(ctx)
	if err != nil {
		return "", ""
	}
	for _, a := range accounts {
		if a.Name == name && !a.Paused.IsZero() {
			return a.Reason, e.fixOf(a)
		}
	}
	return "", ""
}

// noticeTo is whom to tell about a message: its sender, who may stand behind a
// forced one, or when that cannot receive whom the account names; "" is nobody.
// Of a notice nobody is told, and of what has the null sender.
func noticeTo(m *queue.Message, a *account.Account) string {
	if m.From == "" || m.Client == relay.NoticeClient {
		return ""
	}
	if to := cmp.Or(m.ReturnTo, m.From); dsn.CanReceive(to) {
		return to
	}
	return a.NoticeTo
}

// noticeSubjects begin the subject of a notice in the record.
var noticeSubjects = map[queue.NoticeKind]string{queue.NoticeFailed: "Undelivered: ", queue.NoticeDelayed: "Delayed: ", queue.NoticeRelayed: "Relayed: "}

var noticeKinds = map[queue.NoticeKind]dsn.Kind{queue.NoticeFailed: dsn.Failed, queue.NoticeDelayed: dsn.Delayed, queue.NoticeRelayed: dsn.Relayed}
