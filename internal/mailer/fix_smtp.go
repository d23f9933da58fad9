package mailer

import (
	"strings"

	"traymail/internal/account"
)

// A phrase is a part of a refusal with what to do about it: for a person and, if
// that is something else, for an application.
type phrase struct {
	text string
	remedy
}

// Exchange's refusals by their sentence, because several share a number.
var smtpFixes = []phrase{
	{"SmtpClientAuthentication is disabled for the Tenant", remedy{person: "an Exchange administrator turns SMTP AUTH on for the mailbox: Users → Active users → the user → Mail → Manage email apps → Authenticated SMTP, or Set-CASMailbox {username} -SmtpClientAuthenticationDisabled $false; it takes effect within an hour"}},
	{"SmtpClientAuthentication is disabled for the Mailbox", remedy{person: "an Exchange administrator turns it on: Users → Active users → the user → Mail → Manage email apps → Authenticated SMTP, or Set-CASMailbox {username} -SmtpClientAuthenticationDisabled $false; it takes effect within an hour"}},
	{"did not meet the criteria to be authenticated", remedy{person: "a Conditional Access or authentication policy blocks it: Entra ID → Sign-in logs of {username} shows which"}},
	{"SendAsDenied", sendAs},
	{"does not have permissions to send as this sender", sendAs},
	{"security defaults policy", remedy{person: "security defaults block this sign-in: an account with a password signs in with OAuth, traymail account edit {account} --sign-in browser --client-id CLIENT-ID, then traymail login {account}; of one that has OAuth already an administrator looks at Entra ID → Overview → Properties → Manage security defaults"}},
	{badIdentity, remedy{person: "the username must be the account that signed in ({username}), not a shared mailbox; the token must be for SMTP (smtp_scope); a permission granted just now takes up to an hour"}},
	{"432 4.3.2", remedy{person: "wait: Exchange takes three connections of a mailbox at a time"}},
	{"SubmissionQuotaExceeded", remedy{person: "wait: {username} has reached Exchange's limit of recipients a day; it is lifted 24 hours later"}},
	{"QuotaExceeded", remedy{person: "the mailbox of {username} is full: its Sent Items take the space"}},
	{"5.2.270", remedy{person: "send less at once: after its conversion the message is larger than the mailbox may send"}},
	{"account locked", remedy{person: "an administrator unlocks {username}: Entra ID → Sign-in logs shows why it was locked"}},
	{"account has an issue", remedy{person: "an administrator looks at {username}: Entra ID → Sign-in logs names the issue"}},
	{"federated STS", remedy{person: "an administrator looks at the federation service (AD FS) of the domain of {username}: Exchange cannot use it"}},
	{"bad outbound sender", remedy{person: "an administrator releases {username}: https://security.microsoft.com → Email & collaboration → Review → Restricted entities"}},
	{"OutboundSpamException", remedy{person: "sign in at https://outlook.com as {username} and follow the message in its Inbox that asks to verify the account"}},
	{"550 5.7.30 ", remedy{person: noPasswords}},
	{"basic authentication is disabled", remedy{person: noPasswords}},
	{"5.7.8 Username and Password not accepted", remedy{person: "sign in again, traymail login {account}, as {username}; the permission must be https://mail.google.com/"}},
	{"Invalid XOAUTH2 auth data", remedy{person: "see that smtp_auth is xoauth2, and username and smtp_scope are right: traymail account show {account}"}},
	{"Unrecognized authentication type", remedy{person: "set smtp_auth to what the server takes, login or xoauth2, and smtp_tls to starttls: traymail account edit {account}"}},
	{"STARTTLS is required", remedy{person: "set smtp_tls to starttls: traymail account edit {account} --smtp-tls starttls"}},
	{"5.3.4 ", remedy{person: "send less at once, or an Exchange administrator allows more: Set-Mailbox {username} -MaxSendSize 150MB"}},
	{"RecipLimit", remedy{person: "set recipients_per_message to what the mailbox may have, traymail account edit {account} --recipients-per-message N, or an administrator raises it: Set-Mailbox {username} -RecipientLimits N"}},
	{"5.1.90 ", remedy{person: "wait: {username} has reached Exchange's limit of recipients a day; it is lifted 24 hours later"}},
	{"5.7.232 ", remedy{person: "wait, or buy licences: a trial tenant has reached its limit of external recipients a day"}},
	{"5.7.233 ", remedy{person: "wait: the tenant has reached its limit of external recipients a day; Get-LimitsEnforcementStatus shows it"}},
	{"5.1.20 ", remedy{person: "correct the message: it is from several people, and has no Sender"}},
	{"5.7.703 ", remedy{person: "an administrator looks at the Tenant Allow/Block List: https://security.microsoft.com/tenantAllowBlockList"}},
	{"5.7.501 ", bannedSender}, {"5.7.502 ", bannedSender}, {"5.7.503 ", bannedSender},
	{"5.7.705 ", bannedTenant}, {"5.7.708 ", bannedTenant}, {"5.7.750 ", bannedTenant},
	{"user credentials were incorrect", remedy{person: "store the right password, traymail account edit {account} --secret-stdin, or an app password where the account has multi-factor authentication"}},
}

// noPasswords is what to do where passwords are no longer taken.
const noPasswords = "traymail account edit {account} --sign-in browser --client-id CLIENT-ID, then traymail login {account}: passwords are no longer taken; docs/register-app.md says how to come by the CLIENT-ID"

// What to do about refusals that come under several texts.
var (
	sendAs = remedy{
		person: "give {username} the permission Send As on the sender's mailbox: Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour",
		application: "let each message leave through its sender's mailbox (mailbox = \"from\", and FullAccess on it for the application), or give the mailbox {username} the permission Send As on the sender's: " +
			"Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour",
	}
	bannedSender = remedy{person: "an administrator releases {username}: https://security.microsoft.com → Email & collaboration → Review → Restricted entities"}
	bannedTenant = remedy{person: "an administrator of the tenant asks Microsoft's support: Exchange takes no mail to the outside from this tenant, since too much of it looked like spam, or it is new"}
)

// badIdentity is how Exchange refuses whoever a token is not for, without a word
// about the reason.
const badIdentity = "535 5.7.3 "

// badApplication is what to do about badIdentity where nobody signs in.
const badApplication = "an administrator lets the application into the mailbox: New-ServicePrincipal with the Object ID of Enterprise applications → the app (the one of App registrations is another), " +
	"Add-MailboxPermission {username} with FullAccess for it, and consent to the application permission SMTP.SendAsApp, or a role of App RBAC with the mailbox in its scope; " +
	"traymail admin {account} has the commands; what was granted just now takes up to an hour, of App RBAC two"

// replyFix is what to do about a reply, for an account that signs in so.
func replyFix(reply string, signIn account.SignIn) string {
	if signIn == account.AppOnly && strings.Contains(reply, badIdentity) {
		return badApplication
	}
	for _, f := range smtpFixes {
		if strings.Contains(reply, f.text) {
			return f.of(signIn)
		}
	}
	return ""
}
