package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"traymail/internal/refusals"
)

// stopped is a check that cannot tell anything, because of what another one
// found.
func stopped(by string) Result {
	return Result{Status: Skip, Summary: "not looked at, because it depends on " + by, stoppedBy: by}
}

// notSignedIn tells why there is no sign-in: because of what another check found
// already, what the token endpoint says, or what was said to who tried last.
func (r *run) notSignedIn(ctx context.Context) Result {
	for _, id := range []string{Clock, RedirectURL} {
		if r.done[id].Status == Fail {
			return stopped(id) // nobody can sign in before that is mended
		}
	}
	a := &r.Account
	if result, refused := r.askTokenEndpoint(ctx); refused {
		return result
	}
	if last := r.LastSignIn; last != nil {
		if last.SignedInAs != "" {
			return r.otherAccountBefore(last)
		}
		result := r.found(last.Finding, Fail, fmt.Sprintf("the last sign-in as %s was refused", a.Username), last.Words)
		again := traymail("login %s", a.Name)
		if result.Command == "" {
			result.Command = again
		} else if !strings.Contains(result.Fix+result.Command, again) {
			result.Fix = paragraphs(result.Fix, "Then sign in again: "+again)
		}
		return result
	}
	result := r.signIn(r.found("not-signed-in", Fail, "nobody has signed in as "+a.Username+" yet", ""))
	result.Detail = paragraphs(result.Detail, "Some refusals the provider shows in the browser alone: paste what the page says into traymail explain.")
	return result
}

// otherAccountBefore is the result when the last sign-in was somebody else's.
func (r *run) otherAccountBefore(last *SignInRefusal) Result {
	a := &r.Account
	if slices.ContainsFunc(last.Addresses, func(own string) bool { return strings.EqualFold(own, a.Username) }) {
		r.who.alias = last.SignedInAs
		result := r.usernameIsAlias(Fail, fmt.Sprintf("%s signed in, and nothing was kept of it: the account's username %s is only another address of the same person", last.SignedInAs, a.Username))
		if result.Command != "" {
			result.Command = paragraphs(result.Command, traymail("login %s", a.Name))
		}
		return result
	}
	result := r.found("other-account-signed-in", Fail, fmt.Sprintf("the last sign-in was by %s, and the account's username is %s: nothing was kept of it", last.SignedInAs, a.Username), "")
	result.Detail = paragraphs(result.Detail, r.orAnotherAddress(last.SignedInAs))
	result.Fix = fmt.Sprintf("sign in as %s, in a private browser window, which forgets other sign-ins; or, is that another address of %s or a shared mailbox, make %[2]s the username", a.Username, last.SignedInAs)
	result.Command = traymail("login %s", a.Name)
	if other := r.authenticateAs(last.SignedInAs); other != "" {
		result.Fix += ": " + other
		result.Command = paragraphs(result.Command, "# or, is the username only another address, or a shared mailbox:", "# "+other)
	}
	return result
}

// orAnotherAddress is the question that only the directory, or people, can
// answer, when somebody else than the username signed in.
func (r *run) orAnotherAddress(name string) string {
	ask := fmt.Sprintf("Is %s another address of %s (an alias), or a shared mailbox that %[2]s sends from?", r.Account.Username, name)
	if command := r.authenticateAs(name); command != "" {
		return ask + " Then make " + name + " the username: " + command
	}
	return ask + " Then make that the username."
}

// askTokenEndpoint has the token endpoint refuse a refresh token that is none,
// and reports whether it said something else than that: a proxy's page, that it
// has had enough requests, or what it has against the app. Nobody's sign-in is
// touched.
//
// That Entra looks at the app's own proof before the refresh token is assumed;
// where it does not, nothing is learned.
func (r *run) askTokenEndpoint(ctx context.Context) (Result, bool) {
	a := &r.Account
	if !a.HasEntra() {
		return Result{}, false
	}
	address := a.Endpoint("oauth2/v2.0/token")
	if a.TokenURL != "" {
		address = a.TokenURL
	}
	host, _ := hostOf(address)
	form := url.Values{"client_id": {a.ClientID}, "grant_type": {"refresh_token"}, "refresh_token": {"none"}, "scope": {"openid"}}
	if secret := r.ClientSecret(); secret != "" {
		form.Set("client_secret", secret)
	}
	p, err := r.post(ctx, address, form)
	if err != nil {
		return r.webFailed(ctx, address, err), true
	}
	if result, wrong := r.notTheProvider(host, p); wrong {
		return result, true
	}
	var o oauthError
	switch {
	case p.status == http.StatusTooManyRequests:
		_ = json.Unmarshal(p.body, &o)
		return r.found("entra-throttled", Fail, host+" has had too many requests from here", o.reply()), true
	case p.status >= 500:
		return r.found("authority-unavailable", Fail, fmt.Sprintf("%s answered HTTP %d", host, p.status), ""), true
	case json.Unmarshal(p.body, &o) != nil:
		return Result{}, false
	}
	known, ok := refusals.OfEntra(o.number())
	for _, id := range append([]string{"app-disabled"}, credentialFindings...) {
		if ok && known.ID == id {
			return r.found(id, Fail, fmt.Sprintf("%s does not give tokens to the app %s", host, a.ClientID), o.reply()), true
		}
	}
	return Result{}, false
}
