package setup

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// A Field is one field of the form. Its value is the Key that an
// account.FieldError has for it, but for setup.Secret.
type Field = string

// The fields that package setup has no name for.
const (
	fieldName          Field = "name"
	fieldAuthorizeURL  Field = "authorize_url"
	fieldAssertionFile Field = "assertion_file"
	fieldRegistration  Field = "registration" // a choice
	fieldCredential    Field = "credential"   // a choice
	fieldSignIn        Field = "sign_in"      // a choice
)

// An Activity is what the program does on the person's behalf; one at a time.
type Activity int

// The activities. Idle is none.
const (
	Idle Activity = iota
	Opening
	Saving
	SigningIn
	Validating
)

// A Note is something about a field that the person should know; it is one of
// these.
type Note struct {
	Mistake   setup.Mistake
	Address   string // a code of setup.AddressProblem
	Missing   bool
	Whole     string // sentences
	Text, Fix string // an account.FieldError's
}

// Certain reports whether it cannot work like this.
func (n Note) Certain() bool { return n.Mistake.Code == "" || n.Mistake.Certain }

// Signing is how a sign-in stands.
type Signing struct {
	Device     bool          // with a code on another device
	Link       string        // to open, "" before it is known
	Code       string        // to type there
	Left       time.Duration // 0 before it is known
	Pasting    bool          // the field for the address is open
	Wrong      error         // with the address that was pasted last
	Cancelling bool
}

// An Outcome is how the last sign-in or validation ended. The zero value is none
// yet.
type Outcome struct {
	Of         Activity
	Err        error
	Cancelled  bool
	SignedInAs string
	Validation mailer.Validation
}

// A State is everything the page shows. It is never changed, only replaced, and
// so are its maps.
type State struct {
	Draft   setup.Draft // its Account is the form
	Reached string      // the furthest step
	Secret  mailer.Secret
	// Typed has fields as they are typed; the account has them cleaned.
	Typed map[Field]string
	Notes map[Field][]Note

	Stored  bool // the account exists
	Secrets mailer.Secrets

	// Pasted is what was found in pastes, and Filled the fields that the last one
	// filled in.
	Pasted setup.Found
	Filled []Field

	Activity Activity
	Signing  Signing
	Outcome  Outcome

	Err     error  // of opening or saving, where no field is to blame
	Unkept  error  // why the draft cannot be kept
	Waiting string // the name of another account whose setup is unfinished

	// Do is what a place wants begun in the step of the checks, as desk.Place has it.
	Do string

	// Focus is the field where the next key belongs, each time that Turn grows.
	Focus Field
	Turn  int
}

// Step is the step that the person is at.
func (s State) Step() string {
	if slices.Contains(setup.Order(), s.Draft.Step) {
		return s.Draft.Step
	}
	return setup.StepMethod
}

// position is a step's place in the order.
func position(step string) int { return slices.Index(setup.Order(), step) }

// CanGo reports whether the person may go to a step from the list of steps.
func (s State) CanGo(step string) bool {
	return position(step) <= position(s.Reached) && (s.Activity == Idle || s.Activity == SigningIn)
}

// Guide is the guide that is followed; the zero Guide has no words.
func (s State) Guide() setup.Guide {
	g, _ := setup.GuideByID(s.Draft.Guide)
	return g
}

// SignsIn reports whether a person signs in.
func (s State) SignsIn() bool { return s.Draft.Account.SignIn == account.BrowserSignIn }

// Proven reports whether the sign-in that the account has now is known to hold:
// a person signed in, or the program has tried it.
func (s State) Proven() bool {
	if s.SignsIn() {
		return s.Draft.IsSignedIn()
	}
	return s.Outcome.Of == Validating && s.Outcome.Err == nil
}

// HasSecret reports whether the secret that the account asks for is there,
// typed or stored.
func (s State) HasSecret() bool {
	a := s.Draft.Account
	stored := s.Secrets.ClientSecret
	switch {
	case a.SignIn == account.PasswordSignIn:
		stored = s.Secrets.Password
	case a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential:
		stored = s.Secrets.Certificate
	}
	return s.Secret != "" || s.Draft.HasSecret || stored
}

// Certified reports whether the secret is a certificate with its key.
func (s State) Certified() bool {
	a := s.Draft.Account
	return a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential
}

// Fields are the fields of a step, in the order of the page. Choices are among
// them.
func (s State) Fields(step string) []Field {
	a := s.Draft.Account
	var all []Field
	add := func(there bool, f ...Field) {
		if there {
			all = append(all, f...)
		}
	}
	browser, app, password := s.SignsIn(), a.SignIn == account.AppOnly, a.SignIn == account.PasswordSignIn
	custom := a.Provider == account.Custom
	switch step {
	case setup.StepAddresses:
		add(!app, setup.Username)
		add(true, setup.Sender, setup.TestTo, fieldName)
		for _, f := range []Field{setup.Mailbox, setup.NoticeTo} {
			add(s.Guide().Word(f) != "", f) // elsewhere they are among the account's settings
		}
		add(custom, fieldSignIn, setup.SMTPHost, setup.SMTPPort, setup.SMTPTLS)
		add(custom && browser, fieldAuthorizeURL)
		add(custom && !password, setup.TokenURL, setup.SMTPScope)
	case setup.StepRegistration:
		add(browser && a.Provider != account.Google, fieldRegistration)
		add(browser, setup.RedirectURL)
		add(app, fieldCredential)
		add(!password, setup.ClientID)
		add(!password && a.HasEntra() && a.Provider != account.OutlookCom, setup.Tenant)
		add(setup.NeedsSecret(a), setup.Secret)
		add(app && a.Credential == account.FederatedCredential, fieldAssertionFile)
		add(app && a.HasEntra(), setup.ObjectID)
		add(a.HasEnding() && a.Provider != account.Google, setup.SecretExpires)
	}
	return all
}

// stepOf returns the step that has the field, "" when none has.
func (s State) stepOf(f Field) string {
	for _, step := range setup.Order() {
		if slices.Contains(s.Fields(step), f) {
			return step
		}
	}
	return ""
}

// Value is what the page shows in a field. Of the secret there is nothing to
// show but what was just typed.
func (s State) Value(f Field) string {
	if typed, is := s.Typed[f]; is {
		return typed
	}
	a := s.Draft.Account
	if f == setup.SMTPPort {
		if a.SMTPPort == 0 {
			return ""
		}
		return strconv.Itoa(a.SMTPPort)
	}
	if p := part(&a, f); p != nil {
		return *p
	}
	return ""
}

// part is the field of an account that a field of the form is; nil for the
// secret and for numbers.
func part(a *account.Account, f Field) *string {
	return map[Field]*string{
		fieldName: &a.Name, setup.Username: &a.Username, setup.Sender: &a.Sender, setup.TestTo: &a.TestTo,
		setup.ClientID: &a.ClientID, setup.Tenant: &a.Tenant, setup.ObjectID: &a.ObjectID, setup.RedirectURL: &a.RedirectURL,
		setup.SecretExpires: &a.SecretExpires, setup.SMTPHost: &a.SMTPHost, setup.SMTPScope: &a.SMTPScope, setup.TokenURL: &a.TokenURL,
		setup.Mailbox: (*string)(&a.Mailbox), setup.NoticeTo: &a.NoticeTo,
		setup.SMTPTLS: (*string)(&a.SMTPTLS), fieldAuthorizeURL: &a.AuthorizeURL, fieldAssertionFile: &a.AssertionFile,
		fieldRegistration: (*string)(&a.Registration), fieldCredential: (*string)(&a.Credential), fieldSignIn: (*string)(&a.SignIn),
	}[f]
}

// problemOf returns what an error says about one field, nil when it is about
// something else.
func problemOf(err error) *account.FieldError {
	var e *account.FieldError
	if !errors.As(err, &e) || e.File != "" {
		return nil
	}
	of := *e
	if strings.HasPrefix(of.Key, "client secret") || of.Key == "certificate" || of.Key == "password" {
		of.Key = setup.Secret
	}
	return &of
}
