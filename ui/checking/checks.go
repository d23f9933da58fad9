package checking

import (
	"slices"
	"time"

	"traymail/internal/checks"
)

// A Phase is how far one check has come in the run under way, or in the last.
type Phase int

// The phases. A check that waits has failed, and is tried again.
const (
	Pending Phase = iota
	Running
	Waiting
	Done
)

// A Row is one check on the page.
type Row struct {
	ID    string
	Phase Phase
	// Result is what came out. Before a check is done it is that of the run
	// before, where there was something to mend.
	Result checks.Result
	Open   bool // all of it is shown

	was Phase // of one that is running: what it was before
}

// A Group is checks that belong together.
type Group string

// The groups, in the order of their checks.
const (
	GroupNetwork      Group = "network"
	GroupRegistration Group = "registration"
	GroupSignIn       Group = "sign-in"
	GroupMailbox      Group = "mailbox"
	GroupDelivery     Group = "delivery"
)

var groups = []Group{GroupNetwork, GroupRegistration, GroupSignIn, GroupMailbox, GroupDelivery}

// groupOf returns the group of a check.
func groupOf(id string) Group {
	switch id {
	case checks.Configuration, checks.NameResolution, checks.Port, checks.TLS, checks.Clock:
		return GroupNetwork
	case checks.Authority, checks.ClientID, checks.Credential, checks.RedirectURL:
		return GroupRegistration
	case checks.TokenSMTP, checks.Claims, checks.TokenGraph, checks.Identity:
		return GroupSignIn
	case checks.Licence, checks.SMTPAuth, checks.Accepted, checks.SendAs:
		return GroupMailbox
	}
	return GroupDelivery
}

// Checks are the setup checks of the account, as far as they have come. Like
// the State that they are part of they are never changed, only replaced.
type Checks struct {
	Rows   []Row // all, in order
	NoSend bool  // the test email is left out
	// Compact says that groups with nothing to mend are folded into one line,
	// but for the Unfolded ones.
	Compact  bool
	Unfolded []Group
	// Mended is the check that passed last of those that had failed before.
	Mended string
	// Now is the time that a waiting check counts to.
	Now time.Time
}

func newChecks() Checks {
	var c Checks
	for _, id := range checks.IDs() {
		c.Rows = append(c.Rows, Row{ID: id})
	}
	return c
}

// Count returns how many checks are done with one of the outcomes.
func (c Checks) Count(of ...checks.Status) int {
	n := 0
	for _, r := range c.Rows {
		if r.Phase == Done && slices.Contains(of, r.Result.Status) {
			n++
		}
	}
	return n
}

// Begun reports whether there is anything to see of a run.
func (c Checks) Begun() bool {
	return slices.ContainsFunc(c.Rows, func(r Row) bool { return r.Phase != Pending })
}

// In returns the checks in a phase.
func (c Checks) In(phase Phase) []Row {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r Row) bool { return r.Phase != phase })
}

// Failed returns the checks that failed, also the one that waits.
func (c Checks) Failed() []Row {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r Row) bool {
		return r.Phase != Waiting && (r.Phase != Done || r.Result.Status != checks.Fail)
	})
}

// Of returns a group's checks.
func (c Checks) Of(g Group) []Row {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r Row) bool { return groupOf(r.ID) != g })
}

// Folded reports whether a group is shown as one line.
func (c Checks) Folded(g Group) bool {
	return c.Compact && !slices.Contains(c.Unfolded, g) && !slices.ContainsFunc(c.Of(g), Row.toMend)
}

// toMend reports whether there is something to look at in a row, also when that
// was found in the run before.
func (r Row) toMend() bool {
	return r.Phase == Waiting || r.Result.Status == checks.Fail || r.Result.Status == checks.Warn
}

// began returns c at the beginning of a run. What there was to mend stays in
// sight until it is checked again.
func (c Checks) began() Checks {
	c.Rows = slices.Clone(c.Rows)
	for i, r := range c.Rows {
		if !r.toMend() {
			r = Row{ID: r.ID}
		}
		r.Phase, r.was = Pending, Pending
		c.Rows[i] = r
	}
	c.Rows[0].Phase, c.Mended = Running, ""
	return c
}

// with returns c after a result, and whether it is of a check that failed
// before and does no longer.
func (c Checks) with(result checks.Result) (_ Checks, mended bool) {
	at := slices.IndexFunc(c.Rows, func(r Row) bool { return r.ID == result.ID })
	if at < 0 {
		return c, false
	}
	c.Rows = slices.Clone(c.Rows)
	before := c.Rows[at]
	row := Row{ID: result.ID, Phase: Done, Result: result, Open: before.Open}
	good := result.Status == checks.Pass || result.Status == checks.Warn
	switch {
	case result.Waiting != nil:
		row.Phase = Waiting
	case good && before.Result.Status == checks.Fail:
		mended, row.Open = true, false
		c.Mended = result.ID
	}
	c.Rows[at] = row
	c.next(at, before.Phase == Waiting)
	if row.Phase == Waiting && before.Phase != Waiting {
		c = c.settled()
	}
	return c, mended
}

// next marks the check that is under way after one has ended: the next that is
// not known, or of all the first one when the run begins anew after a wait. It
// is a guess: a check that does not apply, or that warned, may be done anew too.
func (c Checks) next(ended int, anew bool) {
	for i, r := range c.Rows {
		if r.Phase == Running {
			c.Rows[i].Phase = r.was
		}
	}
	if c.Rows[ended].Phase == Waiting {
		return
	}
	for i, r := range c.Rows {
		again := r.Phase == Done && (r.Result.Status == checks.Fail || anew && i > ended && r.Result.Status == checks.Skip)
		if (anew || i > ended) && (r.Phase == Pending || again) {
			c.Rows[i].Phase, c.Rows[i].was = Running, r.Phase
			return
		}
	}
}

// ended returns c when nothing is under way any more.
func (c Checks) ended() Checks {
	c.Rows = slices.Clone(c.Rows)
	for i, r := range c.Rows {
		switch {
		case r.Phase == Waiting:
			c.Rows[i].Phase, c.Rows[i].Result.Waiting = Done, nil
		case r.Phase == Running:
			c.Rows[i].Phase = r.was
		}
	}
	return c.settled()
}

// Awaitable is the check that can be waited for, "" for none: the first one that
// failed. The settings do not change by themselves.
func (c Checks) Awaitable() string {
	for _, r := range c.Failed() {
		if r.ID != checks.Configuration {
			return r.ID
		}
	}
	return ""
}

// settled returns c with the first check that failed in full, because it is the
// one to begin with, and what needs no look folded. It happens once a run, so
// that nothing moves while the results come.
func (c Checks) settled() Checks {
	failed := c.Failed()
	if len(failed) == 0 {
		return c
	}
	c.Compact = true
	c.Rows = slices.Clone(c.Rows)
	for i, r := range c.Rows {
		if r.ID == failed[0].ID {
			c.Rows[i].Open = true
		}
	}
	return c
}

// toggled returns c with one row opened or closed.
func (c Checks) toggled(id string) Checks {
	c.Rows = slices.Clone(c.Rows)
	for i, r := range c.Rows {
		if r.ID == id {
			c.Rows[i].Open = !r.Open
		}
	}
	return c
}

// unfolded returns c with a group unfolded.
func (c Checks) unfolded(g Group) Checks {
	c.Unfolded = append(slices.Clone(c.Unfolded), g)
	return c
}

// row is how one check stands.
func (c Checks) row(id string) Row {
	return c.Rows[slices.IndexFunc(c.Rows, func(r Row) bool { return r.ID == id })]
}
