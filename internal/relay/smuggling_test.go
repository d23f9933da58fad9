package relay

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"
)

// smuggling are the ends of a message that one or another mail server takes
// for CRLF.CRLF.
var smuggling = []string{
	"\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r",
	"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n.\r\r\n",
}

func TestNoKnownPayloadEndsAMessage(t *testing.T) {
	const second = "MAIL FROM:<boss@contoso.com>\r\nRCPT TO:<victim@contoso.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
	for _, payload := range smuggling {
		t.Run(fmt.Sprintf("%q", payload), func(t *testing.T) {
			r := newRig(t, testConfig())
			c := textproto.NewConn(r.dial(t, "local"))
			expect(t, c, 220)
			command(t, c, 250, "HELO tool")
			command(t, c, 250, "MAIL FROM:<alex@contoso.com>")
			command(t, c, 250, "RCPT TO:<megan@contoso.com>")
			command(t, c, 354, "DATA")
			if _, err := io.WriteString(c.W, "Subject: first\r\n\r\nhello"+payload+second+"\r\n.\r\n"); err != nil {
				t.Fatal(err)
			}
			nul := strings.Contains(payload, "\x00") // refused with its message, smuggled or not
			want := 250
			if nul {
				want = 554
			}
			command(t, c, want, "")
			command(t, c, 221, "QUIT")
			all := r.inbox.all()
			if nul {
				if len(all) > 0 {
					t.Fatalf("%d messages, %+v", len(all), all)
				}
				return
			}
			if len(all) != 1 || !strings.HasSuffix(string(all[0].body), "Subject: smuggled\r\n\r\nx\r\n") {
				t.Fatalf("%d messages, %+v", len(all), all)
			}
			if bare(all[0].body) {
				t.Errorf("a bare line ending is left: %q", all[0].body)
			}
		})
	}
}

// expect reads one reply.
func expect(t testing.TB, c *textproto.Conn, code int) {
	t.Helper()
	if _, _, err := c.ReadResponse(code); err != nil {
		t.Fatalf("want %d: %v", code, err)
	}
}

// command sends a line, or nothing for "", and reads one reply.
func command(t testing.TB, c *textproto.Conn, code int, line string) {
	t.Helper()
	var err error
	if line != "" {
		err = c.PrintfLine("%s", line)
	} else {
		err = c.W.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	expect(t, c, code)
}

// bare reports whether text has a CR or LF that is not of a CRLF.
func bare(text []byte) bool {
	rest := bytes.ReplaceAll(text, []byte("\r\n"), nil)
	return bytes.ContainsAny(rest, "\r\n")
}

func TestDataEndsAtTheFirstStrictEnd(t *testing.T) {
	tests := []struct{ name, in, out, rest string }{
		{"an empty message", ".\r\n", "", ""},
		{"lines that were written as text twice over", "a\r\r\nb\r\r\n.\r\nQUIT", "a\r\nb\r\n", "QUIT"},
		{"a dot after CR CR LF is doubled by the client", "a\r\r\n..b\r\n.\r\n", "a\r\n.b\r\n", ""},
		{"a dot line before a bare CR is kept", "a\r\n..\rb\r\n.\r\n", "a\r\n.\r\nb\r\n", ""},
		{"a dot after a bare LF was not doubled", "a\n.b\r\n.\r\n", "a\r\n.b\r\n", ""},
		{"blank lines are kept", "\r\n\r\n\n\n\r\n.\r\n", "\r\n\r\n\r\n\r\n\r\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(test.in)), 16)
			out, err := io.ReadAll(newDataReader(in))
			if err != nil {
				t.Fatal(err)
			}
			if got := undot(out); got != test.out {
				t.Errorf("got %q, want %q", got, test.out)
			}
			if rest, _ := io.ReadAll(in); string(rest) != test.rest {
				t.Errorf("%q is left, want %q", rest, test.rest)
			}
		})
	}
}

// undot reads what dataReader wrote, as the standard library does.
func undot(data []byte) string {
	b, err := io.ReadAll(textproto.NewReader(bufio.NewReader(bytes.NewReader(data))).DotReader())
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(b), "\n", "\r\n")
}

func TestAMessageCutOffIsNotTaken(t *testing.T) {
	for _, how := range []string{"DATA", "BDAT 1000"} {
		t.Run(how, func(t *testing.T) {
			ended := make(chan error, 1)
			r := newRigWith(t, testConfig(), newInbox(), func(_ context.Context, _ Message, body io.Reader) (string, error) {
				_, err := io.Copy(io.Discard, body)
				ended <- err
				return "", err
			})
			c := textproto.NewConn(r.dial(t, "local"))
			expect(t, c, 220)
			command(t, c, 250, "EHLO tool\r\nMAIL FROM:<alex@contoso.com>\r\nRCPT TO:<megan@contoso.com>")
			command(t, c, 250, "")
			command(t, c, 250, "")
			if err := c.PrintfLine("%s\r\nSubject: half\r\n\r\nof a message", how); err != nil {
				t.Fatal(err)
			}
			c.Close()
			if err := <-ended; err == nil {
				t.Error("half a message was read to its end")
			}
		})
	}
}

func FuzzData(f *testing.F) {
	for _, p := range smuggling {
		f.Add([]byte("a"+p+"b\r\n.\r\nNOOP\r\n"), 16)
	}
	f.Add([]byte("..a\r\r\n.\r\n"), 20)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		r := bufio.NewReaderSize(bytes.NewReader(in), 16+size&63)
		out, err := io.ReadAll(newDataReader(r))
		end := -1
		if bytes.HasPrefix(in, []byte(".\r\n")) {
			end = 3
		} else if i := bytes.Index(in, []byte("\r\n.\r\n")); i >= 0 {
			end = i + 5
		}
		if end < 0 {
			if err == nil {
				t.Fatalf("%q has no end, but one was found", in)
			}
			return
		}
		if rest, _ := io.ReadAll(r); err != nil || !bytes.Equal(rest, in[end:]) {
			t.Fatalf("%q left %q, want %q (%v)", in, rest, in[end:], err)
		}
		if bare(out) {
			t.Errorf("%q became %q", in, out)
		}
		// What the message says is independent of who takes off the dots.
		n := newlines{}
		lines := bytes.SplitAfter(in[:end-3], []byte("\r\n"))
		var want []byte
		for _, l := range lines {
			want = n.append(want, bytes.TrimPrefix(l, []byte(".")))
		}
		want = n.finish(want)
		if got := undot(out); got != string(want) {
			t.Errorf("%q reads %q, want %q", in, got, want)
		}
	})
}
