package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSendAs(t *testing.T) {
	tests := []struct {
		name, envelope, header string
		denied                 string // the address, or ""
	}{
		{"the user itself", "svc@contoso.com", "From: Service <svc@contoso.com>", ""},
		{"the user in other letters", "SVC@contoso.com", "From: SVC@CONTOSO.COM", ""},
		{"an alias of the user", "service@contoso.com", "From: service@contoso.com", ""},
		{"an alias of the user's mailbox", "printer@contoso.com", "From: printer@contoso.com", ""},
		{"no From, the user's envelope", "svc@contoso.com", "Subject: x", ""},
		{"a bounce", "", "From: svc@contoso.com", ""},
		{"a mailbox that granted nothing", "board@contoso.com", "From: board@contoso.com", "board@contoso.com"},
		{"From a mailbox that granted nothing", "svc@contoso.com", "From: Board <board@contoso.com>", "board@contoso.com"},
		{"an envelope that may not be used", "board@contoso.com", "From: svc@contoso.com", "board@contoso.com"},
		{"no From, an envelope that may not be used", "board@contoso.com", "Subject: x", "board@contoso.com"},
		{"a second From field", "svc@contoso.com", "From: svc@contoso.com\r\nFrom: board@contoso.com", "board@contoso.com"},
		{"a second address in From", "svc@contoso.com", "From: svc@contoso.com, board@contoso.com", "board@contoso.com"},
		{"From folded over two lines", "svc@contoso.com", "From: Board\r\n <board@contoso.com>", "board@contoso.com"},
		{"From behind a line that is no field", "svc@contoso.com", "nonsense\r\nFrom: board@contoso.com", ""},
		{"a mailbox that granted Send As", "sales@contoso.com", "From: sales@contoso.com", ""},
		{"its alias", "offers@contoso.com", "From: offers@contoso.com", ""},
		{"its name as Sender", "svc@contoso.com", "From: svc@contoso.com\r\nSender: sales@contoso.com", ""},
		{"a mailbox that granted Send on Behalf", "ceo@contoso.com", "From: ceo@contoso.com", ""},
		{"on behalf, with the user as Sender", "svc@contoso.com", "From: ceo@contoso.com\r\nSender: svc@contoso.com", ""},
		{"on behalf, hidden as Sender", "svc@contoso.com", "From: svc@contoso.com\r\nSender: ceo@contoso.com", "ceo@contoso.com"},
		{"an address of another organisation", "ann@fabrikam.com", "From: ann@fabrikam.com", "ann@fabrikam.com"},
	}
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := dialExchange(t, address)
			c.signIn()
			before := len(tenant.Inbox())
			got := c.submit(test.envelope, "ann@fabrikam.com", test.header+"\r\n\r\nhi\r\n")
			delivered := len(tenant.Inbox()) - before
			if test.denied == "" {
				if !strings.HasPrefix(got, "250 2.0.0 OK <") || delivered != 1 {
					t.Errorf("got %q, %d delivered", got, delivered)
				}
			} else if want := sendAsDenied("svc@contoso.com", test.denied) + hostname; got != want || delivered != 0 {
				t.Errorf("got %q, %d delivered", got, delivered)
			}
		})
	}
}

func TestUnreadableSenderIsCorrupt(t *testing.T) {
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{})
	c := dialExchange(t, address)
	c.signIn()
	for _, header := range []string{"From: <board@", "From:", "From: svc@contoso.com\r\nSender: somebody"} {
		if got := c.submit("svc@contoso.com", "ann@fabrikam.com", header+"\r\n\r\nhi\r\n"); got != replyCorrupt+hostname {
			t.Errorf("%s: %s", header, got)
		}
	}
	if n := len(tenant.Inbox()); n != 0 {
		t.Errorf("%d delivered", n)
	}
}

func TestMessagesArriveByteForByte(t *testing.T) {
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{Now: func() time.Time { return exchangeNow }})
	message := "From: svc@contoso.com\r\nMessage-ID: <1@client>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n" +
		".\r\n..\r\nbare\nLF\n.\nand\rCR\r\n\x00\xff 8-bit\r\n" + strings.Repeat("x", 3*lineLimit) + "\r\n"

	first, second := dialExchange(t, address), dialExchange(t, address)
	first.signIn()
	second.signIn()
	bdat := first.submit("sales@contoso.com", "ann@fabrikam.com", message)
	second.send("MAIL FROM:<svc@contoso.com>", "RCPT TO:<ann@fabrikam.com>", "RCPT TO:<bob@fabrikam.com>", "DATA")
	for _, code := range []string{"250", "250", "250", "354"} {
		second.expect(code)
	}
	second.write("." + strings.ReplaceAll(message, "\r\n.", "\r\n..") + ".\r\n") // a dot too many before "From" is taken away
	data := second.expect("250")
	again := second.submit("svc@contoso.com", "ann@fabrikam.com", "")

	want := Message{
		ReceivedAt: exchangeNow, Over: "smtp", User: "svc@contoso.com", From: "sales@contoso.com", To: []string{"ann@fabrikam.com"},
		MessageID: "<1@client>", ExchangeID: strings.Fields(bdat)[3], Subject: "Grüße",
		ID: 1, Session: 1, First: true, Size: len(message), Data: []byte(message),
	}
	want2 := want
	want2.ID, want2.Session, want2.From, want2.ExchangeID = 2, 2, "svc@contoso.com", strings.Fields(data)[3]
	want2.To = []string{"ann@fabrikam.com", "bob@fabrikam.com"}
	want3 := Message{
		ReceivedAt: exchangeNow, Over: "smtp", User: "svc@contoso.com", From: "svc@contoso.com", To: []string{"ann@fabrikam.com"},
		ID: 3, Session: 2, ExchangeID: strings.Fields(again)[3],
	}
	if diff := cmp.Diff([]Message{want, want2, want3}, tenant.Inbox(), cmpopts.IgnoreFields(Message{}, "Turns"), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Error(diff)
	}
}

func TestOnlySoManySessionsOfAMailboxSubmit(t *testing.T) {
	tenant := newExchangeTenant()
	_, address := startExchange(t, tenant, exchangeOptions{})
	var clients []*smtpClient
	for range 4 { // one more than Exchange Online lets submit
		c := dialExchange(t, address)
		c.signIn()
		clients = append(clients, c)
	}
	admin := dialExchange(t, address)
	admin.startTLS()
	admin.send("AUTH XOAUTH2 " + xoauth2("admin@contoso.com", "admin"))
	admin.expect("235")

	submit := func(c *smtpClient, from string) string {
		return c.submit(from, "ann@fabrikam.com", "From: "+from+"\r\n\r\nhi\r\n")
	}
	for _, c := range clients[:3] {
		if got := submit(c, "svc@contoso.com"); !strings.HasPrefix(got, "250 ") {
			t.Error(got)
		}
	}
	if got := submit(clients[3], "svc@contoso.com"); got != replyCrowded+hostname {
		t.Error("the fourth session:", got)
	}
	if got := submit(admin, "admin@contoso.com"); !strings.HasPrefix(got, "250 ") {
		t.Error("another mailbox:", got)
	}
	// The place is free when the server has seen the first session end.
	clients[0].send("QUIT")
	clients[0].expect("221")
	if line := clients[0].line(); line != "EOF" {
		t.Error("after 221:", line)
	}
	if got := submit(clients[3], "svc@contoso.com"); !strings.HasPrefix(got, "250 ") {
		t.Error("the fourth session, once another has ended:", got)
	}
	if n := len(tenant.Inbox()); n != 5 {
		t.Errorf("%d delivered, want 5", n)
	}
}

func TestReadDotted(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct{ name, in, want string }{
		{"nothing", ".\r\n", ""},
		{"one line", "a\r\n.\r\n", "a\r\n"},
		{"stuffed dots", "..\r\n...b\r\n.c\r\n.\r\n", ".\r\n..b\r\nc\r\n"},
		{"a dot within a line", "a.\r\n.\r\n", "a.\r\n"},
		{"LF dot LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n"},
		{"LF dot CRLF", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n"},
		{"CRLF dot LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"},
		{"CR dot CR", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n"},
		{"CRLF dot CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n"},
		{"a line longer than the buffer", long + "\r\n.\r\n", long + "\r\n"},
		{"a CRLF across the edge of the buffer", long[:15] + "\r\n.\r\n", long[:15] + "\r\n"},
		{"a dot after that", long[:15] + "\r\n..a\r\n.\r\n", long[:15] + "\r\n.a\r\n"},
		{"a dot at the start of a long line", "." + long + "\r\n.\r\n", long + "\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			r := bufio.NewReaderSize(strings.NewReader(test.in+"rest"), 16)
			size, err := readDotted(&b, r, 1000)
			if err != nil || b.String() != test.want || size != int64(len(test.want)) {
				t.Errorf("got %q, %d, %v", b.String(), size, err)
			}
			if rest, _ := r.Peek(4); string(rest) != "rest" {
				t.Errorf("%q is left", rest)
			}
			if _, err := readDotted(&b, bufio.NewReader(strings.NewReader(strings.TrimSuffix(test.in, "\n"))), 1000); err == nil {
				t.Error("no error when the end is missing")
			}
		})
	}
}

func TestParsePath(t *testing.T) {
	tests := []struct {
		in, address string
		params      string
		ok          bool
	}{
		{"FROM:<a@b.c>", "a@b.c", "", true},
		{"from: <a@b.c>", "a@b.c", "", true},
		{"FROM:<>", "", "", true},
		{`FROM:<"a>\">b"@b.c> SIZE=1`, `"a>\">b"@b.c`, "SIZE=1", true},
		{"FROM:<a@b.c>  size=1 SMTPUTF8 ", "a@b.c", "SIZE=1 SMTPUTF8", true},
		{"FROM:<a@b.c>SIZE=1", "", "", false},
		{"FROM:<a@b.c> SIZE=1 size=2", "", "", false},
		{"FROM:a@b.c", "", "", false},
		{"FROM:<a@b.c", "", "", false},
		{`FROM:<"a>`, "", "", false},
		{"TO:<a@b.c>", "", "", false},
		{"FR", "", "", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		address, params, ok := parsePath(test.in, "FROM:")
		var list []string
		for _, p := range params {
			s := p.key
			if p.hasValue {
				s += "=" + p.value
			}
			list = append(list, s)
		}
		if got := strings.Join(list, " "); address != test.address || got != test.params || ok != test.ok {
			t.Errorf("%s: %q, %q, %v", test.in, address, got, ok)
		}
	}
}

func TestValidAddress(t *testing.T) {
	valid := []string{"a@b", "a.b+c@d-e.f", `"a b"@c.d`, "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"}
	invalid := []string{"", "@", "a", "a@", "@b", "a b@c", "a@b c", "a@-b", "a@b-", "a@b..c", "a@b_c", "a@[b]", "a@[2001:db8::1]",
		"a@[IPv6:192.0.2.1]", "a@[192.0.2.1", "a@b@c", `"@b`, "a\x7f@b", "a\"b@c", "a@" + strings.Repeat("b", 256)}
	utf8 := []string{"ö@b", "a@ö.b"}
	for _, address := range slices.Concat(valid, invalid, utf8) {
		if got, want := validAddress(address, false), slices.Contains(valid, address); got != want {
			t.Errorf("%q: %v", address, got)
		}
		if got, want := validAddress(address, true), !slices.Contains(invalid, address); got != want {
			t.Errorf("%q with SMTPUTF8: %v", address, got)
		}
	}
}

func TestLongLines(t *testing.T) {
	_, address := startExchange(t, newExchangeTenant(), exchangeOptions{})
	c := dialExchange(t, address)
	c.startTLS()
	for _, test := range []struct{ name, line, want string }{
		{"a command of 4096 octets", "NOOP " + strings.Repeat("x", 4089), replyOK},
		{"a command of 4097 octets", "NOOP " + strings.Repeat("x", 4090), replyLongLine},
		{"a line beyond the buffer", strings.Repeat("x", 3*lineLimit), replyLongLine},
		{"the command after that", "NOOP", replyOK},
		{"a token as long as RFC 4954 lets it be", "AUTH XOAUTH2 " + strings.Repeat("A", 12288), refusedIdentity},
		{"a longer one", "AUTH XOAUTH2 " + strings.Repeat("A", 16384), replyLongLine},
	} {
		if got := c.ask(test.line); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	for n := lineLimit - 2; n <= lineLimit+1; n++ {
		c.send("AUTH XOAUTH2")
		c.expect("334 ")
		want := refusedIdentity
		if n+2 > lineLimit {
			want = replyLongLine
		}
		if got := c.ask(strings.Repeat("A", n)); !strings.HasPrefix(got, want) {
			t.Errorf("a response of %d octets: %s", n, got)
		}
	}
	if got := c.ask(fmt.Sprintf("AUTH XOAUTH2 %s", xoauth2("svc@contoso.com", "good"))); got != replyAuthOK {
		t.Errorf("AUTH after that: %s", got)
	}
}
