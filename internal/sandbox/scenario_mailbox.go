package sandbox

// mailboxScenarios are states of mailboxes and of the organisation's switches,
// whichever way a message goes.
func mailboxScenarios() []Scenario {
	const svc = "svc@contoso.com"
	// switches sets the organisation's and svc's own; "" inherits.
	switches := func(tenantOff bool, own string) func(*Tenant) {
		return func(t *Tenant) {
			t.SMTPAuthDisabled = tenantOff
			if off := own == "off"; own != "" {
				t.mailbox(svc).SMTPAuthDisabled = &off
			}
		}
	}
	tenantOn := mend("tenant/smtp-auth", "do", "on")
	ownOn := mend("tenant/smtp-auth", "mailbox", svc, "do", "on")
	met := append([]string{KindBasic}, overSMTP...)
	return []Scenario{
		{Name: "no-licence", What: "svc has no licence with Exchange Online.", Meets: tokens,
			Mend:   []Mend{mend("tenant/licences", "user", svc, "do", "add")},
			tenant: ofSvc(func(u *User) { u.Unlicensed = true })},
		{Name: "smtp-auth-off-tenant", What: "SMTP AUTH is off for the organisation.", Meets: met,
			Mend: []Mend{tenantOn}, tenant: switches(true, "")},
		{Name: "smtp-auth-off-mailbox", What: "SMTP AUTH is off for svc's mailbox.", Meets: met,
			Mend: []Mend{ownOn}, tenant: switches(false, "off")},
		{Name: "smtp-auth-off-both", What: "SMTP AUTH is off for the organisation and for svc's mailbox.", Meets: met,
			Mend: []Mend{ownOn}, tenant: switches(true, "off")},
		{Name: "smtp-auth-off-tenant-on-mailbox", Works: true, What: "SMTP AUTH is off for the organisation and on for svc's mailbox, which wins.", Meets: met,
			Mend: []Mend{tenantOn}, tenant: switches(true, "on")},
		{Name: "security-defaults", Works: true, What: "Security defaults block passwords at SMTP, and not tokens, which nobody could verify.", Meets: []string{KindBasic},
			Mend:   []Mend{mend("tenant/security-defaults", "do", "off")},
			tenant: func(t *Tenant) { t.SecurityDefaults = true }},
		{Name: "basic-auth-allowed", Works: true, What: "Passwords still work with AUTH LOGIN, as before their retirement.", Meets: []string{KindBasic},
			tenant: func(t *Tenant) { t.BasicAuthAllowed = true }},
	}
}

// permissionScenarios are those of sending from another address.
func permissionScenarios() []Scenario {
	const svc, invoices, alerts = "svc@contoso.com", "invoices@contoso.com", "alerts@contoso.com"
	give := func(mailbox, right, who string) Mend {
		return mend("tenant/mailbox-permissions", "mailbox", mailbox, "right", right, "who", who, "do", "add")
	}
	sendAs := []Mend{give(invoices, "SendAs", svc)}
	onBehalf := []Mend{give(alerts, "SendOnBehalf", svc)}
	passes := []Mend{mend("tenant/time", "passes", "2h")}
	delegated := []string{KindDesktop, KindWeb, KindDevice, KindGraph}
	return []Scenario{
		{Name: "send-as-missing", What: "svc may not send as invoices, whether a person signs in as svc or an application sends from it.", Meets: tokens, Mend: sendAs,
			tenant: func(t *Tenant) { t.mailbox(invoices).SendAs = nil }},
		{Name: "send-on-behalf-missing", What: "svc may not send on behalf of alerts.", Meets: delegated, Mend: onBehalf,
			tenant: func(t *Tenant) { t.mailbox(alerts).SendOnBehalf = nil }},
		{Name: "full-access-without-send-as", What: "svc has Full Access to invoices, and neither Send As nor Send on Behalf.", Meets: tokens, Mend: sendAs,
			tenant: func(t *Tenant) {
				m := t.mailbox(invoices)
				m.SendAs, m.FullAccess = nil, append(m.FullAccess, svc)
			}},
		{Name: "full-access-without-send-on-behalf", What: "svc has Full Access to alerts, and neither Send on Behalf nor Send As.", Meets: delegated, Mend: onBehalf,
			tenant: func(t *Tenant) {
				m := t.mailbox(alerts)
				m.SendOnBehalf, m.FullAccess = nil, append(m.FullAccess, svc)
			}},
		{Name: "send-on-behalf-without-send-as", What: "svc may send on behalf of invoices and not as it: people can, and show as Sender; the application cannot.", Meets: tokens, Mend: sendAs,
			tenant: func(t *Tenant) {
				m := t.mailbox(invoices)
				m.SendAs, m.SendOnBehalf = nil, []string{svc}
			}},
		{Name: "send-as-without-send-on-behalf", Works: true, What: "svc may send as alerts and not on behalf of it, so that it does not show as Sender.", Meets: delegated, Mend: onBehalf,
			tenant: func(t *Tenant) {
				m := t.mailbox(alerts)
				m.SendAs, m.SendOnBehalf = []string{svc}, nil
			}},
		{Name: "propagation-send-as", What: "svc was given Send As on invoices a moment ago, which takes 20 seconds to take effect here.", Meets: tokens, Mend: passes,
			tenant:  func(t *Tenant) { t.mailbox(invoices).SendAs = nil },
			granted: func(t *Tenant) { t.mailbox(invoices).SendAs = []string{svc} }},
		{Name: "propagation-send-on-behalf", What: "svc was given Send on Behalf of alerts a moment ago, which takes 20 seconds to take effect here.", Meets: delegated, Mend: passes,
			tenant:  func(t *Tenant) { t.mailbox(alerts).SendOnBehalf = nil },
			granted: func(t *Tenant) { t.mailbox(alerts).SendOnBehalf = []string{svc} }},
		{Name: "propagation-smtp-auth", What: "SMTP AUTH was switched on for the organisation a moment ago, which takes 20 seconds to take effect here.", Meets: overSMTP, Mend: passes,
			tenant:  func(t *Tenant) { t.SMTPAuthDisabled = true },
			granted: func(t *Tenant) { t.SMTPAuthDisabled = false }},
		{Name: "propagation-application", What: "The application was made known to Exchange a moment ago, which takes 20 seconds to take effect here.", Meets: []string{KindApp}, Mend: passes,
			tenant:  func(t *Tenant) { t.ServicePrincipals = nil },
			granted: func(t *Tenant) { t.ServicePrincipals = []ServicePrincipal{{daemonAppID, daemonEnterpriseID}} }},
	}
}
