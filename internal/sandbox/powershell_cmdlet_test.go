package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"traymail/internal/account"
	"traymail/internal/admin"
)

func TestEveryParameterListCanBeRead(t *testing.T) {
	for name, c := range psCmdlets {
		seen := map[string]bool{}
		for _, p := range c.all() {
			for _, n := range p.names {
				if seen[strings.ToLower(n)] || psParamKinds[p.kind] == "" {
					t.Errorf("%s: parameter %s is there twice or of no kind", name, n)
				}
				seen[strings.ToLower(n)] = true
			}
		}
		graph := c.module != "" && c.module != psExchangeModule
		if graph != (len(c.scopes) > 0) || c.do == nil || c.module != "" && !contains(psModules, c.module) {
			t.Errorf("%s has no module or scopes, or does nothing", name)
		}
	}
}

func TestCmdletsDoAndShowWhatExchangesDo(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         []string // in this order
	}{
		{"a list replaces the delegates", `Set-Mailbox alerts@contoso.com -GrantSendOnBehalfTo 'ops@contoso.com', 'mfa@contoso.com'
(Get-Mailbox alerts@contoso.com).GrantSendOnBehalfTo`, []string{"Operations\nMia Factor\n"}},
		{"a hashtable changes them", `Set-Mailbox alerts@contoso.com -GrantSendOnBehalfTo @{Add='ops@contoso.com'; Remove='svc@contoso.com'}
(Get-Mailbox alerts@contoso.com).GrantSendOnBehalfTo`, []string{"Operations\n"}},
		{"null takes all away", `Set-Mailbox alerts@contoso.com -GrantSendOnBehalfTo $null
(Get-Mailbox alerts@contoso.com).GrantSendOnBehalfTo.Count`, []string{"0\n"}},
		{"limits", `Set-Mailbox svc@contoso.com -MaxSendSize 150MB -RecipientLimits 1000 -MessageCopyForSentAsEnabled $true
Get-Mailbox svc@contoso.com | Format-List MaxSendSize, RecipientLimits, MessageCopyForSentAsEnabled
Set-Mailbox svc@contoso.com -RecipientLimits 1000
Set-Mailbox svc@contoso.com -MaxSendSize '35 MB' -ErrorAction SilentlyContinue; 'next'`,
			[]string{"MaxSendSize                 : 150 MB (157,286,400 bytes)\n", "RecipientLimits             : 1000\n", "Enabled : True\n", "WARNING: The command completed successfully but no settings", "MaxSendSize"}},
		{"SMTP AUTH has three states", `Set-CASMailbox svc@contoso.com -SmtpClientAuthenticationDisabled $true
(Get-CASMailbox svc@contoso.com).SmtpClientAuthenticationDisabled
Set-CASMailbox svc@contoso.com -SmtpClientAuthenticationDisabled $null
(Get-CASMailbox svc@contoso.com).SmtpClientAuthenticationDisabled -eq $null
Set-CASMailbox svc@contoso.com -SmtpClientAuthenticationDisabled $null`, []string{"True\nTrue\n", "WARNING: "}},
		{"a mailbox by its alias, name, object ID and other address", `foreach ($i in 'svc', 'Mail Service', '10a6c0de-0001-4000-8000-000000000001', 'service@contoso.com') { (Get-Mailbox $i).PrimarySmtpAddress }`,
			[]string{"svc@contoso.com\nsvc@contoso.com\nsvc@contoso.com\nsvc@contoso.com\n"}},
		{"shared mailboxes", `Get-Mailbox -ResultSize Unlimited | Where-Object RecipientTypeDetails -eq SharedMailbox | Select-Object -ExpandProperty PrimarySmtpAddress`,
			[]string{"invoices@contoso.com\nalerts@contoso.com\nboard@contoso.com\n"}},
		{"permissions that are there, and are not", `Add-RecipientPermission invoices@contoso.com -Trustee svc@contoso.com -AccessRights SendAs -Confirm:$false | Out-Null
Remove-RecipientPermission invoices@contoso.com -Trustee svc@contoso.com -AccessRights SendAs -Confirm:$false
Remove-RecipientPermission invoices@contoso.com -Trustee svc@contoso.com -AccessRights SendAs -Confirm:$false
(Get-RecipientPermission invoices@contoso.com).Trustee
Add-MailboxPermission board@contoso.com -User ops@contoso.com -AccessRights FullAccess | Format-Table User, Deny
Remove-MailboxPermission board@contoso.com -User ops@contoso.com -AccessRights FullAccess -Confirm:$false
(Get-MailboxPermission board@contoso.com -User ops@contoso.com | Measure-Object).Count
Add-MailboxPermission board@contoso.com -User ops@contoso.com -AccessRights ReadPermission`,
			[]string{"WARNING: The appropriate access control entry is already present", "WARNING: Can't remove", "NT AUTHORITY\\SELF\n", "ops@contoso.com False\n", "0\n", "know FullAccess alone"}},
		{"groups", `New-DistributionGroup -Name 'a b' -Type Security -Members svc@contoso.com | Out-Null
New-DistributionGroup -Name 'A B'
Add-DistributionGroupMember 'a b' -Member svc@contoso.com
Add-DistributionGroupMember ab@contoso.com -Member ops@contoso.com
(Get-DistributionGroupMember 'a b').PrimarySmtpAddress
Remove-DistributionGroupMember 'a b' -Member ops@contoso.com -Confirm:$false
(Get-DistributionGroupMember 'a b' | Measure-Object).Count
(Get-DistributionGroup).Name
Remove-DistributionGroup 'a b' -Confirm:$false
Get-DistributionGroup 'a b'`,
			[]string{"already exists", "is already a member of the group", "svc@contoso.com\nops@contoso.com\n", "1\na b\n", "object 'a b' couldn't be found"}},
		{"a scope needs its group's distinguished name, and stays while it is used", `$g = New-DistributionGroup g
New-ManagementScope s -RecipientRestrictionFilter "MemberOfGroup -eq 'g'"
New-ManagementScope s -RecipientRestrictionFilter "Department -eq 'g'"
New-ManagementScope s -RecipientRestrictionFilter ("MemberOfGroup -eq '" + $g.DistinguishedName + "'") | Out-Null
New-ManagementRoleAssignment -Name n -Role 'Application Mail.Send' -App ` + daemonAppID + ` -CustomResourceScope s | Out-Null
New-ManagementRoleAssignment -Name n -Role 'Application Mail.Send' -App ` + daemonAppID + `
New-ManagementRoleAssignment -Name m -Role 'Application Nope' -App ` + daemonAppID + `
Remove-ManagementScope s -Confirm:$false
(Test-ServicePrincipalAuthorization ` + daemonAppID + ` -Resource ops@contoso.com).InScope
Add-DistributionGroupMember g -Member ops@contoso.com
(Test-ServicePrincipalAuthorization ` + daemonAppID + ` -Resource ops@contoso.com).InScope
(Test-ServicePrincipalAuthorization ` + daemonAppID + `).InScope
Remove-ManagementRoleAssignment n -Confirm:$false
Remove-ManagementScope s -Confirm:$false
(Get-ManagementScope | Measure-Object).Count`,
			[]string{"object 'g' couldn't be found", "alone, not Department", "assignment 'n' already exists", "object 'Application Nope' couldn't be found", "is still used", "False\nTrue\nNot Run\n0\n"}},
		{"access policies follow their group", `New-DistributionGroup g -Type Security -Members ops@contoso.com | Out-Null
New-DistributionGroup d | Out-Null
New-ApplicationAccessPolicy -AppId ` + graphAppID + ` -PolicyScopeGroupId d -AccessRight RestrictAccess
New-ApplicationAccessPolicy -AppId ` + graphAppID + ` -PolicyScopeGroupId g -AccessRight RestrictAccess -Description x | Out-Null
(Test-ApplicationAccessPolicy ops@contoso.com -AppId ` + graphAppID + `).AccessCheckResult
(Test-ApplicationAccessPolicy svc@contoso.com -AppId ` + graphAppID + `).AccessCheckResult
Add-DistributionGroupMember g -Member svc@contoso.com
(Test-ApplicationAccessPolicy svc@contoso.com -AppId ` + graphAppID + `).AccessCheckResult
Remove-ApplicationAccessPolicy (Get-ApplicationAccessPolicy).Identity -Confirm:$false
(Test-ApplicationAccessPolicy mfa@contoso.com -AppId ` + graphAppID + `).AccessCheckResult`,
			[]string{"isn't a security principal", "Granted\nDenied\nGranted\nGranted\n"}},
		{"authentication policies", `New-AuthenticationPolicy p -AllowBasicAuthSmtp | Out-Null
Set-User svc@contoso.com -AuthenticationPolicy p
Set-OrganizationConfig -DefaultAuthenticationPolicy p -SendFromAliasEnabled $true
(Get-User svc@contoso.com).AuthenticationPolicy
Get-OrganizationConfig | Format-List DefaultAuthenticationPolicy, SendFromAliasEnabled
Set-AuthenticationPolicy p -AllowBasicAuthSmtp:$false
(Get-AuthenticationPolicy p).AllowBasicAuthSmtp
Set-User svc@contoso.com -AuthenticationPolicy $null
(Get-User svc@contoso.com).AuthenticationPolicy -eq $null
Set-User svc@contoso.com -AuthenticationPolicy nope`,
			[]string{"p\n", "DefaultAuthenticationPolicy : p\nSendFromAliasEnabled        : True\n", "False\nTrue\n", "object 'nope' couldn't be found"}},
		{"one object of many properties is a list", "Get-ApplicationAccessPolicy\nGet-LimitsEnforcementStatus\nGet-TransportConfig",
			[]string{"EnforcementEnabled Threshold", "Transport Settings False"}},
		{"all properties", "Get-CASMailbox svc | Format-List *", []string{"PrimarySmtpAddress", ": svc@contoso.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := window(t).run(tt.script)
			rest := got
			for _, w := range tt.want {
				_, after, found := strings.Cut(rest, w)
				if !found {
					t.Errorf("%q is not where it should be in\n%s", w, got)
				}
				rest = after
			}
		})
	}
}

// connectedTo runs a script in a window that is connected.
func (b *bench) connectedTo(connect, script string) {
	b.Helper()
	if output, ok := newPSSession(b.Tenant()).run("$ErrorActionPreference = 'Stop'\n" + connect + "\n" + script); !ok {
		b.Fatal(output)
	}
}

// Each scenario in which an administrator forgot something is mended by the
// command for it.
func TestTheConsoleMendsScenarios(t *testing.T) {
	const exchange = "Connect-ExchangeOnline -ShowBanner:$false"
	graph := func(scope string) string { return "Connect-MgGraph -NoWelcome -Scopes " + scope }
	script := func(a account.Account) string {
		steps, err := admin.Steps(a, admin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return admin.Script(a, steps)
	}
	app := validAccount(t, "app", func(a *account.Account) {
		a.SignIn, a.ClientID, a.Sender, a.ObjectID = account.AppOnly, daemonAppID, "svc@contoso.com", daemonEnterpriseID
		a.Mailbox, a.Senders = account.FromMailbox, []string{"ops@contoso.com"}
	})
	person := func(sender string, onBehalf bool) account.Account {
		return validAccount(t, "person", func(a *account.Account) {
			a.ClientID, a.Username, a.Sender, a.OnBehalf = desktopAppID, "svc@contoso.com", sender, onBehalf
		})
	}
	grant := func(app, enterprise, api, permission string) string {
		return fmt.Sprintf(`$api = Get-MgServicePrincipal -Filter "appId eq '%s'"
New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId %s -PrincipalId %[2]s -ResourceId $api.Id -AppRoleId ($api.AppRoles | Where-Object Value -eq '%s').Id`, api, enterprise, permission)
	}
	for scenario, mend := range map[string]struct{ connect, script string }{
		"app-no-service-principal": {exchange, script(app)},
		"app-wrong-object-id":      {exchange, script(app)},
		"app-no-full-access":       {exchange, script(app)},
		"app-no-consent": {graph("Application.Read.All, AppRoleAssignment.ReadWrite.All"),
			grant(daemonAppID, daemonEnterpriseID, "00000002-0000-0ff1-ce00-000000000000", "SMTP.SendAsApp") + "\n" + grant(graphAppID, graphEnterpriseID, graphAudience, "Mail.Send")},
		"app-disabled": {graph("Application.ReadWrite.All"),
			"Update-MgServicePrincipal -ServicePrincipalId " + daemonEnterpriseID + " -AccountEnabled:$true; Update-MgServicePrincipal -ServicePrincipalId " + graphEnterpriseID + " -AccountEnabled:$true"},
		"graph-access-policy": {exchange, "foreach ($p in Get-ApplicationAccessPolicy) { Remove-ApplicationAccessPolicy -Identity $p.Identity -Confirm:$false }"},
		"no-licence": {graph("User.ReadWrite.All"),
			"Set-MgUserLicense -UserId svc@contoso.com -AddLicenses @(@{SkuId = (Get-MgUser -UserId ops@contoso.com).AssignedLicenses}) -RemoveLicenses @()"},
		"send-as-missing":        {exchange, script(person("invoices@contoso.com", false))},
		"send-on-behalf-missing": {exchange, script(person("alerts@contoso.com", true))},
	} {
		t.Run(scenario, func(t *testing.T) {
			b := newBench(t, scenario)
			b.connectedTo(mend.connect, mend.script)
			if wrong := differs(b.outcome(), usual); wrong != "" {
				t.Error(wrong)
			}
		})
	}
	for scenario, command := range map[string]string{
		"smtp-auth-off-tenant":  "Set-TransportConfig -SmtpClientAuthenticationDisabled $false",
		"smtp-auth-off-mailbox": script(person("svc@contoso.com", false)),
	} {
		b := newBench(t, scenario)
		token := b.redeem(b.signIn()).AccessToken
		if said := b.smtpAuth("svc@contoso.com", token); !strings.HasPrefix(said, "535") {
			t.Errorf("%s: %s", scenario, said)
		}
		b.connectedTo(exchange, command)
		if said := b.smtpAuth("svc@contoso.com", token); !strings.HasPrefix(said, "235") {
			t.Errorf("%s: %s afterwards", scenario, said)
		}
	}
}

// differs names a step of an outcome that is not as in another.
func differs(got, want outcome) string {
	for step := range want {
		if got[step] != want[step] {
			return fmt.Sprintf("%s: %q, want %q", step, got[step], want[step])
		}
	}
	return ""
}

// A value of an account stays a value, whatever it looks like.
func TestWhatLooksLikeACommandStaysAName(t *testing.T) {
	for _, evil := range []string{
		"'; Remove-DistributionGroup x -Confirm:$false; '", "\u2019; throw 'x' #", "\u2018\u201a\u201b\u201c\u201d\u201e", "$(throw 1)", "`'$x`", "\"; throw 1; \"",
		"a\nthrow 1", "a\r\nthrow 1\r\n#", "#>", "caf\u00e9 \U0001f600", "@{a=1}", "-Confirm", "%PATH%",
	} {
		t.Run(evil, func(t *testing.T) {
			a := validAccount(t, "evil", func(a *account.Account) {
				a.SignIn, a.ClientID, a.Sender, a.ObjectID = account.AppOnly, daemonAppID, "board@contoso.com", daemonEnterpriseID
			})
			a.Label = evil
			b := emptied(t, a, admin.Options{})
			// No address is like this; what is quoted could be.
			address := evil + "@contoso.com"
			a.Sender = address
			b.Tenant().Change(func(t *Tenant) { t.Mailboxes = append(t.Mailboxes, &Mailbox{Address: address, Shared: true}) })
			for _, o := range []admin.Options{{}, {RBAC: true}} {
				steps, err := admin.Steps(a, o)
				if err != nil {
					t.Fatal(err)
				}
				if output, ok := newPSSession(b.Tenant()).run(admin.Script(a, steps)); !ok {
					t.Fatalf("%s\n%s", output, admin.Script(a, steps))
				}
			}
			b.Tenant().View(func(t *Tenant) {
				m := t.mailbox(address)
				if !contains(m.FullAccess, daemonEnterpriseID) || !contains(m.SendAs, daemonEnterpriseID) || *m.SMTPAuthDisabled || t.console.groups[0].members[0] != address {
					b.Errorf("%+v", m)
				}
				name := strings.Join(strings.FieldsFunc(evil, func(r rune) bool { return r == '\r' || r == '\n' || r == ' ' }), " ")
				if got := t.console.principals[daemonAppID]; got != name {
					b.Errorf("it is called %q, not %q", got, name)
				}
			})
		})
	}
}

func TestAScriptIsSentToThePortalInEachWay(t *testing.T) {
	b := newBench(t, "default")
	const script = "Connect-ExchangeOnline\n(Get-Mailbox -Identity 'svc@contoso.com').PrimarySmtpAddress + \"=&+%41\"\nRead-Host Who"
	plain := func(body, kind string, header ...string) view {
		r, err := http.NewRequest(http.MethodPost, b.PortalURL+"/powershell?answer=me", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return b.do(b.browser(), r)
	}
	const want = "svc@contoso.com=&+%41\nWho: me\nme\n"
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", ""} { // the first is curl's
		if v := plain(script, kind); v.status != 200 || v.body != want || v.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("as %q: %d %q", kind, v.status, v.body)
		}
	}
	if v := b.post(b.browser(), b.PortalURL+"/powershell", map[string][]string{"script": {script}, "answer": {"me"}}, nil); v.status != 200 || v.body != want {
		t.Errorf("as a form: %d %q", v.status, v.body)
	}
	multipart := "--x\r\nContent-Disposition: form-data; name=\"script\"\r\n\r\n" + script + "\r\n--x--\r\n"
	if v := plain(multipart, "multipart/form-data; boundary=x"); v.status != 200 || v.body != want {
		t.Errorf("as a form of parts: %d %q", v.status, v.body)
	}
	if v := plain("Get-Nope", "text/plain"); v.status != 422 || !strings.Contains(v.body, "'Get-Nope' is not recognized") {
		t.Errorf("%d %s", v.status, v.body)
	}
	if v := plain("'a", "text/plain"); v.status != 422 || !strings.HasPrefix(v.body, "ParserError: line 1: ") {
		t.Errorf("%d %s", v.status, v.body)
	}
	for body, status := range map[string]int{"": 400, " \n": 400, strings.Repeat("#", maxScript+1): 413, "script=": 400} {
		if v := plain(body, "application/x-www-form-urlencoded"); v.status != status || !strings.Contains(v.body, `"error"`) {
			t.Errorf("%.20q: %d %s", body, v.status, v.body)
		}
	}
	if v := plain("x", "multipart/form-data"); v.status != 400 {
		t.Errorf("%d %s", v.status, v.body)
	}
	if v := plain(script, "text/plain", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site"); v.status != 403 {
		t.Errorf("from another site: %d", v.status)
	}
	page := b.get(b.browser(), b.PortalURL+"/powershell")
	if page.status != 200 || !strings.Contains(page.body, "<textarea") || !strings.Contains(page.body, "curl --cacert CA.pem --data-binary @- "+b.PortalURL+"/powershell") {
		t.Errorf("%d %s", page.status, page.body)
	}
	v := plain("'<b>'\nGet-Nope '</textarea>'", "text/plain", "Accept", "text/html")
	if v.status != 422 || !strings.Contains(v.body, "&lt;b&gt;") || strings.Contains(v.body, "'</textarea>'") || v.screen.alert == "" {
		t.Errorf("%d %s", v.status, v.body)
	}
	for _, scenario := range []string{"outlook.com", "google"} {
		other := newBench(t, scenario)
		if v := other.get(other.browser(), other.Authority+"/portal/powershell"); v.status != 404 {
			t.Errorf("%s: %d", scenario, v.status)
		}
	}
}

func FuzzPowerShell(f *testing.F) {
	for _, a := range guides(f) {
		for _, o := range []admin.Options{{}, {RBAC: true}} {
			if steps, err := admin.Steps(a, o); err == nil {
				f.Add(admin.Script(a, steps))
				f.Add(admin.VerifyGraphScript(a, steps))
			}
		}
	}
	for _, s := range []string{"", "'a", "\"$(", "@{a=", "@(1,2", "$x++ | Where-Object { $_", "[char]", "<#", "for(;;){}", "if(1){}else", "a -b:c,d", "`\n", "$x='a'+[char]0xD83D;$x.Length"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		tenant := newTenant(GlobalCloud, newClock().now())
		s := newPSSession(tenant)
		s.answers = []string{daemonEnterpriseID}
		output, ok := s.run(script)
		if !utf8.ValidString(output) {
			t.Errorf("the output is no text: %q", output)
		}
		if _, err := parsePowerShell(script); err != nil && (ok || !strings.Contains(output, "ParserError: line ")) {
			t.Errorf("%v, but %v %q", err, ok, output)
		}
		if s.steps > psMaxSteps+psMaxOutput {
			t.Errorf("it took %d steps", s.steps)
		}
	})
}
