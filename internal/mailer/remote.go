package mailer

import (
	"errors"

	"traymail/authcode"
)

// A RemoteError is an error of a Program in another process: its text, and what
// Fix and Temporary said of it there.
type RemoteError struct {
	Text          string
	FixText       string
	TemporaryFlag bool
	// OtherAccount is what OtherAccount said of it there, "" for nothing.
	OtherAccount string
	// Err is what callers branch on, such as account.ErrNotFound or an
	// *account.FieldError; nil when there is nothing of that kind.
	Err error
}

func (e *RemoteError) Error() string { return e.Text }

// Unwrap returns Err.
func (e *RemoteError) Unwrap() error { return e.Err }

// OtherAccount returns who signed in, where a sign-in came to nothing because that
// was somebody else than the account's username; "" where that is not why.
func OtherAccount(err error) string {
	var remote *RemoteError
	var wrong *authcode.WrongAccountError
	switch {
	case errors.As(err, &remote):
		return remote.OtherAccount
	case errors.As(err, &wrong):
		return wrong.SignedInAs
	}
	return ""
}
