package refusals

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRefusalsThatAnAdministratorTriedAreExplained has refusals, and what looks
// like one, as they were pasted by somebody who did not write the catalogue.
func TestRefusalsThatAnAdministratorTriedAreExplained(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"535 5.7.139 Authentifizierung fehlgeschlagen, SmtpClientAuthentication ist für den Mandanten deaktiviert. Weitere Informationen finden Sie unter https://aka.ms/smtp_auth_disabled.", "smtp-auth-off-tenant"},
		{"535 5.7.139 Échec de l'authentification, SmtpClientAuthentication est désactivé pour le locataire.", "smtp-auth-off-tenant"},
		{"535 5.7.139 SmtpClientAuthentication ist für den Tenant deaktiviert.", "smtp-auth-off-tenant"},
		{"535 5.7.139 SmtpClientAuthentication ist für das Postfach deaktiviert.", "smtp-auth-off-mailbox"},
		{"535 5.7.139 L'authentification a échoué, SmtpClientAuthentication est désactivé pour la boîte aux lettres.", "smtp-auth-off-mailbox"},
		{"535 5.7.139 Error de autenticación, SmtpClientAuthentication está deshabilitado para el buzón.", "smtp-auth-off-mailbox"},
		{"535 5.7.139 Uwierzytelnianie nie powiodło się, SmtpClientAuthentication jest wyłączone.", "ambiguous smtp-auth-off-tenant smtp-auth-off-mailbox"},
		{"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Ask the Tenant's administrator.", "smtp-auth-off-mailbox"},
		{"571 5.9.9 Flux capacitor not aligned", "unknown"},
		{"554 5.2.0 STOREDRV.Submission.Exception:FluxCapacitorException.MapiExceptionFlux; Failed to process", "unknown"},
		{"554 5.2.0 STOREDRV.Submission.Exc", "ambiguous send-as-denied mailbox-full"},
		{"Greylisting is off", "none"},
		{"Greylisting has been disabled for this domain", "none"},
		{"we timed out the old session", "none"},
		{"Connection refused is what you see when nothing listens.", "none"},
		{"451 4.7.1 Greylisting in action, please come back later", "greylisted"},
		{"send-email: error: timed out", "ambiguous connection-timed-out reply-timed-out"},
		{"2026-01-09T16:12:30.678901+01:00 mail01 backup: 535 5.7.3 Authentication unsuccess\n2026-01-09T16:12:30.678912+01:00 mail01 backup: ful [PN4P287CA0064.INDP287.PROD.OUTLOOK.COM]", "identity-refused"},
		{"<22>Jan  9 16:12:30 mail01 backup: 535 5.7.3 Authentication unsuccess\n<22>Jan  9 16:12:30 mail01 backup: ful [PN4P287CA0064.INDP287.PROD.OUTLOOK.COM]", "identity-refused"},
		{"AADSTS530032: User blocked due to risk on home tenant. Trace ID: 3f", "sign-in-risk"},
		{"AADSTS53003: Access has been blocked by Conditional Access policies.", "conditional-access"},
		{`[mail] level=error msg="send failed" err="554 5.2.252 SendAsDenied; a@contoso.com not allowed to send as b@contoso.com"`, "send-as-denied"},
		{"SCANNER E-MAIL ERROR  CODE: 535  5.7.139 AUTHENTICATION UNSUCCESSFUL, BASIC AUTHENTICATION IS DISABLED.", "basic-auth-disabled"},
		{"php_network_getaddresses: getaddrinfo for smtp.office365.com failed: Temporary failure in name resolution", "dns-failed"},
		{"Msg 14661: The mail could not be sent to the recipients because of the mail server failure. (Exception Message: Could not connect to mail server. (No connection could be made because the target machine actively refused it 127.0.0.1:2525). )", "connection-refused"},
		{"tls: server selected unsupported protocol version 301", "tls-version"},
		{"x509: certificate is valid for *.outlook.com, not relay.contoso.local", "certificate-wrong-name"},
		{"WARN sender: giving up: 556 5.99.1 The carrier pigeon refuses", "unknown"},
		{"Everything 550 fine at 5.7.1 pm", "none"},
		{"homeassistant.components.smtp: Unable to connect: [Errno -3] Try again", "dns-failed"},
		{"homeassistant.components.smtp: Unable to connect: the moon is in the way", "unknown"},
		{"Status: FAILED (SMTP 5.9.8: destination black hole rejected)", "unknown"},
		{"ORA-29279: SMTP permanent error: 535 5.7.3 Authentication unsuccessful [AM6P193CA0105.EURP193.PROD.OUTLOOK.COM] ORA-06512: at \"SYS.UTL_SMTP\", line 57", "identity-refused"},
		{"lettre::transport::smtp::Error { kind: Permanent(Code { severity: PermanentNegativeCompletion, category: Unspecified3, detail: Five }), source: \"5.7.139 Authentication unsuccessful, basic authentication is disabled. [FR2P281CA0180]\" }", "basic-auth-disabled"},
		{`** (MatchError) {:error, :retries_exceeded, {:permanent_failure, ~c"52.97.0.1", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.\r\n"}}`, "smtp-auth-off-tenant"},
		{`{"time":"2026-01-09","properties":{"status":{"errorCode":53003,"failureReason":"Access has been blocked by Conditional Access policies."}}}`, "conditional-access"},
		{`oauth2: "invalid_grant" "AADSTS70000: Provided grant is invalid or malformed. Trace ID: 1" "https://login.microsoftonline.com/error?code=70000"`, "invalid-grant"},
		{"Power Automate: Action 'Send_an_email_(V2)' failed: Access to OData is disabled. clientRequestId: 1", "graph-access-policy"},
		{"Konica bizhub: Server authentication error (535)", "ambiguous password-refused identity-refused"},
		{"smtp 5.9.8 is installed, and dsn 4.0.1", "none"},
		{"Sent 535 mails, 571 pending, 0 failed, version 5.7.139 build 3", "none"},
		{"Das Postfach ist eingerichtet, SMTP-Authentifizierung eingeschaltet.", "none"},
	} {
		if a := Explain(c.text); !agrees(a, c.want) {
			t.Errorf("%q\n is %s\n want %s", c.text, told(a), c.want)
		}
	}
}

func TestAnUnknownRefusalIsRepeatedToTheLetter(t *testing.T) {
	for _, text := range []string{
		"ErrorMailboxMoveInProgress: Mailbox move in progress. Try again later.",
		"554 5.2.0 STOREDRV.Submission.Exception:FluxCapacitorMisalignedException.MapiExceptionFluxCapacitorMisaligned; Failed to process",
		"Contoso.Mail.TransportQuantumTunnelCollapsedException: no way through",
		"571 5.9.9 Flux capacitor not aligned",
		"550 5.6.999 RESOLVER.ADR.UnheardOfRecipientCondition; see ERR_QUANTUM_TUNNEL_COLLAPSED",
	} {
		if a := Explain(text); a.Verdict != Unknown || a.Extract != text {
			t.Errorf("%q\n is %s: %q", text, a.Verdict, a.Extract)
		}
	}
}

func TestWhatIsNoNameStaysOutOfAnExtract(t *testing.T) {
	for _, secret := range []string{
		"qWvXkRzTpLmNbGhJdFsQ", "aBcDeFgHiJkLmNoPqRsTuVwX", "AbcXdeQfgWhjKlmZnpRqrTst", "k8Q~defGHIjklMNOpqrSTUvwx", "QxZkWvBnMtRpLdGhJsFc",
	} {
		if a := Explain("571 5.9.9 Flux capacitor " + secret + " not aligned"); a.Verdict != Unknown || strings.Contains(a.Extract, secret) {
			t.Errorf("%s: %s", a.Verdict, a.Extract)
		}
	}
}

func TestTheNearestOfAnUnknownRefusalAreOfItsKind(t *testing.T) {
	for text, want := range map[string][]string{
		"AADSTS7000999: Something new about your secret.": {"secret-expired", "secret-missing", "secret-wrong"},
		"AADSTS50999: Something new.":                     nil,
		"AADSTS99999: Something new.":                     nil,
		"550 5.7.999 Nobody knows this":                   nil,
		"571 5.9.9 Message size exceeds everything":       nil,
		"AADSTS50071: Something new.":                     {"mfa-registration-required", "mfa-required"},
	} {
		a := Explain(text)
		var near []string
		for _, r := range a.Near {
			near = append(near, r.ID)
		}
		slices.Sort(near)
		if a.Verdict != Unknown || !slices.Equal(near, want) {
			t.Errorf("%q is %s near %v, want %v", text, a.Verdict, near, want)
		}
	}
}

func TestAPermissionIsNamedOnlyAsTheRefusalDoes(t *testing.T) {
	r := entry(t, "permission-not-registered")
	for _, fix := range []string{r.FixAdmin, r.Application.FixAdmin} {
		if !strings.Contains(fix, "the refusal names") || !strings.Contains(fix, "Mail.Send") || !strings.Contains(fix, "SMTP.Send") {
			t.Error(fix)
		}
	}
	for _, name := range []string{"offline_access", "User.Read", "Mail.Send.Shared"} {
		if !strings.Contains(r.FixAdmin, name) {
			t.Error(name, "is missing")
		}
	}
}

// Both ways of an application have a permission of their own.
func TestAnApplicationsMissingPermissionIsThatOfItsTransport(t *testing.T) {
	smtp, graph := entry(t, "app-permission-missing"), entry(t, "graph-app-permission-missing")
	if all := smtp.Cause + smtp.FixAdmin + smtp.FixUser; !strings.Contains(all, "SMTP.SendAsApp") || strings.Contains(all, "Mail.Send") {
		t.Error(all)
	}
	if all := graph.Cause + graph.FixAdmin + graph.FixUser; !strings.Contains(all, "Microsoft Graph → Application permissions → Mail.Send") || strings.Contains(all, "SMTP") {
		t.Error(all)
	}
}

func TestSendAsIsGivenAtOnePlace(t *testing.T) {
	const path, page = "Exchange admin center → Recipients → Mailboxes → {sender} → Delegation → Send as", "https://admin.exchange.microsoft.com/#/mailboxes"
	for _, id := range []string{"send-as-denied", "send-as-missing", "send-on-behalf-missing"} {
		r := entry(t, id)
		if id == "send-on-behalf-missing" {
			r.FixAdmin = strings.ReplaceAll(r.FixAdmin, "Delegation → Send on behalf", "Delegation → Send as")
		}
		if r.Link != page || !strings.Contains(r.FixAdmin, path) || !strings.Contains(r.FixAdmin, "traymail admin {account} --grant") {
			t.Errorf("%s: %s %s", id, r.FixAdmin, r.Link)
		}
	}
}

func TestAnOldTLSIsOfEitherSide(t *testing.T) {
	r := entry(t, "tls-version")
	for _, word := range []string{"{server}", "proxy", "firewall", "tool"} {
		if !strings.Contains(r.FixUser, word) {
			t.Errorf("%q is missing: %s", word, r.FixUser)
		}
	}
	if r.Link != "" {
		t.Error(r.Link)
	}
}

// onlyOn is a command that one system alone has.
var onlyOn = regexp.MustCompile(`Test-NetConnection|Resolve-DnsName|w32tm`)

func TestACommandOfOneSystemHasAFormForOthers(t *testing.T) {
	for _, e := range All() {
		if all := e.Command + e.FixUser + e.FixAdmin; onlyOn.MatchString(all) && !strings.Contains(all, "nc -vz") && !strings.Contains(all, "nslookup") && !strings.Contains(all, "timedatectl") {
			t.Errorf("%s: %s", e.ID, all)
		}
	}
}
