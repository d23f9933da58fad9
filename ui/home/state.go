// Package home is the window's first page: whether mail flows, and if not, what
// to do.
package home

import (
	"time"
)

// A Mood is how something stands. The page gives it a shape and a colour.
type Mood string

// The moods.
const (
	Fine    Mood = "fine"    // mail flows
	Busy    Mood = "busy"    // it is not known yet
	Resting Mood = "resting" // paused, and goes on by itself or when the person says so
	Needed  Mood = "needed"  // a person must do something, or should soon
	Broken  Mood = "broken"  // nothing works
)

// A State is what the page shows. It is not changed once it was handed out.
type State struct {
	Headline Headline
	// Where says which program that is, and since when it runs.
	Where string
	// Paused says that the person paused everything.
	Paused bool
	// Pausing and Resuming say that this was asked for and not answered yet.
	Asking bool
	// Usable says that the program answers: what acts on it can be pressed.
	Usable bool
	// Empty says that there is no account yet.
	Empty bool
	// Problem is why the configuration in the files is not in force, as the
	// program says it; "" is that it is.
	Problem string
	// Trouble is what came of the last thing that was asked for and failed.
	Trouble *Trouble
	Cards   []Card
	Plot    Plot
}

// A Headline is the whole in one sentence, and a second one with why, or what to
// do. Said is the program's own text.
type Headline struct {
	Mood            Mood
	What, Then      string
	Said, Fix       string
	DoneBy, Account string // a Cure, "" for none
}

// A Trouble is an error and what to do about it.
type Trouble struct{ What, Said, Fix string }

// A Card is one account.
type Card struct {
	Account string
	Address string
	Mood    Mood
	Word    string // the state
	Why     string // in the window's words
	Said    string // in the program's
	Fix     string
	Cures   []string // what the buttons do, one of the cures
	Facts   []Fact
	Notes   []Note
}

// A Fact is a number with its name.
type Fact struct{ Name, Value string }

// A Note is an alert.
type Note struct {
	ID        string
	Mood      Mood
	Said, Fix string
	Cure      string // "" for none
}

// The cures: what a button does about what is wrong.
const (
	CureSignIn   = "sign_in"
	CureCheck    = "check"
	CureResume   = "resume"
	CureQueue    = "queue"
	CureHistory  = "history"
	CureAccount  = "account"
	CureSecret   = "secret"
	CureSetup    = "setup"
	CureTest     = "test"
	CureSettings = "settings" // the files are read again
)

// A Span is how far back the plot goes.
type Span int

// The spans.
const (
	Hour Span = iota
	Day
	Month
)

// step is how long a bar is, and bars how many there are.
func (s Span) step() (step time.Duration, bars int) {
	switch s {
	case Hour:
		return 2 * time.Minute, 30
	case Day:
		return 30 * time.Minute, 48
	}
	return 24 * time.Hour, 30
}

// since is where the span begins that ends with now: on a whole step, of the
// clock or the calendar that now has.
func (s Span) since(now time.Time) time.Time {
	step, bars := s.step()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	if s == Month {
		return midnight.AddDate(0, 0, 1-bars)
	}
	return midnight.Add(now.Sub(midnight).Truncate(step)).Add(-step * time.Duration(bars-1))
}

// A Plot is what was accepted, delivered and refused.
type Plot struct {
	Span    Span
	Bars    []Bar
	Summary string
	Failed  string // why there is none, or no newer one
}

// A Bar is one step of the plot.
type Bar struct {
	Accepted, Delivered, Refused int
	Tick                         string // below the axis, "" at most bars
	Says                         string
}
