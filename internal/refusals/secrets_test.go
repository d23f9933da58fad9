package refusals

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// beside is how secrets stand in logs, commands, settings and programs; %s is
// the secret.
var beside = []string{
	"smtp://svc%%40x:%s@host", "smtp://svc:%s@smtp.office365.com:587", "smtp://svc@contoso.com:%s@smtp.office365.com", "smtps://:%s@host", "svc:%s@smtp.office365.com:587", "MAILER_DSN=smtp://svc:%s@mx",
	"<password>%s</password>", "<smtp:Password type=\"x\">%s</smtp:Password>", "<password><![CDATA[%s]]></password>", "&lt;password&gt;%s&lt;/password&gt;", "<client_secret>%s", "<input name=\"password\" value=\"%s\">", "<add key=\"SmtpPassword\" value=\"%s\" />", "<td>Password</td><td>%s</td>",
	"swaks -s host --ap %s", "swaks -ap %s --tls", "swaks --auth-password %s", "swaks --auth-password='%s'", "sendemail -xp %s", "blat -pw %s", "Send -Password %s -Port 587", "['swaks', '--ap', '%s']",
	"curl -u svc:%s smtp://h", "curl --user svc:%s", "curl --user 'svc:%s'", "curl --oauth2-bearer %s", "curl -u \"a@b.c:%s\"",
	"password=%s", "password = %s", "password: %s", "Password is %s", "\"password\":\"%s\"", "'password': '%s'", "password => '%s'", "\"pass\" => \"%s\"", "SMTPPassword: %s", "mail.smtp.password=%s", "smtp_pass=%s", "smtpPass: %s", "mailPw=%s", "password1=%s", "passwordText=%s", "PASSWORD=%s;Server=x",
	"pw=%s", "pass: %s", "passwd %s", "passwd: %s", "pwd=%s", "kennwort: %s", "Kennwort: %s", "mot de passe : %s", "contraseña: %s", "Contraseña=%s", "senha: %s", "wachtwoord: %s", "пароль: %s", "Пароль: %s", "パスワード：%s", "密码：%s", "password for svc@contoso.com: %s", "password %s", "machine h login svc password %s",
	"NetworkCredential('svc','%s')", "NetworkCredential(\"svc\", \"%s\", \"dom\")", "login('svc', '%s')", "login(svc, %s)", "smtp.PlainAuth(\"\", \"svc\", \"%s\", host)", "auth: { user: 'x', pass: '%s' }", "{ user: \"x\", pass: \"%s\" }", "mail.WithPassword(\"%s\")", "PasswordAuthentication(\"svc\", \"%s\")", "new DefaultAuthenticator(\"svc\", \"%s\")", "transport.connect(\"h\", \"svc\", \"%s\")", "setPassword('%s')", "ConvertTo-SecureString \"%s\" -AsPlainText", "ConvertTo-SecureString -String '%s' -Force",
	"LOGIN svc %s", "a1 LOGIN svc %s", "PASS %s", "USER svc PASS %s",
	"client_secret=%s", "client_secret=%s&scope=x", "refresh_token=%s", "refresh_token: %s", "id_token=%s", "access_token\":\"%s\"", "client_assertion=%s", "assertion=%s", "code=%s", "?code=%s&state=1", "Authorization: Basic %s", "Authorization: Bearer %s", "authorization: %s", "auth=Bearer %s", "user=svc\x01auth=Bearer %s\x01\x01",
	"AccountKey=%s", "SharedAccessKey=%s", "?sv=2020&sig=%s", "x-functions-key: %s", "api_key=%s", "api-key: %s", "ApiKey \"%s\"", "code_verifier=%s", "device_code=%s",
	"-----BEGIN RSA PRIVATE KEY----- %s -----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\\n%s\\n-----END PRIVATE KEY-----",
	"AUTH PLAIN %s", "AUTH LOGIN %s", "AUTH LOGIN c3Zj %s", "334 UGFzc3dvcmQ6 %s", "334 VXNlcm5hbWU6 c3Zj 334 UGFzc3dvcmQ6 %s", "AUTH XOAUTH2 %s",
}

// values are secrets; a label in words knows them all.
var values = []string{"hunter2", "Hunter2Secret!", "Tr0ub4dor", "Tr0ub4dor&3x", "abc8Q~defGHIjklMNOpqr", "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCc", "0.AXoA1234-abcd_EFGH", "cGFzczE=", "AGEAYg=="}

// around is where the secret and its label stand to the refusal.
var around = []string{
	"%s 535 5.7.3 Authentication unsuccessful",
	"535 5.7.3 Authentication unsuccessful %s",
	"smtp.log: %s\n535 5.7.139 Authentication unsuccessful, basic authentication is disabled. after %s",
	"Jan 09 16:12:30 mx app[4711]: %s 550 5.7.999 Nobody knows of this",
	"2026-01-09T16:12:30Z ERROR mail: %s error=535 5.7.139 Authentication unsuccessful",
	"<pre>%s</pre><p>System.FormatException: the string is odd</p>",
	"> %s | Fehler: etwas ging schief",
	"x: %s 535 5.7.3 Authentication unsuccessful\nx: %s 535 5.7.3 Authentication unsuccessful",
	"mailer-1  | %s smtplib.SMTPAuthenticationError: (535, b'')",
}

func TestNoSecretIsInAnyAnswerWhateverStandsAroundIt(t *testing.T) {
	shown := 0
	for i, b := range beside {
		for j, v := range values {
			if strings.ContainsAny(v, "!~&.") && (strings.Contains(b, "AUTH ") || strings.Contains(b, "334 ") || strings.Contains(b, "KEY----")) {
				continue // base64 has none of these
			}
			secret := strings.ReplaceAll(fmt.Sprintf(b, v), "\\n", "\n")
			for k, a := range around {
				if j > 0 && (i+j+k)%9 > 0 {
					continue // all of them would take long
				}
				text := strings.ReplaceAll(a, "%s", secret)
				answer := Explain(text)
				j, err := json.Marshal(answer)
				if err != nil {
					t.Fatal(err)
				}
				if answer.Verdict == None {
					t.Errorf("%q is none", text)
				}
				if strings.Contains(string(j), v) || strings.Contains(extracts(answer), v) {
					if shown++; shown < 60 {
						t.Errorf("%q\n gives %q", text, extracts(answer))
					}
				}
			}
		}
	}
}

func extracts(a Answer) string {
	all := a.Extract
	for _, f := range a.Findings {
		all += "\n" + f.Extract
	}
	return all
}

func TestASecretWhoseLabelStandsInAnotherLineIsNotRepeated(t *testing.T) {
	for _, text := range []string{
		"Password:\nhunter2 535 5.7.3 Authentication unsuccessful",
		"AUTH LOGIN\n334 VXNlcm5hbWU6\nc3Zj\n334 UGFzc3dvcmQ6\nhunter2 535 5.7.3 Authentication unsuccessful",
		"password = \"hunter2\"\nlogin of hunter2: 535 5.7.3 Authentication unsuccessful",
		"Jan 09 16:12:30 smtp password: hunter2 535 5.7.3 Authentication unsuccessful",
		"tool password: hunter2 535 5.7.3 Authentication unsuccessful\ntool password: hunter2 failed",
		"{\"password\":\n  \"hunter2\"}\nhunter2 gave 550 5.7.999 who knows",
	} {
		if a := Explain(text); a.Verdict == None || strings.Contains(extracts(a), "hunter2") {
			t.Errorf("%q\n gives %s %q", text, a.Verdict, extracts(a))
		}
	}
}

func TestWhatIsNoSecretStaysInTheAnswer(t *testing.T) {
	for _, text := range []string{
		"ErrorMailboxMoveInProgress: Mailbox move in progress",
		"ErrorMimeContentInvalidBase64String: Invalid base64 string for MIME content.",
		"Microsoft.Exchange.Data.Storage.StoragePermanentException: 550 5.7.999 nobody knows",
		"STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
		"550 5.7.999 nobody knows [PN4P287CA0064.INDP287.PROD.OUTLOOK.COM 2026-01-09T16:12:30.678Z 08DE4F6D4916B5B3]",
		"550 5.7.999 nobody knows <PN4P287MB1234ABCDEF0123456789@PN4P287MB1234.INDP287.PROD.OUTLOOK.COM>",
		"550 5.7.999 nobody knows <CAJfpegvXk2z3dG4QhT7bV9sLmN0pRw1y@mail.gmail.com>",
		"550 5.7.999 nobody knows, Trace ID: 11111111-2222-3333-4444-5555abcd5555",
		"550 5.7.999 nobody knows [DBBPR03MB5414.eurprd03.prod.outlook.com]",
		"smtp.very-long-subdomain-of-mail.protection.outlook.com: 550 5.7.999 nobody knows",
		"250-AUTH LOGIN PLAIN XOAUTH2 error: 550 5.7.999 nobody knows",
		"javax.mail.AuthenticationFailedException: 550 5.7.999 nobody knows",
		"at MailKit.Net.Smtp.SmtpClient.AuthenticateAsync(Encoding encoding, ICredentials credentials) 550 5.7.999 nobody knows",
		"System.Security.Authentication.AuthenticationException: basic authentication is disabled",
		"LOGIN failed: 550 5.7.999 nobody knows",
		"code=ECONNRESET 550 5.7.999 nobody knows",
		"error code=0x80040217 550 5.7.999 nobody knows",
		"https://login.microsoftonline.com:443/common/oauth2 550 5.7.999 nobody knows",
		"From:bob2@example.com to:alice@example.com 550 5.7.999 nobody knows",
		"the token is expired, 550 5.7.999 nobody knows",
		"AADSTS50126: Error validating credentials due to invalid username or password.",
		"SMTP password: 550 5.7.999 nobody knows",
		"535 5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
		"InvalidAuthenticationToken: Access token validation failure. Invalid audience.",
	} {
		if a := Explain(text); !strings.Contains("\n"+extracts(a)+"\n", "\n"+text+"\n") {
			t.Errorf("%q\n gives %s %q", text, a.Verdict, extracts(a))
		}
	}
}

func TestNoControlCharacterIsInAnyAnswer(t *testing.T) {
	var all strings.Builder
	for r := rune(1); r < 0xa0; r++ {
		if unicode.IsControl(r) && r != '\n' && r != '\r' {
			all.WriteString("x" + string(r))
		}
	}
	for _, text := range []string{
		"x \x1bc\x1b[>4;2m y \x1b7 535 5.7.3 Authentication unsuccessful",
		"\x1b]0;title\x07 \x1b(B \x1bP1$r\x1b\\ \u009b31m 535 5.7.3 Authentication \x1b[?25lunsuccessful \x1b",
		all.String() + " 535 5.7.3 Authentication unsuccessful " + all.String(),
		"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c 535 5.7.3 Authentication unsuccessful\u202e",
		`\u001bc \x1b7 &#27;[2J \u202e \u009b1m 535 5.7.3 Authentication unsuccessful \033[1m`,
		"=1Bc =E2=80=AE =3D 535 5.7.3 Authentication unsuccessful=0A",
		"%1Bc%20%E2%80%AE 550 5.7.999 nobody knows %9B %C2%9B",
		"password: \x1b[1m\n535 5.7.3 Authentication unsuccessful\x7f",
		"\x1b\x1b[[A535 5.7.3 Authentication unsuccessful\x1b[",
	} {
		a := Explain(text)
		if a.Verdict == None {
			t.Errorf("%q is none", text)
		}
		for _, r := range strings.ReplaceAll(extracts(a), "\n", "") {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("%q\n gives %q", text, extracts(a))
				break
			}
		}
	}
}

func TestBlobsAreTakenForSecretsAndNamesAreNot(t *testing.T) {
	for i := range 300 {
		raw := make([]byte, 24)
		for j := range raw {
			raw[j] = byte((i*7919 + j*104729 + i*j*31) >> 3)
		}
		blob := base64.StdEncoding.EncodeToString(raw)
		if got := extract("x: "+blob+" failed", 0, 1); strings.Contains(got, blob) {
			t.Errorf("%q stays", blob)
		}
	}
	if got, want := extract("password: hunter2, user: svc", 0, 8), "password: [removed], user: svc"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
