package smtp

import (
	"crypto/tls"
	"strings"
	"testing"
)

// Each shape of dialog, whole, on a cold and then on the warm session.
func TestDialog(t *testing.T) {
	big := strings.Repeat(strings.Repeat("x", 78)+"\r\n", maxSmall/80+2000)
	tests := []struct {
		name, golden string
		ext          []string
		reply        func(int, string) string
		body         string
		to           []string
		cold, warm   int
	}{
		{name: "PIPELINING and CHUNKING need one flight", golden: "one-flight", ext: exchange, body: hello,
			to: []string{"a@example.com", "b@example.com"}, cold: 6, warm: 1},
		{name: "PIPELINING alone needs two", golden: "pipelining-data", ext: without(exchange, "CHUNKING"), body: "Subject: dots\r\n\r\n.\r\n..\r\n",
			to: []string{"a@example.com", "b@example.com"}, cold: 7, warm: 2},
		{name: "CHUNKING alone goes step by step", golden: "lockstep-bdat", ext: without(exchange, "PIPELINING"), body: hello,
			to: []string{"a@example.com", "b@example.com"}, cold: 9, warm: 4},
		{name: "neither goes step by step", golden: "lockstep-data", ext: without(exchange, "PIPELINING", "CHUNKING"), body: hello,
			to: []string{"a@example.com", "b@example.com"}, cold: 10, warm: 5},
		{name: "a large body waits for the recipients and not for its chunks", golden: "large", ext: exchange, body: big,
			reply: func(_ int, line string) string {
				if strings.HasPrefix(line, "BDAT") && !strings.HasSuffix(line, "LAST") {
					return hold
				}
				return ""
			},
			to: []string{"a@example.com"}, cold: 7, warm: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fake{ext: tt.ext, reply: tt.reply}).start(t)
			c, counts := f.client(t)
			c.Auth = xoauth2Auth
			for i, waits := range []int{tt.cold, tt.warm} {
				r, err := c.Submit(t.Context(), message(tt.body, tt.to...))
				if err != nil {
					t.Fatal(err)
				}
				if got := counts.waits.Swap(0); got != int64(waits) || r.RoundTrips != waits {
					t.Errorf("message %d: %d waits on the wire, %d in the receipt, want %d", i+1, got, r.RoundTrips, waits)
				}
				if r.Reused != (i == 1) || r.TLS != tls.VersionTLS13 || r.Reply.Code != 250 || r.Reply.Enhanced != "2.0.0" {
					t.Errorf("message %d: receipt %+v", i+1, r)
				}
			}
			for _, m := range f.got() {
				if m.body != tt.body || len(m.rcpt) != len(tt.to) {
					t.Errorf("arrived: %d recipients, %.200q", len(m.rcpt), m.body)
				}
			}
			golden(t, tt.golden, f.dialog())
		})
	}
}

func TestColdFlightsAreOneWriteEach(t *testing.T) {
	f := (&fake{}).start(t)
	c, counts := f.client(t)
	c.Auth = xoauth2Auth
	body := strings.Repeat("0123456789\r\n", 4000) // several TLS records
	for _, want := range []int64{6, 1} {
		if _, err := c.Submit(t.Context(), message(body, "a@example.com")); err != nil {
			t.Fatal(err)
		}
		if got := counts.writes.Swap(0); got != want {
			t.Errorf("%d writes, want %d", got, want)
		}
	}
}

func TestTLS12CostsOneWaitMore(t *testing.T) {
	f := (&fake{}).start(t)
	f.tls.MaxVersion = tls.VersionTLS12
	c, counts := f.client(t)
	c.Auth = xoauth2Auth
	r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	if got := counts.waits.Load(); got != 7 || r.RoundTrips != 7 || r.TLS != tls.VersionTLS12 {
		t.Errorf("%d waits, receipt %+v", got, r)
	}
}

// Without EHLO and STARTTLS in the clear; that the last handshake message waits
// for the banner is not a round trip of the dialog.
func TestImplicitTLSSavesTwoWaits(t *testing.T) {
	f := (&fake{implicit: true}).start(t)
	c, _ := f.client(t)
	c.TLS, c.Auth = ImplicitTLS, xoauth2Auth
	r, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if err != nil || r.RoundTrips != 4 {
		t.Errorf("receipt %+v, %v", r, err)
	}
}
