package smtp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// hasty is a client of a server on a pipe that answers the body's command with
// goAhead, if any, reads some of the body, answers it with reply, and then only
// reads. What is read from a pipe was written, so no reply can overtake.
func hasty(ext []string, goAhead, reply string) *Client {
	return &Client{Host: "localhost", Port: 25, TLS: Plaintext, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			br := bufio.NewReader(server)
			fmt.Fprint(server, "220 hi\r\n")
			for {
				line, err := br.ReadString('\n')
				switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); {
				case err != nil:
					return
				case verb == "EHLO":
					fmt.Fprint(server, "250-hi\r\n250-"+strings.Join(ext, "\r\n250-")+"\r\n250 HELP\r\n")
				case verb == "BDAT" || verb == "DATA":
					fmt.Fprint(server, goAhead)
					io.CopyN(io.Discard, br, 100_000)
					fmt.Fprint(server, reply)
					io.Copy(io.Discard, br)
					return
				default:
					fmt.Fprint(server, "250 ok\r\n")
				}
			}
		}()
		return client, nil
	}}
}

// The body has no end, so that only the server's answer can end the test.
func TestAnAnswerInTheMiddleOfTheMessageIsHeard(t *testing.T) {
	tests := []struct {
		name      string
		ext       []string
		goAhead   string
		reply     string
		code      int
		temporary bool
	}{
		{name: "a refusal of a chunk that is still being sent", ext: chunking, reply: "552 5.3.4 too large\r\n", code: 552},
		{name: "a refusal within DATA", ext: pipelining, goAhead: "354 go\r\n", reply: "552 5.3.4 too large\r\n", code: 552},
		{name: "a refusal within DATA, step by step", ext: lockstep, goAhead: "354 go\r\n", reply: "552 5.3.4 too large\r\n", code: 552},
		{name: "a temporary refusal within DATA", ext: pipelining, goAhead: "354 go\r\n", reply: "452 4.3.1 disk full\r\n", code: 452, temporary: true},
		{name: "an acceptance of what was not sent yet is none", ext: pipelining, goAhead: "354 go\r\n", reply: "250 ok\r\n", temporary: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := hasty(tt.ext, tt.goAhead, tt.reply)
			defer c.Close()
			m := message("", "a@example.com")
			m.Size = 100 << 20
			m.Open = func() (io.ReadCloser, error) { return io.NopCloser(repeat("0123456789\r\n")), nil }
			_, err := c.Submit(t.Context(), m)
			if e := failure(t, err); e.Code != tt.code || e.Temporary() != tt.temporary || e.Connection() != (tt.code == 0) || e.Unknown {
				t.Errorf("got %+v: %v", e, e)
			}
			if len(c.idle) > 0 && tt.goAhead != "" {
				t.Error("a session in the middle of a message was kept")
			}
		})
	}
}

func TestOnly354OpensTheMessage(t *testing.T) {
	for name, ext := range map[string][]string{"pipelining": pipelining, "lockstep": lockstep} {
		for _, reply := range []string{"250 2.0.0 OK", "334 go", "220 hm"} {
			t.Run(name+", "+reply, func(t *testing.T) {
				f := (&fake{ext: ext, reply: answers(map[string]string{"DATA": reply})}).start(t)
				c, _ := f.client(t)
				_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
				if e := failure(t, err); e.Op != OpDATA || e.Unknown || !strings.Contains(e.Error(), reply) {
					t.Errorf("got %+v: %v", e, e)
				}
				if len(c.idle) != 0 {
					t.Error("a session out of step was kept")
				}
				if strings.Contains(f.dialog(), "octets and a dot") || strings.Contains(f.dialog(), "C: Hello") {
					t.Errorf("the message was sent:\n%s", f.dialog())
				}
			})
		}
	}
}
