package main

import (
	"fmt"
	"time"

	"traymail/internal/mailer"
)

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
