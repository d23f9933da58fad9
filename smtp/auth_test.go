package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
)

const refusal = "535 5.7.3 Authentication unsuccessful [FAKE 2026-01-09T16:12:30.678Z 08DE4F6D4916B5B3]"

func TestMechanisms(t *testing.T) {
	microsofts := "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ=="
	tests := []struct {
		name    string
		mech    sasl.Client
		initial string
	}{
		{"XOAUTH2 as Microsoft documents it", XOAUTH2("test@contoso.onmicrosoft.com", "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"), microsofts},
		{"OAUTHBEARER escapes the user name", OAuthBearer("a=b,c@example.com", "tok", "h", 587), encoded("n,a=a=3Db=2Cc@example.com,\x01host=h\x01port=587\x01auth=Bearer tok\x01\x01")},
		{"PLAIN", Plain("user", "pass"), encoded("\x00user\x00pass")},
		{"LOGIN", Login("user", "pass"), encoded("user")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, ir, err := tt.mech.Start(); err != nil || base64.StdEncoding.EncodeToString(ir) != tt.initial {
				t.Errorf("got %q, %v", ir, err)
			}
		})
	}
	for name, mech := range map[string]sasl.Client{"XOAUTH2": XOAUTH2("a\x01", "t"), "OAUTHBEARER": OAuthBearer("a", "t\r\n", "h", 1), "PLAIN": Plain("a\x00b", "p")} {
		if _, _, err := mech.Start(); !errors.Is(err, errControl) {
			t.Errorf("%s starts with control characters: %v", name, err)
		}
	}
}

// Wherever a mechanism is, and however it is printed.
func TestMechanismsPrintNoSecrets(t *testing.T) {
	for _, mech := range []sasl.Client{XOAUTH2("svc", "swordfish"), OAuthBearer("svc", "swordfish", "h", 1), Plain("svc", "swordfish"), Login("svc", "swordfish")} {
		mech.Start()
		inField := struct{ mech sasl.Client }{mech}
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %t %U") {
			for _, v := range []any{mech, inField, &inField, []sasl.Client{mech}, map[string]any{"m": inField}} {
				got := strings.ToLower(fmt.Sprintf(verb, v))
				for _, secret := range []string{"swordfish", fmt.Sprintf("%x", "swordfish"), encoded("swordfish")} {
					if strings.Contains(got, strings.ToLower(secret)) {
						t.Errorf("%s of %T prints %s", verb, v, got)
					}
				}
			}
		}
	}
}

func TestAuthentication(t *testing.T) {
	google := encoded(`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`)
	type script = func(conn int, mech, initial string, ask func(string) string) string
	tests := []struct {
		name    string
		mech    func() sasl.Client
		auth    script
		fails   string // part of the error
		conns   int
		asked   int // calls of Auth
		warmOps string
	}{
		{name: "a long token goes in one line", mech: func() sasl.Client { return XOAUTH2("u", strings.Repeat("t", 9000)) }, auth: func(_ int, _, initial string, _ func(string) string) string {
			if len(initial) < 12000 {
				return "535 5.7.3 not whole"
			}
			return "235 2.7.0 ok"
		}, conns: 1, asked: 1},
		{name: "a token too long for the line is sent when asked for", mech: func() sasl.Client { return XOAUTH2("u", strings.Repeat("t", 9300)) }, auth: func(_ int, _, initial string, ask func(string) string) string {
			if initial != "" || len(ask("")) < 12000 {
				return "535 5.7.3 not asked"
			}
			return "235 2.7.0 ok"
		}, conns: 1, asked: 1},
		{name: "a server that refuses the line is asked for the long form, on a new connection", auth: func(conn int, _, initial string, ask func(string) string) string {
			if initial != "" {
				return "500 5.5.2 Line too long"
			}
			if conn != 2 || ask("") == "" {
				return "535 5.7.3 wrong"
			}
			return "235 2.7.0 ok"
		}, conns: 2, asked: 1},
		{name: "the long form is tried once", auth: func(int, string, string, func(string) string) string { return "501 5.5.124 Invalid XOAUTH2 auth data" },
			fails: "501 5.5.124 Invalid XOAUTH2 auth data", conns: 2, asked: 1},
		{name: "Google's error challenge is answered with an empty line", auth: func(_ int, _, _ string, ask func(string) string) string {
			if got := ask(google); got != "" {
				return "501 5.5.2 expected an empty line"
			}
			return "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials"
		}, fails: "535 5.7.8 Username and Password not accepted. For more information, go to 5.7.8  https://support.google.com", conns: 1, asked: 2},
		{name: "OAUTHBEARER answers its error challenge with AQ==", mech: func() sasl.Client { return OAuthBearer("u", "t", fakeHost, 587) }, auth: func(_ int, _, _ string, ask func(string) string) string {
			if got := ask(google); got != "AQ==" {
				return "501 5.5.2 expected AQ=="
			}
			return "535 5.7.8 really no"
		}, fails: "535 5.7.8 really no", conns: 1, asked: 2},
		{name: "LOGIN answers the prompts, also one for the name again", mech: func() sasl.Client { return Login("user", "pass") }, auth: func(_ int, _, _ string, ask func(string) string) string {
			if ask(encoded("Username:")) != encoded("user") || ask(encoded("Password:")) != encoded("pass") {
				return "535 5.7.3 wrong"
			}
			return "235 2.7.0 ok"
		}, conns: 1, asked: 1},
		{name: "a prompt LOGIN does not know is cancelled", mech: func() sasl.Client { return Login("user", "pass") }, auth: func(_ int, _, _ string, ask func(string) string) string {
			if ask(encoded("Shoe size:")) != "*" {
				return "235 2.7.0 hm"
			}
			return "501 5.7.0 cancelled"
		}, fails: "unexpected server challenge", conns: 1, asked: 1},
		{name: "a refused token is replaced once, on the same connection", auth: func(_ int, _, initial string, _ func(string) string) string {
			if initial != encoded("user=u\x01auth=Bearer 2\x01\x01") {
				return refusal
			}
			return "235 2.7.0 ok"
		}, conns: 1, asked: 2},
		{name: "and not twice", auth: func(int, string, string, func(string) string) string { return refusal }, fails: refusal, conns: 1, asked: 2},
		{name: "nor a third time because the refusal reads like one of the line", auth: func(int, string, string, func(string) string) string { return "535 5.5.4 no" },
			fails: "535 5.5.4 no", conns: 1, asked: 2},
		{name: "a replacement that is not offered is not tried on another connection", mech: func() func() sasl.Client {
			mechs := []sasl.Client{XOAUTH2("u", "t"), sasl.NewAnonymousClient("x")}
			return func() (m sasl.Client) { m, mechs = mechs[0], mechs[1:]; return m }
		}(), auth: func(int, string, string, func(string) string) string { return refusal }, fails: "does not offer ANONYMOUS", conns: 1, asked: 2},
		{name: "a server that never stops asking is left", auth: func(_ int, _, _ string, ask func(string) string) string {
			for range 20 {
				ask("")
			}
			return "235 2.7.0 ok"
		}, fails: "after 5 answers the server still asks", conns: 1, asked: 1},
		{name: "a server that hangs up after the refusal gets a new connection", auth: func(conn int, _, initial string, _ func(string) string) string {
			switch {
			case conn == 1 && initial == encoded("user=u\x01auth=Bearer 1\x01\x01"):
				return refusal
			case conn == 1:
				return drop
			}
			return "235 2.7.0 ok"
		}, conns: 2, asked: 2},
		{name: "a temporary failure is not a refusal", auth: func(int, string, string, func(string) string) string {
			return "454 4.7.0 Temporary authentication failure"
		},
			fails: "454 4.7.0", conns: 1, asked: 1},
		{name: "a mechanism that is not offered", mech: func() sasl.Client { return sasl.NewAnonymousClient("x") }, fails: "does not offer ANONYMOUS; it offers LOGIN, XOAUTH2", conns: 1, asked: 1},
		{name: "a challenge that is not base64", auth: func(_ int, _, _ string, ask func(string) string) string {
			ask("%%%")
			return "501 5.5.2 cancelled"
		}, fails: "illegal base64", conns: 1, asked: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := (&fake{auth: tt.auth}).start(t)
			c, _ := f.client(t)
			asked := 0
			c.Auth = func(_ context.Context, refused *Error) (sasl.Client, error) {
				if asked++; (refused != nil) != (asked > 1) || refused != nil && refused.Code != 535 {
					t.Errorf("call %d of Auth gets %v", asked, refused)
				}
				if tt.mech != nil {
					return tt.mech(), nil
				}
				return XOAUTH2("u", string(rune('0'+asked))), nil
			}
			_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
			if tt.fails == "" && err != nil {
				t.Error(err)
			}
			if tt.fails != "" {
				e := failure(t, err)
				if e.Op != OpAUTH || !e.Connection() || e.Temporary() != (e.Code == 454) || !strings.Contains(e.Error(), tt.fails) {
					t.Errorf("got %+v: %v", e, e)
				}
			}
			if f.connections() != tt.conns || asked != tt.asked {
				t.Errorf("%d connections, want %d; %d calls of Auth, want %d", f.connections(), tt.conns, asked, tt.asked)
			}
		})
	}
}

func TestTheLongFormIsRemembered(t *testing.T) {
	f := (&fake{auth: func(_ int, _, initial string, ask func(string) string) string {
		if initial != "" {
			return "500 5.5.2 Line too long"
		}
		ask("")
		return "235 2.7.0 ok"
	}}).start(t)
	c, _ := f.client(t)
	c.Auth = xoauth2Auth
	for want := 2; want < 4; want++ {
		if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
			t.Fatal(err)
		}
		if f.connections() != want {
			t.Errorf("%d connections, want %d", f.connections(), want)
		}
		dropIdle(t, c, f)
	}
}

func TestATokenIsFetchedWhileTheConnectionIsMade(t *testing.T) {
	greeted := make(chan struct{})
	var once sync.Once
	f := (&fake{reply: func(_ int, line string) string {
		if strings.HasPrefix(line, "EHLO") {
			once.Do(func() { close(greeted) })
		}
		return ""
	}}).start(t)
	c, _ := f.client(t)
	c.Auth = func(ctx context.Context, refused *Error) (sasl.Client, error) {
		<-greeted
		return xoauth2Auth(ctx, refused)
	}
	if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if n := f.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAConnectionThatWaitsLongForATokenIsMadeAnew(t *testing.T) {
	t.Parallel()
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	c.Timeout = time.Second
	c.Auth = func(ctx context.Context, refused *Error) (sasl.Client, error) {
		time.Sleep(3 * c.Timeout) // it is the time that matters
		f.hangUp()                // as a server does that was kept waiting
		return xoauth2Auth(ctx, refused)
	}
	if _, err := c.Submit(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	if n := f.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestWithoutATokenTheConnectionIsLeftAtOnce(t *testing.T) {
	f := (&fake{}).start(t)
	c, _ := f.client(t)
	signIn := errors.New("sign in again")
	c.Auth = func(context.Context, *Error) (sasl.Client, error) { return nil, signIn }
	_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); e.Op != OpAUTH || !errors.Is(e, signIn) {
		t.Errorf("got %v", e)
	}
	f.ln.Close()
	f.wg.Wait() // what the server still has ends by itself
}

func TestAnAuthCallbackThatFailsKeepsTheRefusal(t *testing.T) {
	f := (&fake{auth: func(int, string, string, func(string) string) string { return refusal }}).start(t)
	c, _ := f.client(t)
	signIn := errors.New("sign in again")
	c.Auth = func(_ context.Context, refused *Error) (sasl.Client, error) {
		if refused != nil {
			return nil, signIn
		}
		return XOAUTH2("u", "t"), nil
	}
	_, err := c.Submit(t.Context(), message(hello, "a@example.com"))
	if e := failure(t, err); !errors.Is(e, signIn) || e.Code != 535 || !strings.Contains(e.Error(), "5.7.3 Authentication unsuccessful") {
		t.Errorf("got %v", e)
	}
}

func TestWireLogHidesSecretsAndBodies(t *testing.T) {
	f := (&fake{auth: func(_ int, mech, _ string, ask func(string) string) string {
		ask(encoded("Username:"))
		ask(encoded("Password:"))
		return "235 2.7.0 ok"
	}}).start(t)
	c, _ := f.client(t)
	var log strings.Builder
	c.WireLog = &log
	c.Auth = func(context.Context, *Error) (sasl.Client, error) { return Login("user", "swordfish"), nil }
	if _, err := c.Submit(t.Context(), message("Subject: private\n\nsecret plans\n", "a@example.com")); err != nil {
		t.Fatal(err)
	}
	got := log.String()
	for _, s := range []string{"swordfish", encoded("swordfish"), encoded("user"), "private", "secret plans"} {
		if strings.Contains(got, s) {
			t.Errorf("%q is in the log", s)
		}
	}
	golden(t, "wirelog", got)
}
