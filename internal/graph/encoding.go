package graph

import (
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
)

func newPiece(s string) io.Reader { return strings.NewReader(s) }

// base64Size is how long n octets are in base64.
func base64Size(n int64) int64 { return (n + 2) / 3 * 4 }

// base64Reader encodes what it reads, as one line.
type base64Reader struct {
	src  io.Reader
	in   []byte // three octets are four characters, so a piece is a multiple of three
	out  []byte
	rest []byte
	err  error
}

func newBase64Reader(r io.Reader) *base64Reader {
	const piece = 24 << 10
	return &base64Reader{src: r, in: make([]byte, piece), out: make([]byte, base64Size(piece))}
}

func (b *base64Reader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		n, err := io.ReadFull(b.src, b.in)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if b.err = err; err == nil || errors.Is(err, io.EOF) {
			base64.StdEncoding.Encode(b.out, b.in[:n])
			b.rest = b.out[:base64Size(int64(n))]
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// decode undoes a Content-Transfer-Encoding; ok says whether it is known.
func decode(encoding string, r io.Reader) (plain io.Reader, ok bool) {
	switch encoding {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, &alphabetReader{r}), true
	case "quoted-printable":
		return quotedprintable.NewReader(r), true
	case "", "7bit", "8bit", "binary":
		return r, true
	}
	return nil, false
}

var inAlphabet = func() (in [256]bool) {
	for _, c := range []byte(alphanumeric + "+/=") {
		in[c] = true
	}
	return in
}()

// alphabetReader leaves out what is not of base64's alphabet, which RFC 2045
// §6.8 wants ignored.
type alphabetReader struct{ src io.Reader }

func (a *alphabetReader) Read(p []byte) (int, error) {
	for {
		n, err := a.src.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			if inAlphabet[c] {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil || len(p) == 0 {
			return len(kept), err
		}
	}
}
