# What account secureauth needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
#
$ErrorActionPreference = 'Stop'

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Take away the application permission SMTP.SendAsApp, if it was granted
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# In the portal: Entra -> App registrations -> the app -> API permissions -> the permission -> Revoke admin consent, then Remove permission
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Take the Object ID of the enterprise application
# Role: Global Reader, or one of the other roles here
$objectId = '6d111111-2222-3333-4444-555555555555'

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
    $sp = New-ServicePrincipal -AppId '11111111-2222-3333-4444-555555555555' -ObjectId $objectId -DisplayName 'SMTP Mailer application'
} elseif ($sp.ObjectId -ne $objectId) {
    throw 'Exchange knows this app by another Object ID. Take it away with Remove-ServicePrincipal, then run this again.'
}

# Put login@contoso.com into a group
# Role: Exchange Administrator
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
$group = Get-DistributionGroup -Identity 'traymail secureauth senders' -ErrorAction SilentlyContinue
if (-not $group) {
    $group = New-DistributionGroup -Name 'traymail secureauth senders' -Type Security
}
$members = @(Get-DistributionGroupMember -Identity $group.DistinguishedName -ResultSize Unlimited | ForEach-Object { $_.PrimarySmtpAddress })
if ($members -notcontains 'login@contoso.com') {
    Add-DistributionGroupMember -Identity $group.DistinguishedName -Member 'login@contoso.com'
}

# Make a scope of the group
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
if (-not (Get-ManagementScope -Identity 'traymail secureauth scope' -ErrorAction SilentlyContinue)) {
    New-ManagementScope -Name 'traymail secureauth scope' -RecipientRestrictionFilter ("MemberOfGroup -eq '" + $group.DistinguishedName.Replace("'", "''") + "'")
}

# Assign the role Application SMTP.SendAsApp for the scope
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
if (-not (Get-ManagementRoleAssignment -Identity 'traymail secureauth SMTP.SendAsApp' -ErrorAction SilentlyContinue)) {
    New-ManagementRoleAssignment -Name 'traymail secureauth SMTP.SendAsApp' -Role 'Application SMTP.SendAsApp' -App $sp.ObjectId -CustomResourceScope 'traymail secureauth scope'
}

# Switch Authenticated SMTP on for login@contoso.com
# Role: Exchange Administrator or User Administrator
# Takes: minutes, sometimes an hour
if ((Get-CASMailbox -Identity 'login@contoso.com').SmtpClientAuthenticationDisabled -ne $false) {
    Set-CASMailbox -Identity 'login@contoso.com' -SmtpClientAuthenticationDisabled $false
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
