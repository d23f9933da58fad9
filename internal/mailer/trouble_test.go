package mailer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/queue"
	"traymail/internal/relay"
	"traymail/keystore"
	"traymail/smtp"
)

func TestTroubleIsTheAccountsOrTheMessages(t *testing.T) {
	a := &account.Account{Name: "main", Username: "svc@contoso.com", Sender: "svc@contoso.com"}
	refusal := func(op, reply string) *smtp.Error {
		var code int
		fmt.Sscan(reply, &code)
		return &smtp.Error{Op: op, Code: code, Text: reply[4:]}
	}
	const other = "board@contoso.com"
	tests := []struct {
		name string
		err  error
		from string
		want trouble
	}{
		{"not signed in", authcode.ErrNotSignedIn, "", trouble{cause: CauseSignIn}},
		{"a sign-in that ended", &smtp.Error{Op: smtp.OpAUTH, Err: &authcode.Error{Code: "invalid_grant"}}, "", trouble{cause: CauseSignIn}},
		{"an identity provider that rests", &authcode.Error{Code: "temporarily_unavailable", RetryAfter: time.Minute}, "", trouble{cause: CauseNetwork, after: time.Minute}},
		{"a wrong client ID", &authcode.Error{Code: "unauthorized_client", AADSTS: 700016}, "", trouble{cause: CauseSettings}},
		{"a locked keychain", fmt.Errorf("x: %w", keystore.ErrUnavailable), "", trouble{cause: CauseKeystore}},
		{"an account that was removed", account.ErrNotFound, "", trouble{cause: CauseSettings}},
		{"no network", &smtp.Error{Op: smtp.OpDial, Err: errors.New("network is unreachable")}, "", trouble{cause: CauseNetwork}},
		{"a server that is busy at the door", refusal(smtp.OpGreeting, "421 4.3.2 Service not available"), "", trouble{cause: CauseNetwork}},
		{"SMTP AUTH is off", refusal(smtp.OpAUTH, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."), "", trouble{cause: CauseProvider}},
		{"sign-in is refused for now", refusal(smtp.OpAUTH, "454 4.7.0 Temporary authentication failure"), "", trouble{cause: CauseNetwork}},
		{"too many sessions", refusal(smtp.OpDATA, "432 4.3.2 Concurrent connections limit exceeded."), "", trouble{cause: CauseThrottle}},
		{"too fast", refusal(smtp.OpMAIL, "421 4.4.2 Message submission rate for this client has exceeded the configured limit"), "", trouble{cause: CauseThrottle}},
		{"the day's recipients are used up", refusal(smtp.OpDATA, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"), "", trouble{cause: CauseQuota, rest: time.Hour}},
		{"a full mailbox", refusal(smtp.OpDATA, "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"), "", trouble{cause: CauseProvider, rest: 15 * time.Minute}},
		{"blocked for spam", refusal(smtp.OpDATA, "550 5.1.8 Access denied, bad outbound sender"), "", trouble{cause: CauseProvider, rest: 15 * time.Minute}},
		{"the own sender is not permitted", refusal(smtp.OpDATA, "554 5.2.252 SendAsDenied; x"), a.Sender, trouble{cause: CauseProvider, rest: 15 * time.Minute}},
		{"another sender is not permitted", refusal(smtp.OpDATA, "554 5.2.252 SendAsDenied; x"), other, trouble{permanent: true}},
		{"blocked in shorter words", refusal(smtp.OpDATA, "550 5.1.8 Access denied"), "", trouble{cause: CauseProvider, rest: 15 * time.Minute}},
		{"too fast, in other words", refusal(smtp.OpMAIL, "421 4.7.0 Message submission rate exceeded"), "", trouble{cause: CauseThrottle}},
		{"a recipient's mailbox that is full", refusal(smtp.OpRCPT, "554 5.2.2 mailbox full (user@fabrikam.com has exceeded quota)"), "", trouble{permanent: true}},
		{"another server's full mailbox", refusal(smtp.OpDATA, "554 5.2.2 mailbox full"), "", trouble{permanent: true}},
		{"a sentence that is quoted", refusal(smtp.OpDATA, "550 5.7.1 Message rejected: content 'basic authentication is disabled' not allowed"), "", trouble{permanent: true}},
		{"an address that is not accepted from", refusal(smtp.OpDATA, "550 5.7.1 Traffic not accepted from this IP"), "", trouble{permanent: true}},
		{"another server's threshold", refusal(smtp.OpDATA, "550 5.7.1 Access denied, your tenant has exceeded threshold"), "", trouble{permanent: true}},
		{"another server's rule for senders", refusal(smtp.OpDATA, "550 5.7.1 You are not allowed to send as <x>"), a.Sender, trouble{permanent: true}},
		{"a recipient's own limit", refusal(smtp.OpRCPT, "550 5.4.6 exceeded 100 recipients per day"), "", trouble{permanent: true}},
		{"a rate that is refused for good", refusal(smtp.OpDATA, "552 Message submission rate exceeded the configured limit"), "", trouble{permanent: true}},
		{"a recipient that is not there", refusal(smtp.OpRCPT, "550 5.1.1 no such user"), "", trouble{permanent: true}},
		{"a passing trouble", refusal(smtp.OpDATA, "451 4.7.0 Temporary server error"), "", trouble{}},
		{"a session that was lost under the message", &smtp.Error{Op: smtp.OpDATA, Err: errors.New("reset")}, "", trouble{}},
		{"an answer that never came", &smtp.Error{Op: smtp.OpDATA, Unknown: true, Err: errors.New("reset")}, "", trouble{}},
		{"a message that no server can take", &smtp.Error{Op: smtp.OpMessage, Err: errors.New("SMTPUTF8")}, "", trouble{permanent: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := troubleOf(about(a, tt.err), a, tt.from); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTroubleOfOneMailboxIsNotThatOfAllMailboxes(t *testing.T) {
	const own, other = "svc@contoso.com", "board@contoso.com"
	app := &account.Account{Name: "main", Username: own, Sender: own, SignIn: account.AppOnly, Mailbox: account.FromMailbox}
	password := &account.Account{Name: "main", Username: own, Sender: own, SignIn: account.PasswordSignIn}
	smtpSays := func(op string, code int, text string) error { return &smtp.Error{Op: op, Code: code, Text: text} }
	graphSays := func(status int, code string) error {
		return &graph.Error{Op: graph.OpSend, Status: status, Code: code, Message: "text"}
	}
	rest := trouble{cause: CauseProvider, rest: 15 * time.Minute}
	for name, tt := range map[string]struct {
		account *account.Account
		from    string
		err     error
		want    trouble
	}{
		"a mailbox without permission":             {app, other, smtpSays(smtp.OpAUTH, 535, "5.7.3 Authentication unsuccessful"), trouble{mailbox: true, after: 15 * time.Minute}},
		"the account's own without permission":     {app, own, smtpSays(smtp.OpAUTH, 535, "5.7.3 Authentication unsuccessful"), trouble{cause: CauseProvider}},
		"a mailbox that is full":                   {app, other, smtpSays(smtp.OpDATA, 554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"), trouble{mailbox: true, after: 15 * time.Minute}},
		"the account's own that is full":           {app, own, smtpSays(smtp.OpDATA, 554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"), rest},
		"a tenant that may not send":               {app, other, smtpSays(smtp.OpDATA, 550, "5.7.705 Access denied, tenant has exceeded threshold"), rest},
		"a password that was refused":              {password, own, smtpSays(smtp.OpAUTH, 535, "5.7.139 Authentication unsuccessful, the user credentials were incorrect."), trouble{cause: CauseProvider, rest: time.Hour}},
		"a server that wants a sign-in":            {nil, own, smtpSays(smtp.OpMAIL, 530, "5.7.57 Client not authenticated to send mail"), rest},
		"Graph: a mailbox left out":                {app, other, graphSays(403, "ErrorAccessDenied"), trouble{mailbox: true, after: 15 * time.Minute}},
		"Graph: the account's own left out":        {app, own, graphSays(403, "ErrorAccessDenied"), rest},
		"Graph: no such mailbox":                   {app, other, graphSays(404, "ErrorInvalidUser"), trouble{mailbox: true, after: 15 * time.Minute}},
		"Graph: the day's messages are used up":    {password, own, graphSays(400, "ErrorExceededMessageLimit"), trouble{cause: CauseQuota, rest: time.Hour}},
		"Graph: the own sender is not permitted":   {password, own, graphSays(403, "ErrorSendAsDenied"), rest},
		"Graph: another sender is not permitted":   {password, other, graphSays(403, "ErrorSendAsDenied"), trouble{permanent: true}},
		"Graph: a recipient that is none":          {password, own, graphSays(400, "ErrorInvalidRecipients"), trouble{permanent: true}},
		"Graph: a service that rests":              {password, own, &graph.Error{Op: graph.OpSend, Status: 503, RetryAfter: time.Minute}, trouble{cause: CauseThrottle, after: time.Minute}},
		"Graph: no network":                        {password, own, &graph.Error{Op: graph.OpSend, Err: errors.New("reset")}, trouble{cause: CauseNetwork}},
		"Graph: an answer that never came":         {password, own, &graph.Error{Op: graph.OpSend, Unknown: true, Err: errors.New("reset")}, trouble{hold: true}},
		"Graph: a body that cannot be read":        {password, own, &graph.Error{Op: graph.OpRead, Err: errors.New("the queue is away")}, trouble{}},
		"Graph: a message in no known form":        {password, own, &graph.Error{Op: graph.OpMessage, Err: errors.New("x")}, trouble{permanent: true}},
		"Graph: a token that did not come in time": {password, own, &graph.Error{Op: graph.OpToken, Err: context.DeadlineExceeded}, trouble{cause: CauseNetwork}},
	} {
		if got := troubleOf(tt.err, tt.account, tt.from); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestRepliesAreCountedByTheirCodes(t *testing.T) {
	for reply, want := range map[string]string{
		"250 2.0.0 OK <x@y>":      "250 2.0.0",
		"554 5.2.252 SendAs":      "554 5.2.252",
		"250 OK":                  "250",
		"421":                     "421",
		"no connection to server": "none",
		"":                        "none",
	} {
		if got := replyCode(reply); got != want {
			t.Errorf("replyCode(%q) = %q, want %q", reply, got, want)
		}
	}
}

func TestAThrottledAccountRestsLongerEachTimeUpToAMinute(t *testing.T) {
	b := newBench(t, "")
	if err := b.OpenQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := b.running()
	now := time.Now()
	b.Now = func() time.Time { return now }
	var rests []string
	for range 8 {
		rests = append(rests, e.restUntil("main", 1).Sub(now).String())
	}
	e.restUntil("main", 0)
	rests = append(rests, e.restUntil("main", 1).Sub(now).String())
	if got := strings.Join(rests, " "); got != "2s 4s 8s 16s 32s 1m0s 1m0s 1m0s 2s" {
		t.Errorf("rests %s", got)
	}
}

func TestANoticeGoesToWhoeverCanReceiveIt(t *testing.T) {
	tests := []struct {
		name                             string
		from, returnTo, noticeTo, client string
		want                             string // "" is nobody
	}{
		{"the envelope's sender", "alex@contoso.com", "", "", "scanner", "alex@contoso.com"},
		{"who really sent, behind a forced sender", "svc@contoso.com", "alex@contoso.com", "", "scanner", "alex@contoso.com"},
		{"the notice address, where the sender cannot", "svc@contoso.com", "root@localhost", "ops@contoso.com", "scanner", "ops@contoso.com"},
		{"nobody, where there is no such address", "noreply@contoso.com", "", "", "scanner", ""},
		{"nobody, for the null sender", "", "", "ops@contoso.com", "scanner", ""},
		{"nobody, for a notice", "svc@contoso.com", "", "ops@contoso.com", relay.NoticeClient, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &queue.Message{Envelope: queue.Envelope{From: tt.from}, ReturnTo: tt.returnTo, Client: tt.client}
			if got := noticeTo(m, &account.Account{NoticeTo: tt.noticeTo}); got != tt.want {
				t.Errorf("%q is told, not %q", got, tt.want)
			}
		})
	}
}

func TestLocalUsersAreReplacedByAddressesThatExist(t *testing.T) {
	b := newBench(t, "")
	cron := "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@server> backup\n\nout\n"
	_, err := b.Enqueue(t.Context(), "", Submission{From: "root", ToFromHeader: true, Data: strings.NewReader(cron)})
	if err == nil || !strings.Contains(err.Error(), `"root" is a user of this machine`) || !strings.Contains(Fix(err), "traymail account edit main --notice-to") {
		t.Fatalf("Enqueue = %v, fix %q", err, Fix(err))
	}
	b.account.NoticeTo = "ops@contoso.com"
	if err := b.Save(t.Context(), b.account, ""); err != nil {
		t.Fatal(err)
	}
	b.Close()
	q, err := b.Enqueue(t.Context(), "", Submission{From: "root", ToFromHeader: true, Data: strings.NewReader(cron)})
	if err != nil || strings.Join(q.Recipients, " ") != "ops@contoso.com" {
		t.Fatalf("Enqueue = %+v, %v", q, err)
	}
	r, err := b.Message(t.Context(), q.ID)
	if err != nil || r.From != "svc@contoso.com" {
		t.Errorf("the envelope's sender is %q, %v", r.From, err)
	}
}

func TestTheAccountFollowsFromTheSender(t *testing.T) {
	b := newBench(t, "")
	for name, senders := range map[string][]string{"lists": {"board@contoso.com", "@fabrikam.com"}, "other": {"@else.com"}} {
		a := *account.New(name)
		a.Username, a.ClientID, a.Senders = name+"@contoso.com", b.account.ClientID, senders
		if err := b.Save(t.Context(), a, ""); err != nil {
			t.Fatal(err)
		}
	}
	for address, want := range map[string]string{
		"svc@contoso.com": "main", "BOARD@contoso.com": "lists", "x@Fabrikam.com": "lists", "x@else.com": "other", "other@contoso.com": "other",
	} {
		if got, err := b.forSender(address); got != want || err != nil {
			t.Errorf("forSender(%s) = %q, %v", address, got, err)
		}
	}
	if got, err := b.forSender("x@nowhere.com"); err == nil {
		t.Errorf("a stranger is sent by %s", got)
	}
	b.settings("[relay]\ndefault_account = \"other\"\n")
	if got, err := b.forSender("x@nowhere.com"); got != "other" || err != nil {
		t.Errorf("by default %q, %v", got, err)
	}
}

func TestSettingsRefuse(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a password in the connection string":      {"[queue]\npostgresql = \"host=db user=x password=secret-1\"\n", "traymail.toml:2: queue.postgresql: holds a password"},
		"a password in the connection's URL":       {"[queue]\npostgresql = \"postgres://x:secret-1@db/mail\"\n", "traymail.toml:2: queue.postgresql: holds a password"},
		"a connection string that is none":         {"[queue]\npostgresql = \"port=x\"\n", "traymail.toml:2: queue.postgresql"},
		"a duration that is none":                  {"[queue]\nexpire = \"5 days\"\n", "traymail.toml:2"},
		"a negative number":                        {"[relay]\nmax_recipients = -1\n", "traymail.toml:2: relay.max_recipients: -1 is negative"},
		"a key that two sections have":             {"[relay]\nmax_size_mb = 10\n[queue]\nmax_size_mb = -1\n", "traymail.toml:4: queue.max_size_mb: -1 is negative"},
		"a host name with a dot at its end":        {"[relay]\nhostname = \"mail.contoso.com.\"\n", "traymail.toml:2: relay.hostname"},
		"a certificate without its key":            {"[[listener]]\nname = \"x\"\naddress = \"127.0.0.1:0\"\ncert_file = \"c.pem\"\n", "traymail.toml:4: listener.cert_file"},
		"a network that is none":                   {"[[listener]]\nname = \"x\"\naddress = \"127.0.0.1:0\"\nnetworks = [\"everyone\"]\n", "traymail.toml:4"},
		"a default account that does not exist":    {"[relay]\ndefault_account = \"nobody\"\n", `default account "nobody" does not exist`},
		"a listener on every address, without TLS": {"[[listener]]\nname = \"x\"\naddress = \"0.0.0.0:0\"\n", "reachable from other machines"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			b.settings("")
			writeSettings(t, b, tt.text)
			err := b.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret-1") {
				t.Errorf("Start = %v, want %q in it", err, tt.want)
			}
			var f *account.FieldError
			if !errors.As(err, &f) || f.Fix == "" {
				t.Errorf("%T says not what to do: %v", err, err)
			}
		})
	}
}
