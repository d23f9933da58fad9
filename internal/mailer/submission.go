package mailer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"os"
	"strings"
	"time"

	"traymail/smtp"
)

// A Submission is a message as a tool hands it over.
type Submission struct {
	// From is the envelope sender, "" for the account's sender; Null asks for
	// the null sender, as bounces have it.
	From string
	Null bool
	// To are the envelope recipients.
	To []string
	// ToFromHeader adds the recipients of To, Cc and Bcc (sendmail -t).
	ToFromHeader bool
	// FullName goes into a From field that has to be added (sendmail -F).
	FullName string
	// Data is the message, header and body; any line ending.
	Data io.Reader
}

// maxHeader is how large a header may be, in octets; it is Exchange's limit.
const maxHeader = 256 << 10

// inMemory is how much of a body is kept in memory before a file is used.
const inMemory = 1 << 20

// A prepared message is ready to be submitted: header completed as RFC 6409 §8
// allows, Bcc removed, body kept aside. Close removes the file it may use.
type prepared struct {
	recipients []string
	messageID  string
	header     []byte
	small      []byte   // the body, or
	large      *os.File // where it is when it is long
	size       int64    // of header and body
}

// prepare reads s.Data to its end. It adds Date, Message-ID and From where they
// are missing and changes nothing else but the removal of Bcc.
func prepare(s Submission, sender string, now time.Time) (*prepared, error) {
	r := bufio.NewReaderSize(s.Data, maxHeader)
	fields, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	p := &prepared{recipients: s.To}
	if s.ToFromHeader {
		more, err := headerRecipients(fields)
		if err != nil {
			return nil, err
		}
		p.recipients = append(append([]string(nil), s.To...), more...)
	}
	if len(p.recipients) == 0 {
		return nil, errors.New("the message has no recipient: name one, or use -t with a To, Cc or Bcc field")
	}
	if err := p.keepBody(r); err != nil {
		return nil, err
	}
	p.complete(fields, s, sender, now)
	p.size += int64(len(p.header))
	return p, nil
}

// A field is one header field, its raw lines with their line endings.
type field struct {
	name string
	raw  []byte
}

func (f field) value() string {
	_, v, _ := strings.Cut(string(f.raw), ":")
	return strings.TrimSpace(strings.NewReplacer("\r\n", "", "\n", "").Replace(v))
}

// readHeader consumes the header and the empty line after it. A message that
// starts with something else has no header, all of it is body.
func readHeader(r *bufio.Reader) ([]field, error) {
	var fields []field
	size := 0
	for {
		line, err := peekLine(r)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("reading the message: %w", err)
		}
		size += len(line)
		if size > maxHeader || len(fields) > 0 && line == nil {
			return nil, fmt.Errorf("the message's header is longer than %d KiB", maxHeader>>10)
		}
		text := bytes.TrimRight(line, "\r\n")
		name, _, isField := bytes.Cut(text, []byte(":"))
		switch {
		case len(line) == 0:
			return fields, nil
		case len(text) == 0:
			_, err := r.Discard(len(line))
			return fields, err
		case (text[0] == ' ' || text[0] == '\t') && len(fields) > 0:
			last := &fields[len(fields)-1]
			last.raw = append(last.raw, line...)
		case isField && validFieldName(bytes.TrimRight(name, " \t")):
			fields = append(fields, field{string(bytes.TrimRight(name, " \t")), bytes.Clone(line)})
		case len(fields) == 0 && bytes.HasPrefix(text, []byte("From ")):
			// The separator line of an mbox file, which mail programs pass on.
		default:
			return fields, nil
		}
		if _, err := r.Discard(len(line)); err != nil {
			return nil, err
		}
	}
}

// peekLine returns the next line without consuming it, whole with its ending;
// nil when it does not fit the buffer.
func peekLine(r *bufio.Reader) ([]byte, error) {
	for n := 512; ; n *= 2 {
		n = min(n, r.Size())
		b, err := r.Peek(n)
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return b[:i+1], nil
		}
		if err != nil {
			return b, err
		}
		if n == r.Size() {
			return nil, nil
		}
	}
}

// validFieldName is RFC 5322 §2.2: printable US-ASCII but the colon.
func validFieldName(name []byte) bool {
	for _, c := range name {
		if c < 33 || c > 126 {
			return false
		}
	}
	return len(name) > 0
}

// keepBody takes the rest of r, in memory while it is small.
func (p *prepared) keepBody(r io.Reader) error {
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, inMemory)
	p.size = n
	if err == io.EOF {
		p.small = b.Bytes()
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the message: %w", err)
	}
	f, err := os.CreateTemp("", "traymail-message-*")
	if err != nil {
		return fmt.Errorf("no place for the message: %w", err)
	}
	p.large = f
	rest, err := io.Copy(f, io.MultiReader(&b, r))
	if err != nil {
		p.Close()
		return fmt.Errorf("keeping the message in %s: %w", f.Name(), err)
	}
	p.size = rest
	return nil
}

// complete writes the header that goes out (RFC 6409 §8).
func (p *prepared) complete(fields []field, s Submission, sender string, now time.Time) {
	has := map[string]bool{}
	var b bytes.Buffer
	for _, f := range fields {
		name := strings.ToLower(f.name)
		if name == "bcc" || name == "resent-bcc" {
			continue
		}
		has[name] = true
		if name == "message-id" && p.messageID == "" {
			p.messageID = f.value()
		}
		b.Write(f.raw)
		if !bytes.HasSuffix(f.raw, []byte("\n")) {
			b.WriteString("\r\n")
		}
	}
	add := func(name, value string) {
		if !has[strings.ToLower(name)] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	add("From", (&mail.Address{Name: s.FullName, Address: sender}).String())
	add("Date", now.Format(time.RFC1123Z))
	if !has["message-id"] {
		p.messageID = newMessageID(sender)
		add("Message-ID", p.messageID)
	}
	b.WriteString("\r\n")
	p.header = b.Bytes()
}

// headerRecipients are the addresses of To, Cc and Bcc.
func headerRecipients(fields []field) ([]string, error) {
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{}}
	var all []string
	for _, f := range fields {
		switch strings.ToLower(f.name) {
		case "to", "cc", "bcc":
		default:
			continue
		}
		if f.value() == "" {
			continue
		}
		list, err := parser.ParseList(f.value())
		if err != nil {
			return nil, fmt.Errorf("the %s field is not a list of addresses (%s): %w", f.name, f.value(), err)
		}
		for _, a := range list {
			all = append(all, a.Address)
		}
	}
	return all, nil
}

func newMessageID(sender string) string {
	_, domain, ok := strings.Cut(sender, "@")
	if !ok {
		domain = "localhost"
	}
	return "<" + strings.ToLower(rand.Text()) + "@" + domain + ">"
}

// open returns the message from its start; it may be called again.
func (p *prepared) open() (io.ReadCloser, error) {
	var body io.Reader = bytes.NewReader(p.small)
	if p.large != nil {
		body = io.NewSectionReader(p.large, 0, p.size-int64(len(p.header)))
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(p.header), body)), nil
}

// message is what the submission client takes.
func (p *prepared) message(from string) *smtp.Message {
	m := &smtp.Message{From: from, Size: p.size, Open: p.open, UTF8: !isASCII(p.header)}
	for _, to := range p.recipients {
		m.To = append(m.To, smtp.Recipient{Address: to})
	}
	return m
}

// isASCII reports whether a header can go to a server without SMTPUTF8.
func isASCII(b []byte) bool {
	for _, c := range b {
		if c > 127 {
			return false
		}
	}
	return true
}

// Close removes what was kept aside.
func (p *prepared) Close() {
	if p.large != nil {
		p.large.Close()
		os.Remove(p.large.Name())
	}
}
