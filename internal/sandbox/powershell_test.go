package sandbox

import (
	"strings"
	"testing"
)

// window is a window of PowerShell on the default tenant, connected to Exchange.
func window(t *testing.T) *psSession {
	t.Helper()
	s := newPSSession(newTenant(GlobalCloud, newClock().now()))
	if output, ok := s.run("Connect-ExchangeOnline -ShowBanner:$false"); !ok || output != "" {
		t.Fatal(output)
	}
	return s
}

func TestTheConsoleComputesAsPowerShellDoes(t *testing.T) {
	for script, want := range map[string]string{
		"'a' # comment":            "a",
		"<# a\n'b' #> 'c'":         "c",
		"'it''s'":                  "it's",
		"\u2018a\u2019":            "a",
		"'a\u2019\u2019b'":         "a\u2019b",
		`"a""b"`:                   `a"b`,
		"\u201ca\u201d":            "a",
		"$x = 'b'; \"a $x c\"":     "a b c",
		"\"a $(1 + 2) c\"":         "a 3 c",
		"\"`$x `\"q`\" ``\"":       "$x \"q\" `",
		"'$(1) $x `n'":             "$(1) $x `n",
		"'a' + [char]0x00E9 + 'b'": "a\u00e9b",
		"('' + [char]0xD83D + [char]0xDE00 + '!')": "\U0001f600!",
		"'' + [char]0xD83D":                        "\ufffd",
		"1 + 2":                                    "3",
		"1 - -2":                                   "3",
		"'1' + 2":                                  "12",
		"1 + '2'":                                  "3",
		"0x20 + 1kb":                               "1056",
		"'a' `\n + 'b'":                            "ab",
		"'a' +\n'b'":                               "ab",
		"$true; $false; $null; 'x'":                "True\nFalse\nx",
		"-not ''":                                  "True",
		"!$true":                                   "False",
		"'A' -eq 'a'":                              "True",
		"$null -ne $false":                         "True",
		"$false -ne $null":                         "True",
		"0 -eq $null":                              "False",
		"'' -eq $null":                             "False",
		"1 -eq '1'":                                "True",
		"'1' -eq 1":                                "True",
		"2 -gt 1 -and 'b' -ge 'a'":                 "True",
		"$true -or $nope.Trim()":                   "True",
		"'ab' -like 'A*'":                          "True",
		"'a/b' -like 'a*b'":                        "True",
		"'ab' -notlike 'A*'":                       "False",
		"'xab' -match 'AB$'":                       "True",
		"'a','b' -contains 'B'":                    "True",
		"@() -contains $null":                      "False",
		"@($null) -contains $null":                 "True",
		"'b' -in 'a','b'":                          "True",
		"('a','b','ab' -match 'a').Count":          "2",
		"@('a').Count; @().Count":                  "1\n0",
		"$x = @('a'); $x.Count":                    "1",
		"$x = 'a','b'; $x[1]; $x[-2]; $x[5]":       "b\na",
		"(@{Add='x'; Remove='y'}).Add":             "x",
		"'abc'.Length":                             "3",
		"' a '.Trim() + '|'":                       "a|",
		"'a-b-a'.Replace('a', '''')":               "'-b-'",
		"$nothing.Anything.At.All":                 "",
		"if ($null) { 'a' } elseif ('x') { 'b' } else { 'c' }":         "b",
		"if (@()) { 'a' }\nelse { 'b' }":                               "b",
		"foreach ($i in 1,2,3) { if ($i -eq 2) { continue }; $i }":     "1\n3",
		"for ($i = 1; $i -le 5; $i++) { if ($i -eq 3) { break }; $i }": "1\n2",
		"foreach ($i in $null) { 'never' }":                            "",
		"try { throw 'a' } catch { $_.Exception.Message }":             "a",
		"try { Get-Nope } catch { 'caught' }":                          "caught",
		"try { try { throw 'a' } catch { throw } } catch { 'b' + $_ }": "ba",
		"$null = 'a'; 'b'": "b",
		"1,2,3 | Where-Object { $_ -gt 1 } | ForEach-Object { $_ + 1 }": "3\n4",
		"(1,2,3 | Measure-Object).Count":                                "3",
		"1,2,3 | Select-Object -First 2":                                "1\n2",
		"'a','A','a' | Select-Object -Unique":                           "a\nA",
		"'b','C','a' | Sort-Object":                                     "a\nb\nC",
		"1,10,2 | Sort-Object -Descending":                              "10\n2\n1",
		"return 'a'\n'b'":                                               "a",
		"1 | Out-Null; 2":                                               "2",
		"Write-Host a; Write-Output b":                                  "a\nb",
		"Write-Warning 'a'":                                             "WARNING: a",
		"Start-Sleep -Seconds 100000":                                   "",
		"1\u2013eq 1":                                                   "True",
	} {
		got, ok := newPSSession(newTenant(GlobalCloud, newClock().now())).run(script)
		if got = strings.TrimSuffix(got, "\n"); got != want || !ok {
			t.Errorf("%q prints %q (%v), want %q", script, got, ok, want)
		}
	}
}

func TestWhatIsOutsideTheSubsetIsRefusedByLineBeforeAnythingRuns(t *testing.T) {
	for script, want := range map[string]string{
		"'a'\nwhile ($true) { }":          "line 2: the statement while is PowerShell that the sandbox's console does not know",
		"function f { }":                  "line 1: the statement function",
		"switch (1) { }":                  "line 1: the statement switch",
		"\n& { 1 }":                       "line 2: the call operator &",
		"Get-Mailbox > x.txt":             "line 1: '>' in an argument without quotes",
		"'a' > x.txt":                     "line 1: the operator >",
		"Get-Mailbox @args":               "line 1: splatting",
		"@'\na\n'@":                       "line 1: a here-string",
		"[int]'1'":                        "line 1: the type [int]",
		"[System.IO.File]::Delete('x')":   "line 1: the type [System.IO.File]",
		"$env:PATH":                       "line 1: $env:",
		"$x.y = 1":                        "line 1: an assignment to anything but a variable",
		"1 * 2":                           "line 1: the operator *",
		"'a' -replace 'b'":                "line 1: the operator -replace",
		"'a' -f 1":                        "line 1: the operator -f",
		"1.5":                             "line 1: the number 1.5",
		"$Matches":                        "line 1: $matches",
		"'a":                              "line 1: The string is missing the terminator: '.",
		"\"a":                             "line 1: The string is missing the terminator: \".",
		"if ($true) {\n'a'":               "line 2: Missing closing '}' in statement block.",
		"(1":                              "line 1: Missing closing ')'.",
		"'a' 'b'":                         "line 1: Unexpected token ''b'' in expression or statement.",
		"Get-Mailbox 'a'b":                "line 1: Unexpected token 'b'",
		"Get-Mailbox a | 'b'":             "line 1: Expressions are only allowed as the first element of a pipeline.",
		"Get-Mailbox a\n| Format-List":    "line 2: Unexpected token '|'",
		"@{a=1;A=2}":                      "line 1: Duplicate keys 'A' are not allowed in hash literals.",
		"'a'\x00":                         "line 1: The script has a NUL character.",
		strings.Repeat("(", 1000) + "1":   "nested more than 64 deep",
		"try { 1 }":                       "try without catch",
		"Remove-Mailbox a && Get-Mailbox": "'&' in an argument without quotes",
	} {
		s := window(t)
		got, ok := s.run("Set-TransportConfig -SmtpClientAuthenticationDisabled $true;" + script)
		if ok || !strings.Contains(got, want) {
			t.Errorf("%q: %v %q, want %q", script, ok, got, want)
		}
		if s.t.SMTPAuthDisabled {
			t.Errorf("%q ran in part", script)
		}
	}
}

func TestErrorsAreInPowerShellsWordsAndReachAsFarAsItsErrorsDo(t *testing.T) {
	const (
		unknown  = "is not recognized as a name of a cmdlet, function, script file, or executable program."
		notFound = "couldn't be performed because object 'nobody' couldn't be found"
	)
	for _, tt := range []struct {
		script string
		want   []string // in this order
		never  string
		ok     bool
	}{
		{"Get-Nope\n'after'", []string{"The term 'Get-Nope' " + unknown, "At line:1", "after"}, "", false},
		{"$ErrorActionPreference = 'Stop'\nGet-Nope\n'after'", []string{"The term 'Get-Nope' " + unknown, "At line:2"}, "after", false},
		{"Get-Mailbox nobody\n'after'", []string{"Get-Mailbox: Ex6F9304|", notFound, "after"}, "", true},
		{"Get-Mailbox nobody -ErrorAction Stop\n'after'", []string{notFound}, "after", false},
		{"Get-Mailbox nobody -EA SilentlyContinue\n'after'", []string{"after"}, "nobody", true},
		{"$ErrorActionPreference = 'Stop'\nif (-not (Get-Mailbox nobody -ErrorAction SilentlyContinue)) { 'none' }", []string{"none"}, "nobody", true},
		{"try { Get-Mailbox nobody } catch { 'caught' }\n'after'", []string{notFound, "after"}, "caught", true},
		{"try { Get-Mailbox nobody -ErrorAction Stop } catch { 'caught' }\n'after'", []string{"caught\nafter"}, notFound, true},
		{"throw 'no'\n'after'", []string{"no\nAt line:1"}, "after", false},
		{"if ($true) { Get-Nope; 'inside' }", []string{"Get-Nope", "inside"}, "", false},
		{"Set-TransportConfig -SmtpClientAuthenticationDisabled $true\nthrow 'x'", []string{"x"}, "", false},
		{"Get-Mailbox -Nope 1", []string{"A parameter cannot be found that matches parameter name 'Nope'.", "-Identity"}, "", false},
		{"Get-Mailbox -Identity", []string{"Missing an argument for parameter 'Identity'. Specify a parameter of type 'System.String' and try again."}, "", false},
		{"Get-Mailbox a b", []string{"A positional parameter cannot be found that accepts argument 'b'."}, "", false},
		{"Get-Mailbox -Identity a -Identity b", []string{"Cannot bind parameter because parameter 'Identity' is specified more than once."}, "", false},
		{"Set-CASMailbox -Identity $nothing -SmtpClientAuthenticationDisabled $false", []string{"Cannot bind argument to parameter 'Identity' because it is null."}, "", false},
		{"Set-CASMailbox -Identity '' -SmtpClientAuthenticationDisabled $false", []string{"Cannot bind argument to parameter 'Identity' because it is an empty string."}, "", false},
		{"Set-CASMailbox svc@contoso.com -SmtpClientAuthenticationDisabled no", []string{"Cannot process argument transformation on parameter 'SmtpClientAuthenticationDisabled'."}, "", false},
		{"Add-MailboxPermission svc@contoso.com", []string{"Cannot process command because of one or more missing mandatory parameters: User AccessRights."}, "", false},
		{"Set-Mailbox svc@contoso.com -MessageCopyForSe $true", []string{"the parameter name 'MessageCopyForSe' is ambiguous. Possible matches include: -MessageCopyForSentAsEnabled -MessageCopyForSendOnBehalfEnabled."}, "", false},
		{"Add-RecipientPermission svc@contoso.com -Trustee ops@contoso.com -AccessRights SendAs", []string{"Are you sure you want to perform this action?", "add -Confirm:$false"}, "Allow", false},
		{"Remove-ServicePrincipal " + daemonAppID, []string{"add -Confirm:$false"}, "", false},
		{"'a' | Get-Mailbox", []string{"The input object cannot be bound to any parameters for the command"}, "", false},
		{"$x.Trim()", []string{"You cannot call a method on a null-valued expression."}, "", false},
		{"Read-Host -Prompt 'Which'", []string{"PowerShell is in NonInteractive mode.", "It asks: Which."}, "", false},
		{"for ($i = 1; $true; $i++) { }", []string{"which did not end by itself"}, "", false},
		{"$x = 'abcdefgh'; for ($i = 1; $true; $i++) { $x = $x + $x }", []string{"which did not end by itself"}, "", false},
		{"$x = 1,2; for ($i = 1; $true; $i++) { $x = @($x; $x) }", []string{"which did not end by itself"}, "", false},
		{"$x = @(1); $x, $x", []string{"no arrays in arrays"}, "", false},
		{"New-ServicePrincipal -AppId " + daemonAppID + " -ObjectId " + daemonEnterpriseID, []string{"already exists"}, "", true},
		{"New-ServicePrincipal -AppId x -ObjectId " + daemonEnterpriseID, []string{"Cannot convert value \"x\" to type \"System.Guid\"."}, "", false},
		{"Set-Mailbox svc@contoso.com -MaxSendSize 151MB", []string{"exceeds the maximum"}, "", true},
		{"Set-Mailbox svc@contoso.com -RecipientLimits 1001", []string{"from 1 to 1000"}, "", true},
		{"Set-Mailbox svc@contoso.com -GrantSendOnBehalfTo @{Nope='ops@contoso.com'}", []string{"Add and Remove, not 'Nope'"}, "", false},
		{"Set-Mailbox svc@contoso.com -GrantSendOnBehalfTo " + daemonAppID, []string{"couldn't be found"}, "", true},
		{"Get-MgServicePrincipal", []string{"Authentication needed. Please call Connect-MgGraph."}, "", false},
		{"Connect-MgGraph -Scopes 'User.Read'", []string{"open a new window"}, "", false},
	} {
		got, ok := window(t).run(tt.script)
		rest := got
		for _, w := range tt.want {
			_, after, found := strings.Cut(rest, w)
			if !found {
				t.Errorf("%q prints %q without %q", tt.script, got, w)
			}
			rest = after
		}
		if ok != tt.ok || tt.never != "" && strings.Contains(got, tt.never) {
			t.Errorf("%q: %v, %q", tt.script, ok, got)
		}
	}
}

func TestWhatAScriptDidBeforeItsErrorStaysDone(t *testing.T) {
	s := window(t)
	if _, ok := s.run("Set-TransportConfig -SmtpClientAuthenticationDisabled $true\nthrow 'x'"); ok || !s.t.SMTPAuthDisabled {
		t.Error(ok, s.t.SMTPAuthDisabled)
	}
}

func TestCommandsAreThereOnlyAfterTheirConnection(t *testing.T) {
	s := newPSSession(newTenant(GlobalCloud, newClock().now()))
	for _, step := range []struct {
		script, want string
		ok           bool
	}{
		{"Get-Mailbox svc@contoso.com", "The term 'Get-Mailbox' is not recognized", false},
		{"Get-Module -Name ExchangeOnlineManagement", "", true},
		{"Connect-ExchangeOnline -Organization fabrikam.onmicrosoft.com", "is not the sandbox's tenant", false},
		{"Connect-ExchangeOnline -ExchangeEnvironmentName O365China", "is in the cloud O365Default", false},
		{"Connect-ExchangeOnline -ExchangeEnvironmentName Nope", "Cannot convert value \"Nope\"", false},
		{"Connect-ExchangeOnline -Organization contoso.onmicrosoft.com", "", true},
		{"Get-Mailbox svc@contoso.com", "svc@contoso.com", true},
		{"Get-Module -Name ExchangeOnlineManagement", "ExchangeOnlineManagement", true},
		{"Disconnect-ExchangeOnline -Confirm:$false; Get-Mailbox svc@contoso.com", "is not recognized", false},
	} {
		if got, ok := s.run(step.script); ok != step.ok || !strings.Contains(got, step.want) || step.want == "" && got != "" {
			t.Errorf("%q: %v %q", step.script, ok, got)
		}
	}
	s = newPSSession(s.t)
	for _, step := range []struct {
		script, want string
		ok           bool
	}{
		{"Connect-MgGraph -TenantId fabrikam.com", "Tenant 'fabrikam.com' not found", false},
		{"Connect-MgGraph -Environment China", "is in the cloud Global", false},
		{"Connect-MgGraph -NoWelcome -Scopes User.Read.All", "", true},
		{"Get-MgServicePrincipal", "Insufficient privileges", true},
		{"Connect-MgGraph -Scopes 'Application.Read.All' -TenantId " + contosoID, "Welcome", true},
		{"(Get-MgContext).Scopes -contains 'Application.Read.All'", "True", true},
		{"(Get-MgServicePrincipal -Filter \"appId eq '" + daemonAppID + "'\").Id", daemonEnterpriseID, true},
		{"Get-MgServicePrincipal -Filter \"appId ne 'x'\"", "Invalid filter clause", true},
		{"Get-MgServicePrincipal -Filter \"secret eq 'x'\"", "for property 'secret'", true},
		{"Connect-ExchangeOnline", "open a new window", false},
		{"Disconnect-MgGraph; Get-MgServicePrincipal", "Authentication needed", false},
	} {
		if got, ok := s.run(step.script); ok != step.ok || !strings.Contains(got, step.want) || step.want == "" && got != "" {
			t.Errorf("%q: %v %q", step.script, ok, got)
		}
	}
}

func TestAModuleIsInstalledWhereItIsMissing(t *testing.T) {
	tenant := newTenant(GlobalCloud, newClock().now())
	tenant.console.uninstalled = []string{psExchangeModule, psApplications}
	s := newPSSession(tenant)
	if got, ok := s.run("Connect-ExchangeOnline"); ok || !strings.Contains(got, "Install-Module -Name ExchangeOnlineManagement") {
		t.Error(got)
	}
	const script = `if (-not (Get-Module -ListAvailable -Name ExchangeOnlineManagement)) {
    Install-Module -Name ExchangeOnlineManagement -Scope CurrentUser
}
Connect-ExchangeOnline
Install-Module Nope
Install-Module Microsoft.Graph.Applications -Scope Nobody`
	got, ok := s.run(script)
	if ok || !strings.Contains(got, "module name 'Nope'") || !strings.Contains(got, "\"CurrentUser,AllUsers\"") || !s.exchange {
		t.Error(ok, got)
	}
	s = newPSSession(tenant)
	if got, ok := s.run("Import-Module Microsoft.Graph.Applications"); !ok || !strings.Contains(got, "was not loaded") {
		t.Error(got)
	}
	if got, ok := s.run("Install-Module Microsoft.Graph\nImport-Module Microsoft.Graph.Applications\n(Get-Module).Name"); !ok || got != "Microsoft.Graph.Applications\n" {
		t.Error(got)
	}
}
