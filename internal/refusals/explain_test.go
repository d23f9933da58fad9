package refusals

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"mime/quotedprintable"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// suffix is what Exchange puts after its refusals.
const suffix = " [PN4P287CA0064.INDP287.PROD.OUTLOOK.COM 2026-01-09T16:12:30.678Z 08DE4F6D4916B5B3]"

// said are refusals as Exchange, Entra and Google give them.
var said = []struct{ text, id string }{
	{"535 5.7.3 Authentication unsuccessful" + suffix, "identity-refused"},
	{"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information." + suffix, "smtp-auth-off-tenant"},
	{"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information." + suffix, "smtp-auth-off-mailbox"},
	{"535 5.7.139 Authentication unsuccessful, basic authentication is disabled." + suffix, "basic-auth-disabled"},
	{"535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator." + suffix, "security-defaults"},
	{"535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator." + suffix, "policy-refused"},
	{"535 5.7.139 Authentication unsuccessful, the user credentials were incorrect." + suffix, "password-refused"},
	{"535 5.7.139 Authentication unsuccessful, account has an issue. Contact your administrator." + suffix, "account-has-an-issue"},
	{"535 5.7.139 Authentication unsuccessful, federated STS service was unreachable." + suffix, "federation-unreachable"},
	{"535 5.7.139 Authentication unsuccessful, the federated STS URL does not support HTTPS." + suffix, "federation-without-https"},
	{"432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname=DBBPR03MB5414.eurprd03.prod.outlook.com]", "too-many-connections"},
	{"554 5.2.252 SendAsDenied; svc@contoso.com not allowed to send as info@contoso.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message. 0.35250:0A00AC8C", "send-as-denied"},
	{"554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", "mailbox-full"},
	{"554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException", "recipient-quota"},
	{"550 5.1.8 Access denied, bad outbound sender", "sender-blocked"},
	{"550 5.7.30 Basic authentication is not supported for Client Submission.", "basic-auth-disabled"},
	{"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '11111111-2222-3333-4444-555555555555'.", "secret-wrong"},
	{"AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000002-0000-0ff1-ce00-000000000000'.", "mfa-required"},
	{"534-5.7.9 Application-specific password required. For more information, go to\n534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor", "google-app-password"},
}

func asJSON(text string) string {
	b, _ := json.Marshal(map[string]string{"response": text})
	return string(b)
}

// eachLine puts something before each line.
func eachLine(prefix string) func(string) string {
	return func(text string) string { return prefix + strings.ReplaceAll(text, "\n", "\n"+prefix) }
}

func wrapAt(width int, text string) string {
	var b strings.Builder
	for i, r := range []rune(text) {
		if i > 0 && i%width == 0 {
			b.WriteByte('\n')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// forms are how programs write what a server said.
var forms = []struct {
	name string
	in   func(string) string
}{
	{"as it came", func(s string) string { return s }},
	{"with Windows' line ends", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") + "\r\n" }},
	{"wrapped within words at 20", func(s string) string { return wrapAt(20, s) }},
	{"wrapped within words at 33", func(s string) string { return wrapAt(33, s) }},
	{"wrapped and quoted", func(s string) string { return eachLine("> > ")(wrapAt(40, s)) }},
	{"in a table", func(s string) string {
		return "| error |\n|-------|\n| " + strings.ReplaceAll(s, "\n", " |\n| ") + " |"
	}},
	{"in journald", eachLine("Jan 09 16:12:30 mail01 app[4711]: ")},
	{"in a container's log", eachLine("2026-01-09T16:12:30.678901234Z stderr F ")},
	{"in docker compose", eachLine("mailer-1  | ")},
	{"in log4j", eachLine("2026-01-09 16:12:30,678 [pool-1-thread-2] ERROR c.c.Mailer - ")},
	{"in JavaMail's debug output", eachLine("DEBUG SMTP: ")},
	{"in swaks", eachLine("<~* ")},
	{"in nodemailer's debug output", eachLine("[2026-01-09 16:12:30] DEBUG [lHr1v5x3A] S: ")},
	{"in PHPMailer's debug output", eachLine("2026-01-09 16:12:30\tSERVER -> CLIENT: ")},
	{"in JSON", asJSON},
	{"in JSON within JSON", func(s string) string { return asJSON(asJSON(s)) }},
	{"in smtplib's exception", func(s string) string {
		code, rest, _ := strings.Cut(strings.ReplaceAll(s, "\n", `\n`), " ")
		return "Traceback (most recent call last):\n  File \"mail.py\", line 7, in <module>\nsmtplib.SMTPAuthenticationError: (" + code + `, b"` + rest + `")`
	}},
	{"in a .NET exception", func(s string) string {
		return "MailKit.Security.AuthenticationException: " + s + "\n   at MailKit.Net.Smtp.SmtpClient.AuthenticateAsync(Encoding encoding)\n   at Program.Main()"
	}},
	{"in a Java exception", func(s string) string {
		return "javax.mail.AuthenticationFailedException: " + s + "\n\n\tat com.sun.mail.smtp.SMTPTransport$Authenticator.authenticate(SMTPTransport.java:965)\n\tat javax.mail.Service.connect(Service.java:366)"
	}},
	{"in HTML", func(s string) string {
		return "<div class=\"err\"><b>Error:</b> " + strings.ReplaceAll(html.EscapeString(s), "\n", "<br/>") + "</div>"
	}},
	{"in XML", func(s string) string {
		return "<?xml version=\"1.0\"?><fault><faultstring>" + html.EscapeString(s) + "</faultstring></fault>"
	}},
	{"in an address", func(s string) string {
		return "https://localhost/cb?error=server_says&error_description=" + url.QueryEscape(s) + "&state=1"
	}},
	{"with %20", func(s string) string { return "error_description=" + url.PathEscape(s) }},
	{"in quoted-printable", func(s string) string {
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte("Diagnose = Grüße: " + s))
		w.Close()
		return b.String()
	}},
	{"with colours", func(s string) string { return "\x1b[31mERROR\x1b[0m \x1b[1m" + s + "\x1b[0m" }},
	{"with colours that were escaped", func(s string) string { return `\u001b[31mERROR\u001b[0m ` + s }},
	{"with blanks that do not break", func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }},
	{"in full width", func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '\u3000'
			case r > ' ' && r < 0x7f:
				return r + 0xfee0
			}
			return r
		}, s)
	}},
	{"in capitals", strings.ToUpper},
	{"in small letters", strings.ToLower},
	{"with curly quotes", func(s string) string { return strings.ReplaceAll(s, "'", "’") }},
	{"quoted by Go", strconv.Quote},
	{"as UTF-16 that was read as bytes", func(s string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}},
	{"after German words", func(s string) string {
		return "Fehler beim Senden der Nachricht. Der Server antwortete: " + s + "\nBitte wenden Sie sich an Ihren Administrator."
	}},
	{"after Japanese words", func(s string) string {
		return "メールの送信に失敗しました。サーバーの応答：" + s + "。管理者に連絡してください。"
	}},
	{"in Postfix's log", func(s string) string {
		return "Jan  9 16:12:30 mx postfix/smtp[4711]: 4F1A2B3C: to=<bob@example.com>, relay=smtp.office365.com[52.97.0.1]:587, delay=5.1, delays=0.1/0/5/0, dsn=5.0.0, status=bounced (host smtp.office365.com[52.97.0.1] said: " + strings.ReplaceAll(s, "\n", " ") + " (in reply to end of DATA command))"
	}},
	{"cut after its sentence", func(s string) string { return strings.TrimSuffix(s, suffix) + "…" }},
	{"in a SOAP fault that was escaped", func(s string) string {
		return html.EscapeString("<message>" + html.EscapeString(s) + "</message>")
	}},
}

func TestRefusalsAreFoundInEveryForm(t *testing.T) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			for _, s := range said {
				text := f.in(s.text)
				a := Explain(text)
				if a.Verdict != Known || a.Findings[0].Refusal.ID != s.id {
					t.Errorf("%q\n is %s\n want %s", text, short(a), s.id)
				}
			}
		})
	}
}

func TestTheCauseComesBeforeItsConsequences(t *testing.T) {
	for _, c := range []struct {
		name, text, id string
	}{
		{"a refusal quoted by the one after it", "530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [PN4P287CA0064.INDP287.PROD.OUTLOOK.COM]", "basic-auth-disabled"},
		{"the same in .NET's words", "System.Net.Mail.SmtpException: The SMTP server requires a secure connection or the client was not authenticated. The server response was: 5.7.57 Client not authenticated to send mail. Error: 535 5.7.3 Authentication unsuccessful", "identity-refused"},
		{"a Java trace with a cause", "javax.mail.MessagingException: Could not connect to SMTP host: smtp.office365.com, port: 587;\n  nested exception is:\n\tjava.net.ConnectException: Connection refused\n\tat com.sun.mail.smtp.SMTPTransport.openServer(SMTPTransport.java:2211)\nCaused by: java.net.ConnectException: Connection refused", "connection-refused"},
		{"a Java trace whose deepest cause counts", "org.springframework.mail.MailSendException: Mail server connection failed; nested exception is javax.mail.MessagingException: Connection reset\nCaused by: javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path to requested target", "certificate-unknown-authority"},
		{"a .NET trace with an inner exception", "System.Net.Mail.SmtpException: Failure sending mail.\n ---> System.Net.WebException: Unable to connect to the remote server\n ---> System.Net.Sockets.SocketException (10060): A connection attempt failed because the connected party did not properly respond after a period of time", "connection-timed-out"},
		{"a failure of TLS before one of the sign-in", "TLS: certificate verify failed: certificate has expired\nretrying without TLS\n535 5.7.3 Authentication unsuccessful", "certificate-expired"},
		{"a refusal before the connection is closed", "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.\nsmtplib.SMTPServerDisconnected: Connection unexpectedly closed", "password-refused"},
		{"a token that was refused before the server could", "AADSTS700082: The refresh token has expired due to inactivity.\nsmtp: 530 5.7.57 Client not authenticated to send mail.", "sign-in-expired"},
		{"IPv6 that is missing before IPv4 that is blocked", "connect to smtp.office365.com[2603:1026::1]:587: Network is unreachable\nconnect to smtp.office365.com[52.97.0.1]:587: Connection timed out", "connection-timed-out"},
		{"Entra's number rather than OAuth's code", `{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired due to it being revoked.","error_codes":[50173],"suberror":"bad_token"}`, "sign-in-revoked"},
		{"the numbers alone, of an answer in another language", `{"error":"invalid_grant","error_description":"Die Anmeldung ist fehlgeschlagen.","error_codes":[53003]}`, "conditional-access"},
		{"an inspecting proxy rather than the unknown authority", "x509: certificate signed by unknown authority: issuer CN=Zscaler Intermediate Root CA", "certificate-inspected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := Explain(c.text); a.Verdict != Known || a.Findings[0].Refusal.ID != c.id {
				t.Errorf("%s, want %s", short(a), c.id)
			}
		})
	}
}

func TestRefusalsOfOtherLanguagesAreKnownByTheirNumbers(t *testing.T) {
	for _, c := range []struct{ text, id string }{
		{"AADSTS50126: Fehler beim Überprüfen der Anmeldeinformationen aufgrund eines ungültigen Benutzernamens oder Kennworts.", "wrong-password"},
		{"AADSTS50011: L'URI de redirection spécifié dans la requête ne correspond pas", "redirect-url-not-registered"},
		{"AADSTS65001: El usuario o administrador no ha dado su consentimiento", "consent-missing"},
		{"AADSTS50076: 管理者が構成の変更を行ったか、新しい場所に移動したため、多要素認証を使用する必要があります。", "mfa-required"},
		{"エラー 10060: 接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため", "connection-timed-out"},
		{"Serveur distant : '432 4.3.2 Limite de connexions simultanées dépassée'", "too-many-connections"},
		{"Der Server meldet: 550 5.7.705 Zugriff verweigert, der Mandant hat den Schwellenwert überschritten", "tenant-blocked"},
		{"code d'erreur : 5.1.90 Votre message ne peut pas être envoyé", "recipient-quota"},
	} {
		if a := Explain(c.text); a.Verdict != Known || a.Findings[0].Refusal.ID != c.id {
			t.Errorf("%q\n is %s\n want %s", c.text, short(a), c.id)
		}
	}
}

func TestWhatCouldBeSeveralRefusalsIsAmbiguous(t *testing.T) {
	for _, c := range []struct {
		name, text string
		some       []string
	}{
		{"a number without its sentence", "535 5.7.139 Authentication unsuccessful", []string{"smtp-auth-off-tenant", "basic-auth-disabled", "policy-refused"}},
		{"a number at the end of what was pasted", "(535, b'5.7.139", []string{"smtp-auth-off-tenant", "basic-auth-disabled"}},
		{"a sentence that is cut off where two of them part", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the …", []string{"smtp-auth-off-tenant", "smtp-auth-off-mailbox"}},
		{"a code without anything", "smtplib.SMTPAuthenticationError: (535, b'')", []string{"password-refused", "identity-refused"}},
		{"words that every server uses", "535 authentication failed", []string{"password-refused", "identity-refused"}},
		{"a host that could not be reached, without a cause", "Could not connect to SMTP host: smtp.office365.com, port: 587", []string{"connection-refused", "connection-timed-out"}},
		{"a certificate without a reason", "The remote certificate is invalid according to the validation procedure.", []string{"certificate-expired", "certificate-unknown-authority"}},
		{"a store's exception that is cut off", "554 5.2.0 STOREDRV.Submission.Exception:[truncated]", []string{"send-as-denied", "recipient-quota"}},
		{"a timeout without a place", "System.Net.Mail.SmtpException: The operation has timed out.", []string{"connection-timed-out", "reply-timed-out"}},
		{"too many requests, of nobody", "HTTP/1.1 429 Too Many Requests", []string{"graph-throttled", "entra-throttled"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Explain(c.text)
			got := ids(a.Candidates)
			if a.Verdict != Ambiguous || a.Tell == "" || a.Extract == "" || slices.ContainsFunc(c.some, func(id string) bool { return !slices.Contains(got, id) }) {
				t.Errorf("%s, want ambiguous with %q", short(a), c.some)
			}
		})
	}
}

func TestACutSentenceIsKnownWhereNoOtherBeginsSo(t *testing.T) {
	for _, c := range []struct{ text, id string }{
		{"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Ma…", "smtp-auth-off-mailbox"},
		{"535 5.7.139 Authentication unsuccessful, the request did not meet the cri...", "policy-refused"},
		{"535 5.7.139 Authentication unsuccessful, user is locked by your organization's sec[truncated]", "security-defaults"},
		{"x509: certificate signed by unknown auth", "certificate-unknown-authority"},
	} {
		if a := Explain(c.text); a.Verdict != Known || a.Findings[0].Refusal.ID != c.id {
			t.Errorf("%q\n is %s\n want %s", c.text, short(a), c.id)
		}
	}
}

func TestUnknownRefusalsAreShownWithTheNearestKnown(t *testing.T) {
	for _, c := range []struct{ text, words, near string }{
		{"550 5.7.999 Something that nobody has seen before", "550 5.7.999 Something that nobody has seen before", ""},
		{"AADSTS7000299: A new kind of trouble with the client secret.", "AADSTS7000299", "secret-expired"},
		{"552 5.3.9 The message is a bit odd in size", "552 5.3.9", "too-large"},
		{"System.FormatException: The specified string is not in the form required for an e-mail address.", "System.FormatException", ""},
		{`{"error":{"code":"ErrorSomethingNew","message":"Nobody knows."}}`, "ErrorSomethingNew", ""},
		{"host mail.example.com said: 451 come back later, maybe", "451 come back later", ""},
		{"Jan  9 16:12:30 mx app[1]: responseCode: 554", "responseCode: 554", ""},
	} {
		a := Explain(c.text)
		if a.Verdict != Unknown || !strings.Contains(a.Extract, c.words) || c.near != "" && !slices.Contains(ids(a.Near), c.near) {
			t.Errorf("%q\n is %s\n want unknown, near %s", c.text, short(a), c.near)
		}
	}
}

func TestWhatIsNoRefusalIsNone(t *testing.T) {
	for _, text := range []string{
		"",
		"   \n\t\n",
		"250 2.0.0 OK <abc@contoso.com> [Hostname=DBBPR03MB5414.eurprd03.prod.outlook.com]",
		"235 2.7.0 Authentication successful",
		"S: 220 PN4P287CA0064.outlook.office365.com Microsoft ESMTP MAIL Service ready at Sat, 26 Apr 2025 18:08:13 +0000 [08DD84B323498C1A]\nC: EHLO x\nS: 250-PN4P287CA0064.outlook.office365.com Hello [1.2.3.4]\nS: 250-SIZE 157286400\nS: 250-ENHANCEDSTATUSCODES\nS: 250 SMTPUTF8\nC: STARTTLS\nS: 220 2.0.0 SMTP server ready\nC: AUTH XOAUTH2\nS: 235 2.7.0 Authentication successful\nC: QUIT\nS: 221 2.0.0 Service closing transmission channel",
		"The quick brown fox jumps over the lazy dog.",
		"Please send the invoices again, thank you.",
		"upgraded libmail from 5.7.3 to 5.7.139",
		"php-mailer 5.1.90 is installed, and 5.7.232 is the newest",
		"5.7.1.3 and 5.7.139.1 are the addresses of the two machines",
		"2026-01-09 16:12:30.535 started\n2026-01-09 16:12:30.550 ready",
		"Your order number 535 has been shipped.",
		"all 550 messages sent",
		"550 messages sent in 12 seconds",
		"Room 535, 5 floors, 7 lifts, 3 stairs",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl",
		"Jan  9 16:12:30 mx postfix/smtp[4711]: 4F1A2B3C: to=<bob@example.com>, relay=smtp.office365.com[52.97.0.1]:587, delay=1.1, dsn=2.0.0, status=sent (250 2.0.0 OK)",
		"Status: 2.0.0 (delivered)",
		"The example was not found in the book.",
		"listening on port 10060",
		"https://example.com/docs/access_denied.html",
		"the bucket policy grants access_denied_reports to nobody",
		"Wir haben 432 E-Mails am 4.3.2026 verschickt.",
		"version v5.7.57, build 530",
	} {
		if a := Explain(text); a.Verdict != None {
			t.Errorf("%q\n is %s", text, short(a))
		}
	}
}

func TestEncodedSecretsAreNotRepeated(t *testing.T) {
	token := "eyJhbGciOiJSUzI1NiJ9.eyJ1cG4iOiJzdmNAY29udG9zby5jb20ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	blob := base64.StdEncoding.EncodeToString([]byte("user=svc@contoso.com\x01auth=Bearer " + token + "\x01\x01"))
	for _, c := range []struct{ text, secret string }{
		{"AUTH XOAUTH2 " + blob + " 535 5.7.3 Authentication unsuccessful", blob},
		{"AUTH PLAIN AHN2YwBIdW50ZXIy -> 535 5.7.3 Authentication unsuccessful", "AHN2YwBIdW50ZXIy"},
		{"password=Hunter2! 535 5.7.3 Authentication unsuccessful", "Hunter2!"},
		{`{"client_secret":"abc8Q~defGHI","error":"AADSTS7000215: Invalid client secret"}`, "abc8Q~defGHI"},
		{"Authorization: Bearer " + token + " gave AADSTS50173", token},
		{"refresh_token=0.AXoA1234-abcd_EFGH AADSTS70000: invalid", "0.AXoA1234-abcd_EFGH"},
		{"GET /cb?code=0.AXoASecretCode&state=1 AADSTS54005: already redeemed", "0.AXoASecretCode"},
		{"550 5.7.999 who knows; pwd: Hunter2!", "Hunter2!"},
		{"SystemError: login(user, 'x'), passwd => 'Hunter2!' failed", "Hunter2!"},
	} {
		b, err := json.Marshal(Explain(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), c.secret) {
			t.Errorf("the answer to %q repeats the secret", c.text)
		}
	}
}

func TestALongTextIsReadUpToItsBound(t *testing.T) {
	filler := strings.Repeat("2026-01-09 16:12:30 INFO nothing to see here, 42 of 4711 done\n", 1<<14)
	if a := Explain(filler + "535 5.7.3 Authentication unsuccessful"); a.Verdict != Known || a.Shortened {
		t.Errorf("%s %v", short(a), a.Shortened)
	}
	if a := Explain(filler + filler + "535 5.7.3 Authentication unsuccessful"); a.Verdict != None || !a.Shortened {
		t.Errorf("%s %v", short(a), a.Shortened)
	}
}

func TestWordsAboutSecretsStayInTheAnswer(t *testing.T) {
	for _, text := range []string{
		"AADSTS50055: The user password is expired.",
		"535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
		"401 InvalidAuthenticationToken: Access token has expired or is not yet valid.",
		"AADSTS7000222: The provided client secret keys for app '11111111-2222-3333-4444-555555555555' are expired.",
		"STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message",
	} {
		if a := Explain(text); a.Verdict != Known || a.Findings[0].Extract != text {
			t.Errorf("%q\n is %s", text, short(a))
		}
	}
}
