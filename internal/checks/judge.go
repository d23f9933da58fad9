package checks

import (
	"errors"
	"net/http"
	"strings"

	"traymail/authcode"
	"traymail/internal/graph"
	"traymail/internal/refusals"
	"traymail/smtp"
)

// unrecognised is the finding of a refusal that the catalogue has not.
const unrecognised = "unknown-refusal"

// A judgement is what an error means.
type judgement struct {
	finding string // unrecognised where nobody knows
	// reply is what the other side said, word for word; "" where it said nothing.
	reply string
	// words are what happened where nobody said anything.
	words     string
	temporary bool // it may pass by itself
	// unknown says that a message may have been taken.
	unknown bool
}

// judge says what an error of the packages that sign in and send means; nil
// means nothing.
func judge(err error) judgement {
	if err == nil {
		return judgement{}
	}
	var j judgement
	var oauth *authcode.Error
	var reply *smtp.Error
	var refusal *graph.Error
	switch {
	case errors.Is(err, authcode.ErrNotSignedIn):
		j.finding = "not-signed-in"
	case errors.As(err, &oauth): // a session that got no token has it as its cause
		j.temporary = oauth.Temporary()
		j.finding = findingOfOAuth(oauth)
		if oauth.Code != "" {
			j.reply = oneLine(oauth.Code + ": " + oauth.Description)
		}
	case errors.As(err, &reply):
		j.temporary, j.unknown = reply.Temporary(), reply.Unknown
		switch {
		case reply.Unknown:
			j.finding = "unknown-outcome"
		case reply.Code != 0:
			j.reply = replyOf(reply)
			j.finding = idOf(refusals.OfReply(j.reply))
		default:
			j.finding = findingOfSession(reply)
		}
	case errors.As(err, &refusal):
		j.temporary, j.unknown = refusal.Temporary(), refusal.Unknown
		switch {
		case refusal.Unknown:
			j.finding = "unknown-outcome"
		case refusal.Status != 0:
			j.reply = replyOfGraph(refusal)
			j.finding = idOf(refusals.OfGraph(refusal.Status, refusal.Code, refusal.Message))
		case refusal.Op != graph.OpMessage && refusal.Op != graph.OpRead:
			j.finding = faultOf(err).finding
		}
	default:
		j.finding = faultOf(err).finding
	}
	if j.finding == "" {
		j.finding = unrecognised
	}
	if j.reply == "" {
		j.words = without(err)
	}
	return j
}

func findingOfOAuth(e *authcode.Error) string {
	known, ok := refusals.OfEntra(e.AADSTS)
	switch {
	case ok:
		return known.ID
	case e.HTTPStatus == http.StatusTooManyRequests:
		return "entra-throttled"
	case e.Code != "":
		return idOf(refusals.OfOAuth(e.Code))
	case e.HTTPStatus >= 500:
		return "authority-unavailable"
	case e.HTTPStatus != 0:
		return "proxy-page" // an answer that is not the provider's
	case e.Err != nil:
		return faultOf(e.Err).finding
	}
	return ""
}

// findingOfSession is what an error means that no reply of the server's is part
// of: the client's own decision by the step that it was made at, or else the
// network's doing.
func findingOfSession(e *smtp.Error) string {
	text := ""
	if e.Err != nil {
		text = e.Err.Error()
	}
	switch {
	case e.Op == smtp.OpMessage && strings.Contains(text, "the server takes no more than"):
		return "too-large"
	case e.Op == smtp.OpMessage, e.Op == smtp.OpRead:
		return unrecognised
	case e.Op == smtp.OpAUTH && strings.Contains(text, "the server does not offer"):
		return "mechanism-not-offered"
	case e.Op == smtp.OpAUTH && strings.Contains(text, "the password was refused"):
		return "password-refused"
	case e.Op == smtp.OpSTARTTLS && strings.Contains(text, "does not offer STARTTLS"):
		return "starttls-missing"
	case e.Op == smtp.OpDial && strings.Contains(text, "without TLS"):
		return "settings-invalid"
	}
	return faultOf(e).finding
}

// idOf is the name of an entry of the catalogue, "" for none.
func idOf(e refusals.Refusal, known bool) string {
	if !known {
		return ""
	}
	return e.ID
}

// replyOf is a reply as the server gave it, with its code.
func replyOf(e *smtp.Error) string {
	return oneLine(smtp.Reply{Code: e.Code, Text: e.Text}.String())
}

// replyOfGraph is an error as Graph gave it; "" where it gave none.
func replyOfGraph(e *graph.Error) string {
	switch {
	case e.Code != "" && e.Message != "":
		return oneLine(e.Code + ": " + e.Message)
	case e.Code != "":
		return oneLine(e.Code)
	}
	return oneLine(e.Message)
}

// refused is the result of a check that ended with an error.
func (r *run) refused(status Status, err error, summary string) Result {
	j := judge(err)
	if j.unknown {
		status = Warn
	}
	if j.words != "" && j.finding != "not-signed-in" && !j.unknown {
		summary += ": " + j.words
	}
	switch { // for the fixes of the network's faults
	case errors.As(err, new(*authcode.Error)):
		r.with(hostOf(r.authorityAddress()))
	case errors.As(err, new(*graph.Error)):
		r.with(hostOf(r.Account.GraphURL))
	}
	result := r.found(j.finding, status, summary, j.reply)
	result.temporary = j.temporary
	if j.temporary {
		result.Detail = paragraphs(result.Detail, "This is temporary: the same may succeed later although nobody changes anything.")
	}
	switch {
	case j.finding == "not-signed-in":
		return r.signIn(result)
	case j.finding == "consent-missing":
		if e, ok := errors.AsType[*authcode.Error](err); ok && e.SignInAgain() && result.Command == "" {
			result.Fix = paragraphs(r.fill("sign in again and accept the permissions, where people may: traymail login {account}"), result.Fix)
			result.Command = "traymail login " + r.Account.Name
		}
	case j.finding == unrecognised && j.reply != "":
		result.Detail = paragraphs(result.Detail, "It is no refusal that traymail knows; its own words are shown as they came.")
	case j.finding == unrecognised:
		result.Detail = paragraphs(result.Detail, "traymail does not know what this means.")
	}
	return result
}

// signIn tells how one signs in.
func (r *run) signIn(result Result) Result {
	result.Command = traymail("login %s", r.Account.Name)
	if result.Fix == "" {
		result.Fix = "sign in as " + r.Account.Username
	}
	return result
}

// paragraphs joins texts that are not empty, each on a line.
func paragraphs(texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "\n")
}
