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
	"strings"
	"time"

	"golang.org/x/net/idna"

	"traymail/internal/relay"
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
	// Notify, Return and EnvelopeID ask for delivery status notifications, in the
	// words of RFC 3461; empty asks for nothing.
	Notify             []string
	Return, EnvelopeID string
	// FullName goes into a From field that has to be added (sendmail -F).
	FullName string
	// Data is the message, header and body; any line ending.
	Data io.Reader
}

// maxHeader is how large a header may be, in octets; it is Exchange's limit.
const maxHeader = 256 << 10

var errLongHeader = fmt.Errorf("the message's header is longer than %d KiB", maxHeader>>10)

// A prepared message waits to be submitted: its body is kept aside, and
// complete gives it the header that goes out. Close removes the file that it
// may use.
type prepared struct {
	recipients []string
	from       string // the first address in From, "" when there is none
	fields     []field
	messageID  string
	header     []byte
	body       *Spool
}

// prepare reads s.Data to its end.
func prepare(s Submission) (*prepared, error) {
	r := bufio.NewReaderSize(s.Data, maxHeader)
	fields, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	p := &prepared{fields: fields}
	if err := p.address(s); err != nil {
		return nil, err
	}
	p.body, err = NewSpool(r)
	return p, err
}

// address finds the recipients, and who the message says it is from.
func (p *prepared) address(s Submission) error {
	for _, to := range s.To {
		// One argument may hold several addresses, as sendmail takes them.
		for one := range strings.SplitSeq(to, ",") {
			if one = strings.TrimSpace(one); one != "" {
				p.recipients = append(p.recipients, one)
			}
		}
	}
	if s.ToFromHeader {
		more, err := headerRecipients(p.fields)
		if err != nil {
			return err
		}
		p.recipients = append(p.recipients, more...)
	}
	if len(p.recipients) == 0 {
		return errors.New("the message has no recipient: name one, or use -t with a To, Cc or Bcc field")
	}
	p.from = firstAuthor(p.fields)
	return nil
}

// firstAuthor is the first address in From, "" when there is none.
func firstAuthor(fields []field) string {
	for _, f := range fields {
		if list, err := addressParser.ParseList(f.value()); strings.EqualFold(f.name, "from") && err == nil && len(list) > 0 { // a group may be empty
			return list[0].Address
		}
	}
	return ""
}

// raw is the header as it came, without the empty line after it.
func (p *prepared) raw() []byte {
	var b bytes.Buffer
	for _, f := range p.fields {
		b.Write(f.raw)
		if !bytes.HasSuffix(f.raw, []byte("\n")) {
			b.WriteString("\r\n")
		}
	}
	return b.Bytes()
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
			return nil, errLongHeader
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

// complete writes the header that goes out (RFC 6409 §8): Date, Message-ID and
// From are added where they are missing, and nothing else changes but that Bcc
// goes.
func (p *prepared) complete(sender, fullName string, now time.Time) {
	has := map[string]bool{}
	var b bytes.Buffer
	for _, f := range p.fields {
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
	add("From", (&mail.Address{Name: fullName, Address: sender}).String())
	add("Date", now.Format(time.RFC1123Z))
	if !has["message-id"] {
		p.messageID = newMessageID(sender)
		add("Message-ID", p.messageID)
	}
	b.WriteString("\r\n")
	p.header = b.Bytes()
}

var addressParser = mail.AddressParser{WordDecoder: &mime.WordDecoder{}}

// headerRecipients are the addresses of To, Cc and Bcc.
func headerRecipients(fields []field) ([]string, error) {
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
		list, err := addressParser.ParseList(f.value())
		if err == nil {
			for _, a := range list {
				all = append(all, a.Address)
			}
			continue
		}
		// A list with local users in it has no name with a comma.
		for part := range strings.SplitSeq(f.value(), ",") {
			part = strings.TrimSpace(part)
			one, oneErr := addressParser.Parse(part)
			switch {
			case oneErr == nil:
				all = append(all, one.Address)
			case isBare(part):
				user, _, _ := strings.Cut(part, " ")
				all = append(all, user)
			default:
				return nil, fmt.Errorf("the %s field is not a list of addresses (%s): %w", f.name, f.value(), err)
			}
		}
	}
	return all, nil
}

func newMessageID(sender string) string {
	domain, err := idna.Lookup.ToASCII(sender[strings.LastIndexByte(sender, '@')+1:])
	if err != nil || !relay.ValidHostname(domain) {
		domain = "localhost"
	}
	return "<" + strings.ToLower(rand.Text()) + "@" + domain + ">"
}

// open returns the message from its start; it may be called again.
func (p *prepared) open() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(p.header), p.body.Open())), nil
}

// size is that of header and body, in octets.
func (p *prepared) size() int64 { return int64(len(p.header)) + p.body.Size() }

// message is what the submission client takes.
func (p *prepared) message(from string, s Submission) *smtp.Message {
	m := &smtp.Message{From: from, Size: p.size(), Open: p.open, UTF8: !isASCII(p.header), Return: s.Return, EnvelopeID: s.EnvelopeID}
	for _, to := range p.recipients {
		m.To = append(m.To, smtp.Recipient{Address: to, Notify: s.Notify})
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
func (p *prepared) Close() { p.body.Close() }
