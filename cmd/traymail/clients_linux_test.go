package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/clienttest"
	"traymail/internal/mailer"
	"traymail/internal/sandbox"
)

// A station is the whole program in the background: signed in, listening, and
// delivering to a sandbox.
type station struct {
	*bench
	listeners map[string]string // addresses by name
	password  string            // of the client "tool"
	metrics   string            // address
}

// newStation starts traymail serve, which ends with the test.
func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{bench: newBench(t, "unpaced"), listeners: map[string]string{}, metrics: freeAddress(t)}
	s.settings("[[listener]]\nname = \"starttls\"\naddress = \"127.0.0.1:0\"\ntls = \"starttls\"\n\n" +
		"[[listener]]\nname = \"open\"\naddress = \"127.0.0.1:00\"\nnetworks = [\"127.0.0.0/8\"]\n\n" +
		"[metrics]\nlisten = \"" + s.metrics + "\"\n")
	s.must(nil, "account", "edit", "demo", "--messages-per-minute", "100000")
	s.signIn()
	for line := range strings.Lines(s.must(nil, "client", "add", "tool")) {
		if word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word == "password" {
			s.password = strings.TrimSpace(rest)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	var said bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"traymail", "--home", s.home, "serve"}, strings.NewReader(""), &said, &said)
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitDone {
			t.Errorf("serve: exit %d: %s", code, said.String())
		}
	})
	s.listening()
	return s
}

// settings writes traymail.toml.
func (s *station) settings(text string) {
	s.t.Helper()
	text = "[keystore]\nkind = \"file\"\nkey_file = \"key\"\n\n" + text
	if err := os.WriteFile(filepath.Join(s.home, "traymail.toml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// listening waits until the program listens, and notes where.
func (s *station) listening() {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); len(s.listeners) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("the program does not listen")
		}
		var status mailer.Status
		if err := json.Unmarshal([]byte(s.must(nil, "status", "--json")), &status); err != nil {
			s.t.Fatal(err)
		}
		for _, l := range status.Listeners {
			s.listeners[l.Name] = l.Address
		}
	}
}

func (s *station) server(listener string) clienttest.Server {
	at := clienttest.Server{Addr: s.listeners[listener], TLS: clienttest.STARTTLS, User: "tool", Password: s.password}
	if listener == "open" {
		at.TLS, at.User, at.Password = clienttest.None, "", ""
	}
	return at
}

// arrived waits for n messages in the inbox and returns the last.
func (s *station) arrived(n int) sandbox.Message {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		inbox := s.sandbox.Tenant().Inbox()
		if len(inbox) >= n {
			return inbox[len(inbox)-1]
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d of %d messages arrived", len(inbox), n)
		}
	}
}

// toolMail is 8-bit text with dots, blank lines and a long line.
func toolMail() clienttest.Mail {
	return clienttest.Mail{From: "svc@contoso.com", To: []string{"ops@contoso.com"}, Message: []byte(
		"Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@contoso.com>\r\nFrom: Service <svc@contoso.com>\r\nTo: ops@contoso.com\r\n" +
			"Subject: test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
			"caf\xc3\xa9\r\n.\r\n..two\r\n\r\n.leading\r\nFrom here\r\n" + strings.Repeat("long ", 150) + "\r\nend\r\n\r\n")}
}

// wantAsSent checks envelope and message: the relay may put its Received field
// in front, and changes nothing else.
func wantAsSent(t *testing.T, got sandbox.Message, want clienttest.Mail) {
	t.Helper()
	at := bytes.Index(got.Data, []byte("Date: "))
	if at < 0 || !bytes.Equal(got.Data[at:], want.Message) {
		t.Errorf("arrived as\n%.600q", got.Data)
	}
	if at > 0 && !bytes.HasPrefix(got.Data, []byte("Received: from ")) {
		t.Errorf("it has more in front: %.200q", got.Data)
	}
	if got.From != want.From || !slices.Equal(slices.Sorted(slices.Values(got.To)), slices.Sorted(slices.Values(want.To))) {
		t.Errorf("the envelope is <%s> %v", got.From, got.To)
	}
}

func TestRealClientsReachTheInboxByteForByte(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	n := 0
	for _, c := range clienttest.Clients() {
		for _, listener := range []string{"starttls", "open"} {
			if !c.Signs && listener != "open" {
				continue
			}
			t.Run(c.Name+" "+listener, func(t *testing.T) {
				n++
				if err := c.Send(t, s.server(listener), toolMail()); err != nil {
					t.Fatal(err)
				}
				wantAsSent(t, s.arrived(n), toolMail())
			})
		}
	}
}

func TestPostfixSendsThroughTheRelayByteForByte(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	p := clienttest.StartPostfix(t, s.server("starttls"))
	mail := toolMail()
	p.Send(t, mail)
	got := s.arrived(1)
	// Postfix puts a Received field of its own behind the relay's.
	at := bytes.Index(got.Data, []byte("Date: "))
	if at < 0 || !bytes.Equal(got.Data[at:], mail.Message) {
		t.Errorf("arrived as\n%.800q\n%s", got.Data, p.Log())
	}
}

func TestSendmailReachesTheInboxByteForByte(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	mail := toolMail()
	said := s.must(bytes.NewReader(mail.Message), "send", "-i", "-t", "-f", "svc@contoso.com", "else@fabrikam.com")
	mail.To = append(mail.To, "else@fabrikam.com")
	wantAsSent(t, s.arrived(1), mail)
	if said != "" {
		t.Errorf("it said %q", said)
	}
}

func TestABurstOfManySessionsArrivesOnceEachAndIsCounted(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	mail := toolMail()
	const messages = 200
	if err := clienttest.SMTPSource(t, s.server("open"), mail, 10, messages); err != nil {
		t.Fatal(err)
	}
	s.arrived(messages)
	if n := len(s.sandbox.Tenant().Inbox()); n != messages {
		t.Errorf("%d messages arrived", n)
	}
	if out := s.must(nil, "status"); !strings.Contains(out, fmt.Sprint(messages)) {
		t.Errorf("status says\n%s", out)
	}
	for path, want := range map[string]string{
		"/metrics": fmt.Sprintf("traymail_recipients_delivered_total{account=\"demo\"} %d", messages),
		"/healthz": `"status":"ok"`,
	} {
		if body := s.watch(path); !strings.Contains(body, want) {
			t.Errorf("%s says\n%s", path, body)
		}
	}
}

// watch gets a page as a monitoring system does.
func (s *station) watch(path string) string {
	s.t.Helper()
	r, err := http.Get("http://" + s.metrics + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, r.Status, err)
	}
	return string(body)
}

// freeAddress is one on which nothing listens yet.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
