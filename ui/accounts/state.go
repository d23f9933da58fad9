// Package accounts is the page of the accounts: which there are, how each is
// doing, and all of its settings, which are changed in a copy and applied.
package accounts

import (
	"context"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// Program is what the page needs of the program.
type Program interface {
	Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error)
	Save(ctx context.Context, a account.Account, secret mailer.Secret) error
	Remove(ctx context.Context, name string) error
	Travelling
	mailer.Pausing
}

// Travelling is how an account comes from another machine, and goes there.
type Travelling interface {
	Export(ctx context.Context, name string) ([]byte, error)
	Import(ctx context.Context, data []byte, name string) (account.Account, error)
}

// A Mood is how an account stands. The page gives it a shape and a colour.
type Mood string

// The moods.
const (
	Fine    Mood = "fine"
	Resting Mood = "resting"
	Needed  Mood = "needed"
	Broken  Mood = "broken"
)

// A Stage is what is under way with the chosen account.
type Stage int

// The stages.
const (
	Nothing    Stage = iota // none is chosen
	Loading                 // its settings are read
	Unreadable              // they cannot be
	Editing
	Applying
)

// A State is what the page shows. It is not changed once it was handed out.
type State struct {
	Usable bool // the program answers
	Empty  bool // there is no account
	Rows   []Row
	Chosen string
	Head   Head
	Stage  Stage
	Busy   bool // something else is asked of the program
	Inputs []Input
	Secret Secret
	// Changes is how many settings differ from what is in force.
	Changes int
	// Notice is what came of the last thing that was asked for; Problem is why
	// the account cannot be read.
	Notice, Problem *Notice
}

// A Row is one account of the list.
type Row struct {
	Name, Address, Way, Word string
	Mood                     Mood
}

// A Head is how the chosen account is doing.
type Head struct {
	Mood      Mood
	Word      string
	Said, Fix string // the program's own words of what is wrong
	Paused    bool   // by a person
	SignsIn   bool   // a person signs in to it
	Waiting   int    // messages that are not sent yet
}

// An Input is one field of the form that goes with the account.
type Input struct {
	Key, Value string
	Wrong, Fix string // "" when it is right
}

// A SecretKind is what an account proves itself with.
type SecretKind string

// The kinds.
const (
	NoSecret     SecretKind = ""
	ClientSecret SecretKind = "client_secret"
	Password     SecretKind = "password"
	Certificate  SecretKind = "certificate"
)

// A Secret is what is known of the account's secret, which itself is never shown.
type Secret struct {
	Kind   SecretKind
	Stored bool
	// Typed is what the person typed over it: a new one or, where File is one that
	// needs it, the password of the file.
	Typed mailer.Secret
	File  string // of a certificate that was chosen or made; "" for none
	Wrong string
	Fix   string
}

// A Notice is said until something else is done.
type Notice struct {
	Mood            Mood
	What, Then      string
	Said, Fix       string
	SignIn, Control bool // a button leads to the sign-in, or to the checks
}
