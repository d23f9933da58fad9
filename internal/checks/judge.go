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
	finding   string // unrecognised where nobody knows
	words     string // the other side's own, or the error's where it has none
	temporary bool   // it may pass by itself
	// unknown says that a message may have been taken.
	unknown bool
}

// judge says what an error of the packages that sign in and send means; nil
// means nothing.
func judge(err error) judgement {
	if err == nil {
		return judgement{}
	}
	j := judgement{words: oneLine(err.Error())}
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
			j.words = oneLine(oauth.Code + ": " + oauth.Description)
		}
	case errors.As(err, &reply):
		j.temporary, j.unknown = reply.Temporary(), reply.Unknown
		switch {
		case reply.Unknown:
			j.finding = "unknown-outcome"
		case reply.Code != 0:
			j.words = replyOf(reply)
			j.finding = idOf(refusals.OfReply(j.words))
		default:
			j.finding = faultOf(err).finding
		}
	case errors.As(err, &refusal):
		j.temporary, j.unknown = refusal.Temporary(), refusal.Unknown
		switch {
		case refusal.Unknown:
			j.finding = "unknown-outcome"
		case refusal.Status != 0:
			j.finding = idOf(refusals.OfGraph(refusal.Status, refusal.Code, refusal.Message))
		case refusal.Temporary():
			j.finding = faultOf(err).finding
		}
	}
	if j.finding == "" {
		j.finding = unrecognised
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
	case e.HTTPStatus != 0:
		return "proxy-page" // an answer that is not the provider's
	case e.Temporary():
		return faultOf(e).finding
	}
	return ""
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
	return strings.Join(strings.Fields(smtp.Reply{Code: e.Code, Text: e.Text}.String()), " ")
}

// refused is the result of a check that ended with an error.
func (r *run) refused(status Status, err error, summary string) Result {
	j := judge(err)
	if j.unknown {
		status = Warn
	}
	result := r.found(j.finding, status, summary, j.words)
	if j.temporary {
		result.Detail = paragraphs(result.Detail, "This is temporary: the same may succeed later although nobody changes anything.")
	}
	switch j.finding {
	case "not-signed-in":
		return r.signIn(result)
	case unrecognised:
		result.Detail = paragraphs(result.Detail, "It is no refusal that traymail knows; its own words stand above.")
	}
	return result
}

// signIn tells how one signs in.
func (r *run) signIn(result Result) Result {
	result.Command = "traymail login " + r.Account.Name
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
