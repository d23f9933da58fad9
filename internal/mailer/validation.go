package mailer

import (
	"context"
	"errors"
	"slices"
	"time"

	"traymail/internal/account"
	"traymail/internal/claims"
	"traymail/internal/graph"
)

// A Warning is something that an access token says of itself and that stands
// against its use. The server decides: permissions exist that no token shows.
type Warning struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Fix  string `json:"fix,omitempty"`
}

// A Validation is the outcome of signing in without sending.
type Validation struct {
	Account  string    `json:"account"`
	Mailbox  string    `json:"mailbox"` // who authenticated, or the mailbox that an application sends through
	Server   string    `json:"server"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// Validate gets a token and signs in to the server, and sends nothing.
func (m *Mailer) Validate(ctx context.Context, name string) (Validation, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		w, err := m.sender(ctx, name)
		if err != nil {
			return Validation{}, err
		}
		w.renew(ctx)
		err = w.ready(ctx)
		switch {
		case errors.Is(err, errRetired):
			continue // the account was changed meanwhile
		case err != nil:
			m.keepClaims(w.account, err)
			return Validation{}, w.about(err)
		}
		v := Validation{Account: name, Mailbox: w.account.Username, Server: w.serverName()}
		if w.account.SignIn == account.AppOnly {
			v.Mailbox = w.account.Sender
		}
		v.Warnings = w.notes(w.mailboxFor(""))
		return v, nil
	}
}

// notes are what whoever asked should know of how a mailbox's messages leave.
func (w *sender) notes(mailbox string) []Warning {
	if !w.overGraph(mailbox) {
		return w.warnings(resourceSMTP)
	}
	all := slices.Clone(w.warnings(resourceGraph))
	if mailboxes, reply := w.insteadOf(); slices.Contains(mailboxes, mailbox) {
		all = append(all, Warning{ID: AlertOverGraph, Text: "SMTP AUTH is switched off, and messages leave through Microsoft Graph: " + reply,
			Fix: "nothing, if that is wanted; else " + fixOfReply(w.account, mailbox, reply)})
	}
	return all
}

// about is about, with what the token says that explains a refusal.
func (w *sender) about(err error) error {
	e := newAccountError(w.account, err)
	e.Warnings = w.warnings(resourceSMTP)
	if _, ok := errors.AsType[*graph.Error](err); ok {
		e.Warnings = w.warnings(resourceGraph)
	}
	return e
}

// tokenWarnings compares a new token with what the account wants it for.
func tokenWarnings(a *account.Account, resource, token string, now time.Time) []Warning {
	c, readable := claims.Inspect(token)
	if !readable || !a.HasEntra() {
		return nil // opaque, as of personal accounts
	}
	want := claims.Want{Resource: claims.Exchange, AppOnly: a.SignIn == account.AppOnly, Username: a.Username, ClientID: a.ClientID, Now: now}
	if resource == resourceGraph {
		want.Resource = claims.Graph
	}
	if account.IsGUID(a.Tenant) {
		want.TenantID = a.Tenant
	}
	var all []Warning
	for _, w := range c.Warnings(want) {
		all = append(all, Warning{ID: w.ID, Text: w.Meaning, Fix: w.Fix})
	}
	return all
}
