package sandbox

import (
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strings"
)

// A graphMessage is Graph's message resource as far as it is written.
type graphMessage struct {
	Subject     string            `json:"subject"`
	Body        graphBody         `json:"body"`
	From        *graphRecipient   `json:"from"`
	Sender      *graphRecipient   `json:"sender"`
	To          []graphRecipient  `json:"toRecipients"`
	Cc          []graphRecipient  `json:"ccRecipients"`
	Bcc         []graphRecipient  `json:"bccRecipients"`
	ReplyTo     []graphRecipient  `json:"replyTo"`
	Importance  string            `json:"importance"`
	MessageID   string            `json:"internetMessageId"`
	Headers     []graphHeader     `json:"internetMessageHeaders"`
	Attachments []graphAttachment `json:"attachments"`
}

type graphRecipient struct {
	EmailAddress graphAddress `json:"emailAddress"`
}

// A graphBody is text or HTML.
type graphBody struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

type graphHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A graphAttachment is a fileAttachment.
type graphAttachment struct {
	Type        string `json:"@odata.type"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	Size        int    `json:"size"`
	IsInline    bool   `json:"isInline"`
	ContentID   string `json:"contentId"`
	Content     []byte `json:"contentBytes"`
}

// messageProperties are the names that a message may be written with; the last
// ones have no effect here.
var messageProperties = []string{
	"subject", "body", "from", "sender", "toRecipients", "ccRecipients", "bccRecipients", "replyTo",
	"importance", "internetMessageId", "internetMessageHeaders", "attachments",
	"categories", "conversationIndex", "flag", "hasAttachments", "inferenceClassification",
	"isDeliveryReceiptRequested", "isRead", "isReadReceiptRequested", "multiValueExtendedProperties",
	"singleValueExtendedProperties", "uniqueBody", "bodyPreview",
}

// A badProperty is what Graph says of a body that is JSON, but not what it
// should be.
type badProperty struct{ code, text string }

func (b badProperty) Error() string { return b.text }

// decodeMessage reads a message. Where Graph would have words for what is wrong
// the error is a badProperty. given are the properties that are there, as
// messageProperties spells them.
func decodeMessage(raw json.RawMessage) (m graphMessage, given []string, err error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return m, nil, err
	}
	for name := range all {
		if strings.HasPrefix(name, "@odata.") {
			continue
		}
		at := slices.IndexFunc(messageProperties, func(p string) bool { return strings.EqualFold(p, name) })
		if at < 0 {
			return m, nil, badProperty{"RequestBodyRead", "The property '" + name + "' does not exist on type 'microsoft.graph.message'. Make sure to only use property names that are defined by the type or mark the type as open type."}
		}
		given = append(given, messageProperties[at])
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			err = badProperty{"RequestBodyRead", "Cannot convert the value of '" + wrong.Field + "' to the expected type."} // assumed
		}
		return m, nil, err
	}
	return m, given, m.valid()
}

// valid checks what JSON's types cannot.
func (m *graphMessage) valid() error {
	switch kind := strings.ToLower(m.Body.ContentType); kind {
	case "", "text", "html":
		m.Body.ContentType = kind
	default:
		return badProperty{"RequestBodyRead", "Requested value '" + m.Body.ContentType + "' was not found."}
	}
	for _, h := range m.Headers {
		if len(h.Name) < 2 || !strings.EqualFold(h.Name[:2], "x-") || strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
			return badProperty{"InvalidInternetMessageHeader", "The internet message header name '" + h.Name + "' should start with 'x-' or 'X-'."}
		}
	}
	for _, r := range m.ReplyTo {
		if !validAddress(r.EmailAddress.Address, true) {
			return unresolved(r.EmailAddress.Address)
		}
	}
	for i := range m.Attachments {
		if err := m.Attachments[i].valid(); err != nil {
			return err
		}
	}
	return nil
}

// valid checks an attachment and gives it an ID and its size.
func (a *graphAttachment) valid() error {
	switch strings.TrimPrefix(a.Type, "#") {
	case "microsoft.graph.fileAttachment":
	case "":
		return badProperty{"RequestBodyRead", "The property 'contentBytes' does not exist on type 'microsoft.graph.attachment'. Make sure to only use property names that are defined by the type or mark the type as open type."}
	default: // assumed: items and references are not for programs that relay mail
		return badProperty{"ErrorInvalidRequest", "Attachments of the type '" + a.Type + "' cannot be sent."}
	}
	if a.Name == "" {
		return badProperty{"ErrorRequiredPropertyMissing", "Required property is missing., Name"} // assumed
	}
	if _, _, err := mime.ParseMediaType(a.ContentType); err != nil {
		a.ContentType = "application/octet-stream"
	}
	a.Type, a.ID, a.Size = "#microsoft.graph.fileAttachment", newGraphID(), len(a.Content)
	return nil
}

// newGraphID makes an ID as long and as awkward in a path as Exchange's are.
func newGraphID() string { return "AAMk" + randomName() + randomName()[:9] + "=" }

// readHeader fills what a message of MIME says in its header.
func (m *graphMessage) readHeader(p mimePart) {
	one := func(name string) *graphRecipient {
		if list := p.addresses(name); len(list) > 0 {
			return &list[0]
		}
		return nil
	}
	m.From, m.Sender = one("From"), one("Sender")
	m.To, m.Cc, m.Bcc, m.ReplyTo = p.addresses("To"), p.addresses("Cc"), p.addresses("Bcc"), p.addresses("Reply-To")
	m.MessageID, m.Subject = p.get("Message-ID"), p.get("Subject")
	if decoded, err := new(mime.WordDecoder).DecodeHeader(m.Subject); err == nil {
		m.Subject = decoded
	}
}

// patch takes over the properties that given names.
func (m *graphMessage) patch(from graphMessage, given []string) {
	for _, name := range given {
		switch name {
		case "subject":
			m.Subject = from.Subject
		case "body":
			m.Body = from.Body
		case "from":
			m.From = from.From
		case "sender":
			m.Sender = from.Sender
		case "toRecipients":
			m.To = from.To
		case "ccRecipients":
			m.Cc = from.Cc
		case "bccRecipients":
			m.Bcc = from.Bcc
		case "replyTo":
			m.ReplyTo = from.ReplyTo
		case "importance":
			m.Importance = from.Importance
		case "internetMessageId":
			m.MessageID = from.MessageID
		case "internetMessageHeaders":
			m.Headers = from.Headers
		}
	}
}

// recipients lists everybody who receives the message, each once, or returns
// what Graph says when there is nobody, or somebody who is no address.
func (m *graphMessage) recipients() (list []string, err error) {
	for _, r := range slices.Concat(m.To, m.Cc, m.Bcc) {
		address := r.EmailAddress.Address
		if !validAddress(address, true) {
			return nil, unresolved(address)
		}
		if !slices.ContainsFunc(list, func(known string) bool { return strings.EqualFold(known, address) }) {
			list = append(list, address)
		}
	}
	if len(list) == 0 {
		return nil, badProperty{"ErrorInvalidRecipients", textNoRecipients}
	}
	return list, nil
}

// unresolved is what Graph says of somebody who is no address.
func unresolved(address string) badProperty {
	return badProperty{"ErrorInvalidRecipients", "At least one recipient is not valid., Recipient '" + address + "' is not resolved. All recipients must be resolved before a message can be submitted."}
}
