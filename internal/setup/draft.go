package setup

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
)

// The steps of a setup, in order.
const (
	StepMethod       = "method"
	StepAddresses    = "addresses"
	StepRegistration = "registration"
	StepSignIn       = "sign-in"
	StepChecks       = "checks"
	StepDone         = "done"
)

// Order returns the steps of a setup.
func Order() []string {
	return []string{StepMethod, StepAddresses, StepRegistration, StepSignIn, StepChecks, StepDone}
}

// A Draft is an unfinished setup, whole but for its secret. The zero Draft is
// none.
type Draft struct {
	Step    string          `json:"step"` // where the person is, "" at the beginning
	Method  string          `json:"method,omitempty"`
	Guide   string          `json:"guide,omitempty"` // "" when none was followed
	Account account.Account `json:"account"`
	// Ticks are the steps at the provider that were ticked off, by their IDs.
	Ticks map[string]bool `json:"ticks,omitempty"`
	// HasSecret says that the secret is kept in the keystore.
	HasSecret bool `json:"has_secret,omitempty"`
	// SignedIn is what SignInKey was when the account signed in.
	SignedIn string `json:"signed_in,omitempty"`
	// Tested says that a test email was taken by the server.
	Tested bool `json:"tested,omitempty"`
	// Client is the client that was made for the tool, "" before.
	Client string `json:"client,omitempty"`
	Done   bool   `json:"done,omitempty"`
}

// Empty reports whether there is no draft.
func (d Draft) Empty() bool { return d.Step == "" && d.Method == "" }

// SignInKey is a short hash of what a sign-in depends on: while it stays the
// same, nobody has to sign in again.
func SignInKey(a account.Account) string {
	parts := []string{a.ID, a.Provider, string(a.SignIn), strings.ToLower(a.Username), strings.ToLower(a.Tenant), strings.ToLower(a.ClientID), string(a.Registration), a.RedirectURL,
		string(a.Transport), a.SMTPScope, a.GraphScope, a.AuthorityURL, a.AuthorizeURL, a.TokenURL}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// IsSignedIn reports whether the sign-in that was done still holds for the
// account as it is now.
func (d Draft) IsSignedIn() bool {
	return d.SignedIn != "" && d.SignedIn == SignInKey(d.Account)
}

// NeedsSignIn reports whether a person has to sign in now.
func (d Draft) NeedsSignIn() bool {
	return d.Account.SignIn == account.BrowserSignIn && !d.IsSignedIn()
}

// Next returns the step behind the present one; a sign-in that is not needed, or
// was done, is passed. Behind the last it is the last.
func (d Draft) Next() string {
	all := Order()
	i := min(slices.Index(all, d.step())+1, len(all)-1)
	if all[i] == StepSignIn && !d.NeedsSignIn() {
		i++
	}
	return all[i]
}

// Back returns the step before the present one. It is never the sign-in: who goes
// back wants to change what stands before it, and going on signs in again only
// when that changed.
func (d Draft) Back() string {
	all := Order()
	i := max(slices.Index(all, d.step())-1, 0)
	if all[i] == StepSignIn {
		i--
	}
	return all[i]
}

func (d Draft) step() string {
	if slices.Contains(Order(), d.Step) {
		return d.Step
	}
	return StepMethod
}

// Resume returns the step at which to go on with a draft: its own, or the first
// before it that misses something.
func (d Draft) Resume() string {
	for _, s := range Order() {
		at := d
		at.Step = s
		switch {
		case s == d.step():
			if s == StepSignIn && !d.NeedsSignIn() {
				return StepChecks
			}
			return s
		case s == StepSignIn && d.NeedsSignIn(), len(at.Missing(time.Time{})) > 0:
			return s
		}
	}
	return StepMethod
}

// Missing returns the fields of the present step that are missing or cannot stay
// as they are, nil when the person may go on. At StepMethod that is "method".
func (d Draft) Missing(now time.Time) []string {
	a := d.Account
	var missing []string
	address := func(field, value string, needed bool) {
		if value == "" && !needed {
			return
		}
		if AddressProblem(value) != "" {
			missing = append(missing, field)
		}
	}
	field := func(name, value string, needed bool) {
		wrong := slices.ContainsFunc(Mistakes(name, value, Context{Account: a, Now: now}), func(m Mistake) bool { return m.Certain })
		if value == "" && needed || wrong {
			missing = append(missing, name)
		}
	}
	switch d.step() {
	case StepMethod:
		if _, ok := MethodByID(d.Method); !ok {
			missing = append(missing, "method")
		}
	case StepAddresses:
		if a.SignIn != account.AppOnly && !(a.SignIn == account.PasswordSignIn && a.Provider == account.Custom && a.Username != "") {
			address(Username, a.Username, true)
		}
		address(Sender, a.Sender, true)
		address(TestTo, a.TestTo, false) // without one it goes to the sender
		if a.Provider == account.Custom && a.SMTPHost == "" {
			missing = append(missing, SMTPHost)
		}
	case StepRegistration:
		if a.SignIn != account.PasswordSignIn {
			field(ClientID, a.ClientID, true)
			field(Tenant, a.Tenant, a.HasEntra())
			field(RedirectURL, a.RedirectURL, a.SignIn == account.BrowserSignIn)
			field(ObjectID, a.ObjectID, false)
			field(SecretExpires, a.SecretExpires, false)
		}
		if NeedsSecret(a) && !d.HasSecret {
			missing = append(missing, Secret)
		}
	}
	return missing
}

// NeedsSecret reports whether the account proves itself with a client secret, a
// certificate or a password that a person gives.
func NeedsSecret(a account.Account) bool {
	return a.HasClientSecret() || a.SignIn == account.PasswordSignIn || a.SignIn == account.AppOnly && a.Credential == account.CertificateCredential
}
