package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

// says fails the test unless the page's text has every part.
func (v view) says(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(v.screen.text, part) {
			t.Errorf("status %d, the page says %q, not %q", v.status, v.screen.text, part)
		}
	}
}

func TestSignInAsksForAccountPasswordAndConsentOnce(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.get(c, b.authorizeURL("login_hint", "svc@contoso.com"))
	v.says(t, "Sandbox: this is not Microsoft", "Sign in", "traymail (desktop)")
	if got := v.screen.form.fields["login"]; got != "svc@contoso.com" {
		t.Errorf("the account box has %q", got)
	}
	v = b.submit(c, v)
	v.says(t, "svc@contoso.com", "Enter password")
	v = b.submit(c, v, "passwd", "svc-password-1")
	v.says(t, "Permissions requested", "Send emails from your mailbox using SMTP AUTH", "Sign you in and read your profile", "Maintain access")
	if v = b.submit(c, v); v.status != http.StatusSeeOther || v.back.Get("code") == "" || v.back.Get("state") != "state-1" {
		t.Fatalf("%d %v", v.status, v.back)
	}
	if v = b.get(c, b.authorizeURL()); v.back.Get("code") == "" {
		t.Errorf("the second sign-in asked again: %s", v.screen.text)
	}
}

func TestAWrongPasswordIsSaidAndAskedForAgain(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.submit(c, b.get(c, b.authorizeURL()), "login", "SVC@contoso.com")
	for _, password := range []string{"wrong", "", "svc-password-1 "} {
		v = b.submit(c, v, "passwd", password)
		v.says(t, "Your account or password is incorrect", "AADSTS50126")
	}
	b.submit(c, v, "passwd", "svc-password-1").says(t, "Permissions requested")
}

func TestAccountsThatCannotSignIn(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	account := b.get(c, b.authorizeURL())
	v := b.submit(c, account, "login", "nobody@contoso.com")
	v.says(t, "AADSTS50034: The user account nobody@contoso.com does not exist in the contoso.com directory")
	v = b.submit(c, v, "login", "left@contoso.com")
	b.submit(c, v, "passwd", "wrong").says(t, "AADSTS50126")
	v = b.submit(c, v, "passwd", "left-password-1")
	v.says(t, "AADSTS50057: The user account left@contoso.com is disabled.")
	b.submit(c, v, "login", "svc@contoso.com").says(t, "Enter password")
}

func TestTheSecondFactorIsAskedForAfterThePassword(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.submit(c, b.get(c, b.authorizeURL()), "login", "mfa@contoso.com")
	v = b.submit(c, v, "passwd", "mfa-password-1")
	v.says(t, "Enter code")
	if got := b.get(c, b.authorizeURL("prompt", "none")); got.back.Get("error") != "login_required" {
		t.Errorf("half a sign-in is a session: %v", got.back)
	}
	v = b.submit(c, v, "otc", "000000")
	v.says(t, "That code didn’t work", "AADSTS500121")
	b.submit(c, v, "otc", "246810").says(t, "Permissions requested")
	if got := b.get(c, b.authorizeURL()); !strings.Contains(got.screen.text, "Permissions requested") {
		t.Errorf("a whole sign-in is no session: %s", got.screen.text)
	}
}

func TestCancelGoesBackToTheClientFromEveryPage(t *testing.T) {
	b := newBench(t, "default")
	for _, pagesBefore := range []int{0, 1, 2, 3} {
		c := b.browser()
		v := b.get(c, b.authorizeURL())
		for range pagesBefore {
			v = b.submit(c, v, "login", "mfa@contoso.com", "passwd", "mfa-password-1", "otc", "246810")
		}
		title := v.screen.title
		if !strings.Contains(v.body, `formaction="/signin/cancel" formnovalidate>Cancel</button>`) {
			t.Errorf("%s has no Cancel", title)
		}
		v = b.cancel(c, v)
		if v.back.Get("error") != "access_denied" || v.back.Get("error_subcode") != "cancel" || v.back.Get("state") != "state-1" ||
			!strings.HasPrefix(v.back.Get("error_description"), "AADSTS65004") {
			t.Errorf("after %s: %d %v", title, v.status, v.back)
		}
	}
}

func TestGoingBackShowsThePageAgainAndStartsOverFromIt(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	account := b.get(c, b.authorizeURL())
	password := b.submit(c, account, "login", "svc@contoso.com")
	consent := b.submit(c, password, "passwd", "svc-password-1")
	b.get(c, password.screen.at.String()).says(t, "Enter password")
	back := b.get(c, account.screen.at.String())
	back.says(t, "Sign in")
	v := b.submit(c, back, "login", "ops@contoso.com")
	v.says(t, "ops@contoso.com", "Enter password")
	// The consent page that is still open belongs to svc, who is gone.
	b.submit(c, consent).says(t, "ops@contoso.com", "Enter password")
	v = b.submit(c, v, "passwd", "ops-password-1")
	if v = b.submit(c, v); v.back.Get("code") == "" {
		t.Errorf("%d %s", v.status, v.screen.text)
	}
}

func TestAPageAheadOfItsTurnLeadsToTheOneThatIsDue(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	account := b.get(c, b.authorizeURL())
	for _, step := range []string{stepPassword, stepCode, stepConsent, stepApproval} {
		address := strings.Replace(account.screen.at.String(), "/signin/account", "/signin/"+step, 1)
		b.get(c, address).says(t, "Email or phone")
		account.screen.form.action = "/signin/" + step
		b.submit(c, account, "otc", "1", "passwd", "1").says(t, "Email or phone")
	}
	account.screen.form.action = "/signin/elsewhere"
	if v := b.submit(c, account); v.status != http.StatusNotFound {
		t.Errorf("status %d", v.status)
	}
}

func TestAPageOfAFinishedSignInSaysSo(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.get(c, b.authorizeURL())
	password := b.submit(c, v, "login", "svc@contoso.com")
	consent := b.submit(c, password, "passwd", "svc-password-1")
	b.submit(c, consent)
	for _, old := range []view{consent, password} {
		again := b.submit(c, old, "passwd", "svc-password-1")
		again.says(t, "This sign-in is over")
		if again.status != http.StatusConflict || again.back != nil {
			t.Errorf("%d %v", again.status, again.back)
		}
		b.get(c, old.screen.at.String()).says(t, "This sign-in is over")
	}
}

func TestAPageThatLiesTooLongSaysSo(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	v := b.get(c, b.authorizeURL())
	b.clock.add(signInLifetime)
	b.submit(c, v, "login", "svc@contoso.com").says(t, "AADSTS50089", "Start it again")
}

func TestTwoTabsAreIndependent(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	one := b.get(c, b.authorizeURL("state", "one"))
	two := b.get(c, b.authorizeURL("state", "two"))
	one = b.submit(c, one, "login", "svc@contoso.com")
	two = b.submit(c, two, "login", "ops@contoso.com")
	one = b.submit(c, one, "passwd", "svc-password-1")
	two = b.submit(c, two, "passwd", "ops-password-1")
	one.says(t, "svc@contoso.com", "Permissions requested")
	two.says(t, "ops@contoso.com", "Permissions requested")
	two = b.submit(c, two)
	if one = b.cancel(c, one); one.back.Get("state") != "one" || one.back.Get("error") != "access_denied" {
		t.Errorf("one: %v", one.back)
	}
	if two.back.Get("state") != "two" || two.back.Get("code") == "" {
		t.Errorf("two: %v", two.back)
	}
}

func TestPrompt(t *testing.T) {
	b := newBench(t, "default")
	c := b.browser()
	b.walk(c, b.authorizeURL())
	for name, test := range map[string]struct {
		change []string
		want   string // on the page; "" is straight back
	}{
		"none with a session":          {[]string{"prompt", "none"}, ""},
		"nothing with a session":       {nil, ""},
		"the hint of the session":      {[]string{"login_hint", "svc@contoso.com"}, ""},
		"the hint of another account":  {[]string{"login_hint", "ops@contoso.com"}, "Email or phone"},
		"login asks again":             {[]string{"prompt", "login"}, "Email or phone"},
		"select_account asks again":    {[]string{"prompt", "select_account"}, "Email or phone"},
		"consent asks for consent":     {[]string{"prompt", "consent"}, "Permissions requested"},
		"login and consent start over": {[]string{"prompt", "login consent"}, "Email or phone"},
	} {
		t.Run(name, func(t *testing.T) {
			v := b.get(c, b.authorizeURL(test.change...))
			if test.want == "" && v.back.Get("code") == "" || test.want != "" && !strings.Contains(v.screen.text, test.want) {
				t.Errorf("%v %s", v.back, v.screen.text)
			}
		})
	}
	b.Tenant().Change(func(tenant *Tenant) { tenant.user("svc@contoso.com").Consented = nil })
	if v := b.get(c, b.authorizeURL("prompt", "none")); v.back.Get("error") != "consent_required" {
		t.Errorf("none without consent: %v", v.back)
	}
	b.clock.add(1)
	b.Tenant().Change(func(tenant *Tenant) { tenant.RevokedBefore = b.clock.now() })
	if v := b.get(c, b.authorizeURL("prompt", "none")); v.back.Get("error") != "login_required" {
		t.Errorf("none after a revocation: %v", v.back)
	}
}

func TestWhereUsersMayNotConsentAnAdministratorDoesItForAll(t *testing.T) {
	b := newBench(t, "consent-required")
	c := b.browser()
	v := b.submit(c, b.get(c, b.authorizeURL()), "login", "svc@contoso.com")
	v = b.submit(c, v, "passwd", "svc-password-1")
	v.says(t, "Need admin approval", "AADSTS90094")
	consent := v
	form := *v.screen.form
	form.action = "/signin/consent"
	consent.screen.form = &form
	b.submit(c, consent).says(t, "Need admin approval") // not by asking nicely
	if back := b.submit(c, v).back; back.Get("error") != "access_denied" {
		t.Errorf("returned with %v", back)
	}

	c = b.browser()
	v = b.submit(c, b.get(c, b.authorizeURL()), "login", "admin@contoso.com")
	v = b.submit(c, v, "passwd", "admin-password-1")
	v.says(t, "Consent on behalf of your organization")
	if v = b.submit(c, v, "for_all", "yes"); v.back.Get("code") == "" {
		t.Fatalf("%d %s", v.status, v.screen.text)
	}
	c = b.browser()
	v = b.submit(c, b.get(c, b.authorizeURL()), "login", "svc@contoso.com")
	if v = b.submit(c, v, "passwd", "svc-password-1"); v.back.Get("code") == "" {
		t.Errorf("after the administrator: %s", v.screen.text)
	}
}
