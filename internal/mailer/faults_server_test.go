package mailer

import (
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/faultproxy"
)

// at is a fault at the commands that begin with verb.
func at(verb string, do func(x *faultproxy.Exchange)) func(func()) faultproxy.Fault {
	return func(hit func()) faultproxy.Fault {
		return func(x *faultproxy.Exchange) {
			if !x.Is(verb) {
				x.Pass()
				return
			}
			hit()
			do(x)
		}
	}
}

// says is a fault that answers a command itself.
func says(verb, reply string) func(func()) faultproxy.Fault {
	return at(verb, func(x *faultproxy.Exchange) { x.Say(reply) })
}

// refusesMessages answers each message, but no notice, itself.
func refusesMessages(reply string, before func()) func(func()) faultproxy.Fault {
	return func(hit func()) faultproxy.Fault {
		var mu sync.Mutex
		notice := map[int]bool{} // by connection
		return func(x *faultproxy.Exchange) {
			mu.Lock()
			if x.Is("MAIL") {
				notice[x.Connection] = x.Is("MAIL FROM:<>")
			}
			passes := !x.Is("BDAT") || notice[x.Connection]
			mu.Unlock()
			if passes {
				x.Pass()
				return
			}
			hit()
			before()
			x.Say(reply)
		}
	}
}

// secondChunk is a fault at the second piece of a message, when the rest of it
// is still to come.
func secondChunk(do func(x *faultproxy.Exchange)) func(func()) faultproxy.Fault {
	return func(hit func()) faultproxy.Fault {
		var mu sync.Mutex
		chunks := map[int]int{} // by connection
		return func(x *faultproxy.Exchange) {
			mu.Lock()
			if x.Is("BDAT") {
				chunks[x.Connection]++
			}
			second := x.Is("BDAT") && chunks[x.Connection] == 2
			mu.Unlock()
			if !second {
				x.Pass()
				return
			}
			hit()
			do(x)
		}
	}
}

// staleToken has the server refuse the token that it has seen so far, and send
// the sessions away that were signed in with it.
func staleToken(hit func()) faultproxy.Fault {
	var mu sync.Mutex
	stale := ""
	signedIn := map[int]string{} // by connection
	return func(x *faultproxy.Exchange) {
		mu.Lock()
		if x.Is("AUTH") {
			if stale == "" {
				stale = x.Line
			}
			signedIn[x.Connection] = x.Line
		}
		refused := stale == "" || signedIn[x.Connection] == stale || signedIn[x.Connection] == ""
		mu.Unlock()
		switch {
		case x.Is("AUTH") && refused:
			hit()
			x.Say("535 5.7.3 Authentication unsuccessful [TEST.PROD.OUTLOOK.COM]")
		case x.Is("MAIL") && refused: // of a session from before
			x.Say("421 4.7.0 The session's token has expired")
			x.Drop()
		default:
			x.Pass()
		}
	}
}

// presents has the server show another certificate, to sessions to come.
func presents(host string, authority func(*faulty) *faultproxy.Authority) func(*faulty, *faultproxy.Proxy) {
	return func(f *faulty, p *faultproxy.Proxy) {
		p.Present(authority(f).Certificate(f.t, host))
		p.Cut()
	}
}

func trusted(f *faulty) *faultproxy.Authority  { return f.authority }
func stranger(f *faulty) *faultproxy.Authority { return f.stranger }

const large = 2 << 20 // goes out in pieces, after the replies to its envelope

// serverFaults are the ways in which a submission server, or what is on the way
// to it, is broken.
var serverFaults = []fault{
	{name: "slow", passes: true, size: 4 << 10, broken: at(faultproxy.Greeting, func(x *faultproxy.Exchange) { x.Slow(200, 5*time.Millisecond); x.Pass() })},
	{name: "one-octet-at-a-time", passes: true, messages: 1, broken: at(faultproxy.Greeting, func(x *faultproxy.Exchange) { x.Slow(1, 0); x.Pass() })},
	{name: "mute-from-the-start", change: func(a *account.Account) { a.Timeout = 1 }, cause: CauseNetwork, says: "no answer in time",
		broken: at(faultproxy.Greeting, (*faultproxy.Exchange).Mute)},
	{name: "mute-after-the-message", quiet: true, again: true, says: "the message may have been accepted",
		broken: at("BDAT", func(x *faultproxy.Exchange) { x.Forward(); x.Mute() })},
	{name: "reset-at-once", cause: CauseNetwork, says: "the connection was broken off", broken: at(faultproxy.Greeting, (*faultproxy.Exchange).Reset)},
	{name: "reset-in-the-envelope", warm: true, again: true, says: "the message may have been accepted", broken: at("RCPT", (*faultproxy.Exchange).Reset)},
	{name: "reset-in-the-message", messages: 1, size: large, says: "the connection", broken: secondChunk((*faultproxy.Exchange).Reset)},
	{name: "reset-before-the-reply", again: true, says: "the message may have been accepted", broken: at("BDAT", func(x *faultproxy.Exchange) { x.Forward(); x.Reset() })},
	{name: "half-closed-at-the-start", cause: CauseNetwork, says: "the server closed the connection", broken: at("EHLO", (*faultproxy.Exchange).HalfClose)},
	{name: "half-closed-in-the-message", messages: 1, size: large, says: "the server closed the connection", broken: secondChunk((*faultproxy.Exchange).HalfClose)},
	{name: "421-in-a-session", says: "421 4.3.2 Service shutting down", broken: at("RCPT", func(x *faultproxy.Exchange) { x.Say("421 4.3.2 Service shutting down"); x.Drop() })},
	{name: "a-burst-of-4xx", warm: true, says: "451 4.7.0 Temporary server error", broken: says("RCPT", "451 4.7.0 Temporary server error. Please try again later. PRX4")},
	{name: "a-burst-of-5xx", messages: 6, told: true, says: "554 5.6.0 Corrupt message content", broken: refusesMessages("554 5.6.0 Corrupt message content", func() {})},
	{name: "a-tarpit", told: true, says: "554 5.6.0 Corrupt message content", broken: refusesMessages("554 5.6.0 Corrupt message content", func() { time.Sleep(time.Second) })},
	{name: "garbage-at-the-start", cause: CauseNetwork, says: "which is not an SMTP reply", broken: says(faultproxy.Greeting, "\x00\xff\x1b[2J garbage")},
	{name: "garbage-in-a-session", warm: true, again: true, says: "which is not an SMTP reply", broken: says("MAIL", "\x00\xff\x1b[2J garbage")},
	{name: "a-megabyte-in-one-line", cause: CauseNetwork, says: "the server's reply is too long", broken: says("EHLO", "250 "+strings.Repeat("x", 1<<20))},
	{name: "a-megabyte-in-many-lines", again: true, says: "the server's reply is too long",
		broken: at("BDAT", func(x *faultproxy.Exchange) {
			x.Forward()
			x.Say(strings.Repeat("250-2.0.0 OK\n", 1<<16) + "250 2.0.0 OK")
		})},
	{name: "too-few-replies", again: true, says: "the message may have been accepted", broken: func(hit func()) faultproxy.Fault {
		return func(x *faultproxy.Exchange) {
			switch {
			case x.Is("RCPT"):
				x.Forward()
			case x.Is("BDAT"):
				x.Pass()
				hit()
				x.Drop() // sooner or later
			default:
				x.Pass()
			}
		}
		// One that lacks a reply when the fault ends would wait ten minutes for it.
	}, end: func(_ *faulty, p *faultproxy.Proxy) { p.Cut() }},
	{name: "too-many-replies", passes: true, again: true, broken: at("MAIL", func(x *faultproxy.Exchange) { x.Pass(); x.Say("250 2.1.0 Sender OK") })},
	// Each reply stands for the command before its own, so that what the server
	// says to the recipient is where its verdict is looked for.
	{name: "too-many-replies-and-a-refusal", told: true, says: "554 5.6.0 Corrupt message content", broken: func(hit func()) faultproxy.Fault {
		refuses := refusesMessages("554 5.6.0 Corrupt message content", func() { time.Sleep(300 * time.Millisecond) })(hit)
		return func(x *faultproxy.Exchange) {
			if x.Is("MAIL") && !x.Is("MAIL FROM:<>") {
				x.Say("250 2.1.0 Sender OK")
			}
			refuses(x)
		}
	}},
	{name: "a-tls-alert-in-the-message", messages: 1, size: large, says: "the server ended the encryption with an alert", broken: secondChunk((*faultproxy.Exchange).Alert)},
	{name: "a-certificate-that-became-untrusted", warm: true, cause: CauseSettings, says: "comes from an authority this machine does not know",
		begin: presents("localhost", stranger), end: presents("localhost", trusted)},
	{name: "a-certificate-of-another-name", warm: true, cause: CauseSettings, says: "the certificate is not for localhost but for mail.example.net",
		begin: presents("mail.example.net", trusted), end: presents("localhost", trusted)},
	{name: "a-token-refused-in-a-burst", warm: true, messages: 8, passes: true, broken: staleToken},
}

// All the faults are there at the same time, in one program.
func TestNothingIsLostWhateverTheServersDo(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	proxies := make([]*faultproxy.Proxy, len(serverFaults))
	for i, c := range serverFaults {
		if i%rowsApart != 0 {
			continue // with the race detector some of them are enough
		}
		proxies[i] = f.proxied(c.name, func(a *account.Account) {
			if c.change != nil {
				c.change(a)
			}
		})
	}
	f.run()
	before := heap()
	var all sync.WaitGroup
	for i, c := range serverFaults {
		if proxies[i] == nil {
			continue
		}
		all.Go(func() {
			t.Run(c.name, func(t *testing.T) { c.meets(t, f, proxies[i]) })
		})
	}
	all.Wait()
	// The sandbox keeps what arrived, of which there are some large messages.
	if after := heap(); after > before+64<<20 {
		t.Errorf("%d MiB in use, %d MiB at the start", after>>20, before>>20)
	}
}
