package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/smtp"
)

// A sessionTry is the outcome of one sign-in to the submission server.
type sessionTry struct {
	done bool
	err  error
}

// authenticate signs in to the submission server, once for both checks that look
// at the outcome: each failed try may count against a lockout.
func (r *run) authenticate(ctx context.Context) error {
	if r.session.done && !r.again {
		return r.session.err
	}
	c := r.Session()
	err := c.Ready(ctx)
	if closed := c.Close(); err == nil {
		err = closed
	}
	r.session = sessionTry{true, err}
	return err
}

// triState is how Exchange's switches for SMTP AUTH go together.
const triState = "There are two switches. The mailbox's own wins: False is on and True is off, whatever the organisation's says; empty means as the organisation. " +
	"So False on the one mailbox is enough, and the organisation's can stay off for all others."

// smtpAuth tells the switches for SMTP AUTH from other refusals.
func (r *run) smtpAuth(ctx context.Context) Result {
	a := &r.Account
	r.overGraph = false
	switch {
	case !a.SendsOver(account.SMTP):
		return skipped("messages leave through Microsoft Graph, which has no such switch")
	case a.SMTPTLS == account.NoTLS:
		return skipped("the server on this machine asks for no sign-in")
	}
	err := r.authenticate(ctx)
	if err == nil {
		return passed("SMTP AUTH is on for %s", r.mailbox())
	}
	if !isSwitch(err) {
		return skipped("not known, because the sign-in was refused for another reason, or did not come so far")
	}
	return r.switchedOff(err)
}

// isSwitch reports whether an error is that SMTP AUTH is switched off.
func isSwitch(err error) bool { return strings.HasPrefix(judge(err).finding, "smtp-auth-off-") }

func (r *run) switchedOff(err error) Result {
	status, whose := Fail, "for the organisation, and the mailbox's own switch is empty"
	if judge(err).finding == "smtp-auth-off-mailbox" {
		whose = "for the mailbox itself"
	}
	summary := fmt.Sprintf("SMTP AUTH is off for %s: %s", r.mailbox(), whose)
	if r.Account.Transport == account.Auto {
		status, r.overGraph = Warn, true
		summary += "; messages leave through Microsoft Graph instead"
	}
	result := r.refused(status, err, summary)
	result.Detail = paragraphs(result.Detail, triState)
	return result
}

// mailbox is whom the server knows: the person, or the mailbox that an
// application sends through.
func (r *run) mailbox() string {
	if r.Account.SignIn == account.AppOnly {
		return r.Account.Sender
	}
	return r.Account.Username
}

// accepted proves that the server takes who signs in.
func (r *run) accepted(ctx context.Context) Result {
	a := &r.Account
	if a.Transport == account.Graph || r.overGraph {
		if err := r.GraphReady(ctx); err != nil {
			if result, without := r.noMailboxAtGraph(err); without {
				return result
			}
			return r.refused(Fail, err, "Microsoft Graph does not take requests for "+r.mailbox())
		}
		return passed("Microsoft Graph takes requests of %s; whether it sends, the test email shows", r.mailbox())
	}
	if a.SMTPTLS == account.NoTLS {
		return skipped("the server on this machine asks for no sign-in")
	}
	err := r.authenticate(ctx)
	switch {
	case err == nil:
		return passed("%s takes the sign-in of %s", a.SMTPHost, r.mailbox())
	case isSwitch(err):
		// It was switched off since the check before.
		if result := r.switchedOff(err); !r.overGraph {
			return result
		}
		return r.accepted(ctx)
	}
	reply, ok := errors.AsType[*smtp.Error](err)
	if ok && reply.Op == smtp.OpAUTH && judge(err).finding == "identity-refused" {
		return r.identityRefused(err)
	}
	return r.refused(Fail, err, fmt.Sprintf("%s does not take the sign-in of %s", a.SMTPHost, r.mailbox()))
}

// noMailboxAtGraph is the result when Microsoft Graph knows no mailbox of
// somebody who seems to have no licence.
func (r *run) noMailboxAtGraph(err error) (result Result, is bool) {
	j := judge(err)
	if r.planless == "" || j.finding != "mailbox-not-in-cloud" && j.finding != "no-such-mailbox" {
		return Result{}, false
	}
	return r.found("no-licence", Fail, "Microsoft Graph has no mailbox of "+r.mailbox()+"; "+r.planless, j.reply), true
}

// identityRefused tells why Exchange may have said 535 5.7.3, which gives no
// reason, by what the other checks found.
func (r *run) identityRefused(err error) Result {
	a := &r.Account
	said := judge(err).reply
	switch {
	case r.planless != "":
		return r.found("no-licence", Fail, fmt.Sprintf("Exchange does not take the sign-in of %s; %s", a.Username, r.planless), said)
	case r.who.alias != "":
		result := r.usernameIsAlias(Fail, fmt.Sprintf("Exchange does not take %s, which is not the user name of who is signed in: that is %s", a.Username, r.who.alias))
		result.Reply = said
		return result
	case a.SignIn == account.AppOnly && a.HasEntra():
		return r.appNotAdmitted(said)
	case a.SignIn == account.BrowserSignIn:
		result := r.found("identity-refused", Fail, fmt.Sprintf("Exchange does not take the sign-in of %s", a.Username), said)
		if r.who.known {
			result.Detail = paragraphs(result.Detail, "Token, user name and directory agree. What is left: the mailbox is not there yet, as in the first hour of a new licence; it is on premises; or what was changed just now has not spread.")
		}
		return result
	}
	return r.refused(Fail, err, fmt.Sprintf("%s does not take the sign-in of %s", a.SMTPHost, a.Username))
}

// appNotAdmitted is the result for an application whose token is right and that
// Exchange refuses. Why, nobody outside can tell: the commands put right whatever
// it is, and its verification shows which it was.
func (r *run) appNotAdmitted(said string) Result {
	a := &r.Account
	if !r.hasRole() {
		return r.appPermissionMissing(Fail, said)
	}
	result := r.found("app-not-admitted", Fail, fmt.Sprintf("Exchange does not let the application into %s", a.Sender), said)
	causes := "its service principal is not known to Exchange; it is known by another Object ID; it lacks FullAccess on the mailbox; there is no such mailbox, or it has no licence; or what was granted has not spread yet"
	result.Detail = paragraphs(result.Detail, "One of these, which cannot be told apart from outside: "+causes+".")
	if id := r.smtpClaims.ObjectID; id != "" {
		result.Detail += "\nThe enterprise application's Object ID is " + id + ", as its token says: Exchange must know the application by this one."
	}
	r.takeSteps(&result, []string{"service-principal", "full-access"})
	result.Fix = fmt.Sprintf("run the commands in PowerShell: what is in place already they leave as it is. Should %s be no mailbox, or only another address of one: traymail account edit %s --sender ADDRESS", a.Sender, a.Name)
	return result
}

// hasRole reports whether the token for SMTP holds what the API permission gives.
func (r *run) hasRole() bool { return holds(r.smtpClaims.Roles, "SMTP.SendAsApp") }

func holds(all []string, one string) bool {
	return slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, one) })
}

// withoutRole is the result for an application whose token has no role. With App
// RBAC it needs none, so the server is asked already here.
func (r *run) withoutRole(ctx context.Context) Result {
	if r.done[TLS].stops() || r.Account.SMTPTLS == account.NoTLS {
		return r.appPermissionMissing(Warn, "")
	}
	err := r.authenticate(ctx)
	if j := judge(err); j.finding == "identity-refused" {
		return r.appPermissionMissing(Fail, j.reply)
	}
	return r.appPermissionMissing(Warn, "")
}

// appPermissionMissing is the result for an application without the API
// permission, or the consent to it.
func (r *run) appPermissionMissing(status Status, said string) Result {
	a := &r.Account
	result := r.found("app-permission-missing", status, "the application's token does not hold SMTP.SendAsApp: the API permission is missing, or no administrator has consented to it", said)
	if status == Warn {
		result.Detail = "With App RBAC that is as it should be: the role is Exchange's then, and the next checks tell whether it is enough."
		return result
	}
	result.Fix = fmt.Sprintf("add the application permission SMTP.SendAsApp (API permissions → APIs my organization uses → Office 365 Exchange Online → Application permissions) and grant admin consent; if it is set up with App RBAC instead, the role, its scope or the Object ID is what is missing: traymail admin %s --rbac", a.Name)
	result.Command = traymail("admin %s --consent", a.Name)
	if entry, ok := r.catalogued(result.Finding); ok {
		result.Takes = entry.Takes // the step's is that of the permission alone
	}
	return result
}

// noGraphRole reports whether an application's token for Microsoft Graph is one
// that only Exchange's own roles (App RBAC) could let send.
func (r *run) noGraphRole() bool {
	return r.Account.SignIn == account.AppOnly && r.Account.SendsOver(account.Graph) && r.graphRead && !holds(r.graphClaims.Roles, "Mail.Send")
}

// withoutGraphRole is the result for it.
func (r *run) withoutGraphRole(status Status, said string) Result {
	result := r.found("graph-app-permission-missing", status, "the application's token does not hold Mail.Send: the API permission is missing, or no administrator has consented to it", said)
	if status == Warn {
		result.Detail = "With App RBAC that is as it should be: the role Application Mail.Send is Exchange's then, and the test email tells whether it is enough."
		return result
	}
	result.Command = traymail("admin %s --consent", r.Account.Name)
	return result
}
