// Package checks proves or refutes the setup of one account, step by step, and
// says of each step that fails whose fault it is and exactly what mends it.
//
// Each check depends on what it needs and on nothing else: a failure stops only
// what cannot be known without it. Two of them are more than questions: the test
// email is sent, and the tokens are renewed.
package checks

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Status is what came out of a check.
type Status string

// The four outcomes.
const (
	Pass Status = "pass"
	Warn Status = "warn" // works, and deserves a look; or could not be proved
	Fail Status = "fail"
	Skip Status = "skip" // does not apply, or depends on what failed
)

// The checks, in their order.
const (
	Configuration  = "configuration"
	NameResolution = "name-resolution"
	Port           = "port"
	TLS            = "tls"
	Clock          = "clock"
	Authority      = "authority" // and that the tenant exists
	ClientID       = "client-id"
	Credential     = "credential" // client secret, certificate, federated token or password
	RedirectURL    = "redirect-url"
	TokenSMTP      = "token-smtp"
	Claims         = "claims"
	TokenGraph     = "token-graph"
	Identity       = "identity" // who signed in is the username
	Licence        = "licence"
	SMTPAuth       = "smtp-auth" // the switches of organisation and mailbox
	Accepted       = "accepted"  // the server takes the identity
	SendAs         = "send-as"   // or Send on Behalf
	TestEmail      = "test-email"
	Renewal        = "renewal" // a new access token can be had
)

// A Result is the outcome of one check. Texts are plain English lines; what
// does not apply is empty.
type Result struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	// Finding is the cause, as the catalogue of refusals names it; "" where the
	// check passed, or was skipped.
	Finding string `json:"finding,omitempty"`
	Summary string `json:"summary"` // what was found
	Detail  string `json:"detail"`  // what it means, and for whom
	Fix     string `json:"fix"`     // what to click or type, with the account's own names in it
	Link    string `json:"link"`    // the page where that is
	// Command does the same: PowerShell for an administrator, or a traymail
	// command. It may have several lines.
	Command string `json:"command"`
	// Verify is PowerShell that shows whether the fix is in place.
	Verify string `json:"verify,omitempty"`
	Reply  string `json:"reply,omitempty"` // the server's own words
	// Takes is how long it usually is until the fix has an effect, in words.
	Takes string `json:"takes,omitempty"`
	// Waiting is set while a failed check is being tried again.
	Waiting *Waiting `json:"waiting,omitempty"`

	// stoppedBy is the check whose failure is why this one was skipped.
	stoppedBy string
	// temporary: it may pass although nobody changes anything.
	temporary bool
}

// Waiting tells of a check that is tried again until it passes.
type Waiting struct {
	Since time.Time `json:"since"` // the first failure
	Tries int       `json:"tries"`
	Next  time.Time `json:"next"`
	// Note is what each try does besides, "" for nothing.
	Note string `json:"note,omitempty"`
}

// Options choose what Run does.
type Options struct {
	// NoSend leaves out the test email, and with it what only a real submission
	// can prove.
	NoSend bool `json:"no_send,omitempty"`
	// Wait is how long a check that failed is tried again; 0 is not at all.
	Wait time.Duration `json:"wait,omitempty"`
}

// A step is one check.
type step struct {
	id string
	// needs are the checks without whose success this one cannot be done.
	needs []string
	do    func(*run, context.Context) Result
}

// steps are all checks in their order. A check that does not apply to an
// account says so itself, and counts as passed for those that need it.
var steps = []step{
	{Configuration, nil, (*run).configuration},
	{NameResolution, []string{Configuration}, (*run).nameResolution},
	{Port, []string{NameResolution}, (*run).port},
	{TLS, []string{Port}, (*run).tls},
	{Clock, []string{Configuration}, (*run).clock},
	{Authority, []string{Configuration}, (*run).authority},
	{ClientID, []string{Authority}, (*run).clientID},
	{Credential, []string{ClientID}, (*run).credential},
	{RedirectURL, []string{ClientID}, (*run).redirectURL},
	{TokenSMTP, []string{Credential}, (*run).tokenSMTP},
	{Claims, []string{TokenSMTP}, (*run).claims},
	{TokenGraph, []string{Credential}, (*run).tokenGraph},
	{Identity, []string{TokenSMTP, TokenGraph}, (*run).identity},
	{Licence, []string{TokenGraph, Identity}, (*run).licence},
	{SMTPAuth, []string{TLS, TokenSMTP, Claims, Licence}, (*run).smtpAuth},
	{Accepted, []string{SMTPAuth, TokenGraph, Identity}, (*run).accepted},
	{SendAs, []string{Accepted}, (*run).sendAs},
	{TestEmail, []string{Accepted, SendAs}, (*run).testEmail},
	{Renewal, []string{TokenSMTP, TokenGraph}, (*run).renewal},
}

// IDs lists the checks in their order.
func IDs() []string {
	var all []string
	for _, s := range steps {
		all = append(all, s.id)
	}
	return all
}

// stops reports whether a result keeps what depends on it from being known.
func (r Result) stops() bool { return r.Status == Fail || r.stoppedBy != "" }

// stoppedBy returns the failed check that s depends on, however many are in
// between, and "" if there is none.
func (s step) stoppedBy(done map[string]Result) string {
	i := slices.IndexFunc(s.needs, func(id string) bool { return done[id].stops() })
	if i < 0 {
		return ""
	}
	return cmp.Or(done[s.needs[i]].stoppedBy, s.needs[i])
}
