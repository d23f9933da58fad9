package checks

// What follows stands in for the catalogue of refusals.

func ofEntra(number int) string {
	switch number {
	case 16000, 50020, 90072:
		return "account-of-another-tenant"
	case 500011, 650052:
		return "exchange-not-in-tenant"
	case 50057:
		return "user-disabled"
	case 50072, 50079:
		return "mfa-registration-required"
	case 50074, 50076, 50078:
		return "mfa-required"
	case 50132, 50133, 50173:
		return "sign-in-revoked"
	case 50194:
		return "single-tenant-app"
	case 53003, 530032:
		return "conditional-access"
	case 65001:
		return "consent-missing"
	case 70000:
		return "invalid-grant"
	case 70001, 7000112:
		return "app-disabled"
	case 70002, 7000215:
		return "secret-wrong"
	case 7000222:
		return "secret-expired"
	case 700016:
		return "app-not-in-tenant"
	case 700025:
		return "public-client-sent-secret"
	case 7000218:
		return "secret-missing"
	case 700027:
		return "certificate-not-registered"
	case 700082:
		return "sign-in-expired"
	case 700084:
		return "spa-token-expired"
	case 90055:
		return "entra-throttled"
	case 70025, 700211, 700212, 700213:
		return "federated-mismatch"
	}
	return ""
}

func ofOAuth(code string) string {
	switch code {
	case "invalid_grant":
		return "invalid-grant"
	}
	return ""
}

func ofReply(text string) string {
	for _, known := range [][2]string{
		{"SmtpClientAuthentication is disabled for the Tenant", "smtp-auth-off-tenant"},
		{"SmtpClientAuthentication is disabled for the Mailbox", "smtp-auth-off-mailbox"},
		{"basic authentication is disabled", "basic-auth-disabled"},
		{"5.7.30", "basic-auth-disabled"},
		{"did not meet the criteria", "policy-refused"},
		{"user credentials were incorrect", "password-refused"},
		{"account has an issue", "account-has-an-issue"},
		{"account locked", "account-locked"},
		{"security defaults policy", "security-defaults"},
		{"5.7.3 ", "identity-refused"},
		{"432 4.3.2", "too-many-connections"},
		{"SendAsDenied", "send-as-denied"}, {"5.7.60", "send-as-denied"},
		{"SubmissionQuotaExceeded", "recipient-quota"},
		{"QuotaExceeded", "mailbox-full"},
		{"5.1.8 ", "sender-blocked"},
		{"4.7.0", "server-error"},
	} {
		if has(text, known[0]) {
			return known[1]
		}
	}
	return ""
}

func ofGraph(status int, code, message string) string {
	switch {
	case code == "ErrorSendAsDenied":
		return "send-as-denied"
	case code == "ErrorAccessDenied" && has(message, "OData is disabled"):
		return "graph-access-policy"
	case code == "ErrorAccessDenied", code == "Authorization_RequestDenied":
		return "graph-permission-missing"
	case code == "MailboxNotEnabledForRESTAPI":
		return "mailbox-not-in-cloud"
	case code == "InvalidAuthenticationToken":
		return "token-wrong-audience"
	case code == "ErrorInvalidUser":
		return "no-such-mailbox"
	case status == 429:
		return "graph-throttled"
	case status >= 500:
		return "graph-unavailable"
	}
	return ""
}

func ofNetwork(error) string { return "connection-reset" }
