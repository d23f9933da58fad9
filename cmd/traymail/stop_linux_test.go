package main

import (
	"bytes"
	"fmt"
	"io"
	"net/smtp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Who calls sendmail once and never again must not lose a message to a restart.
func TestACommandWaitsForAProgramThatStopsAndQueuesItsMessageThen(t *testing.T) {
	t.Parallel()
	b := newSignedIn(t, "")
	s := b.serve("")
	// A client that is in the middle of a message holds the stop up.
	c, err := smtp.Dial(s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, step := range []func() error{
		func() error { return c.Mail("svc@contoso.com") },
		func() error { return c.Rcpt("ops@contoso.com") },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	body, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(body, "From: svc@contoso.com\r\nSubject: late\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(s.said(), "msg=stopping") {
		time.Sleep(10 * time.Millisecond)
	}
	var said bytes.Buffer
	send := b.program("", "send", "-f", "svc@contoso.com", "ops@contoso.com")
	send.Stdin, send.Stderr = strings.NewReader("Subject: meanwhile\n\nbody\n"), &said
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() { sent <- send.Wait() }()
	select {
	case err := <-sent:
		t.Errorf("it did not wait: %v, %s", err, said.String())
		sent <- err
	case <-time.After(time.Second): // it would have given up by now
	}
	fmt.Fprint(body, "late\r\n")
	if err := body.Close(); err != nil {
		t.Errorf("the client that was in the middle: %v", err)
	}
	<-s.ended
	if err := <-sent; err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if waiting := b.must(nil, "queue", "ls"); !strings.Contains(waiting, "meanwhile") {
		t.Errorf("there wait:\n%s", waiting)
	}
}
