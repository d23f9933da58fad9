package mailer

import (
	"bytes"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// prepareText prepares a message and returns it with what goes out.
func prepareText(t *testing.T, s Submission, text string) (*prepared, string) {
	t.Helper()
	s.Data = strings.NewReader(text)
	p, err := prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.complete("svc@contoso.com", s.FullName, noon)
	r, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(out)) != p.size() {
		t.Errorf("size %d was announced for %d octets", p.size(), len(out))
	}
	return p, string(out)
}

const complete = "From: a@contoso.com\r\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@contoso.com>\r\n"

func TestACompleteMessageGoesOutByteForByte(t *testing.T) {
	text := complete + "Subject: =?utf-8?q?=C3=A9?=\r\n\tfolded\r\nX-Odd:no space\r\n\r\nbody\r\n.\r\n..\r\n\x00\xff"
	p, out := prepareText(t, Submission{To: []string{"b@contoso.com"}}, text)
	if out != text {
		t.Errorf("changed:\n%q\n%q", text, out)
	}
	if p.messageID != "<1@contoso.com>" {
		t.Errorf("Message-ID %q", p.messageID)
	}
}

func TestPrepareAddsAndRemovesOnlyWhatItMust(t *testing.T) {
	tests := []struct {
		name, in, want string
		s              Submission
	}{
		{"Bcc is removed with its folded lines", complete + "Bcc: x@contoso.com,\r\n y@contoso.com\r\nTo: z@contoso.com\r\n\r\nb", complete + "To: z@contoso.com\r\n\r\nb", Submission{}},
		{"a missing Date is added", "From: a@contoso.com\nMessage-ID: <1@x>\n\nb\n", "From: a@contoso.com\nMessage-ID: <1@x>\nDate: Fri, 20 Nov 2026 12:00:00 +0000\r\n\r\nb\n", Submission{}},
		{"a missing From is the sender, with the full name", "Date: x\nMessage-ID: <1@x>\n\nb", "Date: x\nMessage-ID: <1@x>\nFrom: \"Über uns\" <svc@contoso.com>\r\n\r\nb", Submission{FullName: "Über uns"}},
		{"the separator of an mbox is left out", "From a@b Fri\n" + complete + "\nb", complete + "\r\nb", Submission{}},
		{"a header without an empty line after it ends where it stops being one", complete + "hello\nworld\n", complete + "\r\nhello\nworld\n", Submission{}},
		{"a header without a body is complete", complete, complete + "\r\n", Submission{}},
		{"a last line without an ending gets one", strings.TrimSuffix(complete, "\r\n"), complete + "\r\n", Submission{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.To = []string{"b@contoso.com"}
			_, out := prepareText(t, tt.s, tt.in)
			want := strings.ReplaceAll(tt.want, "\"Über uns\"", "=?utf-8?q?=C3=9Cber_uns?=")
			if out != want {
				t.Errorf("got\n%q\nwant\n%q", out, want)
			}
		})
	}
}

func TestAMissingMessageIDIsMadeInTheSendersDomainAndDiffersEachTime(t *testing.T) {
	var ids []string
	for range 2 {
		p, out := prepareText(t, Submission{To: []string{"b@contoso.com"}}, "Subject: x\n\nb")
		if !strings.HasSuffix(p.messageID, "@contoso.com>") || !strings.Contains(out, "Message-ID: "+p.messageID+"\r\n") {
			t.Errorf("Message-ID %q in\n%s", p.messageID, out)
		}
		ids = append(ids, p.messageID)
	}
	if ids[0] == ids[1] {
		t.Errorf("two messages have the ID %s", ids[0])
	}
}

func TestRecipientsFromTheHeaderJoinThoseOfTheCommand(t *testing.T) {
	p, out := prepareText(t, Submission{To: []string{"cmd@contoso.com"}, ToFromHeader: true},
		complete+"To: \"A, B\" <to@contoso.com>,\r\n =?utf-8?q?=C3=A9?= <two@contoso.com>\r\nCc: Group: g1@contoso.com, g2@contoso.com;\r\nBcc: hidden@contoso.com\r\n\r\nb")
	want := []string{"cmd@contoso.com", "to@contoso.com", "two@contoso.com", "g1@contoso.com", "g2@contoso.com", "hidden@contoso.com"}
	if !slices.Equal(p.recipients, want) {
		t.Errorf("recipients %v, want %v", p.recipients, want)
	}
	if strings.Contains(out, "hidden@") {
		t.Errorf("Bcc went out:\n%s", out)
	}
}

func TestPrepareRefuses(t *testing.T) {
	tests := []struct {
		name, in, want string
		s              Submission
	}{
		{"a message without a recipient", complete + "\r\nb", "no recipient", Submission{ToFromHeader: true}},
		{"a To field that is no list", complete + "To: <a@contoso.com\r\n\r\nb", "the To field is not a list of addresses", Submission{ToFromHeader: true}},
		{"an endless header", "X: " + strings.Repeat("x", 2*maxHeader), "no recipient", Submission{}},
		{"an endless header of many lines", strings.Repeat("X: y\r\n", maxHeader/4), "header is longer than", Submission{To: []string{"b@contoso.com"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.Data = strings.NewReader(tt.in)
			p, err := prepare(tt.s)
			if err == nil {
				p.Close()
				t.Fatal("it was prepared")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
		})
	}
}

func TestALongBodyWaitsInAFileThatIsRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	body := bytes.Repeat([]byte("0123456789abcdef\r\n"), 3*inMemory/18)
	p, out := prepareText(t, Submission{To: []string{"b@contoso.com"}}, complete+"\r\n"+string(body))
	if out != complete+"\r\n"+string(body) {
		t.Error("the body changed")
	}
	if p.body.large == nil {
		t.Error("it waits in memory")
	} else if info, err := p.body.large.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
	p.Close()
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 0 {
		t.Errorf("files left: %v", files)
	}
}

// FuzzPrepare feeds messages of any form: none may panic, nothing of the body
// may be lost, and no Bcc may go out.
func FuzzPrepare(f *testing.F) {
	f.Add([]byte(complete + "Bcc: x@y\r\n\r\nbody"))
	f.Add([]byte("From x\nno header"))
	f.Add([]byte("\r\n\r\n"))
	f.Add([]byte("To: a@b\n\tc\n\n.\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := prepare(Submission{To: []string{"b@contoso.com"}, Data: bytes.NewReader(data)})
		if err != nil {
			return
		}
		defer p.Close()
		p.complete("svc@contoso.com", "", noon)
		r, _ := p.open()
		out, err := io.ReadAll(r)
		if err != nil || int64(len(out)) != p.size() {
			t.Fatalf("%d octets of %d: %v", len(out), p.size(), err)
		}
		if !bytes.HasSuffix(data, p.body.small) {
			t.Fatalf("the body changed: %q", p.body.small)
		}
		for line := range bytes.Lines(p.header) {
			if len(line) > 4 && strings.EqualFold(string(line[:4]), "bcc:") {
				t.Fatalf("Bcc went out: %q", p.header)
			}
		}
		if !bytes.HasSuffix(p.header, []byte("\n\r\n")) { // a line that came with LF alone goes out with both
			t.Fatalf("the header does not end: %q", p.header)
		}
	})
}
