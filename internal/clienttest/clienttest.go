// Package clienttest sends with the real programs that people send with: swaks,
// curl, msmtp, s-nail, Python's smtplib, nodemailer, smtp-source and Postfix.
// A program that is not installed is an error, not a reason to skip;
// scripts/setup.sh test installs them. It works on Linux; only tests import it.
package clienttest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience bounds one run of a client, so that a hanging one tells what it said.
const patience = 2 * time.Minute

// A Server is where a client sends to. Its certificate is not verified.
type Server struct {
	Addr           string // host:port, of IPv4 or a name
	TLS            TLS
	User, Password string // "" does not sign in
	Mechanism      string // "PLAIN", "LOGIN", or "" for the client's choice
}

// TLS is how the connection is protected.
type TLS string

// The three ways, named as the relay's.
const (
	None     TLS = "none"
	STARTTLS TLS = "starttls"
	Implicit TLS = "implicit"
)

// A Mail is what a client sends. Each client gets the message in the form that
// it reads, with LF or CRLF, and sends it as it is.
type Mail struct {
	From    string
	To      []string
	Message []byte // whole, its lines ending with CRLF, the last one empty
}

// A Client sends one message and returns when the server has answered. The
// error holds what the program said.
type Client struct {
	Name string
	Send func(testing.TB, Server, Mail) error
	// Signs says that it can sign in and speak TLS.
	Signs bool
}

// Clients returns the clients that send a message byte for byte in one run.
func Clients() []Client {
	return []Client{
		{"swaks", Swaks, true},
		{"curl", Curl, true},
		{"msmtp", Msmtp, true},
		{"s-nail", SNail, true},
		{"smtplib", Smtplib, true},
		{"nodemailer", Nodemailer, true},
		{"smtp-source", func(t testing.TB, s Server, m Mail) error { return SMTPSource(t, s, m, 1, 1) }, false},
	}
}

// hostPort splits the address of the test's own server.
func (s Server) hostPort(t testing.TB) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// lf returns the message with the line endings of Unix.
func (m Mail) lf() []byte { return bytes.ReplaceAll(m.Message, []byte("\r\n"), []byte("\n")) }

// write makes a file that ends with the test.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A program is one run of a client.
type program struct {
	args  []string
	env   []string // besides the test's own
	dir   string
	stdin []byte
}

// run returns what the program said as an error if it failed.
func (p program) run(t testing.TB) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	c.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8") // no settings of the user
	c.Env = append(c.Env, p.env...)
	c.Dir, c.Stdin = p.dir, bytes.NewReader(p.stdin)
	c.WaitDelay = time.Second
	out, err := c.CombinedOutput()
	if ctx.Err() != nil && t.Context().Err() == nil {
		err = fmt.Errorf("it was still running after %s", patience)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", p.args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
