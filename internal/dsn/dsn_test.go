package dsn

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNoticesAreAsTheGoldenFilesHaveThem(t *testing.T) {
	international := testReport(Failed)
	international.To, international.EnvelopeID, international.Return = "jörg@contoso.com", "", "FULL"
	international.OriginalSubject = "Füllstand: Platte C: auf SRV-7 ist voll, und das schon seit gestern Abend um neun"
	international.Recipients[0].Address = "δοκιμή@example.com"
	international.Recipients[0].Original = "δοκιμή+alt@example.com"
	international.Recipients[0].Reply = "550 5.1.1 δοκιμή: unbekannter Empfänger"

	several := testReport(Failed)
	several.Recipients[0].Original = "sales@example.com"
	again := several.Recipients[0]
	again.Address, again.Original = "john@example.com", ""
	several.Recipients = append(several.Recipients, again, Recipient{
		Address: "ann@example.org", Reply: "not delivered within 5 days; last: no connection to smtp.office365.com:587", Status: "4.4.7",
	})

	full := testReport(Failed)
	full.Return = "FULL"
	gone := testReport(Failed)

	for name, r := range map[string]*Report{
		"failed": testReport(Failed), "delayed": testReport(Delayed), "relayed": testReport(Relayed),
		"failed-full": full, "failed-gone": gone, "failed-several": several, "failed-international": international,
	} {
		t.Run(name, func(t *testing.T) {
			original := &source{text: testMessage}
			if r == international {
				original.text = strings.Replace(testMessage, "Disk full", "Füllstand", 1)
			}
			if r != gone {
				r.Original = original.Open
			}
			got := read(t, r)
			p := mustParse(t, got)
			got = bytes.ReplaceAll(got, []byte(p.boundary), []byte("BOUNDARY"))
			file := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.WriteFile(file, bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// Golden files may have either line ending, after a checkout on Windows.
			lines := func(b []byte) []string { return strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") }
			if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if original.open != 0 {
				t.Error("the message is still open")
			}
		})
	}
}

func TestReturnDecidesOnWhatIsAttached(t *testing.T) {
	const eight = "Subject: caf\xe9\r\n\r\ntext\r\n"
	header, _, _ := strings.Cut(testMessage, "\r\n\r\n")
	header += "\r\n"
	tests := map[string]struct {
		kind      Kind
		ret       string
		max       int64
		message   string
		address   string
		mediaType string
		encoding  string
		body      string
		says      string
	}{
		"failed, all":              {ret: "FULL", mediaType: "message/rfc822", body: testMessage, says: "Your message is attached."},
		"failed, in small letters": {ret: "full", mediaType: "message/rfc822", body: testMessage},
		"failed, just small enough": {ret: "FULL", max: int64(len(testMessage)), mediaType: "message/rfc822",
			body: testMessage},
		"failed, one octet too many": {ret: "FULL", max: int64(len(testMessage)) - 1, mediaType: "text/rfc822-headers", body: header,
			says: "too large to be sent back"},
		"failed, header":         {ret: "HDRS", mediaType: "text/rfc822-headers", body: header, says: "The header of your message is attached."},
		"failed, left open":      {mediaType: "text/rfc822-headers", body: header},
		"delayed, all":           {kind: Delayed, ret: "FULL", mediaType: "text/rfc822-headers", body: header},
		"relayed, all":           {kind: Relayed, ret: "FULL", mediaType: "text/rfc822-headers", body: header},
		"8-bit header":           {message: eight, mediaType: "text/rfc822-headers", encoding: "8bit", body: "Subject: caf\xe9\r\n"},
		"8-bit header, all":      {ret: "FULL", message: eight, mediaType: "message/rfc822", encoding: "8bit", body: eight},
		"8-bit at the very end":  {ret: "FULL", message: "A: b\r\n\r\n" + strings.Repeat("x\r\n", 50000) + "\xe9", mediaType: "message/rfc822", encoding: "8bit"},
		"8-bit only in the body": {message: "A: b\r\n\r\n\xe9", mediaType: "text/rfc822-headers", body: "A: b\r\n"},
		"utf-8 header": {address: "ü@example.com", message: "A: ü\r\n\r\nb", mediaType: "message/global-headers", encoding: "8bit",
			body: "A: ü\r\n"},
		"utf-8 header, all": {address: "ü@example.com", ret: "FULL", message: "A: ü\r\n\r\nb", mediaType: "message/global", encoding: "8bit",
			body: "A: ü\r\n\r\nb"},
		"latin-1 header":                {address: "ü@example.com", message: eight, mediaType: "text/rfc822-headers", encoding: "8bit"},
		"utf-8 header, ASCII addresses": {message: "A: ü\r\n\r\nb", mediaType: "text/rfc822-headers", encoding: "8bit"},
		"utf-8 body alone":              {address: "ü@example.com", ret: "FULL", message: "A: u\r\n\r\nü", mediaType: "message/rfc822", encoding: "8bit"},
		"no header":                     {message: "\r\ntext", mediaType: "text/rfc822-headers", body: ""},
		"text without an empty line":    {message: "A: b\r\n c\r\nA text, it has: a colon\r\n\r\n", mediaType: "text/rfc822-headers", body: "A: b\r\n c\r\n"},
		"bare line feeds":               {message: "A: b\n\nc", mediaType: "text/rfc822-headers", body: "A: b\r\n"},
		"bare line feeds, all":          {ret: "FULL", message: "A: b\n\nc\rd\r\r\ne\r", mediaType: "message/rfc822", body: "A: b\r\n\r\nc\r\nd\r\ne\r\n"},
		"a NUL":                         {ret: "FULL", message: "A: b\r\n\r\nc\x00d", mediaType: "message/rfc822", body: "A: b\r\n\r\nc?d"},
		"a long line": {ret: "FULL", message: "A: b\r\n\r\n" + strings.Repeat("c", 2000), mediaType: "message/rfc822",
			body: "A: b\r\n\r\n" + strings.Repeat("c", 998) + "\r\n" + strings.Repeat("c", 998) + "\r\ncccc"},
		"a long line of long characters": {ret: "FULL", message: "A: b\r\n\r\nc" + strings.Repeat("𝄞", 250), mediaType: "message/rfc822", encoding: "8bit",
			body: "A: b\r\n\r\nc" + strings.Repeat("𝄞", 249) + "\r\n𝄞"},
		"a long field": {message: "A: " + strings.Repeat("c", 1000) + "\r\nB: d\r\n\r\n", mediaType: "text/rfc822-headers",
			body: "A: " + strings.Repeat("c", 995) + "\r\n ccccc\r\nB: d\r\n"},
		"a huge header": {message: strings.Repeat("Received: x\r\n", 30000), mediaType: "text/rfc822-headers",
			body: strings.Repeat("Received: x\r\n", maxHeader/13)},
		"an empty message, all": {ret: "FULL", message: "\r\n", mediaType: "message/rfc822", body: "\r\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.message == "" {
				test.message = testMessage
			}
			if test.encoding == "" {
				test.encoding = "7bit"
			}
			s := &source{text: test.message}
			r := testReport(test.kind)
			r.Original, r.Return, r.MaxOriginal = s.Open, test.ret, test.max
			if test.address != "" {
				r.Recipients[0].Address = test.address
			}
			p := mustParse(t, read(t, r))
			last := p.parts[2]
			if got := last.header.Get("Content-Type"); got != test.mediaType {
				t.Errorf("the media type is %s, want %s", got, test.mediaType)
			}
			if got := last.header.Get("Content-Transfer-Encoding"); got != test.encoding {
				t.Errorf("the encoding is %s, want %s", got, test.encoding)
			}
			if (test.body != "" || name == "no header") && string(last.body) != test.body {
				t.Errorf("the part is\n%.3000q, want\n%.3000q", last.body, test.body)
			}
			if !strings.Contains(strings.Join(strings.Fields(p.text), " "), test.says) {
				t.Errorf("the text does not say %q:\n%s", test.says, p.text)
			}
			if s.open != 0 || s.opened > 2 {
				t.Errorf("opened %d times, %d still open", s.opened, s.open)
			}
		})
	}
}

func TestAMessageThatCannotBeReadFailsTheNotice(t *testing.T) {
	broken := errors.New("the disk is gone")
	breaks := func(after string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(after), iotest.ErrReader(broken))), nil
		}
	}
	second := 0
	tests := map[string]func() (io.ReadCloser, error){
		"at opening":     func() (io.ReadCloser, error) { return nil, broken },
		"in the header":  breaks("A: b\r\nC"),
		"in the body":    breaks(testMessage),
		"at reopening":   func() (io.ReadCloser, error) { second++; return openOr(second > 1, broken) },
		"at the reading": func() (io.ReadCloser, error) { second++; return openOr(false, broken) },
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			second = 0
			r := testReport(Failed)
			r.Return, r.Original = "FULL", open
			if name == "at the reading" {
				r.Original = func() (io.ReadCloser, error) {
					second++
					if second > 1 {
						return breaks(testMessage)()
					}
					return open()
				}
			}
			n, err := r.Open()
			if err == nil {
				if name != "at the reading" {
					t.Fatal("the notice was opened")
				}
				_, err = io.ReadAll(n)
				if _, again := n.Read(make([]byte, 10)); !errors.Is(again, broken) {
					t.Errorf("the next read says %v", again)
				}
			} else if !strings.HasPrefix(err.Error(), `the delivery notice to "alerts@contoso.com" cannot be written: the message`) {
				t.Errorf("the error is %q", err)
			}
			if !errors.Is(err, broken) {
				t.Errorf("the error is %v", err)
			}
			r.Original = nil
			mustParse(t, read(t, r))
		})
	}
}

func openOr(fail bool, err error) (io.ReadCloser, error) {
	if fail {
		return nil, err
	}
	return io.NopCloser(strings.NewReader(testMessage)), nil
}

func TestCloseGivesTheMessageBackBeforeItsEnd(t *testing.T) {
	s := &source{text: testMessage + strings.Repeat("text\r\n", 10000)}
	r := testReport(Failed)
	r.Return, r.Original = "FULL", s.Open
	n, err := r.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, n, 5000); err != nil {
		t.Fatal(err)
	}
	if s.open != 1 {
		t.Fatalf("%d are open", s.open)
	}
	n.Close()
	n.Close()
	if s.open != 0 {
		t.Error("the message is still open")
	}
	if _, err := n.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("reading after Close says %v", err)
	}
}

func TestAReportWithAWrongFieldIsRefusedByName(t *testing.T) {
	tests := map[string]struct {
		change func(*Report)
		says   string
	}{
		"kind":       {func(r *Report) { r.Kind = 3 }, "kind 3"},
		"to":         {func(r *Report) { r.To = "a@b\r\nBcc: c@d" }, "no address"},
		"null to":    {func(r *Report) { r.To = "" }, "no address"},
		"from":       {func(r *Report) { r.From = "postmaster" }, `"postmaster"`},
		"host":       {func(r *Report) { r.ReportingMTA = "srv 7" }, `"srv 7"`},
		"message ID": {func(r *Report) { r.MessageID = "1@srv-7" }, "Message-ID"},
		"date":       {func(r *Report) { r.Date = time.Time{} }, "date"},
		"recipients": {func(r *Report) { r.Recipients = nil }, "recipient"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := testReport(Failed)
			test.change(r)
			if _, err := r.Open(); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want one with %q", err, test.says)
			}
		})
	}
}

// large is a message made while it is read.
type large struct{ left int64 }

func (l *large) Read(p []byte) (int, error) {
	const line = "All work and no play makes a dull message, a hundred and fifty megabytes of it.\r\n"
	if l.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n+len(line) <= len(p) && l.left > 0 {
		n += copy(p[n:], line)
		l.left -= int64(len(line))
	}
	return n, nil
}

func TestALargeMessageIsReturnedWithoutBeingHeldInMemory(t *testing.T) {
	const size = 150 << 20
	r := testReport(Failed)
	r.Return = "FULL"
	r.Original = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(testMessage), &large{left: size})), nil
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := r.Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.Copy(struct{ io.Writer }{io.Discard}, n)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got < size {
		t.Errorf("%d octets were written", got)
	}
	// All that was ever allocated, so that no collection can hide anything.
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d octets were allocated", used)
	}
}
