package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A Reply is one reply of the server (RFC 5321 §4.2).
type Reply struct {
	Code     int    // three digits, 200 to 599
	Enhanced string // RFC 3463 code such as "5.7.3", "" if the text has none
	// Text is what follows the code, as sent, the lines of a longer reply joined
	// by "\n". Control characters are replaced by "?", for it ends up on terminals.
	Text string
}

// String is the reply as one line, as it would be on the wire.
func (r Reply) String() string {
	return strings.TrimRight(strconv.Itoa(r.Code)+" "+strings.ReplaceAll(r.Text, "\n", " "), " ")
}

func (r Reply) ok() bool { return r.Code/100 == 2 }

// RFC 5321 §4.5.3.1.5 allows 512 octets a line; servers write longer ones.
const (
	maxReplyLine = 4 << 10
	maxReply     = 16 << 10
)

var errReplyTooLong = errors.New("the server's reply is too long")

func newReplyReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, maxReplyLine) }

// readReply reads one reply, of one or more lines. It uses a bounded amount of
// memory whatever the server sends.
func readReply(br *bufio.Reader) (Reply, error) {
	var r Reply
	var text strings.Builder
	for total := 0; ; {
		line, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return r, errReplyTooLong
		case err == io.EOF && (total > 0 || len(line) > 0):
			return r, io.ErrUnexpectedEOF
		case err != nil:
			return r, err
		}
		if total += len(line); total > maxReply {
			return r, errReplyTooLong
		}
		code, more, rest, err := parseReplyLine(line)
		if err != nil {
			return r, err
		}
		if r.Code == 0 {
			r.Code = code
		} else {
			if code != r.Code {
				return r, fmt.Errorf("the server's reply changes its code from %d to %d", r.Code, code)
			}
			text.WriteByte('\n')
		}
		text.WriteString(rest)
		if !more {
			r.Text = text.String()
			r.Enhanced = enhancedCode(r.Text)
			return r, nil
		}
	}
}

func parseReplyLine(line []byte) (code int, more bool, text string, err error) {
	s := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
	if len(s) < 3 || s[0] < '2' || s[0] > '5' || !digits(s[:3]) || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return 0, false, "", fmt.Errorf("the server sent %q, which is not an SMTP reply", clip(s, 60))
	}
	code, _ = strconv.Atoi(s[:3])
	if len(s) > 3 {
		more, text = s[3] == '-', strings.Map(printable, s[4:])
	}
	return code, more, text, nil
}

// enhancedCode returns the class.subject.detail at the start of text, or "".
func enhancedCode(text string) string {
	end := strings.IndexAny(text, " \n")
	if end < 0 {
		end = len(text)
	}
	parts := strings.Split(text[:end], ".")
	if len(parts) != 3 || parts[0] != "2" && parts[0] != "4" && parts[0] != "5" {
		return ""
	}
	for _, p := range parts[1:] {
		if len(p) == 0 || len(p) > 3 || !digits(p) {
			return ""
		}
	}
	return text[:end]
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

func printable(r rune) rune {
	if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 {
		return '?'
	}
	return r
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
