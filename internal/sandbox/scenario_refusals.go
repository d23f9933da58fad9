package sandbox

import "time"

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
	text string // "{to}" stands for the recipients
	// cause is what lift ends it by; ends is after how long it ends by itself
	// if that is causeTime.
	cause cause
	ends  time.Duration
}

// A cause is what ends a refusal: an action of the portal's, by its name, or
// the provider's service.
type cause = string

const (
	causePasswords  cause = "passwords"           // a new one unlocks the account
	causeSignIn     cause = "sign-in"             // an administrator unblocks the account
	causePolicy     cause = "conditional-access"  // the policy for SMTP
	causeFederation cause = "federation"          // somebody repairs the organisation's own sign-in
	causePermission cause = "mailbox-permissions" // Send As is granted
	causeContents   cause = "mailbox-contents"    // there is room again
	causeLimits     cause = "message-limits"      // the mailbox's are raised
	causeRestricted cause = "restricted-entities" // the sender is unblocked
	causeBlockList  cause = "block-list"          // the entry is removed
	causeSupport    cause = "support"             // Microsoft lifts it
	causeService    cause = "service"             // it recovers by itself
	causeProof      cause = "account-verification"
	causeTime       cause = "time"
)

// refusals are the scenarios in which Exchange refuses for reasons that the
// sandbox does not have by itself: a state of the account, a limit over a day,
// trouble of the service. The texts are of public documents and transcripts, as
// far as these give them; those marked are from memory.
func refusals() []Scenario {
	const svc = "svc@contoso.com"
	reset := mend("tenant/passwords", "user", svc, "password", "svc-password-1")
	unblock := mend("tenant/sign-in", "user", svc, "do", "on")
	exclude := mend("tenant/conditional-access", "policy", ruleSMTP, "user", svc, "do", "exclude")
	federation := func(do string) Mend { return mend("tenant/federation", "do", do) }
	sendAs := mend("tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "SendAs", "who", svc, "do", "add")
	recover := mend("tenant/service", "do", "recover")
	day, minute := mend("tenant/time", "passes", "24h"), mend("tenant/time", "passes", "1m")
	unrestrict := mend("tenant/restricted-entities", "user", svc, "do", "unblock")
	unlist := mend("tenant/block-list", "address", "contoso.com", "do", "remove")
	support := mend("tenant/support", "do", "lift")
	verify := mend("tenant/account-verification", "user", svc, "do", "verify")
	list := []struct {
		name, what string
		at         step
		text       string
		cause      cause
		mend       Mend
		ends       time.Duration // by itself; 0: never
	}{
		{"account-locked", "The account is locked after too many attempts.",
			atAuth, "535 5.7.139 Authentication unsuccessful, account locked.", causePasswords, reset, 0},
		{"account-has-an-issue", "Exchange finds an issue with the account, and does not say which.",
			atAuth, refusedAccount, causeSignIn, unblock, 0},
		{"conditional-access-policy", "A Conditional Access policy refuses every sign-in to SMTP.",
			atAuth, refusedPolicy, causePolicy, exclude, 0},
		{"federation-unreachable", "The organisation's own sign-in service (AD FS) cannot be reached.",
			atAuth, "535 5.7.139 Authentication unsuccessful, federated STS service was unreachable.", causeFederation, federation("make-reachable"), 0},
		{"federation-without-https", "The organisation's own sign-in service (AD FS) has an address without HTTPS.",
			atAuth, "535 5.7.139 Authentication unsuccessful, the federated STS URL does not support HTTPS.", causeFederation, federation("use-https"), 0},

		{"server-error", "The server has a temporary error at every message.",
			atMail, "451 4.7.0 Temporary server error", causeService, recover, 0},
		{"service-unavailable", "The server ends every session at its first message.",
			atMail, replyUnavailable, causeService, recover, 0},

		{"sender-not-permitted", "Exchange refuses every sender, in its older words.",
			atEnd, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", causePermission, sendAs, 0},
		{"send-as-denied", "Send As is denied for every message, without naming the addresses.",
			atEnd, "554 5.2.0 " + submissionException + "SendAsDeniedException.MapiExceptionSendAsDenied", causePermission, sendAs, 0},
		{"too-large-converted", "Every message is too large once Exchange has converted it.",
			atEnd, "554 5.2.270", causeLimits, mend("tenant/message-limits", "mailbox", svc, "megabytes", "150"), 0},
		{"mailbox-full", "Copies in Sent Items have filled svc's mailbox.",
			atEnd, "554 5.2.2 mailbox full; " + submissionException + "QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
			causeContents, mend("tenant/mailbox-contents", "mailbox", svc, "do", "empty"), 0},
		{"recipient-quota", "svc has reached its number of recipients for the day.",
			atEnd, "554 5.2.0 " + submissionException + "SubmissionQuotaExceededException", causeTime, day, 24 * time.Hour},
		{"trial-quota", "The tenant is on trial and has reached its number of recipients outside for the day.", // from memory
			atEnd, "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)",
			causeTime, day, 24 * time.Hour},
		{"tenant-quota", "The tenant has reached its number of recipients outside for the day.", // from memory
			atEnd, "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)",
			causeTime, day, 24 * time.Hour},
		{"sender-blocked", "svc is blocked for sending spam.",
			atEnd, "550 5.1.8 Access denied, bad outbound sender", causeRestricted, unrestrict, 0},
		{"sender-banned", "svc is banned for abuse.", // from memory
			atEnd, "550 5.7.501 Access denied, spam abuse detected", causeSupport, support, 0},
		{"tenant-block-list", "The organisation's Tenant Allow/Block List blocks the recipient.", // from memory
			atEnd, "550 5.7.703 Your message can't be delivered because messages to {to} are blocked by your organization using Tenant Allow Block List.",
			causeBlockList, unlist, 0},
		{"tenant-blocked", "Microsoft blocks the whole tenant, which has sent too much or suspiciously.", // from memory
			atEnd, "550 5.7.705 Access denied, tenant has exceeded threshold", causeSupport, support, 0},
		{"outbound-spam", "Outlook.com suspends svc until a person verifies the account.",
			atEnd, outboundSpam + "Suspend", causeProof, verify, 0},
		{"outbound-spam-quota", "Outlook.com refuses what svc sends beyond its quota until a person verifies the account.",
			atEnd, outboundSpam + "RefuseQuota", causeProof, verify, 0},
		{"outbound-spam-challenge", "Outlook.com asks svc to prove that it is a person.",
			atEnd, outboundSpam + "HipNotify", causeProof, verify, 0},
		{"outbound-spam-upgrade", "Outlook.com asks svc to verify the account before it may send more.",
			atEnd, outboundSpam + "ShowTierUpgrade", causeProof, verify, 0},
		{"submission-rate", "Exchange ends the session for sending too fast, in the words of one on premises.",
			atEnd, "421 4.4.2 Message submission rate for this client has exceeded the configured limit", causeTime, minute, time.Minute},
	}
	var scenarios []Scenario
	for _, r := range list {
		scenarios = append(scenarios, Scenario{Name: r.name, What: r.what, Meets: overSMTP, Mend: []Mend{r.mend},
			exchange: func(o *exchangeOptions) { o.Refusal = smtpRefusal{r.at, r.text, r.cause, r.ends} }})
	}
	return append(scenarios, Scenario{
		Name: "passwords-retired", Works: true, What: "Passwords are refused as announced for the day they are retired.", Meets: []string{KindBasic},
		exchange: func(o *exchangeOptions) {
			o.Refusal = smtpRefusal{at: atPassword, text: "550 5.7.30 Basic authentication is not supported for Client Submission."}
		},
	})
}

// submissionException begins what the mailbox server says of a message.
const submissionException = "STOREDRV.Submission.Exception:"

// outboundSpam begins what Outlook.com says to an account that looks like a
// spammer's; the verdict follows.
const outboundSpam = "554 5.2.0 " + submissionException + "OutboundSpamException; WASCL UserAction verdict is not None. Actual verdict is "

// refused returns what the scenario says at a step, or "".
func (s *smtpSession) refused(at step) string {
	if r := s.x.options().Refusal; r.at == at {
		return r.text
	}
	return ""
}
