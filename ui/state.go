package ui

import (
	"errors"
	"slices"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
)

// A Field is one field of the form. Its value is the Key that an
// account.FieldError has for it.
type Field string

// The fields, in the order of the form.
const (
	FieldName         Field = "name"
	FieldUsername     Field = "username"
	FieldSender       Field = "sender"
	FieldTestTo       Field = "test_to"
	FieldTenant       Field = "tenant"
	FieldClientID     Field = "client_id"
	FieldRegistration Field = "registration"
	FieldSecret       Field = "client secret"
	FieldRedirectURL  Field = "redirect_url"
)

var fields = []Field{FieldName, FieldUsername, FieldSender, FieldTestTo, FieldTenant, FieldClientID,
	FieldRegistration, FieldSecret, FieldRedirectURL}

// An Activity is what the program does on the person's behalf; one at a time.
type Activity int

// The activities. Idle is none.
const (
	Idle Activity = iota
	Opening
	Saving
	SigningIn
	Sending
	Checking
)

// A View is one of the window's pages.
type View int

// The views.
const (
	ViewAccount View = iota
	ViewChecks
	ViewExplain
)

// A State is everything the page shows. It is never changed, only replaced, so
// that whoever holds one may keep it.
type State struct {
	View View

	// Account and Secret are the form. The secret is empty unless it was just
	// typed: a stored one is never read back.
	Account account.Account
	Secret  mailer.Secret

	Stored  bool // the account exists; its name then stays
	Changed bool // the form differs from what is stored
	Secrets mailer.Secrets

	// Activity is under way since Elapsed.
	Activity   Activity
	Elapsed    time.Duration
	Cancelling bool
	// Link is the address of the sign-in under way, "" before it is known, and
	// Left the time the browser still has. Unopened says why the program could
	// not open it; the person still can.
	Link     string
	Left     time.Duration
	Unopened error

	// Outcome is how the last activity ended.
	Outcome Outcome
	// Problem is the part of it that belongs to one field; nil for none.
	Problem *account.FieldError

	Checks  Checks
	Explain Explanation
}

// An Outcome is how an activity ended. The zero value is none yet.
type Outcome struct {
	Of        Activity
	Err       error
	Cancelled bool
	Username  string          // who signed in
	Delivery  mailer.Delivery // of the test email
}

// Fix is what to do about the outcome's error, "" when there is nothing to add.
func (o Outcome) Fix() string {
	if o.Err == nil || o.Cancelled {
		return ""
	}
	return mailer.Fix(o.Err)
}

// CanSave reports whether saving would change anything.
func (s State) CanSave() bool { return s.Activity == Idle && s.Changed }

// CanSignIn reports whether a sign-in can start; it saves the form first.
func (s State) CanSignIn() bool { return s.Activity == Idle && s.SignsIn() }

// CanSend reports whether there is a sign-in, or a secret in its place, to send
// the test email with.
func (s State) CanSend() bool { return s.Activity == Idle && s.Secrets.Complete(&s.Account) }

// CanCheck reports whether the setup can be checked; the form is saved first.
func (s State) CanCheck() bool { return s.Activity == Idle }

// SignsIn reports whether a person signs in to the account.
func (s State) SignsIn() bool {
	return s.Account.SignIn == "" || s.Account.SignIn == account.BrowserSignIn
}

// TakesSecret reports whether the form asks for a secret: a client secret, or a
// password in its place.
func (s State) TakesSecret() bool {
	return s.Account.HasClientSecret() || s.Account.Registration == account.Web || s.Account.SignIn == account.PasswordSignIn
}

// TestTo is where the test email goes.
func (s State) TestTo() string {
	for _, address := range []string{s.Account.TestTo, s.Account.Sender} {
		if address != "" {
			return address
		}
	}
	return s.Account.Username
}

// Value is what the form shows in a field. The secret has no value to show.
func (s State) Value(f Field) string {
	if p := part(&s.Account, f); p != nil {
		return *p
	}
	return ""
}

// part is the field of an account that a field of the form edits; nil for the
// client secret, which is not part of it.
func part(a *account.Account, f Field) *string {
	switch f {
	case FieldName:
		return &a.Name
	case FieldUsername:
		return &a.Username
	case FieldSender:
		return &a.Sender
	case FieldTestTo:
		return &a.TestTo
	case FieldTenant:
		return &a.Tenant
	case FieldClientID:
		return &a.ClientID
	case FieldRegistration:
		return (*string)(&a.Registration)
	case FieldRedirectURL:
		return &a.RedirectURL
	}
	return nil
}

// edited returns a with one field changed, and with it what followed from the
// field's former value. The kind of registration that is stored brings back the
// redirect URL that is stored.
func edited(a, stored account.Account, f Field, value string) account.Account {
	former := a
	*part(&a, f) = value
	a.Follow(former)
	if f == FieldRegistration && a.Registration == stored.Registration {
		a.RedirectURL = stored.RedirectURL
	}
	return a
}

// problemOf returns what an error says about one field of the form, nil when it
// is about something else, such as a line of a file.
func problemOf(err error) *account.FieldError {
	var e *account.FieldError
	if errors.As(err, &e) && e.File == "" && slices.Contains(fields, Field(e.Key)) {
		return e
	}
	return nil
}
