package relay

import (
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

func TestClientsTellsWhoCame(t *testing.T) {
	c := testConfig()
	c.Listeners = append(c.Listeners, Listener{Name: "second", Address: "127.0.0.1:00", TLS: NoTLS})
	c.Clients = []Client{{Name: "Printer", PasswordHash: cheapHash(testPassword), AllowedSenders: []string{"printer@contoso.com"}}}
	r := newRig(t, c)
	if got := r.Clients(); len(got) != 0 {
		t.Errorf("before anyone came: %v", got)
	}
	conn := textproto.NewConn(r.dial(t, "second"))
	expect(t, conn, 220)
	command(t, conn, 250, "HELO x")
	command(t, conn, 535, "AUTH PLAIN AG5vYm9keQBvcGVuIHNlc2FtZQ==") // nobody
	command(t, conn, 535, "AUTH PLAIN AHByaW50ZXIAeA==")             // printer, a wrong password
	command(t, conn, 530, "MAIL FROM:<printer@contoso.com>")
	command(t, conn, 235, "AUTH PLAIN AHByaW50ZXIAb3BlbiBzZXNhbWU=")
	command(t, conn, 550, "MAIL FROM:<boss@contoso.com>")
	for range 2 {
		deliver(t, conn, "printer@contoso.com", 250)
	}
	anonymous := textproto.NewConn(r.dial(t, "local"))
	expect(t, anonymous, 220)
	command(t, anonymous, 250, "HELO x")
	r.inbox.mu.Lock()
	r.inbox.refuse = ErrFull
	r.inbox.mu.Unlock()
	deliver(t, anonymous, "alex@contoso.com", 452)
	if _, err := r.Submit(t.Context(), Client{Name: "command"}, Message{From: "alex@contoso.com"}, strings.NewReader("")); err == nil {
		t.Error("a message without recipients was taken")
	}
	want := []Seen{
		{Name: "Printer", LastSeen: testNow, Messages: 2, Refused: 2},
		{Name: "command", LastSeen: testNow, Refused: 1},
		{Name: "local", LastSeen: testNow, Refused: 1},
	}
	if got := r.Clients(); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// deliver sends a message after HELO.
func deliver(t *testing.T, conn *textproto.Conn, from string, code int) {
	t.Helper()
	command(t, conn, 250, "MAIL FROM:<"+from+">")
	command(t, conn, 250, "RCPT TO:<a@contoso.com>")
	command(t, conn, 354, "DATA")
	command(t, conn, code, "Subject: x\r\n\r\nx\r\n.")
}

func TestWhoIsNoClientIsToldWhatToDo(t *testing.T) {
	printer := Client{Name: "printer", PasswordHash: cheapHash(testPassword)}
	plant := Client{Name: "plant", Networks: loopback[1:]}
	for _, test := range []struct {
		name    string
		clients []Client
		want    string
	}{
		{"a fresh installation", nil, "530 5.7.0 no client is set up here: traymail client add NAME"},
		{"a client with a password", []Client{printer}, "530 5.7.0 sign in with the user name and password of a client"},
		{"a client elsewhere", []Client{plant}, "530 5.7.0 no client has a password here, and this address is in no client's networks: traymail client add NAME"},
	} {
		c := testConfig()
		c.Listeners[0].Networks, c.Clients = nil, test.clients
		r := newRig(t, c)
		conn := textproto.NewConn(r.dial(t, "local"))
		expect(t, conn, 220)
		command(t, conn, 250, "HELO x")
		if err := conn.PrintfLine("MAIL FROM:<alex@contoso.com>"); err != nil {
			t.Fatal(err)
		}
		if got, err := conn.ReadLine(); err != nil || got != test.want {
			t.Errorf("%s: got %q, %v", test.name, got, err)
		}
		c.Clients = append(c.Clients, Client{Name: "new", Networks: loopback[:1]})
		if err := r.Reload(c); err != nil {
			t.Fatal(err)
		}
		deliver(t, conn, "alex@contoso.com", 250)
		if got := r.inbox.all()[0].Client; got != "new" {
			t.Errorf("%s: the message is of %q", test.name, got)
		}
	}
}
