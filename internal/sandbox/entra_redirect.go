package sandbox

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// matchRedirect finds the registered redirect URI that raw is, as Entra does:
// everything must be equal, but for the port when the host is localhost. An
// exact match comes first, as two URIs that differ by the port alone may have
// different platforms.
func (a *App) matchRedirect(raw string) (Platform, bool) {
	if !acceptableRedirect(raw) {
		return "", false
	}
	if platform, ok := a.Redirects[raw]; ok {
		return platform, true
	}
	for _, uri := range slices.Sorted(maps.Keys(a.Redirects)) {
		if sameRedirect(uri, raw) {
			return a.Redirects[uri], true
		}
	}
	return "", false
}

// acceptableRedirect reports whether raw may be a redirect URI at all: https,
// or http to the machine itself by name or by its IPv4 loopback address.
func acceptableRedirect(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(raw, "#") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopbackName(u.Hostname())
}

func loopbackName(host string) bool {
	return strings.EqualFold(host, "localhost") || host == "127.0.0.1"
}

// sameRedirect compares a registered URI with a requested one.
func sameRedirect(registered, requested string) bool {
	a, err := url.Parse(registered)
	if err != nil {
		return false
	}
	b, err := url.Parse(requested)
	if err != nil || a.Scheme != b.Scheme || !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	if a.Port() != b.Port() && !loopbackName(a.Hostname()) {
		return false
	}
	return withSlash(a).EscapedPath() == withSlash(b).EscapedPath() && a.RawQuery == b.RawQuery
}

// withSlash gives a URI without a path the path "/".
func withSlash(u *url.URL) *url.URL {
	c := *u
	if c.Path == "" {
		c.Path = "/"
	}
	return &c
}

// respond brings values to the client's redirect URI in the way it asked for.
// The status of a redirect after a POST must make the browser GET.
func (a authorizeRequest) respond(r *http.Request, values url.Values) answer {
	if a.state != "" {
		values.Set("state", a.state)
	}
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	u, err := url.Parse(a.redirectURI)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	switch a.responseMode {
	case "form_post":
		return postBackPage(a.redirectURI, values)
	case "fragment":
		return redirectAnswer(status, withSlash(u).String()+"#"+values.Encode())
	}
	u = withSlash(u)
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += values.Encode()
	return redirectAnswer(status, u.String())
}

// respondRefusal is respond for an error; subcode may be "".
func (e *entra) respondRefusal(r *http.Request, a authorizeRequest, f *refusal, subcode string) answer {
	i := newIncident(f, e.now(), r)
	values := url.Values{
		"error":             {f.oauth},
		"error_description": {i.description()},
		"error_uri":         {i.uri()},
	}
	if subcode != "" {
		values.Set("error_subcode", subcode)
	}
	if f.claims != "" {
		values.Set("claims", f.claims)
	}
	return a.respond(r, values)
}
