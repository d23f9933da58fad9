package checks

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// talking is the longest that the dialog with a submission server takes, up to
// the end of the TLS handshake.
const talking = 30 * time.Second

// maxReply bounds what is read of one reply, in octets.
const maxReply = 16 << 10

// A dialog is the unencrypted beginning of a session (RFC 5321).
type dialog struct {
	conn net.Conn
	in   *bufio.Reader
}

func newDialog(conn net.Conn) *dialog {
	return &dialog{conn, bufio.NewReaderSize(conn, maxLine)}
}

// command sends a line. An error shows at the next reply.
func (d *dialog) command(line string) { io.WriteString(d.conn, line+"\r\n") }

var errNoReply = errors.New("what it says is no reply of a mail server")

// reply reads one reply, the lines of a longer one joined by "\n".
func (d *dialog) reply() (code int, text string, err error) {
	var lines []string
	for total := 0; ; {
		line, err := d.in.ReadSlice('\n')
		if err != nil {
			return 0, "", err
		}
		if total += len(line); total > maxReply {
			return 0, "", errNoReply
		}
		s := strings.TrimRight(string(line), "\r\n")
		if len(s) < 3 || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
			return 0, "", errNoReply
		}
		if code, err = strconv.Atoi(s[:3]); err != nil || code < 200 || code > 599 {
			return 0, "", errNoReply
		}
		lines = append(lines, printable(s[min(4, len(s)):]))
		if len(s) == 3 || s[3] == ' ' {
			return code, strings.Join(lines, "\n"), nil
		}
	}
}

// printable replaces what would move a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '?'
		}
		return c
	}, s)
}

// offers reports whether the reply to EHLO has an extension.
func offers(text, extension string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		keyword, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.EqualFold(keyword, extension) {
			return true
		}
	}
	return false
}

// ownName is the name for EHLO that is valid for every computer (RFC 5321 §4.1.3).
func ownName(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case t.IP.To4() != nil:
		return "[" + t.IP.String() + "]"
	}
	return "[IPv6:" + t.IP.String() + "]"
}

var dateForm = regexp.MustCompile(`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}`)

// dateIn finds the time in a greeting, as Exchange tells it.
func dateIn(greeting string) (time.Time, bool) {
	t, err := mail.ParseDate(dateForm.FindString(greeting))
	return t, err == nil
}
