package sandbox

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"
)

// The flights here are what a client sends before it waits, over TCP and TLS.
func TestTurns(t *testing.T) {
	const (
		auth     = "AUTH XOAUTH2 "
		envelope = "MAIL FROM:<svc@contoso.com>\r\nRCPT TO:<ann@fabrikam.com>\r\n"
		message  = "From: svc@contoso.com\r\n\r\nhi\r\n"
	)
	token := xoauth2("svc@contoso.com", "good")
	bdat := flight{fmt.Sprintf("%sBDAT %d LAST\r\n%s", envelope, len(message), message), 3}
	signIn := []flight{{auth + token + "\r\n", 1}}
	tests := []struct {
		name       string
		version    uint16 // of TLS, at most
		cold, warm []flight
		first      int // turns of the first message
		next       int // of the one after it
	}{
		{name: "the fewest there can be", cold: append(signIn, bdat), warm: []flight{bdat}, first: 6, next: 1},
		{
			name: "TLS 1.2 needs one more", version: tls.VersionTLS12,
			cold: append(signIn, bdat), warm: []flight{bdat}, first: 7, next: 1,
		},
		{
			name: "no initial response, and DATA pipelined",
			cold: []flight{{auth[:12] + "\r\n", 1}, {token + "\r\n", 1}, {envelope + "DATA\r\n", 3}, {message + ".\r\n", 1}},
			warm: []flight{{envelope + "DATA\r\n", 3}, {message + ".\r\n", 1}}, first: 8, next: 2,
		},
		{
			name: "command by command, with RSET",
			cold: append(signIn, bdat),
			warm: []flight{{"RSET\r\n", 1}, {envelope[:29], 1}, {envelope[29:], 1}, {"DATA\r\n", 1}, {message + ".\r\n", 1}}, first: 6, next: 5,
		},
		{
			name: "two messages in one flight",
			cold: append(signIn, flight{bdat.text + bdat.text, 6}), first: 6, next: 0,
		},
		{
			name: "a refused message counts for the next",
			cold: append(signIn, flight{"MAIL FROM:<board@contoso.com>\r\nRCPT TO:<ann@fabrikam.com>\r\nBDAT 0 LAST\r\n", 3}, bdat),
			warm: []flight{bdat}, first: 7, next: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant := newExchangeTenant()
			_, address := startExchange(t, tenant, exchangeOptions{RTT: 20 * time.Millisecond})
			c := dialExchange(t, address)
			c.fly(flight{"EHLO client.contoso.com\r\n", 1}, flight{"STARTTLS\r\n", 1})
			c.upgrade(test.version)
			c.fly(flight{"EHLO client.contoso.com\r\n", 1})
			c.fly(test.cold...)
			c.fly(test.warm...)
			inbox := tenant.Inbox()
			if len(inbox) != 2 {
				t.Fatalf("%d messages arrived", len(inbox))
			}
			if got := inbox[0].Turns; got != test.first || !inbox[0].First {
				t.Errorf("%d turns for the first message, want %d", got, test.first)
			}
			if got := inbox[1].Turns; got != test.next || inbox[1].First {
				t.Errorf("%d turns for the second message, want %d", got, test.next)
			}
		})
	}
}

// A flight is sent in one write; then so many replies are waited for.
type flight struct {
	text    string
	replies int
}

func (c *smtpClient) fly(flights ...flight) {
	c.t.Helper()
	for _, f := range flights {
		c.write(f.text)
		for range f.replies {
			c.reply()
		}
	}
}
