# What account sei needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in a new window of PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
$ErrorActionPreference = 'Stop'

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# Note: The one in use ends on 2027-01-31. Store it: traymail account edit sei --secret-stdin
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Add the application permission SMTP.SendAsApp
# Role: Application Administrator or Cloud Application Administrator
# Takes: with the consent
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> APIs my organization uses -> Office 365 Exchange Online -> Application permissions -> SMTP.SendAsApp
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Grant admin consent
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# Note: The link ends on http://localhost with admin_consent=True in the address. 'traymail admin sei --consent' opens it and receives the answer. For the link, http://localhost must be registered under Mobile and desktop applications; the button in the portal needs no redirect URL.
# In the portal: Entra -> App registrations -> the app -> API permissions -> Grant admin consent; or the link, which asks for the same
# https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=https%3A%2F%2Foutlook.office365.com%2F.default&redirect_uri=http%3A%2F%2Flocalhost

# Take the Object ID of the enterprise application
# Role: Global Reader, or one of the other roles here
# Note: Better: keep it in the account first, and nobody is asked: traymail account edit sei --object-id OBJECT-ID
# In the portal: Entra -> Enterprise applications -> the app (without the filter for its type, or search for the client ID) -> Overview -> Object ID
# https://entra.microsoft.com/#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview
$objectId = ''
for ($try = 1; $objectId -notmatch '^\s*[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\s*$' -or $objectId.Trim() -eq '11111111-2222-3333-4444-555555555555'; $try++) {
    if ($try -gt 3) {
        throw 'That is not the Object ID: it has the form 00000000-0000-0000-0000-000000000000, and is not the client ID.'
    }
    $objectId = Read-Host -Prompt 'Object ID of the enterprise application (Entra, Enterprise applications)'
}
$objectId = $objectId.Trim()

# Connect to Exchange Online PowerShell
# Role: Exchange Administrator
if (Get-Module -Name Microsoft.Graph.Authentication) {
    throw 'Microsoft.Graph.Authentication is loaded in this window and conflicts with ExchangeOnlineManagement: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline -ShowBanner:$false -Organization '99999999-8888-7777-6666-555555555555'

# Make the application known to Exchange
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 5 to 10 minutes, sometimes an hour
$sp = Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -ErrorAction SilentlyContinue
if ($sp -and $sp.ObjectId -ne $objectId) {
    # With another Object ID, as a rule that of App registrations, every sign-in fails (535 5.7.3). It cannot be
    # changed: the application is taken away, and made known anew below. What was permitted to it goes too.
    Write-Host ('Exchange knows this app by another Object ID, ' + $sp.ObjectId + ': it is taken away and made known anew.')
    Remove-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -Confirm:$false -ErrorAction Stop
    for ($try = 1; $sp -and $try -le 30; $try++) {
        $sp = Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -ErrorAction SilentlyContinue
        if ($sp) {
            Start-Sleep -Seconds 10
        }
    }
    $sp = $null
}
if (-not $sp) {
    New-ServicePrincipal -AppId '11111111-2222-3333-4444-555555555555' -ObjectId $objectId -DisplayName 'traymail sei' -ErrorAction Stop
    for ($try = 1; -not $sp -and $try -le 30; $try++) {
        Start-Sleep -Seconds 10
        $sp = Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -ErrorAction SilentlyContinue | Where-Object ObjectId -eq $objectId
    }
    if (-not $sp) {
        throw 'Exchange does not show the application yet, 5 minutes after it was made known. Run this again in a while.'
    }
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
        $null = Get-Mailbox -Identity $mailbox -ErrorAction Stop
        for ($try = 1; $true; $try++) {
            try {
                Add-MailboxPermission -Identity $mailbox -User $sp.Identity -AccessRights FullAccess -ErrorAction Stop
                break
            } catch {
                if ($try -ge 10) {
                    throw
                }
                Write-Warning $_.Exception.Message
                Write-Warning 'It may take a while until Exchange knows what is new. Next attempt in 30 seconds; Ctrl+C ends this.'
                Start-Sleep -Seconds 30
            }
        }
    }
}

# Let the application send as the mailboxes that send
# Role: Exchange Administrator
# Takes: about an hour
foreach ($mailbox in $mailboxes) {
    if (-not (Get-RecipientPermission -Identity $mailbox -Trustee $sp.Identity -AccessRights SendAs -ErrorAction SilentlyContinue)) {
        for ($try = 1; $true; $try++) {
            try {
                Add-RecipientPermission -Identity $mailbox -Trustee $sp.Identity -AccessRights SendAs -Confirm:$false -ErrorAction Stop
                break
            } catch {
                if ($try -ge 10) {
                    throw
                }
                Write-Warning $_.Exception.Message
                Write-Warning 'It may take a while until Exchange knows what is new. Next attempt in 30 seconds; Ctrl+C ends this.'
                Start-Sleep -Seconds 30
            }
        }
    }
}

# Switch Authenticated SMTP on for every mailbox that sends
# Role: Exchange Administrator or User Administrator
# Takes: minutes, sometimes an hour
foreach ($mailbox in $mailboxes) {
    if ((Get-CASMailbox -Identity $mailbox).SmtpClientAuthenticationDisabled -ne $false) {
        Set-CASMailbox -Identity $mailbox -SmtpClientAuthenticationDisabled $false -ErrorAction Stop
    }
}

# Look at the organisation's setting for SMTP AUTH
# Role: Global Reader, or one of the other roles here
# In the portal: Exchange admin center -> Settings -> Mail flow -> "Turn off SMTP AUTH protocol for your organization"
# https://admin.exchange.microsoft.com/#/settings

# Optional: Look for policies that stop the sign-in
# Role: Conditional Access Administrator, or Security Reader to look
# Conditional Access may want a device that this machine is not (AADSTS53003 and its neighbours). The sign-in logs name the policy.
# In the portal: Entra -> Protection -> Conditional Access -> Policies; Entra -> Monitoring & health -> Sign-in logs
# https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies

# Send the test email
# Note: traymail test sei. Microsoft's own self-test: https://aka.ms/smtprelay
# In the portal: Exchange admin center -> Reports -> Mail flow -> SMTP AUTH clients report, which shows who sends
# https://admin.exchange.microsoft.com/#/reports/smtpauthmailflowdetails

# What there is now. From here on nothing is changed.
$ErrorActionPreference = 'Continue'

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

# What was consented to, Microsoft Graph PowerShell shows, in a window of its own: its module and Exchange's
# conflict in one. The lines are those of 'traymail admin sei --verify-graph'. Without the first # of each line:
#
# # Connect to Microsoft Graph PowerShell, in a window of its own
# if (Get-Module -Name ExchangeOnlineManagement) {
#     throw 'ExchangeOnlineManagement is loaded in this window and conflicts with Microsoft.Graph: open a new window of PowerShell, and run this there.'
# }
# if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
#     throw 'A module is missing. Install it, then run this again: Install-Module -Name Microsoft.Graph.Applications -Scope CurrentUser'
# }
# Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'
#
# # Grant admin consent
# # Prints: True
# $app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
# $granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id | ForEach-Object { $_.AppRoleId })
# $granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000002-0000-0ff1-ce00-000000000000''').AppRoles | Where-Object Value -eq 'SMTP.SendAsApp').Id
#
# # Take the Object ID of the enterprise application
# # Prints: an ID of the form 00000000-0000-0000-0000-000000000000; nothing means that the app has no enterprise application here: grant admin consent, or run New-MgServicePrincipal -AppId with its client ID
# (Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555''').Id
