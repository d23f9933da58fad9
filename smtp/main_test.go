package smtp

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the golden transcripts")

// golden compares a dialog with testdata/name.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if w := strings.ReplaceAll(string(want), "\r\n", "\n"); got != w {
		t.Errorf("the dialog is not that of %s; got:\n%s\nwant:\n%s", path, got, w)
	}
}

func message(body string, to ...string) *Message {
	m := &Message{From: "sender@example.com", Size: int64(len(body)), Open: opener(body)}
	for _, a := range to {
		m.To = append(m.To, Recipient{Address: a})
	}
	return m
}

func opener(body string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
}

func xoauth2Auth(context.Context, *Error) (sasl.Client, error) {
	return XOAUTH2("svc@example.com", "token"), nil
}

// failure returns err as the *Error it has to be.
func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, which is not an *Error", err)
	}
	return e
}

const hello = "Subject: hello\r\n\r\nHello.\r\n"
