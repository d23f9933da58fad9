package graph

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// normal is s with all line endings as CRLF.
func normal(t *testing.T, s string) string {
	t.Helper()
	b, err := io.ReadAll(newCRLFReader(strings.NewReader(s)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLineEndingsBecomeCRLF(t *testing.T) {
	const in, want = "a\nb\rc\r\nd\r\r\n\n\re", "a\r\nb\r\nc\r\nd\r\n\r\n\r\n\r\ne"
	if got := normal(t, in); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	b, err := io.ReadAll(newCRLFReader(iotest.OneByteReader(strings.NewReader(in))))
	if err != nil || string(b) != want {
		t.Errorf("octet by octet: %q, %v", b, err)
	}
}

func TestBareLineEndingsHideNoRecipient(t *testing.T) {
	for _, in := range []string{"To: a@x.org\rBcc: eve@x.org\n\nbody", "Subject: x\r\r\nTo: eve@x.org\r\n\r\nbody", "Subject: x\n\rTo: eve@x.org\n\nbody"} {
		c, err := newContent(message(in, "a@x.org"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.reader(nil)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(r)
		r.Close()
		if head, _, _ := bytes.Cut(all, []byte("\r\n\r\n")); err != nil || bytes.Contains(head, []byte("eve")) || int64(len(all)) != c.size(nil) {
			t.Errorf("%q became %q (%v)", in, all, err)
		}
	}
}

func TestBase64IsThatOfTheWhole(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 24<<10 - 1, 24 << 10, 24<<10 + 1, 100000} {
		in := strings.Repeat("x", n)
		enc, err := io.ReadAll(newBase64Reader(iotest.HalfReader(strings.NewReader(in))))
		if err != nil || int64(len(enc)) != base64Size(int64(n)) {
			t.Fatalf("%d octets became %d: %v", n, len(enc), err)
		}
		plain, _ := decode("base64", bytes.NewReader(enc))
		if got, err := io.ReadAll(plain); err != nil || string(got) != in {
			t.Errorf("%d octets do not come back: %v", n, err)
		}
	}
}
