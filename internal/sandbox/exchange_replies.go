package sandbox

import (
	"fmt"
	"strings"
)

// The names of the worldwide cloud's front end, in the banner, and of its mailbox
// server, in replies to a message. Exchange Online's are of this form.
const (
	frontHost   = "SB0P287CA0064.outlook.office365.com"
	mailboxHost = "SB0PR03MB5414.sandbox03.prod.outlook.com"
)

// Replies as Exchange Online gives them in public transcripts. Those marked
// "assumed" were not found there: the code is what the RFC asks for, the words
// are those of an Exchange server on premises or of the RFC.
const (
	replyTLSReady     = "220 2.0.0 SMTP server ready"
	replyClosing      = "221 2.0.0 Service closing transmission channel"
	replyAuthOK       = "235 2.7.0 Authentication successful"
	replyOK           = "250 2.0.0 OK"        // assumed
	replyReset        = "250 2.0.0 Resetting" // assumed
	replySenderOK     = "250 2.1.0 Sender OK"
	replyRecipientOK  = "250 2.1.5 Recipient OK"
	replyOctets       = "250 2.0.0 %d octets received" // assumed
	replyNoVerify     = "252 2.1.5 Cannot VRFY user"   // assumed
	replyStartMail    = "354 Start mail input; end with <CRLF>.<CRLF>"
	replyTimedOut     = "421 4.4.1 Connection timed out" // documented on premises only
	replyUnavailable  = "421 4.3.2 Service not available"
	replyCrowded      = "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information."
	replyNeedTLS      = "451 5.7.3 STARTTLS is required to send mail"
	replyLongLine     = "500 5.5.2 Line too long" // assumed
	replyUnrecognized = "500 5.3.3 Unrecognized command '%s'"
	replyBadDomain    = "501 5.5.4 Invalid domain name"
	replyBadSender    = "501 5.1.7 Invalid address"        // assumed
	replyBadRecipient = "501 5.1.3 Invalid address"        // assumed
	replyBadParameter = "501 5.5.4 Unrecognized parameter" // assumed
	replyNeedHello    = "503 5.5.2 Send hello first"       // assumed
	replyNeedMail     = "503 5.5.2 Need mail command"
	replyNeedRcpt     = "503 5.5.2 Need rcpt command"
	replyHasSender    = "503 5.5.2 Sender already specified" // assumed
	replyBadSequence  = "503 5.5.1 Bad sequence of commands" // assumed
	replyBadMechanism = "504 5.7.4 Unrecognized authentication type"
	replyNeedAuth     = "530 5.7.57 Client not authenticated to send mail."
	replyRecipLimit   = "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients"
	replyTooLarge     = "552 5.3.4 Message size exceeds fixed maximum message size"
	replyCorrupt      = "554 5.6.0 Corrupt message content" // assumed
)

// The refusals of AUTH.
const (
	// refusedIdentity is all Exchange says of a wrong user=, audience, scope or
	// of an expired token.
	refusedIdentity         = "535 5.7.3 Authentication unsuccessful"
	refusedTenantSwitch     = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information."
	refusedMailboxSwitch    = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information."
	refusedBasic            = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
	refusedSecurityDefaults = "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator."
	refusedPolicy           = "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator."
	refusedPassword         = "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."
	refusedAccount          = "535 5.7.139 Authentication unsuccessful, account has an issue. Contact your administrator."
)

// sendAsDenied is the refusal of a message from an address that user may not
// use. The real one has some forty more numbers in its diagnostic data.
func sendAsDenied(user, address string) string {
	return fmt.Sprintf("554 5.2.252 SendAsDenied; %s not allowed to send as %s;"+
		" "+submissionException+"SendAsDeniedException.MapiExceptionSendAsDenied;"+
		" Failed to process message due to a permanent exception with message"+
		" [BeginDiagnosticData]Cannot submit message. 0.35250:0A00AC8C, 1.36674:0A000000,"+
		" 1.61250:00000000, 255.23226:0A00D184[EndDiagnosticData]", user, printable(address))
}

// printable makes text of the client fit to be quoted in a reply.
func printable(text string) string {
	const most = 254 // an address (RFC 5321 section 4.5.3.1.3)
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), most)])
}
