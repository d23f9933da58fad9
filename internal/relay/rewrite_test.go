package relay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/mail"
	"strings"
	"testing"
)

func rewritten(t testing.TB, a Account, client Client, in string) (string, Message, error) {
	t.Helper()
	br := bufio.NewReader(&crlfReader{r: strings.NewReader(in)})
	h, start, err := readHeader(br, nil)
	if err != nil {
		return "", Message{}, err
	}
	m := Message{From: "tool@example.org"}
	err = rewriting{account: &a, client: &client, origin: origin{hostname: "relay.test"}, now: testNow}.apply(&h, &m)
	out, rerr := io.ReadAll(io.MultiReader(bytes.NewReader(h.bytes()), bytes.NewReader(start), br))
	if rerr != nil {
		t.Fatal(rerr)
	}
	return string(out), m, err
}

func TestHeaderIsRewritten(t *testing.T) {
	const end = "Date: d\nMessage-ID: <1@x>\n\nbody\n"
	own := Account{Sender: "own@contoso.com"}
	forced, rewrite, behalf, shared := own, own, own, own
	forced.From, rewrite.From, behalf.OnBehalf = Force, Rewrite, "own@contoso.com"
	shared.From, shared.OnBehalf = Force, "agent@contoso.com"
	tests := []struct {
		name     string
		account  Account
		in, want string
	}{
		{"nothing to do", own, "From: a@b.c\n" + end, "From: a@b.c\n" + end},
		{"Bcc is hidden by a bare CR", own, "From: a@b.c\nSubject: x\rBcc: hidden@x.y\n" + end, "From: a@b.c\nSubject: x\n" + end},
		{"no From", own, end, "Date: d\nMessage-ID: <1@x>\nFrom: <tool@example.org>\n\nbody\n"},
		{"no header at all", own, "just text\nDate: not a field\n",
			"From: <tool@example.org>\nDate: Fri, 20 Nov 2026 09:30:00 +0000\nMessage-ID: <random@contoso.com>\n\njust text\nDate: not a field\n"},
		{"an mbox line", own, "From alex Fri Nov 20 09:30:00 2026\nFrom: a@b.c\n" + end, "From: a@b.c\n" + end},
		{"a line that is no field ends the header", own, "From: a@b.c\nDate: d\nMessage-ID: <1@x>\nhello: there\nno field\n",
			"From: a@b.c\nDate: d\nMessage-ID: <1@x>\nhello: there\n\nno field\n"},
		{"two authors need a sender", own, "From: a@b.c, d@e.f\n" + end, "From: a@b.c, d@e.f\nDate: d\nMessage-ID: <1@x>\nSender: <own@contoso.com>\n\nbody\n"},
		{"a From of a device that cannot be read", own, "From: Scanner 3\nSender: root\n" + end, "From: \"Scanner 3\" <own@contoso.com>\n" + end},
		{"a From of cron", own, "From: root (Cron Daemon)\n" + end, "From: \"root (Cron Daemon)\" <own@contoso.com>\n" + end},
		{"a From with an address that cannot be read", own, "From: \"Scanner\" scan@contoso.com\n" + end, "From: \"Scanner scan at contoso.com\" <own@contoso.com>\n" + end},
		{"a From in Latin-1 without an address", own, "From: B\xfcro\n" + end, "From: \"B?ro\" <own@contoso.com>\n" + end},
		{"a From in UTF-8 without an address", own, "From: B\u00fcro\n" + end, "From: =?utf-8?q?B=C3=BCro?= <own@contoso.com>\n" + end},
		{"a From of a group of nobody", own, "From: nobody:;\n" + end, "From: \"nobody:;\" <own@contoso.com>\n" + end},
		{"a From that is too long for a name", own, "From: " + strings.Repeat("x", 2000) + "\n" + end, "From: \"" + strings.Repeat("x", 60) + "\" <own@contoso.com>\n" + end},
		{"one From of two cannot be read", own, "From: a@b.c\nFrom: Scanner 3\n" + end, "From: \"Scanner 3\" <own@contoso.com>\n" + end},
		{"an empty From is none", own, "From:\n" + end, "From: <tool@example.org>\n" + end},
		{"on behalf of it", behalf, "From: Scanner 3\n" + end, "From: \"Scanner 3\" <own@contoso.com>\n" + end},
		{"from a shared mailbox by one who may send on its behalf", shared, "From: a@b.c\n" + end, "From: <own@contoso.com>\nDate: d\nMessage-ID: <1@x>\nSender: <agent@contoso.com>\n\nbody\n"},
		{"forced, with the display name", forced, "From: \"Scan, 3\" <a@b.c>\nSender: x@y.z\n" + end, "From: \"Scan, 3\" <own@contoso.com>\n" + end},
		{"forced, an address in the display name is left out", forced, "From: \"a@b.c\" <a@b.c>\n" + end, "From: <own@contoso.com>\n" + end},
		{"forced, where From cannot be read", forced, "From: Scanner 3\n" + end, "From: \"Scanner 3\" <own@contoso.com>\n" + end},
		{"rewritten, where From cannot be read", rewrite, "From: root\n" + end, "From: \"root\" <own@contoso.com>\n" + end},
		{"rewritten", rewrite, "From: =?utf-8?q?J=C3=B6rg?= <a@b.c>\n" + end,
			"From: =?utf-8?q?J=C3=B6rg?= <own@contoso.com>\nDate: d\nMessage-ID: <1@x>\nReply-To: =?utf-8?q?J=C3=B6rg?= <a@b.c>\n\nbody\n"},
		{"rewritten, with a Reply-To already", rewrite, "From: a@b.c\nReply-To: r@b.c\n" + end, "From: <own@contoso.com>\nReply-To: r@b.c\n" + end},
		{"rewritten, its own address is not repeated", rewrite, "From: Own <OWN@contoso.com>\n" + end, "From: \"Own\" <own@contoso.com>\n" + end},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := rewritten(t, test.account, Client{}, test.in)
			got = random.ReplaceAllString(got, "<random@")
			if want := strings.ReplaceAll(test.want, "\n", "\r\n"); err != nil || got != want {
				t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
			}
		})
	}
}

func TestHeaderIsBounded(t *testing.T) {
	field := "X-Filler: " + strings.Repeat("x", 1000) + "\n"
	for name, in := range map[string]string{
		"many fields":   strings.Repeat(field, 300) + "\nbody",
		"one long line": "X: " + strings.Repeat("x", 300<<10) + "\n\nbody",
		"long folding":  "X: y\n" + strings.Repeat(" "+strings.Repeat("x", 1000)+"\n", 300) + "\nbody",
	} {
		if _, _, err := rewritten(t, Account{Sender: "a@b.c"}, Client{}, in); !errors.Is(err, errHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Repeat("no header: only a long line of text ", 20000)
	out, _, err := rewritten(t, Account{Sender: "a@b.c"}, Client{}, " "+long)
	if err != nil || !strings.HasSuffix(out, "\r\n\r\n "+long+"\r\n") {
		t.Errorf("a body of one long line without a header: %v, %d octets", err, len(out))
	}
}

func TestAClientWithFewSendersNeedsAReadableFrom(t *testing.T) {
	const in = "From: <a@b.c> <x@y.z>\n\n"
	_, _, err := rewritten(t, Account{Sender: "own@b.c"}, Client{AllowedSenders: []string{"a@b.c"}}, in)
	if r := refusal(err); err == nil || r.Code != 550 {
		t.Errorf("got %v", err)
	}
	out, _, err := rewritten(t, Account{Sender: "own@b.c"}, Client{AllowedSenders: []string{"own@b.c"}}, in)
	if err != nil || !strings.HasPrefix(out, "From: \"a at b.c x at y.z\" <own@b.c>\r\n") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestAQuotedLocalPartIsQuotedOnce(t *testing.T) {
	for _, local := range []string{`two words`, `a"b`, `back\slash`, `"@`, `\`, `x"@y`} {
		address := local + "@contoso.com"
		if got := unquoteLocal(quoteLocal(address)); got != address {
			t.Errorf("%q became %q", address, got)
		}
		r := newRig(t, testConfig())
		_, err := r.Submit(t.Context(), Client{Name: "command", AllowedSenders: []string{address}},
			Message{From: address, Recipients: []Recipient{{Address: "a@b.c"}}}, strings.NewReader("Subject: x\n\nx\n"))
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		m := r.inbox.all()[0]
		h, _, err := readHeader(bufio.NewReader(bytes.NewReader(m.body)), nil)
		if err != nil || m.From != quoteLocal(address) || h.get("from") != "<"+m.From+">" {
			t.Errorf("the envelope has %s, From is %s, %v", m.From, h.get("from"), err)
		}
	}
	c := testConfig()
	c.Accounts[0].Sender, c.Accounts[0].From = "two words@contoso.com", Force
	r := newRig(t, c)
	_, err := r.Submit(t.Context(), Client{Name: "command"}, Message{From: "a@b.c", Recipients: []Recipient{{Address: "a@b.c"}}}, strings.NewReader("\n"))
	if err != nil || r.inbox.all()[0].From != `"two words"@contoso.com` {
		t.Errorf("the account's sender became %+v, %v", r.inbox.all(), err)
	}
}

func TestAMessageIDIsOfASCII(t *testing.T) {
	for sender, want := range map[string]string{
		"a@contoso.com":                 "contoso.com",
		"j\u00f6rg@b\u00fccher.example": "xn--bcher-kva.example",
		"a@B\u00dcCHER.example":         "xn--bcher-kva.example",
		"a@b\u00fc_cher.example":        "relay.test",
		"x@y@[192.0.2.1]":               "[192.0.2.1]",
	} {
		_, m, err := rewritten(t, Account{Sender: sender}, Client{}, "Subject: x\n\n")
		if got := random.ReplaceAllString(m.MessageID, ""); err != nil || got != want+">" {
			t.Errorf("%s: got %q, %v", sender, m.MessageID, err)
		}
	}
}

// FuzzHeader checks what must hold of any message: no blind recipient is told,
// the fields that must be there are there once, the body is untouched, and
// rewriting again changes nothing.
func FuzzHeader(f *testing.F) {
	f.Add("From: a@b.c\nBcc: x@y.z\n folded\nSubject: s\n\nbody")
	f.Add("From alex\n\tnot folded\nbcc\t: a\rBcc: b\r\r\nX")
	f.Add("From: A <a@b.c>, b@c.d\nFrom: e@f.g\nSender: h@i.j\nReply-To: \n\n\n.\n")
	f.Fuzz(func(t *testing.T, in string) {
		for _, policy := range []FromPolicy{Keep, Force, Rewrite} {
			a := Account{Sender: "own@contoso.com", From: policy}
			if policy == Keep {
				a.OnBehalf = a.Sender
			}
			out, m, err := rewritten(t, a, Client{}, in)
			if err != nil {
				continue
			}
			if bare([]byte(out)) {
				t.Fatalf("a bare line ending is left in %q", out)
			}
			h, start, err := readHeader(bufio.NewReader(strings.NewReader(out)), nil)
			if err != nil || start != nil {
				t.Fatalf("%q cannot be read again: %v", out, err)
			}
			if h.count("bcc") > 0 || h.count("date") == 0 || h.count("from") == 0 || h.get("message-id") != m.MessageID {
				t.Fatalf("%q became %q", in, out)
			}
			for _, v := range h.values("from") {
				if _, err := mail.ParseAddressList(v); err != nil && v != "" {
					t.Fatalf("From of %q: %v", out, err)
				}
			}
			if policy != Keep {
				from, err := mail.ParseAddress(h.get("from"))
				if err != nil || from.Address != a.Sender || h.count("from") != 1 || h.count("sender") != 0 {
					t.Fatalf("From of %q: %v", out, err)
				}
			}
			again, _, err := rewritten(t, a, Client{}, out)
			if err != nil || again != out {
				t.Fatalf("once %q, twice %q: %v", out, again, err)
			}
		}
	})
}
