package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// An AccessRule is a policy of Conditional Access, for everybody but those
// excluded.
type AccessRule struct {
	// Kind is one of the Rule constants.
	Kind     string
	Excluded []string // UPNs
}

// The kinds of policies.
const (
	RuleBlock         = "block"             // no sign-in at all
	RuleManagedDevice = "compliant-device"  // none from this device
	RuleFrequency     = "sign-in-frequency" // every time: no renewal of Exchange's tokens
	RuleBaseline      = "security-defaults" // security defaults find the sign-in unsafe

	ruleSMTP = "smtp" // Exchange's alone: no sign-in to SMTP
)

// ruled tells whether a policy of a kind holds for a user; call with the
// tenant's lock held.
func (t *Tenant) ruled(kind, upn string) bool {
	return slices.ContainsFunc(t.ConditionalAccess, func(r AccessRule) bool { return r.Kind == kind && !contains(r.Excluded, upn) })
}

// barred finds what keeps a user, who has proved the password, from app. The
// numbers and their meanings are documented; the sentences are from memory, and
// so is which error OAuth gets.
func (e *entra) barred(upn string, app *App) (why *refusal) {
	e.tenant.View(func(t *Tenant) {
		user, current := t.user(upn), t.app(app.ClientID)
		if user == nil || current == nil { // removed meanwhile, which others find
			return
		}
		switch {
		case user.Locked:
			why = refuse("invalid_grant", 50053, "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.")
		case user.PasswordExpired:
			why = refuse("invalid_grant", 50055, "The password is expired.")
			why.suberror = "user_password_expired"
		case t.ruled(RuleBaseline, user.UPN):
			why = refuse("invalid_grant", 530035, "Access has been blocked by security defaults. This is due to the request using legacy auth or being deemed unsafe by security defaults policies.")
		case t.ruled(RuleBlock, user.UPN):
			why = refuse("invalid_grant", 53003, "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.")
			why.suberror = "message_only"
		case t.ruled(RuleManagedDevice, user.UPN):
			why = refuse("invalid_grant", 53000, "Device is not in required device state: unknown. Conditional Access policy requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune.")
			why.suberror = "message_only"
		case current.AssignmentRequired && !contains(current.Assigned, user.UPN):
			why = refuse("invalid_grant", 50105, "Your administrator has configured the application %s ('%s') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '%s' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application.", current.Name, current.ClientID, user.UPN)
		case user.MFAUnregistered:
			why = refuse("interaction_required", 50079, "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '%s'.", exchangeApp)
			why.suberror = "basic_action"
		}
	})
	return why
}

// A renewalFault is what happened by the first time that Exchange's token is to be
// renewed.
type renewalFault int

const (
	renewalRevoked renewalFault = iota + 1
	renewalPasswordChanged
	renewalIdle
	renewalConsentGone
	renewalMFA
)

// newPassword is svc's where the scenario changes it.
const newPassword = "svc-password-2"

// befall does what a scenario has happen before a renewal of g.
func (e *entra) befall(g *grant) {
	fault, now := e.faults.renewal, e.now()
	e.faults.renewal = 0
	if fault == renewalIdle {
		e.idleBefore = now.Add(1)
	}
	e.tenant.Change(func(t *Tenant) {
		user := t.user(g.upn)
		if user == nil {
			return
		}
		switch fault {
		case renewalPasswordChanged:
			user.Password = newPassword
			t.RevokedBefore = now.Add(1)
		case renewalRevoked:
			t.RevokedBefore = now.Add(1)
		case renewalMFA:
			user.MFA = true
		case renewalConsentGone:
			without := func(list []string) []string {
				return slices.DeleteFunc(slices.Clone(list), func(id string) bool { return isSMTPSend(id) })
			}
			if user.Consented != nil {
				user.Consented[g.clientID] = without(user.Consented[g.clientID])
			}
			if app := t.app(g.clientID); app != nil {
				app.AdminConsented = without(app.AdminConsented)
			}
		}
	})
}

// tooSeldom is what a policy of sign-in frequency says to a renewal.
func tooSeldom(issued string) *refusal {
	return refuse("invalid_grant", 70043, "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on %s and the maximum allowed lifetime for this request is 0.", issued)
}

// idp is the claim that tells a guest's own organisation, "" for a member.
func (u *User) idp() string {
	if u.HomeTenant == "" {
		return ""
	}
	return fmt.Sprintf("https://sts.windows.net/%s/", strings.ToLower(u.HomeTenant))
}
