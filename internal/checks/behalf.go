package checks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/exchange"
)

// A behalf is what the administrators' endpoint says of Send on Behalf.
type behalf struct {
	// allowed says that the account may ask; all else is set only then.
	allowed bool
	// named says that the list holds the user.
	named bool
	// others are in the list. One that is a group may hold the user.
	others []string
	// absent says that the sender is no mailbox; it may be a group.
	absent bool
}

// askBehalf asks the administrators' endpoint whether user may send on behalf of
// sender. What it does not tell is the zero value.
func (r *run) askBehalf(ctx context.Context, user, sender string) behalf {
	a := &r.Account
	scope := a.AdminScope()
	if scope == "" || r.TokenFor == nil || a.SignIn == account.PasswordSignIn {
		return behalf{}
	}
	c := exchange.Client{BaseURL: a.ExchangeURL, TenantID: cmp.Or(r.tenantID, a.Tenant), HTTPClient: r.Web,
		Token: func(ctx context.Context) (string, error) { return r.TokenFor(ctx, scope) }}
	mailbox, err := c.Mailbox(ctx, sender)
	if err != nil {
		e, ok := errors.AsType[*exchange.Error](err)
		return behalf{allowed: ok && e.NotFound(), absent: ok && e.NotFound()}
	}
	p := r.who.person
	who := exchange.Mailbox{Address: user, Username: p.Username, ID: p.ID, Names: append([]string{p.Mail}, p.Addresses...)}
	b := behalf{allowed: true, named: mailbox.MaySendOnBehalf(who)}
	if !b.named && len(mailbox.SendOnBehalf) > 0 {
		// The list may call people by names that only their own mailbox tells.
		if own, err := c.Mailbox(ctx, user); err == nil {
			own.Names = slices.Concat(own.Names, who.Names, []string{user})
			who = own
			b.named = mailbox.MaySendOnBehalf(own)
		}
	}
	for _, d := range mailbox.SendOnBehalf {
		if !d.Is(who) {
			b.others = append(b.others, d.String())
		}
	}
	return b
}

// hidden says that a group may give what the list does not show; "" where none
// can.
func (b behalf) hidden(user string) string {
	if !b.allowed || b.named || len(b.others) == 0 {
		return ""
	}
	return "GrantSendOnBehalfTo names " + strings.Join(b.others, ", ") + ". Is one of them a group with " + user + " in it, the permission may come by the group."
}
