// Package refusals is the catalogue of what can go wrong between a tool and a
// mail system: how each refusal is recognised, whose fault it is, and what mends
// it. It is read from one file, catalogue.toml, and serves the checks, the
// queue, the bounces, the window and 'traymail explain' alike.
//
// All functions are safe for concurrent use and reach nothing outside.
package refusals

import (
	_ "embed"
	"slices"
	"sync"
)

// Whose says who can end a refusal.
type Whose string

// The six.
const (
	Administrator Whose = "administrator" // of the organisation, at the provider
	User          Whose = "user"          // whoever signs in
	Setup         Whose = "setup"         // the account's settings in traymail, or the tool's own
	Network       Whose = "network"       // what is between this computer and the provider
	Provider      Whose = "provider"      // nobody here: wait
	Message       Whose = "message"       // whoever wrote the message
)

// A Refusal is one entry of the catalogue. Fixes, links and commands have
// placeholders, which Filled replaces.
type Refusal struct {
	ID string `json:"id" toml:"id"`
	// Group is the part of docs/troubleshooting.md that it stands in.
	Group string `json:"group" toml:"group"`
	Cause string `json:"cause" toml:"cause"` // what is wrong, in a sentence
	Whose Whose  `json:"whose" toml:"whose"`
	// Temporary says that the same attempt may succeed later although nobody
	// changes anything.
	Temporary bool `json:"temporary" toml:"temporary"`
	// FixAdmin is what an administrator of the provider does, FixUser whoever
	// uses the tool.
	FixAdmin string `json:"fix_admin" toml:"fix_admin"`
	FixUser  string `json:"fix_user" toml:"fix_user"`
	// Application are the fixes for an account that nobody signs in to; what is
	// empty in it is as for a person.
	Application Fixes  `json:"application,omitzero" toml:"application"`
	Link        string `json:"link,omitempty" toml:"link"`
	// Command is PowerShell, or a command of any shell, that mends it or shows more.
	// A placeholder in single quotes is a value of PowerShell's, any other an
	// argument.
	Command string `json:"command,omitempty" toml:"command"`
	// Steps are the IDs of the administrator's steps that mend it, in order; they
	// have links and commands of their own.
	Steps []string `json:"steps,omitempty" toml:"steps"`
	// Takes is how long a fix usually needs to have an effect; "" is none.
	Takes string `json:"takes,omitempty" toml:"takes"`
	// Source is the document that the entry is from.
	Source string `json:"source,omitempty" toml:"source"`
	// Looks are refusals as servers and programs give them, the usual one first.
	// Each is recognised as this entry.
	Looks []string `json:"looks,omitempty" toml:"looks"`

	signs
}

// Fixes are those of an application.
type Fixes struct {
	FixAdmin string `json:"fix_admin,omitempty" toml:"fix_admin"`
	FixUser  string `json:"fix_user,omitempty" toml:"fix_user"`
	Command  string `json:"command,omitempty" toml:"command"`
}

// signs are what a refusal is recognised by; any of them is enough.
type signs struct {
	AADSTS []int `json:"-" toml:"aadsts"`
	// Replies are reply codes with an enhanced code ("432 4.3.2"), or enhanced
	// codes alone ("5.1.90"), that mean nothing else.
	Replies []string `json:"-" toml:"replies"`
	// Phrases are parts of sentences. Only their letters and digits count, and
	// the dots within numbers; an ellipsis stands for up to 240 characters.
	Phrases []string `json:"-" toml:"phrases"`
	OAuth   []string `json:"-" toml:"oauth"`
	Graph   []graph  `json:"-" toml:"graph"`
	// Weak says that it often follows from another refusal: it counts only where
	// there is no other.
	Weak bool `json:"-" toml:"weak"`
	// Firm are phrases of a weak entry that count beside others nonetheless.
	Firm []string `json:"-" toml:"firm"`
	// InsteadOf are the IDs of entries that say less when this one is found too.
	InsteadOf []string `json:"-" toml:"instead_of"`
}

// A graph is an error code of Microsoft Graph, alone or with a part of its text.
type graph struct {
	Code   string `toml:"code"`
	Phrase string `toml:"phrase"`
}

// A doubt is a text that several refusals share.
type doubt struct {
	Phrases []string `toml:"phrases"`
	Replies []string `toml:"replies"`
	// Codes are reply codes that mean it in whatever form they stand, when no
	// enhanced code follows.
	Codes []int `toml:"codes"`
	// Sentence says that what stands after it would tell: where that is a sentence
	// of which nobody knows, it is unknown.
	Sentence bool `toml:"sentence"`
	// Candidates are the IDs of the entries that it may be, and Tell is what would
	// tell them apart.
	Candidates []string `toml:"candidates"`
	Tell       string   `toml:"tell"`
	// Reply says that a server said it: what is weak follows from it.
	Reply bool `toml:"reply"`
	// Looks are as a Refusal's.
	Looks []string `toml:"looks"`
}

//go:embed catalogue.toml
var file []byte

// a catalogue is the file, ready for use.
type catalogue struct {
	entries []Refusal
	doubts  []doubt
	byID    map[string]int
	matcher *matcher
}

// the is the embedded catalogue. A test loads it, so it does load.
var the = sync.OnceValue(func() *catalogue {
	c, err := load(file)
	if err != nil {
		panic(err)
	}
	return c
})

// All returns the catalogue in its order.
func All() []Refusal { return slices.Clone(the().entries) }

// Find returns the entry of an ID.
func Find(id string) (Refusal, bool) {
	c := the()
	i, ok := c.byID[id]
	if !ok {
		return Refusal{}, false
	}
	return c.entries[i], true
}
