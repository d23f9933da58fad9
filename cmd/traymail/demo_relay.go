package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"traymail/internal/mailer"
	"traymail/internal/relay"
)

// relayedMessage is what became of the message that a tool handed over.
type relayedMessage struct {
	RelayReply string `json:"relay_reply"` // what the tool was told, before anything was delivered
	SMTPReply  string `json:"smtp_reply"`  // what the server said to traymail
	MessageID  string `json:"message_id"`
	QueueID    string `json:"queue_id"`

	to string
}

// handToRelay starts the relay and hands a message over, as a tool of this
// machine does.
func (p *program) handToRelay(ctx context.Context, r *rehearsal) (relayedMessage, error) {
	const settings = "[[listener]]\nname = \"demo\"\naddress = \"127.0.0.1:0\"\n"
	if err := os.WriteFile(filepath.Join(r.mailer.Home, "traymail.toml"), []byte(settings), 0o600); err != nil {
		return relayedMessage{}, err
	}
	password, hash := relay.NewPassword()
	if err := r.mailer.ClientFiles().Save(&mailer.Client{Name: "scanner", PasswordHash: hash}); err != nil {
		return relayedMessage{}, err
	}
	if err := r.mailer.Start(ctx); err != nil {
		return relayedMessage{}, err
	}
	s, err := r.mailer.Status(ctx)
	if err != nil {
		return relayedMessage{}, err
	}
	address := s.Listeners[0].Address
	p.tell("The relay listens on %s. A tool that knows no OAuth signs in there as \"scanner\", with a password of its own.", address)
	to := "ops@" + r.ready.Domain
	reply, err := handOver(ctx, address, "scanner", password, r.user.Username, to)
	if err != nil {
		return relayedMessage{}, fmt.Errorf("handing a message to the relay: %w", err)
	}
	p.tell("It hands over a message and is told: %s. From here on the queue answers for it.", reply)
	return relayedMessage{RelayReply: reply, to: to}, nil
}

// awaitRelayed waits until the message has been delivered, which may be once
// somebody has signed in.
func (p *program) awaitRelayed(ctx context.Context, r *rehearsal, m *relayedMessage) error {
	found := errors.New("found")
	err := r.mailer.Watch(ctx, func(mailer.Status) error {
		list, err := r.mailer.Messages(ctx, mailer.Filter{Address: m.to})
		if err != nil || len(list) == 0 || list[0].Finished.IsZero() {
			return err
		}
		record, err := r.mailer.Message(ctx, list[0].ID)
		if err != nil {
			return err
		}
		last := record.Attempts[len(record.Attempts)-1]
		if last.Outcome != "delivered" {
			return fmt.Errorf("the message that was handed to the relay was not delivered: %s", last.Reply)
		}
		p.tell("Delivered in the background, at attempt %d. The server said: %s", last.N, last.Reply)
		m.SMTPReply, m.MessageID, m.QueueID = last.Reply, record.MessageID, record.ID
		return found
	})
	if err == found {
		return nil
	}
	return err
}

// handOver sends one message as a plain SMTP client does, and returns the reply
// to it.
func handOver(ctx context.Context, address, user, password, from, to string) (reply string, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	c := gosmtp.NewClient(conn)
	defer c.Close()
	if err := c.Auth(sasl.NewPlainClient("", user, password)); err != nil {
		return "", err
	}
	if err := c.Mail(from, nil); err != nil {
		return "", err
	}
	if err := c.Rcpt(to, nil); err != nil {
		return "", err
	}
	w, err := c.Data()
	if err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(w, "From: %s\r\nTo: %s\r\nSubject: Scan 1\r\n\r\nFrom a tool that knows no OAuth.\r\n", from, to); err != nil {
		return "", err
	}
	answer, err := w.CloseWithResponse()
	if err != nil {
		return "", err
	}
	return "250 " + answer.StatusText, c.Quit()
}
