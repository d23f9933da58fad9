package checks

import (
	"errors"
	"strings"
	"testing"

	"traymail/internal/account"
	"traymail/internal/sandbox"
)

func TestConfigurationSaysHowTheAccountSends(t *testing.T) {
	b := newTenant(t, sandbox.Options{})
	for name, c := range map[string]struct {
		account account.Account
		words   string
	}{
		"a person":       {b.person(t), "svc@contoso.com signs in in the browser"},
		"an application": {b.application(t), "by itself with a client secret and sends as svc@contoso.com, over SMTP (localhost:"},
		"a password":     {own(t, closedPort(t)), "with a password"},
		"over Graph":     {b.person(t, func(a *account.Account) { a.Transport = account.Graph }), "over Microsoft Graph"},
		"over either":    {b.person(t, func(a *account.Account) { a.Transport = account.Auto }), "when SMTP AUTH is off"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, newRun(setupOf(t, c.account, nil), Options{}).configuration(t.Context()), Pass, "", c.words)
		})
	}
}

func TestConfigurationPassesOnWhatIsWrongWithTheAccount(t *testing.T) {
	s := setupOf(t, own(t, closedPort(t)), nil)
	s.Invalid = &account.FieldError{File: "main.toml", Line: 3, Key: "tenant", Text: `"x y" is neither a tenant ID nor a domain`, Fix: "copy the Directory (tenant) ID"}
	want(t, newRun(s, Options{}).configuration(t.Context()), Fail, "settings-invalid", "main.toml:3: tenant", "copy the Directory (tenant) ID")

	s.Invalid = &account.FieldError{Key: "client secret", Text: "is missing", Fix: "store its Value: traymail account edit {account} --secret-stdin"}
	s.SecretMissing = true
	want(t, newRun(s, Options{}).configuration(t.Context()), Fail, "secret-not-stored", "client secret: is missing", "traymail account edit main --secret-stdin")

	s.Invalid, s.SecretMissing = errors.New("the file cannot be read"), false
	results := Run(t.Context(), s, Options{NoSend: true}, nil)
	want(t, results[0], Fail, "settings-invalid", "the file cannot be read")
	for _, r := range results[1:5] {
		want(t, r, Skip, "", "depends on configuration")
	}
}

func TestConfigurationWarnsOfWhatHardlyEverWorks(t *testing.T) {
	at := func(port int, tls account.SMTPTLS) account.Account {
		return own(t, closedPort(t), func(a *account.Account) { a.SMTPPort, a.SMTPTLS = port, tls })
	}
	ms := func(change func(*account.Account)) account.Account { return microsoft(t, change) }
	for name, c := range map[string]struct {
		account account.Account
		words   string
	}{
		"STARTTLS on 465":     {at(465, account.STARTTLS), `set smtp_tls = "implicit"`},
		"implicit TLS on 587": {at(587, account.ImplicitTLS), `set smtp_tls = "starttls"`},
		"465 at Microsoft":    {ms(func(a *account.Account) { a.SMTPPort = 465 }), "set smtp_port = 587"},
		"25 at Microsoft":     {ms(func(a *account.Account) { a.SMTPPort = 25 }), "most networks block it"},
		"too fast":            {ms(func(a *account.Account) { a.MessagesPerMinute = 300 }), "30 messages a minute"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(setupOf(t, c.account, nil), Options{}).configuration(t.Context())
			want(t, r, Warn, "settings-odd", c.words)
			if !strings.HasPrefix(r.Command, "traymail account edit main --") {
				t.Errorf("the command is %q", r.Command)
			}
		})
	}
	for name, a := range map[string]account.Account{
		"465 with implicit TLS":     at(465, account.ImplicitTLS),
		"25 at one's own":           at(25, account.STARTTLS),
		"over Graph, whatever port": ms(func(a *account.Account) { a.Transport, a.SMTPPort = account.Graph, 25 }),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, newRun(setupOf(t, a, nil), Options{}).configuration(t.Context()), Pass, "")
		})
	}
}
