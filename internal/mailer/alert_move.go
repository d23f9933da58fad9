package mailer

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/relay"
)

// moveNotices has the notices that wait for an account which waits for a person
// leave through another one that sends. A crash in between may send one twice.
func (l *alerts) moveNotices(ctx context.Context, accounts []AccountStatus, name string) {
	e := l.engine
	log := e.log.With("account", name)
	waiting, err := e.queue.List(ctx, queue.Filter{State: queue.Queued, Account: name, Client: relay.NoticeClient})
	if err != nil {
		log.Error("notices that wait cannot be listed", "error", err)
		return
	}
	if len(waiting) == 0 {
		l.stranded[name] = false
		return
	}
	through := l.route(accounts, name, true)
	if through == nil || through.Name == name {
		if !l.stranded[name] {
			log.Warn("notices wait with the account, because no other can send now", "notices", len(waiting))
		}
		l.stranded[name] = true
		return
	}
	l.stranded[name] = false
	for _, m := range waiting {
		id, err := e.moveNotice(ctx, m.ID, through)
		if err != nil {
			log.Error("a notice that waits cannot leave through another account", "id", m.ID, "through", through.Name, "error", err)
			return
		}
		log.Info("a notice leaves through another account", "id", m.ID, "through", through.Name, "new_id", id)
	}
}

// moveNotice queues a notice anew, from another account's sender, and takes the
// old one out.
func (e *engine) moveNotice(ctx context.Context, id string, to *account.Account) (moved string, err error) {
	r, err := e.queue.Get(ctx, id)
	if err != nil {
		return "", err
	}
	body, err := e.queue.Body(ctx, id)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text := bufio.NewReaderSize(body, maxHeader)
	fields, err := readHeader(text)
	if err != nil {
		return "", err
	}
	var header bytes.Buffer
	for _, f := range fields {
		if name, _, _ := strings.Cut(f.value(), " <"); strings.EqualFold(f.name, "from") {
			header.WriteString("From: " + name + " <" + to.Sender + ">\r\n")
			continue
		}
		header.Write(f.raw)
	}
	header.WriteString("\r\n")
	m := queue.Message{
		Envelope: queue.Envelope{From: r.From, UTF8: r.UTF8 || !isASCII([]byte(to.Sender)), Return: r.Return, EnvelopeID: r.EnvelopeID},
		Account:  to.Name, Client: r.Client, MessageID: r.MessageID, Subject: r.Subject,
	}
	for _, p := range r.Recipients {
		if p.State == queue.Queued {
			m.Recipients = append(m.Recipients, p.Recipient)
		}
	}
	if moved, err = e.queue.Accept(ctx, m, io.MultiReader(&header, text)); err != nil {
		return "", err
	}
	return moved, e.queue.Remove(ctx, id)
}
