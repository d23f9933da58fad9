package mailer

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
)

// overGraph is a bench whose application sends through Graph.
func overGraph(t *testing.T, f func(*account.Account)) *bench {
	b := newBench(t, "unpaced")
	b.application(account.Graph, "Mail.Send", f)
	return b
}

// permit adds application permissions, and an administrator's consent to them.
func (b *bench) permit(roles ...string) {
	b.registration(b.account.ClientID, func(a *sandbox.App) {
		for _, r := range roles {
			full := a.AppRoles[0][:strings.LastIndexByte(a.AppRoles[0], '/')+1] + r
			a.AppRoles, a.GrantedRoles = append(a.AppRoles, full), append(a.GrantedRoles, full)
		}
	})
}

func TestOverGraphExactlyTheEnvelopeGetsTheMessage(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil)
	if v, err := b.Validate(t.Context(), "main"); err != nil || len(v.Warnings) != 0 || v.Mailbox != "svc@contoso.com" {
		t.Fatalf("Validate = %+v, %v", v, err)
	}
	b.start()
	q, err := b.Enqueue(t.Context(), "", Submission{To: []string{"hidden@example.com", "ops@contoso.com"}, Data: strings.NewReader(
		"From: svc@contoso.com\r\nTo: \"ops@contoso.com (not board@contoso.com)\" <ops@contoso.com>, header-only@example.com\r\nCc: other@example.com\r\nBcc: never@example.com\r\nSubject: x\r\n\r\nbody\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	r := b.ended(q.ID)
	if r.State != queue.Delivered || !strings.HasPrefix(r.Attempts[0].Reply, "202 Accepted (request-id ") || !strings.HasPrefix(r.Attempts[0].Session, "Graph https://") {
		t.Errorf("record %+v", r)
	}
	m := b.inbox()[0]
	slices.Sort(m.To)
	if !slices.Equal(m.To, []string{"hidden@example.com", "ops@contoso.com"}) || m.Over != "graph" || m.App == "" {
		t.Errorf("%s from %s got it over %s", m.To, m.App, m.Over)
	}
	if bytes.Contains(m.Data, []byte("hidden@")) || bytes.Contains(m.Data, []byte("never@")) || m.MessageID != q.MessageID {
		t.Errorf("it shows whom it should not, or another Message-ID:\n%s", m.Data)
	}
}

func TestALargeAttachmentArrivesOverGraphByteForByte(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil)
	b.permit("Mail.ReadWrite")
	content := make([]byte, 20<<20)
	rand.Read(content)
	var body bytes.Buffer
	body.WriteString("From: svc@contoso.com\r\nTo: ops@contoso.com\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nsee below\r\n--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for encoded := base64.StdEncoding.EncodeToString(content); encoded != ""; {
		n := min(76, len(encoded))
		body.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	body.WriteString("--b--\r\n")
	b.start()
	q, err := b.Enqueue(t.Context(), "", Submission{To: []string{"ops@contoso.com"}, Data: &body})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.ended(q.ID); r.State != queue.Delivered {
		t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	if got := attachment(t, b.inbox()[0].Data); !bytes.Equal(got, content) {
		t.Errorf("%d other octets arrived", len(got))
	}
}

// attachment is what the first attachment of a message holds.
func attachment(t *testing.T, message []byte) []byte {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatalf("no attachment: %v", err)
		}
		if p.FileName() == "" {
			continue
		}
		content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
}

func TestGraphThatWantsARestGetsItAndNoAttemptIsLost(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil)
	b.start()
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Status: http.StatusTooManyRequests, RetryAfter: 45 * time.Second})
	before := time.Now()
	q := b.enqueue("", "ops@contoso.com")
	s := b.until("at rest", func(s Status) bool { return s.Accounts[0].Cause == CauseThrottle })
	if a := s.Accounts[0]; a.State != Paused || a.Until.Sub(before) < 44*time.Second || a.Until.Sub(before) > 75*time.Second {
		t.Errorf("status %+v", a)
	}
	if _, err := b.Flush(t.Context(), ""); err != nil { // as a person would who cannot wait
		t.Fatal(err)
	}
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
}

// arrived is how many messages somebody got.
func (b *bench) arrived(to string) (n int) {
	for _, m := range b.inbox() {
		if slices.Contains(m.To, to) {
			n++
		}
	}
	return n
}

func TestAMessageThatGraphMayHaveTakenIsHeldAndSentAgainByAPersonAlone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.GraphFault{
		"answered in words that are not Graph's": {On: "/sendMail", Plain200: true},
		"never answered":                         {On: "/sendMail", Silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := overGraph(t, nil).clocks()
			b.answerTimeout = time.Second
			b.start()
			b.sandbox.GraphFaults().Add(fault)
			q := b.enqueue("ops@contoso.com", "x@example.com")
			s := b.until("held", func(s Status) bool { return s.Accounts[0].Held == 1 })
			if s.Accounts[0].State != Ready {
				t.Errorf("the account is %s: %s", s.Accounts[0].State, s.Accounts[0].Reason)
			}
			if _, err := b.Flush(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			r, err := b.Message(t.Context(), q.ID)
			if err != nil || r.State != queue.Held || len(r.Attempts) != 1 || !strings.Contains(r.Attempts[0].Reply, "may have been sent") {
				t.Fatalf("record %+v, %v", r, err)
			}
			b.until("told", func(Status) bool { return b.arrived("ops@contoso.com") == 1 })
			if notice := string(b.inbox()[1].Data); !strings.Contains(notice, "Action: delayed") || !strings.Contains(notice, "may have been sent") {
				t.Errorf("the sender is told\n%s", notice)
			}
			if n := b.arrived("x@example.com"); n != 1 {
				t.Errorf("it arrived %d times", n)
			}
			if err := b.Change(t.Context(), q.ID, Release); err != nil {
				t.Fatal(err)
			}
			if r := b.ended(q.ID); r.State != queue.Delivered || b.arrived("x@example.com") != 2 {
				t.Errorf("released it is %s, and arrived %d times", r.State, b.arrived("x@example.com"))
			}
		})
		t.Run(name+", and the mailbox may be read", func(t *testing.T) {
			t.Parallel()
			b := overGraph(t, nil)
			b.answerTimeout = time.Second
			b.permit("Mail.ReadBasic.All")
			b.start()
			b.sandbox.GraphFaults().Add(fault)
			r := b.ended(b.enqueue("", "x@example.com").ID)
			if r.State != queue.Delivered || len(r.Attempts) != 1 || !strings.Contains(r.Attempts[0].Reply, "in the mailbox as sent") {
				t.Errorf("record %+v", r)
			}
			if n := len(b.inbox()); n != 1 {
				t.Errorf("%d messages arrived", n)
			}
		})
	}
}

func TestATokenThatGraphNoLongerTakesIsReplacedOnce(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil)
	b.start()
	b.sandbox.GraphFaults().Add(sandbox.GraphFault{On: "/sendMail", Status: http.StatusUnauthorized})
	w, err := b.sender(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.token(t.Context(), resourceGraph)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.sent("", "x@example.com"); len(r.Attempts) != 1 {
		t.Errorf("attempts %+v", r.Attempts)
	}
	second, err := w.token(t.Context(), resourceGraph)
	if err != nil || second.Access == first.Access {
		t.Errorf("the token that was refused is still in use, %v", err)
	}
}

func TestAMailboxThatAPolicyLeavesOutPausesTheAccountUntilSomebodyActs(t *testing.T) {
	t.Parallel()
	b := overGraph(t, nil).clocks()
	b.start()
	policy := func(mailboxes ...string) {
		b.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.AccessPolicies = map[string][]string{b.account.ClientID: mailboxes} })
	}
	policy("ops@contoso.com")
	q := b.enqueue("", "x@example.com")
	s := b.until("in need of an administrator", func(s Status) bool { return s.Accounts[0].Cause == CauseProvider })
	if a := s.Accounts[0]; a.State != Attention || !strings.Contains(a.Fix, "Test-ApplicationAccessPolicy") || a.Until.IsZero() {
		t.Errorf("status %+v", a) // without an end, a cure that proves nothing would try each few seconds
	}
	policy("svc@contoso.com")
	b.change("", func(a *account.Account) { a.TestTo = "ops@contoso.com" })
	if r := b.ended(q.ID); r.State != queue.Delivered || r.Recipients[0].Tries != 0 {
		t.Errorf("it is %s after %d tries that counted", r.State, r.Recipients[0].Tries)
	}
}

func TestAMailboxThatGraphRefusesDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	b := overGraph(t, func(a *account.Account) { a.Mailbox = account.FromMailbox })
	b.start()
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		t.AccessPolicies = map[string][]string{b.account.ClientID: {"svc@contoso.com", "ops@contoso.com"}}
	})
	left := []Queued{b.write("board@contoso.com", "board@contoso.com", "x@example.com"), b.write("nobody@contoso.com", "nobody@contoso.com", "x@example.com")}
	for i := range 2 {
		for _, from := range []string{"svc@contoso.com", "ops@contoso.com"} {
			if r := b.ended(b.write(from, from, fmt.Sprintf("r%d@example.com", i)).ID); r.State != queue.Delivered {
				t.Fatalf("it is %s: %+v", r.State, r.Attempts)
			}
		}
	}
	for _, m := range b.inbox() {
		if m.From != m.User {
			t.Errorf("%s sent as %s", m.User, m.From)
		}
	}
	for _, q := range left {
		if r, err := b.Message(t.Context(), q.ID); err != nil || r.State != queue.Queued || len(r.Attempts) != 1 {
			t.Errorf("from %s: %+v, %v", r.From, r, err)
		}
	}
}

func TestNoCopyIsKeptInSentItemsWhenNoneIsWanted(t *testing.T) {
	t.Parallel()
	b := overGraph(t, func(a *account.Account) { a.SkipSentItems = true })
	b.permit("Mail.ReadBasic.All")
	b.start()
	b.sent("", "x@example.com")
	w, err := b.sender(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.token(t.Context(), resourceGraph)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.account.GraphURL+"/v1.0/users/svc@contoso.com/messages?$select=id", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Access.Reveal())
	reply, err := b.person.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if kept, err := io.ReadAll(reply.Body); err != nil || reply.StatusCode != http.StatusOK || strings.Contains(string(kept), `"id"`) {
		t.Errorf("%s %s, %v", reply.Status, kept, err)
	}
}

func TestAPersonSendsOverGraphAlsoForASharedMailbox(t *testing.T) {
	t.Parallel()
	b := newBench(t, "unpaced")
	b.change("", func(a *account.Account) {
		a.Transport, a.From = account.Graph, account.KeepFrom
		a.GraphScope = "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/Mail.Send.Shared https://graph.microsoft.com/User.Read"
	})
	b.signIn()
	if v, err := b.Validate(t.Context(), "main"); err != nil || len(v.Warnings) != 0 {
		t.Errorf("Validate = %+v, %v", v, err)
	}
	b.start()
	b.sent("", "x@example.com")
	for _, from := range []string{"invoices@contoso.com", "alerts@contoso.com"} { // Send As, and Send on Behalf
		if r := b.ended(b.write(from, from, "x@example.com").ID); r.State != queue.Delivered {
			t.Fatalf("as %s it is %s: %+v", from, r.State, r.Attempts)
		}
	}
	for i, from := range []string{"svc@contoso.com", "invoices@contoso.com", "alerts@contoso.com"} {
		if m := b.inbox()[i]; m.From != from || m.User != "svc@contoso.com" || m.Over != "graph" || m.App != "" {
			t.Errorf("message %d left as %+v", i, m)
		}
	}
	r := b.ended(b.write("board@contoso.com", "board@contoso.com", "x@example.com").ID)
	if r.State != queue.Failed || !strings.Contains(r.Recipients[0].Reply, "ErrorSendAsDenied") {
		t.Errorf("without permission it is %s: %+v", r.State, r.Recipients)
	}
}
