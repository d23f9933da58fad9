//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopTime is how long a program may take to end by itself.
const stopTime = 40 * time.Second

// A process is a program that was started, and the processes below it.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{} // closed when the program has ended
}

// start starts a program in a process group of its own, so that Ctrl+C reaches
// the bench alone. What it prints goes into the file log.
func start(log string, env []string, name string, args ...string) (*process, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &process{cmd: exec.Command(name, args...), log: log, exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.Dir = filepath.Dir(log)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop ends the program, and kills what is left of it and of its children.
func (p *process) stop() error {
	below := tree(p.cmd.Process.Pid)
	for _, s := range below { // Postfix's master is below a script
		_ = syscall.Kill(s.pid, syscall.SIGTERM)
	}
	select {
	case <-p.exited:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end within %v and was killed", p.cmd.Path, stopTime)
	}
	// Postfix's children end shortly after their master.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		alive := 0
		for _, s := range below {
			if now, ok := readStat(s.pid); ok && now.began == s.began && now.state != 'Z' {
				alive++
				if time.Now().After(deadline) {
					_ = syscall.Kill(s.pid, syscall.SIGKILL)
				}
			}
		}
		if alive == 0 {
			return nil
		}
	}
}

// await calls ready until it succeeds, for as long as the program runs.
func (p *process) await(ctx context.Context, within time.Duration, ready func() error) error {
	for deadline := time.Now().Add(within); ; {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return fmt.Errorf("%s ended: %s", p.cmd.Path, p.tail())
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%s does not answer: %s", p.cmd.Path, p.tail()), err)
		}
	}
}

// tail is the end of what the program printed.
func (p *process) tail() string {
	printed, _ := os.ReadFile(p.log)
	return strings.TrimSpace(string(printed[max(0, len(printed)-1000):]))
}

// greets tells whether a server greets at an address.
func greets(addr string) func() error {
	return func() error {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Read(make([]byte, 4))
		return err
	}
}

// freeAddress is an address on loopback where nothing listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// output runs a program to its end and returns what it printed.
func output(ctx context.Context, dir string, env []string, stdin, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env, c.Stdin = dir, append(os.Environ(), env...), strings.NewReader(stdin)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out), nil
}
