package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

func serve(l net.Listener, certificate *tls.Config) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = dialog(c, certificate)
		}()
	}
}

// dialog speaks with a client until one of both ends it. Replies to commands that
// came together leave together; each time there is nothing more to read counts as
// a wait of the client's.
func dialog(c net.Conn, certificate *tls.Config) error {
	r, w := bufio.NewReader(c), bufio.NewWriter(c)
	var message []byte // as much of it as came in chunks
	waits := 0
	say := func(lines string) { _, _ = w.WriteString(strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n") }
	say("220 a counting server")
	for {
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
			waits++
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-a counting server\n250-PIPELINING\n250-STARTTLS\n250-AUTH XOAUTH2\n250-SIZE 200000000\n250-8BITMIME\n250-SMTPUTF8\n250 CHUNKING")
		case "STARTTLS":
			say("220 go ahead")
			if err := w.Flush(); err != nil {
				return err
			}
			secure := tls.Server(c, certificate)
			if err := secure.Handshake(); err != nil {
				return err
			}
			r, w = bufio.NewReader(secure), bufio.NewWriter(secure)
			waits++
		case "AUTH":
			say("235 you are")
		case "DATA":
			say("354 go on")
			if err := w.Flush(); err != nil {
				return err
			}
			waits++
			text, err := io.ReadAll(textproto.NewReader(r).DotReader())
			if err != nil {
				return err
			}
			record(text, &waits)
			say("250 taken")
		case "BDAT":
			var size int64
			_, _ = fmt.Sscan(rest, &size)
			text, err := io.ReadAll(io.LimitReader(r, size))
			if err != nil {
				return err
			}
			message = append(message, text...)
			if strings.HasSuffix(strings.ToUpper(rest), "LAST") {
				record(message, &waits)
				message = nil
			}
			say("250 taken")
		case "QUIT":
			say("221 good bye")
			return w.Flush()
		default: // MAIL, RCPT, RSET, NOOP
			say("250 fine")
		}
	}
}

// record counts a message.
func record(text []byte, waits *int) {
	header, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(string(text)))).ReadMIMEHeader()
	id := header.Get("X-Perf-Id")
	began, _ := strconv.ParseInt(header.Get("X-Perf-T"), 10, 64)
	count(func(c *counts) {
		c.messages++
		if c.ids[id] {
			c.Duplicates++
		} else {
			c.ids[id] = true
			c.Distinct++
		}
		c.TurnsMessage += *waits
		c.Last = time.Now().UnixNano()
		c.P50 = float64(c.Last-began) / 1e6
		c.P99 = c.P50
	})
	*waits = 0
}
