package sandbox

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// smtp signs in and submits from each sender; each is "" for the username.
func (r *rehearsal) smtp(token string, senders ...string) (replies []string) {
	all := func(said string) []string {
		for len(replies) <= len(senders) {
			replies = append(replies, said)
		}
		return replies
	}
	if token == "" {
		return all("no token")
	}
	conn, reader, err := r.smtpTLS()
	if err != nil {
		return all(errorWords(err))
	}
	defer conn.Close()
	said := func(line string) string {
		if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
			return errorWords(err)
		}
		reply, err := reader.ReadString('\n')
		if err != nil {
			return errorWords(err)
		}
		return strings.TrimSpace(reply)
	}
	reply := brief(said("AUTH XOAUTH2 " + xoauth2(r.username, token)))
	if replies = append(replies, reply); reply != "235" {
		return all(reply)
	}
	for _, from := range senders {
		if from == "" {
			from = r.username
		}
		for _, line := range []string{"MAIL FROM:<" + from + ">", "RCPT TO:<ops@contoso.com>", "DATA", "From: " + from + "\r\n\r\nhello\r\n."} {
			if reply = said(line); reply[0] > '3' {
				break
			}
		}
		reply, _, _ = strings.Cut(reply, ";")
		if replies = append(replies, brief(reply)); strings.HasPrefix(reply, "421") {
			return all("over")
		}
	}
	return replies
}

// smtpTLS connects, with STARTTLS.
func (r *rehearsal) smtpTLS() (net.Conn, *bufio.Reader, error) {
	conn, err := dialKnown(net.JoinHostPort(r.ready.SMTPHost, fmt.Sprint(r.ready.SMTPPort)))
	if err != nil {
		return nil, nil, err
	}
	if r.b.exchange.options().Silent { // the one case in which waiting is for nothing
		conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
	}
	reader := bufio.NewReader(conn)
	reply := func() (last string, err error) {
		for {
			if last, err = reader.ReadString('\n'); err != nil || len(last) < 4 || last[3] != '-' {
				return last, err
			}
		}
	}
	for _, line := range []string{"", "EHLO test.example", "STARTTLS"} {
		if line != "" {
			io.WriteString(conn, line+"\r\n")
		}
		last, err := reply()
		if err == nil && last[0] != '2' {
			err = errors.New(brief(last))
		}
		if err != nil {
			conn.Close()
			return nil, nil, err
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(r.ready.CAPEM))
	secure := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err := secure.Handshake(); err != nil {
		conn.Close()
		return nil, nil, err
	}
	reader = bufio.NewReader(secure)
	io.WriteString(secure, "EHLO test.example\r\n")
	if _, err := reply(); err != nil {
		secure.Close()
		return nil, nil, err
	}
	return secure, reader, nil
}

// issuer is who signed the SMTP server's certificate.
func (r *rehearsal) issuer() string {
	conn, _, err := r.smtpTLS()
	if err != nil {
		return errorWords(err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Issuer.CommonName
}

// smtpPassword signs in to SMTP with the password.
func (r *rehearsal) smtpPassword() string {
	conn, reader, err := r.smtpTLS()
	if err != nil {
		return errorWords(err)
	}
	defer conn.Close()
	encode := base64.StdEncoding.EncodeToString
	for _, line := range []string{"AUTH LOGIN " + encode([]byte(r.username)), encode([]byte(r.password))} {
		io.WriteString(conn, line+"\r\n")
		if line, err = reader.ReadString('\n'); err != nil {
			return errorWords(err)
		} else if line[0] != '3' {
			return brief(line)
		}
	}
	return ""
}
