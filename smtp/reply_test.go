package smtp

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	tests := []struct {
		name, in string
		want     Reply
		fails    string // part of the error
	}{
		{name: "one line", in: "250 2.1.0 Sender OK\r\n", want: Reply{250, "2.1.0", "2.1.0 Sender OK"}},
		{name: "a code alone", in: "250\r\n", want: Reply{250, "", ""}},
		{name: "several lines keep their breaks", in: "535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 See https://support\r\n",
			want: Reply{535, "5.7.8", "5.7.8 Username and Password not accepted.\n5.7.8 See https://support"}},
		{name: "a line that ends in LF alone", in: "250 ok\n", want: Reply{250, "", "ok"}},
		{name: "control characters cannot reach a terminal", in: "250 a\x1b[2Jb\r\n", want: Reply{250, "", "a?[2Jb"}},
		{name: "three numbers that are no enhanced code", in: "250 1.2.3 hi\r\n", want: Reply{250, "", "1.2.3 hi"}},
		{name: "an enhanced code with a long number is none", in: "250 2.1234.0 hi\r\n", want: Reply{250, "", "2.1234.0 hi"}},
		{name: "codes that change", in: "250-a\r\n251 b\r\n", fails: "changes its code from 250 to 251"},
		{name: "garbage", in: "HTTP/1.1 400 Bad Request\r\n", fails: "not an SMTP reply"},
		{name: "a code out of range", in: "199 x\r\n", fails: "not an SMTP reply"},
		{name: "no separator", in: "2500\r\n", fails: "not an SMTP reply"},
		{name: "a megabyte in one line", in: "250 " + strings.Repeat("x", 1<<20) + "\r\n", fails: "too long"},
		{name: "a megabyte in many lines", in: strings.Repeat("250-x\r\n", 1<<17) + "250 x\r\n", fails: "too long"},
		{name: "an end in the middle of a line", in: "250 o", fails: "unexpected EOF"},
		{name: "an end between the lines", in: "250-a\r\n", fails: "unexpected EOF"},
		{name: "an end before the reply", in: "", fails: "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readReply(newReplyReader(strings.NewReader(tt.in)))
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got %v, %v; want an error with %q", got, err, tt.fails)
				}
			} else if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func FuzzReadReply(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 2.0.0 b\r\n", "334 \r\n", "250\n", "2x", "535-5.7.8 a\r\n535 b\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		br := newReplyReader(strings.NewReader(string(in)))
		r, err := readReply(br)
		if err != nil {
			if errors.Is(err, io.EOF) && len(in) > 0 {
				t.Fatalf("%q ends cleanly in a reply", in)
			}
			return
		}
		if r.Code < 200 || r.Code > 599 || len(r.Text) > 4*maxReply || strings.ContainsAny(r.Text, "\r\x00\x1b") {
			t.Fatalf("%q gives %+v", in, r)
		}
		if !strings.HasPrefix(r.Text, r.Enhanced) {
			t.Fatalf("enhanced code %q is not in %q", r.Enhanced, r.Text)
		}
		// Written out again it reads the same.
		lines := strings.Split(r.Text, "\n")
		var out strings.Builder
		for i, l := range lines {
			sep := "-"
			if i == len(lines)-1 {
				sep = " "
			}
			out.WriteString(r.String()[:3] + sep + l + "\r\n")
		}
		again, err := readReply(newReplyReader(strings.NewReader(out.String())))
		if err != nil && !errors.Is(err, errReplyTooLong) || err == nil && again != r {
			t.Fatalf("%q reads as %+v, then as %+v, %v", in, r, again, err)
		}
	})
}
