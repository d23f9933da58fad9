package control

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
	"traymail/keystore"
)

var update = flag.Bool("update", false, "write the transcript anew")

// A recorder keeps what both sides said, connection by connection.
type recorder struct {
	mu    sync.Mutex
	conns []*recorded
}

type recorded struct {
	net.Conn
	*recorder
	client, server bytes.Buffer
}

func (r *recorder) wrap(c net.Conn) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	conn := &recorded{Conn: c, recorder: r}
	r.conns = append(r.conns, conn)
	return conn
}

func (c *recorded) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.client.Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *recorded) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.server.Write(p[:n])
	c.mu.Unlock()
	return n, err
}

// text is the dialog with what differs from run to run replaced.
func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	sessions := regexp.MustCompile(`"session":"[A-Z2-7]{26}"`)
	versions := regexp.MustCompile(versionHeader + `: \S+`)
	for i, c := range r.conns {
		fmt.Fprintf(&b, "# connection %d\n", i+1)
		for _, side := range []struct{ name, said string }{{"C", c.client.String()}, {"S", c.server.String()}} {
			said := sessions.ReplaceAllString(side.said, `"session":"SESSION"`)
			said = versions.ReplaceAllString(said, versionHeader+": VERSION")
			for line := range strings.SplitAfterSeq(said, "\n") {
				if line != "" {
					fmt.Fprintf(&b, "%s: %s\n", side.name, strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(line))
				}
			}
		}
	}
	return b.String()
}

func TestTheDialogIsTheOneOnFile(t *testing.T) {
	r := newRig(t)
	rec := &recorder{}
	r.Client.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := dial(ctx, r.home, commands)
		if err != nil {
			return nil, err
		}
		return rec.wrap(c), nil
	}
	r.program.remove = func(context.Context, string) error {
		return &account.FieldError{File: "accounts/work.toml", Line: 7, Key: "smtp_port", Text: "is no port", Fix: "use 587"}
	}
	r.program.signIn = func(ctx context.Context, _ string, how mailer.SignIn) (mailer.SignedIn, error) {
		pasted, err := how.Paste(ctx, "https://login.example/authorize", nil)
		for ctx.Err() == nil && !strings.Contains(rec.text(), `S: {"result":{}}`) {
			time.Sleep(time.Millisecond) // a sign-in that ends gives up what still waits for a reply
		}
		return mailer.SignedIn{Username: "alex@contoso.com", Name: pasted}, err
	}
	r.program.enqueue = func(_ context.Context, account string, s mailer.Submission) (mailer.Queued, error) {
		_, err := io.Copy(io.Discard, s.Data)
		return mailer.Queued{ID: "0123", Account: account, Recipients: s.To}, err
	}
	r.program.watch = func(_ context.Context, changed func(mailer.Status) error) error {
		return changed(mailer.Status{Running: true, Home: "home", Accounts: []mailer.AccountStatus{}})
	}
	ctx := t.Context()
	if err := r.Remove(ctx, "work"); err == nil {
		t.Error("no error")
	}
	if _, err := r.SignIn(ctx, "work", mailer.SignIn{Paste: func(context.Context, string, error) (string, error) { return "http://localhost/?code=c", nil }}); err != nil {
		t.Error(err)
	}
	if _, err := r.Enqueue(ctx, "work", mailer.Submission{To: []string{"sam@contoso.com"}, Data: strings.NewReader("Subject: x\r\n\r\nHello\r\n")}); err != nil {
		t.Error(err)
	}
	if err := r.Watch(ctx, func(mailer.Status) error { return nil }); err != nil {
		t.Error(err)
	}
	r.program.settings = func(context.Context) (mailer.Settings, error) {
		return mailer.Settings{Revision: "abc", Relay: mailer.RelaySettings{DefaultAccount: "work", Timeout: mailer.Duration(5 * time.Minute)}}, nil
	}
	r.program.saveSettings = func(context.Context, mailer.Settings) error { return mailer.ErrChangedMeanwhile }
	r.program.saveClient = func(context.Context, mailer.Client, mailer.ClientPassword) (keystore.Secret, error) {
		return "pa55word", nil
	}
	r.program.pause = func(context.Context, string, time.Time) error { return nil }
	r.program.diagnostics = func(context.Context) ([]mailer.Document, error) {
		return []mailer.Document{{Name: "about.txt", About: "What runs.", Content: []byte("x\n")}}, nil
	}
	r.program.saveDraft = func(context.Context, setup.Draft, keystore.Secret) error { return nil }
	r.program.traffic = func(_ context.Context, since time.Time, _ time.Duration) ([]mailer.Volume, error) {
		return []mailer.Volume{{Start: since, Accepted: 3, Delivered: 2, Refused: 1}}, nil
	}
	s, err := r.Settings(ctx)
	if err != nil {
		t.Error(err)
	}
	if err := r.SaveSettings(ctx, s); !errors.Is(err, mailer.ErrChangedMeanwhile) {
		t.Error(err)
	}
	if _, err := r.SaveClient(ctx, mailer.Client{Name: "scanner", PerMinute: 5}, mailer.NewPassword); err != nil {
		t.Error(err)
	}
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if err := r.Pause(ctx, "work", noon); err != nil {
		t.Error(err)
	}
	if _, err := r.Diagnostics(ctx); err != nil {
		t.Error(err)
	}
	if err := r.SaveDraft(ctx, setup.Draft{Step: setup.StepMethod}, "s3cret"); err != nil {
		t.Error(err)
	}
	if _, err := r.Traffic(ctx, noon, time.Hour); err != nil {
		t.Error(err)
	}
	golden := filepath.Join("testdata", "dialog.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(rec.text()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), rec.text()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
