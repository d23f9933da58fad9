package sandbox

import (
	"slices"
	"strings"
)

// A resource is an API that access tokens are for.
type resource struct {
	id   string // how consent and registrations name it, in every cloud
	name string
	// guid is the application ID, a spelling of it in every cloud; "" at Google.
	guid string
	// spellings are how each provider's clients name it, the usual one first;
	// the token's audience is the spelling used, unless audience fixes it.
	spellings map[Provider][]string
	audience  string
	// words says, per delegated permission, what the consent page says; roles
	// does per application permission.
	words, roles map[string]string
}

const (
	exchangeID    = "https://outlook.office.com"
	graphID       = "https://graph.microsoft.com"
	googleMailID  = "https://mail.google.com"
	graphAudience = "00000003-0000-0000-c000-000000000000"
)

// resources are the APIs of the tenants; nothing writes to them. The portal
// lists SMTP.Send under Graph although only Exchange's audience can use it, so
// both have it.
var resources = [...]*resource{
	{
		id: exchangeID, name: "Office 365 Exchange Online", guid: "00000002-0000-0ff1-ce00-000000000000",
		spellings: map[Provider][]string{
			GlobalCloud: {exchangeID, "https://outlook.office365.com"},
			GCCHigh:     {"https://outlook.office365.us"},
			DoD:         {"https://outlook.office365.us"},
			China:       {"https://partner.outlook.cn"},
			OutlookCom:  {exchangeID, "https://outlook.office365.com"},
		},
		words: map[string]string{
			"SMTP.Send":             "Send emails from your mailbox using SMTP AUTH",
			"IMAP.AccessAsUser.All": "Read and write to your mailbox via IMAP",
			"POP.AccessAsUser.All":  "Read your mailbox via POP",
			"Exchange.ManageV2":     "Manage Exchange configuration",
		},
		roles: map[string]string{
			"SMTP.SendAsApp":         "Send emails from any mailbox using SMTP AUTH",
			"Exchange.ManageAsAppV2": "Manage Exchange as application",
		},
	},
	{
		id: graphID, name: "Microsoft Graph", guid: graphAudience, audience: graphAudience,
		spellings: map[Provider][]string{
			GlobalCloud: {graphID},
			GCCHigh:     {"https://graph.microsoft.us"},
			DoD:         {"https://dod-graph.microsoft.us"},
			China:       {"https://microsoftgraph.chinacloudapi.cn"},
			OutlookCom:  {graphID},
		},
		words: map[string]string{
			"User.Read":        "Sign you in and read your profile",
			"SMTP.Send":        "Send emails from your mailbox using SMTP AUTH",
			"Mail.Send":        "Send mail as you",
			"Mail.Send.Shared": "Send mail on behalf of others",
			"Mail.Read":        "Read your mail",
			"Mail.ReadBasic":   "Read your basic mail",
			"Mail.ReadWrite":   "Read and write access to your mail",

			"Mail.ReadWrite.Shared": "Read and write mail you have access to",
		},
		roles: map[string]string{
			"Mail.Send":      "Send mail as any user",
			"Mail.Read":      "Read mail in all mailboxes",
			"Mail.ReadWrite": "Read and write mail in all mailboxes",
			"User.Read.All":  "Read all users' full profiles",
		},
	},
	{
		// Its only scope is the bare address, a permission without a name.
		id: googleMailID, name: "Gmail",
		spellings: map[Provider][]string{GoogleGmail: {googleMailID}},
		words:     map[string]string{"": "Read, compose, send, and permanently delete all your email from Gmail"},
	},
}

// oidcScopes are the scopes without a resource, with the consent page's words.
var oidcScopes = map[string]string{
	"openid":         "Sign you in",
	"profile":        "View your basic profile",
	"email":          "View your email address",
	"offline_access": "Maintain access to data you have given it access to",
}

// findResource finds a resource by one of its spellings in any cloud, nil when
// there is none: the audience of a token that this tenant has issued.
func findResource(prefix string) *resource {
	for provider := range clouds {
		if r := provider.resource(prefix); r != nil {
			return r
		}
	}
	return nil
}

// resource finds a resource by a spelling that this provider knows, with or
// without a slash at its end; nil when there is none.
func (p Provider) resource(prefix string) *resource {
	prefix = strings.TrimSuffix(prefix, "/")
	for _, r := range resources {
		for _, spelling := range r.spellings[p] {
			if strings.EqualFold(spelling, prefix) || r.guid != "" && strings.EqualFold(r.guid, prefix) {
				return r
			}
		}
	}
	return nil
}

// spell is an id of consent as this provider's clients write it.
func (p Provider) spell(id string) string {
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		if r := findResource(id[:i]); r != nil && len(r.spellings[p]) > 0 {
			return r.spellings[p][0] + id[i:]
		}
	}
	return id
}

// permission finds the name of a delegated permission in its own spelling.
func (r *resource) permission(name string) (string, bool) {
	for known := range r.words {
		if strings.EqualFold(known, name) {
			return known, true
		}
	}
	return "", false
}

// A permission is one delegated scope of one resource.
type permission struct {
	resource *resource
	prefix   string // the resource as the client spelled it
	name     string
}

// id is the permission as consent and registrations spell it.
func (p permission) id() string { return p.resource.id + "/" + p.name }

// audience is the aud claim of a token for this permission.
func (p permission) audience() string {
	if p.resource.audience != "" {
		return p.resource.audience
	}
	return p.prefix
}

// scopeSet is a scope parameter, taken apart.
type scopeSet struct {
	oidc        []string
	permissions []permission
}

// ids lists everything in the set as consent spells it.
func (s scopeSet) ids() []string {
	list := slices.Clone(s.oidc)
	for _, p := range s.permissions {
		list = append(list, p.id())
	}
	return list
}

// has reports whether an OpenID Connect scope was asked for.
func (s scopeSet) has(oidc string) bool { return slices.Contains(s.oidc, oidc) }

// resources lists the resources in the order of their first scope.
func (s scopeSet) resources() []*resource {
	var list []*resource
	for _, p := range s.permissions {
		if !slices.Contains(list, p.resource) {
			list = append(list, p.resource)
		}
	}
	return list
}

// parseScopes takes a scope parameter apart and checks it against the
// registration. A scope without a resource belongs to the resource before it,
// and to Graph when it is the first.
func (p Provider) parseScopes(raw string, app *App) (scopeSet, *refusal) {
	var set scopeSet
	words := strings.Fields(raw)
	prefix := strings.TrimSuffix(p.spell(graphID+"/"), "/")
	current := p.resource(prefix)
	everything := false // a /.default was there
	for _, word := range words {
		if oidc := strings.ToLower(word); oidcScopes[oidc] != "" {
			if !set.has(oidc) {
				set.oidc = append(set.oidc, oidc)
			}
			continue
		}
		name := word
		if i := strings.LastIndexByte(word, '/'); i >= 0 {
			prefix, name = strings.TrimRight(word[:i], "/"), word[i+1:]
			if current = p.resource(prefix); current == nil {
				return set, resourceUnknown(prefix)
			}
		}
		if name == ".default" {
			everything = true
			set.permissions = append(set.permissions, app.registered(current, prefix)...)
			if !app.lists(current) {
				return set, resourceNotRegistered(app, prefix, current)
			}
			continue
		}
		known, ok := current.permission(name)
		if !ok {
			return set, scopeInvalid(raw, word)
		}
		wanted := permission{current, prefix, known}
		if !app.lists(current) {
			return set, resourceNotRegistered(app, prefix, current)
		}
		if !app.allows(wanted) {
			return set, permissionNotRegistered(app, wanted)
		}
		if !slices.Contains(set.permissions, wanted) {
			set.permissions = append(set.permissions, wanted)
		}
	}
	if everything && len(words)-len(set.oidc) > 1 {
		return set, scopeInvalid(raw, ".default together with other scopes")
	}
	return set, nil
}

// registered lists the permissions of r in the registration.
func (a *App) registered(r *resource, prefix string) []permission {
	var list []permission
	for _, id := range a.Permissions {
		i := strings.LastIndexByte(id, '/')
		if i < 0 || findResource(id[:i]) != r {
			continue
		}
		if name, ok := r.permission(id[i+1:]); ok {
			list = append(list, permission{r, prefix, name})
		}
	}
	return list
}

// lists reports whether any permission that r has is registered.
func (a *App) lists(r *resource) bool {
	for name := range r.words {
		if a.allows(permission{resource: r, name: name}) {
			return true
		}
	}
	return false
}

// allows reports whether p is registered. SMTP.Send counts for both resources,
// as in the portal.
func (a *App) allows(p permission) bool {
	for _, id := range a.Permissions {
		i := strings.LastIndexByte(id, '/')
		if i < 0 || !strings.EqualFold(id[i+1:], p.name) {
			continue
		}
		if findResource(id[:i]) == p.resource || p.name == "SMTP.Send" {
			return true
		}
	}
	return false
}

// describe is a scope in the consent page's words.
func describe(id string) string {
	if words, ok := oidcScopes[id]; ok {
		return words
	}
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		if r := findResource(id[:i]); r != nil {
			return r.words[id[i+1:]]
		}
	}
	return id
}

// describeRole is an application permission in the consent page's words.
func describeRole(id string) string {
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		if r := findResource(id[:i]); r != nil {
			return r.roles[id[i+1:]]
		}
	}
	return id
}
