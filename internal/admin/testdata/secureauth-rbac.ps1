# What account secureauth needs at Microsoft 365. It may be run again: it looks before it creates.
# Run it in a new window of PowerShell 7 or Windows PowerShell 5.1; the roles that each step needs stand above it.
$ErrorActionPreference = 'Stop'

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# Note: Store it: traymail account edit secureauth --secret-stdin; and the day on which it ends with --secret-expires.
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Take away the application permission SMTP.SendAsApp, if it was granted
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# In the portal: Entra -> App registrations -> the app -> API permissions -> the permission -> Revoke admin consent, then Remove permission
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Take the Object ID of the enterprise application
# Role: Global Reader, or one of the other roles here
# In the portal: Entra -> Enterprise applications -> the app (without the filter for its type, or search for the client ID) -> Overview -> Object ID
# https://entra.microsoft.com/#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview
$objectId = '6d111111-2222-3333-4444-555555555555'

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
    New-ServicePrincipal -AppId '11111111-2222-3333-4444-555555555555' -ObjectId $objectId -DisplayName 'SMTP Mailer application' -ErrorAction Stop
    for ($try = 1; -not $sp -and $try -le 30; $try++) {
        Start-Sleep -Seconds 10
        $sp = Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' -ErrorAction SilentlyContinue | Where-Object ObjectId -eq $objectId
    }
    if (-not $sp) {
        throw 'Exchange does not show the application yet, 5 minutes after it was made known. Run this again in a while.'
    }
}

# Put login@contoso.com into a group
# Role: Exchange Administrator
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
# Note: A mailbox is compared by its primary address. The group is hidden from the address book. Whoever is not its owner adds -BypassSecurityGroupManagerCheck to the lines that change it.
$group = Get-DistributionGroup -Identity 'traymail secureauth senders' -ErrorAction SilentlyContinue
if (-not $group) {
    $group = New-DistributionGroup -Name 'traymail secureauth senders' -Type Security -ErrorAction Stop
}
if (-not $group.HiddenFromAddressListsEnabled) {
    for ($try = 1; $true; $try++) {
        try {
            Set-DistributionGroup -Identity $group.DistinguishedName -HiddenFromAddressListsEnabled $true -ErrorAction Stop
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
$members = @(Get-DistributionGroupMember -Identity $group.DistinguishedName -ResultSize Unlimited -ErrorAction Stop | ForEach-Object { $_.PrimarySmtpAddress })
$member = (Get-Mailbox -Identity 'login@contoso.com' -ErrorAction Stop).PrimarySmtpAddress
if ($members -notcontains $member) {
    Add-DistributionGroupMember -Identity $group.DistinguishedName -Member $member -ErrorAction Stop
}

# Make a scope of the group
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
if (-not (Get-ManagementScope -Identity 'traymail secureauth scope' -ErrorAction SilentlyContinue)) {
    New-ManagementScope -Name 'traymail secureauth scope' -RecipientRestrictionFilter ("MemberOfGroup -eq '" + $group.DistinguishedName.Replace("'", "''") + "'") -ErrorAction Stop
}

# Assign the role Application SMTP.SendAsApp for the scope
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Takes: 30 minutes for an application that has been idle, up to 2 hours for one in use
# Note: Test-ServicePrincipalAuthorization looks past the cache: it says True before a sign-in works.
if (-not (Get-ManagementRoleAssignment -Identity 'traymail secureauth SMTP.SendAsApp' -ErrorAction SilentlyContinue)) {
    for ($try = 1; $true; $try++) {
        try {
            New-ManagementRoleAssignment -Name 'traymail secureauth SMTP.SendAsApp' -Role 'Application SMTP.SendAsApp' -App $sp.ObjectId -CustomResourceScope 'traymail secureauth scope' -ErrorAction Stop
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

# Switch Authenticated SMTP on for login@contoso.com
# Role: Exchange Administrator or User Administrator
# Takes: minutes, sometimes an hour
if ((Get-CASMailbox -Identity 'login@contoso.com').SmtpClientAuthenticationDisabled -ne $false) {
    Set-CASMailbox -Identity 'login@contoso.com' -SmtpClientAuthenticationDisabled $false -ErrorAction Stop
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
# Note: traymail test secureauth. Microsoft's own self-test: https://aka.ms/smtprelay
# In the portal: Exchange admin center -> Reports -> Mail flow -> SMTP AUTH clients report, which shows who sends
# https://admin.exchange.microsoft.com/#/reports/smtpauthmailflowdetails

# What there is now. From here on nothing is changed.
$ErrorActionPreference = 'Continue'

# Make the application known to Exchange
# Prints: AppId 11111111-2222-3333-4444-555555555555, and the ObjectId of the enterprise application
Get-ServicePrincipal -Identity '11111111-2222-3333-4444-555555555555' | Format-List DisplayName, AppId, ObjectId

# Put login@contoso.com into a group
# Prints: every mailbox that sends; HiddenFromAddressListsEnabled True
Get-DistributionGroupMember -Identity 'traymail secureauth senders' | Format-Table PrimarySmtpAddress
Get-DistributionGroup -Identity 'traymail secureauth senders' | Format-List HiddenFromAddressListsEnabled

# Make a scope of the group
# Prints: MemberOfGroup and the name of the group
Get-ManagementScope -Identity 'traymail secureauth scope' | Format-List RecipientFilter

# Assign the role Application SMTP.SendAsApp for the scope
# Prints: a line with Application SMTP.SendAsApp and InScope True
Test-ServicePrincipalAuthorization -Identity '11111111-2222-3333-4444-555555555555' -Resource 'login@contoso.com' | Format-Table RoleName, AllowedResourceScope, InScope

# Switch Authenticated SMTP on for login@contoso.com
# Prints: SmtpClientAuthenticationDisabled False; empty means that the organisation's setting holds
Get-CASMailbox -Identity 'login@contoso.com' | Format-List PrimarySmtpAddress, SmtpClientAuthenticationDisabled

# Look at the organisation's setting for SMTP AUTH
# Prints: False; or True, and the mailbox has False
Get-TransportConfig | Format-List SmtpClientAuthenticationDisabled

# What was consented to, Microsoft Graph PowerShell shows, in a window of its own: its module and Exchange's
# conflict in one. The lines are those of 'traymail admin secureauth --verify-graph'. Without the first # of each line:
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
# # Take away the application permission SMTP.SendAsApp, if it was granted
# # Prints: False
# $app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
# $granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id | ForEach-Object { $_.AppRoleId })
# $granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000002-0000-0ff1-ce00-000000000000''').AppRoles | Where-Object Value -eq 'SMTP.SendAsApp').Id
#
# # Take the Object ID of the enterprise application
# # Prints: 6d111111-2222-3333-4444-555555555555
# (Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555''').Id
