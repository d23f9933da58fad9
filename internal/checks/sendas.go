package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/refusals"
)

// A pair is who sends, and as whom.
type pair struct {
	user, sender string
	// own says that sender is another address of the user's own mailbox.
	own bool
	// from is what the test email has to be told, "" for the account's sender.
	from string
}

// pair returns whose permission is in question, or why none is.
func (r *run) pair() (p pair, none string) {
	a := &r.Account
	if a.SignIn == account.AppOnly {
		switch i := slices.IndexFunc(a.Senders, func(s string) bool { return !strings.HasPrefix(s, "@") && !strings.EqualFold(s, a.Sender) }); {
		case a.Mailbox == account.FromMailbox:
			return pair{}, "each message leaves through the mailbox of its own From"
		case a.From != account.KeepFrom || i < 0:
			return pair{}, "messages are from the mailbox that they leave through"
		default:
			return pair{user: a.Sender, sender: a.Senders[i], from: a.Senders[i]}, ""
		}
	}
	p = pair{user: a.Username, sender: a.Sender}
	if r.who.known {
		p.user = r.who.person.Username
	}
	if strings.EqualFold(p.user, p.sender) || strings.EqualFold(a.Username, p.sender) {
		return pair{}, "the username is the sender"
	}
	p.own = r.who.known && r.who.person.Has(p.sender)
	return p, ""
}

// sendAs proves that the user may send as the sender, or on behalf of it. The
// administrators' endpoint knows the one permission, and a message that was
// taken or refused proves either. Nothing less is called proven.
func (r *run) sendAs(ctx context.Context) Result {
	p, none := r.pair()
	if none != "" {
		return skipped("%s", none)
	}
	var b behalf
	if !p.own {
		b = r.askBehalf(ctx, p.user, p.sender)
	}
	if r.options.NoSend || p.from != "" && r.SendTestFrom == nil {
		return r.withoutSending(p, b)
	}
	var sent Sent
	var err error
	if p.from != "" {
		sent, err = r.SendTestFrom(ctx, p.from)
	} else {
		sent, err = r.deliver(ctx)
	}
	switch j := judge(err); {
	case err == nil:
		return r.mayWith(p, b, sent)
	case j.finding == "send-as-denied":
		return r.denied(p, b, j)
	case p.from != "":
		return r.refused(Fail, err, fmt.Sprintf("the test email from %s was not accepted", p.sender))
	}
	return skipped("not proven: the test email met something else, which its own check tells")
}

// overSMTP reports whether messages leave over SMTP.
func (r *run) overSMTP() bool { return r.Account.Transport != account.Graph && !r.overGraph }

// withoutSending judges by the administrators' endpoint alone.
func (r *run) withoutSending(p pair, b behalf) Result {
	if b.named && !r.overSMTP() {
		result := passed("%s may send on behalf of %s: GrantSendOnBehalfTo holds it", p.user, p.sender)
		result.Detail = seen(p, "Send on Behalf") + "\nIf Send As is given as well, it wins, and recipients see the sender alone."
		return r.verify(result, p, b)
	}
	summary := fmt.Sprintf("whether %s may send as %s is not proven: no test email was sent", p.user, p.sender)
	result := r.found("permission-not-proven", Warn, summary, "")
	switch {
	case p.own:
		result.Detail = p.sender + " is another address of the same mailbox. Exchange takes it in From when the organisation lets people send from aliases (SendFromAliasEnabled)."
	case b.named:
		result.Detail = fmt.Sprintf("GrantSendOnBehalfTo of %s holds %s. Microsoft's pages on SMTP name Send As alone: that Exchange takes Send on Behalf over SMTP, only a test email shows.", p.sender, p.user)
	case b.absent:
		result.Detail = noMailbox(p) + " What people may send as a group, nobody can look up but an administrator in PowerShell."
	case b.allowed:
		result.Detail = paragraphs(fmt.Sprintf("GrantSendOnBehalfTo of %s does not hold %s. Send As nobody can look up but an administrator in PowerShell.", p.sender, p.user), b.hidden(p.user))
	default:
		result.Detail = "Send As and Send on Behalf nobody can look up but an administrator. FullAccess is not enough."
	}
	result.Fix = "send the test email: traymail test " + r.Account.Name
	return r.verify(result, p, b)
}

// mayWith is the result of a message that was taken: which permission it was, as
// far as that can be known.
func (r *run) mayWith(p pair, b behalf, sent Sent) Result {
	entra := r.Account.HasEntra() && r.Account.Provider != account.OutlookCom
	permission, look := either, "Which of the two it is, an administrator sees by Get-RecipientPermission: a line is Send As, none is Send on Behalf."
	switch {
	case p.own:
		result := passed("%s may send as %s, which is another address of its own mailbox", p.user, p.sender)
		result.Detail = "Whether recipients see this address, or the mailbox's first one, is the organisation's choice (SendFromAliasEnabled): look at the message that arrives."
		result.Reply = oneLine(sent.Reply)
		return result
	case !entra:
		result := passed("the provider took %s as the sender of %s", p.sender, p.user)
		result.Detail = "Some providers put the address that signed in into From: look at the message that arrives."
		result.Reply = oneLine(sent.Reply)
		return result
	case b.absent:
		look = noMailbox(p) + " " + look
	case b.named:
		permission = "Send on Behalf"
		look = "GrantSendOnBehalfTo holds " + p.user + ". If Send As is given as well, it wins, and recipients see the sender alone."
	case b.allowed && len(b.others) > 0:
		look = b.hidden(p.user) + " " + look
	case b.allowed:
		permission = "Send As"
		look = "GrantSendOnBehalfTo does not hold " + p.user + ", so it is Send As."
	}
	result := passed("%s may send as %s: %s", p.user, p.sender, permission)
	switch permission {
	case either:
		result.Summary = fmt.Sprintf("%s may send as %s, by one of the two: %s", p.user, p.sender, either)
	case "Send on Behalf":
		result.Summary = fmt.Sprintf("%s may send on behalf of %s: %s", p.user, p.sender, permission)
	}
	result.Detail = paragraphs(seen(p, permission), look)
	result.Reply = oneLine(sent.Reply)
	return r.verify(result, p, b)
}

// either stands where nobody but an administrator knows which permission it was.
const either = "Send As or Send on Behalf"

// noMailbox says that the endpoint, which knows mailboxes alone, has no sender.
func noMailbox(p pair) string {
	return p.sender + " is no mailbox, as the administrators' endpoint says: it may be a group, or somebody with a mailbox elsewhere."
}

// seen says what recipients see.
func seen(p pair, permission string) string {
	sendAs := fmt.Sprintf("Recipients see From: %s", p.sender)
	onBehalf := fmt.Sprintf("%s, Sender: %s (“%s on behalf of %s”)", sendAs, p.user, p.user, p.sender)
	switch permission {
	case "Send As":
		return sendAs + ", and nothing of " + p.user + "."
	case "Send on Behalf":
		return onBehalf + "."
	}
	return "With Send As recipients see From: " + p.sender + " alone; with Send on Behalf From: " + p.sender + ", Sender: " + p.user + " (“" + p.user + " on behalf of " + p.sender + "”)."
}

// denied is the result of a message that was refused for its sender.
func (r *run) denied(p pair, b behalf, j judgement) Result {
	shared := slices.ContainsFunc(r.graphClaims.Scopes, func(s string) bool { return strings.EqualFold(s, "Mail.Send.Shared") })
	if !r.overSMTP() && r.Account.SignIn == account.BrowserSignIn && r.graphRead && !shared && !p.own {
		result := r.found("token-missing-permission", Fail, fmt.Sprintf("the token does not hold Mail.Send.Shared, without which Microsoft Graph sends as nobody but %s", p.user), j.reply)
		result.Fix = "add Mail.Send.Shared to the account's graph_scope and to the registration, consent to it, and sign in again"
		result.Command = traymail("login %s", r.Account.Name)
		return result
	}
	finding, summary := "send-as-denied", fmt.Sprintf("%s may not send as %s", p.user, p.sender)
	detail := ""
	switch {
	case p.own:
		summary = fmt.Sprintf("%s is another address of the mailbox of %s, and Exchange does not take it in From", p.sender, p.user)
		result := r.found(finding, Fail, summary, j.reply)
		result.Detail = "It does when the organisation lets people send from aliases. The same holds for who has Send As on the address."
		result.Command = "Set-OrganizationConfig -SendFromAliasEnabled $true"
		result.Verify = "Get-OrganizationConfig | Format-List SendFromAliasEnabled"
		return result
	case b.named:
		finding = "send-as-missing"
		summary = fmt.Sprintf("%s may send on behalf of %s, which is not enough here: Send As is missing", p.user, p.sender)
		detail = "GrantSendOnBehalfTo holds the user, and Exchange refused the message all the same. Microsoft's pages on SMTP name Send As alone; or Send on Behalf was given just now and has not spread."
	case b.absent:
		detail = noMailbox(p) + " Of a group, Send As or Send on Behalf on the group is what is missing; else correct the address."
	case b.allowed && r.Account.OnBehalf:
		finding = "send-on-behalf-missing"
		summary = fmt.Sprintf("%s may not send on behalf of %s: GrantSendOnBehalfTo does not hold it, and Send As is missing too", p.user, p.sender)
	case b.allowed:
		finding = "send-as-missing"
		summary += ": neither Send As nor Send on Behalf is given"
	}
	result := r.found(finding, Fail, summary, j.reply)
	result.Detail = paragraphs(detail, "FullAccess on the mailbox does not let anybody send as it. With Send As recipients see the sender alone, with Send on Behalf both; with both permissions, Send As wins.", b.hidden(p.user))
	return r.grant(result, p, b)
}

// grant puts the commands that give the permissions into a result, the better
// one first: one of them is enough.
func (r *run) grant(result Result, p pair, b behalf) Result {
	sendAs := fmt.Sprintf("Add-RecipientPermission -Identity %s -Trustee %s -AccessRights SendAs -Confirm:$false", refusals.Quote(p.sender), refusals.Quote(p.user))
	onBehalf := fmt.Sprintf("Set-Mailbox -Identity %s -GrantSendOnBehalfTo @{Add=%s}", refusals.Quote(p.sender), refusals.Quote(p.user))
	if b.absent { // a group's is another cmdlet
		onBehalf = strings.Replace(onBehalf, "Set-Mailbox", "Set-DistributionGroup", 1)
	}
	r.takeSteps(&result, []string{"send-as"}) // for the link and the time
	connect := r.connect()
	switch {
	case r.Account.SignIn == account.AppOnly:
		result.Command = paragraphs(connect, sendAs)
		result.Fix = fmt.Sprintf("give %s Send As on %s; or let each message leave through its own mailbox (traymail account edit %s --mailbox from), with the application's permissions on it", p.user, p.sender, r.Account.Name)
	case r.Account.OnBehalf && !b.named:
		result.Command = paragraphs(connect, onBehalf, "# or, so that recipients see the sender alone:", "# "+sendAs)
		result.Fix = fmt.Sprintf("let %s send on behalf of %s", p.user, p.sender)
	default:
		result.Command = paragraphs(connect, sendAs, "# or, so that recipients see both names:", "# "+onBehalf)
		result.Fix = fmt.Sprintf("give %s the permission Send As on %s", p.user, p.sender)
	}
	if result.Takes == "" {
		result.Takes = "about an hour"
	}
	return r.verify(result, p, b)
}

// verify puts the commands that show the permissions into a result.
func (r *run) verify(result Result, p pair, b behalf) Result {
	if !r.Account.HasEntra() || r.Account.Provider == account.OutlookCom || p.own {
		return result
	}
	get := "Get-Mailbox"
	if b.absent {
		get = "Get-DistributionGroup"
	}
	result.Verify = paragraphs(r.connect(), fmt.Sprintf("Get-RecipientPermission -Identity %s -Trustee %s | Format-Table Identity, Trustee, AccessRights\n%s -Identity %[1]s | Format-List PrimarySmtpAddress, GrantSendOnBehalfTo", refusals.Quote(p.sender), refusals.Quote(p.user), get))
	return result
}
