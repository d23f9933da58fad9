package mailer

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/graph"
	"traymail/smtp"
)

// backToSMTP is after how long an account that fell back to Graph tries SMTP
// again: somebody may have switched it on.
const backToSMTP = 24 * time.Hour

// smtpAuthOff are Exchange's sentences for a mailbox, or an organisation, that
// may not submit over SMTP whoever signs in. Other refusals share the number.
var smtpAuthOff = []string{"SmtpClientAuthentication is disabled for the Tenant", "SmtpClientAuthentication is disabled for the Mailbox"}

// overGraph reports whether a mailbox's messages leave through Graph just now.
func (w *sender) overGraph(mailbox string) bool {
	if w.account.Transport == account.Graph {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f, fell := w.insteadOfSMTP[mailbox]
	return fell && f.holds(w.mailer.now())
}

// holds reports whether the fallback is still in force. A clock that was ahead
// does not prolong it.
func (f fallback) holds(now time.Time) bool { return now.Sub(f.since).Abs() < backToSMTP }

// insteadOf returns which mailboxes fell back to Graph, with the latest refusal.
func (w *sender) insteadOf() (mailboxes []string, reply string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var latest time.Time
	for mailbox, f := range w.insteadOfSMTP {
		if !f.holds(w.mailer.now()) {
			continue
		}
		mailboxes = append(mailboxes, mailbox)
		if !f.since.Before(latest) {
			latest, reply = f.since, f.reply
		}
	}
	slices.Sort(mailboxes)
	return mailboxes, reply
}

// fallBack notes why a mailbox's messages leave through Graph, and reports whether
// that is news.
func (w *sender) fallBack(mailbox, reply string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.mailer.now()
	maps.DeleteFunc(w.insteadOfSMTP, func(_ string, f fallback) bool { return !f.holds(now) })
	if w.insteadOfSMTP == nil {
		w.insteadOfSMTP = map[string]fallback{}
	}
	_, known := w.insteadOfSMTP[mailbox]
	w.insteadOfSMTP[mailbox] = fallback{since: now, reply: reply}
	return !known // others may have met it at the same time
}

// fallsBack reports whether a refusal means that a mailbox's messages leave
// through Graph from now on.
func (w *sender) fallsBack(mailbox string, err error) bool {
	var refused *smtp.Error
	if w.account.Transport != account.Auto || !errors.As(err, &refused) {
		return false
	}
	for _, sentence := range smtpAuthOff {
		if strings.Contains(refused.Text, sentence) {
			if w.fallBack(mailbox, serverText(refused)) {
				w.mailer.unasked().Warn("SMTP AUTH is switched off, and messages leave through Microsoft Graph", "account", w.account.Name,
					"mailbox", cmp.Or(mailbox, w.account.Username), "reply", serverText(refused))
			}
			return true
		}
	}
	return false
}

// submitToGraph sends a message through Graph, and tells of it in the words of
// a submission server.
func (w *sender) submitToGraph(ctx context.Context, c *graph.Client, mailbox string, m outgoing) (*smtp.Receipt, error) {
	// A report (RFC 3464) has no form without a copy in Sent Items, and whoever
	// wrote a message must hear what became of it.
	g := &graph.Message{Mailbox: mailbox, From: m.From, SkipSentItems: w.account.SkipSentItems && !m.own, Open: m.Open, Resend: m.resend, Since: m.since}
	for _, to := range m.To {
		g.To = append(g.To, to.Address)
	}
	r, err := c.Send(ctx, g)
	if err != nil {
		return nil, err
	}
	reply := smtp.Reply{Code: http.StatusAccepted, Text: strings.TrimPrefix(r.Reply, "202 ")}
	return &smtp.Receipt{Reply: reply, Session: "Graph " + c.BaseURL, TLS: tls.VersionTLS12, RoundTrips: r.Requests}, nil
}

// graphTrouble is troubleOf for a refusal by Graph. What only the next message
// can find out has a rest, for Ready proves no permission.
func graphTrouble(e *graph.Error, a *account.Account, from string) trouble {
	switch {
	case e.Unknown:
		// It may have been sent. Nobody sends it again but a person.
		return trouble{hold: true}
	case e.Op == graph.OpRead:
		return trouble{}
	case e.Op == graph.OpToken && (errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded)):
		return trouble{cause: CauseNetwork}
	case e.Throttled():
		return trouble{cause: CauseThrottle, after: e.RetryAfter}
	case e.Status == 0 && e.Temporary() && e.Account():
		return trouble{cause: CauseNetwork}
	case e.Temporary():
		return trouble{after: e.RetryAfter}
	case e.Status == 0 && e.Account():
		return trouble{cause: CauseSettings}
	case e.Account() && othersMailbox(a, from):
		// This mailbox lacks a permission, or is none, and the others go on.
		return trouble{mailbox: true, after: mailboxRest}
	case e.Code == "ErrorExceededMessageLimit":
		return trouble{cause: CauseQuota, rest: time.Hour}
	case e.Account(), sendAsDenied(e) && a != nil && strings.EqualFold(from, a.Sender):
		return trouble{cause: CauseProvider, rest: 15 * time.Minute}
	}
	return trouble{permanent: true}
}

// othersMailbox reports whether a message with the envelope sender from leaves
// through a mailbox that only some of the account's messages leave through.
func othersMailbox(a *account.Account, from string) bool {
	return a != nil && a.Mailbox == account.FromMailbox && !strings.EqualFold(from, a.Sender)
}

// graphFixes are what to do about Graph's refusals, by their code and a part of
// their text.
var graphFixes = []struct {
	code, text string
	remedy
}{
	{"ErrorSendAsDenied", "", remedy{person: "give {username} the permission Send As, or Send on Behalf, on the sender's mailbox, and consent to Mail.Send.Shared and sign in again where the account has not asked for it yet (traymail login {account}): Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour", application: "let each message leave through its sender's mailbox, mailbox = \"from\", or give {username} the permission Send As on it: Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour"}},
	{"ErrorAccessDenied", "Access to OData is disabled", remedy{person: "an application access policy, or the scope of a role, leaves this mailbox out: Test-ApplicationAccessPolicy -Identity {username} -AppId CLIENT-ID shows which; traymail admin {account} has the commands"}},
	{"ErrorAccessDenied", "", remedy{person: "grant the permission Mail.Send of Microsoft Graph and consent to it, App registrations → the app → API permissions → Grant admin consent, then sign in again: traymail login {account}", application: "grant the application permission Mail.Send of Microsoft Graph and consent to it: App registrations → the app → API permissions → Grant admin consent; or, with App RBAC, put the mailbox {username} into the scope of the role Application Mail.Send; traymail admin {account} has the commands"}},
	{"MailboxNotEnabledForRESTAPI", "", remedy{person: "the mailbox {username} has no Exchange Online licence, was removed, or is on premises: Users → Active users → the user → Licenses and apps"}},
	{"InvalidAuthenticationToken", "", remedy{person: "see that graph_url and graph_scope are Microsoft Graph's in this cloud; where a person signs in, sign in again: traymail login {account}", application: "see that graph_url and graph_scope are Microsoft Graph's in this cloud: traymail account show {account}"}},
	{"ErrorInvalidUser", "", remedy{person: "correct the sender: the tenant has no mailbox of this address", application: "correct the sender: the tenant has no mailbox of this address ({username})"}},
	{"ErrorMessageSubmissionBlocked", "", remedy{person: "an administrator releases {username}: https://security.microsoft.com → Email & collaboration → Review → Restricted entities"}},
	{"ErrorExceededMessageLimit", "", remedy{person: "wait: the mailbox has reached Exchange's limit of messages or recipients a day"}},
}

// unknownFix is what to do about a message that may have been sent.
const unknownFix = "look into Sent Items of the sender's mailbox: when the message is there, take it out, traymail queue rm ID; when it is not, let it go, traymail queue release ID " +
	"(an account with skip_sent_items keeps no copy: ask a recipient)"

func graphFix(e *graph.Error, signIn account.SignIn) string {
	if e.Unknown {
		return unknownFix
	}
	for _, f := range graphFixes {
		if f.code == e.Code && strings.Contains(e.Message, f.text) {
			return f.of(signIn)
		}
	}
	return ""
}

// graphClient reaches Graph. It keeps its connection, for a message may take
// several requests; the time of each is graph.Client's to bound.
func graphClient(roots *x509.CertPool) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}
}
