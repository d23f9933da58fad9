package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/graph"
)

// who is who signed in.
type who struct {
	person graph.Person
	known  bool   // the directory told
	alias  string // the name to use, where the account's is an alias
}

// graphClient asks Graph as the account. The caller closes it.
func (r *run) graphClient() *graph.Client {
	return &graph.Client{
		BaseURL: r.Account.GraphURL + "/v1.0", HTTPClient: r.Web, Now: r.Now,
		Token: func(ctx context.Context, refused string) (string, error) {
			if refused != "" {
				return r.Renew(ctx, ResourceGraph)
			}
			return r.Token(ctx, ResourceGraph)
		},
	}
}

// identity compares who signed in with the account's username.
func (r *run) identity(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn == account.AppOnly:
		return skipped("an application signs in by itself; through which mailbox it may send, the server says")
	case a.SignIn == account.PasswordSignIn:
		return skipped("whose the password is, the server says")
	case !a.HasEntra():
		return skipped("only the provider can read whose the token is")
	}
	r.who = who{}
	if r.graphToken {
		c := r.graphClient()
		defer c.Close()
		if p, err := c.Me(ctx); err == nil {
			r.who.person, r.who.known = p, true
			return r.isUsername(p)
		}
	}
	return r.isUsernameByClaims()
}

// isUsername compares by what the directory says.
func (r *run) isUsername(p graph.Person) Result {
	name := r.Account.Username
	switch {
	case p.Guest || r.smtpClaims.Guest || r.graphClaims.Guest:
		return r.guest(p.Username)
	case strings.EqualFold(name, p.Username):
		return passed("%s is signed in", p.Username)
	case p.Has(name):
		r.who.alias = p.Username
		kind := "an alias"
		if strings.EqualFold(name, p.Mail) {
			kind = "the address, and not the user name,"
		}
		result := r.usernameIsAlias(Warn, fmt.Sprintf("%s is %s of who is signed in: use %s to sign in", name, kind, p.Username))
		result.Detail = paragraphs(result.Detail, "That Exchange takes another of a person's names than the user name is not documented; the next checks tell.")
		return result
	}
	return r.otherAccount(p.Username)
}

// isUsernameByClaims compares by what the tokens say, which know no aliases.
func (r *run) isUsernameByClaims() Result {
	names := slices.Concat(r.smtpClaims.Usernames, r.graphClaims.Usernames)
	switch {
	case r.smtpClaims.Guest || r.graphClaims.Guest || slices.ContainsFunc(names, isExternal):
		return r.guest(strings.Join(names[:min(1, len(names))], ""))
	case len(names) == 0:
		return skipped("neither the directory nor the token tells who is signed in")
	case slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, r.Account.Username) }):
		return passed("%s is signed in, as the token says", names[0])
	}
	result := r.otherAccount(names[0])
	result.Detail = paragraphs(result.Detail, "The directory could not be asked.", r.orAnotherAddress(names[0]))
	return result
}

func isExternal(name string) bool { return strings.Contains(strings.ToUpper(name), "#EXT#") }

func (r *run) usernameIsAlias(status Status, summary string) Result {
	result := r.found("username-is-alias", status, summary, "")
	result.Fix = fmt.Sprintf("put %s into username, and leave the address that recipients see in sender", r.who.alias)
	result.Command = r.authenticateAs(r.who.alias)
	return result
}

// authenticateAs is the command that has the account authenticate as somebody
// else and send from the same address as before.
func (r *run) authenticateAs(name string) string {
	if a := &r.Account; strings.EqualFold(a.Sender, a.Username) {
		return traymail("account edit %s --username %s --sender %s", a.Name, name, a.Sender)
	}
	return traymail("account edit %s --username %s", r.Account.Name, name)
}

func (r *run) otherAccount(name string) Result {
	result := r.found("other-account-signed-in", Fail, fmt.Sprintf("%s is signed in, and the account's username is %s", name, r.Account.Username), "")
	result.Detail = paragraphs(result.Detail, "The usual reason: an administrator consented in the browser, and the token is the administrator's. Sign in once more, in a private window.")
	result.Command = traymail("login %s", r.Account.Name)
	return result
}

func (r *run) guest(name string) Result {
	if name == "" {
		name = r.Account.Username
	}
	result := r.found("guest-account", Fail, name+" is a guest in this tenant, and has the mailbox in another one", "")
	if result.Fix == "" {
		result.Fix = "sign in at the home tenant of this person: set it as the account's tenant, and sign in again"
	}
	result.Fix += fmt.Sprintf("; or use an account of this tenant: traymail account edit %s --username ADDRESS", r.Account.Name)
	result.Command = traymail("account edit %s --tenant TENANT\ntraymail login %[1]s", r.Account.Name)
	return result
}

// licence looks for a plan with a mailbox.
func (r *run) licence(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn == account.AppOnly:
		return skipped("an application needs none; a shared mailbox neither")
	case a.SignIn == account.PasswordSignIn:
		return skipped("a password cannot ask for it")
	case !a.HasEntra() || a.Provider == account.OutlookCom:
		return skipped("the provider's accounts need none")
	case !r.graphToken:
		return skipped("not known without a token for Microsoft Graph")
	}
	r.planless = ""
	c := r.graphClient()
	defer c.Close()
	l, err := c.Licences(ctx)
	if err != nil {
		e, ok := errors.AsType[*graph.Error](err)
		if ok && (e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized) {
			result := r.found("graph-permission-missing", Warn, "the licence is not proven: the token may not ask for it", judge(err).reply)
			result.Detail = "Reading one's own licences needs User.Read. Messages leave all the same, when there is one."
			return result
		}
		return r.refused(Warn, err, "the licence is not proven: Microsoft Graph did not tell")
	}
	plan := l.Mailbox()
	switch {
	case plan.Enabled():
		return passed("%s has the plan %s", a.Username, plan.Name)
	case plan.Name != "":
		return r.unlicensed(fmt.Sprintf("the plan %s of %s is not in force: %s", plan.Name, a.Username, plan.State))
	}
	has := "no licence at all"
	if len(l.Products) > 0 {
		has = strings.Join(l.Products, ", ") + ", none with Exchange Online"
	}
	return r.unlicensed(fmt.Sprintf("no plan with a mailbox is known: %s has %s", a.Username, has))
}

// unlicensed is a doubt and no more: plans have many names. Where the server
// then refuses, it is the cause.
func (r *run) unlicensed(summary string) Result {
	r.planless = summary
	return r.found("no-licence", Warn, summary, "")
}
