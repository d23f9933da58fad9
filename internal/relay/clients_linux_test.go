package relay

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/clienttest"
)

// clientMessage is 8-bit text with dots, blank lines and a long line.
const clientMessage = "Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@contoso.com>\r\nFrom: Alex <alex@contoso.com>\r\nTo: megan@contoso.com\r\n" +
	"Subject: test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"

func clientMail() clienttest.Mail {
	body := "caf\xc3\xa9\r\n.\r\n..two\r\n\r\n.leading\r\nFrom here\r\n" + strings.Repeat("long ", 150) + "\r\nend\r\n\r\n"
	return clienttest.Mail{From: "alex@contoso.com", To: []string{"megan@contoso.com"}, Message: []byte(clientMessage + body)}
}

// clientRig has a listener for each kind of TLS, all with a password, and one
// that needs none.
func clientRig(t *testing.T) *rig {
	c := testConfig()
	own := Certificate{Folder: t.TempDir()}
	c.Listeners = []Listener{
		{Name: "none", Address: "127.0.0.1:0", TLS: NoTLS},
		{Name: "starttls", Address: "127.0.0.1:00", TLS: STARTTLS, Certificate: own},
		{Name: "implicit", Address: "127.0.0.1:000", TLS: ImplicitTLS, Certificate: own},
		{Name: "open", Address: "127.0.0.1:0000", TLS: NoTLS, Networks: loopback},
	}
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	return newRig(t, c)
}

// server is a listener of clientRig as a client sees it.
func (r *rig) server(listener, mechanism string) clienttest.Server {
	s := clienttest.Server{Addr: r.Addr(listener).String(), TLS: clienttest.TLS(listener), User: "printer", Password: testPassword, Mechanism: mechanism}
	if listener == "open" {
		s.TLS, s.User, s.Password = clienttest.None, "", ""
	}
	return s
}

// wantAsSent checks that one message came, as it was sent.
func wantAsSent(t *testing.T, got taken, want clienttest.Mail) {
	t.Helper()
	_, body, found := bytes.Cut(got.body, []byte("Date: "))
	if sent := bytes.TrimPrefix(want.Message, []byte("Date: ")); !found || !bytes.Equal(body, sent) {
		same := 0
		for same < min(len(body), len(sent)) && body[same] == sent[same] {
			same++
		}
		t.Fatalf("after %d octets that are the same:\ngot  %.200q\nwant %.200q", same, body[same:], sent[same:])
	}
	var to []string
	for _, r := range got.Recipients {
		to = append(to, r.Address)
	}
	if got.From != want.From || fmt.Sprint(to) != fmt.Sprint(want.To) {
		t.Errorf("got the envelope <%s> %q", got.From, to)
	}
}

// Programs that people send with. One that is not installed fails the test.
func TestRealClientsDeliverByteForByte(t *testing.T) {
	type run struct {
		clienttest.Client
		listener, mechanism, with string
	}
	var runs []run
	for _, c := range append(clienttest.Clients(), clienttest.Client{Name: "smtplib without an initial response", Send: clienttest.SmtplibLate, Signs: true}) {
		if c.Signs {
			runs = append(runs,
				run{c, "none", "LOGIN", "ESMTPA"}, run{c, "starttls", "PLAIN", "ESMTPSA"},
				run{c, "implicit", "LOGIN", "ESMTPSA"}, run{c, "implicit", "", "ESMTPSA"})
		}
		runs = append(runs, run{c, "open", "", "SMTP"})
	}
	for _, test := range runs {
		t.Run(test.Name+" "+test.listener+" "+test.mechanism, func(t *testing.T) {
			r, mail := clientRig(t), clientMail()
			if err := test.Send(t, r.server(test.listener, test.mechanism), mail); err != nil {
				t.Fatal(err)
			}
			all := r.inbox.all()
			if len(all) != 1 {
				t.Fatalf("%d messages", len(all))
			}
			wantAsSent(t, all[0], mail)
			client := "printer"
			if test.listener == "open" {
				client = "open"
			}
			if all[0].Client != client || !strings.Contains(string(all[0].body), test.with) {
				t.Errorf("got %+v", all[0].Message)
			}
		})
	}
}

func TestRealClientsAreToldThatThePasswordIsWrong(t *testing.T) {
	for _, c := range clienttest.Clients() {
		if !c.Signs {
			continue
		}
		r := clientRig(t)
		s := r.server("starttls", "PLAIN")
		s.Password = "wrong"
		if err := c.Send(t, s, clientMail()); err == nil {
			t.Errorf("%s: no error", c.Name)
		}
		if n := len(r.inbox.all()); n != 0 {
			t.Errorf("%s: %d messages were taken", c.Name, n)
		}
	}
}

func TestAnOldDeviceSendsWithTLS10WhereItIsAllowed(t *testing.T) {
	c := testConfig()
	c.Listeners = nil
	for i, mode := range []TLSMode{STARTTLS, ImplicitTLS} {
		c.Listeners = append(c.Listeners,
			Listener{Name: "new " + string(mode), Address: "127.0.0.1:" + strings.Repeat("0", i+1), TLS: mode, Certificate: Certificate{Folder: t.TempDir()}},
			Listener{Name: "old " + string(mode), Address: "localhost:" + strings.Repeat("0", i+1), TLS: mode, Certificate: Certificate{Folder: t.TempDir()}, AllowTLS10: true})
	}
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}
	r := newRig(t, c)
	for _, l := range c.Listeners {
		s := clienttest.Server{Addr: r.Addr(l.Name).String(), TLS: clienttest.TLS(l.TLS), User: "printer", Password: testPassword, Mechanism: "LOGIN"}
		before := len(r.inbox.all())
		err := clienttest.CurlTLS10(t, s, clientMail())
		if all := r.inbox.all(); l.AllowTLS10 && err == nil && len(all) == before+1 {
			wantAsSent(t, all[before], clientMail())
		} else if l.AllowTLS10 || err == nil || len(all) != before {
			t.Errorf("%s: %d messages, %v", l.Name, len(all)-before, err)
		}
	}
}

func TestSmtplibSendsToAddressesBeyondASCII(t *testing.T) {
	r, mail := clientRig(t), clientMail()
	mail.To = []string{"j\u00f6rg@contoso.com", "megan@b\u00fccher.example"}
	if err := clienttest.Smtplib(t, r.server("implicit", ""), mail); err != nil {
		t.Fatal(err)
	}
	all := r.inbox.all()
	if len(all) != 1 || !all[0].SMTPUTF8 || all[0].BodyType != "8BITMIME" {
		t.Fatalf("got %+v", all)
	}
	wantAsSent(t, all[0], mail)
}

func TestManyMessagesInManySessions(t *testing.T) {
	const sessions, messages = 20, 500
	r, mail := clientRig(t), clientMail()
	if err := clienttest.SMTPSource(t, r.server("open", ""), mail, sessions, messages); err != nil {
		t.Fatal(err)
	}
	all := r.inbox.all()
	if len(all) != messages {
		t.Fatalf("%d messages, want %d", len(all), messages)
	}
	for _, m := range all {
		wantAsSent(t, m, mail)
	}
	if got := r.Clients(); len(got) != 1 || got[0].Messages != messages || got[0].Refused != 0 {
		t.Errorf("counted: %v", got)
	}
}

func TestPostfixRelaysThroughTraymail(t *testing.T) {
	for _, test := range []struct{ listener, mechanism, with string }{
		{"none", "PLAIN", "with ESMTPA;"}, {"starttls", "LOGIN", "with ESMTPSA;"}, {"implicit", "PLAIN", "with ESMTPSA;"}, {"open", "", "with ESMTP;"},
	} {
		t.Run(test.listener, func(t *testing.T) {
			r := clientRig(t)
			mail := clientMail()
			mail.To = []string{"megan@contoso.com", "adele@contoso.com"}
			p := clienttest.StartPostfix(t, r.server(test.listener, test.mechanism))
			p.Send(t, mail, "-N", "success,delay", "-R", "hdrs", "-V", "order4711")
			select {
			case <-r.inbox.arrived:
			case <-time.After(time.Minute):
				t.Fatalf("nothing came; Postfix says:\n%s", p.Log())
			}
			got := r.inbox.all()[0]
			slices.SortFunc(got.Recipients, func(a, b Recipient) int { return strings.Compare(b.Address, a.Address) })
			wantAsSent(t, got, mail)
			if !strings.Contains(string(got.body), test.with) {
				t.Errorf("it came another way: %.300q", got.body)
			}
			if got.Return != "HDRS" || got.EnvelopeID != "order4711" {
				t.Errorf("got RET=%s ENVID=%s", got.Return, got.EnvelopeID)
			}
			for _, to := range got.Recipients {
				slices.Sort(to.Notify)
				if !slices.Equal(to.Notify, []string{"DELAY", "SUCCESS"}) || to.OriginalRecipient != to.Address {
					t.Errorf("got %+v", to)
				}
			}
		})
	}
}
