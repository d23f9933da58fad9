package admin

import (
	"fmt"
	"hash/fnv"
	"strings"

	"traymail/internal/account"
)

// groupName names what App RBAC needs in Exchange: a group, a scope and
// assignments, whose names have 64 characters at most.
func (h *help) groupName(suffix string) string {
	name := h.a.Name
	if len(name) > 24 {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(name)) // cannot fail
		name = fmt.Sprintf("%s-%08x", name[:15], sum.Sum32())
	}
	return "traymail " + name + " " + suffix
}

// noPermission: what Entra grants adds to what Exchange grants.
func (h *help) noPermission(names []string) Step {
	s := Step{
		ID: "no-api-permission", Title: "Take away the application permission " + strings.Join(names, ", ") + ", if it was granted",
		Why:   "App RBAC permits by Exchange's roles alone. What Entra grants adds to that: with it the limit to some mailboxes is none.",
		Where: "Entra → App registrations → the app → API permissions → the permission → Revoke admin consent, then Remove permission",
		Link:  h.cloud.app("CallAnAPI", h.a.ClientID), Role: appRole, Takes: consentTakes, Note: h.cloud.note,
		Verify: h.verifyRoles(), Expect: "False",
	}
	if h.a.SendsOver(account.SMTP) {
		s.Why += " With SMTP.SendAsApp in the token, Exchange asks for permissions on the mailbox as well."
	}
	return s
}

// scope is the group of mailboxes, and the scope of its members.
func (h *help) scope() []Step {
	group := quote(h.groupName("senders"))
	add := h.each(func(mailbox string) string {
		// The list has primary addresses, and the sender may be another one.
		return fmt.Sprintf("$member = (Get-Mailbox -Identity %s -ErrorAction Stop).PrimarySmtpAddress\n"+
			"if ($members -notcontains $member) {\n    Add-DistributionGroupMember -Identity $group.DistinguishedName -Member $member -ErrorAction Stop\n}", mailbox)
	})
	return []Step{{
		ID: "group", Title: "Put " + h.who() + " into a group",
		Why: "The roles hold for the members of this group. Only direct members count.",
		Command: fmt.Sprintf(`$group = Get-DistributionGroup -Identity %s -ErrorAction SilentlyContinue
if (-not $group) {
    $group = New-DistributionGroup -Name %[1]s -Type Security -ErrorAction Stop
}
if (-not $group.HiddenFromAddressListsEnabled) {
%s
}
$members = @(Get-DistributionGroupMember -Identity $group.DistinguishedName -ResultSize Unlimited -ErrorAction Stop | ForEach-Object { $_.PrimarySmtpAddress })
%s`, group, indent(retry("Set-DistributionGroup -Identity $group.DistinguishedName -HiddenFromAddressListsEnabled $true -ErrorAction Stop")), add),
		Verify: fmt.Sprintf("Get-DistributionGroupMember -Identity %s | Format-Table PrimarySmtpAddress\nGet-DistributionGroup -Identity %[1]s | Format-List HiddenFromAddressListsEnabled", group),
		Expect: "every mailbox that sends; HiddenFromAddressListsEnabled True",
		Role:   exchangeRole, Takes: rbacTakes,
		Note: "A mailbox is compared by its primary address. The group is hidden from the address book. Whoever is not its owner adds -BypassSecurityGroupManagerCheck to the lines that change it.",
	}, {
		ID: "scope", Title: "Make a scope of the group",
		Why: "A role is assigned to an application for a scope.",
		Command: fmt.Sprintf(`if (-not (Get-ManagementScope -Identity %s -ErrorAction SilentlyContinue)) {
    New-ManagementScope -Name %[1]s -RecipientRestrictionFilter ("MemberOfGroup -eq '" + $group.DistinguishedName.Replace("'", "''") + "'") -ErrorAction Stop
}`, quote(h.groupName("scope"))),
		Verify: fmt.Sprintf("Get-ManagementScope -Identity %s | Format-List RecipientFilter", quote(h.groupName("scope"))), Expect: "MemberOfGroup and the name of the group",
		Role: rbacRole, Takes: rbacTakes,
	}}
}

// assign gives the application a role for the scope.
func (h *help) assign(p appPermission, optional bool) Step {
	short := strings.TrimPrefix(p.role, "Application ")
	name := quote(h.groupName(short))
	verify := func(mailbox string) string {
		return fmt.Sprintf("Test-ServicePrincipalAuthorization -Identity %s -Resource %s | Format-Table RoleName, AllowedResourceScope, InScope", quote(h.a.ClientID), mailbox)
	}
	return Step{
		ID: "role-" + strings.ToLower(short), Title: "Assign the role " + p.role + " for the scope",
		Why: "With it the application may send as the mailboxes of the scope, and as no other.",
		Command: fmt.Sprintf(`if (-not (Get-ManagementRoleAssignment -Identity %s -ErrorAction SilentlyContinue)) {
%s
}`, name, indent(retry(fmt.Sprintf("New-ManagementRoleAssignment -Name %s -Role %s -App $sp.ObjectId -CustomResourceScope %s -ErrorAction Stop",
			name, quote(p.role), quote(h.groupName("scope")))))),
		Verify: h.each(verify), Expect: "a line with " + p.role + " and InScope True",
		Role: rbacRole, Takes: rbacTakes, Optional: optional,
		Note: "Test-ServicePrincipalAuthorization looks past the cache: it says True before a sign-in works.",
	}
}

// graphExtras are what an application of Microsoft Graph may need beside
// sending: a limit, and the permission to send what is large.
func (h *help) graphExtras() []Step {
	large := appPermission{name: "Mail.ReadWrite", role: "Application Mail.ReadWrite"}
	const why = "Messages above 3 MB go through a draft and an upload session, which Mail.Send does not cover."
	if h.rbac {
		s := h.assign(large, true)
		s.Why = why + " It lets the application read the mailboxes of the scope as well."
		return []Step{s}
	}
	return []Step{{
		ID: "api-permission-mail.readwrite", Title: "Add the application permission Mail.ReadWrite, only for messages above 3 MB", Optional: true,
		Why:   why + " It lets the application read and change every mailbox.",
		Where: "Entra → App registrations → the app → API permissions → Add a permission → Microsoft Graph → Application permissions → Mail.ReadWrite, then Grant admin consent",
		Link:  h.cloud.app("CallAnAPI", h.a.ClientID), Role: consentRole, Takes: consentTakes,
	}, {
		ID: "limit", Title: "Limit the application to the mailboxes that send", Optional: true,
		Why: "Mail.Send alone holds for every mailbox of the organisation. Exchange's roles hold for some: 'traymail admin " + h.a.Name + " --rbac' has the commands.",
		Note: "What Entra grants adds to the roles, so the permission Mail.Send is taken away then. Older organisations have limited it by New-ApplicationAccessPolicy -AppId -PolicyScopeGroupId -AccessRight RestrictAccess, " +
			"which still works for Mail.Send (not for SMTP), takes more than an hour, and is replaced by the roles.",
		Role: rbacRole,
	}}
}
