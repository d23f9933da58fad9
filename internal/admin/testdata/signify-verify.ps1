# What account signify has at Microsoft 365. It changes nothing.

# Connect to Microsoft Graph PowerShell
if (-not (Get-Module -ListAvailable -Name Microsoft.Graph.Applications)) {
    Install-Module -Name Microsoft.Graph.Applications, Microsoft.Graph.Identity.SignIns -Scope CurrentUser
}
Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All' -TenantId '99999999-8888-7777-6666-555555555555'

# Grant admin consent
# Prints: True
$app = Get-MgServicePrincipal -Filter 'appId eq ''11111111-2222-3333-4444-555555555555'''
$granted = @((Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id).AppRoleId)
$granted -contains ((Get-MgServicePrincipal -Filter 'appId eq ''00000003-0000-0000-c000-000000000000''').AppRoles | Where-Object Value -eq 'Mail.Send').Id
