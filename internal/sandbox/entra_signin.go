package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A signIn is one walk through the pages. Each browser tab has its own, kept
// here under the id that its forms carry, so tabs do not disturb each other
// and going back shows what was asked, not what the browser remembers.
type signIn struct {
	id      string
	request authorizeRequest
	// device is set when the walk is for a device code instead of a redirect.
	device *deviceRequest
	// admin is set when an administrator shall grant something for everybody.
	admin *adminRequest

	typed string // in the account box
	upn   string // the account of typed
	// password, mfa and consent: that step is done.
	password, mfa, consent bool
	finished               bool
}

// The pages, in order; they are the last segment of their address.
const (
	stepAccount  = "account"
	stepPassword = "password"
	stepCode     = "code"
	stepConsent  = "consent"
	stepApproval = "approval" // an administrator has to consent
	stepDone     = "done"
)

// next is the first step that is still to do.
func (e *entra) next(f *signIn) string {
	user := e.account(f.upn)
	switch {
	case user == nil:
		return stepAccount
	case !f.password:
		return stepPassword
	case user.MFA && !f.mfa:
		return stepCode
	case f.admin != nil && !user.Admin:
		return stepApproval
	case !f.consent && e.needsConsent(f):
		var closed bool
		e.tenant.View(func(t *Tenant) { closed = t.UserConsentDisabled })
		if closed && !user.Admin {
			return stepApproval
		}
		return stepConsent
	}
	return stepDone
}

func (e *entra) needsConsent(f *signIn) bool {
	return f.admin != nil || f.request.asks("consent") || len(e.missingConsent(f.request.app, f.upn, f.request.scopes.ids())) > 0
}

// proceed sends the browser to the next page, or ends the sign-in.
func (e *entra) proceed(r *http.Request, f *signIn) answer {
	if f.password {
		if why := e.barred(f.upn, f.request.app); why != nil {
			f.upn, f.password = "", false
			return e.page(f, stepAccount, why, r)
		}
	}
	if step := e.next(f); step != stepDone {
		return redirectAnswer(http.StatusSeeOther, "/signin/"+step+"?flow="+f.id)
	}
	f.finished = true
	switch {
	case f.device != nil:
		return e.approveDevice(f)
	case f.admin != nil:
		return e.respondAdmin(r, f)
	case e.google():
		return e.respondGoogle(r, f)
	}
	return e.respondCode(r, f.request, f.upn, f.mfa)
}

// find returns the walk that a request belongs to, or the page that says why
// there is none.
func (e *entra) find(r *http.Request) (*signIn, answer) {
	f, ok := e.signIns.get(r.Form.Get("flow"), e.now())
	if !ok {
		return nil, errorPage(newIncident(refuse("invalid_request", 50089,
			"The sign-in of this page is unknown or took longer than 15 minutes. Start it again from the application."), e.now(), r))
	}
	if f.finished {
		a := messagePage("This sign-in is over",
			"This page belongs to a sign-in that was finished or cancelled. Nothing was sent again. Start a new one from the application.")
		a.status = http.StatusConflict
		return nil, a
	}
	return f, answer{}
}

// order is how far a walk must have come for a page to be shown.
var order = [...]string{stepAccount, stepPassword, stepCode, stepConsent, stepApproval, stepDone}

// tooEarly reports whether step cannot be taken while due is to do. Of consent
// and approval, only the one that is due can ever be.
func tooEarly(step, due string) bool {
	if step == stepConsent || step == stepApproval {
		return step != due
	}
	return slices.Index(order[:], step) > slices.Index(order[:], due)
}

// showStep shows a page again or for the first time; a page whose turn has not
// come leads to the one whose turn it is.
func (e *entra) showStep(r *http.Request) answer {
	f, over := e.find(r)
	if f == nil {
		return over
	}
	step, due := r.PathValue("step"), e.next(f)
	switch {
	case !slices.Contains(order[:], step):
		return answer{status: http.StatusNotFound}
	case tooEarly(step, due):
		return redirectAnswer(http.StatusSeeOther, "/signin/"+due+"?flow="+f.id)
	}
	return e.page(f, step, nil, r)
}

// takeStep takes what a page's form sent.
func (e *entra) takeStep(r *http.Request) answer {
	f, over := e.find(r)
	if f == nil {
		return over
	}
	step := r.PathValue("step")
	if step == "cancel" {
		return e.cancel(r, f, refuse("access_denied", 65004, "User declined to consent to access the app."))
	}
	if due := e.next(f); tooEarly(step, due) {
		return redirectAnswer(http.StatusSeeOther, "/signin/"+due+"?flow="+f.id)
	}
	switch step {
	case stepAccount:
		return e.takeAccount(r, f)
	case stepPassword:
		return e.takePassword(r, f)
	case stepCode:
		return e.takeCode(r, f)
	case stepConsent:
		return e.takeConsent(r, f)
	}
	return answer{status: http.StatusNotFound}
}

// cancel ends a sign-in that the person does not want.
func (e *entra) cancel(r *http.Request, f *signIn, why *refusal) answer {
	f.finished = true
	if f.device != nil {
		f.device.declined = true
		return messagePage("Sign-in cancelled", "Nothing was signed in. You can close this page and go back to your device.")
	}
	switch {
	case f.admin != nil:
		return e.respondAdminRefusal(r, f.request, adminDeclined())
	case e.google():
		return f.request.respond(r, url.Values{"error": {"access_denied"}})
	}
	return e.respondRefusal(r, f.request, why, "cancel")
}

func (e *entra) takeAccount(r *http.Request, f *signIn) answer {
	f.typed = strings.TrimSpace(r.Form.Get("login"))
	f.upn, f.password, f.mfa, f.consent = "", false, false, false
	user := e.account(f.typed)
	if user == nil {
		return e.page(f, stepAccount, userUnknown(f.typed, e.tenant.Domain), r)
	}
	f.upn = user.UPN
	return e.proceed(r, f)
}

func (e *entra) takePassword(r *http.Request, f *signIn) answer {
	user := e.account(f.upn)
	f.password, f.mfa, f.consent = false, false, false
	if user.Password == "" || r.Form.Get("passwd") != user.Password {
		return e.page(f, stepPassword, refuse("invalid_grant", 50126, "Error validating credentials due to invalid username or password."), r)
	}
	if user.Disabled {
		return e.page(f, stepAccount, userDisabled(user.UPN), r)
	}
	f.password = true
	if user.MFA {
		return e.proceed(r, f)
	}
	return e.remember(f, e.proceed(r, f))
}

func (e *entra) takeCode(r *http.Request, f *signIn) answer {
	f.mfa, f.consent = false, false
	if code := e.account(f.upn).MFACode; code == "" || strings.TrimSpace(r.Form.Get("otc")) != code {
		return e.page(f, stepCode, refuse("invalid_grant", 500121, "Authentication failed during the strong authentication request: that code is not the right one."), r)
	}
	f.mfa = true
	return e.remember(f, e.proceed(r, f))
}

func (e *entra) takeConsent(r *http.Request, f *signIn) answer {
	f.consent = true
	if f.admin != nil {
		e.grantForEverybody(f)
		return e.proceed(r, f)
	}
	missing := e.missingConsent(f.request.app, f.upn, f.request.scopes.ids())
	forAll := r.Form.Get("for_all") != ""
	e.tenant.Change(func(t *Tenant) {
		user, app := t.user(f.upn), t.app(f.request.app.ClientID)
		switch {
		case user == nil || app == nil: // removed meanwhile
		case forAll && user.Admin:
			app.AdminConsented = append(app.AdminConsented, missing...)
		default:
			if user.Consented == nil {
				user.Consented = map[string][]string{}
			}
			user.Consented[app.ClientID] = append(user.Consented[app.ClientID], missing...)
		}
	})
	return e.proceed(r, f)
}

// remember starts single sign-on for the browser that gets a.
func (e *entra) remember(f *signIn, a answer) answer {
	now := e.now()
	name := randomName()
	e.sessions.put(name, &session{upn: f.upn, mfa: f.mfa, at: now}, now, now.Add(sessionLifetime))
	cookie := http.Cookie{
		Name: sessionCookie, Value: name, Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	a.header.Add("Set-Cookie", cookie.String())
	return a
}
