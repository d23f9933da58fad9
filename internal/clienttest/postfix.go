package clienttest

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed postfix.sh
var postfixScript string

// A Postfix is a private instance that relays all mail to one server. It shares
// nothing with the machine's own but the programs.
type Postfix struct {
	folder string
}

// StartPostfix starts a Postfix, which ends with the test. Postfix changes
// between users, for which it needs root: a test that is not root uses sudo if it
// asks for no password, and fails otherwise.
func StartPostfix(t testing.TB, s Server) *Postfix {
	t.Helper()
	folder, err := os.MkdirTemp("", "postfix") // a short name: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	p := &Postfix{folder}
	t.Cleanup(func() {
		if out, err := p.run(context.Background(), nil, "stop"); err != nil {
			t.Errorf("postfix: %v\n%s", err, out)
			_ = os.RemoveAll(folder) // what is the test's own
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil { // other users pass through
		t.Fatal(err)
	}
	host, port := s.hostPort(t)
	next := fmt.Sprintf("[%s]:%s", host, port)
	for name, text := range map[string]string{
		"main.cf": p.main(s, next), "master.cf": postfixServices, "passwords": next + " " + s.User + ":" + s.Password + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := p.run(t.Context(), nil, "start"); err != nil {
		t.Fatalf("postfix, which needs root or sudo without a password: %v\n%s", err, out)
	}
	return p
}

// Send hands a message to Postfix's sendmail, with more arguments if needed, such
// as -N for DSN. Postfix has queued it on return and delivers it meanwhile; its
// Received field stands before the message.
func (p *Postfix) Send(t testing.TB, m Mail, args ...string) {
	t.Helper()
	args = append([]string{"send", "-i", "-f", m.From}, args...)
	args = append(append(args, "--"), m.To...)
	if out, err := p.run(t.Context(), m.lf(), args...); err != nil {
		t.Fatalf("postfix: %v\n%s", err, out)
	}
}

// Log returns what Postfix has to say, for a test that fails.
func (p *Postfix) Log() string {
	out, err := p.run(context.Background(), nil, "log")
	if err != nil {
		return err.Error()
	}
	return out
}

func (p *Postfix) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args = append([]string{"sh", "-c", postfixScript, "postfix.sh", p.folder}, args...)
	if os.Getuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin, c.WaitDelay = bytes.NewReader(stdin), time.Second
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (p *Postfix) main(s Server, next string) string {
	yes := map[bool]string{true: "yes", false: "no"}
	level := "none"
	if s.TLS != None {
		level = "encrypt" // with any certificate
	}
	lines := []string{
		"compatibility_level = 3.6",
		"queue_directory = " + p.folder + "/queue",
		"data_directory = " + p.folder + "/data",
		"maillog_file = " + p.folder + "/log",
		"maillog_file_prefixes = " + p.folder,
		"myhostname = postfix.test",
		"myorigin = postfix.test",
		"mydestination =",
		"alias_maps =",
		"inet_interfaces = loopback-only",
		"inet_protocols = ipv4",
		"smtp_dns_support_level = disabled",
		"relayhost = " + next,
		"smtp_tls_security_level = " + level,
		"smtp_tls_wrappermode = " + yes[s.TLS == Implicit],
		"smtp_sasl_auth_enable = " + yes[s.User != ""],
		"smtp_sasl_password_maps = texthash:" + p.folder + "/passwords",
		"smtp_sasl_security_options = noanonymous",
		"smtp_sasl_mechanism_filter = " + strings.ToLower(s.Mechanism),
	}
	return strings.Join(lines, "\n") + "\n"
}

// postfixServices is a master.cf without anything that listens.
const postfixServices = `pickup    unix       n - n 60   1 pickup
cleanup   unix       n - n -    0 cleanup
qmgr      unix       n - n 300  1 qmgr
tlsmgr    unix       - - n 1000 1 tlsmgr
rewrite   unix       - - n -    - trivial-rewrite
bounce    unix       - - n -    0 bounce
defer     unix       - - n -    0 bounce
trace     unix       - - n -    0 bounce
verify    unix       - - n -    1 verify
flush     unix       n - n 1000 0 flush
proxymap  unix       - - n -    - proxymap
smtp      unix       - - n -    - smtp
relay     unix       - - n -    - smtp
showq     unix       n - n -    - showq
error     unix       - - n -    - error
retry     unix       - - n -    - error
scache    unix       - - n -    1 scache
postlog   unix-dgram n - n -    1 postlogd
`
