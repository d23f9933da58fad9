package dsn

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestStatusIsTheServersWhenTheKindCanHaveIt(t *testing.T) {
	for _, test := range []struct {
		kind          Kind
		status, reply string
		want          string
	}{
		{Failed, "", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "5.1.10"},
		{Failed, "", "550-5.1.1 no\r\n550 5.1.1 such user", "5.1.1"},
		{Failed, "", "550 5.1.1", "5.1.1"},
		{Failed, "", "  550  5.1.1 indented", "5.1.1"},
		{Failed, "", "550\r\n5.1.1 split", "5.1.1"},
		{Failed, "", "550 5.7.606-649 banned", "5.7.606"},
		{Failed, "", "550 5.1.1. no", "5.1.1"},
		{Failed, "", "550 no such user", "5.0.0"},
		{Failed, "", "550", "5.0.0"},
		{Failed, "", "5500 5.1.1", "5.0.0"},
		{Failed, "", "550 4.1.1 disagrees", "5.0.0"},
		{Failed, "", "550 5.01.1 zeros", "5.0.0"},
		{Failed, "", "550 5.1.1000 too long", "5.0.0"},
		{Failed, "", "550 5.1.1.1 an address", "5.0.0"},
		{Failed, "", "451 4.7.500 Server busy", "4.7.500"},
		{Failed, "", "451 later", "4.0.0"},
		{Failed, "", "250 2.0.0 OK", "5.0.0"},
		{Failed, "", "354 go on", "5.0.0"},
		{Failed, "", "5.1.1 without a code", "5.0.0"},
		{Failed, "", "not delivered within 5 days", "5.0.0"},
		{Failed, "", "", "5.0.0"},
		{Failed, "4.4.7", "not delivered within 5 days", "4.4.7"},
		{Failed, "5.2.2", "550 5.1.1 no", "5.2.2"},
		{Failed, "2.0.0", "550 5.1.1 no", "5.1.1"},
		{Failed, "5.2.2\r\nX: y", "550 5.1.1 no", "5.1.1"},
		{Failed, "5.2.2 ", "", "5.0.0"},
		{Delayed, "", "451 4.7.500 Server busy", "4.7.500"},
		{Delayed, "", "421 busy", "4.0.0"},
		{Delayed, "", "550 5.1.1 no", "4.0.0"},
		{Delayed, "", "no connection", "4.0.0"},
		{Delayed, "4.4.1", "no connection", "4.4.1"},
		{Relayed, "", "250 2.1.5 OK", "2.1.5"},
		{Relayed, "", "250 OK", "2.0.0"},
		{Relayed, "5.0.0", "", "2.0.0"},
	} {
		r := testReport(test.kind)
		r.Recipients[0].Status, r.Recipients[0].Reply = test.status, test.reply
		p := mustParse(t, read(t, r))
		if got := p.status[1].Get("Status"); got != test.want {
			t.Errorf("kind %d, status %q, reply %q: %q, want %q", test.kind, test.status, test.reply, got, test.want)
		}
	}
}

func TestStatusTellsProgramsAllThatIsKnown(t *testing.T) {
	r := testReport(Delayed)
	r.Recipients[0].Original = "sales@example.com"
	p := mustParse(t, read(t, r))
	for i, want := range []map[string]string{{
		"Original-Envelope-Id": "QQ314159", "Reporting-MTA": "dns; srv-7.contoso.com", "Arrival-Date": "Fri, 20 Nov 2026 05:30:00 +0000",
	}, {
		"Original-Recipient": "rfc822; sales@example.com", "Final-Recipient": "rfc822; jane@example.com", "Action": "delayed", "Status": "4.7.500",
		"Remote-MTA": "dns; smtp.office365.com", "Diagnostic-Code": "smtp; 451 4.7.500 Server busy. Please try again later.",
		"Last-Attempt-Date": "Fri, 20 Nov 2026 09:29:00 +0000", "Will-Retry-Until": "Wed, 25 Nov 2026 05:30:00 +0000",
	}} {
		if len(p.status[i]) != len(want) {
			t.Errorf("block %d is %v", i, p.status[i])
		}
		for name, value := range want {
			if got := p.status[i].Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
}

func TestStatusLeavesOutWhatIsNotKnown(t *testing.T) {
	r := testReport(Failed)
	r.EnvelopeID, r.Arrival, r.Recipients = "", time.Time{}, []Recipient{{Address: "jane@example.com"}}
	r.Expires = testTime // which a refusal has no use for
	p := mustParse(t, read(t, r))
	if len(p.status) != 2 || len(p.status[0]) != 1 || len(p.status[1]) != 3 {
		t.Errorf("the status is %v", p.status)
	}
}

func TestOurOwnWordsAreNotGivenOutAsTheServers(t *testing.T) {
	r := testReport(Failed)
	r.Recipients[0].Reply = "not delivered within 5 days"
	p := mustParse(t, read(t, r))
	if got := p.status[1].Get("Diagnostic-Code"); got != "x-traymail; not delivered within 5 days" {
		t.Errorf("the diagnostic code is %q", got)
	}
	if strings.Contains(p.text, "answered") {
		t.Errorf("the text says that a server answered:\n%s", p.text)
	}
}

func TestAddressesBeyondASCIIAreOfTheirOwnType(t *testing.T) {
	for name, test := range map[string]struct {
		address, original string
		mediaType         string
		final, orcpt      string
	}{
		"none":     {"a@example.com", "b@example.com", "message/delivery-status", "rfc822; a@example.com", "rfc822; b@example.com"},
		"final":    {"ä@example.com", "b@example.com", "message/global-delivery-status", "utf-8; ä@example.com", "rfc822; b@example.com"},
		"original": {"a@example.com", "ß@example.com", "message/global-delivery-status", "rfc822; a@example.com", "utf-8; ß@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			r := testReport(Failed)
			to := &r.Recipients[0]
			to.Address, to.Original, to.Reply = test.address, test.original, "550 5.1.1 né"
			p := mustParse(t, read(t, r))
			if got := p.parts[1].header.Get("Content-Type"); got != test.mediaType {
				t.Errorf("the media type is %s", got)
			}
			if got := p.status[1].Get("Final-Recipient"); got != test.final {
				t.Errorf("the final recipient is %q", got)
			}
			if got := p.status[1].Get("Original-Recipient"); got != test.orcpt {
				t.Errorf("the original recipient is %q", got)
			}
			want := "smtp; 550 5.1.1 né"
			if test.mediaType == "message/delivery-status" {
				want = "smtp; 550 5.1.1 n?"
			}
			if got := p.status[1].Get("Diagnostic-Code"); got != want {
				t.Errorf("the diagnostic code is %q", got)
			}
			if !strings.Contains(p.text, "550 5.1.1 né") {
				t.Errorf("the text has not the reply:\n%s", p.text)
			}
		})
	}
}

func TestFieldsAreFoldedBetweenWords(t *testing.T) {
	long := strings.Repeat("x", 2*maxWord+1)
	for _, test := range []struct{ value, want string }{
		{"short", "A: short\r\n"},
		{"", "A:\r\n"},
		{" a  b\t c ", "A: a b c\r\n"},
		{strings.Repeat("word ", 20), "A: word" + strings.Repeat(" word", 14) + "\r\n" + strings.Repeat(" word", 5) + "\r\n"},
		{strings.Repeat("x", 75), "A: " + strings.Repeat("x", 75) + "\r\n"},
		{"a " + strings.Repeat("x", 77), "A: a\r\n " + strings.Repeat("x", 77) + "\r\n"},
		{"a\r\nB: c", "A: a\r\n B: c\r\n"},
		{"a\rb\nc\u2028d\u0085e\x00f", "A: a\r\n b\r\n c\r\n d e f\r\n"},
		{"a\r\n\r\n\r\nb", "A: a\r\n b\r\n"},
		{"\r\n\r\na", "A: a\r\n"},
		{"\xff", "A: \uFFFD\r\n"},
		{long, "A: " + long[:maxWord] + "\r\n " + long[:maxWord] + "\r\n x\r\n"},
		{"a" + strings.Repeat("𝄞", 230), "A: a" + strings.Repeat("𝄞", 224) + "\r\n " + strings.Repeat("𝄞", 6) + "\r\n"},
	} {
		var b bytes.Buffer
		writeField(&b, "A", test.value)
		if b.String() != test.want {
			t.Errorf("%.80q is\n%q, want\n%q", test.value, b.String(), test.want)
		}
	}
}
