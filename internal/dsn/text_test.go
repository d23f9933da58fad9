package dsn

import (
	"fmt"
	"mime"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNothingFromOutsideBecomesAField(t *testing.T) {
	for _, evil := range []string{
		"x\r\nBcc: victim@example.com", "x\nBcc: victim@example.com", "x\rBcc: victim@example.com", "x\r\n\r\nBcc: victim@example.com",
		"\r\n\r\nBcc: y\r\n", "x\u2028Bcc: y", "x\u0085Bcc: y", "=?utf-8?q?x=0D=0ABcc:_y?=", "x\x00\r\n\tBcc: y", "x\r\n.\r\nBcc: y",
		"\r\n--boundary\r\nContent-Type: text/html\r\n\r\n", strings.Repeat("x", 5000), strings.Repeat("é", 5000), strings.Repeat("x ", 5000), "\xff\xfe",
	} {
		for _, k := range []Kind{Failed, Delayed, Relayed} {
			r := testReport(k)
			r.Account, r.EnvelopeID, r.OriginalMessageID, r.OriginalSubject, r.Return = evil, evil, "<"+evil+">", evil, evil
			r.Recipients = append(r.Recipients, Recipient{Address: evil, Original: evil, Reply: evil, Status: evil, RemoteMTA: evil, Fix: evil},
				Recipient{Address: "a@" + evil, Reply: "550 5.1.1 " + evil, RemoteMTA: evil})
			r.Original = (&source{text: evil}).Open
			p := mustParse(t, read(t, r))
			if len(p.parts) != 3 || len(p.status) != 4 {
				t.Errorf("%.40q: %d parts, %d blocks", evil, len(p.parts), len(p.status))
			}
		}
	}
}

func TestTheTextHasTheServersWordsAndTheFix(t *testing.T) {
	r := testReport(Failed)
	p := mustParse(t, read(t, r))
	words := strings.Join(strings.Fields(p.text), " ")
	for _, want := range []string{
		"could not be delivered", "Subject: Disk full on SRV-7", "Handed over: Fri, 20 Nov 2026 05:30:00 +0000", "jane@example.com",
		strings.Join(strings.Fields(r.Recipients[0].Reply), " "), r.Recipients[0].Fix, "smtp.office365.com answered",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the text does not say %q:\n%s", want, p.text)
		}
	}
	for line := range strings.SplitSeq(p.text, "\r\n") {
		if utf8.RuneCountInString(line) > textWidth {
			t.Errorf("a line is too wide: %q", line)
		}
	}
}

func TestRecipientsWithTheSameReplyAreListedTogether(t *testing.T) {
	r := testReport(Failed)
	same := r.Recipients[0]
	for i := range 3 {
		same.Address = fmt.Sprintf("user%d@example.com", i)
		r.Recipients = append(r.Recipients, same, Recipient{Address: fmt.Sprintf("other%d@example.com", i), Reply: "552 5.2.2 full"})
	}
	p := mustParse(t, read(t, r))
	if n := strings.Count(p.text, "Not delivered to:"); n != 2 {
		t.Errorf("there are %d groups:\n%s", n, p.text)
	}
	for _, to := range r.Recipients {
		if strings.Count(p.text, "  "+to.Address+"\r\n") != 1 {
			t.Errorf("%s is not named once:\n%s", to.Address, p.text)
		}
	}
	if len(p.status) != 1+len(r.Recipients) {
		t.Errorf("there are %d blocks of status", len(p.status))
	}
}

func TestSubjectsAreRepeatedInOneModerateLine(t *testing.T) {
	for subject, want := range map[string]string{
		"Disk full":              "Undelivered: Disk full",
		"":                       "Undelivered: (no subject)",
		" \r\n ":                 "Undelivered: (no subject)",
		"a\r\n b":                "Undelivered: a b",
		"Füllstand":              "Undelivered: Füllstand",
		strings.Repeat("ü", 300): "Undelivered: " + strings.Repeat("ü", 199) + "…",
	} {
		r := testReport(Failed)
		r.OriginalSubject = subject
		notice := read(t, r)
		p := mustParse(t, notice)
		got, err := new(mime.WordDecoder).DecodeHeader(p.header.Get("Subject"))
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", subject, got, err)
		}
		header, _, _ := strings.Cut(string(notice), "\r\n\r\n")
		if !isASCII(header) {
			t.Errorf("%q: the header is not ASCII:\n%s", subject, header)
		}
		for line := range strings.SplitSeq(header, "\r\n") {
			if strings.Contains(line, "=?") && len(line) > 76 {
				t.Errorf("%q: an encoded word is in a line of %d (RFC 2047 §2)", subject, len(line))
			}
		}
	}
}

func TestTheNoticeRefersToTheMessageByItsID(t *testing.T) {
	for id, want := range map[string]string{
		"<1@srv-7>": "<1@srv-7>", "1@srv-7": "<1@srv-7>", "": "", "<>": "", "<a b>": "", "<a>\r\nX: y": "", "<ü@x>": "", "<a><b>": "",
		"<" + strings.Repeat("a", 1000) + ">": "",
	} {
		r := testReport(Failed)
		r.OriginalMessageID = id
		p := mustParse(t, read(t, r))
		if p.header.Get("In-Reply-To") != want || p.header.Get("References") != want {
			t.Errorf("%.40q: In-Reply-To %q, References %q", id, p.header.Get("In-Reply-To"), p.header.Get("References"))
		}
	}
}

func TestNoMachineAnswersANotice(t *testing.T) {
	for _, k := range []Kind{Failed, Delayed, Relayed} {
		if got := mustParse(t, read(t, testReport(k))).header.Get("Auto-Submitted"); got != "auto-replied" {
			t.Errorf("kind %d has Auto-Submitted: %q", k, got)
		}
	}
}
