package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"traymail/internal/sandbox"
)

// A bench is a sandbox and a home folder with its account, for the commands to
// be run in this process.
type bench struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	ready   sandbox.Ready
	home    string
}

func newBench(t *testing.T, scenario string) *bench {
	s, err := sandbox.Start(sandbox.Options{Scenario: scenario})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &bench{t: t, sandbox: s, ready: s.Ready(), home: t.TempDir()}
	if err := os.WriteFile(filepath.Join(b.home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"key\"\n\n[[listener]]\nname = \"local\"\naddress = \"127.0.0.1:0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(b.home, "ca.pem")
	if err := os.WriteFile(ca, []byte(b.ready.CAPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	r := b.ready
	b.must(nil, "account", "add", "demo", "--username", r.Users[0].Username, "--client-id", r.Apps[0].ClientID, "--tenant", r.TenantID,
		"--authority-url", r.Authority, "--graph-url", r.GraphURL, "--exchange-url", r.ExchangeURL, "--smtp-host", r.SMTPHost, "--smtp-port", fmt.Sprint(r.SMTPPort), "--ca-file", ca)
	return b
}

// run runs a command and returns its exit code; stderr is given as it comes.
func (b *bench) run(stdin io.Reader, stderr io.Writer, args ...string) (stdout string, code int) {
	var out bytes.Buffer
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	code = run(b.t.Context(), append([]string{"traymail", "--home", b.home}, args...), stdin, &out, stderr)
	return out.String(), code
}

func (b *bench) must(stdin io.Reader, args ...string) string {
	b.t.Helper()
	var said bytes.Buffer
	out, code := b.run(stdin, &said, args...)
	if code != exitDone {
		b.t.Fatalf("traymail %s: exit %d: %s", strings.Join(args, " "), code, said.String())
	}
	return out
}

func (b *bench) person() sandbox.Person {
	u := b.ready.Users[0]
	return sandbox.Person{Username: u.Username, Password: u.Password, Client: trusting(b.ready.CAPEM)}
}

// converse runs a command and calls answer with each line it says on stderr.
func (b *bench) converse(stdin io.Reader, answer func(line string), args ...string) (stdout string, code int) {
	r, w := io.Pipe()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			answer(lines.Text())
		}
	}()
	stdout, code = b.run(stdin, w, args...)
	w.Close()
	<-heard
	return stdout, code
}

func TestLoginWithADeviceCode(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	visited := errors.New("no code was shown")
	out, code := b.converse(nil, func(line string) {
		_, rest, ok := strings.Cut(line, "On any device open ")
		if !ok {
			return
		}
		words := strings.Fields(rest)
		p := b.person()
		p.UserCode = words[5]
		_, visited = p.Visit(context.Background(), words[0])
	}, "login", "demo", "--device")
	if visited != nil || code != exitDone || !strings.Contains(out, "Signed in as svc@contoso.com") {
		t.Fatalf("exit %d, %q, the person: %v", code, out, visited)
	}
	b.must(nil, "test", "demo")
}

// ended walks the pages and returns the address on which a browser ends when
// nothing listens there.
func (b *bench) ended(address string) (string, error) {
	p := b.person()
	var end string
	base := p.Client.Transport
	p.Client.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.URL.String(), b.ready.Authority) {
			end = r.URL.String()
			return nil, errors.New("nothing listens there")
		}
		return base.RoundTrip(r)
	})
	if _, err := p.Visit(context.Background(), address); end == "" {
		return "", fmt.Errorf("the browser did not leave the sandbox: %w", err)
	}
	return end, nil
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func TestLoginByPastedAddressRefusesOthersAndTakesTheRightOne(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	r, w := io.Pipe()
	defer r.Close() // what nobody asks for any more is not waited for
	paste := make(chan string, 8)
	go func() {
		for line := range paste {
			fmt.Fprintln(w, line)
		}
		w.Close()
	}()
	defer close(paste)
	var walked error
	asked := 0
	out, code := b.converse(r, func(line string) {
		if !strings.HasPrefix(line, "https://") {
			return
		}
		asked++
		var end string
		if end, walked = b.ended(line); walked == nil {
			paste <- "https://login.microsoftonline.com/wrong"
			paste <- strings.Replace(end, "state=", "state=x", 1)
			paste <- end
		}
	}, "login", "demo", "--paste")
	if walked != nil || code != exitDone || asked != 1 || !strings.Contains(out, "Signed in as svc@contoso.com") {
		t.Fatalf("exit %d, %q, asked %d times, the person: %v", code, out, asked, walked)
	}
	b.must(nil, "test", "demo")
}

// signIn signs the account in by a pasted address, the quickest way without a
// browser.
func (b *bench) signIn() {
	b.t.Helper()
	r, w := io.Pipe()
	if _, code := b.converse(r, func(line string) {
		if strings.HasPrefix(line, "https://") {
			end, err := b.ended(line)
			if err != nil {
				b.t.Error(err)
			}
			go func() { fmt.Fprintln(w, end); w.Close() }()
		}
	}, "login", "demo", "--paste"); code != exitDone {
		b.t.Fatalf("login: exit %d", code)
	}
}

// attachments is a message as a mail program makes it: text with 8-bit
// characters, and attachments of about the given size together.
func attachments(size int) []byte {
	var b bytes.Buffer
	b.WriteString("From: =?utf-8?q?J=C3=B6rg?= <svc@contoso.com>\r\nTo: ops@contoso.com\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n" +
		"Message-ID: <big@contoso.com>\r\nSubject: =?utf-8?q?gro=C3=9F?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße aus Köln, 東京\r\n.\r\n..two dots\r\nFrom here\r\n")
	rnd := rand.NewChaCha8([32]byte{1})
	for part := range 3 {
		fmt.Fprintf(&b, "--b\r\nContent-Type: application/octet-stream; name=\"%d.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", part)
		line := make([]byte, 57)
		for n := 0; n < size/3; n += 78 {
			rnd.Read(line)
			b.WriteString(base64.StdEncoding.EncodeToString(line) + "\r\n")
		}
	}
	b.WriteString("--b--\r\n")
	return b.Bytes()
}

func TestARealMessageArrivesByteForByte(t *testing.T) {
	for _, scenario := range []string{"", "no-chunking", "no-pipelining"} {
		t.Run("25 MB "+scenario, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scenario)
			b.signIn()
			message := attachments(25 << 20)
			b.must(bytes.NewReader(message), "send", "--now", "-i", "-f", "svc@contoso.com", "ops@contoso.com")
			inbox := b.sandbox.Tenant().Inbox()
			if len(inbox) != 1 || !bytes.Equal(inbox[0].Data, message) {
				t.Errorf("%d messages arrived, or not byte for byte", len(inbox))
			}
		})
	}
}

func TestAddressesInUTF8Arrive(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.signIn()
	message := "From: svc@contoso.com\r\nTo: jörg@exämple.com\r\nSubject: Grüße\r\nMessage-ID: <u@contoso.com>\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n\r\nKöln\r\n"
	b.must(strings.NewReader(message), "send", "--now", "-i", "-t")
	inbox := b.sandbox.Tenant().Inbox()
	if len(inbox) != 1 || string(inbox[0].Data) != message || strings.Join(inbox[0].To, " ") != "jörg@exämple.com" {
		t.Fatalf("arrived: %+v", inbox)
	}

	refusing := newBench(t, "no-8bitmime")
	refusing.signIn()
	var said bytes.Buffer
	if _, code := refusing.run(strings.NewReader(message), &said, "send", "--now", "-i", "-t"); code != exitFailed || !strings.Contains(said.String(), "SMTPUTF8") {
		t.Errorf("without SMTPUTF8: exit %d: %s", code, said.String())
	}
	if n := len(refusing.sandbox.Tenant().Inbox()); n != 0 {
		t.Errorf("%d messages arrived all the same", n)
	}
}
