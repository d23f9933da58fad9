package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/refusals"
)

// tls brings the connections to the servers that messages leave through to
// where a secret may follow.
func (r *run) tls(ctx context.Context) Result {
	var found []string
	var worst *Result
	for _, s := range r.servers() {
		var result Result
		if s.smtp {
			result = r.secureSMTP(ctx, s)
		} else {
			result = r.secureWeb(ctx, s)
		}
		switch {
		case result.Status == Pass || result.Status == Skip:
			found = append(found, result.Summary)
			continue
		case result.Status == Fail && s.spare:
			result.Status = Warn
		}
		if worst == nil || worst.Status == Warn && result.Status == Fail {
			worst = &result
		}
	}
	if worst != nil {
		return *worst
	}
	return passed("%s", strings.Join(found, "; "))
}

// secureSMTP talks to the submission server up to the end of the TLS handshake.
func (r *run) secureSMTP(ctx context.Context, s server) Result {
	r.with(s.host, s.port)
	place := net.JoinHostPort(s.host, strconv.Itoa(s.port))
	conn, err := r.dial(ctx, place)
	if err != nil {
		return r.faulty(place, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	wait := r.within(talking)
	if r.silent && !r.again {
		wait = time.Second // it was waited for
	}
	conn.SetDeadline(time.Now().Add(wait))
	mode := r.Account.SMTPTLS
	if mode != account.ImplicitTLS {
		d := newDialog(conn)
		if result, ok := r.greet(ctx, d, place, mode); !ok {
			return result
		}
		if mode == account.NoTLS {
			d.command("QUIT")
			return skipped("%s is this computer's own server, without TLS", place)
		}
	}
	client := tls.Client(conn, r.tlsConfig(s.host))
	err = client.HandshakeContext(ctx)
	if err != nil {
		return r.handshakeFailed(ctx, s, place, err)
	}
	state := client.ConnectionState()
	io.WriteString(client, "QUIT\r\n") // whether it arrives does not matter
	client.CloseWrite()
	return r.secured(ctx, place, s.host, &state)
}

func (r *run) tlsConfig(host string) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: r.Roots, Time: r.Now, MinVersion: tls.VersionTLS12}
}

// greet is the dialog before TLS. ok is false when it ended before.
func (r *run) greet(ctx context.Context, d *dialog, place string, mode account.SMTPTLS) (Result, bool) {
	code, text, err := d.reply()
	if err != nil {
		if faultOf(err).finding == "connection-timed-out" && r.speaksTLS(ctx, place) {
			return r.otherMode(place+" says nothing and expects TLS from the first octet, and the account begins without it", account.ImplicitTLS, 587), false
		}
		return r.faulty("the connection to "+place+" failed before its greeting", err), false
	}
	r.heard(place, text)
	greeting := text
	if code != 220 {
		return r.refusedBy(place+" refuses the connection", code, text), false
	}
	d.command("EHLO " + ownName(d.conn.LocalAddr()))
	if code, text, err = d.reply(); err != nil {
		return r.faulty("the connection to "+place+" failed at the command EHLO", err), false
	}
	if code != 250 {
		return r.refusedBy(place+" refuses EHLO", code, text), false
	}
	if mode == account.NoTLS {
		return Result{}, true
	}
	if !offers(text, "STARTTLS") {
		result := r.found("starttls-missing", Fail, place+" does not offer STARTTLS, so nothing can be sent encrypted; its greeting is: "+clip(greeting, 200), "")
		result.Fix += "\nWhere the server is the provider's own, something on the way takes STARTTLS out: ask whoever runs the firewall, or the virus scanner's mail protection, to leave it in"
		if mark := meddling(greeting, text); mark != "" {
			result.Detail = oneLine(result.Detail + " " + mark)
		}
		return result, false
	}
	d.command("STARTTLS")
	if code, text, err = d.reply(); err != nil {
		return r.faulty("the connection to "+place+" failed at the command STARTTLS", err), false
	}
	switch {
	case code != 220:
		reply := replyLine(code, text)
		return r.found("starttls-missing", Fail, place+" offers STARTTLS and refuses it: "+clip(reply, 200), reply), false
	case d.in.Buffered() > 0:
		return r.found("tls-handshake", Fail, place+" sent something unencrypted after its reply to STARTTLS: somebody between here and the server may be meddling", ""), false
	}
	return Result{}, true
}

// meddling names what some firewalls leave of the dialog that they censor.
func meddling(greeting, extensions string) string {
	switch {
	case strings.Contains(extensions, "XXXX"):
		return "The server's list has a row of X in place of an extension: a Cisco firewall on the way (\"inspect esmtp\") takes STARTTLS away."
	case strings.Contains(greeting, "****"):
		return "The greeting is a row of asterisks: a Cisco firewall on the way (\"inspect esmtp\", SMTP fixup) takes STARTTLS away."
	}
	return ""
}

// handshakeFailed says why TLS could not be agreed on.
func (r *run) handshakeFailed(ctx context.Context, s server, place string, err error) Result {
	var shown *tls.CertificateVerificationError
	if errors.As(err, &shown) {
		return r.badCertificate(ctx, s.host, r.certificate(s.host, shown.UnverifiedCertificates, false, shown.Err, r.told[place]))
	}
	f := faultOf(err)
	switch f.finding {
	case "tls-version":
		if version := r.olderTLS(ctx, s, place); version != "" {
			result := r.found(f.finding, Fail, fmt.Sprintf("%s offers %s and nothing later, and traymail takes TLS 1.2 or later", place, version), "")
			result.Fix, result.Command = "have whoever runs the server, or a proxy before it, offer TLS 1.2 or later; Microsoft's and Google's own servers do", ""
			return result
		}
	case "tls-expected":
		if s.smtp && r.Account.SMTPTLS == account.ImplicitTLS {
			return r.otherMode(place+" does not begin with TLS, and the account expects it from the first octet", account.STARTTLS, 465)
		}
	case "connection-reset", "connection-closed", "connection-timed-out":
		// The connection worked until TLS began.
		return r.found("tls-handshake", Fail, fmt.Sprintf("%s: the TLS handshake was broken off: %s", place, f.words), "")
	}
	return r.found(f.finding, Fail, place+": "+f.words, "")
}

// secured says what a handshake that ended well agreed on.
func (r *run) secured(ctx context.Context, place, host string, state *tls.ConnectionState) Result {
	chain := state.PeerCertificates
	if len(state.VerifiedChains) > 0 {
		chain = state.VerifiedChains[0] // with its root, which servers leave out
	}
	v := r.certificate(host, chain, true, nil, 0)
	if v.finding != "" {
		return r.badCertificate(ctx, host, v)
	}
	return passed("%s: %s; %s", place, tls.VersionName(state.Version), v.shown)
}

// secureWeb does so for Microsoft Graph.
func (r *run) secureWeb(ctx context.Context, s server) Result {
	r.with(s.host, s.port)
	p, err := r.get(ctx, r.Account.GraphURL+"/v1.0/")
	if err != nil {
		return r.webFailed(ctx, r.Account.GraphURL, err)
	}
	if p.tls == nil {
		return r.found("tls-expected", Fail, s.host+" answers without TLS", "")
	}
	return r.secured(ctx, s.host, s.host, p.tls)
}

// webFailed says why a request got no answer.
func (r *run) webFailed(ctx context.Context, address string, err error) Result {
	host, port := hostOf(address)
	r.with(host, port)
	var shown *tls.CertificateVerificationError
	if !errors.As(err, &shown) {
		f := faultOf(err)
		if proxy := r.proxy(address); proxy != "" && f.finding != "proxy-required" {
			return r.found(f.finding, Fail, fmt.Sprintf("%s, through the proxy %s: %s", host, proxy, f.words), "")
		}
		result := r.found(f.finding, Fail, host+": "+f.words, "")
		if f.finding == "tls-expected" {
			result.Fix = "correct the address in the account's settings: what answers there speaks without TLS"
			result.Command = traymail("account show %s", r.Account.Name)
		}
		return result
	}
	var ahead time.Duration
	if invalid := new(x509.CertificateInvalidError); errors.As(err, invalid) && invalid.Reason == x509.Expired {
		ahead = r.askTime(ctx, address)
	}
	return r.badCertificate(ctx, host, r.certificate(host, shown.UnverifiedCertificates, false, shown.Err, ahead))
}

// otherMode is a server that wants the other way to use TLS.
func (r *run) otherMode(summary string, mode account.SMTPTLS, port int) Result {
	result := r.found("tls-expected", Fail, summary, "")
	result.Fix = fmt.Sprintf("set smtp_tls = %q", string(mode))
	if port != 465 || !r.Account.HasEntra() { // Microsoft's servers do not have it
		result.Fix += fmt.Sprintf(", or smtp_port = %d", port)
	}
	result.Command = traymail("account edit %s --smtp-tls %s", r.Account.Name, string(mode))
	return result
}

// faulty is a server that went away at a point of the dialog.
func (r *run) faulty(what string, err error) Result {
	f := faultOf(err)
	return r.found(f.finding, Fail, what+": "+f.words, "")
}

// refusedBy is a server that refused what comes before the sign-in.
func (r *run) refusedBy(what string, code int, text string) Result {
	reply := replyLine(code, text)
	summary := what + ": " + clip(reply, 200)
	if entry, ok := refusals.OfReply(reply); ok {
		return r.found(entry.ID, Fail, summary, reply)
	}
	if code/100 == 4 {
		return r.found("service-unavailable", Fail, summary, reply)
	}
	result := r.found(unrecognised, Fail, summary, reply)
	result.Detail = "the server turns this computer away before anybody has signed in; its own words say why"
	result.Fix = "look into its words for a list or a policy that this computer's address is on, and ask whoever runs the server"
	return result
}

func replyLine(code int, text string) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + oneLine(text))
}

// speaksTLS reports whether a server that said nothing answers a TLS handshake.
func (r *run) speaksTLS(ctx context.Context, place string) bool {
	conn, err := r.dial(ctx, place)
	if err != nil {
		return false
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, r.within(connecting))
	defer cancel()
	// Nothing is sent but the hello, and nothing is believed of the answer.
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	return err == nil || errors.As(err, new(tls.AlertError))
}

// olderTLS names the version of TLS that a server has when it has no newer one.
func (r *run) olderTLS(ctx context.Context, s server, place string) string {
	conn, err := r.dial(ctx, place)
	if err != nil {
		return ""
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(r.within(talking)))
	if s.smtp && r.Account.SMTPTLS != account.ImplicitTLS {
		if _, ok := r.greet(ctx, newDialog(conn), place, account.STARTTLS); !ok {
			return ""
		}
	}
	// Only to name the version: nothing is sent through it.
	old := &tls.Config{ServerName: s.host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	client := tls.Client(conn, old)
	if client.HandshakeContext(ctx) != nil {
		return ""
	}
	return tls.VersionName(client.ConnectionState().Version)
}

// noVerify is the client of Web that believes any certificate, to ask the time.
func (r *run) noVerify() *http.Client {
	t, ok := r.Web.Transport.(*http.Transport)
	if !ok {
		return nil
	}
	t = t.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = new(tls.Config)
	}
	t.TLSClientConfig.InsecureSkipVerify = true
	t.DisableKeepAlives = true
	return &http.Client{Transport: t, CheckRedirect: noRedirect, Timeout: r.Web.Timeout}
}
