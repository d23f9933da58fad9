# What account incorta has at Microsoft 365. It changes nothing. Run it in a new window of PowerShell.

# Connect to Microsoft Graph PowerShell, in a window of its own
if (Get-Module -Name ExchangeOnlineManagement) {
    throw 'ExchangeOnlineManagement is loaded in this window and conflicts with Microsoft.Graph: open a new window of PowerShell, and run this there.'
}
if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
    throw 'A module is missing. Install it, then run this again: Install-Module -Name Microsoft.Graph.Applications -Scope CurrentUser'
}
Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'

# Grant admin consent
# Prints: True
$app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
$granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id | ForEach-Object { $_.AppRoleId })
$granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000002-0000-0ff1-ce00-000000000000''').AppRoles | Where-Object Value -eq 'SMTP.SendAsApp').Id

# Take the Object ID of the enterprise application
# Prints: an ID of the form 00000000-0000-0000-0000-000000000000; nothing means that the app has no enterprise application here: grant admin consent, or run New-MgServicePrincipal -AppId with its client ID
(Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555''').Id
