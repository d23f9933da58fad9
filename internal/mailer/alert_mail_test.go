package mailer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/relay"
)

// virtual has the program's clock follow the sandbox's, which a test moves.
func (b *bench) virtual() {
	b.Now = func() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }
}

// to sets the clock.
func (b *bench) to(t time.Time) { b.ahead.Store(int64(time.Until(t))) }

// by moves the clock on.
func (b *bench) by(d time.Duration) { b.ahead.Add(int64(d)) }

// check looks for alerts now, and returns the subjects of all mails about any
// that there ever were, in order.
func (b *bench) check() []string {
	b.t.Helper()
	b.running().alerts.check(b.t.Context())
	return b.mails()
}

func (b *bench) mails() []string {
	b.t.Helper()
	list, err := b.Messages(b.t.Context(), Filter{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var subjects []string
	for _, m := range slices.Backward(list) {
		if m.Client == relay.NoticeClient && strings.HasPrefix(m.Subject, "traymail: ") {
			subjects = append(subjects, m.Account+": "+strings.TrimPrefix(m.Subject, "traymail: "))
		}
	}
	return subjects
}

// alertsOf are an account's, as the status has them.
func (b *bench) alertsOf(name string) []string {
	b.t.Helper()
	s, err := b.Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range s.Accounts {
		if a.Name == name {
			list := []string{}
			for _, alert := range a.Alerts {
				list = append(list, fmt.Sprint(alert.Severity, " ", alert.ID))
			}
			return list
		}
	}
	b.t.Fatalf("no account %s", name)
	return nil
}

func (b *bench) want(what string, got []string, want ...string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// delivering has the first account send to a server on loopback without TLS, whose
// certificate does not end however far the clock is moved.
func (b *bench) delivering(port int) {
	b.t.Helper()
	b.account.SMTPHost, b.account.SMTPPort, b.account.SMTPTLS = "127.0.0.1", port, account.NoTLS
	if err := b.Save(b.t.Context(), b.account, ""); err != nil {
		b.t.Fatal(err)
	}
}

// add saves one more account, which nobody is signed in to.
func (b *bench) add(name, username string, change func(*account.Account)) {
	b.t.Helper()
	a := b.account
	a.Name, a.ID, a.Username, a.Sender = name, account.New(name).ID, username, username
	change(&a)
	secret := Secret("")
	if a.HasClientSecret() {
		secret = "x~client-secret-value"
	}
	if err := b.Save(b.t.Context(), a, secret); err != nil {
		b.t.Fatal(err)
	}
}

func TestEachThresholdIsMailedOnceThroughRestarts(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	b.delivering(scripted(t, "", func(string) string { return "" }))
	due := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 40)
	b.add("payroll", "payroll@contoso.com", func(a *account.Account) {
		a.Registration, a.RedirectURL, a.NoticeTo, a.SecretExpires = account.Web, "", "ops@contoso.com", due.Format(time.DateOnly)
	})
	b.to(due.AddDate(0, 0, -31).Add(12 * time.Hour))
	b.start()
	b.check() // from now on it is known that nobody is signed in to payroll
	b.by(20 * time.Minute)
	mails := b.check()
	b.want("31 days before", mails, "main: payroll needs a sign-in")
	for _, step := range []struct {
		days   int
		mailed bool
	}{
		{30, true}, {15, false}, {14, true}, {13, false}, {8, false}, {7, true}, {2, false}, {1, true}, {0, true}, {-3, false},
	} {
		b.to(due.AddDate(0, 0, -step.days).Add(12 * time.Hour))
		memory, err := os.ReadFile(filepath.Join(b.Home, "state", "alerts.json"))
		if err != nil {
			t.Fatal(err)
		}
		if step.mailed {
			mails = append(mails, "main: "+secretEnds.text("payroll", step.days))
		}
		b.want(fmt.Sprintf("%d days before", step.days), b.check(), mails...)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if step.days == 7 { // as after a crash in between: the queue has the mail, the memory has not
			if err := os.WriteFile(filepath.Join(b.Home, "state", "alerts.json"), memory, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.start()
		b.want(fmt.Sprintf("%d days before, after a restart", step.days), b.check(), mails...)
	}
	b.want("three days after", b.alertsOf("payroll"), "urgent secret-expires", "urgent sign-in")
	payroll, _, err := b.Account(t.Context(), "payroll")
	if err != nil {
		t.Fatal(err)
	}
	payroll.SecretExpires = due.AddDate(1, 0, 0).Format(time.DateOnly)
	if err := b.Save(t.Context(), payroll, "x~another-secret"); err != nil {
		t.Fatal(err)
	}
	b.want("with a new secret", b.check(), mails...)
	b.want("with a new secret", b.alertsOf("payroll"), "urgent sign-in")
}

func TestAnAlertLeavesThroughAnotherAccountAndSaysWhatToDo(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	b.add("second", "second@contoso.com", func(a *account.Account) { a.NoticeTo = "ops@contoso.com" })
	b.add("silent", "silent@contoso.com", func(*account.Account) {}) // nobody is to be told
	b.start()
	b.want("at the start", b.check())
	b.want("at the start", b.alertsOf("second"), "urgent sign-in")
	b.want("at the start", b.alertsOf("silent"), "urgent sign-in")
	b.want("at the start", b.alertsOf("main"))
	b.by(16 * time.Minute)
	b.want("after a while", b.check(), "main: second needs a sign-in")
	b.until("mailed", func(Status) bool { return len(b.sandbox.Tenant().Inbox()) == 1 })
	got := b.sandbox.Tenant().Inbox()[0]
	if !slices.Equal(got.To, []string{"ops@contoso.com"}) {
		t.Errorf("it went to %v", got.To)
	}
	m, err := mail.ReadMessage(bytes.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "traymail: second needs a sign-in" || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("From") != "traymail <svc@contoso.com>" {
		t.Errorf("%v: %v", m.Header, err)
	}
	for _, want := range []string{"nobody is signed in", "traymail login second", "came through the account main"} {
		if !strings.Contains(string(got.Data), want) {
			t.Errorf("%q is not in\n%s", want, got.Data)
		}
	}
	b.want("later", b.check(), "main: second needs a sign-in")
}

func TestAnAlertWaitsUntilAnAccountCanSend(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.account.NoticeTo = "ops@contoso.com"
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	b.add("second", "second@contoso.com", func(a *account.Account) { a.NoticeTo = "admin@contoso.com" })
	b.start()
	b.check()
	b.by(16 * time.Minute)
	b.want("without anybody", b.check())
	b.signIn()
	b.want("with one", b.check(), "main: second needs a sign-in")
	b.want("cured", b.alertsOf("main"))
	for _, m := range b.list() {
		if r := b.ended(m.ID); r.State != queue.Delivered {
			t.Errorf("it is %s: %+v", r.State, r.Recipients)
		}
	}
}

func (b *bench) list() []Message {
	b.t.Helper()
	list, err := b.Messages(b.t.Context(), Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func TestAMailThatIsRefusedIsToldToNobody(t *testing.T) {
	b := newBench(t, "")
	b.virtual()
	b.signIn()
	b.add("second", "second@contoso.com", func(a *account.Account) { a.NoticeTo = "nobody@contoso.com" })
	port := scripted(t, "", func(line string) string {
		if strings.HasPrefix(line, "RCPT") {
			return "550 5.1.1 no such user"
		}
		return ""
	})
	b.delivering(port)
	b.start()
	b.check()
	b.by(16 * time.Minute)
	b.want("queued", b.check(), "main: second needs a sign-in")
	if r := b.ended(b.list()[0].ID); r.State != queue.Failed {
		t.Errorf("it is %s", r.State)
	}
	b.by(time.Hour)
	b.want("an hour later", b.check(), "main: second needs a sign-in")
	if n := len(b.list()); n != 1 {
		t.Errorf("the queue has seen %d messages", n)
	}
}

func TestNoticesOfAnAccountThatWaitsForAPersonLeaveThroughAnother(t *testing.T) {
	for domain, whole := range map[string]bool{"contoso.com": true, "fabrikam.com": false} {
		t.Run(domain, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.virtual()
			b.signIn()
			b.add("second", "second@contoso.com", func(a *account.Account) { a.Sender = "second@" + domain })
			b.start()
			_, err := b.Enqueue(t.Context(), "second", Submission{From: "alex@contoso.com", To: []string{"ops@contoso.com"}, Return: "FULL",
				Data: strings.NewReader("Subject: hello\r\n\r\nthe body\r\n")})
			if err != nil {
				t.Fatal(err)
			}
			b.until("in need of a sign-in", func(s Status) bool { return s.Accounts[1].Cause == CauseSignIn })
			b.by(5 * time.Hour)
			b.until("told that it is late", func(Status) bool { return len(b.sandbox.Tenant().Inbox()) == 1 })
			got := b.sandbox.Tenant().Inbox()[0]
			text := string(got.Data)
			if !slices.Equal(got.To, []string{"alex@contoso.com"}) || !strings.Contains(text, "From: Mail delivery via traymail <svc@contoso.com>") || !strings.Contains(text, "no sign-in is stored") {
				t.Errorf("%v got\n%s", got.To, text)
			}
			b.by(6 * 24 * time.Hour)
			b.until("told that it failed", func(Status) bool { return len(b.sandbox.Tenant().Inbox()) == 2 })
			last := string(b.sandbox.Tenant().Inbox()[1].Data)
			if strings.Contains(last, "the body") != whole { // another organisation's server need not see it
				t.Errorf("the message itself is in it: %v, want %v", !whole, whole)
			}
		})
	}
}

func TestTheRouteOfAMailAboutAnAccount(t *testing.T) {
	b := newBench(t, "")
	for name, username := range map[string]string{"payroll": "a@fabrikam.com", "alerts": "b@contoso.com", "zebra": "c@fabrikam.com"} {
		b.add(name, username, func(*account.Account) {})
	}
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := b.running().alerts
	l.unsigned["main"] = true
	for _, tt := range []struct {
		ready  string
		unable bool
		want   string
	}{
		{"payroll alerts zebra main", false, "payroll"},
		{"payroll alerts zebra main", true, "zebra"},
		{"payroll alerts main", true, "alerts"},
		{"payroll main", true, "payroll"},
		{"alerts zebra", false, "zebra"},
		{"main", false, ""},
		{"", true, ""},
	} {
		var accounts []AccountStatus
		for _, name := range []string{"alerts", "gone", "main", "payroll", "zebra"} {
			s := AccountStatus{Name: name, State: Paused}
			if slices.Contains(strings.Fields(tt.ready), name) {
				s.State = Ready
			}
			accounts = append(accounts, s)
		}
		got := ""
		if a := l.route(accounts, "payroll", tt.unable); a != nil {
			got = a.Name
		}
		if got != tt.want {
			t.Errorf("of %q, unable %v: %q, want %q", tt.ready, tt.unable, got, tt.want)
		}
	}
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, r.Level.String()+" "+r.Message)
	return nil
}

func (l *lines) count(line string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.said {
		if s == line {
			n++
		}
	}
	return n
}

func TestAnAlertIsLoggedWhenItBeginsGetsGraverAndEnds(t *testing.T) {
	b := newBench(t, "")
	log := &lines{}
	b.Logger = slog.New(log)
	b.virtual()
	b.signIn()
	due := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 40)
	legacy := account.Account{}
	b.add("legacy", "legacy@contoso.com", func(a *account.Account) {
		// An application, which has no sign-in that the program would try meanwhile.
		a.SignIn, a.Registration, a.RedirectURL, a.Credential, a.SecretExpires = account.AppOnly, "", "", account.SecretCredential, due.Format(time.DateOnly)
		a.SMTPScope, a.GraphScope, a.From = "", "", ""
		legacy = *a
	})
	for i, step := range []struct{ days, warnings, infos int }{{31, 0, 0}, {30, 1, 0}, {20, 1, 0}, {14, 2, 0}, {7, 2, 0}, {1, 3, 0}, {0, 3, 0}} {
		day := due.AddDate(0, 0, -step.days).Add(12 * time.Hour)
		b.to(day)
		if i == 0 {
			b.start()
		}
		b.check()
		if w, n := log.count("WARN alert"), log.count("INFO an alert is over"); w != step.warnings || n != step.infos {
			t.Errorf("%d days before: %d warnings, %d infos", step.days, w, n)
		}
	}
	legacy.SecretExpires = ""
	if err := b.Save(t.Context(), legacy, ""); err != nil {
		t.Fatal(err)
	}
	b.check()
	if n := log.count("INFO an alert is over"); n != 1 {
		t.Errorf("%d alerts are over", n)
	}
}

// signedInAs stores a refresh token of an account, which is none of the sandbox's.
func (b *bench) signedInAs(id string) {
	b.t.Helper()
	if err := b.Secrets.Set(b.t.Context(), id+"/refresh-token", "a-refresh-token-of-somebody"); err != nil {
		b.t.Fatal(err)
	}
}
