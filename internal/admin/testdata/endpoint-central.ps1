# What account endpoint-central needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in a new window of PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
$ErrorActionPreference = 'Stop'

# Register the redirect URL https://central.contoso.com:8383/emsapi/oauth under Web
# Role: Application Administrator or Cloud Application Administrator
# Takes: a few minutes
# In the portal: Entra -> App registrations -> the app -> Authentication -> Add a platform -> Web
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Authentication/appId/11111111-2222-3333-4444-555555555555

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# Note: Store it: traymail account edit endpoint-central --secret-stdin; and the day on which it ends with --secret-expires.
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Add the delegated permissions offline_access, SMTP.Send, User.Read
# Role: Application Administrator or Cloud Application Administrator
# Takes: with the consent
# Note: SMTP.Send stands under Microsoft Graph, although the token is Exchange's: traymail asks for https://outlook.office.com/SMTP.Send.
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> Microsoft Graph -> Delegated permissions
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Grant admin consent
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# Note: The link ends on https://central.contoso.com:8383/emsapi/oauth with admin_consent=True in the address.
# In the portal: Entra -> App registrations -> the app -> API permissions -> Grant admin consent; or the link, which asks for the same
# https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=offline_access%20https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20https%3A%2F%2Fgraph.microsoft.com%2FUser.Read&redirect_uri=https%3A%2F%2Fcentral.contoso.com%3A8383%2Femsapi%2Foauth

# Connect to Exchange Online PowerShell
# Role: Exchange Administrator
if (Get-Module -Name Microsoft.Graph.Authentication) {
    throw 'Microsoft.Graph.Authentication is loaded in this window and conflicts with ExchangeOnlineManagement: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline -ShowBanner:$false

# See that svc@contoso.com has an Exchange Online licence
# Role: Exchange Administrator or User Administrator
# In the portal: Microsoft 365 admin center -> Users -> Active users -> svc@contoso.com -> Licenses and apps
# https://admin.microsoft.com/Adminportal/Home#/users

# Switch Authenticated SMTP on for svc@contoso.com
# Role: Exchange Administrator or User Administrator
# Takes: minutes, sometimes an hour
if ((Get-CASMailbox -Identity 'svc@contoso.com').SmtpClientAuthenticationDisabled -ne $false) {
    Set-CASMailbox -Identity 'svc@contoso.com' -SmtpClientAuthenticationDisabled $false -ErrorAction Stop
}

# Look at the organisation's setting for SMTP AUTH
# Role: Global Reader, or one of the other roles here
# In the portal: Exchange admin center -> Settings -> Mail flow -> "Turn off SMTP AUTH protocol for your organization"
# https://admin.exchange.microsoft.com/#/settings

# Let svc@contoso.com send as helpdesk@contoso.com
# Role: Exchange Administrator
# Takes: about an hour
if (-not (Get-RecipientPermission -Identity 'helpdesk@contoso.com' -Trustee 'svc@contoso.com' -AccessRights SendAs -ErrorAction SilentlyContinue)) {
    Add-RecipientPermission -Identity 'helpdesk@contoso.com' -Trustee 'svc@contoso.com' -AccessRights SendAs -Confirm:$false -ErrorAction Stop
}

# Optional: Let svc@contoso.com send on behalf of helpdesk@contoso.com
# Role: Exchange Administrator
# Takes: about an hour
# Note: That Exchange takes Send on Behalf over SMTP is not proven: send a test email.
# Some guides ask for Send on Behalf, with which recipients see both names. Microsoft's pages on SMTP name Send As alone; with both, Send As wins.
# Take the first # of these lines away to run them:
# Set-Mailbox -Identity 'helpdesk@contoso.com' -GrantSendOnBehalfTo @{Add='svc@contoso.com'} -ErrorAction Stop

# Optional: Look for policies that stop the sign-in
# Role: Conditional Access Administrator, or Security Reader to look
# Conditional Access may want a device that this machine is not (AADSTS53003 and its neighbours). The sign-in logs name the policy.
# In the portal: Entra -> Protection -> Conditional Access -> Policies; Entra -> Monitoring & health -> Sign-in logs
# https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies

# Send the test email
# Note: traymail login endpoint-central, then traymail test endpoint-central. Microsoft's own self-test: https://aka.ms/smtprelay
# In the portal: Exchange admin center -> Reports -> Mail flow -> SMTP AUTH clients report, which shows who sends
# https://admin.exchange.microsoft.com/#/reports/smtpauthmailflowdetails

# What there is now. From here on nothing is changed.
$ErrorActionPreference = 'Continue'

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

# What was consented to, Microsoft Graph PowerShell shows, in a window of its own: its module and Exchange's
# conflict in one. The lines are those of 'traymail admin endpoint-central --verify-graph'. Without the first # of each line:
#
# # Connect to Microsoft Graph PowerShell, in a window of its own
# if (Get-Module -Name ExchangeOnlineManagement) {
#     throw 'ExchangeOnlineManagement is loaded in this window and conflicts with Microsoft.Graph: open a new window of PowerShell, and run this there.'
# }
# if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
#     throw 'A module is missing. Install it, then run this again: Install-Module -Name Microsoft.Graph.Applications -Scope CurrentUser'
# }
# if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Identity.SignIns)) {
#     throw 'A module is missing. Install it, then run this again: Install-Module -Name Microsoft.Graph.Identity.SignIns -Scope CurrentUser'
# }
# Connect-MgGraph -NoWelcome -Scopes 'Directory.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'
#
# # Grant admin consent
# # Prints: ConsentType AllPrincipals, and a Scope with offline_access, SMTP.Send, User.Read
# $app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
# Get-MgOauth2PermissionGrant -Filter ("clientId eq '" + $app.Id + "'") | Format-List ConsentType, Scope
