package sandbox

import (
	"strings"
	"testing"
)

func TestAScenarioComesAboutWhileTheSandboxRuns(t *testing.T) {
	b := newBench(t, "default")
	token := b.redeem(b.signIn()).AccessToken
	for name, want := range map[string]string{"smtp-auth-off-mailbox": "disabled for the Mailbox", "account-locked": "account locked"} {
		if reply := b.smtpAuth("svc@contoso.com", token); !strings.HasPrefix(reply, "235") && !strings.HasPrefix(reply, "535") {
			t.Fatal(reply)
		}
		b.mends("/tenant/scenario", "name", name)
		if reply := b.smtpAuth("svc@contoso.com", token); !strings.Contains(reply, want) {
			t.Errorf("%s: %s", name, reply)
		}
		b.mends("/tenant/smtp-auth", "mailbox", "svc@contoso.com", "do", "on")
		b.mends("/tenant/passwords", "user", "svc@contoso.com", "password", "svc-password-1")
	}
	for _, name := range []string{"clock-off", "google", "tenant-unknown", "smtp-port-refused", "certificate-expired", "default", "nonsense"} {
		if err := b.Sandbox.Break(name); err == nil {
			t.Errorf("%s came about", name)
		}
	}
	if err := b.Sandbox.Break("default"); err == nil || !strings.Contains(err.Error(), "start one with it") {
		t.Errorf("the default came about: %v", err)
	}
}
