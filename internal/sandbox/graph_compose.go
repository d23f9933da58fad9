package sandbox

import (
	"bytes"
	"encoding/base64"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// compose makes the message that recipients see: never with Bcc, always with
// From, Date and Message-ID. From and, where they differ, Sender are i's.
//
// A message that came as MIME keeps its header and its body; only attachments
// that were added to it put it into a multipart/mixed of theirs.
func (i *graphItem) compose(now time.Time) []byte {
	p := mimePart{}
	if i.mime != nil {
		p.fields, p.body = append(p.fields, i.mime.fields...), i.mime.body
	} else {
		p = i.message.content()
	}
	if len(i.message.Attachments) > 0 {
		p = i.message.attachTo(p)
	}
	p.drop("Bcc", "Resent-Bcc")
	i.message.writeHeader(&p, i.changed)
	if p.get("Date") == "" {
		p.put("Date", now.UTC().Format(time.RFC1123Z))
	}
	if i.mime == nil || len(i.message.Attachments) > 0 {
		p.put("MIME-Version", "1.0")
	}
	var b bytes.Buffer
	p.write(&b)
	return b.Bytes()
}

// writeHeader puts what m says into a header. A field that came with the MIME
// stays as it came unless changed names its property.
func (m *graphMessage) writeHeader(p *mimePart, changed map[string]bool) {
	set := func(property, field, value string) {
		switch {
		case value != "" && (changed[property] || p.get(field) == ""):
			p.put(field, value)
		case value == "" && changed[property]:
			p.drop(field)
		}
	}
	list := func(recipients ...graphRecipient) string {
		texts := make([]string, 0, len(recipients))
		for _, r := range recipients {
			texts = append(texts, (&mail.Address{Name: r.EmailAddress.Name, Address: r.EmailAddress.Address}).String())
		}
		return strings.Join(texts, ",\r\n ")
	}
	one := func(r *graphRecipient) string {
		if r == nil {
			return ""
		}
		return list(*r)
	}
	set("from", "From", one(m.From))
	set("sender", "Sender", one(m.Sender))
	set("toRecipients", "To", list(m.To...))
	set("ccRecipients", "Cc", list(m.Cc...))
	set("replyTo", "Reply-To", list(m.ReplyTo...))
	set("subject", "Subject", mime.QEncoding.Encode("utf-8", m.Subject))
	set("internetMessageId", "Message-ID", oneLine(m.MessageID))
	if strings.EqualFold(m.Importance, "high") || strings.EqualFold(m.Importance, "low") {
		set("importance", "Importance", strings.ToLower(m.Importance))
	}
	for _, h := range m.Headers {
		p.put(h.Name, mime.QEncoding.Encode("utf-8", h.Value))
	}
}

// oneLine keeps a value from beginning another field.
func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

// content is the text of a message that came as JSON.
func (m *graphMessage) content() mimePart {
	kind := "text/plain"
	if m.Body.ContentType == "html" {
		kind = "text/html"
	}
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(m.Body.Content))
	w.Close()
	b.WriteString("\r\n")
	return mimePart{[]mimeField{
		{"Content-Type", " " + kind + "; charset=utf-8"}, {"Content-Transfer-Encoding", " quoted-printable"},
	}, b.Bytes()}
}

// attachTo puts content, and m's attachments beside it, into multiparts: those
// that the text shows in a multipart/related, the others around it.
func (m *graphMessage) attachTo(content mimePart) mimePart {
	var inline, beside []mimePart
	for _, a := range m.Attachments {
		if a.IsInline && a.ContentID != "" {
			inline = append(inline, a.part())
		} else {
			beside = append(beside, a.part())
		}
	}
	if len(inline) > 0 {
		content = intoMultipart("related", content, inline)
	}
	if len(beside) > 0 {
		content = intoMultipart("mixed", content, beside)
	}
	return content
}

// intoMultipart takes the fields that describe first's content to first's place in
// a multipart and leaves the others where they are.
func intoMultipart(kind string, first mimePart, others []mimePart) mimePart {
	inner, outer := mimePart{body: first.body}, mimePart{}
	for _, f := range first.fields {
		if len(f.name) > 8 && strings.EqualFold(f.name[:8], "Content-") {
			inner.fields = append(inner.fields, f)
		} else {
			outer.fields = append(outer.fields, f)
		}
	}
	boundary := "=_" + randomName()
	outer.fields = append(outer.fields, mimeField{"Content-Type", " multipart/" + kind + ";\r\n boundary=\"" + boundary + "\""})
	var b bytes.Buffer
	for _, p := range append([]mimePart{inner}, others...) {
		b.WriteString("--" + boundary + "\r\n")
		p.write(&b)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	outer.body = b.Bytes()
	return outer
}

// part is an attachment as it travels.
func (a *graphAttachment) part() mimePart {
	how := "attachment"
	if a.IsInline {
		how = "inline"
	}
	fields := []mimeField{
		{"Content-Type", " " + oneLine(a.ContentType)},
		{"Content-Disposition", " " + mime.FormatMediaType(how, map[string]string{"filename": a.Name})},
		{"Content-Transfer-Encoding", " base64"},
	}
	if a.ContentID != "" {
		fields = append(fields, mimeField{"Content-ID", " <" + strings.Trim(oneLine(a.ContentID), "<>") + ">"})
	}
	const line = 57 // octets that make 76 characters
	text := make([]byte, 0, base64.StdEncoding.EncodedLen(len(a.Content))+2*(len(a.Content)/line+1))
	for rest := a.Content; len(rest) > 0; {
		n := min(line, len(rest))
		text = append(base64.StdEncoding.AppendEncode(text, rest[:n]), "\r\n"...)
		rest = rest[n:]
	}
	return mimePart{fields, text}
}
