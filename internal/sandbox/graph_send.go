package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A graphItem is a message in a mailbox: a draft, or what was sent.
type graphItem struct {
	id      string
	mailbox string
	draft   bool
	message graphMessage
	// mime is a message that came as MIME; changed are the properties that were
	// patched since, which then hold instead of its header.
	mime    *mimePart
	changed map[string]bool
	created time.Time
	sent    time.Time
	gone    bool // sent or deleted while an attachment was on its way
}

// size is what counts against the limit: octets before their encoding.
func (i *graphItem) size() int {
	n := len(i.message.Body.Content)
	if i.mime != nil {
		n += len(i.mime.body)
	}
	for _, a := range i.message.Attachments {
		n += len(a.Content)
	}
	return n
}

// say is the answer for an error of a request's body.
func (m *graphMail) say(err error) answer {
	var bad badProperty
	if errors.As(err, &bad) {
		return m.refuse(http.StatusBadRequest, bad.code, bad.text)
	}
	return m.refuse(http.StatusBadRequest, "BadRequest", textBadJSON)
}

// readItem makes an item of a request's body, MIME or JSON.
func (m *graphMail) readItem(c *mailCall, raw json.RawMessage) (*graphItem, error) {
	item := &graphItem{id: newGraphID(), mailbox: c.mailbox, created: m.now(), changed: map[string]bool{}}
	if c.isMIME() {
		message, ok := decodeMIME(c.body)
		if !ok {
			return nil, badProperty{"ErrorMimeContentInvalidBase64String", textBadBase64}
		}
		p := parseMIME(message)
		item.mime = &p
		item.message.readHeader(p)
	} else {
		var err error
		if item.message, _, err = decodeMessage(raw); err != nil {
			return nil, err
		}
	}
	if item.message.MessageID == "" {
		item.message.MessageID = "<" + strings.ToUpper(randomHex(16)) + "@" + mailboxHost + ">"
	}
	return item, nil
}

// sendMail is POST …/sendMail.
func (m *graphMail) sendMail(c *mailCall) answer {
	var request struct {
		Message json.RawMessage `json:"message"`
		Save    *bool           `json:"saveToSentItems"`
	}
	if !c.isMIME() {
		if refused, ok := m.readJSON(c, &request); !ok {
			return refused
		}
		if request.Message == nil || string(request.Message) == "null" { // assumed
			return m.refuse(http.StatusBadRequest, "ErrorInvalidParameter", "The value of the parameter 'Message' is empty.")
		}
	}
	item, err := m.readItem(c, request.Message)
	if err != nil {
		return m.say(err)
	}
	return m.submit(c, item, request.Save == nil || *request.Save)
}

// submit sends an item that nobody else has, and keeps it in Sent Items if save.
func (m *graphMail) submit(c *mailCall, item *graphItem, save bool) answer {
	to, err := item.message.recipients()
	if err != nil {
		return m.say(err)
	}
	from, ok := m.setSender(c, item)
	switch {
	case !ok:
		return m.refuse(http.StatusForbidden, "ErrorSendAsDenied", textSendAs)
	case item.size() > graphMaxMessage:
		return m.refuse(http.StatusBadRequest, "ErrorMessageSizeExceeded", textTooLarge)
	}
	now := m.now()
	data := item.compose(now)
	sent := Message{
		ReceivedAt: now, Over: "graph", User: c.user(), From: from, To: to,
		MessageID: item.message.MessageID, Subject: item.message.Subject, Size: len(data), Data: data,
	}
	if c.appOnly() {
		sent.App = c.claims.AppID
	}
	m.tenant.Deliver(sent)
	if save {
		m.mu.Lock()
		defer m.mu.Unlock()
		// Sent Items keeps what is asked for, and not the bulk.
		kept := *item
		kept.id, kept.draft, kept.sent, kept.mime = newGraphID(), false, now, nil
		kept.message.Attachments = slices.Clone(kept.message.Attachments)
		for i := range kept.message.Attachments {
			kept.message.Attachments[i].Content = nil
		}
		m.items = append(m.items, &kept)
	}
	return answer{status: http.StatusAccepted}
}

// setSender decides whether the item may go out with the senders it names, and
// names those it does not: From is the mailbox, and Sender is who sends when it
// may only do so on behalf of From.
//
// An app acts as the mailbox of the path, so another From is the question of
// what that mailbox was granted (assumed).
func (m *graphMail) setSender(c *mailCall, item *graphItem) (from string, ok bool) {
	message := &item.message
	if message.From == nil {
		message.From = &graphRecipient{graphAddress{Address: c.mailbox}}
		if item.mime != nil && !item.changed["from"] && item.mime.get("From") != "" {
			return "", false // it names a sender, but no address
		}
	}
	senders := []graphRecipient{*message.From}
	if item.mime != nil && !item.changed["from"] {
		if named := item.mime.addresses("From"); len(named) > 0 {
			senders = named
		}
	}
	user, onBehalf := c.user(), false
	mayAct := c.appOnly() || slices.Contains(c.claims.Scopes, "Mail.Send.Shared")
	ok = true
	m.tenant.enforced(func(t *Tenant) {
		for _, s := range senders {
			address := s.EmailAddress.Address
			if owns(t, user, address) {
				continue
			}
			if !mayAct || !granted(t, user, address, true) {
				ok = false
				return
			}
			onBehalf = onBehalf || !granted(t, user, address, false)
		}
		if s := message.Sender; s != nil && !granted(t, user, s.EmailAddress.Address, false) {
			// Who names the mailbox as its own sender has Graph put it right.
			ok = ok && onBehalf && strings.EqualFold(s.EmailAddress.Address, message.From.EmailAddress.Address)
		}
	})
	if onBehalf {
		message.Sender = &graphRecipient{graphAddress{Address: user}}
		item.changed["sender"] = true
	}
	return message.From.EmailAddress.Address, ok
}
