package mailer

// A RemoteError is an error of a Program in another process: its text, and what
// Fix and Temporary said of it there.
type RemoteError struct {
	Text          string
	FixText       string
	TemporaryFlag bool
	// Err is what callers branch on, such as account.ErrNotFound or an
	// *account.FieldError; nil when there is nothing of that kind.
	Err error
}

func (e *RemoteError) Error() string { return e.Text }

// Unwrap returns Err.
func (e *RemoteError) Unwrap() error { return e.Err }
