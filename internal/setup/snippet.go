package setup

import "strings"

// The texts of docs/handover.md, with {…} where the relay's values stand.
const (
	powershellCredential = `Get-Credential -UserName "{client}" -Message "traymail" | Export-Clixml C:\ProgramData\backup\relay.xml`

	powershellScript = `$mail = @{
  SmtpServer = "{host}"
  Port       = {port}
  Credential = Import-Clixml C:\ProgramData\backup\relay.xml
  From       = "{sender}"
  To         = "{to}"
  Subject    = "Nightly backup"
  Body       = "Done."
  Encoding   = [System.Text.Encoding]::UTF8
}
Send-MailMessage @mail -ErrorAction Stop`

	cronSendmail = `#!/bin/sh
exec {program} --home {home} send "$@"`

	cronTable = `MAILTO={to}
0 3 * * * /usr/local/bin/backup`

	nodemailer = `const fs = require("fs");
const nodemailer = require("nodemailer");

const relay = nodemailer.createTransport({
  host: "{host}",
  port: {port},
  secure: false, // true is for a listener with tls = "implicit"
  auth: {
    user: "{client}",
    pass: fs.readFileSync("password.txt", "utf8").trim(),
  },
});

relay.sendMail({
  from: "{sender}",
  to: "{to}",
  subject: "Order 4711",
  text: "On its way.",
}).then((info) => console.log(info.response));`

	python = `import smtplib
from email.message import EmailMessage

message = EmailMessage()
message["From"] = "{sender}"
message["To"] = "{to}"
message["Subject"] = "Nightly backup"
message.set_content("Done.")

with open("password.txt") as f:
    password = f.read().strip()

with smtplib.SMTP("{host}", {port}, timeout=60) as relay:
    relay.login("{client}", password)
    relay.send_message(message)`

	curl = `curl --url smtp://{authority} --user "{client}:$(cat password.txt)" \
  --mail-from {sender} --mail-rcpt {to} --upload-file message.eml`

	msmtp = `account default
host {host}
port {port}
from {sender}
auth plain
user {client}
passwordeval cat /home/backup/password.txt`
)

// withTLS replaces a line's ending, or adds lines, where the listener has TLS.
func withTLS(text string, r Relay, plain, secured string) string {
	if r.TLS == "none" {
		return text
	}
	if plain == "" { // behind the line with the port
		return strings.Replace(text, "{port}", "{port}"+secured, 1)
	}
	if r.TLS == "implicit" {
		secured = "secure: true,\n  tls: { ca: fs.readFileSync(\"relay.crt\") },"
	}
	return strings.Replace(text, plain, secured, 1)
}

func pythonFor(r Relay) string {
	s := python
	switch r.TLS {
	case "starttls":
		s = strings.Replace(s, "import smtplib\n", "import smtplib\nimport ssl\n", 1)
		s = strings.Replace(s, "    relay.login", "    relay.starttls(context=ssl.create_default_context(cafile=\"relay.crt\"))\n    relay.login", 1)
	case "implicit":
		s = strings.Replace(s, "import smtplib\n", "import smtplib\nimport ssl\n", 1)
		s = strings.Replace(s, "smtplib.SMTP(\"{host}\", {port}, timeout=60)", "smtplib.SMTP_SSL(\"{host}\", {port}, timeout=60, context=ssl.create_default_context(cafile=\"relay.crt\"))", 1)
	}
	return s
}

func curlFor(r Relay) string {
	switch r.TLS {
	case "starttls":
		return strings.Replace(curl, "curl ", "curl --ssl-reqd --cacert relay.crt ", 1)
	case "implicit":
		return strings.Replace(curl, "curl --url smtp:", "curl --cacert relay.crt --url smtps:", 1)
	}
	return curl
}

func msmtpFor(r Relay) string {
	tls := "\nauth on\ntls on\ntls_trust_file relay.crt"
	switch r.TLS {
	case "starttls":
		return strings.Replace(msmtp, "\nauth plain", tls, 1)
	case "implicit":
		return strings.Replace(msmtp, "\nauth plain", tls+"\ntls_starttls off", 1)
	}
	return msmtp
}
