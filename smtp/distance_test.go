package smtp

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// distant is a client of f that is so far away, there and back. It belongs into a
// synctest bubble, where only the distance takes time.
func (f *fake) distant(t *testing.T, rtt time.Duration) *Client {
	f.quiet, f.noTLS, f.banner, f.ext = true, true, "220 hi", exchange
	c := &Client{Host: "localhost", Port: 25, TLS: Plaintext, LocalName: "c"}
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		near, entry := net.Pipe()
		exit, far := net.Pipe()
		f.wg.Go(func() { defer far.Close(); f.serve(far, 1) })
		f.wg.Go(func() { travel(exit, entry, rtt/2) })
		f.wg.Go(func() { travel(entry, exit, rtt/2) })
		return near, nil
	}
	return c
}

// travel carries what comes from one end to the other, each part for so long.
func travel(to, from net.Conn, d time.Duration) {
	type part struct {
		due   time.Time
		bytes []byte
	}
	parts := make(chan part, 1000)
	go func() {
		defer close(parts)
		for {
			buf := make([]byte, 64<<10)
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			parts <- part{time.Now().Add(d), buf[:n]}
		}
	}()
	defer to.Close()
	for p := range parts {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.bytes); err != nil {
			from.Close()
			for range parts {
			}
			return
		}
	}
}

// Three sessions, after which each message costs a wait, or a share of one.
func TestABurstWaitsOnceForEachRoundOfMessages(t *testing.T) {
	const rtt, messages = 50 * time.Millisecond, 200
	for _, tt := range []struct{ depth, waits int }{
		{1, 67}, // 200 by three
		{8, 9},  // by 24
		{32, 3},
	} {
		t.Run(fmt.Sprintf("%d deep", tt.depth), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				c := f.distant(t, rtt)
				c.Pipeline = tt.depth
				var wg sync.WaitGroup
				begin := time.Now()
				for n := range messages {
					wg.Go(func() {
						if r, err := c.Submit(t.Context(), numbered(n, "a")); err != nil || r.Reused && r.RoundTrips != 1 {
							t.Errorf("%+v, %v", r, err)
						}
					})
				}
				wg.Wait()
				setup := rtt/2 + rtt // the banner and EHLO
				if waits := (time.Since(begin) - setup + rtt - 1) / rtt; int(waits) != tt.waits {
					t.Errorf("%d waits one after the other, want %d", waits, tt.waits)
				}
				c.Close()
				f.wg.Wait()
				if len(f.got()) != messages {
					t.Errorf("%d messages arrived", len(f.got()))
				}
			})
		})
	}
}

// Whoever is alone waits no longer for what others may share.
func TestAPipelineCostsASingleMessageNothing(t *testing.T) {
	const rtt = 50 * time.Millisecond
	for _, depth := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			c := f.distant(t, rtt)
			c.Pipeline = depth
			for i, want := range []time.Duration{5 * rtt / 2, rtt, rtt} {
				begin := time.Now()
				if _, err := c.Submit(t.Context(), numbered(i, "a")); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took != want {
					t.Errorf("%d deep, message %d took %s, want %s", depth, i+1, took, want)
				}
			}
			c.Close()
			f.wg.Wait()
		})
	}
}
