package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"traymail/internal/mailer"
)

func TestStatusPrintsAlertsAndNoneTwice(t *testing.T) {
	due := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	p := &program{stdout: &out}
	p.printStatus(mailer.Status{Accounts: []mailer.AccountStatus{
		{Name: "payroll", State: mailer.Attention, Cause: mailer.CauseSignIn, Reason: "nobody is signed in", Fix: "sign in: traymail login payroll", Alerts: []mailer.Alert{
			{ID: string(mailer.CauseSignIn), Severity: mailer.AlertUrgent, Summary: "payroll needs a sign-in: nobody is signed in", Fix: "sign in: traymail login payroll"},
			{ID: mailer.AlertSecret, Severity: mailer.AlertWarning, Due: due, Summary: "the client secret of payroll ends in 14 days", Fix: "make a new one"},
		}},
		{Name: "main", State: mailer.Ready, Alerts: []mailer.Alert{{ID: mailer.AlertRefusals, Severity: mailer.AlertWarning, Summary: "refusals of main rise: 5 of 10 recipients within an hour"}}},
	}})
	for line, times := range map[string]int{
		"payroll, warning, due 2027-01-31: the client secret of payroll ends in 14 days\n  make a new one\n": 1,
		"main, warning: refusals of main rise: 5 of 10 recipients within an hour\n":                          1,
		"sign in: traymail login payroll": 1,
		"payroll needs a sign-in":         0,
	} {
		if n := strings.Count(out.String(), line); n != times {
			t.Errorf("%q is printed %d times in\n%s", line, n, out.String())
		}
	}
}
