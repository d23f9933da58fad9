package smtp

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestNewlines(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"CRLF stays", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"a bare LF", "a\nb\n", "a\r\nb\r\n"},
		{"a bare CR", "a\rb\r", "a\r\nb\r\n"},
		{"CR CR LF is two line ends", "a\r\r\n", "a\r\n\r\n"},
		{"LF CR is two line ends", "a\n\rb", "a\r\n\r\nb\r\n"},
		{"a missing last line end", "a", "a\r\n"},
		{"nothing stays nothing", "", ""},
		{"a smuggled end of data is text", "a\n.\r\nMAIL FROM:<x>", "a\r\n.\r\nMAIL FROM:<x>\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				b := bodyReader{src: r, in: make([]byte, 64)}
				got, err := b.fill(make([]byte, 0, 4096))
				if err != nil || string(got) != tt.want || !b.done {
					t.Errorf("got %q, %v; want %q", got, err, tt.want)
				}
			}
		})
	}
}

func TestBodyReaderEndsWithReadersThatNeverDo(t *testing.T) {
	b := bodyReader{src: stuck{}, in: make([]byte, 64)}
	if _, err := b.fill(make([]byte, 0, 4096)); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// Cut anywhere, a message becomes the same lines, each ended by CRLF, and comes
// out of DATA as it went in.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"a\r\n", "a\r\r\n.\n..\r.", "\n.\r\n", "\r", ".", "x\n\r.\r\n\r\n"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var n newlines
		whole := n.finish(n.append(nil, in))
		if cut < 0 {
			cut = -(cut + 1)
		}
		cut %= len(in) + 1
		parts := n.append(nil, in[:cut])
		if len(parts) > 2*cut {
			t.Fatalf("%d octets become %d", cut, len(parts))
		}
		if parts = n.finish(n.append(parts, in[cut:])); !bytes.Equal(parts, whole) {
			t.Fatalf("cut at %d: %q, whole: %q", cut, parts, whole)
		}
		rest := bytes.ReplaceAll(whole, []byte("\r\n"), nil)
		if bytes.ContainsAny(rest, "\r\n") || len(whole) > 0 && !bytes.HasSuffix(whole, []byte("\r\n")) {
			t.Fatalf("%q becomes %q", in, whole)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(in))
		if got := strings.ReplaceAll(string(whole), "\r\n", "\n"); strings.TrimSuffix(got, "\n") != strings.TrimSuffix(want, "\n") {
			t.Fatalf("%q becomes %q", in, whole)
		}
		var d dots
		mid := cut % (len(whole) + 1)
		stuffed := d.append(d.append(nil, whole[:mid]), whole[mid:])
		if bytes.Contains(append([]byte("\r\n"), stuffed...), []byte("\r\n.\r\n")) {
			t.Fatalf("%q ends the data early", stuffed)
		}
		var back []byte
		for line := range bytes.Lines(stuffed) {
			back = append(back, bytes.TrimPrefix(line, []byte("."))...)
		}
		if !bytes.Equal(back, whole) {
			t.Fatalf("%q comes out as %q", whole, back)
		}
	})
}

// A large message passes through in pieces.
func TestLargeBodyStreams(t *testing.T) {
	const size = 25 << 20
	for _, f := range []*fake{
		{ext: chunking}, {ext: pipelining},
		{ext: chunking, noTLS: true}, {ext: pipelining, noTLS: true}, // replies come faster
	} {
		f.discard = true
		f.start(t)
		c, _ := f.client(t)
		if f.noTLS {
			c.Host, c.TLS = "localhost", Plaintext
		}
		m := message("", "a@example.com")
		m.Size = size
		m.Open = func() (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(repeat("0123456789 0123456789 0123456789 0123456789\r\n"), size)), nil
		}
		if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := c.Submit(t.Context(), m)
		runtime.ReadMemStats(&after)
		if err != nil || r.RoundTrips != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%d octets allocated for a message of %d", grown, size)
		}
	}
}

// repeat reads as itself for ever.
type repeat string

func (r repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(r) <= len(p) {
		n += copy(p[n:], r)
	}
	if n == 0 {
		n = copy(p, r)
	}
	return n, nil
}
