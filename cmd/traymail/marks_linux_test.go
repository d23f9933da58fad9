package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"traymail/internal/mailer"
	"traymail/internal/sandbox"
)

// mayHold are all the places where something marked may be found, and why.
// Whatever else holds one is a leak.
var mayHold = []struct{ where, what, why string }{
	{"traymail client add", "client's password", "it is shown once, when it is made"},
	{"traymail client passwd", "client's password", "it is shown once, when it is made"},
	{"state/queue.db", "body that is held", "it has to be sent yet"},
	{"state/queue.db-wal", "body that is held", "it has to be sent yet"},
	{"state/queue.journal/*", "body that is held", "it has to be sent yet"},
}

// A searched is a program that is used in every way while everything that it
// says and writes is looked through for what is marked.
type searched struct {
	*bench
	marks map[string][]string // the forms of each
	legit map[string]bool     // of mayHold, what was found
	dir   string              // for the test's own files
	env   []string            // of the program, for the browser that it opens
}

// mark makes a secret, or a body, known: it is looked for as it is and in the
// forms that the protocols have for it.
func (s *searched) mark(what, value string) string {
	forms := []string{value, url.QueryEscape(value)}
	for shift := range 3 { // base64 of it within anything else
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + value))
		forms = append(forms, encoded[4:len(encoded)-4])
	}
	s.marks[what] = append(s.marks[what], forms...)
	return value
}

func (s *searched) look(where string, data []byte) {
	s.t.Helper()
	for what, forms := range s.marks {
		if !slices.ContainsFunc(forms, func(form string) bool { return bytes.Contains(data, []byte(form)) }) {
			continue
		}
		i := slices.IndexFunc(mayHold, func(m struct{ where, what, why string }) bool {
			in, _ := filepath.Match(m.where, where)
			return in && m.what == what
		})
		if i < 0 {
			s.t.Errorf("%s holds the %s", where, what)
		} else {
			s.legit[what] = true
		}
	}
	if where != "secrets.age" && tokenForm.Match(data) {
		s.t.Errorf("%s holds a token", where)
	}
}

// command runs the program as a process of its own, and looks at all it says.
func (s *searched) command(stdin string, code int, args ...string) string {
	s.t.Helper()
	cmd := s.program("", args...)
	cmd.Env = append(cmd.Env, s.env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	all := slices.Concat(out.Bytes(), said.Bytes())
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("traymail %s: %v: %s", strings.Join(args, " "), err, all)
	}
	where := "traymail " + args[0]
	if args[0] == "client" || args[0] == "account" {
		where += " " + args[1]
	}
	s.look(where, all)
	return out.String()
}

func (s *searched) file(name, text string) string {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *searched) folder(name string, root string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		s.look(name+filepath.ToSlash(rel), data)
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

func (s *searched) body(what string) string {
	return "From: svc@contoso.com\r\nTo: ops@contoso.com\r\nSubject: " + strings.ReplaceAll(what, " ", "-") + "\r\nMessage-ID: <" + strings.ReplaceAll(what, " ", "-") +
		"@contoso.com>\r\n\r\n" + strings.Repeat(s.mark(what, "Marked-"+rand.Text())+" and more of it\r\n", 200)
}

// newSearched has accounts of every kind, signed in.
func newSearched(t *testing.T) *searched {
	b := newBench(t, "basic-auth-allowed")
	b.home = b.copyHome("")
	s := &searched{bench: b, marks: map[string][]string{}, legit: map[string]bool{}, dir: t.TempDir()}
	for _, u := range b.ready.Users {
		s.mark("password of a person", u.Password)
	}
	u := b.ready.Users[0]
	s.env = []string{"CA=" + filepath.Join(b.home, "ca.pem"), "PERSON=" + u.Username, "PASSWORD_FILE=" + s.file("password", u.Password), "OPENED=" + filepath.Join(s.dir, "opened")}
	at := func(name string, flags ...string) {
		s.command("", exitDone, append([]string{"account", "add", name, "--authority-url", b.ready.Authority, "--graph-url", b.ready.GraphURL, "--exchange-url", b.ready.ExchangeURL,
			"--smtp-host", b.ready.SMTPHost, "--smtp-port", fmt.Sprint(b.ready.SMTPPort), "--ca-file", filepath.Join(b.home, "ca.pem")}, flags...)...)
	}
	// Another mailbox: Exchange takes three sessions of each.
	other := b.ready.Users[slices.IndexFunc(b.ready.Users, func(u sandbox.ReadyUser) bool { return strings.HasPrefix(u.Username, "ops@") })]
	at("password", "--sign-in", "password", "--username", other.Username, "--secret-file", s.file("secret", other.Password))
	for _, app := range b.ready.Apps {
		if app.ClientSecret != "" {
			s.mark("client secret", app.ClientSecret)
		}
		secret := s.file(app.ClientID, app.ClientSecret)
		switch {
		case slices.ContainsFunc(app.AppRoles, func(r string) bool { return strings.HasSuffix(r, "/Mail.Send") }):
			at("graph", "--sign-in", "app-only", "--transport", "graph", "--sender", "ops@contoso.com", "--client-id", app.ClientID, "--tenant", b.ready.TenantID, "--secret-file", secret)
		case app.Platform == "application":
			at("app", "--sign-in", "app-only", "--sender", "ops@contoso.com", "--client-id", app.ClientID, "--tenant", b.ready.TenantID, "--secret-file", secret)
		case app.Platform == "web":
			at("web", "--registration", "web", "--redirect-url", app.RedirectURL, "--username", u.Username, "--client-id", app.ClientID, "--tenant", b.ready.TenantID, "--secret-file", secret)
		}
	}
	return s
}

// refreshToken marks the one that an account has now.
func (s *searched) refreshToken(name string) {
	s.t.Helper()
	settings, err := mailer.ReadSettings(s.home)
	if err != nil {
		s.t.Fatal(err)
	}
	store, err := settings.Keystore.Open(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.home, "accounts", name+".toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, id, _ := strings.Cut(string(text), "id = ")
	token, err := store.Get(context.Background(), strings.Trim(id[:strings.IndexByte(id, '\n')], `'"`)+"/refresh-token")
	if err != nil {
		s.t.Fatal(err)
	}
	if !tokenForm.MatchString(token.Reveal()) {
		s.t.Errorf("the form of refresh tokens is another one now")
	}
	s.mark("refresh token", token.Reveal())
}

// TestWhatIsSecretIsNowhereAfterEveryWayOfSending sends in every way that there
// is, with everything marked that is secret, and then looks through all that the
// program has said and written, and what a crash of it leaves.
func TestWhatIsSecretIsNowhereAfterEveryWayOfSending(t *testing.T) {
	t.Parallel()
	s := newSearched(t)
	listen := freeAddress(t)
	settings := strings.Replace(takesEverything, "[[listener]]", "[log]\nfile = \"log/traymail.log\"\nlevel = \"debug\"\n[metrics]\nlisten = \""+listen+"\"\n[[listener]]", 1)
	if err := os.WriteFile(filepath.Join(s.home, "traymail.toml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}

	// Every way of signing in: the browser, a pasted address, a device code.
	s.command("", exitDone, "login", "demo")
	s.refreshToken("demo")
	s.pasted("web")
	s.refreshToken("web")
	if _, code := s.converse(nil, func(line string) {
		s.look("login --device", []byte(line))
		if _, rest, ok := strings.Cut(line, "On any device open "); ok {
			words := strings.Fields(rest)
			p := s.person()
			p.UserCode = words[5]
			if _, err := p.Visit(context.Background(), words[0]); err != nil {
				t.Error(err)
			}
		}
	}, "login", "demo", "--device"); code != exitDone {
		t.Fatalf("the sign-in with a code ended with %d", code)
	}
	s.refreshToken("demo")
	opened, err := os.ReadFile(filepath.Join(s.dir, "opened"))
	if err != nil || !bytes.Contains(opened, []byte("code_challenge=")) {
		t.Errorf("what the browser was started with is not known: %v", err)
	}
	s.look("arguments and environment of the browser", opened)

	var clientPassword string
	for _, do := range []string{"add", "passwd"} {
		said := s.command("", exitDone, "client", do, "scanner")
		_, rest, _ := strings.Cut(said, "password ")
		clientPassword = s.mark("client's password", strings.Fields(rest)[0])
		s.look("traymail client "+do, []byte(said))
	}

	// The program, ready to leave a dump where it can.
	core := t.TempDir()
	serve := exec.Command("sh", "-c", `ulimit -c unlimited; cd "$1"; shift; exec traymail "$@"`, "sh", core, "--home", s.home, "serve")
	serve.Env = append(os.Environ(), "GOTRACEBACK=crash")
	var said bytes.Buffer
	serve.Stderr = &said
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serve.Process.Kill(); serve.Wait() })
	relay := s.relayAddress()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", serve.Process.Pid))
	if err != nil || !bytes.Contains(line, []byte("serve")) {
		t.Errorf("the arguments of the program are not known: %v", err)
	}
	s.look("arguments of the program", line)
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", serve.Process.Pid)); err == nil {
		s.look("environment of the program", environ)
	}

	// One message is held, and stays.
	s.command("", exitDone, "pause", "demo")
	s.command(s.body("body that is held"), exitDone, "send", "--account", "demo", "ops@contoso.com")
	var waiting []mailer.Message
	if err := json.Unmarshal([]byte(s.command("", exitDone, "queue", "ls", "--json")), &waiting); err != nil || len(waiting) != 1 {
		t.Fatalf("%d messages wait: %v", len(waiting), err)
	}
	s.command("", exitDone, "queue", "hold", waiting[0].ID)
	s.command("", exitDone, "resume", "demo")

	// Before the program has sessions: some of these accounts are of one mailbox, which
	// bears three, and a dialog is logged by the command's own session.
	ways := []string{"demo", "web", "app", "graph", "password"}
	for _, name := range ways {
		s.command("", exitDone, "test", name, "--to", "ops@contoso.com", "--wire-log", filepath.Join(s.dir, "wire-test"))
	}
	s.command(s.body("body past the queue"), exitDone, "send", "--now", "--account", "demo", "--wire-log", filepath.Join(s.dir, "wire-now"), "ops@contoso.com")
	s.command("", exitDone, "check", "demo", "--json", "--wire-log", filepath.Join(s.dir, "wire-check"))

	// Every way of handing over, and every way out.
	host, _, _ := strings.Cut(relay, ":")
	if err := smtp.SendMail(relay, smtp.PlainAuth("", "scanner", clientPassword, host), "svc@contoso.com", []string{"ops@contoso.com"}, []byte(s.body("body by SMTP"))); err != nil {
		t.Error(err)
	}
	wrong := s.mark("password that a tool had wrong", "Wrong-"+rand.Text())
	if err := smtp.SendMail(relay, smtp.PlainAuth("", "scanner", wrong, host), "svc@contoso.com", []string{"ops@contoso.com"}, nil); err == nil {
		t.Error("a wrong password was taken")
	} else {
		s.look("what a tool is told", []byte(err.Error()))
	}
	sendmail := exec.Command("sendmail", "-t", "-i")
	sendmail.Env = append(os.Environ(), "TRAYMAIL_HOME="+s.home)
	sendmail.Stdin = strings.NewReader(s.body("body by sendmail"))
	if out, err := sendmail.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	} else {
		s.look("sendmail", out)
	}
	if err := os.WriteFile(filepath.Join(s.home, "drop", "a.eml"), []byte(s.body("body by folder")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range ways {
		s.command(s.body("body through "+name), exitDone, "send", "--account", name, "-f", s.sender(name), "ops@contoso.com")
	}
	s.command(strings.Replace(s.body("body that is refused"), "From: svc", "From: board", 1), exitDone, "send", "--account", "demo", "-f", "board@contoso.com", "ops@contoso.com")
	s.command("", exitFailed, "account", "edit", "app", "--secret-file", s.file("wrong", s.mark("secret that is wrong", "Wrong~"+rand.Text())))
	s.command("", exitDone, "account", "edit", "app", "--secret-file", filepath.Join(s.dir, s.appID()))
	s.settled(waiting[0].ID)

	// All that tells of it.
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"queue", "ls", "--all", "--json"}, {"log", "--json"}, {"account", "ls", "--json"}, {"account", "show", "web"}, {"account", "show", "password", "--json"},
		{"account", "export"}, {"account", "export", "--json"}, {"client", "ls", "--json"}, {"check", "demo", "--json"}, {"admin", "demo"}, {"diagnostics", filepath.Join(s.dir, "report.zip")}} {
		s.command("", exitDone, args...)
	}
	for _, m := range s.messages() {
		s.command("", exitDone, "queue", "show", "--json", m[0].ID)
	}
	for _, page := range []string{"metrics", "healthz"} {
		resp, err := http.Get("http://" + listen + "/" + page)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(text) == 0 {
			t.Errorf("%s: %d octets, %v", page, len(text), err)
		}
		s.look(page, text)
	}
	report, err := zip.OpenReader(filepath.Join(s.dir, "report.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	for _, f := range report.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		s.look("diagnostics: "+f.Name, text)
	}
	for _, name := range []string{"wire-test", "wire-now", "wire-check"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil || !bytes.Contains(text, []byte("AUTH XOAUTH2")) && !bytes.Contains(text, []byte("AUTH LOGIN")) {
			t.Errorf("%s: %v", name, err)
		}
		s.look(name, text)
	}

	// A crash: tokens and a message are in memory, and go nowhere.
	if err := serve.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	serve.Wait()
	if status := serve.ProcessState.Sys().(syscall.WaitStatus); status.CoreDump() || !status.Signaled() {
		t.Errorf("the program ended as %v, with a core dump: %v", serve.ProcessState, status.CoreDump())
	}
	if files, _ := os.ReadDir(core); len(files) != 0 {
		t.Errorf("the crash left %v", files)
	}
	if !strings.Contains(said.String(), "SIGABRT") {
		t.Errorf("the program did not crash: %s", said.String())
	}
	s.look("what a crash says", said.Bytes())

	// The next program puts in order what the crash left, and stops.
	next := s.spawn("")
	s.relayAddress()
	s.settled(waiting[0].ID)
	if err := next.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-next.ended
	s.look("standard error", []byte(next.said()))
	s.folder("", s.home)
	if log, err := os.ReadFile(filepath.Join(s.home, "log", "traymail.log")); err != nil || !bytes.Contains(log, []byte("message taken")) {
		t.Errorf("the log has nothing of it: %v", err)
	}
	for _, m := range []string{"client's password", "body that is held"} {
		if !s.legit[m] {
			t.Errorf("the %s was not found where it is, so this test finds nothing", m)
		}
	}
}

// pasted signs an account in by the address on which the browser ended.
func (s *searched) pasted(name string) {
	s.t.Helper()
	r, w := io.Pipe()
	if _, code := s.converse(r, func(line string) {
		if !strings.HasPrefix(line, "https://") {
			return
		}
		end, err := s.ended(line)
		if err != nil {
			s.t.Error(err)
		}
		if u, err := url.Parse(end); err == nil {
			s.mark("authorization code", u.Query().Get("code"))
		}
		go func() { fmt.Fprintln(w, end); w.Close() }()
	}, "login", name, "--paste"); code != exitDone {
		s.t.Fatalf("the sign-in of %s ended with %d", name, code)
	}
}

// sender is who an account of newSearched sends as.
func (s *searched) sender(name string) string {
	if name == "app" || name == "graph" || name == "password" {
		return "ops@contoso.com"
	}
	return "svc@contoso.com"
}

func (s *searched) appID() string {
	for _, app := range s.ready.Apps {
		if app.Platform == "application" && !slices.ContainsFunc(app.AppRoles, func(r string) bool { return strings.HasSuffix(r, "/Mail.Send") }) {
			return app.ClientID
		}
	}
	s.t.Fatal("the sandbox has no application")
	return ""
}

// relayAddress waits until the program listens.
func (s *searched) relayAddress() string {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var status mailer.Status
		var ignored bytes.Buffer
		out, code := s.run(nil, &ignored, "status", "--json")
		if code == exitDone && json.Unmarshal([]byte(out), &status) == nil && status.Running && len(status.Listeners) > 0 {
			return status.Listeners[0].Address
		}
	}
	s.t.Fatal("the program does not listen")
	return ""
}

// settled waits until nothing waits but one message.
func (s *searched) settled(but string) {
	s.t.Helper()
	out := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var list []mailer.Message
		var ignored bytes.Buffer
		var code int
		out, code = s.run(nil, &ignored, "queue", "ls", "--json")
		files, _ := filepath.Glob(filepath.Join(s.home, "drop", "*.eml*"))
		if code == exitDone && json.Unmarshal([]byte(out), &list) == nil && len(list) == 1 && list[0].ID == but && len(files) == 0 {
			return
		}
	}
	s.t.Fatalf("more than one message waits: %s\n%s", out, s.must(nil, "status"))
}
