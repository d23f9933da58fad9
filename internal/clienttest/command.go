package clienttest

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// Swaks sends with swaks.
func Swaks(t testing.TB, s Server, m Mail) error {
	host, port := s.hostPort(t)
	// It adds the last line ending.
	file := write(t, "message", bytes.TrimSuffix(m.lf(), []byte("\n")))
	args := []string{"swaks", "--server", host, "--port", port, "--from", m.From, "--to", strings.Join(m.To, ","), "--data", "@" + file, "--silent", "2"}
	if s.User != "" {
		args = append(args, "--auth-user", s.User, "--auth-password", s.Password, "--auth")
		if s.Mechanism != "" {
			args = append(args, s.Mechanism)
		}
	}
	switch s.TLS {
	case STARTTLS:
		args = append(args, "--tls")
	case Implicit:
		args = append(args, "--tlsc")
	}
	return program{args: args}.run(t)
}

// Curl sends with curl, which takes a message as it stands.
func Curl(t testing.TB, s Server, m Mail) error { return curl(t, s, m) }

// CurlTLS10 sends as an old device does: with TLS 1.0 and its key exchange.
func CurlTLS10(t testing.TB, s Server, m Mail) error {
	return curl(t, s, m, "--tlsv1.0", "--tls-max", "1.0", "--ciphers", "AES128-SHA:@SECLEVEL=0")
}

func curl(t testing.TB, s Server, m Mail, more ...string) error {
	scheme := "smtp://"
	args := append([]string{"curl"}, more...)
	args = append(args, "--silent", "--show-error", "--insecure", "--mail-from", m.From, "--upload-file", write(t, "message.eml", m.Message))
	for _, to := range m.To {
		args = append(args, "--mail-rcpt", to)
	}
	switch s.TLS {
	case STARTTLS:
		args = append(args, "--ssl-reqd")
	case Implicit:
		scheme = "smtps://"
	}
	if s.User != "" {
		args = append(args, "--user", s.User+":"+s.Password)
		if s.Mechanism != "" {
			args = append(args, "--login-options", "AUTH="+s.Mechanism)
		}
	}
	return program{args: append(args, scheme+s.Addr)}.run(t)
}

// Msmtp sends with msmtp, as cron jobs do through its sendmail link.
func Msmtp(t testing.TB, s Server, m Mail) error {
	host, port := s.hostPort(t)
	config := []string{"defaults", "tls_certcheck off", "account default", "host " + host, "port " + port, "from " + m.From}
	switch s.TLS {
	case STARTTLS:
		config = append(config, "tls on", "tls_starttls on")
	case Implicit:
		config = append(config, "tls on", "tls_starttls off")
	}
	if s.User != "" {
		mechanism := "on" // which it takes with TLS alone
		if s.Mechanism != "" || s.TLS == None {
			mechanism = strings.ToLower(s.Mechanism)
		}
		if mechanism == "" {
			mechanism = "plain"
		}
		config = append(config, "auth "+mechanism, "user "+s.User, "password "+strconv.Quote(s.Password))
	}
	file := write(t, "msmtprc", []byte(strings.Join(config, "\n")+"\n"))
	return program{args: append([]string{"msmtp", "--file=" + file, "--"}, m.To...), stdin: m.lf()}.run(t)
}

// SNail sends with s-nail: the message lies in a mailbox, from where it is sent
// on without a change. What s-nail composes itself has a header of its own.
func SNail(t testing.TB, s Server, m Mail) error {
	address := url.URL{Scheme: "smtp", Host: s.Addr}
	config := []string{"set v15-compat sendwait nosave tls-verify=ignore quiet record= hostname=client.test from=" + m.From}
	switch s.TLS {
	case STARTTLS:
		config = append(config, "set smtp-use-starttls")
	case Implicit:
		address.Scheme = "smtps"
	}
	if s.User != "" {
		address.User = url.UserPassword(s.User, s.Password)
		mechanism := s.Mechanism
		if mechanism == "" {
			mechanism = "PLAIN"
		}
		config = append(config, "set smtp-auth="+strings.ToLower(mechanism))
	} else {
		config = append(config, "set smtp-auth=none")
	}
	config = append(config, "set mta="+address.String())
	rc := write(t, "mailrc", []byte(strings.Join(config, "\n")+"\n"))
	box := write(t, "box", append([]byte("From client Fri Nov 20 09:30:00 2026\n"), append(m.lf(), '\n')...))
	return program{
		args: []string{"s-nail", "-:u", "-#", "-f", box}, env: []string{"MAILRC=" + rc},
		stdin: []byte("Resend 1 " + strings.Join(m.To, " ") + "\nexit $?\n"),
	}.run(t)
}

// SMTPSource sends so many messages in so many sessions at a time with Postfix's
// smtp-source, which can neither sign in nor speak TLS. A session ends with its
// message. The message has to end with an empty line, which smtp-source adds.
func SMTPSource(t testing.TB, s Server, m Mail, sessions, messages int) error {
	message, ok := bytes.CutSuffix(m.lf(), []byte("\n\n"))
	if !ok {
		t.Fatal("a message for smtp-source has to end with an empty line")
	}
	file := write(t, "message", append(message, '\n'))
	return program{args: []string{"smtp-source", "-s", strconv.Itoa(sessions), "-m", strconv.Itoa(messages), "-M", "client.test",
		"-f", m.From, "-t", m.To[0], "-F", file, s.Addr}}.run(t)
}
