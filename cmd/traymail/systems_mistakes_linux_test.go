package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message/mail"

	"traymail/internal/checks"
	"traymail/internal/clienttest"
	"traymail/internal/refusals"
	"traymail/internal/sandbox"
)

// A guide is what somebody followed, up to the mistake.
type guide struct {
	page    string // of docs/systems, and .md
	account string
	// adds is the heading of the page under which the account is added.
	adds string
	// mailbox is where an application gets in.
	mailbox string
	app     sandbox.App
	// before is what the administrator did at Microsoft, besides what
	// 'traymail admin' has as a script.
	before   func(*followed)
	login    bool // a person signs in
	mistakes []mistake
}

// A mistake is one that the guide warns of, or whose avoidance is a step of it.
type mistake struct {
	name     string
	scenario string // of the sandbox: what is not the administrator's
	// done is the mistake at Microsoft: it undoes a step of the guide.
	done func(*followed)
	// typed is the mistake at this machine: what is typed instead of the page's
	// command, as pairs of old and new.
	typed []string
	// asks is what the account's command, or the sign-in, says where it refuses
	// the mistake and stores nothing of it; check and finding are then empty,
	// unless the account is there already.
	asks string
	// hints are what it says to do then; where a check can only tell that nobody
	// has signed in, this is the diagnosis.
	hints []string

	check, finding string
	warns          bool // it works all the same
	// notes are findings that other checks warn of besides; not-signed-in, where
	// nobody could.
	notes []string
	// says is how what is printed names the place that the guide names.
	says []string
	// told is what the check, the test email and a tool's bounce all say to do;
	// nil does not try the latter two.
	told []string
	// mends does what is printed; nil runs the printed command.
	mends func(*followed, checks.Result)
}

// besides are what checks here warn of whatever the mistake: a sandbox stands
// where the provider should, so that its certificate is of no public authority,
// and some pages give no day on which the secret ends.
var besides = []string{"certificate-inspected", "secret-expiry-unknown"}

// A followed guide is a machine and a tenant where a guide was followed, but for
// a mistake.
type followed struct {
	*office
	guide *guide
	page  *page
	app   *sandbox.App
	typed string // the command that added the account
	// notes are what the check warned of besides.
	notes []checks.Result
}

// follows makes each mistake on a setup of its own, and has it mended by what is
// printed.
func (g *guide) follows(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, m := range g.mistakes {
		t.Run(m.name, func(t *testing.T) {
			f := &followed{office: newOffice(t, m.scenario), guide: g}
			f.page = readPage(t, g.page)
			app := g.app
			f.app = f.register(&app)
			f.fill["REGISTRATION-ID"] = f.app.ObjectID
			f.makes(m)
		})
	}
}

func (f *followed) makes(m mistake) {
	f.t.Helper()
	g := f.guide
	add := f.page.blocksUnder(g.adds)[0]
	if g.before != nil {
		g.before(f)
	}
	if m.done != nil {
		m.done(f)
	}
	wrong := add
	for i := 0; i < len(m.typed); i += 2 {
		if !strings.Contains(wrong, m.typed[i]) {
			f.t.Fatalf("nobody types %q", m.typed[i])
		}
		wrong = strings.ReplaceAll(wrong, m.typed[i], m.typed[i+1])
	}
	f.typed = wrong
	said, err := f.sh(wrong)
	if m.asks != "" && g.login && err == nil {
		more, failed := f.signsIn()
		said, err = said+more, failed
	}
	if m.asks != "" {
		if err == nil || !strings.Contains(said, m.asks) {
			f.t.Fatalf("%s does not say %q: %v\n%s", wrong, m.asks, err, said)
		}
		f.tells(said, m.hints)
	}
	if m.check == "" {
		if m.mends != nil {
			m.mends(f, checks.Result{})
		}
		f.passes()
		return
	}
	if g.login && m.asks == "" {
		f.signsIn()
	}
	found := f.finds(m)
	if m.told != nil {
		plain, _ := f.sh("traymail check " + g.account)
		f.tells(plain, append([]string{"FAILED  " + m.check, found.Summary}, m.told...))
		f.tells(found.Fix+"\n"+found.Command, m.told)
		said, err := f.sh("traymail test " + g.account)
		if err == nil {
			f.t.Error("the test email is sent")
		}
		f.tells(said, m.told)
		from := regexp.MustCompile(`--sender (\S+)`).FindStringSubmatch(f.typed)[1]
		if f.app.AppRoles != nil {
			from = "admin@contoso.com" // who stands behind the sender that is put in its place
		}
		f.tells(f.bounce(from), m.told)
	}
	if f.t.Failed() {
		return
	}
	if m.mends == nil {
		f.runs(found)
	} else {
		m.mends(f, found)
	}
	f.passes()
}

// tells reports what a text does not say.
func (f *followed) tells(text string, says []string) {
	f.t.Helper()
	for _, want := range says {
		if !strings.Contains(text, want) {
			f.t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
}

// signsIn is a sign-in of the person who sits at the browser.
func (f *followed) signsIn() (said string, err error) {
	f.t.Helper()
	return f.sh("traymail login --timeout 2s " + f.guide.account)
}

// results are those of traymail check.
func (f *followed) results() (all []checks.Result, err error) {
	f.t.Helper()
	c := f.command("traymail check --json " + f.guide.account)
	said, err := c.Output()
	if broken := json.Unmarshal(said, &all); broken != nil {
		f.t.Fatalf("traymail check --json: %v, %v\n%s", broken, err, said)
	}
	return all, err
}

// finds has the check name the mistake, and nothing else.
func (f *followed) finds(m mistake) checks.Result {
	f.t.Helper()
	all, err := f.results()
	status := checks.Fail
	if m.warns {
		status = checks.Warn
	}
	if (err == nil) != m.warns {
		f.t.Errorf("the exit code of the check: %v", err)
	}
	var found checks.Result
	for _, r := range all {
		switch {
		case r.Status == checks.Pass || r.Status == checks.Skip:
		case r.ID == m.check && r.Finding == m.finding && r.Status == status:
			found = r
		case r.Finding == "not-signed-in" && slices.Contains(m.notes, r.Finding): // as it follows
		case r.Status == checks.Warn && slices.Contains(slices.Concat(m.notes, besides), r.Finding):
			f.notes = append(f.notes, r)
		default:
			f.t.Errorf("it finds %s at %s (%s): %s\n%s", r.Finding, r.ID, r.Status, r.Summary, r.Fix)
		}
	}
	if found.ID == "" {
		f.t.Errorf("it does not find %s at %s", m.finding, m.check)
		return found
	}
	if _, ok := refusals.Find(m.finding); !ok {
		f.t.Errorf("the catalogue does not know %s", m.finding)
	}
	f.tells(strings.Join([]string{found.Summary, found.Detail, found.Fix, found.Link, found.Command, found.Takes}, "\n"), m.says)
	if f.t.Failed() {
		f.t.Logf("%+v", found)
	}
	return found
}

// passes has the check find nothing any more, but for a sign-in that could not
// be before, and is done as it says.
func (f *followed) passes() {
	f.t.Helper()
	all, err := f.results()
	failed := slices.DeleteFunc(slices.Clone(all), func(r checks.Result) bool { return r.Status != checks.Fail })
	if again := "traymail login " + f.guide.account; len(failed) == 1 && failed[0].ID == checks.TokenSMTP && strings.Contains(failed[0].Fix+failed[0].Command, again) {
		f.types(again)
		all, err = f.results()
	}
	for _, r := range all {
		if r.Status == checks.Fail || r.Status == checks.Warn && !slices.Contains(besides, r.Finding) {
			f.t.Errorf("after what was printed: %s %s [%s]: %s\n%s", r.Status, r.ID, r.Finding, r.Summary, r.Fix)
		}
	}
	if err != nil {
		f.t.Errorf("after what was printed the check ends with %v", err)
	}
}

// bounce is what the sender of a tool's message hears when it could not leave,
// by way of another account that works.
func (f *followed) bounce(from string) string {
	f.t.Helper()
	f.apps()
	f.does("traymail account add way-out --sign-in app-only --transport graph --sender svc@contoso.com --client-id GRAPH-ID --tenant TENANT-ID --secret-stdin < graph.txt")
	f.does("traymail client add tool --no-password --networks 127.0.0.1 --account " + f.guide.account)
	settings := filepath.Join(f.home, "traymail.toml")
	was, err := os.ReadFile(settings)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(settings, append(was, "\n[queue]\nexpire = \"4s\"\n"...), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.start()
	defer f.stop()
	f.submit(clienttest.Server{Addr: "127.0.0.1:2525", TLS: clienttest.None}, from)
	m := f.arrived(1, func(m sandbox.Message) bool { return bytes.Contains(m.Data, []byte("multipart/report")) })
	if !slices.Equal(m.To, []string{from}) {
		f.t.Errorf("the bounce goes to %v", m.To)
	}
	read, err := mail.CreateReader(bytes.NewReader(m.Data))
	if err != nil {
		f.t.Fatal(err)
	}
	part, err := read.NextPart()
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := io.ReadAll(part.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// runs does what a result has as its command: at this machine, or as the
// administrator in PowerShell. A secret is in the file of the pages.
func (f *followed) runs(r checks.Result) {
	f.t.Helper()
	if r.Command == "" {
		f.t.Fatalf("no command is printed for %s:\n%s", r.Finding, r.Fix)
	}
	if !strings.HasPrefix(r.Command, "traymail ") {
		f.administers(r.Command)
		return
	}
	for line := range strings.Lines(r.Command) {
		f.types(strings.TrimSpace(line))
	}
}

// types runs a printed command of traymail's.
func (f *followed) types(command string) {
	f.t.Helper()
	if strings.Contains(command, "--secret-stdin") {
		command += " < secret.txt"
	}
	f.does(command)
}

var printedCommand = regexp.MustCompile(`traymail account edit (?:[^,;:().\n]|\.\S)*`)

// corrects types the command that stands in a fix, or in a note besides, with values
// in place of what stands there in capitals, as pairs.
func corrects(values ...string) func(*followed, checks.Result) {
	return func(f *followed, r checks.Result) {
		f.t.Helper()
		printed := printedCommand.FindAllString(r.Fix, -1)
		for line := range strings.Lines(r.Command) { // one that is another way out stands behind a #
			printed = append(printed, strings.Trim(line, "# \n"))
		}
		for _, note := range f.notes {
			printed = append(printed, note.Command)
		}
		for _, command := range printed {
			if strings.Contains(command, values[0]) {
				for i := 0; i+1 < len(values); i += 2 {
					command = strings.ReplaceAll(command, values[i], values[i+1])
				}
				f.types(command)
				return
			}
		}
		f.t.Errorf("no command with %s is printed:\n%s", values[0], r.Fix)
	}
}

// clicks does what a fix tells to click. The form is pairs of name and value.
func clicks(action string, form ...string) func(*followed, checks.Result) {
	return func(f *followed, _ checks.Result) { f.t.Helper(); f.portal(action, form...) }
}

// portal is an action of the administrator; APP in it is the app's client ID.
func (f *followed) portal(action string, form ...string) {
	f.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], f.with(form[i+1]))
	}
	if said, err := f.posts(f.ready.PortalURL+"/"+f.with(action), values); err != nil {
		f.t.Fatalf("%s %v: %v: %s", action, form, err, said)
	}
	if action == "tenant/network" {
		f.provider.open()
	}
}

// with puts the app's IDs into a text.
func (f *followed) with(text string) string {
	return strings.NewReplacer("REGISTRATION", f.app.ObjectID, "ENTERPRISE", f.app.EnterpriseID, "APP", f.app.ClientID).Replace(text)
}

// administers runs PowerShell as the administrator, in a window that is
// connected or connects itself.
func (f *followed) administers(script string) {
	f.t.Helper()
	if said, err := f.console(script); err != nil {
		f.t.Fatalf("%s\n%v: %s", script, err, said)
	}
}

// console is administers, with what PowerShell says.
func (f *followed) console(script string) (said string, err error) {
	f.t.Helper()
	if !strings.Contains(script, "Connect-") {
		script = "Connect-ExchangeOnline\n" + script
	}
	return f.posts(f.ready.PortalURL+"/powershell?answer="+f.app.EnterpriseID, url.Values{"script": {script}})
}

// posts sends a form to the portal.
func (f *followed) posts(address string, form url.Values) (said string, err error) {
	f.t.Helper()
	res, err := trusting(f.ready.CAPEM).PostForm(address, form)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(body), err
}
