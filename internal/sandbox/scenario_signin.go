package sandbox

import "time"

// signInScenarios are those of a person's account at the sign-in.
func signInScenarios() []Scenario {
	signIn := func(name, what string, m Mend, tenant func(*Tenant)) Scenario {
		return Scenario{Name: name, What: what, Meets: people, Mend: []Mend{m}, tenant: tenant}
	}
	rule := func(kind string) func(*Tenant) {
		return func(t *Tenant) { t.ConditionalAccess = []AccessRule{{Kind: kind}} }
	}
	const svc = "svc@contoso.com"
	reset := mend("tenant/passwords", "user", svc, "password", "svc-password-1")
	list := []Scenario{
		{Name: "mfa", Works: true, What: "svc is asked for a code after the password.", Meets: people,
			tenant: ofSvc(func(u *User) { u.MFA, u.MFACode = true, "135790" })},
		signIn("mfa-not-registered", "svc has to register a second factor before the sign-in goes on.",
			mend("tenant/authentication-methods", "user", svc, "do", "add"),
			ofSvc(func(u *User) { u.MFAUnregistered, u.MFACode = true, "135790" })),
		signIn("user-disabled", "The account svc is disabled.",
			mend("tenant/sign-in", "user", svc, "do", "on"), ofSvc(func(u *User) { u.Disabled = true })),
		signIn("password-expired", "svc's password has expired.", reset, ofSvc(func(u *User) { u.PasswordExpired = true })),
		signIn("sign-in-locked", "svc is locked after too many wrong passwords.", reset, ofSvc(func(u *User) { u.Locked = true })),
		{Name: "user-not-assigned", What: "The enterprise applications require assignment, and svc is not assigned.", Meets: people,
			Mend:   mendApps(personApps, "assignments", "user", svc, "do", "add"),
			tenant: ofApps(personApps, func(a *App) { a.AssignmentRequired = true })},
		signIn("conditional-access-sign-in", "A Conditional Access policy blocks svc's sign-in.",
			mend("tenant/conditional-access", "policy", RuleBlock, "user", svc, "do", "exclude"), rule(RuleBlock)),
		signIn("managed-device-required", "A Conditional Access policy wants a compliant device, which this one is not.",
			mend("tenant/conditional-access", "policy", RuleManagedDevice, "user", svc, "do", "exclude"), rule(RuleManagedDevice)),
		signIn("security-defaults-sign-in", "Security defaults find svc's sign-in unsafe and block it.",
			mend("tenant/security-defaults", "do", "off"), rule(RuleBaseline)),
		{Name: "other-account-signed-in", What: "The browser is signed in as admin already, and the sign-in page goes on with that account without asking, unless the client has it ask for one.",
			Meets: people, Mend: []Mend{mend("tenant/browser", "do", "sign-out")}, SignIn: true, faults: tokenFaults{remembered: "admin@contoso.com"}},
		{Name: "signing-key-rotated", Works: true, What: "Every ID token is signed by a new key.", Meets: people,
			faults: tokenFaults{rotateKeys: true}},
	}
	return list
}

// tokenScenarios are those of tokens once somebody has signed in. Access tokens
// are good for 60 seconds where something happens at their renewal.
func tokenScenarios() []Scenario {
	short := func(t *Tenant) { t.AccessTokenLifetime = time.Minute }
	renewal := func(name, what string, fault renewalFault) Scenario {
		return Scenario{Name: name, What: what, Meets: []string{KindDesktop, KindWeb, KindDevice}, SignIn: true, tenant: short, faults: tokenFaults{renewal: fault}}
	}
	mfa := renewal("mfa-at-renewal", "After the sign-in, svc is to use a second factor, as the first renewal of the SMTP token finds; a new sign-in works.", renewalMFA)
	mfa.tenant = func(t *Tenant) { short(t); t.user("svc@contoso.com").MFACode = "135790" }
	return []Scenario{
		{Name: "token-short-lived", Works: true, What: "Access tokens are good for 60 seconds.", Meets: tokens, tenant: short},
		renewal("refresh-revoked", "After the sign-in, the first renewal of the SMTP token finds the sign-in revoked; a new sign-in works.", renewalRevoked),
		renewal("password-changed", "After the sign-in, svc's password is changed to "+newPassword+", as the first renewal of the SMTP token finds; a new sign-in with it works.", renewalPasswordChanged),
		renewal("refresh-expired", "After the sign-in, the first renewal of the SMTP token comes as after 90 idle days; a new sign-in works.", renewalIdle),
		renewal("consent-revoked", "After the sign-in, the consent to SMTP.Send is taken back, as the first renewal of the SMTP token finds; a new sign-in asks for it again.", renewalConsentGone),
		mfa,
		{Name: "sign-in-frequency", What: "A Conditional Access policy wants a sign-in every time, so no SMTP token can be renewed.", Meets: []string{KindDesktop, KindWeb, KindDevice},
			Mend: []Mend{mend("tenant/conditional-access", "policy", RuleFrequency, "user", "svc@contoso.com", "do", "exclude")},
			tenant: func(t *Tenant) {
				short(t)
				t.ConditionalAccess = []AccessRule{{Kind: RuleFrequency}}
			}},
		{Name: "throttled-token-endpoint", Works: true, What: "The token endpoint answers 429 with Retry-After twice, then works.", Meets: tokens,
			Mend: []Mend{mend("tenant/time", "passes", "1m")}, faults: tokenFaults{throttled: 2}},
	}
}
