package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-message/charset"
)

// maxOwnHeaders is how many X- fields the JSON form takes.
const maxOwnHeaders = 5

type jsonMail struct {
	Message         jsonMessage `json:"message"`
	SaveToSentItems bool        `json:"saveToSentItems"`
}

type jsonMessage struct {
	Subject    string           `json:"subject"`
	Body       jsonBody         `json:"body"`
	From       *jsonRecipient   `json:"from,omitempty"`
	To         []jsonRecipient  `json:"toRecipients,omitempty"`
	Cc         []jsonRecipient  `json:"ccRecipients,omitempty"`
	Bcc        []jsonRecipient  `json:"bccRecipients,omitempty"`
	ReplyTo    []jsonRecipient  `json:"replyTo,omitempty"`
	Importance string           `json:"importance,omitempty"`
	MessageID  string           `json:"internetMessageId,omitempty"`
	Headers    []jsonHeader     `json:"internetMessageHeaders,omitempty"`
	Files      []fileAttachment `json:"attachments,omitempty"`
}

type jsonBody struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

type jsonRecipient struct {
	EmailAddress struct {
		Name    string `json:"name,omitempty"`
		Address string `json:"address"`
	} `json:"emailAddress"`
}

type jsonHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// sendJSON sends the message without a copy in Sent Items, if the JSON form can
// express it.
func (s *submission) sendJSON(ctx context.Context) error {
	if s.content.parts.size > 2*maxRequest {
		return notInJSON(fmt.Errorf("it has %d octets", s.content.size(nil)))
	}
	m, err := s.content.json()
	if err != nil {
		if _, reading := errors.AsType[*Error](err); reading {
			return err
		}
		return notInJSON(err)
	}
	body, err := json.Marshal(jsonMail{Message: *m})
	if err != nil {
		return notInJSON(err)
	}
	if len(body) > maxRequest {
		return notInJSON(fmt.Errorf("it has %d octets as JSON, and Graph takes %d at once", len(body), maxRequest))
	}
	a, err := s.do(ctx, &request{op: OpSend, method: http.MethodPost, url: s.base + "/sendMail", contentType: "application/json",
		length: int64(len(body)), body: inMemory(body), want: http.StatusAccepted, once: true})
	if err == nil {
		s.accepted(a.requestID)
	}
	return err // after a lost answer there is no copy that could be looked for
}

func notInJSON(why error) error {
	return &Error{Op: OpMessage, Err: fmt.Errorf("without a copy in Sent Items it cannot be sent through Graph, since %w: allow the copy, or send it over SMTP", why)}
}

// json is the message in Graph's JSON form.
func (c *content) json() (*jsonMessage, error) {
	if c.parts.vague != "" {
		return nil, errors.New(c.parts.vague)
	}
	fields, _ := splitHeader(c.header)
	m := &jsonMessage{Subject: decodeWords(firstValue(fields, "subject")), MessageID: c.messageID, Importance: importance(fields)}
	for _, f := range fields {
		var into *[]jsonRecipient
		var from []jsonRecipient
		switch f.name {
		case "to":
			into = &m.To
		case "cc":
			into = &m.Cc
		case "bcc":
			into = &m.Bcc
		case "reply-to":
			into = &m.ReplyTo
		case "from":
			into = &from
		default:
			// X-Priority is in Importance.
			if strings.HasPrefix(f.name, "x-") && f.name != "x-priority" && len(m.Headers) < maxOwnHeaders {
				name, _, _ := strings.Cut(f.raw, ":")
				m.Headers = append(m.Headers, jsonHeader{name, f.value()})
			}
			continue
		}
		list, err := parseList(f.value())
		if err != nil {
			return nil, fmt.Errorf("its field %s cannot be read", f.name)
		}
		for _, a := range list {
			*into = append(*into, recipient(a))
		}
		if len(from) > 1 {
			return nil, errors.New("it is from several people")
		} else if len(from) == 1 {
			m.From = &from[0]
		}
	}
	return m, c.fill(m)
}

func recipient(a *mail.Address) (r jsonRecipient) {
	r.EmailAddress.Name, r.EmailAddress.Address = a.Name, a.Address
	return r
}

func importance(fields []field) string {
	switch v := strings.ToLower(firstValue(fields, "importance")); {
	case v == "high" || v == "low":
		return v
	case v != "":
		return ""
	}
	switch p := firstValue(fields, "x-priority"); {
	case strings.HasPrefix(p, "1"), strings.HasPrefix(p, "2"):
		return "high"
	case strings.HasPrefix(p, "4"), strings.HasPrefix(p, "5"):
		return "low"
	}
	return ""
}

// fill adds the body and the attachments.
func (c *content) fill(m *jsonMessage) error {
	var texts []*part
	for _, p := range c.parts.list {
		switch {
		case p.boundary != "":
			if !slices.Contains([]string{"multipart/mixed", "multipart/related", "multipart/alternative"}, p.mediaType) {
				return fmt.Errorf("it has a part of the type %s", clip(p.mediaType, 60))
			}
		case p.sealed():
			return errors.New("it is signed or encrypted")
		case p.isAttachment() || p.parent != nil && p.parent.mediaType == "multipart/related" && !p.first:
			if p.parent != nil && p.parent.mediaType == "multipart/alternative" {
				return fmt.Errorf("its body comes as %s too", clip(p.mediaType, 60))
			}
			b, err := c.all(p)
			if err != nil {
				return err
			}
			m.Files = append(m.Files, fileAttachment{"#microsoft.graph.fileAttachment", p.facts(), b})
		default:
			texts = append(texts, p)
		}
	}
	if len(texts) == 2 && !(texts[0].mediaType == "text/plain" && texts[1].mediaType == "text/html" && texts[0].alternativeTo(texts[1])) || len(texts) > 2 {
		return errors.New("it has more than one body")
	}
	m.Body.ContentType = "text"
	if len(texts) == 0 {
		return nil
	}
	p := texts[len(texts)-1]
	if p.mediaType == "text/html" {
		m.Body.ContentType = "html"
	}
	b, err := c.all(p)
	if err != nil {
		return err
	}
	name := p.typeParams["charset"]
	if name == "" {
		name = "us-ascii"
	}
	r, err := charset.Reader(name, strings.NewReader(string(b)))
	if err != nil {
		return fmt.Errorf("the charset %q is not known", clip(name, 40))
	}
	text, err := io.ReadAll(r)
	m.Body.Content = string(text)
	return err
}

// alternativeTo reports whether the two stand in one multipart/alternative, the
// second perhaps with its images.
func (p *part) alternativeTo(q *part) bool {
	if p.parent == nil || p.parent.mediaType != "multipart/alternative" {
		return false
	}
	for a := q.parent; a != nil; a = a.parent {
		if a == p.parent {
			return true
		}
	}
	return false
}

// all is a part's content.
func (c *content) all(p *part) ([]byte, error) {
	r, err := c.decoded(p, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		if _, reading := errors.AsType[*Error](err); !reading {
			err = fmt.Errorf("one of its parts cannot be decoded: %w", err)
		}
		return nil, err
	}
	return b, nil
}
