package mailer

import (
	"crypto/x509"
	"fmt"
	netsmtp "net/smtp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/faultproxy"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
)

// A faulty program is one with many accounts, of which each has a fault of its
// own on the way to its servers, all at the same time, and one, "well", has none.
type faulty struct {
	*bench
	roots     *x509.CertPool // the sandbox's
	authority *faultproxy.Authority
	stranger  *faultproxy.Authority // whom nobody trusts
	sign      Secret                // the person's refresh token
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{bench: newBenchOn(t, sandbox.Options{Scenario: "unpaced", Sessions: 200}), roots: x509.NewCertPool(),
		authority: faultproxy.NewAuthority(t), stranger: faultproxy.NewAuthority(t)}
	ca := []byte(f.sandbox.Ready().CAPEM)
	f.roots.AppendCertsFromPEM(ca)
	f.trust(f.authority.PEM())
	f.signIn()
	var err error
	if f.sign, err = f.Secrets.Get(t.Context(), refreshTokenName(&f.account)); err != nil {
		t.Fatal(err)
	}
	f.account.NoticeTo = "admin@contoso.com"
	f.addAccount("well", func(a *account.Account) {
		a.MessagesPerMinute, a.Senders, a.From = 1000, []string{"client@contoso.com"}, account.ForceFrom
	})
	return f
}

// trust has every account trust one more authority.
func (f *faulty) trust(pem []byte) {
	f.t.Helper()
	path := filepath.Join(f.Home, "ca.pem")
	now, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(now, pem...), 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// addAccount saves one more account of the person who is signed in.
func (f *faulty) addAccount(name string, change func(*account.Account)) {
	f.t.Helper()
	a := f.account
	a.Name, a.ID = name, account.New(name).ID
	change(&a)
	if err := f.Save(f.t.Context(), a, ""); err != nil {
		f.t.Fatal(err)
	}
	if err := f.Secrets.Set(f.t.Context(), refreshTokenName(&a), f.sign); err != nil {
		f.t.Fatal(err)
	}
}

// proxied is one more account, whose server is behind a proxy.
func (f *faulty) proxied(name string, change func(*account.Account)) *faultproxy.Proxy {
	f.t.Helper()
	r := f.sandbox.Ready()
	p := faultproxy.Start(f.t, fmt.Sprintf("127.0.0.1:%d", r.SMTPPort), f.roots, f.authority.Certificate(f.t, "localhost"))
	f.addAccount(name, func(a *account.Account) {
		a.SMTPHost, a.SMTPPort = "localhost", p.Port
		change(a)
	})
	return p
}

// run starts the program.
func (f *faulty) run() {
	f.t.Helper()
	f.settings("")
	if err := f.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// handOver queues messages of some size for an account.
func (f *faulty) handOver(t *testing.T, name string, n, size int) []Queued {
	t.Helper()
	var all []Queued
	for range n {
		body := strings.Repeat(strings.Repeat("x", 98)+"\r\n", max(1, size/100))
		q, err := f.Enqueue(t.Context(), name, Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader("Subject: " + name + "\r\n\r\n" + body)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	return all
}

// poll asks until the answer is yes. What it waits for is no matter of time: a
// program that never gets there fails the test, however slow the machine is.
func poll(t *testing.T, what string, now func() bool) {
	t.Helper()
	late := time.After(3 * time.Minute)
	for !now() {
		select {
		case <-time.After(150 * time.Millisecond):
		case <-late:
			t.Fatalf("never %s", what)
		}
	}
}

func (f *faulty) record(t *testing.T, id string) *Record {
	t.Helper()
	r, err := f.Message(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// othersAreServed has a client hand a message over, over SMTP, for the account
// that is well, and waits for it to arrive.
func (f *faulty) othersAreServed(t *testing.T) {
	t.Helper()
	s, err := f.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := newMessageID("client@client.example")
	if err := netsmtp.SendMail(s.Listeners[0].Address, nil, "client@contoso.com", []string{"ops@contoso.com"}, []byte("From: client@contoso.com\r\nMessage-ID: "+id+"\r\n\r\nmeanwhile\r\n")); err != nil {
		t.Fatalf("a client is not served: %v", err)
	}
	poll(t, "served another account", func() bool { return f.arrivals(id) == 1 })
}

// arrivals counts the copies of a message that arrived.
func (f *faulty) arrivals(messageID string) (n int) {
	for _, m := range f.inbox() {
		if m.MessageID == messageID {
			n++
		}
	}
	return n
}

// settled has everything tried again until the messages are done with, and
// returns their records.
func (f *faulty) settled(t *testing.T, name string, all []Queued) []*Record {
	t.Helper()
	records := make([]*Record, len(all))
	tries := 0
	for i, q := range all {
		poll(t, "done with a message of "+name, func() bool {
			if tries++; tries%4 == 0 {
				if _, err := f.Flush(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			records[i] = f.record(t, q.ID)
			return !records[i].Finished.IsZero()
		})
	}
	return records
}

// replies are what was answered to all attempts at messages.
func replies(records ...*Record) string {
	var all []string
	for _, r := range records {
		for _, a := range r.Attempts {
			all = append(all, a.Outcome+": "+a.Reply)
		}
	}
	return strings.Join(all, "\n")
}

// A fault is one row of the table: what goes wrong with an account, and what a
// person is told. What holds for each of them is in its method meets.
type fault struct {
	name string
	// broken returns what happens from now on; hit tells that it has.
	broken func(hit func()) faultproxy.Fault
	// begin and end are done beside it; each may be nil.
	begin, end func(f *faulty, p *faultproxy.Proxy)
	change     func(*account.Account)
	messages   int // handed over; 0: three
	size       int // of each, in octets
	warm       bool

	says  string // in the record of an attempt, and in the status if the account waits
	cause Cause  // why it waits; "" is that it does not
	// quiet is that nothing is said before the fault ends, passes that messages get
	// through it, and told that they are refused and their sender hears of it.
	quiet, passes, told bool
	// again is that the server may have a message twice: nobody can know.
	again bool
}

func (c *fault) meets(t *testing.T, f *faulty, p *faultproxy.Proxy) {
	if c.warm {
		f.settled(t, c.name, f.handOver(t, c.name, 1, 0))
	}
	happened := make(chan struct{})
	var once sync.Once
	if c.broken != nil {
		p.Break(c.broken(func() { once.Do(func() { close(happened) }) }))
	}
	if c.begin != nil {
		c.begin(f, p)
	}
	messages := c.messages
	if messages == 0 {
		messages = 3
	}
	all := f.handOver(t, c.name, messages, c.size)
	if c.broken != nil {
		<-happened
	}
	var records []*Record
	switch {
	case c.passes || c.told:
		records = f.settled(t, c.name, all)
	case !c.quiet:
		poll(t, "told "+c.says, func() bool {
			return slices.ContainsFunc(all, func(q Queued) bool { return strings.Contains(replies(f.record(t, q.ID)), c.says) })
		})
	}
	f.othersAreServed(t)
	if c.cause != "" {
		poll(t, "waiting for "+c.says, func() bool {
			s := f.accountStatus(c.name)
			return s.Cause == c.cause && strings.Contains(s.Reason, c.says) && (s.State == Attention) == c.cause.attention()
		})
	}
	p.Mend()
	if c.end != nil {
		c.end(f, p)
	}
	if records == nil {
		records = f.settled(t, c.name, all)
	}
	if said := replies(records...); !strings.Contains(said, c.says) {
		t.Errorf("nothing says %q:\n%s", c.says, said)
	}
	for i, r := range records {
		c.ended(t, f, r, all[i])
	}
}

// ended checks that a message arrived, or that its sender was told.
func (c *fault) ended(t *testing.T, f *faulty, r *Record, q Queued) {
	t.Helper()
	for _, a := range r.Attempts {
		if len(a.Reply) > 20<<10 {
			t.Errorf("a reply of %d octets was kept", len(a.Reply))
		}
	}
	n := f.arrivals(q.MessageID)
	switch {
	case c.told && r.State == queue.Failed:
		poll(t, "told the sender", func() bool {
			return slices.ContainsFunc(f.inbox(), func(m sandbox.Message) bool {
				return strings.Contains(string(m.Data), "Action: failed") && strings.Contains(string(m.Data), q.MessageID)
			})
		})
	case r.State != queue.Delivered || n == 0:
		t.Errorf("it is %s and %d arrived:\n%s", r.State, n, replies(r))
	case n > 1 && !c.again:
		t.Errorf("%d of it arrived:\n%s", n, replies(r))
	case n > 1 && !slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Resend }):
		t.Errorf("%d of it arrived, and no attempt is marked:\n%s", n, replies(r))
	}
}

// heap is what is in use after a collection, in octets.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
