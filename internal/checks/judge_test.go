package checks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/smtp"
)

// serverOf is a submission server that lets anybody in, with what it offers.
func serverOf(t *testing.T, offers ...string) *smtp.Client {
	t.Helper()
	place := listen(t, func(conn net.Conn) {
		io.WriteString(conn, "220 here\r\n")
		d := newDialog(conn)
		for {
			line, err := d.in.ReadString('\n')
			if err != nil {
				return
			}
			switch {
			case strings.HasPrefix(line, "EHLO"):
				io.WriteString(conn, "250-here\r\n250-"+strings.Join(offers, "\r\n250-")+"\r\n250 DSN\r\n")
			case strings.HasPrefix(line, "QUIT"):
				io.WriteString(conn, "221 bye\r\n")
				return
			default:
				io.WriteString(conn, "250 well\r\n")
			}
		}
	})
	c := &smtp.Client{Host: "localhost", Port: int(place.Port()), TLS: smtp.Plaintext}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWhatTheClientDecidesItselfIsNoFaultOfTheNetwork(t *testing.T) {
	small := serverOf(t, "SIZE 64")
	text := "From: <a@contoso.com>\r\n\r\n" + strings.Repeat("x", 200) + "\r\n"
	_, tooLarge := small.Submit(t.Context(), &smtp.Message{From: "a@contoso.com", To: []smtp.Recipient{{Address: "b@contoso.com"}},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	open := serverOf(t, "SIZE")
	open.Auth = func(context.Context, *smtp.Error) (sasl.Client, error) {
		return smtp.XOAUTH2("a@contoso.com", "token"), nil
	}
	withoutTLS := open.Ready(t.Context())
	elsewhere := &smtp.Client{Host: "smtp.contoso.com", Port: 25, TLS: smtp.Plaintext}
	toElsewhere := elsewhere.Ready(t.Context())
	bare := serverOf(t, "SIZE")
	bare.TLS = smtp.STARTTLS
	noSTARTTLS := bare.Ready(t.Context())
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, scheme := http.Get(strings.Replace(plain.URL, "http:", "https:", 1) + "/a/very/long/path?with=query")

	auth := func(text string) error {
		return &smtp.Error{Op: smtp.OpAUTH, Server: "here:587", Err: errors.New(text)}
	}
	for name, c := range map[string]struct {
		err     error
		finding string
	}{
		"a message that is too large":     {tooLarge, "too-large"},
		"a secret without TLS":            {withoutTLS, "settings-invalid"},
		"mail to another without TLS":     {toElsewhere, "settings-invalid"},
		"no STARTTLS":                     {noSTARTTLS, "starttls-missing"},
		"no XOAUTH2":                      {auth("the server does not offer XOAUTH2; it offers LOGIN"), "mechanism-not-offered"},
		"a password that was refused":     {auth("the password was refused"), "password-refused"},
		"a message that cannot be read":   {&smtp.Error{Op: smtp.OpRead, Err: io.ErrUnexpectedEOF}, unrecognised},
		"HTTP where TLS was expected":     {scheme, "tls-expected"},
		"an endless answer":               {&authcode.Error{HTTPStatus: 200, Err: errors.New("it answered more than 1048576 bytes")}, "proxy-page"},
		"an endless answer, looked at":    {&url.Error{Op: "Get", URL: "https://login.contoso.com/x", Err: errTooLong}, "proxy-page"},
		"a failure of the authority":      {&authcode.Error{HTTPStatus: 502, Err: errors.New("it answered text/html")}, "authority-unavailable"},
		"Graph without an answer":         {&graph.Error{Op: graph.OpSend, Host: "graph.contoso.com", Err: io.EOF}, "connection-closed"},
		"a lost connection":               {&smtp.Error{Op: smtp.OpMAIL, Server: "here:587", Err: errReset}, "connection-reset"},
		"something that nobody knows":     {errors.New("the moon is full"), unrecognised},
		"something unknown of a session":  {&smtp.Error{Op: smtp.OpEHLO, Server: "here:587", Err: errors.New("the moon is full")}, unrecognised},
		"a message that was perhaps sent": {&smtp.Error{Op: smtp.OpDATA, Server: "here:587", Unknown: true, Err: io.EOF}, "unknown-outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.err == nil {
				t.Fatal("there is no error")
			}
			j := judge(c.err)
			if j.finding != c.finding || j.reply != "" || j.words == "" {
				t.Errorf("%+v of %v", j, c.err)
			}
			if strings.Contains(j.words, "https://") {
				t.Errorf("the words have an address: %s", j.words)
			}
		})
	}
}

func TestTheReplyIsWhatTheServerSaidAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		err   error
		reply string
	}{
		{fmt.Errorf("account main: %w", &graph.Error{Op: graph.OpSend, Host: "graph.microsoft.com", Status: 403, Code: "ErrorSendAsDenied", Message: "The user account\r\nhas no right", RequestID: "1"}),
			"ErrorSendAsDenied: The user account has no right"},
		{fmt.Errorf("account main: %w", &smtp.Error{Op: smtp.OpDATA, Server: "here:587", Code: 554, Enhanced: "5.2.252", Text: "5.2.252 SendAsDenied; \x1b[31msvc"}), "554 5.2.252 SendAsDenied; [31msvc"},
		{&authcode.Error{Code: "invalid_grant", Description: "AADSTS50173: The grant expired.\r\nTrace ID: 1", AADSTS: 50173}, "invalid_grant: AADSTS50173: The grant expired. Trace ID: 1"},
	} {
		if j := judge(c.err); j.reply != c.reply || j.words != "" {
			t.Errorf("%+v, want %q", j, c.reply)
		}
	}
}

func TestAnUnknownOutcomeIsNoFailure(t *testing.T) {
	s := setupOf(t, own(t, closedPort(t)), nil)
	s.SendTest = func(context.Context) (Sent, error) {
		return Sent{}, &smtp.Error{Op: smtp.OpDATA, Server: "here:587", Unknown: true, Err: io.EOF}
	}
	result := newRun(s, Options{}).testEmail(t.Context())
	want(t, result, Warn, "unknown-outcome", "it may have been sent", "look into the Inbox")
	if strings.Contains(result.Fix, "queue") || result.Command != "" {
		t.Errorf("the test email is in no queue: %+v", result)
	}
}

func TestANetworksFaultNamesTheServerThatWasAsked(t *testing.T) {
	s := setupOf(t, microsoft(t, func(a *account.Account) { a.AuthorityURL = "https://login.contoso.com:8443" }), nil)
	r := newRun(s, Options{})
	result := r.refused(Fail, &authcode.Error{Err: &url.Error{Op: "Post", URL: "https://login.contoso.com:8443/t", Err: errRefused}}, "no token")
	want(t, result, Fail, "connection-refused", "login.contoso.com")
	if strings.Contains(result.Fix+result.Command, "smtp.office365.com 587") || !strings.Contains(result.Command, "8443") {
		t.Errorf("%+v", result)
	}
	place := closedPort(t)
	a := own(t, place)
	port := newRun(setupOf(t, a, nil), Options{}).port(t.Context())
	want(t, port, Fail, "connection-refused", fmt.Sprint(place.Port()))
	if !strings.Contains(port.Command, fmt.Sprint(place.Port())) {
		t.Errorf("the command is %q", port.Command)
	}
}

func TestTextsFromElsewhereSteerNoTerminal(t *testing.T) {
	for in, out := range map[string]string{
		"a\r\nb\tc":                     "a b c",
		"\x1b[31mred\x1b[0m":            "[31mred [0m",
		"bell\a del\x7f csi\u009b31m":   "bell del csi 31m",
		"turned \u202etxt.exe\u202c on": "turned txt.exe on",
		"  müller  ":                    "müller",
	} {
		if got := oneLine(in); got != out {
			t.Errorf("%q is %q, want %q", in, got, out)
		}
	}
}

func TestCommandsAreRightInBothShellsOrNotPrinted(t *testing.T) {
	for value, out := range map[string]string{
		"svc@contoso.com":        "traymail login svc@contoso.com",
		"o'brien@contoso.com":    `traymail login "o'brien@contoso.com"`,
		"two words":              `traymail login "two words"`,
		"a;b":                    `traymail login "a;b"`,
		"müller@contoso.com":     `traymail login "müller@contoso.com"`,
		"":                       "",
		"--force":                "",
		"$(rm -rf)@contoso.com":  "",
		"`id`@contoso.com":       "",
		`a"b`:                    "",
		"a\u201db":               "",
		`a\`:                     "",
		"wow!now":                "",
		"line\nbreak":            "",
		"esc\x1b[0m@contoso.com": "",
	} {
		if got := traymail("login %s", value); got != out {
			t.Errorf("%q: %q, want %q", value, got, out)
		}
	}
}

func TestAHostileNameFromTheDirectoryGetsNoCommand(t *testing.T) {
	r := newRun(setupOf(t, microsoft(t), nil), Options{})
	r.who.alias = "x$(calc)@contoso.com"
	result := r.usernameIsAlias(Fail, "it is an alias")
	if result.Command != "" || !strings.Contains(result.Fix, r.who.alias) {
		t.Errorf("%+v", result)
	}
}

func TestACertificateErrorHasNoAddressInItsWords(t *testing.T) {
	address, _ := web(t, says(200, "application/json", "{}"))
	_, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{}}}).Get(address + "/long/path")
	if f := faultOf(err); f.finding != "certificate-unknown-authority" || strings.Contains(f.words, "/long/path") {
		t.Errorf("%+v", f)
	}
}
