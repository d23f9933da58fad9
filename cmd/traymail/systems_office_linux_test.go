package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/clienttest"
	"traymail/internal/mailer"
	"traymail/internal/sandbox"
)

// An office is a machine that has traymail and nothing of its configuration, in
// front of a tenant where an app is registered and nothing is granted.
type office struct {
	*bench // with the home folder of the moment
	dir    string
	// fill is what the placeholders of the documentation stand for.
	fill map[string]string
	// person is who sits at the browser.
	person   sandbox.ReadyUser
	serve    *served
	provider *provider
}

// newOffice starts a sandbox that is found under the provider's own names.
func newOffice(t *testing.T, scenario string) *office {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{Scenario: scenario, HTTPAddr: "127.0.0.1:443", SMTPAddr: "127.0.0.1:587"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := &office{bench: &bench{t: t, sandbox: s, ready: s.Ready()}, dir: t.TempDir(), provider: newProvider(t)}
	o.write("ca.pem", o.ready.CAPEM)
	o.fill = map[string]string{"TENANT-ID": o.ready.TenantID}
	o.person = o.ready.Users[0]
	o.empty()
	return o
}

// empty gives the machine a new home folder. Its secrets are in an encrypted
// file: a test has no keychain.
func (o *office) empty() {
	o.t.Helper()
	o.stop()
	o.home = o.t.TempDir()
	if err := os.WriteFile(filepath.Join(o.home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"key\"\n"), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// write makes a file in the folder where the commands run.
func (o *office) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// register puts an app into the tenant, as its guide has it, and fills in its
// client ID and its secret.
func (o *office) register(app *sandbox.App) *sandbox.App {
	app.Secret = "Qx~8Q~the-value-that-the-portal-shows-once"
	app.SecretID = "e3a1b7c2-4d5f-4e6a-8b9c-0d1e2f3a4b99"
	app.ClientID = "c0ffee00-7c4b-4f19-b3d5-6e0c9a2b7f04"
	app.ObjectID, app.EnterpriseID = "5e1b7a60-0099-4000-8000-00000000da01", "6d0c2f31-0099-4000-8000-00000000da01"
	app.SecretExpires = time.Now().AddDate(1, 0, 0)
	o.sandbox.Tenant().Change(func(t *sandbox.Tenant) { t.Apps = append(t.Apps, app) })
	o.fill["CLIENT-ID"], o.fill["OBJECT-ID"] = app.ClientID, app.EnterpriseID
	o.write("secret.txt", app.Secret+"\n")
	return app
}

// tenant is an administrator's change.
func (o *office) tenant(f func(*sandbox.Tenant)) { o.sandbox.Tenant().Change(f) }

// mailbox changes one mailbox.
func (o *office) mailbox(address string, f func(*sandbox.Mailbox)) {
	o.tenant(func(t *sandbox.Tenant) {
		i := slices.IndexFunc(t.Mailboxes, func(m *sandbox.Mailbox) bool { return m.Address == address })
		f(t.Mailboxes[i])
	})
}

// command is a command as the documentation has it, with the placeholders
// filled in.
func (o *office) command(text string) *exec.Cmd {
	for name, value := range o.fill {
		text = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(text, value)
	}
	c := exec.Command("sh", "-e", "-c", text) // what the test does not wait for ends with the test, by stop
	c.Dir = o.dir
	ca := filepath.Join(o.dir, "ca.pem")
	c.Env = append(os.Environ(), "TRAYMAIL_HOME="+o.home, "SSL_CERT_FILE="+ca, "CA="+ca,
		"PERSON="+o.person.Username, "PASSWORD="+o.person.Password, "MFA_CODE="+o.person.MFACode)
	return c
}

// sh runs a command and returns what it said.
func (o *office) sh(text string) (said string, err error) {
	o.t.Helper()
	if strings.TrimSpace(text) == "traymail serve" {
		o.start()
		return "", nil
	}
	var all bytes.Buffer
	c := o.command(text)
	c.Stdout, c.Stderr = &all, &all
	err = c.Run()
	if m := regexp.MustCompile(`(?m)^password +(\S+)$`).FindStringSubmatch(all.String()); m != nil {
		o.fill["PASSWORD"] = m[1]
	}
	if holdsSecret(all.Bytes(), o.sandbox) {
		o.t.Errorf("%s: it says a secret", text)
	}
	return all.String(), err
}

// does runs a command that has to succeed, and to say some things.
func (o *office) does(text string, says ...string) string {
	o.t.Helper()
	said, err := o.sh(text)
	if err != nil {
		o.t.Fatalf("%s: %v\n%s", text, err, said)
	}
	o.heard(text, said, says)
	return said
}

// refuses runs a command that has to fail, and to say why and what to do.
func (o *office) refuses(text string, says ...string) {
	o.t.Helper()
	said, err := o.sh(text)
	if err == nil {
		o.t.Fatalf("%s succeeds:\n%s", text, said)
	}
	o.heard(text, said, says)
}

func (o *office) heard(text, said string, says []string) {
	o.t.Helper()
	for _, want := range says {
		if !strings.Contains(said, want) {
			o.t.Errorf("%s does not say %q:\n%s", text, want, said)
		}
	}
}

// start runs traymail serve until the test, or the home, ends.
func (o *office) start() {
	o.t.Helper()
	s := &served{t: o.t, cmd: o.command("exec traymail serve"), ready: make(chan struct{}), ended: make(chan struct{})}
	s.cmd.Stderr = s
	if err := s.cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() { s.cmd.Wait(); close(s.ended) }()
	o.serve = s
	o.t.Cleanup(o.stop)
	select {
	case <-s.ready:
	case <-s.ended:
		o.t.Fatalf("traymail serve ended:\n%s", s.said())
	}
}

func (o *office) stop() {
	if o.serve == nil {
		return
	}
	if err := o.serve.cmd.Process.Signal(os.Interrupt); err != nil {
		o.t.Errorf("traymail serve ended before: %v\n%s", err, o.serve.said())
	}
	<-o.serve.ended
	if !o.serve.cmd.ProcessState.Success() {
		o.t.Errorf("traymail serve: %v\n%s", o.serve.cmd.ProcessState, o.serve.said())
	}
	o.serve = nil
}

// until repeats a command until it says something.
func (o *office) until(text, want string) {
	o.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		said, err := o.sh(text)
		if err == nil && strings.Contains(said, want) {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%s never says %q: %v\n%s", text, want, err, said)
		}
	}
}

// A toolsMail is what the tool sends, and how it has to arrive.
type toolsMail struct {
	from, as string // From before, and the address it arrives from
	user     string // who authenticated, or the mailbox of an app
	app      string // the client ID of an app without a user
	over     string // "smtp" or "graph"
	account  string
}

// submit hands a message to the relay as the tool is told to: a plain SMTP
// client with the settings of the page.
func (o *office) submit(at clienttest.Server, from string) {
	o.t.Helper()
	mail := clienttest.Mail{From: from, To: []string{"ops@contoso.com"}, Message: []byte(
		"Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nFrom: " + from + "\r\nTo: ops@contoso.com\r\nSubject: from the tool\r\n\r\nDisk C: is full.\r\n")}
	if err := clienttest.Swaks(o.t, at, mail); err != nil {
		o.t.Fatal(err)
	}
}

// delivers submits a message, and waits until it has arrived and the record
// tells so.
func (o *office) delivers(at clienttest.Server, m toolsMail) sandbox.Message {
	o.t.Helper()
	isTools := func(m sandbox.Message) bool { return !isAlert(m) }
	before, was := len(o.inbox(isTools)), o.status(m.account)
	o.submit(at, m.from)
	got := o.arrived(before+1, isTools)
	if got.From != m.as || got.User != m.user || got.App != m.app || got.Over != m.over || got.Subject != "from the tool" ||
		!slices.Equal(got.To, []string{"ops@contoso.com"}) || !bytes.Contains(got.Data, []byte("From: "+m.as+"\r\n")) && !bytes.Contains(got.Data, []byte("From: <"+m.as+">\r\n")) {
		o.t.Errorf("it arrives from %s by %s (%s) over %s, to %v:\n%s", got.From, got.User, got.App, got.Over, got.To, got.Data)
	}
	reply := "202 "
	if m.over == "smtp" {
		reply = got.ExchangeID
	}
	o.until("traymail log | grep ' "+m.account+" delivered '", reply)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		now := o.status(m.account)
		if now.Delivered > was.Delivered && now.State == mailer.Ready { // an alert's mail counts too
			break
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("the status tells of %+v, before of %+v", now, was)
		}
	}
	return got
}

// status is what traymail status tells of an account.
func (o *office) status(account string) mailer.AccountStatus {
	o.t.Helper()
	var s mailer.Status
	if err := json.Unmarshal([]byte(o.does("traymail status --json")), &s); err != nil {
		o.t.Fatal(err)
	}
	i := slices.IndexFunc(s.Accounts, func(a mailer.AccountStatus) bool { return a.Name == account })
	if i < 0 {
		o.t.Fatalf("the status does not know %s", account)
	}
	return s.Accounts[i]
}

// isAlert reports whether a message is one that traymail sends about an account.
func isAlert(m sandbox.Message) bool { return strings.HasPrefix(m.MessageID, "<alert.") }

// inbox is what the tenant took, as far as it is wanted.
func (o *office) inbox(wanted func(sandbox.Message) bool) (list []sandbox.Message) {
	for _, m := range o.sandbox.Tenant().Inbox() {
		if wanted(m) {
			list = append(list, m)
		}
	}
	return list
}

// arrived waits for the nth message of those that are wanted.
func (o *office) arrived(n int, wanted func(sandbox.Message) bool) sandbox.Message {
	o.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if inbox := o.inbox(wanted); len(inbox) >= n {
			return inbox[n-1]
		}
		if time.Now().After(deadline) {
			said, _ := o.sh("traymail status; traymail queue ls; traymail log")
			o.t.Fatalf("the message does not arrive:\n%s\n%s", said, o.serve.said())
		}
	}
}

// server is what the page's table has the tool connect to.
func (o *office) server(p *page, host, port string) clienttest.Server {
	o.t.Helper()
	return clienttest.Server{Addr: net.JoinHostPort(p.typed(host), p.typed(port)), TLS: clienttest.None}
}

// signing is at with what the page's table has the tool sign in with.
func (o *office) signing(at clienttest.Server, user, mechanism string) clienttest.Server {
	at.User, at.Password, at.Mechanism = user, o.fill["PASSWORD"], mechanism
	return at
}

// principal is an app as New-ServicePrincipal makes it known to Exchange.
func principal(app *sandbox.App, objectID string) sandbox.ServicePrincipal {
	return sandbox.ServicePrincipal{AppID: app.ClientID, ObjectID: objectID}
}
