package mailer

import (
	"cmp"
	"slices"
	"time"

	"traymail/internal/account"
)

// An Alert says what will keep an account from sending, or does, before mail is
// late because of it.
type Alert struct {
	// ID is stable: programs go by it. An account has at most one alert of each.
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	// Since is when it began, and Due the day on which it breaks; zero: not known,
	// or it is broken already.
	Since time.Time `json:"since,omitzero"`
	Due   time.Time `json:"due,omitzero"`
	// Summary is one sentence, and Fix what to do. Both may change from day to day.
	Summary string `json:"summary"`
	Fix     string `json:"fix,omitempty"`
}

// Severity is how urgent an alert is.
type Severity string

// The severities.
const (
	AlertNotice  Severity = "notice"  // there is time
	AlertWarning Severity = "warning" // it breaks within two weeks, or something is odd
	AlertUrgent  Severity = "urgent"  // it breaks tomorrow, or is broken
)

// rank orders severities, the gravest last.
func (s Severity) rank() int {
	return slices.Index([]Severity{AlertNotice, AlertWarning, AlertUrgent}, s)
}

// The IDs of alerts. The causes of an account that waits for a person are IDs
// too: sign-in, settings, provider and keystore.
const (
	AlertSecret     = "secret-expires"
	AlertTokenIdle  = "token-idle"
	AlertRetirement = "basic-auth-retirement"
	AlertRefusals   = "refusals"
	AlertOverGraph  = "smtp-auth-off"
	AlertMailbox    = "mailbox"
	AlertUnknown    = "unknown-outcome"
	AlertQueueFile  = "queue-file"
)

// A finding is an alert with how it is told.
type finding struct {
	Alert
	title    string        // what it is about, for a subject
	patience time.Duration // it is no alert until it has lasted so long
	calm     time.Duration // nor is it mailed before it has
	step     int           // each smaller one is mailed once; noMail is not
	unable   bool          // the account itself cannot be counted on to send the mail
}

// noMail is the step of what is too far away for a mail.
const noMail = 1 << 30

// steps are the days before the end at which a mail is sent.
var steps = []int{0, 1, 7, 14, 30}

func stepOf(daysLeft int) int {
	for _, s := range steps {
		if daysLeft <= s {
			return s
		}
	}
	return noMail
}

// daysUntil counts the days of the calendar, which is UTC's, because what ends
// has a day and no hour.
func daysUntil(due, now time.Time) int {
	return int(due.UTC().Truncate(24*time.Hour).Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
}

func severityOf(daysLeft int) Severity {
	switch {
	case daysLeft <= 1:
		return AlertUrgent
	case daysLeft <= 14:
		return AlertWarning
	}
	return AlertNotice
}

// circumstances are what findings follow from.
type circumstances struct {
	status    *AccountStatus
	file      *account.Account // nil when it cannot be read
	now       time.Time
	unsigned  bool             // the keystore has no refresh token
	used      time.Time        // the refresh token, last; zero is not known
	rising    *tally           // refusals of the last hour, when they rise
	damaged   []Damage         // files of the queue, told of by this account
	mailboxes []mailboxRefusal // of mailboxes that the account sends through, by name
}

// findings says what is wrong, or will be. It asks nobody, and what it returns
// depends on its argument alone.
func (c circumstances) findings() []finding {
	var all []finding
	for _, find := range []func(circumstances) (finding, bool){
		circumstances.trouble, circumstances.secret, circumstances.idle, circumstances.retirement, circumstances.refusals, circumstances.mailbox, circumstances.unknown, circumstances.damage, circumstances.overGraph,
	} {
		if f, ok := find(c); ok {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b finding) int {
		return cmp.Or(b.Severity.rank()-a.Severity.rank(), cmp.Compare(a.ID, b.ID))
	})
	return all
}
