package sandbox

import (
	"errors"
)

var userField = portalField{Name: "user", Label: "User", Example: "svc@contoso.com"}

// peopleActions are those on accounts and on who may sign in.
var peopleActions = []portalAction{
	{"sign-in", "Active users: block sign-in, or unblock it", []portalField{userField, onOrOff},
		func(c *portalChange) error {
			c.lift(causeSignIn)
			return c.user(func(u *User) error { u.Disabled = c.value("do") == "off"; return nil })
		}},
	{"passwords", "Active users: reset password, which also unlocks the account", []portalField{
		userField, {Name: "password", Label: "New password", Example: "svc-password-1"},
	}, func(c *portalChange) error {
		c.lift(causePasswords)
		return c.user(func(u *User) error {
			u.Password, u.PasswordExpired, u.Locked = c.value("password"), false, false
			return nil
		})
	}},
	{"authentication-methods", "Authentication methods: a second factor is registered, with the code 135790 unless the user has one", []portalField{userField, addOrRemove},
		func(c *portalChange) error {
			return c.user(func(u *User) error {
				if u.MFA = c.adds(); u.MFA && u.MFACode == "" {
					u.MFACode = "135790"
				}
				u.MFAUnregistered = !c.adds()
				return nil
			})
		}},
	{"conditional-access", "Conditional Access: exclude a user from a policy, or include everybody again", []portalField{
		{Name: "policy", Label: "Policy", Options: []string{RuleBlock, RuleManagedDevice, RuleFrequency, ruleSMTP}}, userField,
		{Name: "do", Label: "Do", Options: []string{"exclude", "include"}},
	}, (*portalChange).conditionalAccess},
	{"user-consent", "Consent and permissions: users may consent to applications", []portalField{onOrOff},
		func(c *portalChange) error { c.t.UserConsentDisabled = c.value("do") == "off"; return nil }},
	{"browser", "The browser: sign out of the account that it remembers", []portalField{{Name: "do", Label: "Do", Options: []string{"sign-out"}}},
		func(c *portalChange) error {
			c.later(func(s *Sandbox) error {
				s.entra.mend(func(f *tokenFaults) { f.remembered = "" })
				return nil
			})
			return nil
		}},
	{"account-verification", "The account's own pages: a person verifies it", []portalField{userField, {Name: "do", Label: "Do", Options: []string{"verify"}}},
		func(c *portalChange) error { c.lift(causeProof); return c.user(func(*User) error { return nil }) }},
}

// registrationActions are those on what a person signs in to.
var registrationActions = []portalAction{
	{"redirect-urls", "Authentication: redirect URIs", []portalField{
		{Name: "url", Label: "Redirect URI", Example: "http://localhost"},
		{Name: "platform", Label: "Platform", Options: []string{string(PublicClient), string(Web), string(SPA)}}, addOrRemove,
	}, (*portalChange).redirectURL},
	{"public-client-flows", "Authentication: allow public client flows", []portalField{onOrOff},
		func(c *portalChange) error { c.app.AllowPublicFlows = c.value("do") == "on"; return nil }},
	{"account-types", "Authentication: supported account types", []portalField{
		{Name: "types", Label: "Accounts in", Options: []string{"this-organization", "any-organization"}},
	}, func(c *portalChange) error { c.app.SingleTenant = c.value("types") == "this-organization"; return nil }},
	{"assignment", "Enterprise application: assignment required", []portalField{onOrOff},
		func(c *portalChange) error { c.app.AssignmentRequired = c.value("do") == "on"; return nil }},
	{"assignments", "Enterprise application: users and groups", []portalField{userField, addOrRemove},
		func(c *portalChange) error {
			return c.user(func(u *User) error {
				c.app.Assigned = edited(c.app.Assigned, u.UPN, c.adds())
				return nil
			})
		}},
}

// user does something to the user that the form names.
func (c *portalChange) user(do func(*User) error) error {
	user := c.t.user(c.value("user"))
	if user == nil {
		return notFound("user", c.value("user"))
	}
	return do(user)
}

// lift has the refusal of a cause end once the change is made.
func (c *portalChange) lift(why cause) {
	c.later(func(s *Sandbox) error { s.exchange.lift(why, 0); return nil })
}

func (c *portalChange) conditionalAccess() error {
	if c.value("policy") == ruleSMTP {
		if c.value("do") == "include" {
			return errors.New("the policy for SMTP can only be left: start the scenario conditional-access-policy to have it")
		}
		c.lift(causePolicy)
	}
	return c.user(func(u *User) error {
		rules := make([]AccessRule, len(c.t.ConditionalAccess))
		for i, r := range c.t.ConditionalAccess {
			if r.Kind == c.value("policy") {
				r.Excluded = edited(r.Excluded, u.UPN, c.value("do") == "exclude")
			}
			rules[i] = r
		}
		c.t.ConditionalAccess = rules
		return nil
	})
}

func (c *portalChange) redirectURL() error {
	uri := c.value("url")
	if !acceptableRedirect(uri) {
		return errors.New("the redirect URI begins with https://, or with http://localhost")
	}
	redirects := c.app.clone().Redirects
	if delete(redirects, uri); c.adds() {
		redirects[uri] = Platform(c.value("platform"))
	}
	c.app.Redirects = redirects
	return nil
}
