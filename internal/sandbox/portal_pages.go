package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A portalApp is a registration with its enterprise application and what
// Exchange knows of it.
type portalApp struct {
	ClientID     string `json:"client_id"`
	Name         string `json:"name"`
	TenantID     string `json:"tenant_id"`
	ObjectID     string `json:"object_id"`
	EnterpriseID string `json:"enterprise_id"`
	Enabled      bool   `json:"enabled"`
	// Redirects are the redirect URLs with their platforms.
	Redirects    map[string]Platform `json:"redirect_urls"`
	SingleTenant bool                `json:"single_tenant"`
	PublicFlows  bool                `json:"public_client_flows"`
	// Assigned are the only users who may sign in; null is everybody.
	Assigned []string `json:"assigned"`

	Permissions    []string `json:"delegated_permissions"`
	AdminConsented []string `json:"delegated_granted"`
	AppRoles       []string `json:"application_permissions"`
	GrantedRoles   []string `json:"application_granted"`

	ClientSecret  string              `json:"client_secret,omitempty"`
	SecretExpires time.Time           `json:"secret_expires,omitzero"`
	Certificates  []portalCertificate `json:"certificates"`
	Federated     []portalFederated   `json:"federated_credentials"`

	// ServicePrincipals are the Object IDs that Exchange knows the app by.
	ServicePrincipals []string     `json:"service_principals"`
	Roles             []portalRole `json:"role_assignments"`
	// AccessPolicy is which mailboxes the app is kept to at Graph; nil is none.
	AccessPolicy []string `json:"access_policy"`
}

// A portalFederated is a federated credential without the issuer's keys.
type portalFederated struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
}

// A portalRole is a role assignment; Mailboxes is null for all.
type portalRole struct {
	Role      string   `json:"role"`
	Mailboxes []string `json:"mailboxes"`
}

// A portalTenant is the organisation with its mailboxes.
type portalTenant struct {
	SMTPAuth         bool            `json:"smtp_auth"`
	SecurityDefaults bool            `json:"security_defaults"`
	Mailboxes        []portalMailbox `json:"mailboxes"`
	UserConsent      bool            `json:"user_consent"`
	// ConditionalAccess are the policies in force, with who is excluded.
	ConditionalAccess map[string][]string `json:"conditional_access"`
	Users             []portalUser        `json:"users"`
	// Pending is how many changes have yet to take effect.
	Pending int `json:"pending_changes"`
}

// A portalUser is an account.
type portalUser struct {
	UPN      string `json:"user"`
	Enabled  bool   `json:"enabled"`
	Licensed bool   `json:"licensed"`
	Guest    bool   `json:"guest"`
	// Trouble is what else keeps the account from signing in, "" is nothing.
	Trouble string `json:"trouble,omitempty"`
}

func describeUser(u *User) portalUser {
	d := portalUser{UPN: u.UPN, Enabled: !u.Disabled, Licensed: !u.Unlicensed, Guest: u.HomeTenant != ""}
	switch {
	case u.Locked:
		d.Trouble = "locked after wrong passwords"
	case u.PasswordExpired:
		d.Trouble = "the password has expired"
	case u.MFAUnregistered:
		d.Trouble = "a second factor has to be registered"
	}
	return d
}

// A portalMailbox is a mailbox with who may use it.
type portalMailbox struct {
	Address string `json:"mailbox"`
	Shared  bool   `json:"shared"`
	// Licensed tells whether the mailbox works.
	Licensed     bool     `json:"licensed"`
	SMTPAuth     string   `json:"smtp_auth"` // "on", "off" or "inherit"
	FullAccess   []string `json:"full_access"`
	SendAs       []string `json:"send_as"`
	SendOnBehalf []string `json:"send_on_behalf"`
}

// describeRegistration copies an app; call with the tenant locked.
func describeRegistration(t *Tenant, a *App) portalApp {
	c := a.clone()
	d := portalApp{
		ClientID: a.ClientID, Name: a.Name, TenantID: t.ID, ObjectID: a.ObjectID, EnterpriseID: a.EnterpriseID, Enabled: !a.Disabled,
		Permissions: c.Permissions, AdminConsented: slices.Clone(a.AdminConsented), AppRoles: c.AppRoles, GrantedRoles: c.GrantedRoles,
		Redirects: c.Redirects, SingleTenant: a.SingleTenant, PublicFlows: a.AllowPublicFlows,
		ClientSecret: a.Secret, SecretExpires: a.SecretExpires, Certificates: describeCertificates(a.Certificates),
	}
	if a.AssignmentRequired {
		d.Assigned = append([]string{}, a.Assigned...)
	}
	for _, f := range a.Federated {
		d.Federated = append(d.Federated, portalFederated{f.Issuer, f.Subject, f.Audience})
	}
	for _, p := range t.ServicePrincipals {
		if strings.EqualFold(p.AppID, a.ClientID) {
			d.ServicePrincipals = append(d.ServicePrincipals, p.ObjectID)
		}
	}
	for _, r := range t.RoleAssignments {
		if strings.EqualFold(r.AppID, a.ClientID) {
			d.Roles = append(d.Roles, portalRole{r.Role, slices.Clone(r.Mailboxes)})
		}
	}
	policy, _ := accessPolicy(t, a.ClientID)
	d.AccessPolicy = slices.Clone(policy)
	return d
}

// describeOrganisation copies the tenant's part; call with the tenant locked.
func describeOrganisation(t *Tenant) *portalTenant {
	d := &portalTenant{SMTPAuth: !t.SMTPAuthDisabled, SecurityDefaults: t.SecurityDefaults, UserConsent: !t.UserConsentDisabled,
		ConditionalAccess: map[string][]string{}, Pending: len(t.past)}
	for _, r := range t.ConditionalAccess {
		d.ConditionalAccess[r.Kind] = append([]string{}, r.Excluded...)
	}
	for _, u := range t.Users {
		d.Users = append(d.Users, describeUser(u))
	}
	for _, m := range t.Mailboxes {
		auth := "inherit"
		if m.SMTPAuthDisabled != nil {
			auth = map[bool]string{true: "off", false: "on"}[*m.SMTPAuthDisabled]
		}
		d.Mailboxes = append(d.Mailboxes, portalMailbox{m.Address, m.Shared, licensed(t, m), auth,
			slices.Clone(m.FullAccess), slices.Clone(m.SendAs), slices.Clone(m.SendOnBehalf)})
	}
	return d
}

// A portalForm is an action as the page shows it.
type portalForm struct {
	portalAction
	Path string
	// Curl does the same with the examples.
	Curl string
}

// forms are the actions below a path. Examples that belong to the app are
// filled in.
func (p portal) forms(path string, actions []portalAction, app portalApp) (list []portalForm) {
	for _, a := range actions {
		form := portalForm{a, path + "/" + a.Name, ""}
		form.Fields = slices.Clone(a.Fields)
		curl := "curl --cacert CA.pem"
		for i := range form.Fields {
			f := &form.Fields[i]
			switch f.Name {
			case "issuer":
				f.Example = p.issuer.url
			case "object_id":
				f.Example = app.EnterpriseID
			case "who":
				f.Example = daemonEnterpriseID
			}
			value := f.Example
			if f.Options != nil {
				value = f.Options[0]
			}
			if value != "" {
				curl += ` --data-urlencode "` + f.Name + "=" + value + `"`
			}
		}
		form.Curl = curl + " " + p.base + form.Path
		list = append(list, form)
	}
	return list
}

// portalView is what the pages of the portal show.
type portalView struct {
	Apps []portalApp
	// App and Tenant are the one that the page is about, if it is.
	App    *portalApp
	Tenant *portalTenant
	Forms  []portalForm
	// Administered is false where there is nothing but apps and certificates.
	Administered bool
	// Base is the sandbox's address, Issuer that of its own issuer.
	Base, Issuer string
}

// list is the page of all registrations.
func (p portal) list() answer {
	view := &portalView{Administered: p.administered()}
	p.tenant.View(func(t *Tenant) {
		for _, a := range t.Apps {
			view.Apps = append(view.Apps, describeRegistration(t, a))
		}
	})
	return render(http.StatusOK, "portal", page{Title: "App registrations", Portal: view})
}

// showApp is the page of one registration.
func (p portal) showApp(clientID string) answer {
	var view *portalView
	p.tenant.View(func(t *Tenant) {
		if a := t.app(clientID); a != nil {
			app := describeRegistration(t, a)
			view = &portalView{App: &app, Administered: p.administered(), Base: p.base, Issuer: p.issuer.url}
		}
	})
	if view == nil {
		return p.refuse(true, http.StatusNotFound, errNoSuchApp)
	}
	if view.Administered {
		view.Forms = p.forms("/portal/apps/"+view.App.ClientID, everyAppAction(), *view.App)
	}
	return render(http.StatusOK, "portal-app", page{Title: view.App.Name, Portal: view})
}

// showTenant is the page of the organisation.
func (p portal) showTenant() answer {
	view := &portalView{Forms: p.forms("/portal/tenant", everyTenantAction(), portalApp{})}
	p.tenant.View(func(t *Tenant) { view.Tenant = describeOrganisation(t) })
	return render(http.StatusOK, "portal-tenant", page{Title: "Organisation and mailboxes", Portal: view})
}

// act does the action that the path names. A browser goes back to the page;
// others get the app or the organisation as JSON.
func (p portal) act(r *http.Request, actions []portalAction) answer {
	browser := strings.Contains(r.Header.Get("Accept"), "text/html")
	if err := r.ParseForm(); err != nil {
		return p.refuse(browser, http.StatusBadRequest, errors.New("the body is not a form, or larger than 64 KiB"))
	}
	i := slices.IndexFunc(actions, func(a portalAction) bool { return a.Name == r.PathValue("action") })
	if i < 0 {
		return p.refuse(browser, http.StatusNotFound, errors.New("the portal has no such action; its pages name them all"))
	}
	if err := actions[i].check(r.PostForm); err != nil {
		return p.refuse(browser, http.StatusBadRequest, err)
	}
	var state any
	var err error
	back, clientID := "/portal/tenant", r.PathValue("clientID")
	c := &portalChange{form: r.PostForm, issuer: p.issuer, now: p.now()}
	p.tenant.Change(func(t *Tenant) {
		c.t = t
		if clientID != "" {
			if c.app = t.app(clientID); c.app == nil {
				err = errNoSuchApp
				return
			}
			back = "/portal/apps/" + c.app.ClientID
		}
		if err = actions[i].do(c); err != nil {
			return
		}
		if c.app != nil {
			state = describeRegistration(t, c.app)
		} else {
			state = describeOrganisation(t)
		}
	})
	for _, f := range c.after {
		if err == nil {
			err = f(p.box)
		}
	}
	switch {
	case errors.Is(err, errNoSuchApp):
		return p.refuse(browser, http.StatusNotFound, err)
	case err != nil:
		return p.refuse(browser, http.StatusBadRequest, err)
	case browser:
		return redirectAnswer(http.StatusSeeOther, back)
	}
	return jsonAnswer(http.StatusOK, state)
}
