package relay

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const envelopeToX = "X-Envelope-From: <alex@contoso.com>\nX-Envelope-To: x@contoso.com\n"

// sentTo returns the first recipient of each message that was taken.
func (d *drop) sentTo() []string {
	var to []string
	for _, m := range d.inbox.all() {
		to = append(to, m.Recipients[0].Address)
	}
	return to
}

func TestTheNextFileOfANameIsAnotherMessage(t *testing.T) {
	for _, first := range []struct{ name, sidecar, want string }{
		{"with a sidecar", envelopeToX, "x@contoso.com"},
		{"without one", "", "a@contoso.com"},
	} {
		t.Run(first.name, func(t *testing.T) {
			d := newDrop(t, nil)
			accept, again := d.inbox.accept, true
			d.srv.in.accept = func(ctx context.Context, m Message, r io.Reader) (string, error) {
				id, err := accept(ctx, m, r)
				if again {
					again = false
					d.write(t, "a.envelope", strings.ReplaceAll(envelopeToX, "x@", "next@"))
					d.write(t, "a.tmp", dropped)
					if err := os.Rename(filepath.Join(d.path, "a.tmp"), filepath.Join(d.path, "a.eml")); err != nil {
						t.Error(err)
					}
				}
				return id, err
			}
			if first.sidecar != "" {
				d.write(t, "a.envelope", first.sidecar)
			}
			d.write(t, "a.eml", dropped)
			d.look(t, 0)
			wantNames(t, d.look(t, time.Second), "a.eml", "a.envelope")
			d.look(t, 0)
			wantNames(t, d.look(t, time.Second))
			if got := d.sentTo(); !slices.Equal(got, []string{first.want, "next@contoso.com"}) {
				t.Errorf("sent to %q", got)
			}
		})
	}
}

func TestAClaimedFileIsNotReplacedByTheNextOfItsName(t *testing.T) {
	d := newDrop(t, nil)
	d.inbox.refuse = ErrFull
	d.write(t, "a.eml", dropped)
	d.look(t, 0)
	d.look(t, time.Second)
	d.write(t, "a.eml", strings.ReplaceAll(dropped, "a@", "next@"))
	d.look(t, 0)
	wantNames(t, d.look(t, time.Hour), "a.eml", "a.eml.sending")
	d.inbox.refuse = nil
	wantNames(t, d.look(t, time.Minute))
	if got := d.sentTo(); !slices.Equal(got, []string{"a@contoso.com", "next@contoso.com"}) {
		t.Errorf("sent to %q", got)
	}
}

func TestWhatAKillInterruptedIsEndedAtTheNextStart(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		sent  []string
		left  []string
	}{
		{"between claiming the sidecar and the message", map[string]string{"a.envelope.sending": envelopeToX, "a.eml": dropped}, []string{"x@contoso.com"}, nil},
		{"the same, and the sidecar was written anew", map[string]string{"a.envelope.sending": "old", "a.envelope": envelopeToX, "a.eml": dropped}, []string{"x@contoso.com"}, nil},
		{"before the message was accepted", map[string]string{"a.envelope.sending": envelopeToX, "a.eml.sending": dropped}, []string{"x@contoso.com"}, nil},
		{"the same without a sidecar, which the next one has", map[string]string{"a.eml.sending": dropped, "a.envelope": envelopeToX, "a.eml": dropped}, []string{"a@contoso.com", "x@contoso.com"}, nil},
		{"before it was removed", map[string]string{"a.envelope.sending": envelopeToX, "a.eml.sending.sent": dropped}, nil, nil},
		{"the same, and there is a next one", map[string]string{"a.envelope.sending": envelopeToX, "a.eml.sending.sent": dropped, "a.eml": dropped}, []string{"a@contoso.com"}, nil},
		{"before it was put aside", map[string]string{"a.envelope.sending": envelopeToX, "a.eml.sending.refused": dropped}, nil, []string{"a.eml.refused", "a.envelope.refused"}},
		{"the same, half way", map[string]string{"a.envelope.refused": envelopeToX, "a.eml.sending.refused": dropped}, nil, []string{"a.eml.refused", "a.envelope.refused"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDrop(t, nil)
			for name, text := range test.files {
				d.write(t, name, text)
			}
			d.look(t, 0)
			d.look(t, time.Second)
			wantNames(t, d.look(t, time.Minute), test.left...)
			if got := d.sentTo(); !slices.Equal(got, test.sent) {
				t.Errorf("sent to %q", got)
			}
		})
	}
}

func TestAFileThatAnotherProgramHasOpenIsTakenOnceAndWhole(t *testing.T) {
	d := newDrop(t, nil)
	f, err := os.Create(filepath.Join(d.path, "a.eml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(dropped); err != nil {
		t.Fatal(err)
	}
	accept, again := d.inbox.accept, true
	d.srv.in.accept = func(ctx context.Context, m Message, r io.Reader) (string, error) {
		if again {
			again = false
			if _, err := f.WriteString("more\r\n"); err != nil {
				t.Error(err)
			}
		}
		return accept(ctx, m, r)
	}
	d.look(t, 0)
	if names := d.look(t, time.Second); len(names) != 1 || len(d.inbox.all()) > 0 {
		t.Errorf("half a file was taken; the folder has %q", names)
	}
	if again { // where an open file cannot be renamed
		again = false
		if _, err := f.WriteString("more\r\n"); err != nil {
			t.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d.look(t, time.Minute)
	wantNames(t, d.look(t, time.Minute))
	if all := d.inbox.all(); len(all) != 1 || !strings.HasSuffix(string(all[0].body), "hello\r\nmore\r\n") {
		t.Errorf("got %d messages", len(all))
	}
}

func TestAFileThatIsHandedOverAgainHasTheSameMessageID(t *testing.T) {
	id := func(name, text string, changed time.Time) string {
		t.Helper()
		d := newDrop(t, nil)
		d.write(t, name, text)
		if err := os.Chtimes(filepath.Join(d.path, name), changed, changed); err != nil {
			t.Fatal(err)
		}
		d.look(t, 0)
		wantNames(t, d.look(t, time.Second))
		return d.inbox.all()[0].MessageID
	}
	first := id("a.eml", dropped, testNow)
	if !random.MatchString(first) || !strings.HasSuffix(first, "@contoso.com>") {
		t.Errorf("got %q", first)
	}
	if again := id("a.eml.sending", dropped, testNow); again != first {
		t.Errorf("first %q, again %q", first, again)
	}
	for what, other := range map[string]string{
		"text": id("a.eml", dropped+"x", testNow), "time": id("a.eml", dropped, testNow.Add(time.Hour)), "name": id("b.eml", dropped, testNow),
	} {
		if other == first {
			t.Errorf("a file of another %s has the same Message-ID", what)
		}
	}
	if own := id("a.eml", "Message-ID: <own@x>\r\n"+dropped, testNow); own != "<own@x>" {
		t.Errorf("its own became %q", own)
	}
}

func TestTheReasonTellsHowToTryAgainWithASidecar(t *testing.T) {
	d := newDrop(t, nil)
	d.write(t, "a.envelope", "X-Envelope-From: <>\n")
	d.write(t, "a.eml", dropped)
	d.look(t, 0)
	d.look(t, time.Second)
	text, err := os.ReadFile(filepath.Join(d.path, "a.eml.error.txt"))
	if err != nil || !strings.Contains(string(text), "rename a.envelope.refused to a.envelope, and then rename a.eml.refused to a.eml.") {
		t.Errorf("got %q, %v", text, err)
	}
	// The next message has no sidecar: one of that name must not seem to be its own.
	d.write(t, "a.eml", "From: alex@contoso.com\n\nx")
	d.look(t, 0)
	wantNames(t, d.look(t, time.Second), "a.eml.error.txt", "a.eml.refused")
}
