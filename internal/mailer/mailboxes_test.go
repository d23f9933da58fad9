package mailer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/sandbox"
)

// write queues a message with a From of its own.
func (b *bench) write(envelope, from, to string) Queued {
	b.t.Helper()
	q, err := b.Enqueue(b.t.Context(), "", Submission{From: envelope, To: []string{to}, Data: strings.NewReader("From: " + from + "\r\nSubject: hello\r\n\r\nbody\r\n")})
	if err != nil {
		b.t.Fatal(err)
	}
	return q
}

// fromMailboxes is a bench whose application sends through the mailbox of each
// message's From.
func fromMailboxes(t *testing.T, transport account.Transport, role string) *bench {
	b := newBench(t, "unpaced").clocks()
	b.application(transport, role, func(a *account.Account) { a.Mailbox = account.FromMailbox })
	return b
}

func TestMessagesOfSeveralMailboxesLeaveThroughTheirOwnSessions(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.SMTP, "SMTP.SendAsApp")
	b.start()
	refused := b.write("board@contoso.com", "board@contoso.com", "x@example.com") // no permission on this one
	for i := range 3 {
		for _, from := range []string{"svc@contoso.com", "Ops@contoso.com"} {
			b.ended(b.write(from, from, fmt.Sprintf("r%d@example.com", i)).ID)
		}
	}
	// A bounce address of its own is not the mailbox's to use.
	differs := b.ended(b.write("bounces@contoso.com", "Operations <ops@contoso.com>", "differs@example.com").ID)
	if differs.State != queue.Delivered {
		t.Errorf("it is %s: %+v", differs.State, differs.Attempts)
	}
	sessions := map[string]int{}
	for _, m := range b.inbox() {
		if was, ok := sessions[m.User]; ok && was != m.Session {
			t.Errorf("%s has sessions %d and %d", m.User, was, m.Session)
		}
		sessions[m.User] = m.Session
		if !strings.EqualFold(m.From, m.User) {
			t.Errorf("%s sent with MAIL FROM:<%s>", m.User, m.From)
		}
	}
	if len(b.inbox()) != 7 || len(sessions) != 2 || sessions["svc@contoso.com"] == sessions["ops@contoso.com"] {
		t.Errorf("%d messages over sessions %v", len(b.inbox()), sessions)
	}
	s, err := b.Status(t.Context())
	if err != nil || s.Accounts[0].State != Ready {
		t.Errorf("one mailbox without permission stops the others: %+v, %v", s.Accounts, err)
	}
	r, err := b.Message(t.Context(), refused.ID)
	if err != nil || r.State != queue.Queued || len(r.Attempts) != 1 || !strings.Contains(r.Attempts[0].Reply, "535 5.7.3") {
		t.Fatalf("the one without permission: %+v, %v", r, err)
	}
	daemon := b.appWith("SMTP.SendAsApp").EnterpriseID
	b.mailbox("board@contoso.com", func(m *sandbox.Mailbox) { m.FullAccess = []string{daemon} })
	if err := b.Change(t.Context(), refused.ID, Retry); err != nil {
		t.Fatal(err)
	}
	if r := b.ended(refused.ID); r.State != queue.Delivered {
		t.Errorf("with permission it is %s: %+v", r.State, r.Attempts)
	}
}

func TestANoticeLeavesThroughTheSendersMailbox(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.SMTP, "SMTP.SendAsApp")
	b.start()
	q, err := b.Enqueue(t.Context(), "", Submission{From: "ops@contoso.com", To: []string{"x@example.com"}, Null: true,
		Data: strings.NewReader("From: ops@contoso.com\r\nSubject: a report\r\n\r\nbody\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.ended(q.ID); r.State != queue.Delivered {
		t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	if m := b.inbox()[0]; m.User != "ops@contoso.com" || m.From != "" {
		t.Errorf("the null sender left as %s through %s", m.From, m.User)
	}
	// What could not be sent in time is told to who wrote it.
	late := b.write("team@contoso.com", "board@contoso.com", "x@example.com")
	b.until("refused once", func(s Status) bool { return s.Accounts[0].Replies["535 5.7.3"] == 1 && s.Accounts[0].Sending == 0 })
	b.pass(6 * 24 * time.Hour)
	if err := b.Change(t.Context(), late.ID, Retry); err != nil {
		t.Fatal(err)
	}
	bad := b.ended(late.ID)
	b.until("told", func(Status) bool { return len(b.inbox()) == 2 })
	notice := b.inbox()[1]
	if bad.State != queue.Failed || notice.User != "svc@contoso.com" || notice.From != "" || notice.To[0] != "team@contoso.com" {
		t.Errorf("of what is %s a notice left through %s from <%s> to %s", bad.State, notice.User, notice.From, notice.To)
	}
	text := strings.Join(strings.Fields(string(notice.Data)), " ")
	if !strings.Contains(text, "New-ServicePrincipal") || strings.Contains(text, "the account that signed in") {
		t.Errorf("the notice says\n%s", notice.Data)
	}
}

func TestManyMailboxesKeepFewSessionsOpen(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.SMTP, "SMTP.SendAsApp")
	daemon := b.appWith("SMTP.SendAsApp").EnterpriseID
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		for i := range 60 {
			t.Mailboxes = append(t.Mailboxes, &sandbox.Mailbox{Address: fmt.Sprintf("m%d@contoso.com", i), Shared: true, FullAccess: []string{daemon}})
		}
	})
	for i := range 60 {
		if _, err := b.Send(t.Context(), "main", Submission{To: []string{"ops@contoso.com"}, Data: strings.NewReader(fmt.Sprintf("From: m%d@contoso.com\r\nSubject: x\r\n\r\nbody\r\n", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.inbox()); n != 60 {
		t.Errorf("%d messages arrived", n)
	}
	w, err := b.sender(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if n := w.sessions(); n > manyMailboxes || n == 0 {
		t.Errorf("%d sessions are open", n)
	}
	if _, warm := w.ways["m59@contoso.com"]; !warm {
		t.Error("the mailbox used last was let go")
	}
}

func TestEveryMessageLeavesAsTheSenderAndComesBackToWhoWroteIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, "no-8bitmime")
	b.application(account.SMTP, "SMTP.SendAsApp", func(a *account.Account) { a.Sender, a.Username = "ops@contoso.com", "ops@contoso.com" })
	if b.account.Mailbox != account.SenderMailbox || b.account.From != account.ForceFrom {
		t.Fatalf("an application has mailbox %s and from %s by default", b.account.Mailbox, b.account.From)
	}
	b.start()
	if r := b.ended(b.write("board@contoso.com", "board@contoso.com", "x@example.com").ID); r.State != queue.Delivered {
		t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	m := b.inbox()[0]
	if m.User != "ops@contoso.com" || m.From != "ops@contoso.com" || !strings.Contains(string(m.Data), "<ops@contoso.com>") || strings.Contains(string(m.Data), "From: board@contoso.com") {
		t.Errorf("it left through %s from %s as\n%s", m.User, m.From, m.Data)
	}
	q, err := b.Enqueue(t.Context(), "", Submission{From: "board@contoso.com", To: []string{"x@example.com"}, Return: "HDRS",
		Data: strings.NewReader("From: board@contoso.com\r\nSubject: hello\r\n\r\nnot for a server without 8BITMIME: \xe9\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	if r := b.ended(q.ID); r.State != queue.Failed {
		t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	b.until("told", func(Status) bool { return len(b.inbox()) == 2 })
	if m := b.inbox()[1]; m.User != "ops@contoso.com" || m.To[0] != "board@contoso.com" {
		t.Errorf("the notice left through %s to %s", m.User, m.To)
	}
}

// alert is one of the first account's.
func (b *bench) alert(id string) Alert {
	b.t.Helper()
	s, err := b.Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range s.Accounts[0].Alerts {
		if a.ID == id {
			return a
		}
	}
	return Alert{}
}

func TestAMailboxThatIsRefusedIsAnAlertUntilItSendsOrIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.SMTP, "SMTP.SendAsApp")
	b.start()
	refused := b.write("board@contoso.com", "board@contoso.com", "x@example.com")
	b.until("refused", func(s Status) bool { return s.Accounts[0].Replies["535 5.7.3"] == 1 && s.Accounts[0].Sending == 0 })
	r, err := b.Message(t.Context(), refused.ID)
	if err != nil || r.Next.Sub(r.Attempts[0].Finished) < mailboxRest-time.Second {
		t.Errorf("it is tried again at %v, %v", r.Next, err)
	}
	a := b.alert(AlertMailbox)
	if a.Severity != AlertWarning || !strings.Contains(a.Summary, "cannot send through board@contoso.com") || !strings.Contains(a.Summary, "535 5.7.3") ||
		!strings.Contains(a.Fix, "into the mailbox board@contoso.com") || strings.Contains(a.Fix, "svc@") {
		t.Errorf("the alert is %+v", a)
	}
	if r := b.ended(b.write("ops@contoso.com", "ops@contoso.com", "x@example.com").ID); r.State != queue.Delivered || b.alert(AlertMailbox).ID == "" {
		t.Errorf("what another mailbox delivers (%s) ends the alert", r.State)
	}
	b.pass(mailboxPatience + time.Minute)
	if a := b.alert(AlertMailbox); a.ID != "" {
		t.Errorf("left alone there is still %+v", a)
	}
	if err := b.Change(t.Context(), refused.ID, Retry); err != nil {
		t.Fatal(err)
	}
	b.until("refused again", func(Status) bool { return b.alert(AlertMailbox).ID != "" })
	daemon := b.appWith("SMTP.SendAsApp").EnterpriseID
	b.mailbox("board@contoso.com", func(m *sandbox.Mailbox) { m.FullAccess = []string{daemon} })
	b.until("queued again", func(s Status) bool { return s.Accounts[0].Sending == 0 })
	if err := b.Change(t.Context(), refused.ID, Retry); err != nil {
		t.Fatal(err)
	}
	if r := b.ended(refused.ID); r.State != queue.Delivered {
		t.Fatalf("it is %s: %+v", r.State, r.Attempts)
	}
	if a := b.alert(AlertMailbox); a.ID != "" {
		t.Errorf("though it sends there is %+v", a)
	}
}

func TestAMailboxThatGraphLeavesOutIsNamedInTheAlertAndItsReplyCounted(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.Graph, "Mail.Send")
	b.start()
	b.sandbox.Tenant().Change(func(t *sandbox.Tenant) {
		t.AccessPolicies = map[string][]string{b.account.ClientID: {"svc@contoso.com"}}
	})
	b.write("board@contoso.com", "board@contoso.com", "x@example.com")
	b.until("refused", func(s Status) bool { return s.Accounts[0].Replies["403 ErrorAccessDenied"] == 1 })
	if a := b.alert(AlertMailbox); !strings.Contains(a.Fix, "Test-ApplicationAccessPolicy -Identity 'board@contoso.com'") {
		t.Errorf("the alert is %+v", a)
	}
}

func TestOneMailboxWithoutSMTPFallsBackToGraphAlone(t *testing.T) {
	t.Parallel()
	b := fromMailboxes(t, account.Auto, "SMTP.SendAsApp")
	graph := b.appWith("Mail.Send").AppRoles
	b.registration(b.account.ClientID, func(a *sandbox.App) {
		a.AppRoles, a.GrantedRoles = append(a.AppRoles, graph...), append(a.GrantedRoles, graph...)
	})
	off := true
	b.mailbox("ops@contoso.com", func(m *sandbox.Mailbox) { m.SMTPAuthDisabled = &off })
	b.start()
	for i, from := range []string{"ops@contoso.com", "svc@contoso.com", "ops@contoso.com"} {
		if r := b.ended(b.write(from, from, "x@example.com").ID); r.State != queue.Delivered {
			t.Fatalf("from %s it is %s: %+v", from, r.State, r.Attempts)
		}
		if m, want := b.inbox()[i], map[string]string{"ops@contoso.com": "graph", "svc@contoso.com": "smtp"}[from]; m.Over != want {
			t.Errorf("from %s it left over %s", from, m.Over)
		}
	}
	s, err := b.Status(t.Context())
	if a := s.Accounts[0]; err != nil || a.Over != account.SMTP || len(a.InsteadFor) != 1 || a.InsteadFor[0] != "ops@contoso.com" {
		t.Errorf("status %+v, %v", a, err)
	}
	if a := b.alert(AlertOverGraph); !strings.Contains(a.Summary, "from ops@contoso.com") {
		t.Errorf("the alert is %+v", a)
	}
}
