package setup

import (
	"encoding/json"
	"slices"
	"strings"

	"traymail/internal/account"
)

// deepest is how many levels of JSON are looked at.
const deepest = 20

// recogniseJSON reads the text as JSON, when it is that: an app registration's
// manifest, the answers of Azure CLI and Microsoft Graph, a client's file from
// Google, what "traymail account export --json" writes.
func recogniseJSON(text string) Found {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return Found{}
	}
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return Found{}
	}
	var f Found
	f.walk(v, "", 0)
	return f
}

// walk looks at v, which stands under key.
func (f *Found) walk(v any, key string, depth int) {
	if depth > deepest {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			f.walk(e, key, depth+1)
		}
	case map[string]any:
		f.object(v, key)
		// Sorted, so that the same text always gives the same.
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			f.walk(v[k], strings.ToLower(k), depth+1)
		}
	case string:
		if strings.HasPrefix(key, "redirect") && f.RedirectURL == "" && urlForm.FindString(v) == v {
			f.RedirectURL = v
		}
	}
}

// object takes what one object says of an app. An "id" is the app's only beside
// its client ID.
func (f *Found) object(o map[string]any, key string) {
	get := func(names ...string) string {
		for _, n := range names {
			for k, v := range o {
				if s, ok := v.(string); ok && strings.EqualFold(k, n) && s != "" {
					return s
				}
			}
		}
		return ""
	}
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	id := func(s string) string {
		if account.IsGUID(s) {
			return strings.ToLower(s)
		}
		return ""
	}
	client := get("appId", "clientId", "client_id", "applicationId")
	if id(client) != "" || googleID.MatchString(client) {
		set(&f.ClientID, client)
		set(&f.ObjectID, id(get("objectId", "id")))
	}
	if t := get("tenantId", "tenant", "tenant_id", "directoryId", "appOwnerOrganizationId", "appOwnerTenantId", "homeTenantId"); id(t) != "" || isDomain(t) {
		set(&f.Tenant, strings.ToLower(t))
	}
	set(&f.SecretID, id(get("keyId")))
	if s := get("clientSecret", "client_secret", "secretText", "password"); id(s) == "" && len(s) >= 8 {
		set(&f.Secret, s)
	}
	if s := get("url"); strings.HasPrefix(key, "replyurl") && urlForm.FindString(s) == s {
		set(&f.RedirectURL, s)
	}
}
