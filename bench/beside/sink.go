//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A sink is the counting server, which runs from the first trial to the last.
type sink struct {
	process           *process
	smtp, http, https string // addresses
	ca                string // file of the authority of its certificate
}

// counts are what the sink has counted since the last reset.
type counts struct {
	Connections  int64            `json:"connections"`
	Throttled    int64            `json:"throttled_432"`
	Messages     int64            `json:"messages"`
	Distinct     int64            `json:"distinct_ids"`
	Duplicates   int64            `json:"duplicate_ids"`
	TurnsSetup   int64            `json:"turns_setup"`
	TurnsMessage int64            `json:"turns_message"`
	Tokens       map[string]int64 `json:"token_requests"`
	Last         int64            `json:"last_msg_ns"` // when the last message was complete
	P50          float64          `json:"e2e_p50_ms"`
	P99          float64          `json:"e2e_p99_ms"`
}

func (c counts) tokens() (n int64) {
	for _, k := range c.Tokens {
		n += k
	}
	return n
}

// preparePeers builds the server and the generator, starts the server, and sees
// whether Postfix can be measured.
func (b *bench) preparePeers() error {
	for _, part := range []string{"sink", "gen"} {
		if _, err := os.Stat(filepath.Join(b.peers, part)); err != nil {
			return fmt.Errorf("%w\n%s", err, `the measuring tools are no part of this repository: name their folder with PEERS=DIR. It holds
  sink/       a Go program: a submission server that counts messages and waits, with a token endpoint (-addr, -http, -https, -certs, -quiet; /stats, /reset, /set)
  gen/        a Go program: a client that submits messages and prints what was accepted as JSON (-addr, -n, -c, -per, -size)
  postfix.sh  starts Postfix in front of the server: postfix.sh DIR PORT SINK_PORT CA [reuse]`)
		}
		if _, err := output(b.ctx, filepath.Join(b.peers, part), []string{"CGO_ENABLED=0"}, "", "go", "build", "-o", filepath.Join(b.dir, part), "."); err != nil {
			return err
		}
	}
	b.gen = filepath.Join(b.dir, "gen")
	if err := b.startSink(); err != nil {
		return err
	}
	b.relays = []relay{&traymail{b: b, label: "traymail"}, &traymail{b: b, label: "pipelined", depth: b.depth}}
	script := filepath.Join(b.peers, "postfix.sh")
	_, noScript := os.Stat(script)
	_, noPostfix := os.Stat("/usr/sbin/postfix")
	err := errors.Join(noScript, noPostfix)
	if os.Getuid() != 0 {
		err = errors.Join(err, errors.New("only root can start Postfix"))
	}
	switch {
	case err == nil:
		b.relays = append(b.relays, &postfix{b: b, script: script, reuse: true}, &postfix{b: b, script: script})
	case b.quick:
		fmt.Fprintln(b.progress, "without Postfix:", strings.ReplaceAll(err.Error(), "\n", "; "))
	default:
		return errors.Join(err, b.sink.process.stop())
	}
	return nil
}

func (b *bench) startSink() (err error) {
	s := &sink{}
	for _, a := range []*string{&s.smtp, &s.http, &s.https} {
		if *a, err = freeAddress(); err != nil {
			return err
		}
	}
	certs := filepath.Join(b.dir, "certs")
	s.ca = filepath.Join(certs, "ca.pem")
	s.process, err = start(filepath.Join(b.dir, "sink.log"), nil, filepath.Join(b.dir, "sink"),
		"-addr", s.smtp, "-http", s.http, "-https", s.https, "-certs", certs, "-quiet")
	if err != nil {
		return err
	}
	b.sink = s
	ready := func() error {
		_, err := s.counts()
		return errors.Join(err, greets(s.smtp)())
	}
	if err := s.process.await(b.ctx, 20*time.Second, ready); err != nil {
		return errors.Join(err, s.process.stop())
	}
	return nil
}

func (s *sink) get(path string) ([]byte, error) {
	r, err := http.Get("http://" + s.http + path)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("the counting server answers %s to %s", r.Status, path)
	}
	return text, err
}

func (s *sink) counts() (c counts, err error) {
	text, err := s.get("/stats")
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// received is how many messages were complete since the last reset.
func (s *sink) received() (int, error) {
	text, err := s.get("/count")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// place sets how far away the server is and how many sessions it bears (0: any
// number), and has it count anew.
func (s *sink) place(away time.Duration, sessions int) error {
	_, err := s.get("/set?" + url.Values{"rtt": {away.String()}, "maxconn": {strconv.Itoa(sessions)}, "overlimit": {"432"}, "reset": {"1"}}.Encode())
	return err
}
