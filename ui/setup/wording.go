package setup

import (
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/setup"
	"traymail/ui/words"
)

// keyOf is an ID as it stands in the keys of texts.
func keyOf(id string) string { return strings.ReplaceAll(id, ".", "-") }

func takenNote(name string) Note {
	return Note{Whole: words.Say("setup.name_taken", words.Data{"Name": name})}
}

// labelOf is a field's name: the followed guide's own word, where it has one.
func labelOf(f Field, s State) string {
	if word := s.Guide().Word(f); word != "" {
		return word
	}
	a := s.Draft.Account
	switch {
	case f == setup.Secret && a.SignIn == account.PasswordSignIn:
		return words.Say("setup.label_password")
	case f == setup.Secret && s.Certified():
		return words.Say("setup.label_certificate")
	case f == setup.Sender && a.SignIn == account.AppOnly:
		return words.Say("setup.label_mailbox")
	case f == setup.ClientID && !a.HasEntra():
		return words.Say("setup.label_client_id_elsewhere")
	}
	return words.Say("setup.label_" + f)
}

// hintOf says in a line what a field is for.
func hintOf(f Field, s State) string {
	a := s.Draft.Account
	switch f {
	case setup.Username:
		if a.SignIn == account.PasswordSignIn && a.Provider == account.Custom {
			return words.Say("setup.hint_username_any")
		}
		return recognised(a)
	case setup.Sender:
		if a.SignIn == account.AppOnly {
			if known := recognised(a); known != "" {
				return known
			}
			return words.Say("setup.hint_mailbox")
		}
		return words.Say("setup.hint_sender")
	case setup.TestTo:
		return words.Say("setup.hint_test_to")
	case fieldName:
		return words.Say("setup.hint_name")
	case setup.NoticeTo:
		return words.Say("setup.hint_notice_to")
	case setup.RedirectURL:
		if a.Provider != account.Google { // which takes any port of this machine
			return words.Say("setup.hint_redirect_url")
		}
	case setup.Tenant:
		return words.Say("setup.hint_tenant")
	case setup.Secret:
		switch {
		case a.SignIn == account.PasswordSignIn && a.Provider == account.Google:
			return words.Say("setup.hint_app_password")
		case a.SignIn == account.PasswordSignIn:
			return words.Say("setup.hint_password")
		case s.Certified():
			return words.Say("setup.hint_certificate")
		case a.HasEntra():
			return words.Say("setup.hint_secret")
		}
		return words.Say("setup.hint_kept")
	case setup.ObjectID:
		return words.Say("setup.hint_object_id")
	case setup.SecretExpires:
		return words.Say("setup.hint_secret_expires")
	case fieldRegistration:
		if a.HasEntra() {
			return words.Say("setup.hint_registration_" + string(a.Registration))
		}
	case setup.SMTPScope:
		return words.Say("setup.hint_smtp_scope")
	case fieldAssertionFile:
		return words.Say("setup.hint_assertion_file")
	}
	return ""
}

// recognised says what follows from the domain of an address.
func recognised(a account.Account) string {
	s := setup.Suggest(sendsAs(a))
	switch {
	case s.Provider == "" || a.Provider == account.Custom:
		return ""
	case a.SignIn == account.PasswordSignIn && s.Provider == a.Provider && s.Sure:
		return words.Say("setup.recognised", words.Data{"Domain": setup.Domain(sendsAs(a)), "Provider": words.Say("setup.provider_" + keyOf(s.Provider))})
	case a.Provider == account.Microsoft365 && s.Tenant != "" && a.SignIn != account.PasswordSignIn:
		if !strings.EqualFold(a.Tenant, s.Tenant) {
			return "" // it is another's, or nobody's yet: a sender alone tells none
		}
		return words.Say("setup.recognised_tenant", words.Data{"Domain": setup.Domain(sendsAs(a)), "Tenant": a.Tenant})
	case s.Provider == a.Provider && s.Sure:
		return words.Say("setup.recognised", words.Data{"Domain": setup.Domain(sendsAs(a)), "Provider": words.Say("setup.provider_" + keyOf(s.Provider))})
	}
	return ""
}

// otherMethod is the ID of the method that the address surely belongs to, where
// that is at another provider; "" elsewhere.
func otherMethod(a account.Account) string {
	s := setup.Suggest(sendsAs(a))
	if !s.Sure || a.Provider == account.Custom || s.Provider == a.Provider || s.Tenant != "" && a.HasEntra() && a.Provider != account.OutlookCom {
		return ""
	}
	return s.Method
}

func placeholderOf(f Field, s State) string {
	switch f {
	case setup.Username, setup.Sender, setup.TestTo, setup.NoticeTo:
		return "svc@contoso.com"
	case setup.ClientID, setup.ObjectID:
		if s.Draft.Account.HasEntra() {
			return "00000000-0000-0000-0000-000000000000"
		}
	case setup.SecretExpires:
		return "2028-01-31"
	case setup.Secret:
		if s.HasSecret() {
			return words.Say("setup.secret_kept")
		}
	case setup.SMTPHost:
		return "smtp.example.com"
	case setup.TokenURL:
		return "https://login.example.com/oauth2/token"
	case fieldAuthorizeURL:
		return "https://login.example.com/oauth2/authorize"
	}
	return ""
}

// say is what a note says, and what to do.
func (n Note) say(f Field, s State) string {
	switch {
	case n.Missing:
		return words.Say("setup.missing", words.Data{"Field": labelOf(f, s)})
	case n.Address != "":
		return words.Say("setup.address_" + n.Address)
	case n.Mistake.Code != "":
		if left := "setup.mistake_" + n.Mistake.Code + "_left"; n.Certain() && words.Has(left) {
			return words.Say(left) // Clean cannot take it away
		}
		return words.Say("setup.mistake_" + n.Mistake.Code)
	case n.Whole != "":
		return n.Whole
	case n.Fix != "":
		return words.Say("setup.wrong_fix", words.Data{"Field": labelOf(f, s), "Text": words.Said(n.Text), "Fix": words.Sentence(n.Fix)})
	}
	return words.Say("setup.wrong", words.Data{"Field": labelOf(f, s), "Text": words.Said(n.Text)})
}

// settled says in a few words what is settled in a step.
func settled(step string, s State) string {
	a := s.Draft.Account
	if position(step) >= position(s.Reached) {
		return ""
	}
	switch step {
	case setup.StepMethod:
		if g := s.Guide(); g.Name != "" {
			return g.Name
		}
		return words.Say("setup.method_" + keyOf(s.Draft.Method) + "_short")
	case setup.StepAddresses:
		return sendsAs(a)
	case setup.StepRegistration:
		return a.ClientID
	case setup.StepSignIn:
		if s.SignsIn() && s.Proven() {
			return words.Say("setup.step_signed_in")
		}
	}
	return ""
}

// stepName is the name of a step in the list.
func stepName(step string, s State) string {
	switch a := s.Draft.Account; {
	case step == setup.StepRegistration && a.SignIn == account.PasswordSignIn:
		return words.Say("setup.step_password")
	case step == setup.StepSignIn && a.SignIn != account.BrowserSignIn:
		return words.Say("setup.step_proof")
	}
	return words.Say("setup.step_" + step)
}

// missing are the fields of the step that the person has to fill in still.
func missing(s State) []string {
	d := s.Draft
	d.HasSecret = s.HasSecret()
	return d.Missing(time.Time{})
}

// proofButton is what the button of the sign-in's step says.
func proofButton(s State) string {
	switch {
	case !s.SignsIn():
		return words.Say("setup.validate")
	case s.Outcome.Err != nil:
		return words.Say("setup.sign_in_again")
	}
	return words.Say("setup.sign_in")
}
