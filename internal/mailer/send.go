package mailer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/smtp"
)

// A Delivery is a message that the server has taken.
type Delivery struct {
	Account   string `json:"account"`
	Username  string `json:"username"`
	From      string `json:"from"`
	MessageID string `json:"message_id"`
	// Reply is the server's, verbatim.
	Reply string `json:"smtp_reply"` // Graph's answer stands in the same form
	// Accepted and Refused are the recipients; a message may reach some only.
	Accepted []string  `json:"accepted"`
	Refused  []Refusal `json:"refused,omitempty"`
	// RoundTrips is how often the client waited for the server.
	RoundTrips int           `json:"round_trips"`
	TLS        string        `json:"tls,omitempty"`
	Elapsed    time.Duration `json:"-"`
	// Warnings are what the access token says that may not work elsewhere, and
	// that SMTP was not used where it should be.
	Warnings []Warning `json:"warnings,omitempty"`
}

// A Refusal is a recipient that the server did not take.
type Refusal struct {
	Recipient string `json:"recipient"`
	Reply     string `json:"reply"`
}

// Send submits one message now, by the account's From policy. Without a name the account is the one that
// sends for the envelope's sender or, without that, for the header's From. The
// error of a refusal holds the server's own text; a message that only some
// recipients got is a Delivery with Refused.
func (m *Mailer) Send(ctx context.Context, name string, s Submission) (Delivery, error) {
	p, err := prepare(s)
	if err != nil {
		return Delivery{}, err
	}
	defer p.Close()
	if name == "" {
		if name, err = m.forSender(cmp.Or(s.From, p.from)); err != nil {
			return Delivery{}, err
		}
	}
	for {
		d, err := m.submit(ctx, name, s, p)
		if errors.Is(err, errRetired) {
			continue // the account was changed meanwhile
		}
		return d, err
	}
}

// submit is Send with the account it chose.
func (m *Mailer) submit(ctx context.Context, name string, s Submission, p *prepared) (Delivery, error) {
	w, err := m.sender(ctx, name)
	if err != nil {
		return Delivery{}, err
	}
	if err := p.qualify(w.account); err != nil {
		return Delivery{}, about(w.account, err)
	}
	if isBare(s.From) {
		s.From = ""
	}
	from := cmp.Or(s.From, w.account.Sender)
	p.name(from, s.FullName)
	if s.Null {
		from = ""
	}
	if from, err = p.obey(w.account, from); err != nil {
		return Delivery{}, about(w.account, err)
	}
	p.complete(cmp.Or(from, w.account.Sender), s.FullName, m.now())
	start := m.now()
	message := p.message(from, s)
	receipt, err := w.submit(ctx, outgoing{Message: message, author: cmp.Or(p.from, from)})
	from = message.From
	if err != nil {
		m.keepClaims(w.account, err)
		return Delivery{}, w.about(err)
	}
	d := delivery(w, from, p, receipt, m.now().Sub(start))
	d.Warnings = w.notes(w.mailboxFor(cmp.Or(p.from, from)))
	return d, nil
}

func delivery(w *sender, from string, p *prepared, r *smtp.Receipt, elapsed time.Duration) Delivery {
	d := Delivery{
		Account: w.account.Name, Username: w.account.Username, From: from, MessageID: p.messageID,
		Reply: r.Reply.String(), RoundTrips: r.RoundTrips, TLS: tlsName(r.TLS), Elapsed: elapsed,
	}
	refused := map[string]bool{}
	for _, e := range r.Refused {
		refused[e.Recipient] = true
		d.Refused = append(d.Refused, Refusal{Recipient: e.Recipient, Reply: serverText(e)})
	}
	for _, to := range p.recipients {
		if !refused[to] {
			d.Accepted = append(d.Accepted, to)
		}
	}
	return d
}

// serverText is what the server said, verbatim.
func serverText(e *smtp.Error) string { return smtp.Reply{Code: e.Code, Text: e.Text}.String() }

func tlsName(version uint16) string {
	if version == 0 {
		return "no TLS"
	}
	return tls.VersionName(version)
}

// SendTest sends the test email; to may be empty for the account's own test
// address, and without one the sender gets it.
func (m *Mailer) SendTest(ctx context.Context, name, to string) (Delivery, error) {
	return m.sendTest(ctx, name, "", to)
}

// sendTest is SendTest from an address; "" is the account's sender.
func (m *Mailer) sendTest(ctx context.Context, name, from, to string) (Delivery, error) {
	w, err := m.sender(ctx, name)
	if err != nil {
		return Delivery{}, err
	}
	w.renew(ctx)
	a := w.account
	for _, other := range []string{a.TestTo, a.Sender} {
		if to == "" {
			to = other
		}
	}
	from = cmp.Or(from, a.Sender)
	agent := ""
	if a.OnBehalf && !strings.EqualFold(a.Username, from) { // as the relay does it
		agent = "Sender: <" + a.Username + ">\n"
	}
	return m.Send(ctx, name, Submission{From: from, To: []string{to}, Data: strings.NewReader(fmt.Sprintf(testEmail,
		from, agent, to, a.Name, a.Username, from, w.serverName(), m.now().Format(time.RFC1123Z)))})
}

// serverName is where messages go, for people.
func (w *sender) serverName() string {
	if w.overGraph(w.mailboxFor("")) {
		return w.account.GraphURL
	}
	return fmt.Sprintf("%s, port %d", w.account.SMTPHost, w.account.SMTPPort)
}

const testEmail = `From: <%s>
%sTo: <%s>
Subject: Test email from traymail
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

This is the test email of traymail. It arrived, so the account works.

Account:   %s
Signed in: %s
Sender:    %s
Server:    %s
Sent:      %s
`

// forSender returns the account that sends for an address: the one whose
// sender it is or which lists it, else the one that lists its domain, else the
// one whose username it is, else the one that the settings name, else the only
// one.
func (m *Mailer) forSender(address string) (string, error) {
	names, err := m.Accounts().Names()
	if err != nil {
		return "", err
	}
	byDomain, byUsername := "", ""
	var broken []error
	domain := address[max(strings.LastIndexByte(address, '@'), 0):]
	for _, name := range names {
		a, err := m.Accounts().Load(name)
		lists := func(what string) bool {
			return slices.ContainsFunc(a.Senders, func(s string) bool { return strings.EqualFold(s, what) })
		}
		switch {
		case err != nil:
			broken = append(broken, err)
		case strings.EqualFold(a.Sender, address) || lists(address):
			return name, nil
		case lists(domain):
			byDomain = cmp.Or(byDomain, name)
		case strings.EqualFold(a.Username, address):
			byUsername = name
		}
	}
	settings, err := ReadSettings(m.Home)
	if err != nil {
		return "", err
	}
	switch {
	case byDomain != "", byUsername != "":
		return cmp.Or(byDomain, byUsername), nil
	case settings.Relay.DefaultAccount != "":
		return settings.Relay.DefaultAccount, nil
	case len(names) == 1:
		return names[0], nil
	case len(broken) > 0:
		return "", errors.Join(broken...) // one of them may be meant
	case len(names) == 0:
		return "", &account.FieldError{Text: "there is no account", Fix: "add one: traymail account add ACCOUNT --username ADDRESS --client-id ID"}
	case address == "":
		return "", &account.FieldError{Text: fmt.Sprintf("the message names no sender, and there are several accounts (%s)", strings.Join(names, ", ")), Fix: "name one with --account, or a sender with -f"}
	}
	return "", &account.FieldError{Text: fmt.Sprintf("none of the accounts (%s) sends as %s", strings.Join(names, ", "), address), Fix: "name one with --account, or give an account this sender"}
}
