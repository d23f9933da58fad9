package mailer

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
)

// hang is a reply that never comes, and drop one in place of which the session
// ends.
const (
	hang = "HANG"
	drop = "DROP"
)

// scripted is a submission server on loopback without TLS, whose replies are the
// test's: by the first word of a command and its recipient, "." for the end of
// the data. Without a script it accepts.
func scripted(t *testing.T, extensions string, reply func(command string) string) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended); l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go talk(conn, extensions, reply, ended)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func talk(conn net.Conn, extensions string, reply func(string) string, ended chan struct{}) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	say := func(s string) bool {
		switch s {
		case drop:
			return false
		case hang:
			<-ended
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", s)
		return err == nil
	}
	if !say("220 ready") {
		return
	}
	data := false
	for lines.Scan() {
		line := lines.Text()
		answer := ""
		switch {
		case data && line != ".":
			continue
		case data:
			data = false
			line = "."
		}
		if answer = reply(line); answer == "" {
			answer = "250 2.0.0 OK"
			switch {
			case strings.HasPrefix(line, "EHLO"):
				answer = "250-hello" + extensions + "\r\n250 8BITMIME"
			case line == "DATA":
				answer, data = "354 go ahead", true
			case line == "QUIT":
				answer = "221 bye"
			}
		}
		if !say(answer) {
			return
		}
	}
}

// unencrypted is a bench whose account sends to a server without TLS.
func unencrypted(t *testing.T, port int) *bench {
	t.Helper()
	b := newBench(t, "")
	b.account.SMTPHost, b.account.SMTPPort, b.account.SMTPTLS = "127.0.0.1", port, account.NoTLS
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	b.start()
	return b
}

func TestRecipientsOfWhomNothingWasSaidAreTriedAgain(t *testing.T) {
	for _, extensions := range []string{"", "\r\n250-PIPELINING"} {
		for _, end := range []string{drop, "421 4.3.2 Service shutting down"} {
			t.Run(fmt.Sprintf("%q then %s", extensions, end), func(t *testing.T) {
				sessions := 0
				b := unencrypted(t, scripted(t, extensions, func(command string) string {
					switch {
					case strings.HasPrefix(command, "EHLO"):
						sessions++
					case strings.Contains(command, "nobody@"):
						return "550 5.1.1 no such user"
					case strings.Contains(command, "good@") && sessions == 1:
						return end
					}
					return ""
				}))
				q, err := b.Enqueue(t.Context(), "", Submission{To: []string{"nobody@contoso.com", "good@contoso.com"}, Data: strings.NewReader("Subject: x\n\nbody\n")})
				if err != nil {
					t.Fatal(err)
				}
				var r *Record
				b.until("first attempt", func(Status) bool {
					if r, err = b.Message(t.Context(), q.ID); err != nil {
						t.Fatal(err)
					}
					return len(r.Attempts) > 0 && !r.Attempts[0].Finished.IsZero() && r.State == queue.Queued
				})
				if r.Recipients[0].State != queue.Failed || r.Recipients[1].State != queue.Queued {
					t.Fatalf("after the first attempt %+v", r.Recipients)
				}
				if err := b.Change(t.Context(), q.ID, Retry); err != nil {
					t.Fatal(err)
				}
				if r = b.ended(q.ID); r.Recipients[1].State != queue.Delivered {
					t.Errorf("at the end %+v", r.Recipients)
				}
			})
		}
	}
}

func TestTheProgramStopsInTimeThoughAServerHangsAndTheAccountChanges(t *testing.T) {
	begun := make(chan struct{}, 10)
	b := unencrypted(t, scripted(t, "", func(command string) string {
		if command == "." {
			begun <- struct{}{}
			return hang
		}
		return ""
	}))
	b.enqueue("", "ops@contoso.com")
	<-begun
	b.account.TestTo = "else@contoso.com"
	if err := b.Save(t.Context(), b.account, ""); err != nil { // waits for no message
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- b.Shutdown(ctx) }()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("it does not stop")
	}
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := b.Messages(t.Context(), Filter{})
	if err != nil || len(list) != 1 || list[0].State != queue.Queued {
		t.Fatalf("%+v, %v", list, err)
	}
	r, err := b.Message(t.Context(), list[0].ID)
	if err != nil || r.Recipients[0].Tries != 0 {
		t.Errorf("the attempt that was cut short counts: %+v, %v", r, err)
	}
}

func TestAPauseWithAnEndIsLiftedByWhoeverSaysGoOn(t *testing.T) {
	b := newBench(t, "")
	b.account.RecipientsPerDay = 1
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	b.signIn()
	b.start()
	b.enqueue("", "one@contoso.com")
	second := b.enqueue("", "two@contoso.com")
	b.until("at the day's end", func(s Status) bool { return s.Accounts[0].Cause == CauseQuota && s.Accounts[0].Fix != "" })
	b.account.RecipientsPerDay = 100
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	if r := b.ended(second.ID); r.State != queue.Delivered {
		t.Errorf("it is %s", r.State)
	}
}

func TestAnAccountWithWaitingMailStays(t *testing.T) {
	b := newBench(t, "")
	b.enqueue("", "ops@contoso.com")
	err := b.Remove(t.Context(), "main")
	if err == nil || !strings.Contains(err.Error(), "1 messages wait") || !strings.Contains(Fix(err), "traymail queue rm") {
		t.Fatalf("Remove = %v, fix %q", err, Fix(err))
	}
	list, err := b.Messages(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Change(t.Context(), list[0].ID, Drop); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(t.Context(), "main"); err != nil {
		t.Error(err)
	}
}

func TestAMessageOfAnAccountThatWasTakenAwayIsAnsweredThroughAnother(t *testing.T) {
	b := newBench(t, "")
	other := *account.New("other")
	other.Username, other.ClientID = "other@contoso.com", b.account.ClientID
	if err := b.Save(t.Context(), other, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := b.running().noticeAccount(t.Context(), "gone")
	if err == nil {
		t.Errorf("of two accounts %s was chosen, though no default is named", a.Name)
	}
	writeSettings(t, b, "[relay]\ndefault_account = \"other\"\n")
	if a, err = b.running().noticeAccount(t.Context(), "gone"); err != nil || a.Name != "other" {
		t.Errorf("notices go through %+v, %v", a, err)
	}
}
