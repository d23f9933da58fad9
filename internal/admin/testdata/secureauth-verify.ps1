# What account secureauth has at Microsoft 365. It changes nothing.
# What was consented to stands in Entra: 'traymail admin secureauth --verify-graph' has the lines, for a window of their own.

# Connect to Exchange Online PowerShell
if (Get-Module -Name Microsoft.Graph.Authentication) {
    throw 'Microsoft.Graph.Authentication is loaded in this window and conflicts with ExchangeOnlineManagement: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    throw 'A module is missing. Install it, then run this again: Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser'
}
Connect-ExchangeOnline -ShowBanner:$false -Organization '99999999-8888-7777-6666-555555555555'

# Make the application known to Exchange
# Prints: AppId 11111111-2222-3333-4444-555555555555, and the ObjectId of the enterprise application
Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' | Format-List DisplayName, AppId, ObjectId

# Let the application into login@contoso.com
# Prints: a line for each mailbox, with FullAccess and Deny False
Get-MailboxPermission -Identity 'login@contoso.com' -User (Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555').Identity | Format-Table Identity, User, AccessRights, Deny

# Let the application send as login@contoso.com
# Prints: a line for each mailbox, with SendAs
Get-RecipientPermission -Identity 'login@contoso.com' -Trustee (Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555').Identity | Format-Table Identity, Trustee, AccessRights

# Switch Authenticated SMTP on for login@contoso.com
# Prints: SmtpClientAuthenticationDisabled False; empty means that the organisation's setting holds
Get-CASMailbox -Identity 'login@contoso.com' | Format-List PrimarySmtpAddress, SmtpClientAuthenticationDisabled

# Look at the organisation's setting for SMTP AUTH
# Prints: False; or True, and the mailbox has False
Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled
