# What account secureauth has at Microsoft 365. It changes nothing.

# Connect to Microsoft Graph PowerShell
if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
    Install-Module -Name Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns -Scope CurrentUser
}
Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'

# Connect to Exchange Online PowerShell
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline -ShowBanner:$false -Organization '99999999-8888-7777-6666-555555555555'

# Grant admin consent
# Prints: True
$app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
$granted = @((Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id).AppRoleId)
$granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000002-0000-0ff1-ce00-000000000000''').AppRoles | Where-Object Value -eq 'SMTP.SendAsApp').Id

# Take the Object ID of the enterprise application
# Prints: 6d111111-2222-3333-4444-555555555555
(Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555''').Id

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
