package sandbox

import (
	"strings"
	"time"
)

const (
	// personalTenantID is the tid of every personal Microsoft account.
	personalTenantID = "9188040d-6c67-4c5b-b112-36a304b66dad"

	googleAppID  = "604213377312-3kq7sandboxdesktopclient.apps.googleusercontent.com"
	googleSecret = "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t"
)

// newTenant is the default tenant as it is at a provider. now is for the dates
// of client secrets.
func newTenant(p Provider, now time.Time) *Tenant {
	t := contoso(now)
	t.Provider = p
	switch p {
	case OutlookCom:
		t.belongToPeople(personalTenantID, "outlook.com")
		t.Apps = []*App{t.app(desktopAppID)}
	case GoogleGmail:
		t.belongToPeople("gmail.com", "gmail.com")
		t.Apps = []*App{{
			ClientID: googleAppID, Name: "traymail (desktop)", Secret: googleSecret,
			Redirects: map[string]Platform{"http://127.0.0.1": PublicClient},
		}}
	}
	return t
}

// belongToPeople makes personal accounts of the tenant's: nobody administers
// them, and no mailbox is shared.
func (t *Tenant) belongToPeople(id, domain string) {
	move := func(address string) string { return strings.TrimSuffix(address, t.Domain) + domain }
	moveAll := func(list []string) {
		for i := range list {
			list[i] = move(list[i])
		}
	}
	for _, u := range t.Users {
		u.UPN, u.Admin = move(u.UPN), false
		moveAll(u.Proxies)
	}
	var own []*Mailbox
	for _, m := range t.Mailboxes {
		if m.Shared {
			continue
		}
		m.Address, m.SendAs, m.FullAccess = move(m.Address), nil, nil
		moveAll(m.Proxies)
		own = append(own, m)
	}
	t.Mailboxes, t.ServicePrincipals, t.ID, t.Domain = own, nil, id, domain
}
