package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"traymail/internal/relay"
	"traymail/smtp"
)

// ends are what one mail server or another takes for the end of a message: the
// eleven that are known of, and more of their kind.
var ends = []string{
	"\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r",
	"\r\n\x00.\r\n", "\r\n.\x00\r\n", "\r\n.\r\r\n",
	"\r\r\n.\r\r\n", "\r\n.\r\n\r", "\r\x00\n.\r\n", "\n\x00.\n", "\n\n.\n\n", "\r\n..\r\n", "\r\n.\n\r\n", "\n.\n.\n", "\v.\v", "\u0085.\u0085", "\u2028.\u2028",
}

// lenient is an end for a server that knows no better.
var lenient = regexp.MustCompile(`(?:^|\r\n|\r|\n)\x00?\.\x00?(?:\r|\n)`)

// A recorder is a submission server that keeps what comes after DATA, up to
// CRLF.CRLF, and what comes after that.
type recorder struct {
	chunking bool
	raw      [][]byte // of DATA
	chunks   [][]byte // of BDAT
	strange  []string // commands that nobody sends
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	fmt.Fprint(c, "220 recorder\r\n")
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		switch verb {
		case "EHLO":
			fmt.Fprint(c, "250-recorder\r\n250-8BITMIME\r\n")
			if r.chunking {
				fmt.Fprint(c, "250-CHUNKING\r\n")
			}
			fmt.Fprint(c, "250 SMTPUTF8\r\n")
		case "DATA":
			fmt.Fprint(c, "354 go\r\n")
			var raw []byte
			for !bytes.HasSuffix(raw, []byte("\r\n.\r\n")) {
				b, err := br.ReadByte()
				if err != nil {
					return
				}
				raw = append(raw, b)
			}
			r.raw = append(r.raw, raw)
			fmt.Fprint(c, "250 2.0.0 taken\r\n")
		case "BDAT":
			var n int64
			fmt.Sscan(arg, &n)
			chunk := make([]byte, n)
			if _, err := io.ReadFull(br, chunk); err != nil {
				return
			}
			r.chunks = append(r.chunks, chunk)
			fmt.Fprint(c, "250 2.0.0 taken\r\n")
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		case "MAIL", "RCPT", "RSET", "NOOP":
			if strings.Contains(arg, "evil") {
				r.strange = append(r.strange, line)
			}
			fmt.Fprint(c, "250 2.0.0 yes\r\n")
		default:
			r.strange = append(r.strange, line)
			fmt.Fprint(c, "500 5.5.2 what\r\n")
		}
	}
}

// What comes in with one of the ends in it, with DATA or with BDAT, goes on as
// one message, for a server that knows all of them too.
func TestNothingThatIsTakenIsTwoMessagesForAServerAfterUs(t *testing.T) {
	t.Parallel()
	const second = "MAIL FROM:<evil@contoso.com>\r\nRCPT TO:<victim@contoso.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n"
	var taken [][]byte
	server, err := relay.Start(relay.Config{
		Listeners: []relay.Listener{{Name: "in", Address: "127.0.0.1:0", TLS: relay.NoTLS, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
		Accounts:  []relay.Account{{Name: "work", Sender: "alex@contoso.com"}}, Default: "work",
	}, func(_ context.Context, _ relay.Message, body io.Reader) (string, error) {
		b, err := io.ReadAll(body)
		if err == nil {
			taken = append(taken, b)
		}
		return "x", err
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.WithoutCancel(t.Context()))

	want, nul := 0, 0
	for _, end := range ends {
		for _, fold := range []string{"hello", "Subject: again\r\n", ""} {
			message := "Subject: first\r\n\r\n" + fold + end + second
			for _, how := range []string{"DATA\r\n" + message + ".\r\n", fmt.Sprintf("BDAT %d LAST\r\n%s", len(message), message)} {
				before := len(taken)
				c, err := net.Dial("tcp", server.Addr("in").String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, "EHLO x\r\nMAIL FROM:<alex@contoso.com>\r\nRCPT TO:<megan@contoso.com>\r\n"+how+"QUIT\r\n"); err != nil {
					t.Fatal(err)
				}
				replies, err := io.ReadAll(c)
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				strict := strings.HasPrefix(how, "DATA") && strings.Contains(message, "\r\n.\r\n") // this one does end a message: the rest is the client's own
				switch {
				case strict:
				case strings.Contains(end, "\x00") && len(taken) == before && strings.Contains(string(replies), "554 5.6.0"):
					nul++
				case len(taken) != before+1 || strings.Count(string(replies), "queued as") != 1:
					t.Errorf("%q became %d messages: %q", how, len(taken)-before, replies)
				}
				want = len(taken)
			}
		}
	}
	if nul == 0 || want < 100 {
		t.Errorf("%d were taken, and %d refused", want, nul)
	}

	for _, chunking := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r, ended := &recorder{chunking: chunking}, make(chan struct{})
		go func() {
			defer close(ended)
			defer l.Close()
			if c, err := l.Accept(); err == nil {
				r.serve(c)
			}
		}()
		out := &smtp.Client{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: smtp.Plaintext, MaxSessions: 1}
		for _, body := range taken {
			if bytes.ContainsRune(body, 0) {
				t.Fatalf("a NUL was taken: %q", body)
			}
			_, err := out.Submit(t.Context(), &smtp.Message{From: "alex@contoso.com", To: []smtp.Recipient{{Address: "megan@contoso.com"}},
				Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }})
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		<-ended
		got := r.raw
		if chunking {
			got = r.chunks
		}
		if len(got) != len(taken) || len(r.strange) > 0 {
			t.Fatalf("%d messages went on as %d, with the commands %q", len(taken), len(got), r.strange)
		}
		for _, raw := range got {
			text, ended := bytes.CutSuffix(raw, []byte(".\r\n"))
			if !chunking && (!ended || lenient.Match(text)) {
				t.Errorf("another server could see an end in %q", raw)
			}
			if rest := bytes.ReplaceAll(raw, []byte("\r\n"), nil); bytes.ContainsAny(rest, "\r\n") {
				t.Errorf("a bare line ending is left in %q", raw)
			}
		}
	}
}
