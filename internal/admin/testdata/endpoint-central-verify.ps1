# What account endpoint-central has at Microsoft 365. It changes nothing.

# Connect to Microsoft Graph PowerShell
if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
    Install-Module -Name Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns -Scope CurrentUser
}
Connect-MgGraph -NoWelcome -Scopes 'Directory.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'

# Connect to Exchange Online PowerShell
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline -ShowBanner:$false

# Grant admin consent
# Prints: ConsentType AllPrincipals, and a Scope with offline_access, SMTP.Send, User.Read
$app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
Get-MgOauth2PermissionGrant -Filter ("clientId eq '" + $app.Id + "'") | Format-List ConsentType, Scope

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
