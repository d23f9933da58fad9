package smtp

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
)

// extraReply is a server that answers MAIL twice, and the message with final.
func extraReply(t *testing.T, twice, final string) *fake {
	return (&fake{reply: func(_ int, line string) string {
		switch {
		case strings.HasPrefix(line, "MAIL FROM:<sender@"):
			return twice
		case strings.HasPrefix(line, "RCPT"):
			return "250 2.1.5 Recipient OK"
		case strings.HasPrefix(line, "BDAT"):
			return final
		}
		return ""
	}}).start(t)
}

func TestAReplyTooManyDoesNotStandForTheVerdict(t *testing.T) {
	const coded = "250 2.1.0 Sender OK\n250 2.1.0 Sender OK"
	for name, c := range map[string]struct {
		twice, final string
		code         int
		unknown      bool
	}{
		"refused, at once":          {twice: coded, final: "554 5.6.0 no", code: 554},
		"taken, at once":            {twice: coded, final: "250 2.0.0 OK <id@fake>"},
		"no more to the message":    {twice: "250 2.1.0 Sender OK", final: "250 2.1.5 strange\n421 4.4.2 bye"},
		"both contradict, at once":  {twice: "250 ok", final: "250 2.0.0 OK\n554 5.6.0 no", code: 554, unknown: true},
		"both say the same at once": {twice: "250 ok", final: "250 2.0.0 OK <id@fake>\n250 2.0.0 OK <id@fake>"},
	} {
		t.Run(name, func(t *testing.T) {
			f := extraReply(t, c.twice, c.final)
			client, _ := f.client(t)
			r, err := client.Submit(t.Context(), message(hello, "a@example.com"))
			if c.code == 0 {
				if err != nil || c.twice == coded && !strings.Contains(r.Reply.Text, "<id@fake>") {
					t.Errorf("%+v, %v", r, err)
				}
			} else if e := failure(t, err); e.Code != c.code || e.Unknown != c.unknown {
				t.Errorf("got %+v: %v", e, e)
			}
			if client.busy.Wait(); len(client.idle) != 0 && client.idle[0].alive() {
				t.Error("a session out of step is kept")
			}
		})
	}
}

// late is a client of a server that answers MAIL twice, and the message only
// when what was said before was read.
func late(t *testing.T, final string) *Client {
	c := &Client{Host: "localhost", Port: 25, TLS: Plaintext, MaxSessions: 1, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			lines := bufio.NewScanner(server)
			fmt.Fprint(server, "220 hi\r\n")
			for lines.Scan() {
				switch verb, _, _ := strings.Cut(lines.Text(), " "); verb {
				case "EHLO":
					fmt.Fprint(server, "250-hi\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
				case "MAIL":
					fmt.Fprint(server, "250 2.1.0 Sender OK\r\n250 2.1.0 Sender OK\r\n")
				case "RCPT":
					fmt.Fprint(server, "250 2.1.5 Recipient OK\r\n")
				case "BDAT":
					fmt.Fprint(server, final+"\r\n") // which a pipe takes when the other is read
				}
			}
		}()
		return client, nil
	}}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestALateVerdictIsWaitedForWhereARecipientsReplyStandsInItsPlace(t *testing.T) {
	_, err := late(t, "554 5.6.0 no").Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Unknown || e.Code != 554 {
		t.Errorf("got %+v: %v", e, e)
	}
	r, err := late(t, "250 2.0.0 OK <id@fake>").Submit(t.Context(), message(hello, "a@example.com"))
	if err != nil || !strings.Contains(r.Reply.Text, "<id@fake>") {
		t.Errorf("%+v, %v", r, err)
	}
}

// With others behind it, it cannot be told whose the next reply is: the message
// is in doubt, and from then on messages go alone.
func TestMessagesDoNotShareASessionThatIsOutOfStep(t *testing.T) {
	c := late(t, "554 5.6.0 no")
	c.Pipeline = 8
	_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	switch e := failure(t, err); {
	case e.Code == 554: // it came so early that it is known to answer nothing else
	case !e.Unknown || !c.lone.Load() || !strings.Contains(e.Error(), "reads like the reply to a recipient"):
		t.Errorf("got %+v: %v", e, e)
	}
	_, err = c.Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Code != 554 && !e.Unknown {
		t.Errorf("the next one: %+v: %v", e, e)
	}
}
