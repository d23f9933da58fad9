package desk

import (
	"time"

	"traymail/internal/mailer"
)

// A Page is one of the window's pages, as its rail has them.
type Page string

// The pages.
const (
	Home     Page = "home"
	Setup    Page = "setup"
	Queue    Page = "queue"
	History  Page = "history"
	Accounts Page = "accounts"
	Relay    Page = "relay"
	Settings Page = "settings"
	Explain  Page = "explain"
	About    Page = "about"
)

// Pages are all pages, in the order of the rail.
var Pages = []Page{Home, Setup, Queue, History, Accounts, Relay, Settings, Explain, About}

// A Place is where in the window to go: a page, and what to show on it.
type Place struct {
	Page    Page
	Account string // the account it is about, "" for any
	Message string // the ID of a message
	Text    string // a refusal to explain
	// Do begins something at once, one of the constants below; "" nothing.
	Do string
}

// What a Place can begin.
const (
	DoSignIn = "sign-in"
	DoTest   = "test"
	DoCheck  = "check"
	DoNew    = "new"
	DoSecret = "secret" // a new client secret, certificate or password is asked for
)

// A Status is what the window knows of the program, as one immutable snapshot.
type Status struct {
	mailer.Status
	Known bool      // there was a first one
	At    time.Time // when it came
	// Service says that the program is another process, a service or another
	// traymail, and not this window's.
	Service bool
	// Silent is since when the program has not answered, zero when it does, and
	// Trouble why, if it said so.
	Silent  time.Time
	Trouble error
	// Unstarted is why this window's own program could not start; nil when it did.
	Unstarted error
}
