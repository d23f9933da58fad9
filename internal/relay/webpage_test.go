package relay

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// A page in the user's browser can post to any port of the machine, and choose
// the body. The listener knows the machine's own address as a client.
func TestAWebPageCannotSendByPostingCommands(t *testing.T) {
	commands := "EHLO localhost\r\nMAIL FROM:<svc@contoso.com>\r\nRCPT TO:<ops@contoso.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"
	body := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(commands), commands)
	for name, request := range map[string]string{
		"by a form":              "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nContent-Type: text/plain\r\n" + body,
		"with the fewest lines":  "POST / HTTP/1.1\r\n\r\n" + commands,
		"with line feeds alone":  strings.ReplaceAll("POST / HTTP/1.0\r\n"+body, "\r\n", "\n"),
		"by another method":      "PUT /x HTTP/1.1\r\n\r\n" + commands,
		"by an address":          "GET /?" + strings.ReplaceAll(strings.ReplaceAll(commands, "\r\n", "%0d%0a"), " ", "%20") + " HTTP/1.1\r\n\r\n",
		"with commands before":   "NOOP\r\nPOST / HTTP/1.1\r\n\r\n" + commands,
		"in one line with words": "EHLO x HTTP/1.1\r\n" + commands,
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			box := newInbox()
			r := newRigWith(t, c, box, nil)
			conn := r.dial(t, "local")
			defer conn.Close()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Log(err) // it may be closed before the end
			}
			_ = conn.(*net.TCPConn).CloseWrite()
			said, _ := io.ReadAll(conn) // it may end with a reset
			if n := len(box.all()); n != 0 || bytes.Contains(said, []byte("queued")) {
				t.Errorf("%d messages were taken: %s", n, said)
			}
			if !bytes.Contains(said, []byte("no web page")) {
				t.Errorf("the relay says %q", said)
			}
		})
	}
}
