package smtp

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const concurrent = "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information."

// bearingFake is a server that bears so many sessions: a command that starts with at is
// answered with how on others, as long as there are more.
func bearingFake(t *testing.T, limit *atomic.Int64, at, how string) *fake {
	f := &fake{quiet: true}
	f.tls, f.ca = certificate(t, time.Now().Add(-time.Hour), time.Now().Add(100*laterTrial), fakeHost)
	f.reply = func(conn int, line string) string {
		if strings.HasPrefix(line, at) && f.rank(conn) > limit.Load() {
			return how
		}
		return ""
	}
	return f.start(t)
}

func TestASessionThatIsOneTooManyIsDoneWithout(t *testing.T) {
	for _, depth := range []int{1, 4} {
		for _, refusal := range [][2]string{{"BDAT", concurrent}, {"MAIL", concurrent}, {"EHLO", "421 4.3.2 Service not available, concurrent connections limit exceeded"}} {
			t.Run(fmt.Sprintf("%d deep, at %s", depth, refusal[0]), func(t *testing.T) {
				var limit atomic.Int64
				limit.Store(3)
				f := bearingFake(t, &limit, refusal[0], refusal[1])
				c, _ := f.client(t)
				now := time.Now()
				var clock sync.Mutex
				c.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
				pass := func(d time.Duration) { clock.Lock(); now = now.Add(d); clock.Unlock() }
				c.MaxSessions, c.Pipeline, c.IdleTimeout = 10, depth, time.Hour
				var told atomic.Int64
				c.Fewer = func(n int, refused *Error) {
					told.Store(int64(n))
					if refused.Code/10 != 42 && refused.Code != 432 {
						t.Errorf("because of %v", refused)
					}
				}
				burst := func() {
					t.Helper()
					var wg sync.WaitGroup
					for n := range 60 {
						wg.Go(func() {
							if _, err := c.Submit(t.Context(), numbered(n, "a")); err != nil {
								t.Error(err)
							}
						})
					}
					wg.Wait()
				}
				burst()
				if told.Load() != 3 || c.Sessions() != 3 || len(f.got()) != 60 {
					t.Errorf("%d sessions, told %d; %d messages", c.Sessions(), told.Load(), len(f.got()))
				}
				before := f.connections()
				burst()
				if f.connections() != before {
					t.Errorf("%d sessions were tried at once", f.connections()-before)
				}
				pass(firstTrial)
				burst()
				if tried := f.connections() - before; tried != 1 || c.Sessions() != 3 {
					t.Errorf("%d sessions were tried after a while, and %d are open", tried, c.Sessions())
				}
				pass(firstTrial) // the next trial is later
				burst()
				if tried := f.connections() - before; tried != 1 {
					t.Errorf("%d sessions were tried", tried)
				}
				limit.Store(10)
				bursts := 4
				for ; c.Sessions() < 10 && bursts < 50; bursts++ {
					pass(laterTrial)
					burst()
				}
				if c.Sessions() != 10 || c.bears != 0 {
					t.Errorf("%d sessions when the server bears ten", c.Sessions())
				}
				if got := len(f.got()); got != bursts*60 {
					t.Errorf("%d messages arrived", got)
				}
			})
		}
	}
}

// With one session there is nothing to learn: the caller is told.
func TestTheOnlySessionsRefusalIsTheCallers(t *testing.T) {
	f := (&fake{reply: answers(map[string]string{"BDAT": concurrent})}).start(t)
	c, _ := f.client(t)
	for range 2 {
		_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
		if e := failure(t, err); e.Code != 432 || !e.Temporary() || !e.Connection() {
			t.Errorf("got %+v", e)
		}
	}
	if f.connections() != 2 || c.Sessions() != 0 {
		t.Errorf("%d connections, %d sessions", f.connections(), c.Sessions())
	}
}

func TestTheRefusalOfABusyRecipientIsNotTheSessions(t *testing.T) {
	gate := make(chan struct{})
	f := (&fake{}).start(t)
	f.reply = func(conn int, line string) string {
		switch {
		case !strings.HasPrefix(line, "BDAT"):
			return ""
		case conn == 1:
			<-gate // so that there is another session
			return ""
		}
		return "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded"
	}
	c, counts := f.client(t)
	counts.wrote = make(chan struct{}, 100)
	first := make(chan error, 1)
	go func() {
		_, err := c.Submit(t.Context(), numbered(1, "a"))
		first <- err
	}()
	for range 5 { // EHLO, STARTTLS, TLS, EHLO, and the message
		<-counts.wrote
	}
	_, err := c.Submit(t.Context(), numbered(2, "a"))
	if e := failure(t, err); e.Code != 432 || c.bears != 0 {
		t.Errorf("%v, and %d sessions from now on", e, c.bears)
	}
	close(gate)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
