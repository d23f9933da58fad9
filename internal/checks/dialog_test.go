package checks

import (
	"bufio"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRepliesAreRead(t *testing.T) {
	for in, want := range map[string]struct {
		code int
		text string
		bad  bool
	}{
		"220 mail.contoso.com ESMTP\r\n":             {220, "mail.contoso.com ESMTP", false},
		"250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\n": {250, "mail\nSIZE 1\nSTARTTLS", false},
		"250\r\n":                      {250, "", false},
		"220 a\x1b[2Jb\r\n":            {220, "a?[2Jb", false},
		"HTTP/1.1 400 Bad Request\r\n": {bad: true},
		"SSH-2.0-OpenSSH_9.9\r\n":      {bad: true},
		"999 what\r\n":                 {bad: true},
		"22":                           {bad: true},
		"220-" + strings.Repeat("x", 2*maxLine) + "\r\n": {bad: true},
		strings.Repeat("220-more\r\n", maxReply):         {bad: true},
	} {
		d := &dialog{in: bufio.NewReaderSize(strings.NewReader(in), maxLine)}
		code, text, err := d.reply()
		if (err != nil) != want.bad || code != want.code && !want.bad || text != want.text {
			t.Errorf("%.40q: %d %q %v", in, code, text, err)
		}
	}
}

func TestExtensionsAreFoundWhole(t *testing.T) {
	const text = "mail.contoso.com Hello\nSIZE 157286400\nstarttls\nAUTH LOGIN XOAUTH2"
	for extension, is := range map[string]bool{"STARTTLS": true, "SIZE": true, "START": false, "LOGIN": false} {
		if offers(text, extension) != is {
			t.Errorf("%s: %v", extension, !is)
		}
	}
}

func TestTimesInGreetings(t *testing.T) {
	want := time.Date(2025, 4, 26, 18, 8, 13, 0, time.UTC)
	for greeting, is := range map[string]bool{
		"PN4P287CA0064.outlook.office365.com Microsoft ESMTP MAIL Service ready at Sat, 26 Apr 2025 18:08:13 +0000 [08DD84B323498C1A]": true,
		"PN4P287CA0064.outlook.office365.com Microsoft ESMTP MAIL Service ready at Sat, 26 Apr 2025 20:08:13 +0200":                    true,
		"mail.contoso.com ESMTP Exim 4.98 Sat, 26 Apr 2025 18:08:13 +0000":                                                             true,
		"mail.contoso.com ESMTP Postfix":                         false,
		"smtp.gmail.com ESMTP 4fb4d7f45d1cf-5f7-20 - gsmtp":      false,
		"mail ready at Sat, 99 Apr 2025 18:08:13 +0000":          false,
		"mail ready at Sat, 26 Foo 2025 18:08:13 +0000 and more": false,
	} {
		if at, ok := dateIn(greeting); ok != is || ok && !at.Equal(want) {
			t.Errorf("%q: %v %v", greeting, at, ok)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"220 mail.contoso.com ESMTP\r\n", "250-mail\r\n250 STARTTLS\r\n", "421\r\n", "220 x at Sat, 26 Apr 2025 18:08:13 +0000\n", "\x16\x03\x01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		d := &dialog{in: bufio.NewReaderSize(strings.NewReader(in), maxLine)}
		code, text, err := d.reply()
		if err == nil && (code < 200 || code > 599 || len(text) > 3*maxReply || strings.ContainsAny(text, "\x00\x1b\r")) {
			t.Errorf("%q was read as %d %q", in, code, text)
		}
		offers(text, "STARTTLS")
		dateIn(text)
	})
}

func FuzzSentence(f *testing.F) {
	for _, seed := range []string{`"AADSTS50011: The redirect URI &#39;x&#39;.\r\nTrace"`, "AADSTS1:", "AADSTS700016: <b>", "AADSTS90002: \x1b[2J\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, page string) {
		said := sentence([]byte(page))
		if len(said) > 700 || strings.ContainsAny(said, "\x1b\r\n") || !utf8.ValidString(said) {
			t.Errorf("%q has the sentence %q", page, said)
		}
		if o := (oauthError{Description: said}); said != "" && o.number() == 0 {
			t.Errorf("%q has no number", said)
		}
	})
}
