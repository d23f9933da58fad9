package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// blades are the pages of one app registration, by their names in the addresses
// of the real portal.
var blades = map[string]string{
	"Overview": bladeOverview, "Authentication": bladeAuthentication, "Credentials": bladeCredentials, "CallAnAPI": bladePermissions,
}

const (
	bladeOverview       = "overview"
	bladeAuthentication = "authentication"
	bladeCredentials    = "credentials"
	bladePermissions    = "permissions"
)

// registerRegistration adds the pages on which a person registers an app, as
// the portal has them.
func (p portal) registerRegistration(mux *http.ServeMux, change func(func(*http.Request) answer) http.Handler) {
	mux.HandleFunc("GET /portal/apps/new", func(w http.ResponseWriter, _ *http.Request) {
		render(http.StatusOK, "register", page{Title: "Register an application"}).send(w)
	})
	mux.HandleFunc("GET /portal/apps/{clientID}/{blade}", func(w http.ResponseWriter, r *http.Request) {
		p.showBlade(r.PathValue("clientID"), r.PathValue("blade"), "", r.URL.RawQuery == saved).send(w)
	})
	mux.Handle("POST /portal/apps", change(p.newRegistration))
	mux.Handle("POST /portal/apps/{clientID}/authentication/add", change(p.addPlatform))
	mux.Handle("POST /portal/apps/{clientID}/credentials/add", change(p.addSecret))
	mux.Handle("POST /portal/apps/{clientID}/permissions/add", change(p.addPermissions))
	mux.Handle("POST /portal/apps/{clientID}/permissions/grant", change(p.grantPermissions))
}

// saved is the query of a page that something was just changed on.
const saved = "saved"

// A bladeView is one of the pages of a registration.
type bladeView struct {
	Name     string // of the page
	Saved    bool   // something was changed on it just now
	TenantID string
	App      App
	// NewSecret is the value of a secret that was made a moment ago: it is shown
	// once. OldSecret is what is shown of one later.
	NewSecret, OldSecret string
	Configured           []bladePermission
	Choices              []bladePermission // that can be added
}

// A bladePermission is a permission as the portal lists it.
type bladePermission struct {
	ID, API, Name, Type, Words string
	Granted                    bool
}

// A tab is a link between the pages of a registration.
type tab struct {
	*bladeView
	To, Title string
}

func newTab(v *bladeView, to, title string) tab { return tab{v, to, title} }

// showBlade is a page of a registration. secret is the one to show, and done
// says that something was changed.
func (p portal) showBlade(clientID, name, secret string, done bool) answer {
	titles := map[string]string{bladeOverview: "Overview", bladeAuthentication: "Authentication", bladeCredentials: "Certificates & secrets", bladePermissions: "API permissions"}
	title, known := titles[name]
	if !known {
		return p.refuse(true, http.StatusNotFound, errors.New("an app registration has no such page"))
	}
	var view *bladeView
	p.tenant.View(func(t *Tenant) {
		a := t.app(clientID)
		if a == nil {
			return
		}
		view = &bladeView{Name: name, TenantID: t.ID, App: *a.clone(), NewSecret: secret, Saved: done}
		if a.Secret != "" && secret == "" {
			view.OldSecret = a.Secret[:min(3, len(a.Secret))] + strings.Repeat("*", 18)
		}
		view.Configured, view.Choices = permissionsOf(a)
	})
	if view == nil {
		return p.refuse(true, http.StatusNotFound, errNoSuchApp)
	}
	if done {
		title = "Saved: " + title
	}
	return render(http.StatusOK, "blade", page{Title: title, Blade: view})
}

// offered are the permissions that traymail's setups name, in the portal's order.
var offered = []bladePermission{
	{ID: "offline_access", API: "Microsoft Graph", Name: "offline_access", Type: "Delegated"},
	{ID: graphID + "/Mail.Send", API: "Microsoft Graph", Name: "Mail.Send", Type: "Delegated"},
	{ID: graphID + "/Mail.Send.Shared", API: "Microsoft Graph", Name: "Mail.Send.Shared", Type: "Delegated"},
	{ID: graphID + "/SMTP.Send", API: "Microsoft Graph", Name: "SMTP.Send", Type: "Delegated"},
	{ID: graphID + "/User.Read", API: "Microsoft Graph", Name: "User.Read", Type: "Delegated"},
	{ID: graphID + "/Mail.ReadWrite", API: "Microsoft Graph", Name: "Mail.ReadWrite", Type: "Application"},
	{ID: graphID + "/Mail.Send", API: "Microsoft Graph", Name: "Mail.Send", Type: "Application"},
	{ID: exchangeID + "/SMTP.SendAsApp", API: "Office 365 Exchange Online", Name: "SMTP.SendAsApp", Type: "Application"},
}

// permissionsOf are the permissions of a registration, and those that it lacks.
func permissionsOf(a *App) (configured, others []bladePermission) {
	for _, o := range offered {
		list, granted := a.Permissions, a.AdminConsented
		o.Words = describe(o.ID)
		if o.Type == "Application" {
			list, granted, o.Words = a.AppRoles, a.GrantedRoles, describeRole(o.ID)
		}
		if o.Granted = slices.Contains(granted, o.ID); slices.Contains(list, o.ID) {
			configured = append(configured, o)
		} else {
			others = append(others, o)
		}
	}
	return configured, others
}

// platforms are the platform types, as the forms send them.
var platforms = map[string]Platform{"web": Web, "public": PublicClient, "spa": SPA}

// redirectOf reads a redirect URI with its platform from a form; "" is none.
func redirectOf(form url.Values) (uri string, platform Platform, err error) {
	uri = strings.TrimSpace(form.Get("uri"))
	platform, known := platforms[form.Get("platform")]
	switch {
	case uri == "":
		return "", "", nil
	case !known:
		return "", "", errors.New("select a platform for the redirect URI")
	case !acceptableRedirect(uri):
		return "", "", errors.New("the redirect URI must begin with https://, or with http://localhost")
	}
	return uri, platform, nil
}

// newRegistration is the button Register.
func (p portal) newRegistration(r *http.Request) answer {
	r.ParseForm() // what it could not read is missing
	name := strings.TrimSpace(r.PostForm.Get("name"))
	uri, platform, err := redirectOf(r.PostForm)
	if name == "" {
		err = errors.New("the application needs a name")
	}
	if err != nil {
		return p.refuse(true, http.StatusBadRequest, err)
	}
	app := &App{
		ClientID: randomGUID(), Name: name, SingleTenant: r.PostForm.Get("accounts") != "any",
		ObjectID: randomGUID(), EnterpriseID: randomGUID(), Redirects: map[string]Platform{},
		Permissions: []string{graphID + "/User.Read"}, // which every new one has
	}
	if uri != "" {
		app.Redirects[uri] = platform
	}
	p.tenant.Change(func(t *Tenant) { t.Apps = append(t.Apps, app) })
	return redirectAnswer(http.StatusSeeOther, "/portal/apps/"+app.ClientID+"/"+bladeOverview)
}

// change does something to the app that the path names.
func (p portal) change(r *http.Request, do func(*portalChange) error) (err error) {
	r.ParseForm() // what it could not read is missing
	err = errNoSuchApp
	p.tenant.Change(func(t *Tenant) {
		if app := t.app(r.PathValue("clientID")); app != nil {
			err = do(&portalChange{t: t, app: app, form: r.PostForm, issuer: p.issuer, now: p.now()})
		}
	})
	return err
}

// after goes back to a page when err is nil.
func (p portal) after(r *http.Request, blade string, err error) answer {
	switch {
	case errors.Is(err, errNoSuchApp):
		return p.refuse(true, http.StatusNotFound, err)
	case err != nil:
		return p.refuse(true, http.StatusBadRequest, err)
	}
	return redirectAnswer(http.StatusSeeOther, "/portal/apps/"+url.PathEscape(r.PathValue("clientID"))+"/"+blade+"?"+saved)
}

// addPlatform is Authentication: Add a platform, or Add URI.
func (p portal) addPlatform(r *http.Request) answer {
	return p.after(r, bladeAuthentication, p.change(r, func(c *portalChange) error {
		uri, platform, err := redirectOf(c.form)
		switch {
		case err != nil:
			return err
		case uri == "":
			return errors.New("the redirect URI is missing")
		}
		c.app.Redirects = c.app.clone().Redirects
		c.app.Redirects[uri] = platform
		return nil
	}))
}

// addSecret is New client secret. Its answer is the page that shows the value,
// and none other does.
func (p portal) addSecret(r *http.Request) answer {
	secret := ""
	err := p.change(r, func(c *portalChange) error {
		days, err := strconv.Atoi(c.value("days"))
		if err != nil || days < 1 || days > 730 {
			return fmt.Errorf("a secret is good for 1 to 730 days, not %q", c.value("days"))
		}
		c.form.Set("months", "1")
		if err := c.newSecret(); err != nil {
			return err
		}
		c.app.SecretExpires = c.now.AddDate(0, 0, days)
		secret = c.app.Secret
		return nil
	})
	if err != nil {
		return p.after(r, bladeCredentials, err)
	}
	return p.showBlade(r.PathValue("clientID"), bladeCredentials, secret, true)
}

// addPermissions is Add a permission.
func (p portal) addPermissions(r *http.Request) answer {
	return p.after(r, bladePermissions, p.change(r, func(c *portalChange) error {
		_, others := permissionsOf(c.app)
		for _, o := range others {
			switch {
			case !slices.Contains(c.form["permission"], o.Type+" "+o.ID):
			case o.Type == "Application":
				c.app.AppRoles = edited(c.app.AppRoles, o.ID, true)
			default:
				c.app.Permissions = edited(c.app.Permissions, o.ID, true)
			}
		}
		return nil
	}))
}

// grantPermissions is Grant admin consent.
func (p portal) grantPermissions(r *http.Request) answer {
	return p.after(r, bladePermissions, p.change(r, func(c *portalChange) error {
		c.form.Set("do", "grant")
		return c.consent()
	}))
}
