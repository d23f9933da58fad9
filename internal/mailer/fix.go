package mailer

import (
	"cmp"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
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
}

func (e *AccountError) Error() string { return "account " + e.Account + ": " + e.Err.Error() }

// Unwrap returns what happened.
func (e *AccountError) Unwrap() error { return e.Err }

func about(a *account.Account, err error) error {
	return newAccountError(a, err)
}

func newAccountError(a *account.Account, err error) *AccountError {
	e := &AccountError{Account: a.Name, Username: a.Username, SignIn: a.SignIn, Err: err}
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

// fill puts an account's names into a fix. {username} is whom the server knows:
// the person, or the mailbox that an application sends through.
func fill(fix, account, username, mailbox string) string {
	return strings.NewReplacer("{account}", account, "{username}", cmp.Or(mailbox, username)).Replace(fix)
}

// fixOfReply is what to do about a reply to an account's message that left
// through a mailbox; "" is the account's own.
func fixOfReply(a *account.Account, mailbox, reply string) string {
	if a.SignIn == account.AppOnly {
		mailbox = cmp.Or(mailbox, a.Sender)
	} else {
		mailbox = ""
	}
	return fill(replyFix(reply, a.SignIn), a.Name, a.Username, mailbox)
}

// Fix says what to do about an error of this package, in one line, in the words
// of the portals. It is "" when the error's own text says so already, or when
// nothing is known that would help.
func Fix(err error) string {
	concern := &AccountError{Account: "ACCOUNT", Username: "USERNAME"}
	errors.As(err, &concern)
	what := fix(err, concern.SignIn)
	if reply, ok := errors.AsType[*smtp.Error](err); ok && reply.Op == smtp.OpAUTH && reply.Code == 535 && len(concern.Warnings) > 0 &&
		(what == "" || strings.Contains(serverText(reply), badIdentity)) {
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
	return fill(what, concern.Account, concern.Username, concern.Mailbox)
}

// fix is Fix with the account's name and username left open.
func fix(err error, signIn account.SignIn) string {
	var (
		remote   *RemoteError
		field    *account.FieldError
		oauth    *authcode.Error
		reply    *smtp.Error
		listener *authcode.NoListenerError
		port     *authcode.PortError
		opener   *authcode.OpenError
		late     *authcode.TimeoutError
		refusal  *graph.Error
	)
	switch {
	case errors.As(err, &remote): // its text may hold what the others look for
		return remote.FixText
	case errors.As(err, &field):
		return field.Fix
	case errors.As(err, &oauth) && oauth.SignInAgain():
		return oauthFix(oauth, signIn)
	case errors.As(err, &reply) && reply.Code != 0: // its text is somebody else's
		return replyFix(serverText(reply), signIn)
	case errors.As(err, &refusal) && refusal.Op != graph.OpToken:
		return graphFix(refusal, signIn)
	case errors.Is(err, account.ErrNotFound):
		return "see the accounts there are: traymail account ls"
	case errors.Is(err, ErrNotAllowed):
		return "an administrator of Exchange signs in for it: traymail admin {account} --grant; or runs the command that 'traymail check {account}' prints"
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
		return signInAgain
	case errors.As(err, &listener), errors.As(err, &opener):
		return "sign in by pasting: traymail login {account} --paste"
	case errors.As(err, &port):
		return "free the port, or sign in by pasting: traymail login {account} --paste"
	case errors.As(err, &late):
		return "compare the settings with the app registration, traymail account show {account}, then sign in again: traymail login {account}"
	case errors.As(err, &oauth):
		return oauthFix(oauth, signIn)
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
	if strings.Contains(err.Error(), "encrypted file") {
		return "make its key available, as [keystore] in traymail.toml names it, and try again; nothing was changed"
	}
	return "unlock the keychain, or log in to the desktop, and try again; nothing was deleted. On a machine without a keychain choose the encrypted file: docs/configuration.md, [keystore]"
}
