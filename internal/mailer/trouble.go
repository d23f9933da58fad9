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

// An accountTrouble is a refusal of a message, by the catalogue, that any other
// message of the account would meet too. The next message is the only way to
// find out whether it has ended.
type accountTrouble struct {
	trouble
	ofMailbox bool // it is one mailbox's, where an account has several
	// codes are the enhanced codes that a reply begins with, and exception is a
	// name within it, of which one must be there: a server that quotes such a
	// sentence, or says it of a recipient, has refused one message only.
	codes     []string
	exception string
}

// submission is in the exceptions that Exchange's submission itself ends with.
const submission = "STOREDRV.Submission"

var accountTroubles = map[string]accountTrouble{
	"recipient-quota":     {trouble{cause: CauseQuota, rest: time.Hour}, true, []string{"5.1.90"}, submission},
	"trial-quota":         {trouble{cause: CauseQuota, rest: time.Hour}, false, []string{"5.7.232"}, ""},
	"tenant-quota":        {trouble{cause: CauseQuota, rest: time.Hour}, false, []string{"5.7.233"}, ""},
	"mailbox-full":        {trouble{cause: CauseProvider, rest: mailboxRest}, true, nil, submission},
	"sender-blocked":      {trouble{cause: CauseProvider, rest: mailboxRest}, true, []string{"5.1.8"}, ""},
	"outlook-suspended":   {trouble{cause: CauseProvider, rest: mailboxRest}, true, nil, submission},
	"sender-banned":       {trouble{cause: CauseProvider, rest: mailboxRest}, true, []string{"5.7.501", "5.7.502", "5.7.503"}, ""},
	"tenant-blocked":      {trouble{cause: CauseProvider, rest: mailboxRest}, false, []string{"5.7.705", "5.7.708", "5.7.750"}, ""},
	"basic-auth-disabled": {trouble{cause: CauseProvider, rest: mailboxRest}, false, []string{"5.7.30", "5.7.139"}, ""},
	"send-as-denied":      {trouble{cause: CauseProvider, rest: mailboxRest}, false, []string{"5.2.252", "5.7.60"}, submission},
}

// is reports whether a reply is this refusal, and not one that only has its words.
func (t accountTrouble) is(reply *smtp.Error) bool {
	for _, code := range t.codes {
		if strings.HasPrefix(reply.Text, code+" ") {
			return true
		}
	}
	return t.exception != "" && strings.Contains(reply.Text, t.exception)
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
	case e.Code == 432, e.Code == 421 && strings.Contains(text, "submission rate"), e.Code/100 == 4 && is(e, "submission-rate"):
		return trouble{cause: CauseThrottle}
	case e.Code == 530:
		return trouble{cause: CauseProvider, rest: 15 * time.Minute}
	}
	refusal, _ := refusals.OfReply(text)
	t, ok := accountTroubles[refusal.ID]
	switch {
	case !ok || !t.is(e):
		// It is this message's, or a recipient's.
	case refusal.ID == "send-as-denied" && (a == nil || !strings.EqualFold(from, a.Sender)):
		// As the account's own sender no message would be taken, and somebody has
		// to give the permission; as another, this one is not.
	case t.ofMailbox && othersMailbox(a, from):
		return trouble{mailbox: true, after: t.rest}
	default:
		return t.trouble
	}
	return trouble{permanent: e.Code/100 == 5}
}

// ofMachine tells the causes that may be one machine's, while others that share its
// queue can send: its files, its secrets, its network.
func (c Cause) ofMachine() bool {
	return c == CauseSignIn || c == CauseSettings || c == CauseKeystore || c == CauseNetwork
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
