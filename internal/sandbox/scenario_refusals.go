package sandbox

// A step is where in a session a refusal is said.
type step int

const (
	atAuth     step = iota + 1 // to the right token or password
	atPassword                 // to any password
	atMail
	atEnd // of the message's data
)

// An smtpRefusal is a reply that every client gets at one step, without what
// Exchange adds to it of the server and the time. A 421 ends the session.
type smtpRefusal struct {
	at   step
	text string
}

// refusals are the scenarios in which Exchange refuses for reasons that the
// sandbox does not have by itself: a state of the account, a limit over a day,
// trouble of the service; and the one in which it does not refuse passwords.
// The texts are of public documents and transcripts, as far as these give them.
func refusals() []Scenario {
	list := []struct {
		name, what string
		at         step
		text       string
	}{
		{"account-locked", "The account is locked after too many attempts.",
			atAuth, "535 5.7.139 Authentication unsuccessful, account locked."},
		{"account-has-an-issue", "Exchange finds an issue with the account, and does not say which.",
			atAuth, refusedAccount},
		{"conditional-access-policy", "A Conditional Access policy refuses every sign-in to SMTP.",
			atAuth, refusedPolicy},
		{"federation-unreachable", "The organisation's own sign-in service (AD FS) cannot be reached.",
			atAuth, "535 5.7.139 Authentication unsuccessful, federated STS service was unreachable."},
		{"federation-without-https", "The organisation's own sign-in service (AD FS) has an address without HTTPS.",
			atAuth, "535 5.7.139 Authentication unsuccessful, the federated STS URL does not support HTTPS."},
		{"passwords-retired", "Passwords are refused as announced for the day they are retired.",
			atPassword, "550 5.7.30 Basic authentication is not supported for Client Submission."},

		{"server-error", "The server has a temporary error at every message.",
			atMail, "451 4.7.0 Temporary server error"},
		{"service-unavailable", "The server ends every session at its first message.",
			atMail, replyUnavailable},

		{"sender-not-permitted", "Exchange refuses every sender, in its older words.",
			atEnd, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"},
		{"send-as-denied", "Send As is denied for every message, without naming the addresses.",
			atEnd, "554 5.2.0 " + submissionException + "SendAsDeniedException.MapiExceptionSendAsDenied"},
		{"too-large-converted", "Every message is too large once Exchange has converted it.",
			atEnd, "554 5.2.270"},
		{"mailbox-full", "Copies in Sent Items have filled svc's mailbox.",
			atEnd, "554 5.2.2 mailbox full; " + submissionException + "QuotaExceededException.MapiExceptionShutoffQuotaExceeded"},
		{"recipient-quota", "svc has reached its number of recipients for the day.",
			atEnd, "554 5.2.0 " + submissionException + "SubmissionQuotaExceededException"},
		{"sender-blocked", "svc is blocked for sending spam.",
			atEnd, "550 5.1.8 Access denied, bad outbound sender"},
		{"outbound-spam", "Outlook.com suspends svc until a person verifies the account.",
			atEnd, outboundSpam + "Suspend"},
		{"outbound-spam-quota", "Outlook.com refuses what svc sends beyond its quota until a person verifies the account.",
			atEnd, outboundSpam + "RefuseQuota"},
		{"outbound-spam-challenge", "Outlook.com asks svc to prove that it is a person.",
			atEnd, outboundSpam + "HipNotify"},
		{"outbound-spam-upgrade", "Outlook.com asks svc to verify the account before it may send more.",
			atEnd, outboundSpam + "ShowTierUpgrade"},
		{"submission-rate", "Exchange ends the session for sending too fast, in the words of one on premises.",
			atEnd, "421 4.4.2 Message submission rate for this client has exceeded the configured limit"},
	}
	var scenarios []Scenario
	for _, r := range list {
		scenarios = append(scenarios, Scenario{Name: r.name, What: r.what,
			exchange: func(o *exchangeOptions) { o.Refusal = smtpRefusal{r.at, r.text} }})
	}
	return append(scenarios, Scenario{
		Name: "basic-auth-allowed", What: "Passwords still work with AUTH LOGIN, as before their retirement.",
		tenant: func(t *Tenant) { t.BasicAuthAllowed = true },
	})
}

// submissionException begins what the mailbox server says of a message.
const submissionException = "STOREDRV.Submission.Exception:"

// outboundSpam begins what Outlook.com says to an account that looks like a
// spammer's; the verdict follows.
const outboundSpam = "554 5.2.0 " + submissionException + "OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is "

// refused returns what the scenario says at a step, or "".
func (s *smtpSession) refused(at step) string {
	if r := s.x.o.Refusal; r.at == at {
		return r.text
	}
	return ""
}
