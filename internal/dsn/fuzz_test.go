package dsn

import (
	"io"
	"testing"
)

// FuzzNotice writes notices in which everything that comes from outside is
// hostile. parse has the invariants.
func FuzzNotice(f *testing.F) {
	f.Add(uint8(0), "alerts@contoso.com", "FULL", "QQ314159", "<1@srv-7>", "Disk full", "jane@example.com", "", "550 5.1.1 no such user", "5.1.1", testMessage)
	f.Add(uint8(1), "jörg@contoso.com", "HDRS", "", "1@srv-7", "Füllstand", "δοκιμή@example.com", "ü@example.com", "451-4.7.500 busy\r\n451 4.7.500 later", "", "A: ü\n\nü")
	f.Add(uint8(2), "root@[192.0.2.1]", "", "a b", "<a>\r\nX: y", "a\r\nBcc: b", "\r\n\r\nBcc: b", "x\u2028y", "250\x00", "2.0.0\r\n", "\x00\r\r\n \r\n:\xff")
	f.Fuzz(func(t *testing.T, kind uint8, to, ret, envid, id, subject, address, original, reply, status, message string) {
		s := &source{text: message}
		r := testReport(Kind(kind % 3))
		r.To, r.Return, r.EnvelopeID, r.OriginalMessageID, r.OriginalSubject, r.Account = to, ret, envid, id, subject, subject
		r.Original, r.MaxOriginal = s.Open, 5000
		r.Recipients = append(r.Recipients, Recipient{Address: address, Original: original, Reply: reply, Status: status, RemoteMTA: address, Fix: reply})
		n, err := r.Open()
		if err != nil {
			if isMailbox(to) {
				t.Fatal(err)
			}
			return
		}
		b, err := io.ReadAll(n)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(b)
		if err != nil {
			t.Fatalf("%v\n%q", err, b)
		}
		if len(p.parts) != 3 || len(p.status) != 3 || s.open != 0 {
			t.Fatalf("%d parts, %d blocks of status, %d left open\n%q", len(p.parts), len(p.status), s.open, b)
		}
	})
}

// FuzzCanReceive checks that no address can receive that a notice cannot go to.
func FuzzCanReceive(f *testing.F) {
	for _, s := range []string{"svc@contoso.com", `"a\"b"@contoso.com`, "a@[IPv6:::1]", "\"\\\"@contoso.com", "ü@ü.de", "a@b.test", "\"@contoso.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if !CanReceive(address) {
			return
		}
		r := testReport(Failed)
		r.To = address
		n, err := r.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(b); err != nil {
			t.Fatalf("%v\n%q", err, b)
		}
	})
}
