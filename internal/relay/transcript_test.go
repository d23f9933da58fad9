package relay

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the server's part of the transcripts anew")

// TestTranscripts replays whole dialogs. In the files of testdata/dialogs, the
// lines that begin with "C: " are sent, consecutive ones in one write, with a
// CRLF unless they end with \c and with Go's escapes; those with "S: " are the
// exact replies; TLS is the handshake, EOF the end of the connection. The "M: "
// lines at the end are the messages that were accepted.
func TestTranscripts(t *testing.T) {
	passwords := func(c *Config) {
		c.Listeners[0].Networks = nil
		c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	}
	own := func(c *Config, mode TLSMode) {
		c.Listeners[0].TLS = mode
		c.Listeners[0].Certificate.Folder = t.TempDir()
	}
	tests := []struct {
		name, file string
		change     func(*Config)
		refuse     error
		tls        bool
	}{
		{name: "a message of a tool that pipelines, with DSN, SIZE and UTF-8", file: "pipelined"},
		{name: "an old device: HELO, bare LF, no Date, no Message-ID", file: "device"},
		{name: "AUTH LOGIN with the exact challenges, and with an initial response", file: "auth-login", change: passwords},
		{name: "AUTH PLAIN with an initial response, and without", file: "auth-plain", change: passwords},
		{name: "a wrong password changes nothing, the third ends the session", file: "auth-wrong", change: passwords},
		{name: "BDAT in one chunk, in three, too early, and broken off", file: "bdat"},
		{name: "BDAT of a size that cannot be read", file: "bdat-broken"},
		{name: "commands out of order, unknown or malformed", file: "errors"},
		{name: "STARTTLS, before and after", file: "starttls", change: func(c *Config) { passwords(c); own(c, STARTTLS) }},
		{name: "a command sent along with STARTTLS is not executed", file: "starttls-injection", change: func(c *Config) { own(c, STARTTLS) }},
		{name: "TLS from the first octet", file: "implicit", tls: true, change: func(c *Config) { passwords(c); own(c, ImplicitTLS) }},
		{name: "limits of size and of recipients", file: "limits", change: func(c *Config) { c.MaxSize, c.MaxRecipients = 60, 2 }},
		{name: "a command line without end", file: "long-line"},
		{name: "a full queue", file: "full", refuse: fmt.Errorf("wrapped: %w", ErrFull)},
		{name: "a queue with a fault does not tell its insides", file: "fault", refuse: errors.New("disk /dev/sdb is on fire")},
		{name: "a client's senders, in MAIL and in From", file: "senders", change: func(c *Config) {
			c.Clients = []Client{{Name: "erp", Networks: loopback, AllowedSenders: []string{"erp@contoso.com", "@sub.contoso.com"}, PerMinute: 1}}
		}},
		{name: "the account is chosen by sender, by domain, or by default", file: "accounts", change: func(c *Config) {
			c.Accounts = append(c.Accounts, Account{Name: "shop", Sender: "shop@contoso.com", Senders: []string{"@shop.example"}, From: Rewrite, MaxSize: 500},
				Account{Name: "boss", Sender: "boss@contoso.com", Senders: []string{"ceo@shop.example"}, From: Force})
		}},
		{name: "a sender that no account sends for", file: "no-account", change: func(c *Config) { c.Default = "" }},
		{name: "Send on Behalf", file: "behalf", change: func(c *Config) { c.Accounts[0].OnBehalf = "alex@contoso.com" }},
		{name: "a message that goes round in a loop", file: "loop"},
	}
	used := map[string]bool{}
	for _, test := range tests {
		used[test.file+".txt"] = true
		t.Run(test.name, func(t *testing.T) {
			c := testConfig()
			if test.change != nil {
				test.change(&c)
			}
			b := newInbox()
			b.refuse = test.refuse
			r := newRigWith(t, c, b, nil)
			conn := r.dial(t, "local")
			if test.tls {
				conn = tls.Client(conn, insecure)
			}
			replay(t, r, conn, filepath.Join("testdata", "dialogs", test.file+".txt"))
		})
	}
	files, err := os.ReadDir(filepath.Join("testdata", "dialogs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[f.Name()] {
			t.Errorf("%s is not replayed by any test", f.Name())
		}
	}
}

func replay(t *testing.T, r *rig, conn net.Conn, file string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, conn: conn, r: bufio.NewReader(conn)}
	p.recordReplies()
	for line := range strings.Lines(strings.ReplaceAll(string(script), "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		switch kind, rest, _ := strings.Cut(line, ": "); {
		case line == "TLS":
			p.send()
			p.print(line)
			p.conn = tls.Client(p.conn, insecure)
			p.r = bufio.NewReader(p.conn)
		case kind == "C":
			p.print(line)
			p.queue(rest)
		case kind == "S", line == "EOF":
			p.send()
			if !*update {
				p.read()
			}
		case kind == "M":
		case line == "" || strings.HasPrefix(line, "#"):
			p.send()
			p.print(line)
		default:
			t.Fatalf("%s: cannot read %q", file, line)
		}
	}
	p.send()
	p.conn.Close()
	for _, m := range r.inbox.all() {
		p.dump(m)
	}
	got := random.ReplaceAllString(p.out.String(), "<random@")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := strings.ReplaceAll(string(script), "\r\n", "\n"); got != want {
		t.Errorf("%s differs\n--- got\n%s\n--- want\n%s", file, got, want)
	}
}

var random = regexp.MustCompile(`<[a-z2-7]{26}@`)

type player struct {
	t       *testing.T
	conn    net.Conn
	r       *bufio.Reader
	out     strings.Builder
	pending []byte
	ended   bool
}

func (p *player) print(line string) { p.out.WriteString(line + "\n") }

func (p *player) queue(text string) {
	end := "\r\n"
	if strings.HasSuffix(text, `\c`) {
		text, end = strings.TrimSuffix(text, `\c`), ""
	}
	s, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		p.t.Fatalf("%q: %v", text, err)
	}
	p.pending = append(p.pending, s+end...)
}

func (p *player) send() {
	if len(p.pending) == 0 || p.ended {
		return
	}
	if _, err := p.conn.Write(p.pending); err != nil {
		p.t.Fatal(err)
	}
	p.pending = nil
	p.recordReplies()
}

// recordReplies prints all that the relay says, for a transcript in the making.
// What is all is a matter of time; a replay reads what the transcript has.
func (p *player) recordReplies() {
	for *update && !p.ended {
		_ = p.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		line, err := p.r.ReadString('\n')
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			_ = p.conn.SetReadDeadline(time.Time{})
			return
		}
		p.printReply(line, err)
	}
}

func (p *player) read() {
	_ = p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := p.r.ReadString('\n')
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatalf("no reply after:\n%s", p.out.String())
	}
	p.printReply(line, err)
}

func (p *player) printReply(line string, err error) {
	switch {
	case err == nil:
		p.print("S: " + strings.TrimSuffix(line, "\r\n"))
	case errors.Is(err, io.EOF), isReset(err):
		p.print("EOF")
		p.ended = true
	default:
		p.t.Fatal(err)
	}
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

func (p *player) dump(m taken) {
	p.print(fmt.Sprintf("M: client=%s account=%s from=<%s> original=<%s> utf8=%t body=%s size=%d ret=%s envid=%s subject=%q",
		m.Client, m.Account, m.From, m.OriginalFrom, m.SMTPUTF8, m.BodyType, m.Size, m.Return, m.EnvelopeID, m.Subject))
	for _, to := range m.Recipients {
		p.print(fmt.Sprintf("M: to=<%s> notify=%s orcpt=%s", to.Address, strings.Join(to.Notify, ","), to.OriginalRecipient))
	}
	for line := range bytes.Lines(m.body) {
		s := strconv.Quote(string(bytes.TrimSuffix(line, []byte("\r\n"))))
		p.print("M: | " + s[1:len(s)-1])
	}
}

func cheapHash(password string) string {
	h := passwordHash{memory: 64, passes: 1, threads: 1, salt: []byte("saltsaltsalt")}
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$%s", base64.RawStdEncoding.EncodeToString(h.derive(password, 32)))
}
