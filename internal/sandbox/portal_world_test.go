package sandbox

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// fromInvoices submits as svc from invoices and returns the reply.
func (b *bench) fromInvoices() string {
	b.Helper()
	return b.smtpSubmit("svc@contoso.com", b.redeem(b.signIn()).AccessToken, "invoices@contoso.com")[1]
}

func TestExchangeGoesOnAsBeforeUntilAChangeHasPropagated(t *testing.T) {
	b := newBench(t, "default")
	b.mends("/tenant/propagation", "seconds", "30")
	b.mends("/tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "SendAs", "who", "svc@contoso.com", "do", "remove")
	var state portalTenant
	v := b.administer("/tenant/mailbox-permissions", "mailbox", "invoices@contoso.com", "right", "FullAccess", "who", "svc@contoso.com", "do", "add")
	if err := json.Unmarshal([]byte(v.body), &state); err != nil || state.Pending != 2 {
		t.Fatalf("%d changes are pending: %v", state.Pending, err)
	}
	i := slices.IndexFunc(state.Mailboxes, func(m portalMailbox) bool { return m.Address == "invoices@contoso.com" })
	if len(state.Mailboxes[i].SendAs) != 0 {
		t.Errorf("the portal still shows %v", state.Mailboxes[i].SendAs)
	}
	if reply := b.fromInvoices(); reply != "250" {
		t.Errorf("at once: %s", reply)
	}
	b.clock.add(31 * time.Second)
	if reply := b.fromInvoices(); !strings.HasPrefix(reply, "554 5.2.252") {
		t.Errorf("after half a minute: %s", reply)
	}
}

func TestWhatWasGrantedAMomentAgoWorksOnceTheTimeIsOver(t *testing.T) {
	b := newBench(t, "propagation-send-as")
	if reply := b.fromInvoices(); !strings.HasPrefix(reply, "554 5.2.252") {
		t.Errorf("at once: %s", reply)
	}
	b.clock.add(defaultPropagation)
	if reply := b.fromInvoices(); reply != "250" {
		t.Errorf("later: %s", reply)
	}
	s, err := Start(Options{Scenario: "propagation-send-as", Propagation: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Tenant().enforced(func(t2 *Tenant) {
		if left := t2.mailbox("invoices@contoso.com").SendAs; len(left) != 0 {
			t.Errorf("%v may send as invoices already", left)
		}
	})
}

func TestLimitsEndNoSoonerThanTheirTime(t *testing.T) {
	b := newBench(t, "recipient-quota")
	token := b.redeem(b.signIn()).AccessToken
	send := func() string { return b.smtpSubmit("svc@contoso.com", token, "svc@contoso.com")[1] }
	b.mends("/tenant/time", "passes", "23h")
	b.mends("/tenant/restricted-entities", "user", "svc@contoso.com", "do", "unblock") // the mend of another
	if reply := send(); !strings.HasPrefix(reply, "554 5.2.0") {
		t.Error(reply)
	}
	b.mends("/tenant/time", "passes", "24h")
	if reply := send(); reply != "250" {
		t.Error(reply)
	}
}

func TestThePortalSaysWhatIsWrongWithAMend(t *testing.T) {
	b := newBench(t, "default")
	const desktop = "/apps/" + desktopAppID
	for _, test := range []struct {
		path string
		form []string
		want string
	}{
		{"/tenant/time", []string{"passes", "soon"}, `not \"soon\"`},
		{"/tenant/time", []string{"passes", "-1h"}, `not \"-1h\"`},
		{"/tenant/propagation", []string{"seconds", "-1"}, "from 0 to 86400"},
		{"/tenant/network", []string{"do", "pull-the-plug"}, "do is one of open-smtp-port"},
		{"/tenant/message-limits", []string{"mailbox", "svc@contoso.com", "megabytes", "151"}, "from 1 to 150"},
		{"/tenant/message-limits", []string{"mailbox", "nobody@contoso.com", "megabytes", "1"}, `no mailbox \"nobody@contoso.com\"`},
		{"/tenant/mailbox-contents", []string{"mailbox", "nobody@contoso.com", "do", "empty"}, `no mailbox \"nobody@contoso.com\"`},
		{"/tenant/passwords", []string{"user", "nobody@contoso.com", "password", "x"}, `no user \"nobody@contoso.com\"`},
		{"/tenant/conditional-access", []string{"policy", "smtp", "user", "svc@contoso.com", "do", "include"}, "can only be left"},
		{desktop + "/redirect-urls", []string{"url", "ftp://example.com", "platform", "web", "do", "add"}, "begins with https://"},
		{desktop + "/assignments", []string{"user", "nobody@contoso.com", "do", "add"}, `no user \"nobody@contoso.com\"`},
	} {
		if v := b.administer(test.path, test.form...); v.status != http.StatusBadRequest || !strings.Contains(v.body, test.want) {
			t.Errorf("%s %v: %d %s", test.path, test.form, v.status, v.body)
		}
	}
}

func TestThePortalChangesWhoMaySignInToARegistration(t *testing.T) {
	b := newBench(t, "default")
	const desktop = "/apps/" + desktopAppID
	page := func(change ...string) string {
		c := b.browser()
		return b.submit(c, b.submit(c, b.get(c, b.authorizeURL(change...)), "login", "svc@contoso.com"), "passwd", "svc-password-1").screen.text
	}
	b.mends(desktop+"/assignment", "do", "on")
	if said := page(); !strings.Contains(said, "AADSTS50105") {
		t.Error(said)
	}
	b.mends(desktop+"/assignment", "do", "off")
	if said := page(); !strings.Contains(said, "Permissions requested") {
		t.Error(said)
	}
	b.mends(desktop+"/account-types", "types", "this-organization")
	v := b.get(b.browser(), strings.Replace(b.authorizeURL(), contosoID, "common", 1))
	v.says(t, "AADSTS50194")
	b.mends(desktop+"/redirect-urls", "url", "http://localhost", "platform", "public", "do", "remove")
	b.get(b.browser(), b.authorizeURL("prompt", "none")).says(t, "AADSTS50011")
	b.get(b.browser(), b.authorizeURL("prompt", "none", "client_id", graphEnterpriseID)).says(t, "AADSTS700016")
}

func TestAHeldPortRefusesAndIsGivenBack(t *testing.T) {
	h, err := holdPort("")
	if err != nil {
		t.Fatal(err)
	}
	defer h.release()
	if c, err := net.Dial("tcp", h.address); err == nil {
		c.Close()
		t.Fatal("somebody listens at the held port")
	}
	h.release()
	l, err := listenLoopback(h.address)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestCloseGivesBackThePortsThatTheNetworkRefuses(t *testing.T) {
	for _, scenario := range []string{"smtp-port-refused", "sign-in-port-refused"} {
		s, err := Start(Options{Scenario: scenario})
		if err != nil {
			t.Fatal(err)
		}
		held := s.smtpGate.held
		if held == nil {
			held = s.webGate.held
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		l, err := listenLoopback(held.address)
		if err != nil {
			t.Fatalf("%s: %v", scenario, err)
		}
		l.Close()
		if err := s.smtpGate.open(); err != nil {
			t.Error(err)
		}
	}
}
