package mailer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"

	"traymail/internal/account"
	"traymail/internal/relay"
)

// bareForm is a local user without a domain, with the name that cron and others
// put behind it.
var bareForm = regexp.MustCompile(`^[A-Za-z0-9._-]+( \([^()]*\))?$`)

func isBare(address string) bool { return bareForm.MatchString(address) }

// qualify replaces local users, whom no mail system elsewhere knows: as
// recipients by the account's notice address, in From by its sender, whose name
// then tells the user.
func (p *prepared) qualify(a *account.Account) error {
	for i, to := range p.recipients {
		switch {
		case !isBare(to):
		case a.NoticeTo == "":
			return &account.FieldError{Text: fmt.Sprintf("the recipient %q is a user of this machine, and nothing says who gets mail for those", to),
				Fix: "name who does: traymail account edit " + a.Name + " --notice-to ADDRESS"}
		default:
			p.recipients[i] = a.NoticeTo
		}
	}
	for i, f := range p.fields {
		if strings.EqualFold(f.name, "from") && isBare(f.value()) {
			p.fields[i].raw = []byte("From: " + (&mail.Address{Name: f.value(), Address: a.Sender}).String() + "\r\n")
			p.from = a.Sender
		}
	}
	return nil
}

// name adds a From field with a full name, if there is one to add and no author.
func (p *prepared) name(sender, fullName string) {
	if p.from == "" && fullName != "" {
		own := field{"From", []byte("From: " + (&mail.Address{Name: fullName, Address: sender}).String() + "\r\n")}
		p.fields = append([]field{own}, p.fields...)
	}
}

// obey has the header follow the account's From policy, and returns the envelope
// sender that goes with it.
func (p *prepared) obey(a *account.Account, from string) (string, error) {
	ra := relayAccount(a)
	rewritten, from, err := ra.Rewrite(bytes.NewReader(p.raw()), from)
	if err != nil || rewritten == nil {
		return from, err
	}
	p.fields, err = readHeader(bufio.NewReaderSize(bytes.NewReader(rewritten), maxHeader))
	p.from = firstAuthor(p.fields)
	return from, err
}

// Enqueue puts one message into the queue; from then on nothing loses it. It
// passes the same rules as one that comes over SMTP: the account's From policy,
// its size, what a header must have. Without a name the account is chosen as by
// Send. An error that matches ErrQueueFull is temporary.
func (m *Mailer) Enqueue(ctx context.Context, name string, s Submission) (Queued, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return Queued{}, err
	}
	if e.relay == nil {
		return Queued{}, e.unsound
	}
	r := bufio.NewReaderSize(s.Data, maxHeader)
	fields, err := readHeader(r)
	if err != nil {
		return Queued{}, err
	}
	p := &prepared{fields: fields}
	if err := p.address(s); err != nil {
		return Queued{}, err
	}
	if name == "" {
		if name, err = m.forSender(cmp.Or(s.From, p.from)); err != nil {
			return Queued{}, err
		}
	}
	a, err := m.Accounts().Load(name)
	if err != nil {
		return Queued{}, err
	}
	if err := p.qualify(a); err != nil {
		return Queued{}, about(a, err)
	}
	if isBare(s.From) {
		s.From = "" // a local user, as cron names it
	}
	envelope := relay.Message{From: cmp.Or(s.From, a.Sender), Return: s.Return, EnvelopeID: s.EnvelopeID}
	if s.Null {
		envelope.From = ""
	}
	for _, to := range p.recipients {
		envelope.Recipients = append(envelope.Recipients, relay.Recipient{Address: to, Notify: s.Notify})
	}
	p.name(cmp.Or(s.From, a.Sender), s.FullName)
	header := p.raw()
	envelope.SMTPUTF8 = !isASCII(header) || !isASCII([]byte(strings.Join(p.recipients, ""))) || !isASCII([]byte(envelope.From))
	id, err := e.relay.Submit(ctx, relay.Client{Name: relay.CommandClient, Account: name}, envelope,
		io.MultiReader(bytes.NewReader(header), strings.NewReader("\r\n"), r))
	if err != nil {
		if refusal, ok := errors.AsType[*relay.Refusal](err); ok && refusal == relay.ErrFull {
			err = ErrQueueFull
		}
		return Queued{}, about(a, err)
	}
	q := Queued{ID: id, Account: name, Recipients: p.recipients, Waiting: e.started.IsZero()}
	// The message is taken, whatever happens now.
	if record, err := e.queue.Get(context.WithoutCancel(ctx), id); err == nil {
		q.MessageID = record.MessageID
	}
	return q, nil
}
