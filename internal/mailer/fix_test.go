package mailer

import (
	"strings"
	"testing"
)

// TestRefusalsOfExchangeHaveAFix sends through each scenario of the
// sandbox whose refusal comes to a token that is right.
func TestRefusalsOfExchangeHaveAFix(t *testing.T) {
	for scenario, want := range map[string]string{
		"account-locked":          "unlocks svc@contoso.com",
		"federation-unreachable":  "AD FS",
		"sender-not-permitted":    "-Trustee svc@contoso.com",
		"send-as-denied":          "-Trustee svc@contoso.com",
		"too-large-converted":     "send less at once",
		"mailbox-full":            "Sent Items",
		"recipient-quota":         "recipients a day",
		"sender-blocked":          "Restricted entities",
		"outbound-spam":           "verify the account",
		"smtp-auth-off-tenant":    "Set-CASMailbox svc@contoso.com",
		"smtp-auth-off-mailbox":   "Set-CASMailbox svc@contoso.com",
		"certificate-self-signed": "", // the error's own text says what to do
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, scenario)
			b.signIn()
			_, err := b.SendTest(t.Context(), "main", "ops@contoso.com")
			if err == nil {
				t.Fatal("the message went out")
			}
			if got := Fix(err); !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%v\nfix: %q, want %q in it", err, got, want)
			}
		})
	}
}
