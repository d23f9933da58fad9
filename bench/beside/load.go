//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/smtp"
	"strings"
	"sync"
	"time"
)

// An outcome is what a load found.
type outcome struct {
	accepted float64       // a second
	seconds  float64       // from the first connection until the server had the last message
	arrived  int           // messages that the server has
	worked   time.Duration // processor time of the relay, a message
	peak     float64       // its highest memory in MB
	counts   counts
}

// generated is what the generator prints.
type generated struct {
	Failed     int64   `json:"failed"`
	FirstError string  `json:"first_error"`
	Start      int64   `json:"start_ns"`
	Rate       float64 `json:"accepted_per_s"`
}

// load has the generator submit n messages to a relay and waits until the server
// has all of them, at most for patience. What is amiss is remarked, and no error.
func (b *bench) load(s *server, label string, n int, patience time.Duration, args ...string) (o outcome, err error) {
	had, err := b.sink.received()
	if err != nil {
		return o, err
	}
	highest := s.process.peak()
	before := s.worked()
	printed, err := output(b.ctx, b.dir, nil, "", b.gen, append([]string{"-addr", s.addr, "-n", fmt.Sprint(n)}, args...)...)
	if err != nil {
		highest()
		return o, err
	}
	var g generated
	if err := json.Unmarshal([]byte(printed), &g); err != nil {
		highest()
		return o, fmt.Errorf("the generator printed %q: %w", printed, err)
	}
	if g.Failed > 0 {
		b.remark("%s: %d of %d messages were not accepted; the first: %s", label, g.Failed, n, g.FirstError)
	}
	err = b.await(s, had+n-int(g.Failed), patience)
	b.pause(b.scale.settle) // what is written after the reply counts too
	o.peak = highest()
	o.worked = (s.worked() - before) / time.Duration(n)
	if err != nil {
		return o, err
	}
	if o.counts, err = b.sink.counts(); err != nil {
		return o, err
	}
	if o.counts.Duplicates > 0 {
		b.remark("%s: %d messages reached the server twice", label, o.counts.Duplicates)
	}
	o.accepted = g.Rate
	o.arrived = int(o.counts.Distinct)
	o.seconds = time.Duration(o.counts.Last - g.Start).Seconds()
	return o, b.ctx.Err()
}

// await waits until the server has received n messages, or patience is over. It
// fails when the relay ends.
func (b *bench) await(s *server, n int, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; {
		got, err := b.sink.received()
		if err != nil || got >= n || time.Now().After(deadline) {
			return err
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended: %s", s.tail())
		case <-b.ctx.Done():
			return b.ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// complete remarks messages that did not arrive.
func (b *bench) complete(o outcome, label string, n int) {
	if o.arrived < n {
		b.remark("%s: %d of %d messages reached the server", label, o.arrived, n)
	}
}

func (b *bench) pause(d time.Duration) {
	select {
	case <-b.ctx.Done():
	case <-time.After(d):
	}
}

// trickle submits n messages, one each interval whatever became of those before,
// each over a connection of its own, with the moment at which its content leaves
// in the field that the server reads.
func trickle(ctx context.Context, addr string, n int, interval time.Duration) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	clock := time.NewTicker(interval)
	defer clock.Stop()
	for i := range n {
		wg.Go(func() {
			if err := submit(addr, i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = fmt.Errorf("message %d: %w", i+1, err)
				}
			}
		})
		select {
		case <-clock.C:
		case <-ctx.Done():
			n = i
		}
		if n == i {
			break
		}
	}
	wg.Wait()
	return first
}

// filling is the rest of a message of 10 KB.
var filling = strings.Repeat(strings.Repeat("0123456789", 8)[:76]+"\r\n", 127)

func submit(addr string, i int) error {
	c, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello("bench.example.com"); err != nil {
		return err
	}
	if err := c.Mail("alice@example.com"); err != nil {
		return err
	}
	if err := c.Rcpt("bob@example.net"); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	now := time.Now().UnixNano()
	if _, err := fmt.Fprintf(w, "X-Perf-Id: trickle-%d\r\nX-Perf-T: %d\r\nFrom: <alice@example.com>\r\nTo: <bob@example.net>\r\nSubject: trickle\r\nMessage-ID: <%d.%d@bench.example.com>\r\n\r\n%s",
		i, now, i, now, filling); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
