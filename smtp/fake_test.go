package smtp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const fakeHost = "mail.example.net"

// Scripted replies that are deeds.
const (
	drop = "drop" // close without a word
	hold = "hold" // of a chunk: say nothing until the last one
)

// A fake is a scripted submission server on loopback. As servers do, it sends
// its replies when it has no more input at hand, so that a line from the client
// after one from the server in its transcript is a wait of the client.
type fake struct {
	banner   string
	ext      []string // what EHLO offers, STARTTLS and AUTH left out
	noTLS    bool     // STARTTLS is not offered
	implicit bool     // TLS from the first octet
	discard  bool     // keep no bodies
	quiet    bool     // keep no transcript
	tls      *tls.Config
	// reply overrides the default reply to a line, unless it returns "". conn
	// counts the connections from 1.
	reply func(conn int, line string) string
	// auth answers an AUTH command; nil accepts. ask sends a challenge and returns
	// the line that comes.
	auth func(conn int, mech, initial string, ask func(string) string) string

	ca   *x509.CertPool
	ln   net.Listener
	wg   sync.WaitGroup
	live sync.Map // net.Conn

	mu         sync.Mutex
	conns      int
	transcript []string
	messages   []received
}

type received struct {
	mail string // arguments of MAIL
	rcpt []string
	body string
}

var exchange = []string{"SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"}

func without(ext []string, keywords ...string) []string {
	return slices.DeleteFunc(slices.Clone(ext), func(e string) bool {
		k, _, _ := strings.Cut(e, " ")
		return slices.Contains(keywords, k)
	})
}

// start makes f listen until the test ends.
func (f *fake) start(t testing.TB) *fake {
	t.Helper()
	if f.ext == nil {
		f.ext = exchange
	}
	if f.banner == "" {
		f.banner = "220 FAKE.outlook.office365.com Microsoft ESMTP MAIL Service ready"
	}
	if f.tls == nil {
		f.tls, f.ca = certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), fakeHost)
	}
	var err error
	if f.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	f.wg.Go(func() {
		for {
			conn, err := f.ln.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns++
			n := f.conns
			f.mu.Unlock()
			f.live.Store(conn, n)
			f.wg.Go(func() {
				defer f.live.Delete(conn)
				defer conn.Close()
				f.serve(conn, n)
			})
		}
	})
	t.Cleanup(func() {
		f.ln.Close()
		f.hangUp()
		f.wg.Wait()
	})
	return f
}

// hangUp closes all connections.
func (f *fake) hangUp() {
	f.live.Range(func(conn, _ any) bool { conn.(net.Conn).Close(); return true })
}

// rank is how many of the open connections are no younger than this one.
func (f *fake) rank(conn int) (rank int64) {
	f.live.Range(func(_, n any) bool {
		if n.(int) <= conn {
			rank++
		}
		return true
	})
	return rank
}

func (f *fake) dialog() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.transcript, "\n") + "\n"
}

func (f *fake) got() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages)
}

func (f *fake) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns
}

func (f *fake) note(who, line string) {
	if f.quiet {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.transcript = append(f.transcript, who+line)
}

// A visit is one connection to a fake.
type visit struct {
	f      *fake
	n      int
	conn   net.Conn
	br     *bufio.Reader
	out    bytes.Buffer
	secure bool
	held   string // replies to chunks
	mail   string
	rcpt   []string
	body   bytes.Buffer
}

func (f *fake) serve(conn net.Conn, n int) {
	v := &visit{f: f, n: n, conn: conn, br: bufio.NewReaderSize(conn, 64<<10)}
	if f.implicit && !v.startTLS() {
		return
	}
	v.say(f.banner)
	for {
		line, err := v.line()
		if err != nil {
			return
		}
		f.note("C: ", hideAuth(line))
		if !v.do(line) {
			v.flush()
			return
		}
	}
}

func hideAuth(line string) string {
	if f := strings.SplitN(line, " ", 3); len(f) == 3 && f[0] == "AUTH" {
		return fmt.Sprintf("AUTH %s <%d octets>", f[1], len(f[2]))
	}
	return line
}

func (v *visit) say(reply string) {
	for line := range strings.SplitSeq(reply, "\n") {
		v.out.WriteString(line + "\r\n")
	}
}

func (v *visit) flush() {
	for line := range strings.Lines(v.out.String()) {
		v.f.note("S: ", strings.TrimRight(line, "\r\n"))
	}
	v.conn.Write(v.out.Bytes())
	v.out.Reset()
}

func (v *visit) line() (string, error) {
	if v.br.Buffered() == 0 && v.out.Len() > 0 {
		v.flush()
	}
	s, err := v.br.ReadString('\n')
	return strings.TrimSuffix(s, "\r\n"), err
}

// do answers one command and reports whether the session goes on.
func (v *visit) do(line string) bool {
	verb, arg, _ := strings.Cut(line, " ")
	scripted := ""
	if v.f.reply != nil {
		scripted = v.f.reply(v.n, line)
	}
	if verb == "BDAT" {
		size, last := strings.CutSuffix(arg, " LAST")
		n, _ := strconv.ParseInt(size, 10, 64)
		if _, err := io.CopyN(v.keep(), v.br, n); err != nil {
			return false
		}
		v.f.note("C: ", fmt.Sprintf("<%d octets>", n))
		if scripted == hold && !last {
			v.held += "250 2.0.0 chunk\n"
			return true
		}
		if v.held != "" {
			v.say(strings.TrimSuffix(v.held, "\n"))
			v.held = ""
		}
	}
	switch {
	case scripted == drop:
		return false
	case scripted != "":
		v.say(scripted)
		v.body.Reset() // what was refused is not kept
		if strings.HasPrefix(scripted, "421") {
			return false
		}
		if verb == "DATA" && strings.HasPrefix(scripted, "354") {
			return v.data()
		}
		return true
	}
	switch verb {
	case "EHLO":
		v.ehlo()
	case "STARTTLS":
		v.say("220 2.0.0 SMTP server ready")
		return v.startTLS()
	case "AUTH":
		mech, initial, _ := strings.Cut(arg, " ")
		answer := "235 2.7.0 Authentication successful"
		if v.f.auth != nil {
			answer = v.f.auth(v.n, mech, initial, v.ask)
		}
		if answer == drop {
			return false
		}
		v.say(answer)
	case "MAIL":
		if v.mail != "" { // of a message that was not finished
			v.say("503 5.5.2 Sender already specified")
			break
		}
		v.mail, v.rcpt = arg, nil
		v.body.Reset()
		v.say("250 2.1.0 Sender OK")
	case "RCPT":
		if v.mail == "" {
			v.say("503 5.5.2 Need mail command")
			break
		}
		v.rcpt = append(v.rcpt, arg)
		v.say("250 2.1.5 Recipient OK")
	case "DATA":
		if len(v.rcpt) == 0 {
			v.say("503 5.5.2 Need rcpt command")
			break
		}
		v.say("354 Start mail input; end with <CRLF>.<CRLF>")
		return v.data()
	case "BDAT":
		switch {
		case len(v.rcpt) == 0:
			v.body.Reset()
			v.say("503 5.5.2 Need rcpt command")
		case strings.HasSuffix(arg, "LAST"):
			v.finish()
		default:
			v.say("250 2.0.0 chunk")
		}
	case "RSET":
		v.mail, v.rcpt = "", nil
		v.say("250 2.0.0 Resetting")
	case "QUIT":
		v.say("221 2.0.0 Service closing transmission channel")
		return false
	default:
		v.say("500 5.3.3 Unrecognized command")
	}
	return true
}

func (v *visit) ehlo() {
	ext := slices.Clone(v.f.ext)
	if v.secure {
		ext = append(ext, "AUTH LOGIN XOAUTH2 OAUTHBEARER PLAIN")
	} else if !v.f.noTLS {
		ext = append(ext, "STARTTLS")
	}
	lines := append([]string{"FAKE.outlook.office365.com Hello"}, ext...)
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		v.say("250" + sep + l)
	}
}

func (v *visit) startTLS() bool {
	v.flush()
	conn := tls.Server(v.conn, v.f.tls)
	if conn.Handshake() != nil {
		return false
	}
	v.f.note("C: ", "<TLS handshake>")
	v.f.note("S: ", "<TLS handshake>")
	v.conn, v.br, v.secure = conn, bufio.NewReaderSize(conn, 64<<10), true
	return true
}

func (v *visit) ask(challenge string) string {
	v.say("334 " + challenge)
	line, _ := v.line()
	v.f.note("C: ", fmt.Sprintf("<%d octets>", len(line)))
	return line
}

func (v *visit) data() bool {
	n := 0
	for {
		if v.br.Buffered() == 0 && v.out.Len() > 0 {
			v.flush()
		}
		line, err := v.br.ReadSlice('\n')
		if err != nil {
			return false
		}
		if string(line) == ".\r\n" {
			break
		}
		n += len(line)
		v.keep().Write(bytes.TrimPrefix(line, []byte(".")))
	}
	v.f.note("C: ", fmt.Sprintf("<%d octets and a dot>", n))
	if scripted := v.f.reply; scripted != nil {
		if r := scripted(v.n, "."); r == drop {
			return false
		} else if r != "" {
			v.say(r)
			return !strings.HasPrefix(r, "421")
		}
	}
	v.finish()
	return true
}

func (v *visit) keep() io.Writer {
	if v.f.discard {
		return io.Discard
	}
	return &v.body
}

func (v *visit) finish() {
	if len(v.rcpt) == 0 {
		v.say("554 5.5.1 No valid recipients")
		return
	}
	v.f.mu.Lock()
	v.f.messages = append(v.f.messages, received{v.mail, v.rcpt, v.body.String()})
	v.f.mu.Unlock()
	v.mail, v.rcpt = "", nil
	v.body.Reset()
	v.say("250 2.0.0 OK <id@fake> [Hostname=FAKE]")
}

// certificate makes a CA and a server certificate for names.
func certificate(t testing.TB, from, to time.Time, names ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sign := func(tmpl, parent *x509.Certificate, k, by *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &k.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	caKey, leafKey := key(), key()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().AddDate(-9, 0, 0),
		NotAfter: time.Now().AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	ca = sign(ca, ca, caKey, caKey)
	leaf := sign(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: from, NotAfter: to,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ca, leafKey, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKey}}}, pool
}

// A wire counts, at the client's end, its waits: writes after something was
// read. A flight that leaves in one write makes this exact on any machine.
type wire struct {
	net.Conn
	counts *wireCounts
	heard  atomic.Bool
}

type wireCounts struct {
	waits, writes atomic.Int64
	wrote         chan struct{} // gets one for each write, while there is room
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(true)
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	w.counts.writes.Add(1)
	if w.heard.Swap(false) {
		w.counts.waits.Add(1)
	}
	n, err := w.Conn.Write(p)
	select {
	case w.counts.wrote <- struct{}{}:
	default:
	}
	return n, err
}

// client returns a client of f that the test closes.
func (f *fake) client(t testing.TB) (*Client, *wireCounts) {
	counts := new(wireCounts)
	c := &Client{
		Host: fakeHost, Port: 587, RootCAs: f.ca, LocalName: "client.example.com",
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, f.ln.Addr().String())
			if err != nil {
				return nil, err
			}
			return &wire{Conn: conn, counts: counts}, nil
		},
	}
	t.Cleanup(func() { c.Close() })
	return c, counts
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
