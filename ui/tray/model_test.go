package tray

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// noon is the time of the tests.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// running is the status of a program with these accounts.
func running(accounts ...mailer.AccountStatus) desk.Status {
	return desk.Status{Known: true, At: noon, Status: mailer.Status{Running: true, Accounts: accounts}}
}

func ready(name string) mailer.AccountStatus {
	return mailer.AccountStatus{Name: name, State: mailer.Ready}
}

func needy(name string, cause mailer.Cause) mailer.AccountStatus {
	a := mailer.AccountStatus{Name: name, State: mailer.Attention, Cause: cause, Since: noon.Add(-time.Hour), Reason: "AADSTS50173 for secret@contoso.com"}
	a.Alerts = []mailer.Alert{{ID: string(cause), Severity: mailer.AlertUrgent, Summary: a.Reason}}
	return a
}

func waits(name string, cause mailer.Cause) mailer.AccountStatus {
	return mailer.AccountStatus{Name: name, State: mailer.Paused, Cause: cause}
}

func warned(name, alert string, severity mailer.Severity, due time.Time) mailer.AccountStatus {
	a := ready(name)
	a.Alerts = []mailer.Alert{{ID: alert, Severity: severity, Due: due}}
	return a
}

func TestThePictureAndTheLineSayHowThingsStand(t *testing.T) {
	words.Use("en")
	busy, delivered := ready("main"), ready("main")
	busy.Sending, busy.Waiting, busy.LastDelivered = 2, 5, noon
	delivered.LastDelivered = noon.Add(-3 * time.Hour)
	revoked := needy("main", mailer.CauseSignIn)
	revoked.Waiting = 37
	paused, silent, stopped, wrong := running(ready("main")), running(ready("main")), running(ready("main")), running(ready("main"))
	paused.Paused = &mailer.Pause{Until: noon.Add(15 * time.Minute)}
	silent.Silent = noon.Add(-2 * time.Minute)
	stopped.Running = false
	wrong.Problem = "traymail.toml:3: queue.keep: what"
	untilResumed := running(waits("main", mailer.CauseUser))
	untilResumed.Paused = &mailer.Pause{}
	unstarted := desk.Status{Unstarted: errors.New("the queue is locked")}
	pausedNeedy := running(needy("main", mailer.CauseProvider))
	pausedNeedy.Paused = &mailer.Pause{}

	for _, c := range []struct {
		name   string
		status desk.Status
		state  State
		line   string
	}{
		{"nothing known", desk.Status{}, Sending, "Starting"},
		{"nothing delivered", running(ready("main")), Idle, "Mail flows"},
		{"delivered", running(ready("a"), delivered), Idle, "Mail flows · Last delivered 09:00"},
		{"sending", running(busy), Sending, "Mail flows · Sending 2 messages"},
		{"no account", running(), Attention, "No account is set up yet"},
		{"revoked", running(ready("a"), revoked), Attention, "main: sign in again; its messages wait until then · 37 messages wait"},
		{"locked", running(needy("main", mailer.CauseKeystore)), Attention, "main: the keychain is locked or away; unlock it"},
		{"refused account", running(needy("main", mailer.CauseProvider)), Error, "main: the provider refuses it; an administrator must act"},
		{"bad settings", running(needy("main", mailer.CauseSettings)), Error, "main: its settings cannot work"},
		{"two", running(needy("a", mailer.CauseSignIn), needy("b", mailer.CauseProvider), ready("c")), Error, "2 accounts wait for you"},
		{"a cause to come", running(needy("main", "moon")), Attention, "main waits for you"},
		{"secret", running(warned("main", mailer.AlertSecret, mailer.AlertWarning, noon.AddDate(0, 0, 12))), Attention, "main: its secret or certificate expires on 2 December"},
		{"secret today", running(warned("main", mailer.AlertSecret, mailer.AlertUrgent, noon.Truncate(24*time.Hour))), Attention, "main: its secret or certificate expires on 20 November"},
		{"secret gone", running(warned("main", mailer.AlertSecret, mailer.AlertUrgent, noon.AddDate(0, 0, -1))), Attention, "main: its secret or certificate has expired"},
		{"a damaged queue", running(warned("main", mailer.AlertQueueFile, mailer.AlertWarning, time.Time{})), Attention, "The queue's file was damaged; Home says what became of its messages"},
		{"there is time", running(warned("main", mailer.AlertSecret, mailer.AlertNotice, noon.AddDate(0, 0, 29))), Idle, "Mail flows"},
		{"offline", running(waits("main", mailer.CauseNetwork)), Paused, "main: the server is not reached; it is tried again by itself"},
		{"throttled and offline", running(waits("a", mailer.CauseThrottle), waits("b", mailer.CauseNetwork)), Paused, "2 accounts wait and go on by themselves"},
		{"one paused", running(ready("a"), waits("b", mailer.CauseUser)), Paused, "b is paused"},
		{"a rest to come", running(waits("b", "moon")), Paused, "b waits and goes on by itself"},
		{"paused", paused, Paused, "Paused until 12:15"},
		{"paused for long", untilResumed, Paused, "Paused until resumed"},
		{"paused and refused", pausedNeedy, Error, "main: the provider refuses it; an administrator must act"},
		{"silent", silent, Error, "No answer since 11:58"},
		{"stopped", stopped, Error, "Nothing is sent: sending does not run"},
		{"unstarted", unstarted, Error, "Nothing is sent: sending did not start"},
		{"configuration", wrong, Attention, "The changed configuration is not in force"},
	} {
		m := Of(c.status, noon)
		if m.State != c.state || m.Line != c.line {
			t.Errorf("%s: %s, %q, want %s, %q", c.name, m.State, m.Line, c.state, c.line)
		}
	}
}

func TestTheLineFitsATooltip(t *testing.T) {
	words.Use("en")
	long := Of(running(needy(strings.Repeat("ü", 200), mailer.CauseSignIn)), noon).Line
	if n := len(utf16.Encode([]rune(long))); n > 127 || !strings.HasSuffix(long, "…") {
		t.Errorf("the line has %d units: %q", n, long)
	}
}

// labels are the menu in a line.
func labels(list []Entry) string {
	var all []string
	for _, e := range list {
		l := e.Label
		if l == "" {
			l = "-"
		}
		if len(e.Entries) > 0 {
			l += " (" + labels(e.Entries) + ")"
		}
		all = append(all, l)
	}
	return strings.Join(all, " | ")
}

func TestTheMenuOffersWhatCanBeDone(t *testing.T) {
	words.Use("en")
	const pause = "Pause sending (For 15 minutes | For 1 hour | Until resumed)"
	paused, silent := running(ready("main"), ready("b")), running(ready("main"))
	paused.Paused = &mailer.Pause{}
	silent.Silent = noon
	for _, c := range []struct {
		name   string
		status desk.Status
		want   string
	}{
		{"one", running(ready("main")), "Mail flows | - | Open traymail | Send test email | " + pause + " | - | Quit traymail"},
		{"two", running(ready("a"), ready("b")), "Mail flows | - | Open traymail | Send test email (a | b) | " + pause + " | - | Quit traymail"},
		{"none", running(), "No account is set up yet | - | Open traymail | - | Quit traymail"},
		{"revoked", running(needy("main", mailer.CauseSignIn)),
			"main: sign in again; its messages wait until then | - | Open traymail | Sign in again | Send test email | " + pause + " | - | Quit traymail"},
		{"one of two", running(needy("a", mailer.CauseSignIn), needy("b", mailer.CauseProvider)),
			"2 accounts wait for you | - | Open traymail | Sign in again: a | Send test email (a | b) | " + pause + " | - | Quit traymail"},
		{"paused", paused, "Paused until resumed | - | Open traymail | Send test email (main | b) | Resume sending | - | Quit traymail"},
		{"one paused", running(ready("a"), waits("b", mailer.CauseUser)),
			"b is paused | - | Open traymail | Send test email (a | b) | " + pause + " | Resume b | - | Quit traymail"},
		{"silent", silent, "No answer since 12:00 | - | Open traymail | - | Quit traymail"},
	} {
		if got := labels(Of(c.status, noon).Menu); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

func TestTheEntriesDoWhatTheySay(t *testing.T) {
	words.Use("en")
	var got []Action
	var walk func(list []Entry)
	walk = func(list []Entry) {
		for _, e := range list {
			if walk(e.Entries); e.Action.Do != "" {
				got = append(got, e.Action)
			}
		}
	}
	walk(Of(running(needy("a", mailer.CauseSignIn), waits("b", mailer.CauseUser)), noon).Menu)
	want := []Action{{Do: Open}, {Do: SignIn, Account: "a"}, {Do: SendTest, Account: "a"}, {Do: SendTest, Account: "b"},
		{Do: Pause, For: 15 * time.Minute}, {Do: Pause, For: time.Hour}, {Do: Pause}, {Do: Resume, Account: "b"}, {Do: Quit}}
	if !slices.Equal(got, want) {
		t.Errorf("the menu does %v, want %v", got, want)
	}
}

// A message more or less is no other menu: to build one closes it on the screen.
func TestTheMenuStaysWhileMessagesAreSent(t *testing.T) {
	words.Use("en")
	quiet, busy := ready("main"), ready("main")
	busy.Sending, busy.Waiting, busy.LastDelivered, busy.Delivered = 3, 40, noon, 12
	if a, b := Of(running(quiet), noon), Of(running(busy), noon.Add(time.Hour)); !a.sameMenu(b) {
		t.Errorf("%s became %s", labels(a.Menu), labels(b.Menu))
	}
	if a, b := Of(running(quiet), noon), Of(running(needy("main", mailer.CauseSignIn)), noon); a.sameMenu(b) {
		t.Error("the menu is the same with a sign-in to do")
	}
}

func TestEveryTextIsUsedAndThere(t *testing.T) {
	file, err := os.ReadFile("../words/translations/tray.en.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]any
	if err := json.Unmarshal(file, &texts); err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range []string{"model.go", "standing.go", "notices.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
	}
	for key := range texts {
		if !strings.Contains(code.String(), `"`+key+`"`) {
			t.Errorf("%s is not used", key)
		}
	}
	for _, part := range strings.Split(code.String(), `"tray.`)[1:] {
		key, _, _ := strings.Cut(part, `"`)
		if _, is := texts["tray."+key]; !is {
			t.Errorf("tray.%s has no text", key)
		}
	}
}
