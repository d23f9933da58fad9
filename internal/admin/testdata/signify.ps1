# What account signify needs at Microsoft 365: nothing of it is a command of PowerShell, so this script does nothing.
# The pages to open, in order:

# Have a client secret that is valid
# Role: Application Administrator or Cloud Application Administrator
# Takes: at once
# Note: Store it: traymail account edit signify --secret-stdin; and the day on which it ends with --secret-expires.
# In the portal: Entra -> App registrations -> the app -> Certificates & secrets -> Client secrets -> New client secret
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Credentials/appId/11111111-2222-3333-4444-555555555555

# Add the application permission Mail.Send
# Role: Application Administrator or Cloud Application Administrator
# Takes: with the consent
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> Microsoft Graph -> Application permissions -> Mail.Send
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Grant admin consent
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# Note: The link ends on http://localhost with admin_consent=True in the address. 'traymail admin signify --consent' opens it and receives the answer. For the link, http://localhost must be registered under Mobile and desktop applications; the button in the portal needs no redirect URL.
# In the portal: Entra -> App registrations -> the app -> API permissions -> Grant admin consent; or the link, which asks for the same
# https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0/adminconsent?client_id=11111111-2222-3333-4444-555555555555&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&redirect_uri=http%3A%2F%2Flocalhost

# Optional: Add the application permission Mail.ReadWrite, only for messages above 3 MB
# Role: Cloud Application Administrator; for application permissions of Microsoft Graph, Privileged Role Administrator
# Takes: at once for new tokens; a token that was issued before lasts up to 90 minutes
# Messages above 3 MB go through a draft and an upload session, which Mail.Send does not cover. It lets the application read and change every mailbox.
# In the portal: Entra -> App registrations -> the app -> API permissions -> Add a permission -> Microsoft Graph -> Application permissions -> Mail.ReadWrite, then Grant admin consent
# https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/11111111-2222-3333-4444-555555555555

# Optional: Limit the application to the mailboxes that send
# Role: Exchange Administrator with the role Role Management (Organization Management has it)
# Note: What Entra grants adds to the roles, so the permission Mail.Send is taken away then. Older organisations have limited it by New-ApplicationAccessPolicy -AppId -PolicyScopeGroupId -AccessRight RestrictAccess, which still works for Mail.Send (not for SMTP), takes more than an hour, and is replaced by the roles.
# Mail.Send alone holds for every mailbox of the organisation. Exchange's roles hold for some: 'traymail admin signify --rbac' has the commands.

# Optional: Look for policies that stop the sign-in
# Role: Conditional Access Administrator, or Security Reader to look
# Conditional Access may want a device that this machine is not (AADSTS53003 and its neighbours). The sign-in logs name the policy.
# In the portal: Entra -> Protection -> Conditional Access -> Policies; Entra -> Monitoring & health -> Sign-in logs
# https://entra.microsoft.com/#view/Microsoft_AAD_ConditionalAccess/ConditionalAccessBlade/~/Policies

# Send the test email
# Note: traymail test signify
# It shows that Mail.Send holds for the mailbox: without it Microsoft Graph answers 403 ErrorAccessDenied. A permission that was granted just now may still be refused: wait, and try again.

# What was consented to, Microsoft Graph PowerShell shows, in a window of its own: its module and Exchange's
# conflict in one. The lines are those of 'traymail admin signify --verify-graph'. Without the first # of each line:
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
# $granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000003-0000-0000-c000-000000000000''').AppRoles | Where-Object Value -eq 'Mail.Send').Id
