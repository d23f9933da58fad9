package relay

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs that people send with, against a listener with STARTTLS and a
// password; swaks signs in without TLS, as loopback allows. One that is not
// installed fails the test.
func TestRealClientsDeliverByteForByte(t *testing.T) {
	c := testConfig()
	c.Listeners[0] = Listener{Name: "local", Address: "127.0.0.1:0", TLS: STARTTLS, Certificate: Certificate{Folder: t.TempDir()}}
	c.Clients = []Client{{Name: "printer", PasswordHash: cheapHash(testPassword)}}

	body := "caf\xc3\xa9\r\n.\r\n..two\r\n\r\n.leading\r\n" + strings.Repeat("long ", 150) + "\r\nend\r\n"
	message := "Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@contoso.com>\r\nFrom: Alex <alex@contoso.com>\r\nTo: megan@contoso.com\r\nSubject: test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
	file := filepath.Join(t.TempDir(), "message.eml")
	if err := os.WriteFile(file, []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	unix := filepath.Join(t.TempDir(), "unix.eml")
	if err := os.WriteFile(unix, []byte(strings.ReplaceAll(message, "\r\n", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(t.TempDir(), "bare.eml") // swaks adds the last line ending
	if err := os.WriteFile(bare, []byte(strings.TrimSuffix(strings.ReplaceAll(message, "\r\n", "\n"), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	const smtplib = `
import smtplib, ssl, sys
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
s = smtplib.SMTP(sys.argv[1], int(sys.argv[2])); s.starttls(context=context)
s.user, s.password = "printer", "open sesame"
s.ehlo(); s.auth(sys.argv[4], getattr(s, "auth_" + sys.argv[4].lower()), initial_response_ok=sys.argv[5] == "ir")
s.sendmail("alex@contoso.com", ["megan@contoso.com"], open(sys.argv[3], "rb").read(), mail_options=["BODY=8BITMIME"]); s.quit()
`
	tests := []struct {
		name, with string
		args       func(host, port string) []string
	}{
		{"swaks", "with ESMTPA;", func(host, port string) []string {
			return []string{"swaks", "--server", host, "--port", port, "--auth", "LOGIN", "--auth-user", "printer", "--auth-password", testPassword,
				"--from", "alex@contoso.com", "--to", "megan@contoso.com", "--data", "@" + bare, "--silent", "2"}
		}},
		{"curl", "with ESMTPSA;", func(host, port string) []string {
			return []string{"curl", "--silent", "--show-error", "--ssl-reqd", "--insecure", "--url", "smtp://" + net.JoinHostPort(host, port), "--user", "printer:" + testPassword,
				"--mail-from", "alex@contoso.com", "--mail-rcpt", "megan@contoso.com", "--upload-file", file}
		}},
		{"msmtp", "with ESMTPSA;", func(host, port string) []string {
			return []string{"sh", "-c", `msmtp --file=/dev/null --host="$1" --port="$2" --tls=on --tls-starttls=on --tls-certcheck=off --auth=plain --user=printer --passwordeval="echo open sesame" --from=alex@contoso.com megan@contoso.com < "$3"`,
				"sh", host, port, unix}
		}},
		{"smtplib, LOGIN with an initial response", "with ESMTPSA;", func(host, port string) []string {
			return []string{"python3", "-c", smtplib, host, port, file, "LOGIN", "ir"}
		}},
		{"smtplib, LOGIN without", "with ESMTPSA;", func(host, port string) []string {
			return []string{"python3", "-c", smtplib, host, port, file, "LOGIN", "no"}
		}},
		{"smtplib, PLAIN without", "with ESMTPSA;", func(host, port string) []string {
			return []string{"python3", "-c", smtplib, host, port, file, "PLAIN", "no"}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, c)
			host, port, err := net.SplitHostPort(r.Addr("local").String())
			if err != nil {
				t.Fatal(err)
			}
			args := test.args(host, port)
			if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			all := r.inbox.all()
			if len(all) != 1 {
				t.Fatalf("%d messages", len(all))
			}
			_, got, found := bytes.Cut(all[0].body, []byte("Date: "))
			if want := strings.TrimPrefix(message, "Date: "); !found || string(got) != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if all[0].Client != "printer" || !strings.Contains(string(all[0].body), test.with) {
				t.Errorf("got %+v", all[0].Message)
			}
		})
	}
}
