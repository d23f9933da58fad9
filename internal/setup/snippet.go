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

// powershell is Send-MailMessage, whose UseSsl is STARTTLS: TLS from the beginning
// it does not speak.
func powershell(r Relay) Snippet {
	s := Snippet{ID: "powershell", Name: "PowerShell"}
	script := powershellScript
	switch r.TLS {
	case "implicit":
		s.Unfit = NoImplicitTLS
		return s
	case "starttls":
		script = strings.Replace(script, "{port}", "{port}\n  UseSsl     = $true", 1)
	}
	if r.Client == "" {
		script = strings.Replace(script, "  Credential = Import-Clixml C:\\ProgramData\\backup\\relay.xml\n", "", 1)
	} else {
		s.Parts = append(s.Parts, Part{ID: "credential", Language: "powershell", Text: fill(powershellCredential, r, quotePowerShell)})
	}
	s.Parts = append(s.Parts, Part{ID: "script", Language: "powershell", Text: fill(script, r, quotePowerShell)})
	return s
}

func nodemailerFor(r Relay) string {
	s, trusts := nodemailer, "  tls: { ca: fs.readFileSync(\"relay.crt\") },\n"
	const plain = "  secure: false, // true is for a listener with tls = \"implicit\"\n"
	switch r.TLS {
	case "starttls":
		s = strings.Replace(s, plain, "  secure: false,\n  requireTLS: true,\n"+trusts, 1)
	case "implicit":
		s = strings.Replace(s, plain, "  secure: true,\n"+trusts, 1)
	}
	if r.Client == "" {
		s = without(s, "  auth: {\n", "  },\n")
		if r.TLS == "none" { // nothing is read from a file
			s = strings.Replace(s, "const fs = require(\"fs\");\n", "", 1)
		}
	}
	return s
}

func pythonFor(r Relay) string {
	s := python
	const connects = "with smtplib.SMTP(\"{host}\", {port}, timeout=60) as relay:\n"
	const trusts = "context=ssl.create_default_context(cafile=\"relay.crt\"))"
	switch r.TLS {
	case "starttls":
		s = strings.Replace(s, connects, connects+"    relay.starttls("+trusts+"\n", 1)
	case "implicit":
		s = strings.Replace(s, connects, "with smtplib.SMTP_SSL(\"{host}\", {port}, timeout=60, "+trusts+" as relay:\n", 1)
	}
	if r.TLS != "none" {
		s = strings.Replace(s, "import smtplib\n", "import smtplib\nimport ssl\n", 1)
	}
	if r.Client == "" {
		s = without(s, "with open(\"password.txt\")", ".strip()\n\n")
		s = without(s, "    relay.login(", "\n")
	}
	return s
}

func curlFor(r Relay) string {
	s := curl
	switch r.TLS {
	case "starttls":
		s = strings.Replace(s, "curl ", "curl --ssl-reqd --cacert relay.crt ", 1)
	case "implicit":
		s = strings.Replace(s, "curl --url smtp:", "curl --cacert relay.crt --url smtps:", 1)
	}
	if r.Client == "" {
		s = without(s, " --user", "password.txt)\"")
	}
	return s
}

func msmtpFor(r Relay) string {
	s, tls := msmtp, "\nauth on\ntls on\ntls_trust_file relay.crt"
	if r.TLS == "implicit" {
		tls += "\ntls_starttls off"
	}
	if r.TLS != "none" {
		s = strings.Replace(s, "\nauth plain", tls, 1)
	}
	if r.Client == "" {
		s = strings.NewReplacer("\nauth plain", "\nauth off", "\nauth on", "\nauth off").Replace(s)
		s = without(s, "\nuser ", "password.txt")
	}
	return s
}

// without leaves out of a text what is from one place to the end of the next.
func without(text, from, to string) string {
	before, after, _ := strings.Cut(text, from)
	_, after, _ = strings.Cut(after, to)
	return before + after
}
