# What account endpoint-central has at Microsoft 365. It changes nothing.
# What was consented to stands in Entra: 'traymail admin endpoint-central --verify-graph' has the lines, for a window of their own.

# Connect to Exchange Online PowerShell
if (Get-Module -Name Microsoft.Graph.Authentication) {
    throw 'Microsoft.Graph.Authentication is loaded in this window and conflicts with ExchangeOnlineManagement: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    throw 'A module is missing. Install it, then run this again: Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser'
}
Connect-ExchangeOnline -ShowBanner:$false

# See that svc@contoso.com has an Exchange Online licence
# Prints: RecipientTypeDetails UserMailbox
Get-Mailbox -Identity 'svc@contoso.com' | Format-List RecipientTypeDetails, PrimarySmtpAddress

# Switch Authenticated SMTP on for svc@contoso.com
# Prints: SmtpClientAuthenticationDisabled False; empty means that the organisation's setting holds
Get-CASMailbox -Identity 'svc@contoso.com' | Format-List PrimarySmtpAddress, SmtpClientAuthenticationDisabled

# Look at the organisation's setting for SMTP AUTH
# Prints: False; or True, and the mailbox has False
Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled

# Let svc@contoso.com send as helpdesk@contoso.com
# Prints: a line with svc@contoso.com, SendAs and Allow
Get-RecipientPermission -Identity 'helpdesk@contoso.com' -Trustee 'svc@contoso.com' | Format-Table Identity, Trustee, AccessRights, AccessControlType

# Let svc@contoso.com send on behalf of helpdesk@contoso.com
# Prints: the name of svc@contoso.com, among others perhaps
Get-Mailbox -Identity 'helpdesk@contoso.com' | Format-List PrimarySmtpAddress, GrantSendOnBehalfTo
