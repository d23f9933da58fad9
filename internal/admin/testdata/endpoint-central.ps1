# What account endpoint-central needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
#
$ErrorActionPreference = 'Stop'

# Register the redirect URL https://central.contoso.com:8383/emsapi/oauth under Web
# Role: Application Administrator or Cloud Application Administrator
# Takes: a few minutes
# In the portal: Entra -> App registrations -> the app -> Authentication -> Add a platform -> Web
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Authentication/appId/11111111-2222-3333-4444-555555555555

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Add the delegated permissions offline_access, SMTP.Send, User.Read
# Role: Application Administrator or Cloud Application Administrator
# Takes: with the consent
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> Microsoft Graph -> Delegated permissions
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Grant admin consent
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# In the portal: Entra -> App registrations -> the app -> API permissions -> Grant admin consent; or the link, which asks for the same
# https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=offline_access%20https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20https%3A%2F%2Fgraph.microsoft.com%2FUser.Read&redirect_uri=https%3A%2F%2Fcentral.contoso.com%3A8383%2Femsapi%2Foauth

# Connect to Exchange Online PowerShell
# Role: Exchange Administrator
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
    Set-CASMailbox -Identity 'svc@contoso.com' -SmtpClientAuthenticationDisabled $false
}

# Look at the organisation's setting for SMTP AUTH
# Role: Global Reader, or one of the other roles here
# In the portal: Exchange admin center -> Settings -> Mail flow -> "Turn off SMTP AUTH protocol for your organization"
# https://admin.exchange.microsoft.com/#/settings

# Let svc@contoso.com send as helpdesk@contoso.com
# Role: Exchange Administrator
# Takes: about an hour
if (-not (Get-RecipientPermission -Identity 'helpdesk@contoso.com' -Trustee 'svc@contoso.com' -AccessRights SendAs -ErrorAction SilentlyContinue)) {
    Add-RecipientPermission -Identity 'helpdesk@contoso.com' -Trustee 'svc@contoso.com' -AccessRights SendAs -Confirm:$false
}

# Optional: Let svc@contoso.com send on behalf of helpdesk@contoso.com
# Role: Exchange Administrator
# Takes: about an hour
# Some guides ask for Send on Behalf, with which recipients see both names. Microsoft's pages on SMTP name Send As alone; with both, Send As wins.
# Take the first # of these lines away to run them:
# Set-Mailbox -Identity 'helpdesk@contoso.com' -GrantSendOnBehalfTo @{Add='svc@contoso.com'}

# Optional: Look for policies that stop the sign-in
# Role: Conditional Access Administrator, or Security Reader to look
# In the portal: Entra -> Protection -> Conditional Access -> Policies; Entra -> Monitoring & health -> Sign-in logs
# https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies

# Send the test email
# In the portal: Exchange admin center -> Reports -> Mail flow -> SMTP AUTH clients report, which shows who sends
# https://admin.exchange.microsoft.com/#/reports/smtpauthmailflowdetails
