//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A relay is one of those that are measured.
type relay interface {
	name() string
	// start starts it on an empty state and returns when it greets. The
	// caller stops the server.
	start(v variant) (*server, error)
}

// A variant is what a trial needs otherwise than usual.
type variant struct {
	sessions int  // at most, with the server; 0: what the relay does by itself
	depth    int  // traymail's messages in flight on a session; 0: its default
	metrics  bool // traymail's metrics are served
	waiting  int  // traymail has room for so many messages; 0: its default
}

// A server is a relay that runs.
type server struct {
	*process
	addr    string // where it takes messages
	metrics string // traymail's address of metrics, with variant.metrics
	home    string
	took    time.Duration // from its start until it greeted
}

// traymail is measured as people run it: the synced queue, the log in a file, a
// token of an application. Only the pace is beyond reach.
type traymail struct {
	b     *bench
	label string
	depth int
}

func (t *traymail) name() string { return t.label }

func (t *traymail) start(v variant) (*server, error) {
	if v.depth == 0 {
		v.depth = t.depth
	}
	prepared, err := t.b.prepareHome(v)
	if err != nil {
		return nil, err
	}
	home, err := t.b.folder()
	if err != nil {
		return nil, err
	}
	// With the permissions: a key that others may read is refused.
	if _, err := output(t.b.ctx, home, nil, "", "cp", "-a", prepared+"/.", home); err != nil {
		return nil, err
	}
	return t.b.serve(home, v)
}

// serve starts traymail in a home, which keeps its state.
func (b *bench) serve(home string, v variant) (s *server, err error) {
	s = &server{home: home}
	if s.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	settings := `[keystore]
kind = "file"
key_file = "keystore.key"

[relay]
default_account = "bench"

[[listener]]
name = "local"
address = "` + s.addr + `"
networks = ["127.0.0.0/8"]

[log]
file = "log/traymail.log"
`
	if v.metrics {
		if s.metrics, err = freeAddress(); err != nil {
			return nil, err
		}
		settings += "\n[metrics]\nlisten = \"" + s.metrics + "\"\n"
	}
	if v.waiting > 0 {
		settings += fmt.Sprintf("\n[queue]\nmax_messages = %d\nmax_size_mb = 1000000\n", v.waiting)
	}
	if err := os.WriteFile(filepath.Join(home, "traymail.toml"), []byte(settings), 0o600); err != nil {
		return nil, err
	}
	return b.launch(nil, s, 5*time.Minute, b.program, "serve", "--home", home)
}

// launch starts a relay's program, with env added to its environment, and waits
// until it greets.
func (b *bench) launch(env []string, s *server, within time.Duration, name string, args ...string) (_ *server, err error) {
	began := time.Now()
	if s.process, err = start(filepath.Join(s.home, "printed.log"), env, name, args...); err != nil {
		return nil, err
	}
	if err := s.await(b.ctx, within, greets(s.addr)); err != nil {
		_ = s.stop()
		return nil, err
	}
	s.took = time.Since(began)
	return s, nil
}

// prepareHome makes an account for the counting server, once for each variant:
// an application with a secret, which no person has to sign in to.
func (b *bench) prepareHome(v variant) (string, error) {
	v.metrics, v.waiting = false, 0 // no part of the account
	if home := b.homes[v]; home != "" {
		return home, nil
	}
	home, err := b.folder()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"keystore.key\"\n"), 0o600); err != nil {
		return "", err
	}
	args := []string{"account", "add", "bench", "--home", home, "--provider", "custom", "--sign-in", "app-only", "--sender", "alice@example.com",
		"--client-id", "11111111-2222-3333-4444-555555555555", "--secret-stdin",
		"--token-endpoint", "https://" + b.sink.https + "/contoso/oauth2/v2.0/token", "--smtp-scope", "https://outlook.office.com/.default",
		"--smtp-host", "127.0.0.1", "--smtp-port", port(b.sink.smtp), "--ca-file", b.sink.ca,
		"--messages-per-minute", "100000", "--recipients-per-day", "10000000", "--max-size-mb", "150"}
	if v.sessions > 0 {
		args = append(args, "--sessions", fmt.Sprint(v.sessions))
	}
	if v.depth > 0 {
		args = append(args, "--pipeline-depth", fmt.Sprint(v.depth))
	}
	if _, err := output(b.ctx, home, nil, "measured-here-only\n", b.program, args...); err != nil {
		return "", err
	}
	b.homes[v] = home
	return home, nil
}

// postfix is Debian's. It signs in with LOGIN, for which the counting server
// does the same work as for XOAUTH2.
type postfix struct {
	b      *bench
	script string
	reuse  bool // of sessions, which is not how it is installed
}

func (p *postfix) name() string {
	if p.reuse {
		return "reuse"
	}
	return "installed"
}

func (p *postfix) start(v variant) (*server, error) {
	home, err := p.b.folder()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{filepath.Join(home, "postfix"), port(addr), port(p.b.sink.smtp), p.b.sink.ca}
	if p.reuse {
		args = append(args, "reuse")
	}
	env := []string{"CONNECTIONS="}
	if v.sessions > 0 {
		env[0] += fmt.Sprint(v.sessions)
	}
	return p.b.launch(env, &server{home: home, addr: addr}, time.Minute, p.script, args...)
}
