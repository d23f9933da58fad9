package mailer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
)

// burst hands so many messages over at once and waits until all are delivered.
// It returns their records.
func (b *bench) burst(messages int) (all []*Record) {
	b.t.Helper()
	ids := make([]string, messages)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			q, err := b.Enqueue(b.t.Context(), "", Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader(fmt.Sprintf("Subject: message %d\r\n\r\nbody\r\n", i))})
			if err != nil {
				b.t.Error(err)
			}
			ids[i] = q.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		r := b.ended(id)
		if r.State != queue.Delivered {
			b.t.Errorf("%s is %s: %+v", id, r.State, r.Attempts)
		}
		all = append(all, r)
	}
	return all
}

// subjects counts what arrived.
func (b *bench) subjects() map[string]int {
	n := map[string]int{}
	for _, m := range b.inbox() {
		n[m.Subject]++
	}
	return n
}

// The account has more sessions than the server bears: it loses nothing but the
// sessions, and does not rest.
func TestAServerThatBearsFewerSessionsGetsAllMessagesAtOnce(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d deep", depth), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "unpaced")
			b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) {
				a.Sessions, a.PipelineDepth, a.MessagesPerMinute = 10, depth, 10_000
			})
			b.start()
			for _, r := range b.burst(40) {
				if len(r.Attempts) != 1 {
					t.Errorf("message %s took %d attempts: %+v", r.ID, len(r.Attempts), r.Attempts)
				}
			}
			for subject, n := range b.subjects() {
				if n != 1 {
					t.Errorf("%s arrived %d times", subject, n)
				}
			}
			if n := len(b.inbox()); n != 40 {
				t.Errorf("%d messages arrived", n)
			}
			if s := b.accountStatus("main"); s.Sessions > 3 || s.Cause != "" || s.Replies["432 4.3.2"] != 0 {
				t.Errorf("%d sessions are open, and it is %s because of %q", s.Sessions, s.State, s.Cause)
			}
		})
	}
}

// tokenRequests counts the requests for a token in a sandbox's log.
type tokenRequests struct {
	slog.Handler
	n atomic.Int64
}

func (c *tokenRequests) Enabled(context.Context, slog.Level) bool { return true }

func (c *tokenRequests) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if strings.HasSuffix(a.Value.String(), "/token") {
			c.n.Add(1)
		}
		return true
	})
	return nil
}

func TestTwentyFirstMessagesAtOnceCauseOneTokenRequest(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*bench){
		"of a person": func(b *bench) {
			b.change("", func(a *account.Account) { a.Sessions = 20 })
			b.signIn()
			b.Close() // the access token is forgotten
		},
		"of an application": func(b *bench) {
			b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.Sessions = 20 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests tokenRequests
			requests.Handler = slog.DiscardHandler
			b := newBenchOn(t, sandbox.Options{Scenario: "unpaced", Log: slog.New(&requests)})
			prepare(b)
			b.start()
			before := requests.n.Load()
			b.burst(20)
			if n := requests.n.Load() - before; n != 1 {
				t.Errorf("%d requests for a token", n)
			}
		})
	}
}
