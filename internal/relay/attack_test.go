package relay

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// say plays one side of a dialog to a relay and returns the other.
func say(t testing.TB, c Config, b *inbox, in string) string {
	t.Helper()
	p := &pipe{in: bytes.NewReader([]byte(in))}
	fuzzServer(t, c, b.accept).serve(c.Listeners[0].Address, p)
	return p.out.String()
}

const toMegan = "EHLO x\r\nMAIL FROM:<alex@contoso.com>\r\nRCPT TO:<megan@contoso.com>\r\n"

// A client that closes its side after the end of the message still waits for
// the reply; one that closes it before the end has sent no message.
func TestHalfClosedConnections(t *testing.T) {
	tests := []struct {
		name, in string
		last     string // how the last reply begins
		taken    int
	}{
		{"before the dot", toMegan + "DATA\r\nSubject: half\r\n\r\nof a message\r\n", "451 4.3.0 ", 0},
		{"in the middle of the dot", toMegan + "DATA\r\nSubject: half\r\n\r\nof a message\r\n.", "451 4.3.0 ", 0},
		{"after the dot and a CR", toMegan + "DATA\r\nSubject: half\r\n\r\nof a message\r\n.\r", "451 4.3.0 ", 0},
		{"after the dot", toMegan + "DATA\r\nSubject: whole\r\n\r\nmessage\r\n.\r\n", "250 2.0.0 queued as ", 1},
		{"in a chunk", toMegan + "BDAT 100 LAST\r\nSubject: half\r\n\r\n", "421 4.4.2 the message did not come to its end", 0},
		{"after a chunk that is not the last", toMegan + "BDAT 17\r\nSubject: half\r\n\r\n", "250 2.0.0 Continue", 0},
		{"after the last chunk", toMegan + "BDAT 18 LAST\r\nSubject: whole\r\n\r\n", "250 2.0.0 queued as ", 1},
		{"in a command", toMegan + "DAT", "250 2.0.0 I'll make sure", 0},
		{"after DATA", toMegan + "DATA\r\n", "451 4.3.0 ", 0},
	}
	for _, secure := range []bool{false, true} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, TLS %t", test.name, secure), func(t *testing.T) {
				c := testConfig()
				if secure {
					c.Listeners[0].TLS, c.Listeners[0].Certificate = ImplicitTLS, Certificate{Folder: t.TempDir()}
				}
				r := newRig(t, c)
				var conn interface {
					net.Conn
					CloseWrite() error
				} = r.dial(t, "local").(*net.TCPConn)
				if secure {
					conn = tls.Client(conn, insecure)
				}
				if _, err := io.WriteString(conn, test.in); err != nil {
					t.Fatal(err)
				}
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(conn)
				if err != nil {
					t.Fatal(err)
				}
				lines := strings.Split(strings.TrimSuffix(string(got), "\r\n"), "\r\n")
				if last := lines[len(lines)-1]; !strings.HasPrefix(last, test.last) {
					t.Errorf("the last reply is %q, want %q", last, test.last)
				}
				if n := len(r.inbox.all()); n != test.taken {
					t.Errorf("%d messages were taken", n)
				}
			})
		}
	}
}

// All orders of commands, behind a greeting and behind an envelope. A message
// is taken when the model says so, and never otherwise.
func TestCommandsInEveryOrder(t *testing.T) {
	commands := []string{
		"EHLO x\r\n", "MAIL FROM:<alex@contoso.com>\r\n", "RCPT TO:<megan@contoso.com>\r\n", "RSET\r\n",
		"DATA\r\nSubject: x\r\n\r\n.\r\n", "BDAT 4\r\na: b", "BDAT 2 LAST\r\n\r\n",
	}
	try := func(which ...int) {
		var in strings.Builder
		want := order{}
		for _, n := range which {
			in.WriteString(commands[n])
			want.next(n)
		}
		b := newInbox()
		if out := say(t, testConfig(), b, in.String()); len(b.all()) != want.taken || strings.Count(out, "queued as ") != want.taken {
			t.Fatalf("%d messages, want %d, of\n%s\nand the replies\n%s", len(b.all()), want.taken, in.String(), out)
		}
	}
	for n := range 7 * 7 * 7 {
		a, b, c := n%7, n/7%7, n/49
		try(a, b, c)
		try(0, a, b, c)
		try(0, 1, a, b, c)
		try(0, 1, 2, a, b, c)
	}
}

// An order is what commands do by RFC 5321 and RFC 3030, and by a rule of the
// relay's own: after a message in chunks that was broken off, the session ends.
type order struct {
	hello, mail, rcpt, chunks, broken bool
	taken                             int
}

func (o *order) next(command int) {
	if o.broken {
		return
	}
	reset := func() { o.mail, o.rcpt = false, false }
	switch command {
	case 0, 3: // EHLO, RSET
		o.broken = o.chunks
		o.hello = o.hello || command == 0
		reset()
	case 1:
		o.mail = o.mail || o.hello && !o.chunks
	case 2:
		o.rcpt = o.rcpt || o.mail && !o.chunks
	case 4:
		if o.rcpt && !o.chunks {
			o.taken++
			reset()
		}
	case 5:
		o.chunks = o.chunks || o.rcpt
	case 6:
		if o.rcpt {
			o.taken++
			reset()
			o.chunks = false
		}
	}
}

func TestChunkSizesThatCannotBe(t *testing.T) {
	const hidden = "MAIL FROM:<evil@b.c>\r\nRCPT TO:<victim@b.c>\r\nDATA\r\nSubject: hidden\r\n\r\n.\r\n"
	for _, test := range []struct{ args, want string }{
		{"", "501 5.5.4 "}, {" ", "501 5.5.2 "}, {" -1", "501 5.5.4 "}, {" -1 LAST", "501 5.5.4 "}, {" +5", "501 5.5.4 "}, {" 0x10", "501 5.5.4 "},
		{" 1e3", "501 5.5.4 "}, {" 5.0", "501 5.5.4 "}, {" 4294967296", "501 5.5.4 "}, {" 18446744073709551616 LAST", "501 5.5.4 "},
		{" 99999999999999999999999999999999 LAST", "501 5.5.4 "}, {" five", "501 5.5.4 "}, {" LAST", "501 5.5.4 "}, {" LAST 5", "501 5.5.4 "},
		{" 5 LAST LAST", "501 5.5.4 "}, {" 5 FIRST", "501 5.5.4 "}, {" 5 XLAST", "501 5.5.4 "}, {" 5LAST", "501 5.5.4 "}, {" \u0665", "501 5.5.4 "},
		{" 1_0", "501 5.5.4 "}, {" 5;LAST", "501 5.5.4 "}, {" 5\x00", "501 5.5.4 "}, {"\t5 LAST", "501 5.5.2 "}, {"5 LAST", "501 5.5.2 "}, {"X 5", "501 5.5.2 "},
	} {
		b := newInbox()
		out := say(t, testConfig(), b, toMegan+"BDAT"+test.args+"\r\n"+hidden)
		// The session ends: where the chunk does, and commands begin, is not known.
		_, after, found := strings.Cut(out, "\r\n"+test.want)
		if !found || strings.Count(after, "\r\n") != 1 || len(b.all()) > 0 {
			t.Errorf("BDAT%s: %d messages, %q", test.args, len(b.all()), out)
		}
	}
}

func TestChunksThatAreNotAsTold(t *testing.T) {
	const message = "Subject: x\r\n\r\n"
	tests := []struct {
		name, in, want string
		taken          int
	}{
		{"a size of nothing", toMegan + "BDAT 0 LAST\r\n", "250 2.0.0 queued as", 1},
		{"chunks of nothing", toMegan + "BDAT 0\r\nBDAT 0\r\nBDAT 14 LAST\r\n" + message, "250 2.0.0 queued as", 1},
		{"a size with zeros before it", toMegan + "BDAT 00000000000014 LAST\r\n" + message, "250 2.0.0 queued as", 1},
		{"before RCPT", "EHLO x\r\nMAIL FROM:<a@b.c>\r\nBDAT 14 LAST\r\n" + message, "503 5.5.1 ", 0},
		{"before MAIL", "EHLO x\r\nBDAT 14 LAST\r\n" + message, "503 5.5.1 ", 0},
		{"before EHLO", "BDAT 14 LAST\r\n" + message, "503 5.5.1 ", 0},
		{"commands in a chunk that is refused", "EHLO x\r\nBDAT 50 LAST\r\n" + fmt.Sprintf("%48s\r\n", "HELO x\rMAIL FROM:<a@b.c>"), "503 5.5.1 ", 0},
		{"more octets than said", toMegan + "BDAT 14 LAST\r\n" + message + "more of it\r\n", "500 5.5.2 Syntax", 1},
		{"fewer octets than said", toMegan + "BDAT 15 LAST\r\n" + message, "421 4.4.2 the message did not come to its end", 0},
		{"the command without its end", toMegan + "BDAT 14 LAST", "421", 0},
		{"DATA amid chunks", toMegan + "BDAT 14\r\n" + message + "DATA\r\nBDAT 0 LAST\r\n", "250 2.0.0 queued as", 1},
		{"chunks after DATA", toMegan + "DATA\r\n" + message + ".\r\nBDAT 14 LAST\r\n" + message, "503 5.5.1 ", 1},
		{"no LAST, and a new message", toMegan + "BDAT 14\r\n" + message + "RSET\r\n" + toMegan + "BDAT 14 LAST\r\n" + message, "421 4.3.0 ", 0},
		{"behind a space, which is no command", toMegan + " BDAT 14 LAST\r\nSTARTTLS\r\nNOOP\r\n", "501 5.5.2 ", 0},
		{"in letters that are folded", toMegan + "bdat 14 la\u017ft\r\n" + message, "250 2.0.0 queued as", 1},
	}
	for _, test := range tests {
		b := newInbox()
		out := say(t, testConfig(), b, test.in)
		if n := len(b.all()); n != test.taken || test.want != "421" && !strings.Contains(out, "\r\n"+test.want) {
			t.Errorf("%s: %d messages, %q", test.name, n, out)
		}
		if strings.Count(out, "Roger") > strings.Count(test.in, "\nMAIL") {
			t.Errorf("%s: a chunk was taken for a command: %q", test.name, out)
		}
	}
}

func TestControlCharactersInCommands(t *testing.T) {
	for _, line := range []string{
		"EHLO a\x00b", "HELO \x00", "NOOP \x00", "\x00NOOP", "MAIL FROM:<a\x00@b.c>", "MAIL FROM:<a@b\x00.c>", "MAIL FROM:<a@b.c>\x00", "MAIL FROM:<a@b.c> SIZE=1\x00",
		"MAIL FROM:<\"a\x00b\"@b.c>", "MAIL FROM:<\x1b[2J@b.c>", "MAIL FROM:<a@b.c\x7f>", "MAIL FROM:<a@b.c> ENVID=a\x00b", "MAIL FROM:<a@b.c> ENVID=a+0D+0Ab", "MAIL FROM:<a@b.c> RET=\x00",
		"MAIL FROM:<a\u0085b@b.c> SMTPUTF8", "MAIL FROM:<a\u009bb@b.c> SMTPUTF8", "MAIL FROM:<a\xffb@b.c> SMTPUTF8",
		"RCPT TO:<a\x00@b.c>", "RCPT TO:<a@b.c> ORCPT=rfc822;a+00@b.c", "RCPT TO:<a@b.c> ORCPT=rfc822;a@b.c+0D+0ADATA", "RCPT TO:<a@b.c> ORCPT=utf-8;a\\x{0A}@b.c",
		"RCPT TO:<a@b.c> NOTIFY=NEVER\x00", "RCPT TO:<\"a\x07\"@b.c>", "RCPT TO:<a@b.c\r>", "RCPT TO:<a\n@b.c>",
	} {
		b := newInbox()
		in := "EHLO x\r\n"
		if strings.HasPrefix(line, "RCPT") {
			in += "MAIL FROM:<alex@contoso.com> SMTPUTF8\r\n"
		}
		out := say(t, testConfig(), b, in+line+"\r\nRCPT TO:<megan@contoso.com>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n")
		for _, m := range b.all() {
			for _, s := range append([]string{m.From, m.EnvelopeID, m.Return, string(m.body)}, addresses(m.Message)...) {
				if strings.ContainsFunc(strings.NewReplacer("\r\n", "", "\t", "").Replace(s), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
					t.Errorf("%q was taken as %q", line, s)
				}
			}
		}
		for reply := range strings.Lines(out) {
			if !replyLine.MatchString(reply) || strings.ContainsAny(strings.TrimSuffix(reply, "\r\n"), "\r\n\x00\x1b\x07") {
				t.Errorf("%q was answered with %q", line, reply)
			}
		}
	}
}

func addresses(m Message) (list []string) {
	for _, to := range m.Recipients {
		list = append(list, to.Address, to.OriginalRecipient)
	}
	return list
}

func TestMalformedAddresses(t *testing.T) {
	long := strings.Repeat("x", 65)
	for address, want := range map[string]string{ // "" is refused
		"":                 "",
		"@":                "",
		"a":                "",
		"@b.c":             "",
		"a@":               "",
		"a@b@c":            "",
		"a b@c.d":          "",
		"a@b c.d":          "",
		"a@b..c":           "",
		"a@.b":             "",
		"a@b.":             "",
		"a@-b.c":           "",
		"a@b.c,d@e.f":      "",
		"a@b.c;d":          "",
		"a@b.c:25":         "",
		"a@[300.1.1.1]":    "",
		"a@[192.0.2.1":     "",
		"a@[]":             "",
		"<a@b.c":           "",
		"\"a@b.c":          "",
		"\"a\"b@c.d":       "",
		"\"\"@b.c":         "",
		"\"a\\":            "",
		"a(comment)@b.c":   "",
		long + "@b.c":      "",
		"a@" + long + ".c": "",
		"a@" + strings.Repeat("bbbbbbbb.", 30) + "c": "",
		"\u7528\u6237@example.com":                   "", // SMTPUTF8 was not asked for
		"a@b\u00fccher.example":                      "",
		"a@b.c\u200b":                                "",
		"@relay.test,@b.c:a@d.e":                     "a@d.e", // a source route is taken off (RFC 5321 appendix C)
		"\"a b\"@c.d":                                "\"a b\"@c.d",
		"\"a\\\"b\"@c.d":                             "\"a\\\"b\"@c.d",
		"\"a@b\"@c.d":                                "\"a@b\"@c.d",
		"\"plain\"@c.d":                              "plain@c.d",
		"a!b%c@d.e":                                  "a!b%c@d.e",
		"a@[192.0.2.1]":                              "a@[192.0.2.1]",
		"a@[IPv6:2001:db8::1]":                       "a@[IPv6:2001:db8::1]",
		long[1:] + "@b.c":                            long[1:] + "@b.c",
	} {
		b := newInbox()
		say(t, testConfig(), b, "EHLO x\r\nMAIL FROM:<"+address+">\r\nMAIL FROM:<>\r\nRCPT TO:<"+address+">\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n")
		all := b.all()
		switch {
		case want == "" && len(all) > 0:
			t.Errorf("%q was taken as %q", address, all[0].Recipients[0].Address)
		case want != "" && (len(all) != 1 || all[0].From != want || all[0].Recipients[0].Address != want):
			t.Errorf("%q: got %+v, want %q", address, all, want)
		}
	}
}

func TestLinesWithoutEnd(t *testing.T) {
	endless := strings.Repeat("x", 1<<20)
	tests := []struct {
		name, in, want string
		taken          int
	}{
		{"a command", endless, "500 5.5.2 the line is too long", 0},
		{"a greeting", "EHLO " + endless, "500 5.5.2 the line is too long", 0},
		{"an answer to a challenge", "EHLO x\r\nAUTH LOGIN\r\n" + endless, "500 5.5.2 the line is too long", 0},
		{"a field", toMegan + "DATA\r\nSubject: " + endless + "\r\n\r\n.\r\n", "552 5.3.4 the header", 0},
		{"a field that goes on and on", toMegan + "DATA\r\nSubject: x\r\n" + strings.Repeat(" y\r\n", 1<<17) + "\r\n.\r\n", "552 5.3.4 the header", 0},
		{"fields", toMegan + "DATA\r\n" + strings.Repeat("a:\r\n", maxFields+1) + "\r\n.\r\n", "552 5.3.4 the header of the message has more than 5000 fields", 0},
		{"a line of the body", toMegan + "DATA\r\nSubject: x\r\n\r\n" + endless + "\r\n.\r\n", "250 2.0.0 queued as", 1},
		{"a body with neither field nor line", toMegan + "DATA\r\n" + endless + "\r\n.\r\n", "250 2.0.0 queued as", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig()
			c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
			b := newInbox()
			out := say(t, c, b, test.in)
			if n := len(b.all()); n != test.taken || !strings.Contains(out, "\r\n"+test.want) {
				t.Errorf("%d messages, %q", n, out)
			}
		})
	}
}

// What a client has use for is held freely; what is beyond that only while there
// is room for all.
func TestLargeHeadersShareTheirMemory(t *testing.T) {
	var in intake
	small, large := holding{all: &in.held}, holding{all: &in.held}
	if !large.add(heldFreely) || in.held.Load() != 0 {
		t.Errorf("what is free was counted: %d", in.held.Load())
	}
	if !large.add(heldMost) || large.add(1) {
		t.Error("there is room for more than there is")
	}
	if !small.add(heldFreely) || small.add(1) {
		t.Error("a small one has to wait, or a large one has not")
	}
	small.release()
	if large.release(); in.held.Load() != 0 || !small.add(heldMost) {
		t.Errorf("%d octets are still counted", in.held.Load())
	}

	in.held.Store(heldMost) // by others
	header := strings.Repeat("X-Field: "+strings.Repeat("x", 100)+"\r\n", 1000)
	b := newInbox()
	p := &pipe{in: bytes.NewReader([]byte(toMegan + "DATA\r\n" + header + "\r\n.\r\n" + toMegan + "DATA\r\nSubject: x\r\n\r\n.\r\nEHLO x\r\nMAIL FROM:<a@b.c>\r\n" +
		strings.Repeat("RCPT TO:<"+strings.Repeat("r", 64)+"@b.c>\r\n", 500) + "QUIT\r\n"))}
	s := fuzzServer(t, testConfig(), b.accept)
	s.in.held.Store(heldMost)
	s.serve(s.state.Load().Listeners[0].Address, p)
	refused := "451 4.3.1 too many messages with a large header or many recipients are coming in; try again later\r\n"
	out := p.out.String()
	if n := strings.Count(out, refused); len(b.all()) != 1 || n < 100 || n > 300 || strings.Count(out, "354 ") != 2 {
		t.Errorf("%d messages, %d refusals: %.2000q", len(b.all()), n, out)
	}
	if n := s.in.held.Load(); n != heldMost {
		t.Errorf("%d octets are still counted", n-heldMost)
	}
}
