package sandbox

import (
	"maps"
	"slices"
	"time"
)

// defaultPropagation is how long Exchange goes by what was before a change, in
// the scenarios about that. At the real one it is minutes to hours.
const defaultPropagation = 20 * time.Second

// A pastTenant is the state before a change, which Exchange and Graph's mail go
// by until then.
type pastTenant struct {
	until time.Time
	state *Tenant
}

// enforced runs f on the tenant as Exchange and Graph's mail go by it, while
// nothing changes it: with a delay, where the tenant has one. f only reads.
func (t *Tenant) enforced(f func(*Tenant)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.past) > 0 {
		now := t.now()
		t.past = slices.DeleteFunc(t.past, func(p pastTenant) bool { return !now.Before(p.until) })
	}
	if len(t.past) > 0 {
		t = t.past[0].state
	}
	f(t)
}

// pass lets the changes take effect that would within d; call with mu held.
func (t *Tenant) pass(d time.Duration) {
	t.past = slices.DeleteFunc(t.past, func(p pastTenant) bool { return !t.now().Add(d).Before(p.until) })
}

// snapshot copies the directory and the organisation; call with mu held.
func (t *Tenant) snapshot() *Tenant {
	c := &Tenant{
		ID: t.ID, Domain: t.Domain, Provider: t.Provider,
		ServicePrincipals: slices.Clone(t.ServicePrincipals), RoleAssignments: slices.Clone(t.RoleAssignments),
		AccessPolicies: maps.Clone(t.AccessPolicies), SMTPAuthDisabled: t.SMTPAuthDisabled,
		SecurityDefaults: t.SecurityDefaults, BasicAuthAllowed: t.BasicAuthAllowed,
	}
	for _, u := range t.Users {
		user := *u
		user.Consented = nil // Entra's, which needs no time
		user.Proxies = slices.Clone(u.Proxies)
		c.Users = append(c.Users, &user)
	}
	for _, m := range t.Mailboxes {
		mailbox := *m
		mailbox.Proxies, mailbox.FullAccess = slices.Clone(m.Proxies), slices.Clone(m.FullAccess)
		mailbox.SendAs, mailbox.SendOnBehalf = slices.Clone(m.SendAs), slices.Clone(m.SendOnBehalf)
		if m.SMTPAuthDisabled != nil {
			off := *m.SMTPAuthDisabled
			mailbox.SMTPAuthDisabled = &off
		}
		c.Mailboxes = append(c.Mailboxes, &mailbox)
	}
	for _, a := range t.Apps {
		c.Apps = append(c.Apps, a.clone())
	}
	return c
}
