# What account sei needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
#
$ErrorActionPreference = 'Stop'

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Add the application permission SMTP.SendAsApp
# Role: Application Administrator or Cloud Application Administrator
# Takes: with the consent
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> APIs my organization uses -> Office 365 Exchange Online -> Application permissions -> SMTP.SendAsApp
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Connect to Microsoft Graph PowerShell
# Role: Global Reader, or one of the other roles here
if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
    Install-Module -Name Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns -Scope CurrentUser
}
Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'

# Grant admin consent
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# In the portal: Entra -> App registrations -> the app -> API permissions -> Grant admin consent; or the link, which asks for the same
# https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=https%3A%2F%2Foutlook.office365.com%2F.default&redirect_uri=http%3A%2F%2Flocalhost

# Take the Object ID of the enterprise application
# Role: Global Reader, or one of the other roles here
$objectId = (Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555''').Id
if (-not $objectId) {
    throw 'The app has no enterprise application here: grant admin consent, or run New-MgServicePrincipal -AppId with its client ID.'
}

# Connect to Exchange Online PowerShell
# Role: Exchange Administrator
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline -ShowBanner:$false -Organization '99999999-8888-7777-6666-555555555555'

# Make the application known to Exchange
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 5 to 10 minutes, sometimes an hour
$sp = Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -ErrorAction SilentlyContinue
if (-not $sp) {
    $sp = New-ServicePrincipal -AppId '11111111-2222-3333-4444-555555555555' -ObjectId $objectId -DisplayName 'traymail sei'
} elseif ($sp.ObjectId -ne $objectId) {
    throw 'Exchange knows this app by another Object ID. Take it away with Remove-ServicePrincipal, then run this again.'
}

# Name the mailboxes that send
$mailboxes = @(
    'reports@contoso.com'
    'finance@contoso.com'
    # every mailbox of @sales.contoso.com that sends, each on a line, in single quotes
)

# Let the application into the mailboxes that send
# Role: Exchange Administrator
# Takes: 5 to 10 minutes, sometimes an hour
foreach ($mailbox in $mailboxes) {
    if (-not (Get-MailboxPermission -Identity $mailbox -User $sp.Identity -ErrorAction SilentlyContinue | Where-Object { $_.AccessRights -match 'FullAccess' -and -not $_.Deny })) {
        Add-MailboxPermission -Identity $mailbox -User $sp.Identity -AccessRights FullAccess
    }
}

# Let the application send as the mailboxes that send
# Role: Exchange Administrator
# Takes: about an hour
foreach ($mailbox in $mailboxes) {
    if (-not (Get-RecipientPermission -Identity $mailbox -Trustee $sp.Identity -AccessRights SendAs -ErrorAction SilentlyContinue)) {
        Add-RecipientPermission -Identity $mailbox -Trustee $sp.Identity -AccessRights SendAs -Confirm:$false
    }
}

# Switch Authenticated SMTP on for every mailbox that sends
# Role: Exchange Administrator or User Administrator
# Takes: minutes, sometimes an hour
foreach ($mailbox in $mailboxes) {
    if ((Get-CASMailbox -Identity $mailbox).SmtpClientAuthenticationDisabled -ne $false) {
        Set-CASMailbox -Identity $mailbox -SmtpClientAuthenticationDisabled $false
    }
}

# Look at the organisation's setting for SMTP AUTH
# Role: Global Reader, or one of the other roles here
# In the portal: Exchange admin center -> Settings -> Mail flow -> "Turn off SMTP AUTH protocol for your organization"
# https://admin.exchange.microsoft.com/#/settings

# Optional: Look for policies that stop the sign-in
# Role: Conditional Access Administrator, or Security Reader to look
# In the portal: Entra -> Protection -> Conditional Access -> Policies; Entra -> Monitoring & health -> Sign-in logs
# https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies

# Send the test email
# In the portal: Exchange admin center -> Reports -> Mail flow -> SMTP AUTH clients report, which shows who sends
# https://admin.exchange.microsoft.com/#/reports/smtpauthmailflowdetails
