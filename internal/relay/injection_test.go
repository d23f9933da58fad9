package relay

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"mime"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// Nothing that a client may put into a field, an envelope or a greeting becomes
// a field of its own.
func TestNoFieldIsInjected(t *testing.T) {
	const evil = "x\r\nBcc: victim@contoso.com\r\nInjected: yes\r\n\r\nbody"
	encoded := []string{mime.QEncoding.Encode("utf-8", evil), mime.BEncoding.Encode("utf-8", evil), "=?utf-8?q?x=0ABcc:_victim=40contoso.com?=", "=?utf-8?q?x=0DInjected:_yes?=", "=?iso-8859-1?b?" + base64.StdEncoding.EncodeToString([]byte(evil)) + "?="}
	var headers []string
	for _, e := range encoded {
		e = strings.ReplaceAll(e, "\r\n", "\r\n ")
		headers = append(headers,
			"From: "+e+" <a@b.c>\r\n", "From: "+e+"\r\n", "From: \""+e+"\" <a@b.c>, "+e+" <d@e.f>\r\n", "From: a@b.c ("+e+")\r\n", "From: a@b.c\r\nSubject: "+e+"\r\n",
			"From: a@b.c\r\nReply-To: "+e+" <g@h.i>\r\n", "From: a@b.c\r\nMessage-ID: "+e+"\r\n", "From: a@b.c\r\nDate: "+e+"\r\n", "From: a@b.c\r\nSender: "+e+" <g@h.i>\r\n")
	}
	headers = append(headers, "From: a@b.c\rBcc: victim@contoso.com\r\n", "From: a@b.c\nBcc : victim@contoso.com\r\n", "From: a@b.c\r\n\tBcc: victim@contoso.com\r\n",
		"From: a@b.c\r\nSubject: x\r\r\nResent-Bcc: victim@contoso.com\r\n", "From: \"x\r\n Bcc: victim@contoso.com\" <a@b.c>\r\n", "bCC: victim@contoso.com\r\nFrom: a@b.c\r\n")
	for _, policy := range []FromPolicy{Keep, Force, Rewrite} {
		for _, header := range headers {
			c := testConfig()
			c.Accounts[0].From = policy
			c.Clients = []Client{{Name: "tool\r\nInjected: yes", Networks: loopback}}
			b := newInbox()
			out := say(t, c, b, "EHLO a\rInjected:\tyes\x00<>()\r\nMAIL FROM:<\"a b\"@c.d> ENVID=a+0D+0AInjected:+20yes\r\nMAIL FROM:<\"a: b\"@c.d> ENVID=+3Ca+3E\r\nRCPT TO:<\"x> NOTIFY=NEVER\"@contoso.com>\r\nDATA\r\n"+header+"\r\nbody\r\n.\r\n")
			all := b.all()
			if len(all) != 1 {
				t.Fatalf("%q: %d messages, %q", header, len(all), out)
			}
			m, err := mail.ReadMessage(strings.NewReader(string(all[0].body)))
			if err != nil {
				t.Fatalf("%q became %q: %v", header, all[0].body, err)
			}
			for name := range m.Header {
				if strings.Contains(name, "Bcc") || name == "Injected" {
					t.Errorf("%s: %q became %q", policy, header, all[0].body)
				}
			}
			if !strings.HasSuffix(string(all[0].body), "\r\n\r\nbody\r\n") || strings.Contains(all[0].EnvelopeID, "\n") || all[0].Recipients[0].Address != `"x> NOTIFY=NEVER"@contoso.com` {
				t.Errorf("%s: %q became %+v", policy, header, all[0])
			}
		}
	}
}

// A trickle gives one piece at each read, as packets come.
type trickle struct {
	pipe
	pieces []string
}

func (p *trickle) Read(b []byte) (int, error) {
	if len(p.pieces) == 0 {
		return 0, net.ErrClosed
	}
	n := copy(b, p.pieces[0])
	if p.pieces[0] = p.pieces[0][n:]; p.pieces[0] == "" {
		p.pieces = p.pieces[1:]
	}
	return n, nil
}

// What comes in the clear after STARTTLS is executed neither before the
// handshake nor after it, however it is cut into packets.
func TestNothingInTheClearIsExecutedAfterSTARTTLS(t *testing.T) {
	const hello, injected = "EHLO x\r\n", "MAIL FROM:<evil@contoso.com>\r\nRCPT TO:<megan@contoso.com>\r\nDATA\r\nSubject: injected\r\n\r\n.\r\nQUIT\r\n"
	c := testConfig()
	c.Listeners[0].TLS, c.Listeners[0].Certificate = STARTTLS, Certificate{Folder: t.TempDir()}
	for name, pieces := range map[string][]string{
		"in one packet":                       {hello + "STARTTLS\r\n" + injected},
		"in a packet of its own":              {hello, "STARTTLS\r\n", injected},
		"cut in the line":                     {hello, "STARTTLS\r", "\n" + injected},
		"with a bare LF":                      {hello, "STARTTLS\n", injected},
		"with an argument":                    {hello, "STARTTLS now\r\n", injected},
		"in letters that are folded":          {hello, "\u017fTARTTLS\r\n", injected},
		"twice":                               {hello, "STARTTLS\r\n", "STARTTLS\r\n" + injected},
		"before EHLO":                         {"STARTTLS\r\n", injected},
		"as the answer to a challenge, first": {hello, "AUTH LOGIN\r\n", "STARTTLS\r\n", "STARTTLS\r\n", injected},
	} {
		b := newInbox()
		p := &trickle{pieces: pieces}
		s := fuzzServer(t, c, b.accept)
		st := s.state.Load()
		var err error
		if st.tls, err = st.tlsConfigs(time.Now, s.in.log); err != nil {
			t.Fatal(err)
		}
		s.serve(c.Listeners[0].Address, p)
		if out := p.out.String(); len(b.all()) > 0 || strings.Contains(out, "Roger") || strings.Contains(out, "354") {
			t.Errorf("%s: %d messages, %q", name, len(b.all()), out)
		}
	}
	r := newRig(t, c) // and with a real handshake, nothing is left of before
	conn := r.dial(t, "local")
	br := bufio.NewReader(conn)
	if _, err := conn.Write([]byte(hello + "MAIL FROM:<before@contoso.com>\r\nRCPT TO:<before@contoso.com>\r\nSTARTTLS\r\n")); err != nil {
		t.Fatal(err)
	}
	for line := ""; !strings.HasPrefix(line, "220 2.0.0 ready for TLS"); {
		var err error
		if line, err = br.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	after := textproto.NewConn(tls.Client(conn, insecure))
	command(t, after, 503, "DATA")
	command(t, after, 503, "MAIL FROM:<alex@contoso.com>")
	command(t, after, 250, "EHLO again")
	command(t, after, 503, "RCPT TO:<a@contoso.com>")
	command(t, after, 221, "QUIT")
}
