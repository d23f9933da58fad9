package main

import (
	"fmt"
	"time"

	"traymail/internal/mailer"
)

// printDamages says which files of the queue were damaged, and what became of the
// messages in them.
func (p *program) printDamages(damages []mailer.Damage) {
	for _, d := range damages {
		fmt.Fprintf(p.stderr, "Warning: %s.\n  %s\n", d.Summary(), d.Fix())
		for _, m := range d.Lost {
			fmt.Fprintf(p.stderr, "  lost: message %s; left of it: %s\n", m.ID, m.Reason)
		}
	}
}

// printAlerts prints what will break, and leaves out what was said already as
// the reason for which an account waits.
func (p *program) printAlerts(accounts []mailer.AccountStatus) {
	for _, a := range accounts {
		for _, alert := range a.Alerts {
			if a.Reason != "" && alert.ID == string(a.Cause) {
				continue
			}
			due := ""
			if !alert.Due.IsZero() {
				due = ", due " + alert.Due.UTC().Format(time.DateOnly)
			}
			fmt.Fprintf(p.stdout, "%s, %s%s: %s\n", a.Name, alert.Severity, due, alert.Summary)
			if alert.Fix != "" {
				fmt.Fprintf(p.stdout, "  %s\n", alert.Fix)
			}
		}
	}
}
