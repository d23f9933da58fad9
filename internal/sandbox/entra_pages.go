package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

//go:embed pages.html portal.html powershell.html registration.html
var pagesFile embed.FS

// pages are the HTML pages; nothing changes them after they are parsed.
var pages = template.Must(template.New("pages").Funcs(template.FuncMap{"tab": newTab}).ParseFS(pagesFile, "*.html"))

// A page is what the templates can show.
type page struct {
	Title, Nonce string
	Alert        *alert

	// Flow is the id of the walk, App the registration's name, Account the
	// address that the person typed.
	Flow, App, Account string
	// Google is whose pages they are; Microsoft's otherwise.
	Google bool
	// Admin may consent for everybody; ForAll is when nothing else was asked.
	Admin, ForAll bool
	Permissions   []wanted
	// Action and Fields are the form that goes back to the client.
	Action string
	Fields []field
	// Text is a message's body, Incident what support asks for.
	Text, Incident string

	Portal *portalView
	Blade  *bladeView

	Ready    Ready
	Messages []Message
	Mail     Message
	// Headers and Source are of Mail.
	Headers, Source string
}

// An alert says in words what is wrong, and then how the server put it.
type alert struct{ Words, Text string }

// wanted is a permission on the consent page.
type wanted struct{ Words, ID string }

// field is a hidden input.
type field struct{ Name, Value string }

// render makes an answer of the template called name.
func render(status int, name string, p page) answer {
	p.Nonce = randomName()
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		return answer{status: http.StatusInternalServerError, header: http.Header{}}
	}
	// No form-action: Chromium applies it to the redirect after a form too, and
	// that one goes to the client.
	policy := "default-src 'none'; style-src 'nonce-" + p.Nonce + "'; script-src 'nonce-" + p.Nonce +
		"'; frame-ancestors 'none'; base-uri 'none'"
	return answer{status, http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Content-Security-Policy": {policy},
		"Referrer-Policy":         {"strict-origin-when-cross-origin"},
		"X-Content-Type-Options":  {"nosniff"},
	}, b.Bytes()}
}

// messagePage tells something and asks nothing.
func messagePage(title, text string) answer {
	return render(http.StatusOK, "message", page{Title: title, Text: text})
}

// errorPage is shown when the browser may not be sent back to the client.
func errorPage(i incident) answer {
	return render(http.StatusBadRequest, "message", page{
		Title: "Sorry, but we’re having trouble signing you in",
		Alert: &alert{"Error", i.headline()},
		Incident: "Trace ID: " + i.trace + "\nCorrelation ID: " + i.correlation +
			"\nTimestamp: " + i.timestamp(),
	})
}

// postBackPage is response_mode=form_post: a form that sends itself, with a
// button for browsers without scripts.
func postBackPage(action string, values url.Values) answer {
	p := page{Title: "Going back to the application", Action: action}
	for name, value := range values {
		p.Fields = append(p.Fields, field{name, value[0]})
	}
	slices.SortFunc(p.Fields, func(a, b field) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return render(http.StatusOK, "post", p)
}

// alertWords says first, in the person's terms, what a refusal means.
func alertWords(code int) string {
	switch code {
	case 50126:
		return "Your account or password is incorrect. Type the password again, or use another account."
	case 50034:
		return "We couldn’t find an account with that username. Check the spelling."
	case 50053:
		return "Your account is temporarily locked to prevent unauthorized use. Try again later, or ask your administrator to reset the password."
	case 50055:
		return "Your password has expired. It needs a new one before you can sign in."
	case 50079:
		return "More information required: your organization needs a second factor to be registered for this account."
	case 50105:
		return "You do not have access to this application. Ask an administrator to assign you to it."
	case 53000:
		return "You can’t get there from here: this application can only be accessed from devices that meet your organization’s compliance policy."
	case 53003, 530035:
		return "You cannot access this right now. Your sign-in was successful but does not meet the criteria to access this resource."
	case 50057:
		return "Your account has been disabled. Ask your administrator to enable it, or use another account."
	case 90094:
		return "Ask an administrator to grant permission to this application before you can use it."
	case 500121:
		return "That code didn’t work. Enter the code again."
	}
	return "Something is wrong."
}

// page shows one step of a walk, with what was wrong with the last try.
func (e *entra) page(f *signIn, step string, wrong *refusal, r *http.Request) answer {
	p := page{Flow: f.id, App: f.request.app.Name, Account: f.typed, Google: e.google()}
	if step == stepApproval {
		wrong = refuse("access_denied", 90094, "The grant requires administrator permission.")
	}
	switch {
	case wrong != nil && p.Google:
		p.Alert = &alert{Words: googleWords(wrong.code)}
	case wrong != nil:
		p.Alert = &alert{alertWords(wrong.code), newIncident(wrong, e.now(), r).headline()}
	}
	switch step {
	case stepAccount:
		p.Title = "Sign in"
	case stepPassword:
		p.Title = "Enter password"
	case stepCode:
		p.Title = "Enter code"
	case stepConsent:
		p.Title = "Permissions requested"
		p.Permissions = e.asked(f)
		p.ForAll = f.admin != nil
		p.Admin = !p.ForAll && e.account(f.upn).Admin
	case stepApproval:
		p.Title = "Need admin approval"
	}
	return render(http.StatusOK, step, p)
}

// asked lists what the consent page shows.
func (e *entra) asked(f *signIn) (list []wanted) {
	add := func(ids []string, words func(string) string) {
		for _, id := range ids {
			list = append(list, wanted{words(id), e.tenant.Provider.spell(id)})
		}
	}
	if f.admin == nil {
		add(f.request.scopes.ids(), describe)
		return list
	}
	add(f.admin.delegated, describe)
	add(f.admin.roles, describeRole)
	return list
}
