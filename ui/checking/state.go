package checking

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"traymail/internal/account"
	"traymail/internal/checks"
	"traymail/internal/mailer"
)

// A State is everything that is shown of one account. It is never changed, only
// replaced, so that whoever holds one may keep it.
type State struct {
	Name string
	// Account is as it is stored, once it is Known; Unread says why it could not
	// be read. The checks tell more of that.
	Account account.Account
	Known   bool
	Unread  error
	// Complete says that what it signs in with is there.
	Complete bool

	Checks Checks
	Run    Run
	Test   Test
	Others Others
	// Tested says that the server took a test email before what is shown here.
	Tested bool
	// Silent is since when the program has not answered, zero when it does.
	Silent time.Time
}

// A Run is the last run of the checks, or the one under way.
type Run struct {
	Active     bool
	Cancelling bool
	Elapsed    time.Duration
	// How it ended.
	Err     error
	Stopped bool
}

// A Test is the test email that is sent beside the checks.
type Test struct {
	To         string // as typed
	Active     bool
	Cancelling bool
	Elapsed    time.Duration
	// How the last one ended; Done says that there was one.
	Done     bool
	At       string // where it went
	Err      error
	Stopped  bool
	Delivery mailer.Delivery
	// ByChecks is what became of the test email that the checks sent, where that
	// was later.
	ByChecks *checks.Result
}

// Others are the addresses that the account sends for besides its own, and what
// is known of the permission.
type Others struct {
	User string   // who signs in, or the mailbox that an application sends through
	As   []string // in From
	// Askable says that Exchange may be asked who sends on behalf of the sender.
	Askable  bool
	Asking   bool
	Granting bool
	// Answer is Exchange's, once there is one; New says that the permission was
	// given just now.
	Answer *mailer.Delegation
	New    bool
	// Err is why there is none.
	Err error
	// Script is the administrator's PowerShell, "" where there is none, and Link the
	// page with the same.
	Script, Link string
}

// Ready reports whether the setup is proved: nothing failed, and the server took
// a test email.
func (s State) Ready() bool {
	return s.Checks.Begun() && len(s.Checks.In(Pending)) == 0 && len(s.Checks.In(Running)) == 0 && len(s.Checks.Failed()) == 0 && s.accepted()
}

// accepted reports whether a server took a test email since the checks began.
func (s State) accepted() bool {
	r := s.Checks.row(checks.TestEmail)
	return s.Tested || r.Phase == Done && (r.Result.Status == checks.Pass || r.Result.Status == checks.Warn && r.Result.Finding != "unknown-outcome") ||
		s.Test.Done && s.Test.Err == nil && len(s.Test.Delivery.Accepted) > 0
}

// testTo is where the account's own test email goes.
func testTo(a account.Account) string { return cmp.Or(a.TestTo, a.Sender, a.Username) }

// CanTest reports whether a test email can be sent.
func (s State) CanTest() bool {
	return s.Known && s.Complete && !s.Test.Active && strings.TrimSpace(s.Test.To) != ""
}

// othersOf are the addresses in From that need a permission of their own.
func othersOf(a account.Account) Others {
	o := Others{User: a.Username}
	var all []string
	if a.SignIn == account.AppOnly {
		o.User = a.Sender
	} else {
		all = append(all, a.Sender)
	}
	if a.From == account.KeepFrom && a.Mailbox != account.FromMailbox {
		all = append(all, a.Senders...)
	}
	for _, s := range all {
		known := func(other string) bool { return strings.EqualFold(s, other) }
		if !known(o.User) && !strings.HasPrefix(s, "@") && !slices.ContainsFunc(o.As, known) {
			o.As = append(o.As, s)
		}
	}
	o.Askable = len(o.As) > 0 && a.SignIn == account.BrowserSignIn && !strings.EqualFold(a.Username, a.Sender) && a.AdminScope() != ""
	if len(o.As) > 0 {
		o.Script, o.Link = permission(a)
	}
	return o
}
