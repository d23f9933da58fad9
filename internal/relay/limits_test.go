package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAMessageWithoutEndIsRefusedBeforeItsEnd(t *testing.T) {
	c := testConfig()
	c.MaxSize = 1000
	for how, start := range map[string]string{"DATA": "DATA\r\n", "BDAT": "BDAT 4000000000\r\n"} {
		p := &pipe{in: bytes.NewReader([]byte("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n" + start + "Subject: x\r\n\r\n" + strings.Repeat("endless\r\n", 1<<19)))}
		fuzzServer(t, c, newInbox().accept).serve(c.Listeners[0].Address, p)
		if !strings.Contains(p.out.String(), "\r\n552 5.3.4 ") {
			t.Errorf("%s: got %q", how, p.out.String())
		}
		if p.in.Len() < 1<<20 {
			t.Errorf("%s: it was read on; %d octets are left", how, p.in.Len())
		}
	}
}

func TestALogLineSaysWhyADeviceHangs(t *testing.T) {
	c := testConfig()
	c.Timeout = 100 * time.Millisecond
	r := newRig(t, c)
	conn := textproto.NewConn(r.dial(t, "local"))
	expect(t, conn, 220)
	for _, line := range []string{"HELO x", "MAIL FROM:<alex@contoso.com>", "RCPT TO:<a@contoso.com>"} {
		command(t, conn, 250, line)
	}
	command(t, conn, 354, "DATA")
	if _, err := conn.W.WriteString("Subject: x\n\nbody\n.\n"); err != nil {
		t.Fatal(err)
	}
	command(t, conn, 451, "")
	if line, err := conn.ReadLine(); err != io.EOF {
		t.Errorf("the session goes on: %q, %v", line, err)
	}
	if log := r.log.String(); !strings.Contains(log, "between bare line endings") {
		t.Errorf("the log says %s", log)
	}
}

func TestSubmitChecksTheEnvelope(t *testing.T) {
	c := testConfig()
	c.MaxRecipients = 2
	r := newRig(t, c)
	to := func(addresses ...string) (list []Recipient) {
		for _, a := range addresses {
			list = append(list, Recipient{Address: a})
		}
		return list
	}
	tests := []struct {
		name string
		m    Message
		want int // 0 is taken
	}{
		{"an envelope", Message{From: "alex@contoso.com", Recipients: to("a@b.c", "two words@b.c")}, 0},
		{"a null sender", Message{Recipients: to("a@b.c")}, 0},
		{"no recipient", Message{From: "alex@contoso.com"}, 554},
		{"too many", Message{From: "alex@contoso.com", Recipients: to("a@b.c", "b@b.c", "c@b.c")}, 554},
		{"a recipient with a line ending", Message{From: "alex@contoso.com", Recipients: to("a@b.c\r\nDATA")}, 553},
		{"a sender without domain", Message{From: "alex", Recipients: to("a@b.c")}, 553},
		{"an unknown part to return", Message{From: "alex@contoso.com", Recipients: to("a@b.c"), Return: "BODY"}, 501},
		{"an envelope ID of two lines", Message{From: "alex@contoso.com", Recipients: to("a@b.c"), EnvelopeID: "1\r\nDATA"}, 501},
		{"never and sometimes", Message{From: "alex@contoso.com", Recipients: []Recipient{{Address: "a@b.c", Notify: []string{"NEVER", "DELAY"}}}}, 501},
		{"an original recipient that is none", Message{From: "alex@contoso.com", Recipients: []Recipient{{Address: "a@b.c", OriginalRecipient: "a"}}}, 501},
	}
	for _, test := range tests {
		id, err := r.Submit(t.Context(), Client{Name: "command"}, test.m, strings.NewReader("Subject: x\n\nx\n"))
		if test.want == 0 && (err != nil || id == "") || test.want != 0 && (err == nil || refusal(err).Code != test.want) {
			t.Errorf("%s: got %q, %v", test.name, id, err)
		}
	}
	if all := r.inbox.all(); len(all) != 2 || all[0].Recipients[1].Address != `"two words"@b.c` || tests[0].m.Recipients[1].Address != "two words@b.c" {
		t.Errorf("got %+v", all)
	}
}

func TestSubmitPassesTheParametersOfDSNOn(t *testing.T) {
	r := newRig(t, testConfig())
	sent := Message{
		From: "alex@contoso.com", Return: "HDRS", EnvelopeID: "order 4711", BodyType: "8BITMIME",
		Recipients: []Recipient{{Address: "j\u00f6rg@contoso.com", Notify: []string{"SUCCESS", "DELAY"}, OriginalRecipient: "alias@contoso.com"}},
	}
	if _, err := r.Submit(t.Context(), Client{Name: "command"}, sent, strings.NewReader("Message-ID: <1@x>\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	want := sent
	want.Client, want.Account, want.OriginalFrom, want.MessageID, want.SMTPUTF8 = "command", "work", "alex@contoso.com", "<1@x>", true
	if got := r.inbox.all()[0].Message; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestACertificateFromFiles(t *testing.T) {
	folder := t.TempDir()
	c := testConfig()
	c.Listeners[0].TLS, c.Listeners[0].Certificate = ImplicitTLS, Certificate{Folder: folder}
	if err := newRig(t, c).Shutdown(t.Context()); err != nil { // it has made the files
		t.Fatal(err)
	}
	c.Listeners[0].Certificate = Certificate{CertFile: filepath.Join(folder, certName), KeyFile: filepath.Join(folder, keyName)}
	r := newRig(t, c)
	conn := textproto.NewConn(tls.Client(r.dial(t, "local"), insecure))
	expect(t, conn, 220)
	command(t, conn, 221, "QUIT")
}

func TestAPasswordIsNotAskedForWithoutTLSFromOtherMachines(t *testing.T) {
	there := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for name, change := range map[string]func(*Config){
		"a network of the listener": func(c *Config) { c.Listeners[0].Networks = there },
		"a network of a client":     func(c *Config) { c.Clients = append(c.Clients, Client{Name: "plant", Networks: there}) },
	} {
		c := testConfig()
		c.Listeners[0].Networks, c.Listeners[0].Address = nil, "0.0.0.0:25"
		c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
		change(&c)
		const dialog = "EHLO x\r\nAUTH PLAIN AHByaW50ZXIAb3BlbiBzZXNhbWU=\r\nMAIL FROM:<alex@contoso.com>\r\nQUIT\r\n"
		p := &pipe{in: bytes.NewReader([]byte(dialog)), remote: net.IPv4(192, 0, 2, 1)}
		fuzzServer(t, c, newInbox().accept).serve(c.Listeners[0].Address, p)
		if out := p.out.String(); strings.Contains(out, "250-AUTH") || !strings.Contains(out, "\r\n538 5.7.11 ") || !strings.Contains(out, "\r\n250 2.0.0 Roger") {
			t.Errorf("%s: got %q", name, out)
		}
		p = &pipe{in: bytes.NewReader([]byte(dialog)), remote: net.IPv4(198, 51, 100, 1)}
		fuzzServer(t, c, newInbox().accept).serve(c.Listeners[0].Address, p)
		if out := p.out.String(); out != "554 5.7.1 this address may not send here\r\n" {
			t.Errorf("%s: another address got %q", name, out)
		}
	}
}

func TestTheReasonIsToldEvenIfTheQueueHidesIt(t *testing.T) {
	c := testConfig()
	c.MaxSize = 1000
	p := &pipe{in: bytes.NewReader([]byte("EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n\r\n" + strings.Repeat("x", 1000) + "\r\n.\r\nQUIT\r\n"))}
	s := fuzzServer(t, c, func(_ context.Context, _ Message, r io.Reader) (string, error) {
		_, err := io.Copy(io.Discard, r)
		if err == nil {
			return "x", nil
		}
		return "", errors.New("a transaction was rolled back")
	})
	s.serve(c.Listeners[0].Address, p)
	if !strings.Contains(p.out.String(), "\r\n552 5.3.4 ") {
		t.Errorf("got %q", p.out.String())
	}
}

func TestAMessageWithANULIsRefusedAtItsEnd(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 998)+"\r\n", 5000)
	for name, message := range map[string]string{
		"in the header":                 "Subject: x\x00y\r\n\r\nx\r\n",
		"in the body":                   "Subject: x\r\n\r\nx\x00\r\n",
		"at the end of a long body":     "Subject: x\r\n\r\n" + long + "\x00\r\n",
		"at the start of a long body":   "Subject: x\r\n\r\n\x00" + long,
		"as the only octet of its line": "Subject: x\r\n\r\n\x00\r\n",
	} {
		const envelope = "MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
		in := "EHLO x\r\n" + envelope + "DATA\r\n" + message + ".\r\n" + envelope +
			"BDAT " + strconv.Itoa(len(message)) + " LAST\r\n" + message + "NOOP\r\nQUIT\r\n"
		b := newInbox()
		p := &pipe{in: bytes.NewReader([]byte(in))}
		s := fuzzServer(t, testConfig(), b.accept)
		s.serve(s.state.Load().Listeners[0].Address, p)
		out := p.out.String()
		if strings.Count(out, "\r\n554 5.6.0 the message has a NUL octet") != 2 || !strings.Contains(out, "\r\n221 ") || len(b.all()) > 0 {
			t.Errorf("%s: %d messages were taken, got %q", name, len(b.all()), out)
		}
	}
}

func TestEveryLimitHasItsReply(t *testing.T) {
	const envelope = "EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\n"
	const message = "DATA\r\nSubject: x\r\n\r\n.\r\n"
	full := func(context.Context, Message, io.Reader) (string, error) { return "", ErrFull }
	tests := []struct {
		name, in, want string
		accept         Accept
		hangUp         bool
	}{
		{name: "too many recipients", in: envelope + strings.Repeat("RCPT TO:<b@b.c>\r\n", 3), want: "452 4.5.3"},
		{name: "a size that is too large", in: "EHLO x\r\nMAIL FROM:<a@b.c> SIZE=1001\r\n", want: "552 5.3.4"},
		{name: "a size beyond all measure", in: "EHLO x\r\nMAIL FROM:<a@b.c> BODY=8BITMIME SIZE=99999999999999999999 RET=FULL\r\n", want: "552 5.3.4"},
		{name: "too large at the end of DATA", in: envelope + "DATA\r\n\r\n" + strings.Repeat("x", 1000) + "\r\n.\r\n", want: "552 5.3.4"},
		{name: "too large with BDAT", in: envelope + "BDAT 1001 LAST\r\n" + strings.Repeat("x", 1001), want: "552 5.3.4"},
		{name: "a command line that is too long", in: "EHLO x\r\nNOOP " + strings.Repeat("x", maxCommand) + "\r\n", want: "500 5.5.2", hangUp: true},
		{name: "messages in a minute", in: envelope + message + envelope[8:] + message + envelope[8:] + message, want: "450 4.7.1"},
		{name: "a full queue", in: envelope + message, want: "452 4.3.1", accept: full},
		{name: "a message in a loop", in: envelope + "DATA\r\n" + strings.Repeat("Received: x\r\n", maxReceived+1) + "\r\n.\r\n", want: "554 5.4.6"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig()
			c.MaxSize, c.MaxRecipients = 1000, 3
			c.Clients = []Client{{Name: "tool", Networks: loopback, PerMinute: 2}}
			if test.accept == nil {
				test.accept = newInbox().accept
			}
			p := &pipe{in: bytes.NewReader([]byte(test.in + "NOOP\r\nQUIT\r\n"))}
			fuzzServer(t, c, test.accept).serve(c.Listeners[0].Address, p)
			want := "\r\n" + test.want + " "
			out := p.out.String()
			if strings.Count(out, want) != 1 || strings.Contains(out, "\r\n221 ") == test.hangUp {
				t.Errorf("want %s, got %q", test.want, out)
			}
		})
	}
}
