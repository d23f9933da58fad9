package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/claims"
)

// inside is what the checks of tokens, identity and permissions find out for one
// another. Each field has the name of the check that sets it.
type inside struct {
	smtpClaims  claims.Claims // token-smtp
	smtpRead    bool          // token-smtp: the token could be read
	graphClaims claims.Claims // token-graph
	graphRead   bool          // token-graph
	graphToken  bool          // token-graph: there is one
	knowsApp    bool          // token-smtp, token-graph: the enterprise application's Object ID is in the account
	// saidObjectID is what the account has in its file instead.
	saidObjectID string
	noToken      error      // credential: why an application got none for what it sends over
	who          who        // identity
	renewed      bool       // credential, token-smtp, token-graph: what messages leave by has a new token
	planless     string     // licence: why there may be no mailbox, "" for no such doubt
	session      sessionTry // claims, smtp-auth, accepted
	overGraph    bool       // smtp-auth: messages leave through Graph instead
	delivery     delivery   // send-as, test-email
}

// tokenSMTP gets the access token for SMTP.
func (r *run) tokenSMTP(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn == account.PasswordSignIn:
		return skipped("a password is sent, and no token")
	case !a.SendsOver(account.SMTP):
		return skipped("messages leave through Microsoft Graph")
	case a.SignIn == account.BrowserSignIn && !r.SignedIn:
		return r.notSignedIn(ctx)
	}
	token, err := r.firstToken(ctx, ResourceSMTP)
	if err != nil {
		return r.refused(Fail, err, "no access token for SMTP")
	}
	r.smtpClaims, r.smtpRead = claims.Inspect(token)
	r.takeObjectID(r.smtpClaims)
	return passed("an access token for SMTP came%s", r.until(r.smtpClaims))
}

// until says how long a token that can be read is good.
func (r *run) until(c claims.Claims) string {
	if c.Expires.IsZero() {
		return ""
	}
	end, form := c.Expires.Local(), "15:04 MST"
	if end.Format(time.DateOnly) != r.Now().Local().Format(time.DateOnly) {
		form = "2 January 2006 15:04 MST"
	}
	return ", good until " + end.Format(form)
}

// claims reads the token for SMTP before a server does.
func (r *run) claims(ctx context.Context) Result {
	a := &r.Account
	switch {
	case a.SignIn == account.PasswordSignIn:
		return skipped("a password is sent, and no token")
	case !a.SendsOver(account.SMTP):
		return skipped("messages leave through Microsoft Graph, whose token is looked at with it")
	case !a.HasEntra() || !r.smtpRead:
		return passed("the token is one that only the provider can read")
	}
	if r.again { // what an administrator granted is in a new one
		r.session = sessionTry{}
		if token, err := r.Renew(ctx, ResourceSMTP); err == nil {
			r.smtpClaims, r.smtpRead = claims.Inspect(token)
			r.takeObjectID(r.smtpClaims)
		}
	}
	if result, bad := r.unfit(r.smtpClaims, claims.Exchange); bad {
		if result.Finding == "app-permission-missing" {
			return r.withoutRole(ctx)
		}
		return result
	}
	if result, bad := r.otherObjectID(r.smtpClaims); bad {
		return result
	}
	if a.SignIn == account.AppOnly {
		return passed("the token is for Exchange Online and holds the role SMTP.SendAsApp")
	}
	return passed("the token is for Exchange Online and holds the permission SMTP.Send")
}

// claimFindings are the catalogue's names for what stands in a token. Whose it
// is, the check of the identity judges, since it knows aliases.
var claimFindings = map[string]string{
	claims.WrongAudience: "token-wrong-audience",
	claims.NotAppOnly:    "settings-invalid",
	claims.AppOnly:       "settings-invalid",
	claims.MissingScope:  "token-missing-permission",
	claims.MissingRole:   "app-permission-missing",
	claims.WrongTenant:   "tenant-mismatch",
	claims.WrongClient:   "settings-invalid",
	claims.Expired:       "clock-wrong",
	claims.NotYetValid:   "clock-wrong",
}

// unfit is the result for the first thing in a token that stands against its
// use.
func (r *run) unfit(c claims.Claims, resource claims.Resource) (Result, bool) {
	a := &r.Account
	want := claims.Want{Resource: resource, AppOnly: a.SignIn == account.AppOnly, ClientID: a.ClientID, Now: r.Now()}
	switch {
	case account.IsGUID(a.Tenant):
		want.TenantID = a.Tenant
	case account.IsGUID(r.tenantID):
		want.TenantID = r.tenantID
	}
	for _, w := range c.Warnings(want) {
		finding := claimFindings[w.ID]
		// A token for Graph that is only asked who is signed in need not send.
		if finding == "" || w.ID == claims.MissingScope && resource == claims.Graph && !a.SendsOver(account.Graph) {
			continue
		}
		status := Warn
		if w.Fatal {
			status = Fail
		}
		if finding == "clock-wrong" && r.done[Clock].Status == Fail {
			if w.Fatal {
				return stopped(Clock), true
			}
			continue
		}
		result := r.found(finding, status, w.Meaning, "")
		switch w.ID {
		case claims.WrongAudience, claims.NotAppOnly, claims.AppOnly, claims.WrongClient:
			// The catalogue's entries are of what servers say, or of settings at large.
			result.Detail, result.Fix, result.Link, result.Command = "", w.Fix, "", ""
		}
		if result.Fix == "" {
			result.Fix = w.Fix
		}
		return result, true
	}
	return Result{}, false
}

// takeObjectID has the commands name the Object ID of the enterprise application,
// which is in the application's own token, whatever the account says.
func (r *run) takeObjectID(c claims.Claims) {
	if r.Account.SignIn != account.AppOnly || !account.IsGUID(c.ObjectID) {
		return
	}
	if !r.knowsApp {
		r.saidObjectID, r.knowsApp = r.Account.ObjectID, true
	}
	r.Account.ObjectID = c.ObjectID
}

// otherObjectID warns of an Object ID in the account that is not the enterprise
// application's.
func (r *run) otherObjectID(c claims.Claims) (Result, bool) {
	a := &r.Account
	if !r.knowsApp || r.saidObjectID == "" || strings.EqualFold(r.saidObjectID, c.ObjectID) {
		return Result{}, false
	}
	result := r.found("object-id-wrong", Warn, fmt.Sprintf("the account names the Object ID %s, and the enterprise application's is %s, as its token says", r.saidObjectID, c.ObjectID), "")
	if result.Detail == "" {
		result.Detail = "An app has two: that of its registration, and that of the enterprise application, which is the one that Exchange knows it by. " +
			"The account's is only used in commands for the administrator; where Exchange was told it as well, sign-ins are refused (535 5.7.3)."
	}
	result.Command = traymail("account edit %s --object-id %s", a.Name, c.ObjectID)
	return result, true
}

// tokenGraph gets the access token for Microsoft Graph. Where messages leave by
// SMTP it only tells who is signed in, and its refusal keeps nobody from sending.
func (r *run) tokenGraph(ctx context.Context) Result {
	a := &r.Account
	sends := a.SendsOver(account.Graph)
	switch {
	case a.SignIn == account.PasswordSignIn:
		return skipped("a password is sent, and no token")
	case a.GraphScope == "" || a.SignIn == account.AppOnly && !sends:
		return skipped("the account does not use Microsoft Graph")
	case a.SignIn == account.BrowserSignIn && !r.SignedIn && a.Transport == account.Graph:
		return r.notSignedIn(ctx)
	case a.SignIn == account.BrowserSignIn && !r.SignedIn:
		return skipped("nobody has signed in yet")
	}
	bad := Warn
	if a.Transport == account.Graph {
		bad = Fail
	}
	token, err := r.firstToken(ctx, ResourceGraph)
	if err != nil {
		result := r.refused(bad, err, "no access token for Microsoft Graph")
		if r.done[TokenSMTP].Status == Fail && r.done[TokenSMTP].Finding == result.Finding {
			// The sign-in is what is wrong, and not its parts.
			return Result{Status: Skip, Summary: "the same refusal as of " + TokenSMTP, stoppedBy: TokenSMTP}
		}
		if result.Finding == "consent-missing" && a.SignIn == account.BrowserSignIn {
			switch {
			case !sends:
				return skipped("nobody has consented to Microsoft Graph, which a sign-in with a code on another device does not ask for; messages leave by SMTP without it")
			case bad == Warn:
				result.Fix = fmt.Sprintf("sign in again as %s in the browser and accept what is asked, for a sign-in covers what was asked for then, and one with a code on another device asks for SMTP alone; only if that is refused, an administrator has to consent: traymail admin %s --consent", a.Username, a.Name)
			default:
				result.Fix = fmt.Sprintf("sign in again as %s and accept what is asked, for a sign-in covers what the account asked for then; only if that is refused, an administrator has to consent: traymail admin %s --consent", a.Username, a.Name)
			}
			result.Command, result.Verify = traymail("login %s", a.Name), ""
		}
		switch {
		case !sends:
			result.Detail = paragraphs(result.Detail, "Messages leave by SMTP all the same. With it traymail would see who is signed in and what licence that is.")
		case bad == Warn:
			result.Detail = paragraphs(result.Detail, "Messages leave by SMTP all the same; should SMTP AUTH be switched off, they could not leave through Microsoft Graph instead.")
		}
		return result
	}
	r.graphToken = true
	r.graphClaims, r.graphRead = claims.Inspect(token)
	r.takeObjectID(r.graphClaims)
	if a.HasEntra() && r.graphRead {
		if result, unfit := r.unfit(r.graphClaims, claims.Graph); unfit {
			if result.Finding == "app-permission-missing" {
				return r.withoutGraphRole(Warn, "")
			}
			if bad == Warn {
				result.Status = Warn
			}
			return result
		}
	}
	return passed("an access token for Microsoft Graph came%s", r.until(r.graphClaims))
}

// renewal proves that the account goes on when its token ends.
func (r *run) renewal(ctx context.Context) Result {
	a := &r.Account
	if a.SignIn == account.PasswordSignIn {
		return skipped("a password does not end with time")
	}
	if r.renewed && !r.again {
		c := r.smtpClaims
		if r.resource() == ResourceGraph {
			c = r.graphClaims
		}
		return passed("a new access token came%s, without asking anybody", r.until(c))
	}
	token, err := r.Renew(ctx, r.resource())
	if err != nil {
		return r.refused(Fail, err, "no new access token can be had")
	}
	c, _ := claims.Inspect(token)
	if a.SignIn == account.AppOnly {
		return passed("a new access token came%s", r.until(c))
	}
	return passed("a new access token came%s, without asking anybody", r.until(c))
}
