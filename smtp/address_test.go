package smtp

import (
	"strings"
	"testing"
)

func TestParseMailbox(t *testing.T) {
	label := strings.Repeat("d", 60)
	tests := []struct {
		name, addr string
		fails      string
	}{
		{"plain", "a.b+c@example.com", ""},
		{"a dot too many, as real mailboxes have", "a..b.@docomo.example", ""},
		{"a quoted local part", `"a b@c\""@example.com`, ""},
		{"an address literal", "a@[IPv6:2001:db8::1]", ""},
		{"UTF-8", "jörg@bücher.example", ""},
		{"postmaster without a domain", "Postmaster", ""},
		{"no domain", "a", "no @"},
		{"an empty domain", "a@", "nothing after"},
		{"an empty local part", "@example.com", "nothing before"},
		{"a line break adds no command", "a@example.com>\r\nRSET", "not allowed"},
		{"a line break in the local part", "a\r\nRSET\r\n@example.com", "not allowed"},
		{"a line feed in a quoted string", "\"a\nb\"@example.com", "not allowed"},
		{"an angle bracket adds no parameter", "a@example.com> SIZE=1", "not allowed"},
		{"an angle bracket in the local part", "a>b@example.com", "not allowed"},
		{"a space", "a b@example.com", "not allowed"},
		{"a NUL", "a\x00@example.com", "not allowed"},
		{"a Unicode line separator", "a\u2028b@example.com", "not allowed"},
		{"a Unicode line separator in the domain", "a@b\u2028c.com", "not allowed"},
		{"a next-line control", "a\u0085b@example.com", "not allowed"},
		{"broken UTF-8", "a\xff@example.com", "not valid UTF-8"},
		{"broken UTF-8 in the domain", "a@\xff.com", "not valid UTF-8"},
		{"an unfinished quote", `"a@example.com`, "unfinished"},
		{"a quote that escapes its end", `"a\"@example.com`, "unfinished"},
		{"a quote within", `"a"b"@example.com`, "bare quote"},
		{"a local part of 65 octets", strings.Repeat("a", 65) + "@example.com", "more than 64"},
		{"an address of 255 octets", "a@" + strings.Join([]string{label, label, label, label, "example.com"}, "."), "longer than 254"},
		{"an empty label", "a@b..com", "empty or too long label"},
		{"a broken literal", "a@[1.2.3.4", "address literal"},
		{"a literal with more in it", "a@[1.2.3.4> X]", "address literal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseMailbox(tt.addr)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got %q, %v; want an error with %q", m, err, tt.fails)
				}
			} else if err != nil || m.String() != tt.addr {
				t.Errorf("got %q, %v", m, err)
			}
		})
	}
}

func FuzzParseMailbox(f *testing.F) {
	for _, s := range []string{"a@b.com", `"a b"@c`, "a@[1.2.3.4]", "ü@ü.com", "a@b>\r\n", `"\"@x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, addr string) {
		m, err := parseMailbox(addr)
		if err != nil {
			return
		}
		e := &envelope{Message: &Message{To: []Recipient{{}}}, to: []mailbox{m}, utf8: m.needsUTF8()}
		cmd, err := e.rcptCommand(extensions{}, 0)
		if err != nil {
			return // a domain that IDNA refuses
		}
		inside := strings.TrimSuffix(strings.TrimPrefix(cmd, "RCPT TO:<"), ">")
		if len(inside)+len("RCPT TO:<>") != len(cmd) || strings.ContainsAny(cmd, "\r\n\x00") {
			t.Fatalf("%q becomes %q", addr, cmd)
		}
		if strings.ContainsAny(inside, "<> ") && !strings.HasPrefix(inside, `"`) {
			t.Fatalf("%q becomes %q", addr, cmd)
		}
		if !e.utf8 && !ascii(cmd) {
			t.Fatalf("%q becomes %q without SMTPUTF8", addr, cmd)
		}
	})
}

func TestCommandParameters(t *testing.T) {
	all := parseExtensions("x\n" + strings.Join(exchange, "\n"))
	m := &Message{From: "s@example.com", Return: "HDRS", EnvelopeID: "a+b=c d", To: []Recipient{
		{Address: "r@bücher.example", Notify: []string{"SUCCESS", "DELAY"}, OriginalRecipient: "o+1@example.com"},
		{Address: "q@example.com", Notify: []string{"NEVER"}, OriginalRecipient: "jörg@example.com"},
	}}
	tests := []struct {
		name string
		ext  extensions
		utf8 bool
		want []string
	}{
		{"with DSN, encoded as xtext", all, false, []string{
			"MAIL FROM:<s@example.com> SIZE=7 RET=HDRS ENVID=a+2Bb+3Dc+20d",
			"RCPT TO:<r@xn--bcher-kva.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2B1@example.com",
			`RCPT TO:<q@example.com> NOTIFY=NEVER ORCPT=utf-8;j\x{F6}rg@example.com`}},
		{"without extensions nothing is added, and the domain is written in ASCII", extensions{}, false, []string{
			"MAIL FROM:<s@example.com>", "RCPT TO:<r@xn--bcher-kva.example>", "RCPT TO:<q@example.com>"}},
		{"with SMTPUTF8 the domain stays", extensions{utf8: true}, true, []string{
			"MAIL FROM:<s@example.com> SMTPUTF8", "RCPT TO:<r@bücher.example>", "RCPT TO:<q@example.com>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := newEnvelope(m)
			if err != nil {
				t.Fatal(err)
			}
			e.utf8 = tt.utf8
			got := make([]string, 3)
			if got[0], err = e.mailCommand(tt.ext, 7, false); err != nil {
				t.Fatal(err)
			}
			for i := range m.To {
				if got[i+1], err = e.rcptCommand(tt.ext, i); err != nil {
					t.Fatal(err)
				}
			}
			if g, w := strings.Join(got, "\n"), strings.Join(tt.want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

func TestEnvelopeRefuses(t *testing.T) {
	to := []Recipient{{Address: "a@example.com"}}
	tests := []struct {
		name  string
		m     Message
		fails string
	}{
		{"no recipients", Message{From: "a@example.com"}, "no recipients"},
		{"a bad sender", Message{From: "a@b\r\nDATA", To: to}, "sender"},
		{"a bad recipient", Message{To: []Recipient{{Address: "a b@c"}}}, "recipient"},
		{"an unknown RET", Message{To: to, Return: "FULL\r\nRSET"}, "RET"},
		{"a long ENVID", Message{To: to, EnvelopeID: strings.Repeat("x", 101)}, "identifier"},
		{"an unknown NOTIFY", Message{To: []Recipient{{Address: "a@b", Notify: []string{"SUCCESS\r\n"}}}}, "not a DSN condition"},
		{"NEVER with others", Message{To: []Recipient{{Address: "a@b", Notify: []string{"NEVER", "DELAY"}}}}, "excludes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newEnvelope(&tt.m); err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %v, want an error with %q", err, tt.fails)
			}
		})
	}
	if _, err := newEnvelope(&Message{From: "", To: to}); err != nil {
		t.Errorf("the null sender: %v", err)
	}
}
