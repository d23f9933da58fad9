package faultproxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Greeting stands for the client's command before it has said anything.
const Greeting = "(connected)"

// An Exchange is one command of the client and what becomes of it. It belongs
// to the goroutine that the Fault is called in.
type Exchange struct {
	// Line is the command without its line ending, or Greeting. The octets that
	// follow a BDAT are still to be read.
	Line string
	// Connection counts the client's connections from 1.
	Connection int

	link   *link
	mended <-chan struct{}
	body   int64 // octets of a BDAT that were not read yet
	reply  string
}

// Is reports whether the command begins with a verb.
func (x *Exchange) Is(verb string) bool { return strings.HasPrefix(x.Line, verb) }

// Pass does what happens without a fault.
func (x *Exchange) Pass() { x.Say(x.Forward()) }

// Forward hands the command to the server and returns its reply, of one or more
// lines divided by line breaks; "" when the connection to the server is lost.
func (x *Exchange) Forward() string {
	reply, err := x.link.forward(x)
	if err != nil {
		x.link.over = true
	}
	x.reply = reply
	return reply
}

// Say sends lines to the client, each with CRLF behind it.
func (x *Exchange) Say(lines string) {
	if lines == "" {
		return
	}
	if _, err := io.WriteString(x.link.client, strings.ReplaceAll(lines, "\n", "\r\n")+"\r\n"); err != nil {
		x.link.over = true
	}
}

// Slow has the connection carry that many octets at a time, with a pause after
// each, until the fault ends.
func (x *Exchange) Slow(octets int, pause time.Duration) {
	x.link.raw.octets, x.link.raw.pause, x.link.raw.until = octets, pause, x.mended
}

// Drop ends the connection in good order.
func (x *Exchange) Drop() {
	x.link.over = true
	x.link.client.Close()
}

// Reset breaks the connection off (RST).
func (x *Exchange) Reset() {
	x.link.over = true
	x.link.raw.Conn.(*net.TCPConn).SetLinger(0)
	x.link.raw.Close()
}

// HalfClose ends this side of the connection (FIN) and takes what the client
// still sends, until the client or the fault ends.
func (x *Exchange) HalfClose() {
	x.link.over = true
	x.link.raw.Conn.(*net.TCPConn).CloseWrite()
	x.drain()
}

// Mute says nothing until the client or the fault ends, and drops the
// connection then.
func (x *Exchange) Mute() {
	x.link.over = true
	x.drain()
}

// drain reads and forgets what the client sends.
func (x *Exchange) drain() {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(io.Discard, x.link.raw)
	}()
	select {
	case <-gone:
	case <-x.mended:
		x.link.raw.Close()
		<-gone
	}
}

// Alert damages an octet of what the client sends next, so that TLS ends the
// connection with a fatal alert. The client has to send more than it did.
func (x *Exchange) Alert() {
	x.link.over = true
	x.link.raw.damage = true
	io.Copy(io.Discard, x.link.client) // until the damage is found and the alert is sent
	x.drain()
}

// A link is one connection of the client, and the server's end of it.
type link struct {
	p      *Proxy
	number int
	raw    *wire
	client net.Conn // raw, or TLS over it
	in     *bufio.Reader
	server net.Conn // nil until the greeting is asked for
	back   *bufio.Reader
	over   bool
}

func newLink(p *Proxy, c net.Conn, number int) *link {
	raw := &wire{Conn: c}
	return &link{p: p, number: number, raw: raw, client: raw, in: bufio.NewReader(raw)}
}

func (l *link) serve() {
	defer func() {
		if l.server != nil {
			l.p.drop(l.server)
		}
	}()
	for line := Greeting; !l.over; {
		l.exchange(line)
		if l.over {
			return
		}
		text, err := l.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(text, "\r\n")
	}
}

func (l *link) exchange(line string) {
	fault, mended := l.p.state()
	x := &Exchange{Line: line, Connection: l.number, link: l, mended: mended}
	if arg, ok := strings.CutPrefix(line, "BDAT "); ok {
		size, _, _ := strings.Cut(arg, " ")
		x.body, _ = strconv.ParseInt(size, 10, 64)
	}
	if fault == nil {
		fault = (*Exchange).Pass
	}
	fault(x)
	if l.over {
		return
	}
	if _, err := io.CopyN(io.Discard, l.in, x.body); err != nil { // of a chunk that was not forwarded
		l.over = true
		return
	}
	if line == "STARTTLS" && strings.HasPrefix(x.reply, "220") {
		l.startTLS()
	}
}

func (l *link) startTLS() {
	server := tls.Client(l.server, &tls.Config{RootCAs: l.p.roots, ServerName: "localhost"})
	client := tls.Server(l.raw, l.p.tlsConfig())
	if server.Handshake() != nil || client.Handshake() != nil {
		l.over = true
		return
	}
	l.server, l.back = server, bufio.NewReader(server)
	l.client, l.in = client, bufio.NewReader(client)
}

func (l *link) forward(x *Exchange) (string, error) {
	if x.Line == Greeting {
		server, err := net.Dial("tcp", l.p.upstream)
		if err != nil {
			return "", err
		}
		if !l.p.hold(server) {
			return "", net.ErrClosed
		}
		l.server, l.back = server, bufio.NewReader(server)
		return l.read()
	}
	if l.server == nil {
		return "", fmt.Errorf("%s came before the server's greeting", x.Line)
	}
	var command bytes.Buffer
	command.WriteString(x.Line + "\r\n")
	if _, err := io.Copy(l.server, &command); err != nil {
		return "", err
	}
	n, err := io.CopyN(l.server, l.in, x.body)
	if x.body -= n; err != nil {
		return "", err
	}
	return l.read()
}

// read reads one reply of the server.
func (l *link) read() (string, error) {
	var lines []string
	for {
		line, err := l.back.ReadString('\n')
		if err != nil {
			return "", err
		}
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, line)
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(lines, "\n"), nil
		}
	}
}

// A wire is the connection to the client, below TLS.
type wire struct {
	net.Conn
	octets int
	pause  time.Duration
	until  <-chan struct{}
	damage bool
}

func (w *wire) Read(p []byte) (int, error) {
	if w.slowed() {
		p = p[:min(len(p), w.octets)]
	}
	n, err := w.Conn.Read(p)
	if w.damage && n > 0 {
		p[n-1] ^= 1
	}
	return n, err
}

func (w *wire) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		piece := p[n:]
		if w.slowed() {
			piece = piece[:min(len(piece), w.octets)]
		}
		var m int
		m, err = w.Conn.Write(piece)
		n += m
	}
	return n, err
}

// slowed reports whether this piece goes slowly, after the pause that it takes.
func (w *wire) slowed() bool {
	if w.octets == 0 {
		return false
	}
	if w.pause == 0 {
		select {
		case <-w.until:
			return false
		default:
			return true
		}
	}
	t := time.NewTimer(w.pause)
	defer t.Stop()
	select {
	case <-w.until:
		return false
	case <-t.C:
		return true
	}
}
