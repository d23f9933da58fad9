package mailer

import (
	"cmp"
	"errors"
	"strings"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/internal/refusals"
	"traymail/smtp"
)

// refusalOf finds what an error is in the catalogue of refusals.
func refusalOf(err error) (refusals.Refusal, bool) {
	var oauth *authcode.Error
	var reply *smtp.Error
	var refusal *graph.Error
	switch {
	case errors.As(err, &oauth): // also where a session got no token
		return refusalOfToken(oauth)
	case errors.As(err, &reply) && reply.Code != 0:
		return refusals.OfReply(serverText(reply))
	case errors.As(err, &refusal) && refusal.Unknown:
		return refusals.Find("unknown-outcome")
	case errors.As(err, &refusal) && refusal.Status != 0:
		return refusals.OfGraph(refusal.Status, refusal.Code, refusal.Message)
	}
	return refusals.Refusal{}, false
}

// refusalOfToken is refusalOf for the provider's word on a token.
func refusalOfToken(e *authcode.Error) (refusals.Refusal, bool) {
	if r, ok := refusals.OfEntra(e.AADSTS); ok {
		return r, true
	}
	return refusals.OfOAuth(e.Code)
}

// Named puts an account's own names into an entry of the catalogue. a may be
// nil: they stand in capitals then.
func Named(r refusals.Refusal, a *account.Account) refusals.Refusal {
	if a == nil {
		return r.Filled(refusals.Names{}, false)
	}
	return named(r, a, "")
}

// named is Named for a refusal that came to one of the account's mailboxes; ""
// is its own.
func named(r refusals.Refusal, a *account.Account, mailbox string) refusals.Refusal {
	n := refusals.Names{Account: a.Name, Username: a.Username, Sender: a.Sender, ClientID: a.ClientID, Tenant: a.Tenant, ObjectID: a.ObjectID}
	if a.SendsOver(account.SMTP) {
		n.Server, n.Port = a.SMTPHost, a.SMTPPort
	}
	if a.SignIn == account.AppOnly {
		n.Username = cmp.Or(mailbox, a.Sender)
	}
	if r.ID == "send-as-denied" && strings.EqualFold(n.Sender, n.Username) {
		n.Sender = "" // whoever is refused as a sender is another one
	}
	return r.Filled(n, a.SignIn == account.AppOnly)
}

// fixOfReply is what to do about a reply to an account's message that left
// through a mailbox; "" is the account's own.
func fixOfReply(a *account.Account, mailbox, reply string) string {
	r, ok := refusals.OfReply(reply)
	if !ok {
		return ""
	}
	return fixIn(named(r, a, mailbox))
}

// fixIn is what an entry says to do, in one line with its command. Where the
// user could only ask somebody, it is what that one does.
func fixIn(r refusals.Refusal) string {
	text := cmp.Or(r.FixUser, r.FixAdmin)
	if r.Whose == refusals.Administrator || strings.HasPrefix(r.FixUser, "ask an administrator") {
		text = cmp.Or(r.FixAdmin, r.FixUser)
	}
	switch {
	case r.Command == "" || strings.Contains(r.Command, "\n") || strings.Contains(text, r.Command):
		return text
	case strings.HasPrefix(r.Command, "traymail "):
		return text + ": " + r.Command
	}
	return text + "; or in PowerShell: " + r.Command
}
