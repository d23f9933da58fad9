package sandbox

import (
	"slices"
	"strings"
)

// The two ways to let an app send without a user: an application permission in
// its tokens, and a role of RBAC for Applications.
const (
	smtpRole     = "SMTP.SendAsApp"
	smtpRBACRole = "Application SMTP.SendAsApp"
)

// admitApp decides on a token without a user; user= names the mailbox to send
// from, by its primary address (an alias is refused, which is assumed). A
// shared mailbox needs no licence.
//
// The app must be known to Exchange by the Object ID of its enterprise
// application. With the permission SMTP.SendAsApp in the token the mailbox's
// own permission is always asked for, even where RBAC would admit the app.
func (x *exchange) admitApp(user string, claims accessClaims) (id identity, refusal string) {
	if !x.front.appOnly || len(claims.Scopes) > 0 {
		return identity{}, refusedIdentity
	}
	x.tenant.enforced(func(t *Tenant) {
		app, mailbox := t.app(claims.AppID), t.mailbox(user)
		switch {
		case app == nil, mailbox == nil, !strings.EqualFold(mailbox.Address, user), !licensed(t, mailbox),
			!registered(t, app):
			refusal = refusedIdentity
		case slices.Contains(claims.Roles, smtpRole) && !contains(mailbox.FullAccess, app.EnterpriseID),
			!slices.Contains(claims.Roles, smtpRole) && !assigned(t, app, smtpRBACRole, mailbox):
			refusal = refusedIdentity
		default:
			id = identity{user: mailbox.Address, mailbox: mailbox.Address, app: app.ClientID}
			refusal = refusedBySwitch(t, mailbox)
		}
	})
	return id, refusal
}

// registered tells whether Exchange knows app's service principal. One that was
// made with any other Object ID does not count.
func registered(t *Tenant, app *App) bool {
	return slices.ContainsFunc(t.ServicePrincipals, func(p ServicePrincipal) bool {
		return strings.EqualFold(p.AppID, app.ClientID) && strings.EqualFold(p.ObjectID, app.EnterpriseID)
	})
}

// assigned tells whether app has a role over mailbox, or over all if that is nil.
func assigned(t *Tenant, app *App, role string, mailbox *Mailbox) bool {
	return slices.ContainsFunc(t.RoleAssignments, func(a RoleAssignment) bool {
		covers := a.Mailboxes == nil || mailbox != nil &&
			slices.ContainsFunc(a.Mailboxes, func(address string) bool { return t.mailbox(address) == mailbox })
		return strings.EqualFold(a.AppID, app.ClientID) && a.Role == role && covers
	})
}

// licensed tells whether a mailbox works: a person's needs a licence.
func licensed(t *Tenant, mailbox *Mailbox) bool {
	owner := t.user(mailbox.Address)
	return mailbox.Shared || owner == nil || !owner.Unlicensed
}

// contains tells whether list has name, in whatever letters.
func contains(list []string, name string) bool {
	return slices.ContainsFunc(list, func(other string) bool { return strings.EqualFold(other, name) })
}
