package mailer

import (
	"errors"
	"strings"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/refusals"
	"traymail/keystore"
	"traymail/smtp"
)

// A trouble is what an error means for an account and for the message that met
// it.
type trouble struct {
	// cause is set when the account is in trouble and not the message: the
	// account pauses, and no attempt of a message is used up.
	cause Cause
	// rest is how long the account rests before the next message is the test of
	// whether it goes on; 0 leaves that to the cure, which tries by itself.
	rest time.Duration
	// permanent says that the message will never be taken.
	permanent bool
	// after is the least wait before the message is tried again.
	after time.Duration
	// mailbox says that it is one mailbox's, of an account that sends through
	// several.
	mailbox bool
	// hold says that a person must find out whether the message was sent.
	hold bool
}

// mailboxRest is the least wait before a message is tried again whose mailbox was
// refused: only an administrator can help, and each try is a sign-in that fails.
const mailboxRest = 15 * time.Minute

// accountTroubles are the refusals of a message, by the catalogue, that any other
// message of the account would meet too. The next message is the only way to
// find out whether they have ended.
var accountTroubles = map[string]struct {
	trouble
	ofMailbox bool // it is one mailbox's, where an account has several
}{
	"recipient-quota":     {trouble{cause: CauseQuota, rest: time.Hour}, true},
	"trial-quota":         {trouble{cause: CauseQuota, rest: time.Hour}, false},
	"tenant-quota":        {trouble{cause: CauseQuota, rest: time.Hour}, false},
	"mailbox-full":        {trouble{cause: CauseProvider, rest: mailboxRest}, true},
	"sender-blocked":      {trouble{cause: CauseProvider, rest: mailboxRest}, true},
	"outlook-suspended":   {trouble{cause: CauseProvider, rest: mailboxRest}, true},
	"sender-banned":       {trouble{cause: CauseProvider, rest: mailboxRest}, true},
	"tenant-blocked":      {trouble{cause: CauseProvider, rest: mailboxRest}, false},
	"basic-auth-disabled": {trouble{cause: CauseProvider, rest: mailboxRest}, false},
}

// is reports whether an error is the catalogue's refusal of that ID.
func is(err error, id string) bool {
	r, ok := refusalOf(err)
	return ok && r.ID == id
}

// troubleOf judges why a message with the sender from did not leave
// through a. The cases come from the facts on Exchange Online's replies.
func troubleOf(err error, a *account.Account, from string) trouble {
	var reply *smtp.Error
	var oauth *authcode.Error
	var field *account.FieldError
	var refusal *graph.Error
	switch {
	case errors.As(err, &oauth), errors.Is(err, authcode.ErrNotSignedIn):
		return tokenTrouble(err, oauth)
	case errors.Is(err, keystore.ErrUnavailable), diskFull(err):
		return trouble{cause: CauseKeystore}
	case errors.As(err, &field), errors.Is(err, account.ErrNotFound), errors.Is(err, keystore.ErrDamaged):
		return trouble{cause: CauseSettings}
	case errors.As(err, &reply):
		return smtpTrouble(reply, a, from)
	case errors.As(err, &refusal):
		return graphTrouble(refusal, a, from)
	}
	return trouble{}
}

func tokenTrouble(err error, oauth *authcode.Error) trouble {
	switch {
	case oauth == nil || oauth.SignInAgain():
		return trouble{cause: CauseSignIn}
	case oauth.Temporary():
		return trouble{cause: CauseNetwork, after: oauth.RetryAfter}
	}
	return trouble{cause: CauseSettings}
}

func smtpTrouble(e *smtp.Error, a *account.Account, from string) trouble {
	switch e.Op {
	case smtp.OpMessage:
		return trouble{permanent: true}
	case smtp.OpRead:
		return trouble{}
	case smtp.OpDial, smtp.OpGreeting, smtp.OpEHLO, smtp.OpSTARTTLS, smtp.OpTLS:
		if e.Temporary() {
			return trouble{cause: CauseNetwork}
		}
		return trouble{cause: CauseSettings}
	case smtp.OpAUTH:
		switch {
		case e.Code == 0 && !e.Temporary():
			return trouble{cause: CauseSettings}
		case e.Code == 0 || e.Code/100 == 4:
			return trouble{cause: CauseNetwork}
		case othersMailbox(a, from):
			return trouble{mailbox: true, after: mailboxRest} // it lacks a permission, and the others go on
		case a != nil && a.SignIn == account.PasswordSignIn:
			// Each try counts against a lockout, and none is right by itself.
			return trouble{cause: CauseProvider, rest: time.Hour}
		}
		return trouble{cause: CauseProvider}
	}
	text := serverText(e)
	switch {
	case e.Code == 432, is(e, "submission-rate"):
		return trouble{cause: CauseThrottle}
	case e.Code == 530:
		return trouble{cause: CauseProvider, rest: 15 * time.Minute}
	}
	refusal, _ := refusals.OfReply(text)
	if t, ok := accountTroubles[refusal.ID]; ok {
		if t.ofMailbox && othersMailbox(a, from) {
			return trouble{mailbox: true, after: t.rest}
		}
		return t.trouble
	}
	if refusal.ID == "send-as-denied" && a != nil && strings.EqualFold(from, a.Sender) {
		// As the account's own sender no message would be taken, and somebody has
		// to give the permission; as another, this one is not.
		return trouble{cause: CauseProvider, rest: 15 * time.Minute}
	}
	return trouble{permanent: e.Code/100 == 5}
}

// attention tells the causes that only a person can end.
func (c Cause) attention() bool {
	return c == CauseSignIn || c == CauseSettings || c == CauseProvider
}

// plain is an error's text without the account, where the account is known.
func plain(err error) string {
	var concern *AccountError
	if errors.As(err, &concern) {
		err = concern.Err
	}
	if e, ok := errors.AsType[*smtp.Error](err); ok && e.Op == smtp.OpAUTH && e.Code == 0 && e.Err != nil {
		err = e.Err // there was no token to sign in with, and the server had no part in it
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
