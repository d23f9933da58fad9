package setup_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"traymail/internal/account"
	"traymail/internal/setup"
)

func TestTheStepsAtTheProviderAreInOrderAndHaveWhatIsTypedThere(t *testing.T) {
	for _, tt := range []struct {
		method, order string
	}{
		{setup.M365Browser, "new-registration copy-ids redirect-url api-permissions admin-consent connect-exchange licence smtp-auth smtp-auth-organisation conditional-access"},
		{setup.M365App, "new-registration copy-ids client-secret api-permission-smtp.sendasapp admin-consent object-id connect-exchange service-principal full-access send-as smtp-auth smtp-auth-organisation conditional-access"},
		{setup.GraphApp, "new-registration copy-ids client-secret api-permission-mail.send admin-consent"},
		{setup.OutlookCom, "new-registration copy-ids redirect-url api-permissions"},
		{setup.Google, "project consent-screen scope client trust"},
		{setup.Other, "password"},
		{setup.Password, "retirement connect-exchange licence smtp-auth smtp-auth-organisation authentication-policy authentication-policy-own security-defaults"},
	} {
		t.Run(tt.method, func(t *testing.T) {
			m, _ := setup.MethodByID(tt.method)
			var got []string
			for _, s := range setup.Steps(complete(m.Account("mail"))) {
				got = append(got, s.ID)
				if s.Part == setup.AtMailbox && s.ID == "client-secret" {
					t.Error("a secret is the app's")
				}
				if tt.method == setup.Google && s.Part != setup.AtRegistration {
					t.Errorf("%s is done where the app is, and is filed under %s", s.ID, s.Part)
				}
			}
			if have := strings.Join(got, " "); !strings.HasPrefix(have, tt.order) {
				t.Errorf("the steps are\n%s\nand not\n%s", have, tt.order)
			}
		})
	}
}

func TestStepsOfAnIncompleteAccountLeaveOutWhatIsNotKnown(t *testing.T) {
	for _, m := range setup.Methods() {
		before, err := json.Marshal(setup.Steps(m.Account("mail")))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range setup.Steps(m.Account("mail")) {
			if strings.Contains(s.Link+s.Command+strings.Join(s.Copy, " "), "invalid") || strings.Contains(s.Link+s.Command, "0000c11e4700") {
				t.Errorf("%s, %s: %s %s", m.ID, s.ID, s.Link, s.Command)
			}
		}
		if len(before) == 0 {
			t.Errorf("%s has no steps", m.ID)
		}
	}
	m, _ := setup.MethodByID(setup.M365App)
	a := m.Account("mail")
	if setup.Script(a) != "" {
		t.Error("there is a script without a client ID")
	}
	if script := setup.Script(complete(a)); !strings.Contains(script, "New-ServicePrincipal") || !strings.Contains(script, "Add-MailboxPermission") {
		t.Errorf("the script is\n%s", script)
	}
}

func TestTheNationalCloudsHaveTheirOwnPortals(t *testing.T) {
	m, _ := setup.MethodByID(setup.M365Browser)
	for provider, portal := range map[string]string{
		account.Microsoft365: "https://entra.microsoft.com/", account.Microsoft365US: "https://portal.azure.us/", account.Microsoft365DD: "https://portal.azure.us/", account.Microsoft365CN: "https://portal.azure.cn/",
	} {
		a := m.Account("mail")
		former := a
		a.Provider = provider
		a.Follow(former)
		first := setup.Steps(a)[0]
		if !strings.HasPrefix(first.Link, portal) || !slices.Equal(first.Copy, []string{"http://localhost"}) {
			t.Errorf("%s: %+v", provider, first)
		}
	}
}

func TestADraftComesBackWholeFromJSON(t *testing.T) {
	g, _ := setup.GuideByID("endpoint-central")
	d := setup.Draft{Step: setup.StepSignIn, Method: g.Method, Guide: g.ID, Account: complete(g.Account("mail")), Ticks: map[string]bool{"new-registration": true}, HasSecret: true}
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again setup.Draft
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, d) {
		t.Errorf("%+v, %v", again, err)
	}
	if d.Empty() || !(setup.Draft{}).Empty() {
		t.Error("only the zero draft is empty")
	}
}

func TestBackNeverLeadsToTheSignInAndNextPassesTheOneThatWasDone(t *testing.T) {
	m, _ := setup.MethodByID(setup.M365Browser)
	d := setup.Draft{Step: setup.StepRegistration, Method: m.ID, Account: complete(m.Account("mail"))}
	if d.Next() != setup.StepSignIn {
		t.Errorf("behind the registration comes %s", d.Next())
	}
	d.Step = setup.StepSignIn
	if d.Back() != setup.StepRegistration || d.Next() != setup.StepChecks {
		t.Errorf("around the sign-in: %s, %s", d.Back(), d.Next())
	}
	d.SignedIn, d.Step = setup.SignInKey(d.Account), setup.StepChecks
	if d.Back() != setup.StepRegistration {
		t.Errorf("from the checks Back leads to %s", d.Back())
	}
	d.Step = setup.StepRegistration
	if d.Next() != setup.StepChecks || d.Resume() != setup.StepRegistration {
		t.Errorf("nothing changed, and behind the registration comes %s", d.Next())
	}
	d.Account.TestTo, d.Account.Label = "other@contoso.com", "another label"
	if d.Next() != setup.StepChecks {
		t.Error("what the sign-in does not depend on asks for another one")
	}
	d.Account.Username = "other@contoso.com"
	if d.Next() != setup.StepSignIn {
		t.Error("another username needs no sign-in of its own")
	}
	for _, step := range []string{"", setup.StepMethod, "what is this"} {
		if d.Step = step; d.Back() != setup.StepMethod || d.Next() != setup.StepAddresses {
			t.Errorf("at %q: back to %s, on to %s", step, d.Back(), d.Next())
		}
	}
	if d.Step = setup.StepDone; d.Next() != setup.StepDone {
		t.Error("there is something behind the end")
	}
	app, _ := setup.MethodByID(setup.M365App)
	a := setup.Draft{Step: setup.StepRegistration, Method: app.ID, Account: complete(app.Account("mail"))}
	if a.Next() != setup.StepChecks {
		t.Error("an application has to sign in as a person")
	}
}

func TestASetupIsResumedAtItsStepOrWhereSomethingIsMissing(t *testing.T) {
	app, _ := setup.MethodByID(setup.M365App)
	d := setup.Draft{Step: setup.StepChecks, Method: app.ID, Account: complete(app.Account("mail")), HasSecret: true}
	d.Account.TestTo = "ops@contoso.com"
	for _, tt := range []struct {
		name   string
		change func(*setup.Draft)
		want   string
	}{
		{"all is there", func(*setup.Draft) {}, setup.StepChecks},
		{"no method", func(d *setup.Draft) { d.Method = "" }, setup.StepMethod},
		{"a broken test address", func(d *setup.Draft) { d.Account.TestTo = "ops@" }, setup.StepAddresses},
		{"a broken sender", func(d *setup.Draft) { d.Account.Sender = "svc" }, setup.StepAddresses},
		{"no secret", func(d *setup.Draft) { d.HasSecret = false }, setup.StepRegistration},
		{"no client ID", func(d *setup.Draft) { d.Account.ClientID = "" }, setup.StepRegistration},
		{"a tenant for many", func(d *setup.Draft) { d.Account.Tenant = "common" }, setup.StepRegistration},
		{"a person's sign-in is missing", func(d *setup.Draft) {
			m, _ := setup.MethodByID(setup.M365Browser)
			d.Method, d.Account = m.ID, m.Switch(d.Account)
		}, setup.StepSignIn},
		{"a sign-in that is not needed", func(d *setup.Draft) { d.Step = setup.StepSignIn }, setup.StepChecks},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := d
			tt.change(&d)
			if got := d.Resume(); got != tt.want {
				t.Errorf("Resume = %s, want %s (missing %v)", got, tt.want, d.Missing(time.Time{}))
			}
		})
	}
}
