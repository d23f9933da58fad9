# What account sei has at Microsoft 365. It changes nothing.
# What was consented to stands in Entra: 'traymail admin sei --verify-graph' has the lines, for a window of their own.

# Connect to Exchange Online PowerShell
if (Get-Module -Name Microsoft.Graph.Authentication) {
    throw 'Microsoft.Graph.Authentication is loaded in this window and conflicts with ExchangeOnlineManagement: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    throw 'A module is missing. Install it, then run this again: Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser'
}
Connect-ExchangeOnline -ShowBanner:$false -Organization '99999999-8888-7777-6666-555555555555'

# Name the mailboxes that send
$mailboxes = @(
    'reports@contoso.com'
    'finance@contoso.com'
    # every mailbox of @sales.contoso.com that sends, each on a line, in single quotes
)

# Make the application known to Exchange
# Prints: AppId 11111111-2222-3333-4444-555555555555, and the ObjectId of the enterprise application
Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' | Format-List DisplayName, AppId, ObjectId

# Let the application into the mailboxes that send
# Prints: a line for each mailbox, with FullAccess and Deny False
foreach ($mailbox in $mailboxes) {
    Get-MailboxPermission -Identity $mailbox -User (Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555').Identity | Format-Table Identity, User, AccessRights, Deny
}

# Let the application send as the mailboxes that send
# Prints: a line for each mailbox, with SendAs
foreach ($mailbox in $mailboxes) {
    Get-RecipientPermission -Identity $mailbox -Trustee (Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555').Identity | Format-Table Identity, Trustee, AccessRights
}

# Switch Authenticated SMTP on for every mailbox that sends
# Prints: SmtpClientAuthenticationDisabled False; empty means that the organisation's setting holds
foreach ($mailbox in $mailboxes) {
    Get-CASMailbox -Identity $mailbox | Format-List PrimarySmtpAddress, SmtpClientAuthenticationDisabled
}

# Look at the organisation's setting for SMTP AUTH
# Prints: False; or True, and the mailbox has False
Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled
