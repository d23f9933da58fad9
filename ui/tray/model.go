package tray

import (
	"reflect"
	"time"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/words"
)

// A State is what the picture says; it is the name of one of icons.Names.
type State string

// The states, the gravest last.
const (
	Idle      State = "idle"      // mail flows
	Sending   State = "sending"   // a message is on its way
	Paused    State = "paused"    // an account waits, and goes on by itself or when a person says so
	Attention State = "attention" // something waits for a person
	Error     State = "error"     // nothing is sent, or an account cannot send at all
)

// A Verb is what an entry of the menu does.
type Verb string

// The verbs.
const (
	Open     Verb = "open"      // show the window
	SendTest Verb = "send-test" // send the account's test email
	SignIn   Verb = "sign-in"   // sign the account in again
	Pause    Verb = "pause"     // of all accounts, For so long; zero: until Resume
	Resume   Verb = "resume"    // of the account, or with "" of all
	Quit     Verb = "quit"      // end the program
)

// An Action is what a person chose.
type Action struct {
	Do      Verb
	Account string
	For     time.Duration
}

// An Entry is a line of the menu: a separator when it has no label, a line that
// is only read when it has no action and no entries.
type Entry struct {
	Label   string
	Action  Action
	Entries []Entry // of a submenu
}

// A Model is what is shown, in the language in use. It is never changed.
type Model struct {
	State State
	Line  string // how things stand, in a line that fits a tooltip
	Menu  []Entry
}

// sameMenu reports whether two menus are equal: to build one anew is not free,
// and closes it on the screen.
func (m Model) sameMenu(as Model) bool { return reflect.DeepEqual(m.Menu, as.Menu) }

// Of says what is shown of a status. The times in it are taken in the time zone
// of now.
func Of(s desk.Status, now time.Time) Model {
	state, head, more := standing(s, now)
	line := head
	if more != "" {
		line = words.Say("tray.line_more", words.Data{"Line": head, "More": more})
	}
	return Model{State: state, Line: short(line), Menu: menu(s, head)}
}

// pauses are what the menu offers.
var pauses = []struct {
	key   string
	lasts time.Duration
}{
	{"tray.pause_15_minutes", 15 * time.Minute},
	{"tray.pause_1_hour", time.Hour},
	{"tray.pause_until_resumed", 0},
}

func menu(s desk.Status, head string) []Entry {
	m := []Entry{{Label: head}, {}, {Label: words.Say("tray.open"), Action: Action{Do: Open}}}
	if answers(s) {
		m = append(m, signIns(s.Accounts)...)
		m = append(m, tests(s.Accounts)...)
		m = append(m, rests(s)...)
	}
	return append(m, Entry{}, Entry{Label: words.Say("tray.quit"), Action: Action{Do: Quit}})
}

// answers reports whether there is a program that could do something.
func answers(s desk.Status) bool {
	return s.Known && s.Running && s.Silent.IsZero() && s.Unstarted == nil
}

// signIns are for the accounts that need one. An account that is alone is not
// named.
func signIns(accounts []mailer.AccountStatus) []Entry {
	var list []Entry
	for _, a := range accounts {
		if a.State != mailer.Attention || a.Cause != mailer.CauseSignIn {
			continue
		}
		e := Entry{Label: words.Say("tray.sign_in_again"), Action: Action{Do: SignIn, Account: a.Name}}
		if len(accounts) > 1 {
			e.Label = words.Say("tray.sign_in_again_account", words.Data{"Account": a.Name})
		}
		list = append(list, e)
	}
	return list
}

func tests(accounts []mailer.AccountStatus) []Entry {
	test := Entry{Label: words.Say("tray.send_test")}
	switch len(accounts) {
	case 0:
		return nil
	case 1:
		test.Action = Action{Do: SendTest, Account: accounts[0].Name}
	default:
		for _, a := range accounts {
			test.Entries = append(test.Entries, Entry{Label: a.Name, Action: Action{Do: SendTest, Account: a.Name}})
		}
	}
	return []Entry{test}
}

// rests are how a person's pause begins and ends.
func rests(s desk.Status) []Entry {
	if s.Paused != nil {
		return []Entry{{Label: words.Say("tray.resume"), Action: Action{Do: Resume}}}
	}
	if len(s.Accounts) == 0 {
		return nil
	}
	pause := Entry{Label: words.Say("tray.pause")}
	for _, p := range pauses {
		pause.Entries = append(pause.Entries, Entry{Label: words.Say(p.key), Action: Action{Do: Pause, For: p.lasts}})
	}
	list := []Entry{pause}
	for _, a := range s.Accounts {
		if a.State == mailer.Paused && a.Cause == mailer.CauseUser {
			list = append(list, Entry{Label: words.Say("tray.resume_account", words.Data{"Account": a.Name}), Action: Action{Do: Resume, Account: a.Name}})
		}
	}
	return list
}

// lineLimit is what every system shows of a tooltip: Windows 127 units of
// UTF-16.
const lineLimit = 110

// short cuts what is too long.
func short(s string) string {
	if r := []rune(s); len(r) > lineLimit {
		return string(r[:lineLimit-1]) + "…"
	}
	return s
}
