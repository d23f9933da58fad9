package dsn

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testTime = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

const testMessage = "From: Alerts <alerts@contoso.com>\r\nTo: jane@example.com\r\nSubject: Disk full on SRV-7\r\n" +
	"Message-ID: <1@srv-7>\r\n\r\nDisk C: of SRV-7 is full.\r\n"

// testReport is a report with every field but Original, on one recipient.
func testReport(k Kind) *Report {
	r := &Report{
		Kind: k, ReportingMTA: "srv-7.contoso.com", From: "postmaster@contoso.com", To: "alerts@contoso.com",
		MessageID: "<notice-1@srv-7.contoso.com>", Date: testTime, Arrival: testTime.Add(-4 * time.Hour),
		Account: "alerts", EnvelopeID: "QQ314159",
		OriginalMessageID: "<1@srv-7>", OriginalSubject: "Disk full on SRV-7",
		Recipients: []Recipient{{
			Address: "jane@example.com", RemoteMTA: "smtp.office365.com", LastAttempt: testTime.Add(-time.Minute),
		}},
	}
	to := &r.Recipients[0]
	switch k {
	case Failed:
		to.Reply = "550-5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jane@example.com not found by SMTP address lookup\r\n550 5.1.10 see https://example.com/help"
		to.Fix = "Correct the address jane@example.com in the tool that sends, or create the recipient in the Exchange admin center."
	case Delayed:
		to.Reply = "451 4.7.500 Server busy. Please try again later."
		r.Expires = testTime.Add(5*24*time.Hour - 4*time.Hour)
	case Relayed:
		to.Reply = "250 2.0.0 OK <1@srv-7> [Hostname=DB7PR01MB0001.eurprd01.prod.exchangelabs.com]"
	}
	return r
}

// A source opens a text as the message, and knows what was closed.
type source struct {
	text         string
	opened, open int
}

func (s *source) Open() (io.ReadCloser, error) {
	if s.open > 0 {
		return nil, errors.New("it is open already")
	}
	s.opened++
	s.open++
	return &sourceReader{Reader: strings.NewReader(s.text), s: s}, nil
}

type sourceReader struct {
	io.Reader
	s      *source
	closed bool
}

func (r *sourceReader) Close() error {
	if !r.closed {
		r.s.open--
	}
	r.closed = true
	return nil
}

// read is a report's notice, read to its end.
func read(t *testing.T, r *Report) []byte {
	t.Helper()
	n, err := r.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b, err := io.ReadAll(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A parsed is a notice taken apart by the standard library.
type parsed struct {
	header   mail.Header
	boundary string
	text     string
	status   []textproto.MIMEHeader // on the message, then on each recipient
	parts    []part
}

type part struct {
	header textproto.MIMEHeader
	body   []byte
}

var ownFields = []string{"Date", "From", "To", "Subject", "Message-Id", "In-Reply-To", "References", "Auto-Submitted",
	"Mime-Version", "Content-Type", "Content-Transfer-Encoding"}

// parse takes a notice apart and reports anything that no notice may have.
func parse(notice []byte) (*parsed, error) {
	for line := range bytes.SplitSeq(notice, []byte("\r\n")) {
		if len(line) > 998 {
			return nil, fmt.Errorf("a line has %d octets: %.60q…", len(line), line)
		}
		if bytes.ContainsAny(line, "\r\n\x00") {
			return nil, fmt.Errorf("a line has a CR, LF or NUL: %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(notice))
	if err != nil {
		return nil, err
	}
	for name, values := range m.Header {
		if len(values) != 1 || !slices.Contains(ownFields, name) {
			return nil, fmt.Errorf("there is a field %s: %q", name, values)
		}
	}
	media, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || media != "multipart/report" || params["report-type"] != "delivery-status" || len(params) != 2 {
		return nil, fmt.Errorf("the media type is %s, %v: %v", media, params, err)
	}
	for _, name := range []string{"From", "To"} {
		// net/mail takes RFC 5321's address literals without their tag alone.
		list, err := mail.ParseAddressList(strings.Replace(m.Header.Get(name), "[IPv6:", "[", 1))
		if err != nil || len(list) != 1 {
			return nil, fmt.Errorf("%s is %q: %v", name, m.Header.Get(name), err)
		}
	}
	p := &parsed{header: m.Header, boundary: params["boundary"]}
	mr := multipart.NewReader(m.Body, p.boundary)
	for {
		next, err := mr.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", len(p.parts)+1, err)
		}
		body, err := io.ReadAll(next)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", len(p.parts)+1, err)
		}
		p.parts = append(p.parts, part{next.Header, body})
	}
	return p, p.check()
}

// check looks into the parts.
func (p *parsed) check() error {
	if len(p.parts) < 2 || len(p.parts) > 3 {
		return fmt.Errorf("there are %d parts", len(p.parts))
	}
	eight := false
	for i, part := range p.parts {
		if len(part.header) != 3 {
			return fmt.Errorf("part %d has the header %v", i+1, part.header)
		}
		e := part.header.Get("Content-Transfer-Encoding")
		if e != "8bit" && eightBit(part.body) || e != "8bit" && e != "7bit" && (i > 0 || e != "quoted-printable") {
			return fmt.Errorf("part %d has the encoding %q, and 8-bit text: %v", i+1, e, eightBit(part.body))
		}
		eight = eight || e == "8bit"
	}
	if got := p.header.Get("Content-Transfer-Encoding"); got != bitness(eight) {
		return fmt.Errorf("the encoding of the whole is %q", got)
	}
	text, err := decodeText(p.parts[0])
	if err != nil {
		return err
	}
	p.text = text
	for i, block := range strings.Split(string(p.parts[1].body), "\r\n\r\n") {
		h, err := mail.ReadMessage(strings.NewReader(strings.TrimSuffix(block, "\r\n") + "\r\n\r\n"))
		if err != nil {
			return fmt.Errorf("block %d of the status: %w: %q", i, err, block)
		}
		for name, values := range h.Header {
			if len(values) != 1 || !slices.Contains(statusFields[min(i, 1)], name) {
				return fmt.Errorf("block %d of the status has %s: %q", i, name, values)
			}
		}
		p.status = append(p.status, textproto.MIMEHeader(h.Header))
	}
	return nil
}

var statusFields = [][]string{
	{"Original-Envelope-Id", "Reporting-Mta", "Arrival-Date"},
	{"Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-Mta", "Diagnostic-Code", "Last-Attempt-Date", "Will-Retry-Until"},
}

func decodeText(p part) (string, error) {
	var r io.Reader = bytes.NewReader(p.body)
	if p.header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

// mustParse parses a notice that has to be in order.
func mustParse(t *testing.T, notice []byte) *parsed {
	t.Helper()
	p, err := parse(notice)
	if err != nil {
		t.Fatalf("%v\n%s", err, notice)
	}
	return p
}
