package smtp

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	chunking   = exchange
	pipelining = without(exchange, "CHUNKING")
	lockstep   = without(exchange, "CHUNKING", "PIPELINING")
	shapes     = map[string][]string{"chunking": chunking, "pipelining": pipelining, "lockstep": lockstep,
		"lockstep chunking": without(exchange, "PIPELINING")}
)

// answers replies to the commands that start with a key, and to others as usual.
func answers(replies map[string]string) func(int, string) string {
	return func(_ int, line string) string {
		for prefix, reply := range replies {
			if strings.HasPrefix(line, prefix) {
				return reply
			}
		}
		return ""
	}
}

const (
	noUser   = "550 5.1.1 no such user"
	greylist = "450 4.2.0 try later"
)

// Every refusal is followed by a good message on the same session, which shows
// that replies and commands still match.
func TestRefusals(t *testing.T) {
	good := "good@example.com"
	tests := []struct {
		name       string
		ext        []string
		reply      map[string]string
		to         []string
		op         string // of the error, "" for none
		code       int
		temporary  bool
		refused    []string // recipients
		transcript string   // golden, if any
	}{
		{name: "one recipient of three is refused and the rest get the message", ext: chunking, reply: map[string]string{"RCPT TO:<no@": noUser},
			to: []string{good, "no@example.com", "b@example.com"}, refused: []string{"no@example.com"}, transcript: "partial-bdat"},
		{name: "the same with DATA", ext: pipelining, reply: map[string]string{"RCPT TO:<no@": noUser},
			to: []string{good, "no@example.com", "b@example.com"}, refused: []string{"no@example.com"}, transcript: "partial-data"},
		{name: "the same step by step", ext: lockstep, reply: map[string]string{"RCPT TO:<no@": noUser},
			to: []string{"no@example.com", good}, refused: []string{"no@example.com"}},
		{name: "all recipients refused, with BDAT in the flight, is reset in the next flight", ext: chunking, reply: map[string]string{"RCPT TO:<no": noUser},
			to: []string{"no@example.com", "no2@example.com"}, op: OpRCPT, code: 550, refused: []string{"no@example.com", "no2@example.com"}, transcript: "all-refused-bdat"},
		{name: "all recipients refused and BDAT answered 554", ext: chunking, reply: map[string]string{"RCPT TO:<no": noUser, "BDAT 25": "554 5.5.1 no valid recipients"},
			to: []string{"no@example.com"}, op: OpRCPT, code: 550, refused: []string{"no@example.com"}},
		{name: "all recipients refused and DATA refused", ext: pipelining, reply: map[string]string{"RCPT TO:<no": noUser},
			to: []string{"no@example.com"}, op: OpRCPT, code: 550, refused: []string{"no@example.com"}, transcript: "all-refused-data"},
		{name: "all recipients refused and DATA accepted gets a lone dot", ext: pipelining, reply: map[string]string{"RCPT TO:<no": noUser, "DATA": "354 go"},
			to: []string{"no@example.com"}, op: OpRCPT, code: 550, refused: []string{"no@example.com"}, transcript: "all-refused-354"},
		{name: "all recipients refused step by step sends no message", ext: lockstep, reply: map[string]string{"RCPT TO:<no": noUser},
			to: []string{"no@example.com"}, op: OpRCPT, code: 550, refused: []string{"no@example.com"}, transcript: "all-refused-lockstep"},
		{name: "a temporary refusal among permanent ones decides", ext: chunking, reply: map[string]string{"RCPT TO:<no": noUser, "RCPT TO:<later": greylist},
			to: []string{"no@example.com", "later@example.com"}, op: OpRCPT, code: 450, temporary: true, refused: []string{"no@example.com", "later@example.com"}},
		{name: "the sender refused, with everything after it in the flight", ext: chunking, reply: map[string]string{"MAIL FROM:<bad": "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "RCPT TO:<x": "503 5.5.2 Need mail command"},
			to: []string{"x@example.com", "x2@example.com"}, op: OpMAIL, code: 550, transcript: "sender-refused-bdat"},
		{name: "the sender refused step by step ends the transaction", ext: lockstep, reply: map[string]string{"MAIL FROM:<bad": greylist},
			to: []string{"x@example.com"}, op: OpMAIL, code: 450, temporary: true, transcript: "sender-refused-lockstep"},
		{name: "the message refused at BDAT", ext: chunking, reply: map[string]string{"BDAT 25": "554 5.2.252 SendAsDenied; svc not allowed to send as bad"},
			to: []string{good}, op: OpBDAT, code: 554},
		{name: "DATA itself refused", ext: pipelining, reply: map[string]string{"DATA": "451 4.3.0 no"},
			to: []string{good}, op: OpDATA, code: 451, temporary: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scripted := true
			f := (&fake{ext: tt.ext, reply: func(n int, line string) string {
				if !scripted {
					return ""
				}
				return answers(tt.reply)(n, line)
			}}).start(t)
			c, _ := f.client(t)
			m := message("Subject: refused\r\n\r\nx\r\n\r\n", tt.to...)
			m.From = "bad@example.com"
			r, err := c.Submit(t.Context(), m)
			if tt.op == "" && err != nil {
				t.Fatal(err)
			}
			if tt.op != "" {
				e := failure(t, err)
				if e.Op != tt.op || e.Code != tt.code || e.Temporary() != tt.temporary || e.Connection() || e.Unknown {
					t.Errorf("got %+v: %v", e, e)
				}
				if len(f.got()) != 0 {
					t.Error("a message arrived")
				}
			}
			var refused []string
			for _, e := range r.Refused {
				refused = append(refused, e.Recipient)
			}
			if got, want := fmt.Sprint(refused), fmt.Sprint(tt.refused); got != want {
				t.Errorf("refused %s, want %s", got, want)
			}
			scripted = false
			next, err := c.Submit(t.Context(), message(hello, good))
			if err != nil || !next.Reused {
				t.Fatalf("the next message: %+v, %v", next, err)
			}
			if got := f.got(); got[len(got)-1].body != hello {
				t.Errorf("the next message arrived as %q", got)
			}
			if want := map[string]int{"chunking": 1, "pipelining": 2}[shape(tt.ext)]; want != 0 && next.RoundTrips != want {
				t.Errorf("the next message took %d waits, want %d", next.RoundTrips, want)
			}
			if tt.transcript != "" {
				golden(t, tt.transcript, afterSetup(f.dialog()))
			}
		})
	}
}

func shape(ext []string) string {
	for name, s := range shapes {
		if len(s) == len(ext) && strings.Join(s, " ") == strings.Join(ext, " ") {
			return name
		}
	}
	return ""
}

// afterSetup leaves the part of a dialog that every session starts with out.
func afterSetup(dialog string) string {
	return dialog[strings.Index(dialog, "C: MAIL"):]
}

func TestAThousandRecipientsDoNotDeadlock(t *testing.T) {
	long := strings.Repeat("x", 900) // a megabyte of replies: more than the sockets hold
	f := (&fake{reply: answers(map[string]string{"RCPT TO:<no": "550 5.1.1 " + long})}).start(t)
	c, _ := f.client(t)
	m := message(strings.Repeat("0123456789\r\n", 80000), "good@example.com")
	for i := range 1000 {
		m.To = append(m.To, Recipient{Address: fmt.Sprintf("no%d@example.com", i)})
	}
	r, err := c.Submit(t.Context(), m)
	if err != nil || len(r.Refused) != 1000 || r.Refused[999].Recipient != "no999@example.com" {
		t.Fatalf("%d refused, %v", len(r.Refused), err)
	}
}

// The body has no end, so that only the server's objection can end the test.
func TestALargeMessageStopsAtTheFirstObjection(t *testing.T) {
	f := (&fake{discard: true, quiet: true, reply: answers(map[string]string{"BDAT": "552 5.3.4 Message size exceeds fixed maximum message size"})}).start(t)
	c, _ := f.client(t)
	m := message("", "a@example.com")
	m.Size = 100 << 20
	m.Open = func() (io.ReadCloser, error) { return io.NopCloser(repeat("x\r\n")), nil }
	_, err := c.Submit(t.Context(), m)
	if e := failure(t, err); e.Code != 552 || e.Connection() {
		t.Errorf("got %v", e)
	}
}

func TestAServerThatContradictsItselfLeavesTheOutcomeUnknown(t *testing.T) {
	f := (&fake{reply: answers(map[string]string{"MAIL": noUser, "RCPT": "250 ok", "BDAT": "250 ok"})}).start(t)
	c, _ := f.client(t)
	_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); !e.Unknown || e.Code != 550 {
		t.Errorf("got %+v: %v", e, e)
	}
}

func TestTheAnnouncedSizeMayBeWrong(t *testing.T) {
	for _, announced := range []int64{0, 10, 5 << 20} {
		for _, size := range []int{0, 1000, maxSmall - 2, 3 << 20} {
			f := (&fake{}).start(t)
			c, _ := f.client(t)
			body := strings.Repeat("x\r\n", size/3)
			m := message(body, "a@example.com")
			m.Size = announced
			if _, err := c.Submit(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if f.got()[0].body != body {
				t.Errorf("announced %d: %d octets arrived as %d", announced, len(body), len(f.got()[0].body))
			}
		}
	}
}

func TestASmallMessageAnnouncedTooLargeIsSent(t *testing.T) {
	f := (&fake{ext: []string{"SIZE 1000"}}).start(t)
	c, _ := f.client(t)
	if _, err := c.Submit(t.Context(), announced(message(hello, "a@example.com"), 1<<40)); err != nil {
		t.Error(err)
	}
}

// Exchange's limit on sessions that send at once is not about this message.
func TestTooManyAtOnceIsTheSessionsFault(t *testing.T) {
	for at, ext := range map[string][]string{"MAIL": lockstep, ".": pipelining, "BDAT": chunking} {
		t.Run("at "+at, func(t *testing.T) {
			f := (&fake{ext: ext}).start(t)
			f.reply = func(conn int, line string) string {
				if conn == 1 && strings.HasPrefix(line, at) {
					return "432 4.3.2 Concurrent connections limit exceeded."
				}
				return ""
			}
			c, _ := f.client(t)
			_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
			if e := failure(t, err); e.Code != 432 || !e.Temporary() || !e.Connection() || e.Unknown {
				t.Errorf("got %+v: %v", e, e)
			}
			if r, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil || r.Reused {
				t.Errorf("the next message: %+v, %v", r, err)
			}
		})
	}
}

func TestABodyThatCannotBeReadIsNotSentInPart(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, ext := range shapes {
		t.Run(name, func(t *testing.T) {
			f := (&fake{ext: ext}).start(t)
			c, _ := f.client(t)
			for _, size := range []int64{10, 3 << 20} {
				m := message("", "a@example.com")
				m.Size = size
				m.Open = func() (io.ReadCloser, error) {
					return io.NopCloser(io.MultiReader(io.LimitReader(repeat("x\r\n"), size), iotest.ErrReader(broken))), nil
				}
				_, err := c.Submit(t.Context(), m)
				if e := failure(t, err); e.Op != OpRead || !errors.Is(err, broken) || !e.Temporary() || e.Connection() || e.Unknown {
					t.Errorf("got %+v", e)
				}
				if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
					t.Errorf("the next message: %v", err)
				}
			}
			for _, m := range f.got() {
				if m.body != hello {
					t.Errorf("a part of %d octets was taken for a message", len(m.body))
				}
			}
		})
	}
}

func TestUnfitMessagesAreRefusedBeforeAnythingIsSent(t *testing.T) {
	latin := "Subject: x\r\n\r\ncaf\xe9\r\n"
	long := strings.Repeat("0123456789\r\n", maxSmall/8)
	tests := []struct {
		name  string
		ext   []string
		m     *Message
		fails string
	}{
		{"8-bit without 8BITMIME", without(exchange, "8BITMIME"), message(latin, "a@example.com"), "8BITMIME"},
		{"a large one whose last octet has 8 bits", without(exchange, "8BITMIME"), message(long+"\xe9", "a@example.com"), "8BITMIME"},
		{"UTF-8 addresses without SMTPUTF8", without(exchange, "SMTPUTF8"), message(hello, "jörg@example.com"), "SMTPUTF8"},
		{"UTF-8 in the header without SMTPUTF8", without(exchange, "SMTPUTF8"), internationalized(message("Subject: Grüße\r\n\r\nhi\r\n", "a@example.com")), "SMTPUTF8"},
		{"larger than SIZE, as declared", []string{"SIZE 1000"}, message(strings.Repeat("x", 1001), "a@example.com"), "no more than 1000"},
		{"larger than SIZE, as announced", []string{"SIZE 2000000"}, announced(message(long, "a@example.com"), 3_000_000), "it has 3000000 octets"},
		{"larger than SIZE once its line ends are CRLF", []string{"SIZE 1000"}, message(strings.Repeat("\n", 600), "a@example.com"), "it has 1200 octets"},
		{"an injected command", exchange, message(hello, "a@example.com>\r\nRCPT TO:<b@example.com"), "not allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fake{ext: tt.ext}).start(t)
			c, _ := f.client(t)
			_, err := c.Submit(t.Context(), tt.m)
			e := failure(t, err)
			if e.Op != OpMessage || e.Temporary() || e.Connection() || !strings.Contains(e.Error(), tt.fails) {
				t.Errorf("got %+v: %v", e, e)
			}
			if strings.Contains(f.dialog(), "C: MAIL") {
				t.Errorf("it was sent:\n%s", f.dialog())
			}
		})
	}
}

func TestSMTPUTF8IsAskedForWhenTheMessageNeedsIt(t *testing.T) {
	tests := []struct {
		name string
		ext  []string
		text string
		asks bool
	}{
		{"UTF-8 in the header", exchange, "Subject: Grüße\r\n\r\nhi\r\n", true},
		{"UTF-8 in the body alone", exchange, "Subject: hi\r\n\r\nGrüße\r\n", false},
		{"ASCII, of a client that asks for it always", exchange, hello, false},
		{"ASCII, to a server that does not know it", without(exchange, "SMTPUTF8"), hello, false},
		{"a header that goes on beyond the first piece", exchange, "X: " + strings.Repeat("x", chunkSize) + "\r\n\r\n" + strings.Repeat("y\r\n", maxSmall/3), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fake{ext: tt.ext}).start(t)
			c, _ := f.client(t)
			if _, err := c.Submit(t.Context(), internationalized(message(tt.text, "a@example.com"))); err != nil {
				t.Fatal(err)
			}
			if dialog := f.dialog(); strings.Contains(dialog, " SMTPUTF8\n") != tt.asks {
				t.Errorf("the dialog was\n%.2000s", dialog)
			}
		})
	}
}

// internationalized is m of a client that said that it has UTF-8 in its header.
func internationalized(m *Message) *Message {
	m.UTF8 = true
	return m
}

func announced(m *Message, size int64) *Message {
	m.Size = size
	return m
}

func TestEightBitIsDeclared(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	if _, err := c.Submit(t.Context(), message("caf\xe9\n", "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if got := f.got()[0]; got.mail != "FROM:<sender@example.com> SIZE=6 BODY=8BITMIME" || got.body != "caf\xe9\r\n" {
		t.Errorf("got %+v", got)
	}
}
