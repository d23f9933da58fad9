package checks

import (
	"traymail/internal/account"
	"traymail/internal/refusals"
)

// catalogued finds a finding in the catalogue of refusals, with the account's
// names in its texts.
func (r *run) catalogued(id string) (refusals.Refusal, bool) {
	entry, ok := refusals.Find(id)
	if !ok {
		return entry, false
	}
	return entry.Filled(r.accountNames(), r.Account.SignIn == account.AppOnly), true
}

// fill puts the account's names into a fix of the account's own errors.
func (r *run) fill(text string) string { return refusals.Fill(text, r.accountNames()) }

func (r *run) accountNames() refusals.Names {
	a := &r.Account
	n := refusals.Names{Account: a.Name, Username: a.Username, Sender: a.Sender, ClientID: a.ClientID, Tenant: a.Tenant, ObjectID: a.ObjectID}
	if a.SignIn == account.AppOnly {
		n.Username, n.Mailbox = a.Sender, a.Sender
	}
	if r.tenantID != "" {
		n.Tenant = r.tenantID
	}
	n.Server, n.Port = r.toward.host, r.toward.port
	if all := r.servers(); n.Server == "" && len(all) > 0 {
		n.Server, n.Port = all[0].host, all[0].port
	}
	return n
}
