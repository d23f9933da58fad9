package main

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"traymail/internal/clienttest"
	"traymail/internal/sandbox"
)

// aloneVariable is set for a test that runs in namespaces of its own.
const aloneVariable = "TRAYMAIL_TEST_ALONE"

// alone runs a test once more, as a process of its own, on a network where the
// names of the real providers lead to this machine, and nothing else is. It
// reports whether this is that process; in the first one the test is over.
func alone(t *testing.T) bool {
	t.Helper()
	hosts := os.Getenv(aloneVariable)
	if hosts == "" {
		t.Parallel()
		hosts = filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+strings.Join(sandbox.Hosts(), " ")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		// The namespaces' own user is root in them and nowhere else.
		args := []string{"-test.v", "-test.run=^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"}
		if end, ok := t.Deadline(); ok {
			args = append(args, "-test.timeout="+(time.Until(end)-5*time.Second).String()) // so that it says where it hangs
		}
		again := exec.Command("/proc/self/exe", args...)
		again.Env = append(os.Environ(), aloneVariable+"="+hosts)
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		said, err := again.CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("in namespaces of its own: %v\n%s", err, said)
		}
		return false
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := loopbackUp(); err != nil {
		t.Fatal(err)
	}
	return true
}

// loopbackUp switches on the only interface of a new network.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// An office is a machine that has traymail and nothing of its configuration, in
// front of a tenant where an app is registered and nothing is granted.
type office struct {
	*bench // with the home folder of the moment
	dir    string
	env    []string
	// fill is what the placeholders of the documentation stand for.
	fill map[string]string
	// person is who sits at the browser.
	person sandbox.ReadyUser
	serve  *served
}

// newOffice starts a sandbox that is found under the provider's own names.
func newOffice(t *testing.T, scenario string) *office {
	t.Helper()
	s, err := sandbox.Start(sandbox.Options{Scenario: scenario, HTTPAddr: "127.0.0.1:443", SMTPAddr: "127.0.0.1:587"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	o := &office{bench: &bench{t: t, sandbox: s, ready: s.Ready()}, dir: t.TempDir()}
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
	before := len(o.sandbox.Tenant().Inbox())
	o.submit(at, m.from)
	got := o.arrived(before + 1)
	if got.From != m.as || got.User != m.user || got.App != m.app || got.Over != m.over || got.Subject != "from the tool" ||
		!slices.Equal(got.To, []string{"ops@contoso.com"}) || !bytes.Contains(got.Data, []byte("From: "+m.as+"\r\n")) && !bytes.Contains(got.Data, []byte("From: <"+m.as+">\r\n")) {
		o.t.Errorf("it arrives from %s by %s (%s) over %s, to %v:\n%s", got.From, got.User, got.App, got.Over, got.To, got.Data)
	}
	o.until("traymail queue ls --all --json | tr -d '\\n'", `"state": "delivered"`)
	o.until("traymail log", m.account+" delivered")
	o.until("traymail status", m.account)
	return got
}

// arrived waits for the nth message in the inbox.
func (o *office) arrived(n int) sandbox.Message {
	o.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if inbox := o.sandbox.Tenant().Inbox(); len(inbox) >= n {
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

// A page is one of docs/systems.
type page struct {
	t      *testing.T
	name   string
	text   string
	blocks []block
}

// A block is a block of commands under a heading.
type block struct {
	heading, commands string
	run               bool
}

// open reads a page. When the test ends, every block of it must have been run.
func (o *office) open(name string) *page {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "systems", name))
	if err != nil {
		o.t.Fatal(err)
	}
	p := &page{t: o.t, name: name, text: string(text)}
	heading := ""
	part := regexp.MustCompile("(?ms)^## ([^\n]*)$|^```sh\n(.*?)^```$")
	for _, m := range part.FindAllStringSubmatch(p.text, -1) {
		if m[1] != "" {
			heading = m[1]
			continue
		}
		p.blocks = append(p.blocks, block{heading: heading, commands: m[2]})
	}
	if len(p.blocks) == 0 {
		o.t.Fatalf("%s has no commands", name)
	}
	o.t.Cleanup(func() {
		for _, b := range p.blocks {
			if !b.run {
				o.t.Errorf("%s: nobody ran, under %q:\n%s", name, b.heading, b.commands)
			}
		}
	})
	return p
}

// under returns the commands under a heading, of all its blocks.
func (p *page) under(heading string) string {
	p.t.Helper()
	return strings.Join(p.blocksUnder(heading), "")
}

// blocksUnder returns the blocks of commands under a heading, which the caller
// runs.
func (p *page) blocksUnder(heading string) (all []string) {
	p.t.Helper()
	for i := range p.blocks {
		if b := &p.blocks[i]; b.heading == heading {
			b.run = true
			all = append(all, b.commands)
		}
	}
	if all == nil {
		p.t.Fatalf("%s has no commands under %q", p.name, heading)
	}
	return all
}

// typed returns what the last table of the page, which is that of the tool, has
// for a setting.
func (p *page) typed(setting string) string {
	p.t.Helper()
	row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(setting) + ` \| ` + "`([^`]+)`")
	found := row.FindAllStringSubmatch(p.text, -1)
	if found == nil {
		p.t.Fatalf("%s has no row %s with a value", p.name, setting)
	}
	return found[len(found)-1][1]
}

// mentions reports words that a page does not have.
func (p *page) mentions(words ...string) {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.text, w) {
			p.t.Errorf("%s does not mention %q", p.name, w)
		}
	}
}

// principal is an app as New-ServicePrincipal makes it known to Exchange.
func principal(app *sandbox.App, objectID string) sandbox.ServicePrincipal {
	return sandbox.ServicePrincipal{AppID: app.ClientID, ObjectID: objectID}
}

// failsInTheBrowser has the person visit the address of a sign-in that ends on a
// page of the provider, and then cancels the command.
func (o *office) failsInTheBrowser(says string) {
	o.t.Helper()
	c := o.command("exec traymail login --timeout 10m endpoint-central")
	c.Env = append(c.Env, "PERSON=") // who opens no page
	lines, err := c.StderrPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		o.t.Fatal(err)
	}
	visited := false
	for in := bufio.NewScanner(lines); in.Scan(); {
		if visited || !strings.HasPrefix(in.Text(), "https://") {
			continue
		}
		visited = true
		p := sandbox.Person{Username: o.person.Username, Password: o.person.Password, Client: trusting(o.ready.CAPEM)}
		said, err := p.Visit(o.t.Context(), in.Text())
		if !strings.Contains(said, says) {
			o.t.Errorf("the browser does not show %q: %s, %v", says, said, err)
		}
		if err := c.Process.Signal(os.Interrupt); err != nil {
			o.t.Error(err)
		}
	}
	if err := c.Wait(); err == nil || !visited {
		o.t.Errorf("the sign-in ends with %v, visited: %v", err, visited)
	}
}
