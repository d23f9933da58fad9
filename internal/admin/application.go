package admin

import (
	"fmt"
	"strings"

	"traymail/internal/account"
)

// The applications that own the permissions.
const (
	exchangeAppID = "00000002-0000-0ff1-ce00-000000000000" // Office 365 Exchange Online
	graphAppID    = "00000003-0000-0000-c000-000000000000" // Microsoft Graph
)

// An appPermission is what an application needs for a transport.
type appPermission struct {
	name     string // of the API permission
	resource string // its application's ID
	api      string // where the portal has it
	role     string // Exchange's role with the same rights
	why      string
}

func (h *help) permissions() []appPermission {
	var all []appPermission
	if h.a.SendsOver(account.SMTP) {
		all = append(all, appPermission{"SMTP.SendAsApp", exchangeAppID, "APIs my organization uses → Office 365 Exchange Online", "Application SMTP.SendAsApp",
			"It lets the application authenticate at Exchange's SMTP; through which mailboxes, their permissions say."})
	}
	if h.a.SendsOver(account.Graph) {
		all = append(all, appPermission{"Mail.Send", graphAppID, "Microsoft Graph", "Application Mail.Send",
			"It lets the application send through Microsoft Graph, as every mailbox of the organisation until it is limited."})
	}
	return all
}

// application is an account that signs in without a person.
func (h *help) application() []Step {
	permissions := h.permissions()
	var steps []Step
	switch h.a.Credential {
	case account.SecretCredential:
		steps = append(steps, h.secret())
	case account.CertificateCredential:
		steps = append(steps, h.certificate())
	case account.FederatedCredential:
		steps = append(steps, h.federated())
	}
	var names []string
	for _, p := range permissions {
		names = append(names, p.name)
		if !h.rbac {
			steps = append(steps, Step{
				ID: "api-permission-" + strings.ToLower(p.name), Title: "Add the application permission " + p.name, Why: p.why,
				Where: "Entra → App registrations → the app → API permissions → Add a permission → " + p.api + " → Application permissions → " + p.name,
				Link:  h.cloud.app("CallAnAPI", h.a.ClientID), Role: appRole, Takes: "with the consent", Note: h.cloud.note,
			})
		}
	}
	steps = append(steps, h.connectGraph("Application.Read.All", "Microsoft.Graph.Applications"))
	if h.rbac {
		steps = append(steps, h.noPermission(names))
	} else {
		steps = append(steps, h.consent(strings.Join(names, ", ")))
	}
	smtp := h.a.SendsOver(account.SMTP)
	if smtp || h.rbac {
		steps = append(steps, h.objectID(), h.connectExchange(), h.servicePrincipal())
		steps = append(steps, h.list()...)
	}
	switch {
	case h.rbac:
		steps = append(steps, h.scope()...)
		for _, p := range permissions {
			steps = append(steps, h.assign(p, false))
		}
	case smtp:
		steps = append(steps, h.mailboxPermissions()...)
	}
	if smtp {
		steps = append(steps, h.smtpAuth()...)
	}
	if h.a.SendsOver(account.Graph) {
		steps = append(steps, h.graphExtras()...)
	}
	return append(steps, h.conditionalAccess(), h.afterwards())
}

func (h *help) certificate() Step {
	return Step{
		ID: "certificate", Title: "Have the certificate uploaded",
		Why:   "The application proves itself with its key. The portal takes the public part alone (.cer, .pem, .crt); the key stays here.",
		Where: "Entra → App registrations → the app → Certificates & secrets → Certificates → Upload certificate",
		Link:  h.cloud.app("Credentials", h.a.ClientID), Role: appRole, Takes: "a few minutes",
	}
}

func (h *help) federated() Step {
	return Step{
		ID: "federated-credential", Title: "Have the other issuer's token trusted",
		Why:   "The application proves itself with the token in its file; issuer, subject and audience must be exactly the token's.",
		Where: "Entra → App registrations → the app → Certificates & secrets → Federated credentials → Add credential",
		Link:  h.cloud.app("Credentials", h.a.ClientID), Role: appRole, Takes: "a few minutes",
	}
}

// appFilter finds the enterprise application by the client ID.
func (h *help) appFilter() string { return quote("appId eq " + odata(h.a.ClientID)) }

// verifyRoles prints True when all permissions were consented to. There is at
// least one.
func (h *help) verifyRoles() string {
	var b strings.Builder
	// ForEach-Object leaves the list empty where nothing was granted. With a null in
	// it, it would contain the ID of a permission that is not to be found.
	fmt.Fprintf(&b, "$app = Get-MgServicePrincipal -Filter %s\n$granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id | ForEach-Object { $_.AppRoleId })", h.appFilter())
	for _, p := range h.permissions() {
		fmt.Fprintf(&b, "\n$granted -contains ((Get-MgServicePrincipal -Filter %s).AppRoles | Where-Object Value -eq %s).Id", quote("appId eq "+odata(p.resource)), quote(p.name))
	}
	return b.String()
}

// objectID is the step that so many setups fail at. Where the ID is not known it
// is asked for: looking it up takes a module that cannot be in Exchange's window.
func (h *help) objectID() Step {
	s := Step{
		ID: "object-id", Title: "Take the Object ID of the enterprise application",
		Why: "An app has two objects in Entra, each with an Object ID: the registration (App registrations) and the enterprise application, which is the app in this organisation. " +
			"Exchange knows the second. With the first everything seems to work, and each sign-in fails (535 5.7.3).",
		Where: "Entra → Enterprise applications → the app (without the filter for its type, or search for the client ID) → Overview → Object ID",
		Link:  h.cloud.enterpriseApps(), Role: readerRole,
		Verify: fmt.Sprintf("(Get-MgServicePrincipal -Filter %s).Id", h.appFilter()),
	}
	if h.a.ObjectID != "" {
		s.Command = "$objectId = " + quote(h.a.ObjectID)
		s.Expect = h.a.ObjectID
		return s
	}
	s.Command = fmt.Sprintf(`$objectId = ''
for ($try = 1; $objectId -notmatch '^\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*$' -or $objectId.Trim() -eq %s; $try++) {
    if ($try -gt 3) {
        throw 'That is not the Object ID: it has the form 00000000-0000-0000-0000-000000000000, and is not the client ID.'
    }
    $objectId = Read-Host -Prompt 'Object ID of the enterprise application (Entra, Enterprise applications)'
}
$objectId = $objectId.Trim()`, quote(h.a.ClientID))
	s.Expect = "an ID of the form 00000000-0000-0000-0000-000000000000; nothing means that the app has no enterprise application here: grant admin consent, or run New-MgServicePrincipal -AppId with its client ID"
	s.Note = "Better: keep it in the account first, and nobody is asked: traymail account edit " + h.a.Name + " --object-id OBJECT-ID"
	return s
}

// servicePrincipal makes the application known to Exchange.
func (h *help) servicePrincipal() Step {
	id := quote(h.a.ClientID)
	return Step{
		ID: "service-principal", Title: "Make the application known to Exchange",
		Why: "Exchange gives permissions only to what it knows, and does not learn of an app by itself. Its servers learn one after the other, so the commands wait and try again.",
		Command: fmt.Sprintf(`$sp = Get-ServicePrincipal -Identity %[1]s -ErrorAction SilentlyContinue
if ($sp -and $sp.ObjectId -ne $objectId) {
    # With another Object ID, as a rule that of App registrations, every sign-in fails (535 5.7.3). It cannot be
    # changed: the application is taken away, and made known anew below. What was permitted to it goes too.
    Write-Host ('Exchange knows this app by another Object ID, ' + $sp.ObjectId + ': it is taken away and made known anew.')
    Remove-ServicePrincipal -Identity %[1]s -Confirm:$false -ErrorAction Stop
    for ($try = 1; $sp -and $try -le 30; $try++) {
        $sp = Get-ServicePrincipal -Identity %[1]s -ErrorAction SilentlyContinue
        if ($sp) {
            Start-Sleep -Seconds 10
        }
    }
    $sp = $null
}
if (-not $sp) {
    New-ServicePrincipal -AppId %[1]s -ObjectId $objectId -DisplayName %[2]s -ErrorAction Stop
    for ($try = 1; -not $sp -and $try -le 30; $try++) {
        Start-Sleep -Seconds 10
        $sp = Get-ServicePrincipal -Identity %[1]s -ErrorAction SilentlyContinue | Where-Object ObjectId -eq $objectId
    }
    if (-not $sp) {
        throw 'Exchange does not show the application yet, 5 minutes after it was made known. Run this again in a while.'
    }
}`, id, quote(h.displayName())),
		Verify: fmt.Sprintf("Get-ServicePrincipal -Identity %s | Format-List DisplayName, AppId, ObjectId", id),
		Expect: "AppId " + h.a.ClientID + ", and the ObjectId of the enterprise application",
		Role:   rbacRole, Takes: permissionTakes,
	}
}

// mailboxPermissions are those of the classic way: one by one.
func (h *help) mailboxPermissions() []Step {
	sp := fmt.Sprintf("(Get-ServicePrincipal -Identity %s).Identity", quote(h.a.ClientID))
	return []Step{{
		ID: "full-access", Title: "Let the application into " + h.who(),
		Why: "Exchange refuses the sign-in for a mailbox that the application may not open (535 5.7.3).",
		Command: h.each(func(mailbox string) string {
			return fmt.Sprintf("if (-not (Get-MailboxPermission -Identity %s -User $sp.Identity -ErrorAction SilentlyContinue | Where-Object { $_.AccessRights -match 'FullAccess' -and -not $_.Deny })) {\n"+
				"    $null = Get-Mailbox -Identity %[1]s -ErrorAction Stop\n%s\n}", mailbox,
				indent(retry(fmt.Sprintf("Add-MailboxPermission -Identity %s -User $sp.Identity -AccessRights FullAccess -ErrorAction Stop", mailbox))))
		}),
		Verify: h.each(func(mailbox string) string {
			return fmt.Sprintf("Get-MailboxPermission -Identity %s -User %s | Format-Table Identity, User, AccessRights, Deny", mailbox, sp)
		}),
		Expect: "a line for each mailbox, with FullAccess and Deny False", Role: exchangeRole, Takes: permissionTakes,
	}, {
		ID: "send-as", Title: "Let the application send as " + h.who(),
		Why: "Some setups work without it; with it a message is not refused at its end (554 5.2.252 SendAsDenied).",
		Command: h.each(func(mailbox string) string {
			return unlessSendAs(mailbox, "$sp.Identity", retry(addSendAs(mailbox, "$sp.Identity")))
		}),
		Verify: h.each(func(mailbox string) string {
			return fmt.Sprintf("Get-RecipientPermission -Identity %s -Trustee %s | Format-Table Identity, Trustee, AccessRights", mailbox, sp)
		}),
		Expect: "a line for each mailbox, with SendAs", Role: exchangeRole, Takes: sendAsTakes,
	}}
}

// who is the mailbox, or all of them.
func (h *help) who() string {
	if h.a.Mailbox == account.FromMailbox {
		return "the mailboxes that send"
	}
	return h.a.Sender
}
