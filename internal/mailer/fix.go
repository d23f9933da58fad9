package mailer

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/refusals"
	"traymail/internal/relay"
	"traymail/keystore"
	"traymail/smtp"
)

// An AccountError says which account an error concerns.
type AccountError struct {
	Account  string // its name
	Username string
	SignIn   account.SignIn // how it proves who it is
	// Mailbox is the one that an application sent through; "" for a person's.
	Mailbox string
	Err     error
	// Warnings are what the account's access token says that may explain it.
	Warnings []Warning

	of *account.Account
}

func (e *AccountError) Error() string { return "account " + e.Account + ": " + e.Err.Error() }

// Unwrap returns what happened.
func (e *AccountError) Unwrap() error { return e.Err }

func about(a *account.Account, err error) error {
	return newAccountError(a, err)
}

func newAccountError(a *account.Account, err error) *AccountError {
	e := &AccountError{Account: a.Name, Username: a.Username, SignIn: a.SignIn, Err: err, of: a}
	if a.SignIn == account.AppOnly {
		e.Mailbox = a.Sender
	}
	return e
}

// aboutMailbox is err, of which w.about knows the account, about one of its
// mailboxes.
func aboutMailbox(err error, mailbox string) error {
	concern, ok := errors.AsType[*AccountError](err)
	if !ok {
		return err
	}
	of := *concern
	of.Mailbox = mailbox
	return &of
}

// Fix says what to do about an error of this package, in one line, in the words
// of the portals. It is "" when the error's own text says so already, or when
// nothing is known that would help.
func Fix(err error) string {
	concern := &AccountError{Account: "ACCOUNT", Username: "USERNAME"}
	errors.As(err, &concern)
	what := fix(err, concern)
	if reply, ok := errors.AsType[*smtp.Error](err); ok && reply.Op == smtp.OpAUTH && reply.Code == 535 && len(concern.Warnings) > 0 {
		known, ok := refusals.OfReply(serverText(reply))
		if what == "" || ok && known.ID == "identity-refused" {
			// What the token says is more certain than what the refusal may mean.
			w := concern.Warnings[0]
			said := "the access token says: " + w.Text
			if w.Fix != "" {
				said += "; " + w.Fix
			}
			if what != "" {
				said += "; when that is not it: " + what
			}
			what = said
		}
	}
	return what
}

// signInAgain is what to do where nobody has signed in.
func signInAgain(account string) string { return "sign in: traymail login " + account }

// file is the account that an error concerns, as far as the error knows it.
func (e *AccountError) file() *account.Account {
	a := &account.Account{Name: e.Account, Username: e.Username, SignIn: e.SignIn, Sender: e.Mailbox}
	if e.of != nil {
		*a = *e.of
	}
	return a
}

func fix(err error, concern *AccountError) string {
	var (
		remote   *RemoteError
		field    *account.FieldError
		oauth    *authcode.Error
		listener *authcode.NoListenerError
		port     *authcode.PortError
		opener   *authcode.OpenError
		late     *authcode.TimeoutError
		paste    = "sign in by pasting: traymail login " + concern.Account + " --paste"
	)
	switch {
	case errors.As(err, &remote): // its text may hold what the others look for
		return remote.FixText
	case errors.As(err, &field):
		return field.Fix
	case errors.Is(err, account.ErrNotFound):
		return "see the accounts there are: traymail account ls"
	case errors.Is(err, ErrNotAllowed):
		return "an administrator of Exchange signs in for it: traymail admin " + concern.Account + " --grant; or runs the command that 'traymail check " + concern.Account + "' prints"
	case errors.Is(err, ErrNoClient):
		return "see the clients there are: traymail client ls"
	case errors.Is(err, ErrNoMessage):
		return "see the messages there are: traymail queue ls --all"
	case errors.Is(err, ErrQueueFull):
		return "deliver or remove messages, raise the limits under [queue] in traymail.toml, or free the disk; the message was not taken"
	case diskFull(err):
		return "free space on the disk, then try again; nothing was changed"
	case errors.Is(err, keystore.ErrUnavailable):
		return keystoreFix(err)
	case errors.Is(err, authcode.ErrNotSignedIn):
		return signInAgain(concern.Account)
	case errors.As(err, &listener), errors.As(err, &opener):
		return paste
	case errors.As(err, &port):
		return "free the port, or " + paste
	case errors.As(err, &late):
		return "when the page says that an administrator's approval is needed (Need admin approval), have one grant it: traymail admin " + concern.Account + " --consent; else traymail check " + concern.Account + " compares the settings with the app registration. Then sign in again: traymail login " + concern.Account
	}
	if r, ok := refusalOf(err); ok {
		a := concern.file()
		if errors.As(err, &oauth) && oauth.Stage == authcode.StageApplication {
			a.SignIn = account.AppOnly
		}
		return fixIn(named(r, a, concern.Mailbox))
	}
	if errors.As(err, &oauth) && oauth.SignInAgain() {
		return signInAgain(concern.Account)
	}
	if oauth != nil && oauth.Err != nil && strings.Contains(oauth.Err.Error(), "the federated token") {
		return "the platform that runs this program writes the federated token's file: see that assertion_file names it, traymail account show " + concern.Account + ", and that the user who runs traymail may read it"
	}
	switch {
	case notAllowed(err):
		return "let the user who runs traymail read and write that file and its folder"
	case strings.Contains(err.Error(), "read-only file system"):
		return "the disk is mounted read-only: mount it for writing, or choose another place (--home, or file in [log]); a disk with errors is mounted so by itself, see the system's log"
	}
	return ""
}

// Temporary reports whether the same attempt may succeed later, although
// nobody changes a setting: nothing was accepted, and nothing is known to be
// wrong with the message or the account.
func Temporary(err error) bool {
	var remote *RemoteError
	var oauth *authcode.Error
	var reply *smtp.Error
	var refusal *relay.Refusal
	var graphs *graph.Error
	var database *pgconn.ConnectError
	switch {
	case errors.As(err, &remote):
		return remote.TemporaryFlag
	case errors.As(err, &oauth): // a session that got no token has it as its cause
		return oauth.Temporary()
	case errors.As(err, &reply) && (reply.Code != 0 || reply.Unknown):
		// Of an unknown outcome this is false: sent again, it may arrive twice.
		return reply.Temporary()
	case errors.Is(err, keystore.ErrUnavailable), errors.Is(err, ErrQueueInUse), errors.Is(err, ErrQueueFull), errors.Is(err, ErrStopping), errors.As(err, &database), diskFull(err):
		return true
	case errors.As(err, &refusal):
		return refusal.Temporary()
	case errors.As(err, &graphs):
		return graphs.Temporary()
	}
	return reply != nil && reply.Temporary()
}

// diskFull goes by the text, because what replaces files in one step passes on
// no more. Unix and Windows each have their own.
func diskFull(err error) bool {
	return strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), "not enough space on the disk")
}

func keystoreFix(err error) string {
	// A keychain that is not there recommends the encrypted file, too.
	if strings.Contains(err.Error(), "encrypted file") && !strings.Contains(err.Error(), "no keychain service answers") {
		return "make its key available, as [keystore] in traymail.toml names it, and try again; nothing was changed"
	}
	return "unlock the keychain, or log in to the desktop, and try again; nothing was deleted. On a machine without a keychain choose the encrypted file: docs/configuration.md, [keystore]"
}

// notAllowed reports whether a file's or folder's permissions are in the way. The
// text is for what replaces files, which keeps no more of an error than that.
func notAllowed(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && errors.Is(path, fs.ErrPermission) || strings.Contains(err.Error(), "cannot create temp file") &&
		(strings.Contains(err.Error(), "permission denied") || strings.Contains(err.Error(), "Access is denied"))
}
