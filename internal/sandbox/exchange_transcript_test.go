package sandbox

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTranscripts replays whole dialogs over TCP and TLS. In the files of
// testdata/exchange, lines that begin with "C: " are sent, consecutive ones in
// one write; those with "S: " are the exact replies; TLS is the handshake;
// EOF is the end of the connection. {xoauth2 USER TOKEN} and {oauthbearer USER
// TOKEN} stand for the client's encoded token, <id> for the session's, <message>
// for the random part of a message's.
func TestTranscripts(t *testing.T) {
	tests := []struct {
		name, file string
		o          exchangeOptions
		provider   Provider
		smtps      bool
		change     func(*Tenant)
	}{
		{name: "a whole session with DATA", file: "data"},
		{name: "a message in one flight with BDAT, then two chunks", file: "bdat"},
		{name: "a token in answer to 334, cancelled and refused before", file: "challenge"},
		{name: "a refused token, and MAIL that repeats the refusal", file: "refused"},
		{name: "a password where basic authentication is off", file: "login-off"},
		{name: "a password where it is on", file: "login-on", change: func(t *Tenant) { t.BasicAuthAllowed = true }},
		{name: "a sender without Send As is refused after the message", file: "sendas"},
		{name: "commands out of order or unknown", file: "errors"},
		{name: "commands before STARTTLS", file: "before-tls"},
		{name: "commands pipelined behind STARTTLS end the session", file: "smuggle-tls"},
		{name: "a dot between bare LFs does not end the message", file: "smuggle-dot"},
		{name: "refused recipients, and BDAT whose octets are swallowed", file: "refused-rcpt"},
		{name: "delivery status and UTF-8 parameters", file: "parameters"},
		{name: "a server without STARTTLS", file: "no-starttls", o: exchangeOptions{NoStartTLS: true}},
		{name: "a server without extensions", file: "no-extensions", o: exchangeOptions{NoPipelining: true, NoChunking: true, No8BitMIME: true}},
		{name: "a token refused as Google does", file: "challenge-334", o: exchangeOptions{Challenge334: true}},
		{name: "a whole session at Google, with tokens refused", file: "google", provider: GoogleGmail},
		{name: "a session at Google that begins with TLS", file: "google-smtps", provider: GoogleGmail, smtps: true},
		{name: "passwords and their mechanisms at Google", file: "google-passwords", provider: GoogleGmail,
			change: func(t *Tenant) { t.BasicAuthAllowed = true }},
		{name: "GCC High", file: "gcc-high", provider: GCCHigh},
		{name: "DoD", file: "dod", provider: DoD},
		{name: "21Vianet", file: "21vianet", provider: China},
		{name: "Outlook.com, with a password and a token", file: "outlook.com", provider: OutlookCom,
			change: func(t *Tenant) { t.BasicAuthAllowed = true }},
		{name: "an app without a user", file: "app-only"},
		{name: "AUTH lines above a limit, then without initial response", file: "long-auth", o: exchangeOptions{AuthLineLimit: 64}},
		{name: "limits of size and of recipients", file: "limits", o: exchangeOptions{SizeLimit: 40, RecipientLimit: 2}},
	}
	used := map[string]bool{}
	for _, test := range tests {
		used[test.file+".txt"] = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant := newExchangeTenant()
			tenant.Provider = test.provider
			if test.change != nil {
				tenant.Change(test.change)
			}
			test.o.Now = func() time.Time { return exchangeNow }
			serve := startExchange
			if test.smtps {
				serve = startSMTPSExchange
			}
			_, address := serve(t, tenant, test.o)
			replay(t, address, filepath.Join("testdata", "exchange", test.file+".txt"))
		})
	}
	files, err := os.ReadDir(filepath.Join("testdata", "exchange"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !used[file.Name()] {
			t.Errorf("%s is not replayed", file.Name())
		}
	}
}

func replay(t *testing.T, address, file string) {
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := newSMTPClient(t, conn)
	var flight strings.Builder
	for i, line := range strings.Split(strings.ReplaceAll(string(script), "\r\n", "\n"), "\n") {
		text, said := strings.CutPrefix(line, "C: ")
		if said {
			text = strings.ReplaceAll(text, "<LF>", "\n")
			flight.WriteString(expandTokens(text) + "\r\n")
			continue
		}
		if flight.Len() > 0 {
			c.write(flight.String())
			flight.Reset()
		}
		want, isReply := strings.CutPrefix(line, "S: ")
		switch {
		case line == "EOF":
			want, isReply = "EOF", true
		case line == "TLS":
			c.upgrade(0)
		}
		if !isReply {
			continue
		}
		if got := c.normal(c.line()); got != want {
			t.Fatalf("%s:%d:\n got %s\nwant %s", file, i+1, got, want)
		}
	}
}

var (
	messageName = regexp.MustCompile(`<(SB0[0-9A-Z]+)[0-9A-F]{24}@`)
	tokenName   = regexp.MustCompile(`\{(xoauth2|oauthbearer) (\S+) (\S+)\}`)
)

// normal puts the placeholders in a reply. The first one, the banner, tells
// the session's id, which is the same in all others.
func (c *smtpClient) normal(line string) string {
	if c.id == "" {
		c.noteID(line)
	}
	line = strings.ReplaceAll(line, c.id, "<id>")
	return messageName.ReplaceAllString(line, "<<message>@")
}

func expandTokens(text string) string {
	return tokenName.ReplaceAllStringFunc(text, func(s string) string {
		m := tokenName.FindStringSubmatch(s)
		if m[1] == "oauthbearer" {
			return oauthBearer(m[2], m[3])
		}
		return xoauth2(m[2], m[3])
	})
}
