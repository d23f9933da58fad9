package mailer

// A row is one scenario as some kinds of accounts meet it, and what check says.
type row struct {
	scenario string
	kinds    string // between spaces
	// fails is the check that fails and its finding, "" where all pass.
	fails string
	// warns are those that warn, each with its finding, between commas.
	warns string
	// page is the finding of what the sign-in showed, in the browser or as its
	// error; "" where the person gets in.
	page string
	mend mending
	// left are the warnings once it is mended.
	left string
	// sender is the address in From, where it is not the username.
	sender string
	// later has it come about after a sign-in that went well.
	later bool
}

// A mending is how what is broken is put right.
type mending int

const (
	nothing  mending = iota // it works
	script                  // the printed PowerShell, in the sandbox's console
	edit                    // the printed traymail account edit, with the right value
	inFile                  // the printed value, in the account's file
	login                   // the printed traymail login
	atPortal                // what the printed fix names, by hand
	waiting                 // it ends by itself
	newWay                  // nothing brings it back; another sign-in is chosen
)

const (
	person = "desktop"
	app    = "application"
	both   = "desktop application"
	desk   = "desktop graph"
	alone  = "application graph-application"
	every  = "desktop graph application graph-application"
)

const fromInvoices, fromAlerts = "invoices@contoso.com", "alerts@contoso.com"

// rows are the table.
var rows = []row{
	{scenario: "default", kinds: "desktop web graph application graph-application"},
	{scenario: "gcc-high", kinds: both},
	{scenario: "dod", kinds: both},
	{scenario: "21vianet", kinds: both},
	{scenario: "outlook.com", kinds: person},
	{scenario: "google", kinds: person},

	{scenario: "smtp-port-refused", kinds: both, fails: "port connection-refused", mend: atPortal},
	{scenario: "smtp-port-silent", kinds: person, fails: "tls connection-timed-out", mend: atPortal},
	{scenario: "smtp-port-reset", kinds: person, fails: "port connection-reset", mend: atPortal},
	{scenario: "starttls-stripped", kinds: person, fails: "tls starttls-missing", mend: atPortal},
	{scenario: "tls-old", kinds: person, fails: "tls tls-version", mend: atPortal},
	{scenario: "tls-inspection", kinds: person, fails: "tls certificate-inspected", mend: atPortal},
	{scenario: "tls-inspection-trusted", kinds: person, warns: "tls certificate-inspected", mend: atPortal},
	{scenario: "certificate-expired", kinds: person, fails: "tls certificate-expired", mend: atPortal},
	{scenario: "certificate-self-signed", kinds: person, fails: "tls certificate-unknown-authority", mend: atPortal},
	{scenario: "certificate-wrong-host", kinds: person, fails: "tls certificate-wrong-name", mend: atPortal},
	{scenario: "sign-in-port-refused", kinds: both, fails: "authority connection-refused", mend: atPortal},
	{scenario: "sign-in-html", kinds: both, fails: "authority proxy-page", mend: atPortal},
	{scenario: "token-endpoint-html", kinds: person, fails: "token-smtp proxy-page", page: "proxy-page", mend: atPortal},
	{scenario: "token-endpoint-html", kinds: "graph", fails: "token-graph proxy-page", page: "proxy-page", mend: atPortal},
	{scenario: "token-endpoint-html", kinds: app, fails: "token-smtp proxy-page", mend: atPortal},
	{scenario: "clock-off", kinds: every, fails: "clock clock-wrong", mend: atPortal},
	{scenario: "clock-ahead", kinds: every, fails: "clock clock-wrong", mend: atPortal},

	{scenario: "no-pipelining", kinds: person},
	{scenario: "no-chunking", kinds: person},
	{scenario: "no-8bitmime", kinds: person},
	{scenario: "challenge-334", kinds: person},
	{scenario: "tarpit", kinds: person},
	{scenario: "unpaced", kinds: person},
	{scenario: "rate-exceeded", kinds: person, warns: "test-email submission-rate", mend: waiting},
	{scenario: "size-limit-small", kinds: person},
	{scenario: "concurrency-limit", kinds: person},

	{scenario: "tenant-unknown", kinds: both, fails: "authority tenant-unknown", mend: edit},
	{scenario: "single-tenant-on-common", kinds: desk, fails: "client-id single-tenant-app", mend: edit},
	{scenario: "client-id-unknown", kinds: every, fails: "client-id app-not-in-tenant", mend: edit},
	{scenario: "object-id-as-client-id", kinds: every, fails: "client-id app-not-in-tenant", mend: edit},
	{scenario: "secret-id-as-secret", kinds: "web application graph-application", fails: "credential secret-is-an-id", mend: edit},
	{scenario: "secret-wrong", kinds: "web application graph-application", fails: "credential secret-wrong", mend: edit},
	{scenario: "secret-missing", kinds: "web", fails: "token-smtp secret-missing", page: "secret-missing", mend: edit},
	{scenario: "public-client-with-secret", kinds: person, fails: "credential public-client-sent-secret", page: "public-client-sent-secret", mend: edit},
	{scenario: "username-renamed", kinds: person, fails: "token-smtp other-account-signed-in", mend: edit},
	{scenario: "username-renamed", kinds: app, fails: "accepted app-not-admitted", mend: edit},
	{scenario: "username-alias", kinds: person, fails: "token-smtp other-account-signed-in", mend: edit},
	{scenario: "username-alias", kinds: app, fails: "accepted app-not-admitted", mend: edit},
	{scenario: "guest-account", kinds: desk, fails: "identity guest-account", mend: edit},
	{scenario: "user-unknown", kinds: person, fails: "token-smtp other-account-signed-in", mend: edit},
	{scenario: "user-unknown", kinds: "graph", fails: "token-graph other-account-signed-in", mend: edit},
	{scenario: "user-unknown", kinds: app, fails: "accepted app-not-admitted", mend: edit},
	{scenario: "user-unknown", kinds: "graph-application", fails: "test-email no-such-mailbox", mend: edit},
	{scenario: "username-shared", kinds: person, fails: "token-smtp other-account-signed-in", mend: edit},
	{scenario: "scope-for-graph", kinds: person, fails: "configuration settings-invalid", mend: inFile},
	{scenario: "scope-for-graph-application", kinds: app, fails: "configuration settings-invalid", mend: inFile},
	{scenario: "scope-invalid", kinds: person, fails: "token-smtp scope-invalid", page: "scope-invalid", mend: edit},
	{scenario: "smtp-host-unknown", kinds: both, fails: "name-resolution dns-not-found", mend: edit},
	{scenario: "authority-unknown", kinds: every, fails: "name-resolution dns-not-found", mend: edit},

	{scenario: "redirect-not-registered", kinds: "desktop web graph", fails: "redirect-url redirect-url-not-registered", page: "redirect-url-not-registered", mend: atPortal},
	{scenario: "redirect-is-spa", kinds: person, fails: "token-smtp spa-token-expired", page: "spa-token-expired", mend: atPortal},
	{scenario: "redirect-is-web", kinds: person, fails: "token-smtp secret-missing", page: "secret-missing", mend: atPortal},
	{scenario: "public-flows-off", kinds: "device", fails: "token-smtp secret-missing", page: "secret-missing", mend: atPortal},
	{scenario: "secret-expired", kinds: "web", fails: "credential secret-expired", page: "secret-expired", mend: edit},
	{scenario: "secret-expires-soon", kinds: "web", warns: "credential secret-expires-soon", mend: edit},
	{scenario: "client-disabled", kinds: desk, fails: "client-id app-disabled", page: "app-disabled", mend: script},
	{scenario: "client-disabled", kinds: person, later: true, fails: "client-id app-disabled", mend: script},
	{scenario: "permission-not-registered", kinds: person, fails: "token-smtp permission-not-registered", page: "permission-not-registered", mend: atPortal},
	{scenario: "consent-without-permission", kinds: person, fails: "token-smtp permission-not-registered", page: "permission-not-registered", mend: atPortal},
	{scenario: "consent-required", kinds: person, fails: "token-smtp not-signed-in", page: "admin-consent-required", mend: atPortal},
	{scenario: "consent-without-smtp", kinds: person, fails: "token-smtp not-signed-in", page: "admin-consent-required", mend: atPortal},
	{scenario: "consent-without-offline-access", kinds: person, fails: "token-smtp not-signed-in", page: "admin-consent-required", mend: atPortal},
	{scenario: "graph-permission-missing", kinds: "graph", fails: "token-graph permission-not-registered", page: "permission-not-registered", mend: atPortal},
	{scenario: "graph-shared-missing", kinds: "graph", fails: "token-graph permission-not-registered", page: "permission-not-registered", mend: atPortal, sender: fromInvoices},
	{scenario: "user-read-missing", kinds: person, fails: "token-smtp permission-not-registered", page: "permission-not-registered", mend: atPortal},

	{scenario: "mfa", kinds: desk},
	{scenario: "mfa-not-registered", kinds: person, fails: "token-smtp not-signed-in", page: "mfa-registration-required", mend: atPortal},
	{scenario: "user-disabled", kinds: person, fails: "token-smtp not-signed-in", page: "user-disabled", mend: atPortal},
	{scenario: "user-disabled", kinds: person, later: true, fails: "token-smtp user-disabled", mend: script},
	{scenario: "user-disabled", kinds: "graph", later: true, fails: "token-graph user-disabled", mend: script},
	{scenario: "password-expired", kinds: person, fails: "token-smtp not-signed-in", page: "password-expired", mend: atPortal},
	{scenario: "sign-in-locked", kinds: person, fails: "token-smtp not-signed-in", page: "sign-in-locked", mend: atPortal},
	{scenario: "user-not-assigned", kinds: person, fails: "token-smtp not-signed-in", page: "user-not-assigned", mend: atPortal},
	{scenario: "conditional-access-sign-in", kinds: person, fails: "token-smtp not-signed-in", page: "conditional-access", mend: atPortal},
	{scenario: "conditional-access-sign-in", kinds: "graph", later: true, fails: "token-graph conditional-access", mend: atPortal},
	{scenario: "conditional-access-sign-in", kinds: person, later: true, fails: "token-smtp conditional-access", mend: atPortal},
	{scenario: "managed-device-required", kinds: person, fails: "token-smtp not-signed-in", page: "managed-device-required", mend: atPortal},
	{scenario: "managed-device-required", kinds: person, later: true, fails: "token-smtp managed-device-required", mend: atPortal},
	{scenario: "security-defaults-sign-in", kinds: person, fails: "token-smtp not-signed-in", page: "security-defaults", mend: atPortal},
	{scenario: "security-defaults-sign-in", kinds: person, later: true, fails: "token-smtp security-defaults", mend: atPortal},
	{scenario: "other-account-signed-in", kinds: person, fails: "token-smtp other-account-signed-in", page: "other-account-signed-in", mend: atPortal},
	{scenario: "other-account-signed-in", kinds: "graph", fails: "token-graph other-account-signed-in", page: "other-account-signed-in", mend: atPortal},
	{scenario: "signing-key-rotated", kinds: person},

	{scenario: "token-short-lived", kinds: both},
	{scenario: "refresh-revoked", kinds: person, fails: "token-smtp sign-in-revoked", mend: login},
	{scenario: "password-changed", kinds: person, fails: "token-smtp sign-in-revoked", mend: login},
	{scenario: "refresh-expired", kinds: person, fails: "token-smtp sign-in-expired", mend: login},
	{scenario: "consent-revoked", kinds: person, fails: "token-smtp consent-missing", mend: login},
	{scenario: "mfa-at-renewal", kinds: person, fails: "token-smtp mfa-required", mend: login},
	{scenario: "sign-in-frequency", kinds: person, fails: "token-smtp sign-in-frequency", mend: atPortal},
	{scenario: "throttled-token-endpoint", kinds: both},

	{scenario: "app-no-permission", kinds: app, fails: "claims app-permission-missing", mend: atPortal},
	{scenario: "app-no-permission", kinds: "graph-application", fails: "test-email graph-app-permission-missing", warns: "token-graph graph-app-permission-missing", mend: atPortal},
	{scenario: "app-no-consent", kinds: app, fails: "claims app-permission-missing", mend: atPortal},
	{scenario: "app-no-consent", kinds: "graph-application", fails: "test-email graph-app-permission-missing", warns: "token-graph graph-app-permission-missing", mend: atPortal},
	{scenario: "app-consent-without-permission", kinds: alone},
	{scenario: "app-secret-expired", kinds: alone, fails: "credential secret-expired", mend: edit},
	{scenario: "app-secret-expires-soon", kinds: app, warns: "credential secret-expires-soon", mend: edit},
	{scenario: "app-certificate-missing", kinds: app, fails: "credential certificate-not-registered", mend: atPortal},
	{scenario: "app-certificate-expired", kinds: app, fails: "credential certificate-not-registered", mend: atPortal},
	{scenario: "app-disabled", kinds: alone, fails: "client-id app-disabled", mend: script},
	{scenario: "app-no-service-principal", kinds: app, fails: "accepted app-not-admitted", mend: script},
	{scenario: "app-wrong-object-id", kinds: app, fails: "accepted app-not-admitted", mend: script},
	{scenario: "app-no-full-access", kinds: app, fails: "accepted app-not-admitted", mend: script},
	{scenario: "app-full-access-elsewhere", kinds: app, fails: "accepted app-not-admitted", mend: script},
	{scenario: "app-rbac", kinds: app, warns: "claims app-permission-missing"},
	{scenario: "app-rbac-out-of-scope", kinds: app, fails: "claims app-permission-missing", mend: atPortal, left: "claims app-permission-missing"},
	{scenario: "federated-credential", kinds: app},
	{scenario: "federated-mismatch", kinds: app, fails: "credential federated-mismatch", mend: atPortal},

	{scenario: "no-licence", kinds: person, fails: "accepted no-licence", warns: "licence no-licence", mend: atPortal},
	{scenario: "no-licence", kinds: "graph", fails: "test-email no-licence", warns: "licence no-licence", mend: atPortal},
	{scenario: "no-licence", kinds: app, fails: "accepted app-not-admitted", mend: atPortal},
	{scenario: "no-licence", kinds: "graph-application", fails: "test-email mailbox-not-in-cloud", mend: atPortal},
	{scenario: "smtp-auth-off-tenant", kinds: "desktop application password", fails: "smtp-auth smtp-auth-off-tenant", mend: script},
	{scenario: "smtp-auth-off-mailbox", kinds: "desktop application password", fails: "smtp-auth smtp-auth-off-mailbox", mend: script},
	{scenario: "smtp-auth-off-both", kinds: "desktop application password", fails: "smtp-auth smtp-auth-off-mailbox", mend: script},
	{scenario: "smtp-auth-off-tenant-on-mailbox", kinds: "desktop application password"},
	{scenario: "security-defaults", kinds: "password", fails: "accepted security-defaults", mend: atPortal},
	{scenario: "basic-auth-allowed", kinds: "password"},
	{scenario: "send-as-missing", kinds: every, fails: "send-as send-as-denied", mend: script, sender: fromInvoices},
	{scenario: "send-on-behalf-missing", kinds: desk, fails: "send-as send-as-denied", mend: script, sender: fromAlerts},
	{scenario: "full-access-without-send-as", kinds: every, fails: "send-as send-as-denied", mend: script, sender: fromInvoices},
	{scenario: "full-access-without-send-on-behalf", kinds: desk, fails: "send-as send-as-denied", mend: script, sender: fromAlerts},
	{scenario: "send-on-behalf-without-send-as", kinds: app, fails: "send-as send-as-denied", mend: script, sender: fromInvoices},
	{scenario: "send-on-behalf-without-send-as", kinds: desk, sender: fromInvoices},
	{scenario: "send-as-without-send-on-behalf", kinds: desk, sender: fromAlerts},
	{scenario: "propagation-send-as", kinds: every, fails: "send-as send-as-denied", mend: waiting, sender: fromInvoices},
	{scenario: "propagation-send-on-behalf", kinds: desk, fails: "send-as send-as-denied", mend: waiting, sender: fromAlerts},
	{scenario: "propagation-smtp-auth", kinds: both, fails: "smtp-auth smtp-auth-off-tenant", mend: waiting},
	{scenario: "propagation-application", kinds: app, fails: "accepted app-not-admitted", mend: waiting},

	{scenario: "graph-large", kinds: "graph graph-application"},
	{scenario: "graph-no-consent", kinds: "graph-application", fails: "test-email graph-app-permission-missing", warns: "token-graph graph-app-permission-missing", mend: atPortal},
	{scenario: "graph-access-policy", kinds: "graph-application", fails: "test-email graph-access-policy", mend: atPortal},
	{scenario: "graph-rbac", kinds: "graph-application", warns: "token-graph graph-app-permission-missing"},
	{scenario: "graph-rbac-out-of-scope", kinds: "graph-application", fails: "test-email graph-app-permission-missing", warns: "token-graph graph-app-permission-missing", mend: atPortal, left: "token-graph graph-app-permission-missing"},
	{scenario: "graph-throttled", kinds: "graph graph-application"},
	{scenario: "graph-unavailable", kinds: "graph graph-application", fails: "test-email graph-unavailable", mend: waiting},
	{scenario: "graph-200", kinds: "graph-application", warns: "test-email unknown-outcome", mend: waiting},
	{scenario: "graph-silent", kinds: "graph-application", warns: "test-email unknown-outcome", mend: waiting},

	{scenario: "account-locked", kinds: both, fails: "accepted account-locked", mend: atPortal},
	{scenario: "account-has-an-issue", kinds: person, fails: "accepted account-has-an-issue", mend: atPortal},
	{scenario: "conditional-access-policy", kinds: both, fails: "accepted policy-refused", mend: atPortal},
	{scenario: "federation-unreachable", kinds: person, fails: "accepted federation-unreachable", mend: atPortal},
	{scenario: "federation-without-https", kinds: person, fails: "accepted federation-without-https", mend: atPortal},
	{scenario: "server-error", kinds: person, fails: "test-email server-error", mend: waiting},
	{scenario: "service-unavailable", kinds: person, fails: "test-email service-unavailable", mend: waiting},
	{scenario: "sender-not-permitted", kinds: person, fails: "send-as send-as-denied", mend: script, sender: fromInvoices},
	{scenario: "send-as-denied", kinds: person, fails: "send-as send-as-denied", mend: script, sender: fromInvoices},
	{scenario: "too-large-converted", kinds: both, fails: "test-email too-large-converted", mend: script},
	{scenario: "mailbox-full", kinds: person, fails: "test-email mailbox-full", mend: atPortal},
	{scenario: "recipient-quota", kinds: person, fails: "test-email recipient-quota", mend: waiting},
	{scenario: "trial-quota", kinds: person, fails: "test-email trial-quota", mend: waiting},
	{scenario: "tenant-quota", kinds: person, fails: "test-email tenant-quota", mend: waiting},
	{scenario: "sender-blocked", kinds: person, fails: "test-email sender-blocked", mend: atPortal},
	{scenario: "sender-banned", kinds: person, fails: "test-email sender-banned", mend: atPortal},
	{scenario: "tenant-block-list", kinds: person, fails: "test-email tenant-block-list", mend: atPortal},
	{scenario: "tenant-blocked", kinds: person, fails: "test-email tenant-blocked", mend: atPortal},
	{scenario: "outbound-spam", kinds: person, fails: "test-email outlook-suspended", mend: atPortal},
	{scenario: "outbound-spam-quota", kinds: person, fails: "test-email outlook-suspended", mend: atPortal},
	{scenario: "outbound-spam-challenge", kinds: person, fails: "test-email outlook-suspended", mend: atPortal},
	{scenario: "outbound-spam-upgrade", kinds: person, fails: "test-email outlook-suspended", mend: atPortal},
	{scenario: "submission-rate", kinds: person, fails: "test-email submission-rate", mend: waiting},
	{scenario: "passwords-retired", kinds: "password", fails: "accepted basic-auth-disabled", mend: newWay},
}
