package smtp

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// A wireLog writes down the dialogs of all sessions of a client. It is never
// given a secret or a body, only their lengths, so it cannot leak one.
// A nil *wireLog writes nothing.
type wireLog struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *wireLog) client(line string) { l.print("C: ", line) }

func (l *wireLog) server(r Reply) {
	if l == nil {
		return
	}
	if r.Code == 334 {
		l.print("S: ", fmt.Sprintf("334 [hidden %d octets]", len(r.Text)))
		return
	}
	lines := strings.Split(r.Text, "\n")
	for i, text := range lines {
		sep := " "
		if i < len(lines)-1 {
			sep = "-"
		}
		l.print("S: ", fmt.Sprint(r.Code, sep, text))
	}
}

func (l *wireLog) hidden(prefix string, octets int) {
	if l != nil {
		l.print("C: ", fmt.Sprintf("%s[hidden %d octets]", prefix, octets))
	}
}

func (l *wireLog) body(octets int) {
	if l != nil {
		l.print("C: ", fmt.Sprintf("[%d octets of message]", octets))
	}
}

func (l *wireLog) print(who, line string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, who+line) // a log that cannot be written must not stop the mail
}
