package mailer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/exchange"
)

// A Delegation is who may send on behalf of an account's sender.
type Delegation struct {
	Account  string `json:"account"`
	Username string `json:"username"`
	Mailbox  string `json:"mailbox"` // the sender's
	// Delegates are all who may, as Exchange calls them; a group among them may
	// hold the username without naming it.
	Delegates []string `json:"delegates"`
	// Granted says that the username is among them by itself.
	Granted bool `json:"granted"`
	// By is the administrator who signed in for it; "" is the account itself.
	By string `json:"by,omitempty"`
}

// ErrNotAllowed means that whoever asked may not administer Exchange: the
// permission was not consented to, or a role of Exchange's is missing.
var ErrNotAllowed = errors.New("this needs an administrator of Exchange")

// SendOnBehalf asks Exchange who may send on behalf of the account's sender and,
// with grant, lets the username do so besides. It goes by the account's own
// rights; the error of an account that has none matches ErrNotAllowed.
func (m *Mailer) SendOnBehalf(ctx context.Context, name string, grant bool) (Delegation, error) {
	w, err := m.sender(ctx, name)
	if err != nil {
		return Delegation{}, err
	}
	token := func(ctx context.Context) (string, error) {
		return (&probe{mailer: m, name: name}).tokenFor(ctx, w.account.AdminScope())
	}
	return w.delegation(ctx, token, "", grant)
}

// SendOnBehalfAs is SendOnBehalf by the rights of an administrator, who signs in
// for it in the browser that open opens. Nothing is kept of that sign-in. agree
// is asked before anything is changed, and its error is returned.
func (m *Mailer) SendOnBehalfAs(ctx context.Context, name string, open func(address string) error, agree func(Delegation) error) (Delegation, error) {
	w, err := m.sender(ctx, name)
	if err != nil {
		return Delegation{}, err
	}
	if w.auth == nil {
		return Delegation{}, about(w.account, &account.FieldError{Key: "sign_in", Text: "nobody signs in to the app of this account, so no administrator can either",
			Fix: "run the command that 'traymail check " + name + "' prints, or give the application Exchange.ManageAsAppV2 and the role Mail Recipients"})
	}
	c := *w.auth
	// Only this permission, and whoever signs in. The refresh token that comes too
	// is stored nowhere.
	c.Resources = []authcode.Resource{{Name: "exchange", Scopes: []string{w.account.AdminScope()}}}
	c.Username = ""
	grant, err := c.SignIn(ctx, authcode.Options{Prompt: "select_account"}, open)
	if refusal, ok := errors.AsType[*authcode.Error](err); ok && is(err, "permission-not-registered") {
		return Delegation{}, about(w.account, &account.FieldError{Text: refusal.Error(), Fix: "add the delegated permission Exchange.ManageV2 to the app registration (API permissions → Add a permission → APIs my organization uses → " +
			"Office 365 Exchange Online, https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/" + w.account.ClientID + "), then try again; or run the command that 'traymail check " + name + "' prints"})
	}
	if late, ok := errors.AsType[*authcode.TimeoutError](err); ok {
		return Delegation{}, about(w.account, &account.FieldError{Text: fmt.Sprintf("the browser did not come back within %v", late.After),
			Fix: "what its page says tells why (traymail explain takes it): whoever signed in may not consent, say; try again: traymail admin " + name + " --grant"})
	}
	if err != nil {
		return Delegation{}, w.about(err)
	}
	token := func(context.Context) (string, error) { return grant.Tokens["exchange"].Access.Reveal(), nil }
	before, err := w.delegation(ctx, token, grant.Identity.Username, false)
	if err != nil || before.Granted {
		return before, err
	}
	if err := agree(before); err != nil {
		return before, err
	}
	return w.delegation(ctx, token, grant.Identity.Username, true)
}

// delegation asks, or grants, with a token of whoever may.
func (w *sender) delegation(ctx context.Context, token func(context.Context) (string, error), by string, grant bool) (Delegation, error) {
	a := w.account
	d := Delegation{Account: a.Name, Username: a.Username, Mailbox: a.Sender, Delegates: []string{}, By: by}
	if strings.EqualFold(a.Username, a.Sender) {
		return d, about(a, &account.FieldError{Key: "sender", Text: a.Sender + " is the username itself, which needs no permission to send", Fix: "nothing"})
	}
	if a.AdminScope() == "" {
		return d, about(a, &account.FieldError{Key: "exchange_url", Text: "the provider has no endpoint for administrators that traymail knows", Fix: "grant the permission on the provider's own pages: traymail admin " + a.Name})
	}
	c := &exchange.Client{BaseURL: a.ExchangeURL, TenantID: a.Tenant, Token: token, HTTPClient: w.mailer.httpClient(a, w.roots)}
	if grant {
		if err := c.GrantSendOnBehalf(ctx, a.Sender, a.Username); err != nil {
			return d, w.refusedByExchange(err)
		}
	}
	mailbox, err := c.Mailbox(ctx, a.Sender)
	if err != nil {
		return d, w.refusedByExchange(err)
	}
	for _, delegate := range mailbox.SendOnBehalf {
		d.Delegates = append(d.Delegates, delegate.String())
	}
	who, err := c.Mailbox(ctx, a.Username)
	if refused, ok := errors.AsType[*exchange.Error](err); ok && refused.NotFound() {
		who, err = exchange.Mailbox{Address: a.Username}, nil
	}
	if err != nil {
		return d, w.refusedByExchange(err)
	}
	d.Granted = mailbox.MaySendOnBehalf(who)
	return d, nil
}

// refusedByExchange is an error of the endpoint, about the account.
func (w *sender) refusedByExchange(err error) error {
	if refused, ok := errors.AsType[*exchange.Error](err); ok && refused.NotAllowed() {
		err = &notAllowedError{err}
	}
	return w.about(err)
}

type notAllowedError struct{ err error }

func (e *notAllowedError) Error() string        { return ErrNotAllowed.Error() + ": " + e.err.Error() }
func (e *notAllowedError) Is(target error) bool { return target == ErrNotAllowed }
func (e *notAllowedError) Unwrap() error        { return e.err }
