package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
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

// overGraph reports whether messages leave through Graph just now.
func (w *sender) overGraph() bool {
	f := w.insteadOfSMTP.Load()
	return w.account.Transport == account.Graph || f != nil && w.mailer.now().Before(f.since.Add(backToSMTP))
}

// fallsBack reports whether a refusal means that messages leave through Graph
// from now on.
func (w *sender) fallsBack(err error) bool {
	var refused *smtp.Error
	if w.account.Transport != account.Auto || !errors.As(err, &refused) {
		return false
	}
	for _, sentence := range smtpAuthOff {
		if strings.Contains(refused.Text, sentence) {
			first := !w.overGraph() // others may have met it at the same time
			w.insteadOfSMTP.Store(&fallback{since: w.mailer.now(), reply: serverText(refused)})
			if !first {
				return true
			}
			w.mailer.log().Warn("SMTP AUTH is switched off, and messages leave through Microsoft Graph", "account", w.account.Name, "reply", serverText(refused))
			return true
		}
	}
	return false
}

// submitToGraph sends a message through Graph, and tells of it in the words of
// a submission server.
func (w *sender) submitToGraph(ctx context.Context, c *graph.Client, mailbox string, m *smtp.Message) (*smtp.Receipt, error) {
	g := &graph.Message{Mailbox: mailbox, From: m.From, SkipSentItems: w.account.SkipSentItems, Open: m.Open}
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
	case e.Status == 0 && e.Temporary():
		return trouble{cause: CauseNetwork}
	case e.Temporary():
		return trouble{after: e.RetryAfter}
	case e.Status == 0 && e.Account():
		return trouble{cause: CauseSettings}
	case e.Account() && othersMailbox(a, from):
		return trouble{} // this mailbox lacks a permission, or is none, and the others go on
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
var graphFixes = []struct{ code, text, fix string }{
	{"ErrorSendAsDenied", "", "give {username} the permission Send As, or Send on Behalf, on the sender's mailbox: Add-RecipientPermission SENDER -AccessRights SendAs -Trustee {username}; it takes effect within about an hour"},
	{"ErrorAccessDenied", "Access to OData is disabled", "an application access policy, or the scope of a role, leaves this mailbox out: Test-ApplicationAccessPolicy -Identity SENDER -AppId CLIENT-ID shows which; traymail admin {account} has the commands"},
	{"ErrorAccessDenied", "", "grant the permission Mail.Send of Microsoft Graph and consent to it: Entra ID → App registrations → the app → API permissions → Grant admin consent"},
	{"MailboxNotEnabledForRESTAPI", "", "the mailbox has no Exchange Online licence, was removed, or is on premises: Users → Active users → the user → Licenses and apps"},
	{"InvalidAuthenticationToken", "", "see that graph_url and graph_scope are Microsoft Graph's in this cloud; where a person signs in, sign in again: traymail login {account}"},
	{"ErrorInvalidUser", "", "correct the sender: the tenant has no mailbox of this address"},
	{"ErrorMessageSubmissionBlocked", "", "an administrator releases the mailbox: https://security.microsoft.com → Email & collaboration → Review → Restricted entities"},
	{"ErrorExceededMessageLimit", "", "wait: the mailbox has reached Exchange's limit of messages or recipients a day"},
}

func graphFix(e *graph.Error) string {
	if e.Unknown {
		return "look into Sent Items of the sender's mailbox: when the message is there, take it out, traymail queue rm ID; when it is not, let it go, traymail queue release ID"
	}
	for _, f := range graphFixes {
		if f.code == e.Code && strings.Contains(e.Message, f.text) {
			return f.fix
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
