// Command gen submits messages one after the other on each connection, and
// prints what was accepted.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/smtp"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	addr = flag.String("addr", "", "the relay")
	n    = flag.Int64("n", 1, "messages")
	c    = flag.Int("c", 1, "connections")
	per  = flag.Int("per", 0, "messages a connection, 0: no limit")
	size = flag.Int("size", 10240, "octets of a message")
)

func main() {
	flag.Parse()
	began := time.Now()
	var next, accepted, failed atomic.Int64
	var first atomic.Value
	var wg sync.WaitGroup
	for range *c {
		wg.Go(func() {
			for next.Load() < *n {
				if err := connection(&next, &accepted); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, err.Error())
				}
			}
		})
	}
	wg.Wait()
	said, _ := first.Load().(string)
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"failed": failed.Load(), "first_error": said, "start_ns": began.UnixNano(),
		"accepted_per_s": float64(accepted.Load()) / time.Since(began).Seconds()})
}

func connection(next, accepted *atomic.Int64) error {
	s, err := smtp.Dial(*addr)
	if err != nil {
		next.Add(1)
		return err
	}
	defer s.Close()
	for done := 0; *per == 0 || done < *per; done++ {
		i := next.Add(1)
		if i > *n {
			break
		}
		if err := message(s, i); err != nil {
			return err
		}
		accepted.Add(1)
	}
	return s.Quit()
}

func message(s *smtp.Client, i int64) error {
	if err := s.Mail("alice@example.com"); err != nil {
		return err
	}
	if err := s.Rcpt("bob@example.net"); err != nil {
		return err
	}
	w, err := s.Data()
	if err != nil {
		return err
	}
	now := time.Now().UnixNano()
	fmt.Fprintf(w, "X-Perf-Id: %d-%d\r\nX-Perf-T: %d\r\nFrom: <alice@example.com>\r\nSubject: %d\r\n\r\n", os.Getpid(), i, now, i)
	if _, err := w.Write([]byte(strings.Repeat(strings.Repeat("x", 62)+"\r\n", *size/64))); err != nil {
		return err
	}
	return w.Close()
}
