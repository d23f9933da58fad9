//go:build !darwin || cgo

package home

import (
	"context"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/uitest"
)

// A screen is the page in a window on the test driver.
type screen struct {
	*uitest.Bench
	*Page
}

func open(t *testing.T, f *fake) *screen {
	t.Helper()
	b := uitest.New(t)
	s := &screen{b, New(b.Desk, f, b.Frame)}
	s.now = func() time.Time { return noon }
	// The frame keeps pages off its edges.
	b.Window.SetContent(container.New(layout.NewCustomPaddedLayout(12, 16, 16, 16), s.Content()))
	return s
}

// show gives the page a status, and waits for what it asks for.
func (s *screen) showing(st desk.Status) *screen {
	s.Page.Status(st)
	s.Page.Show(desk.Place{Page: desk.Home})
	s.Until(func() bool { return !s.busy })
	return s
}

func pausedByUser(s desk.Status) desk.Status {
	s.Paused = &mailer.Pause{Since: noon, Until: noon.Add(2*time.Hour + 20*time.Minute)}
	return s
}

func TestLooks(t *testing.T) {
	long := ready("a-rather-long-account-name.for-the-invoices-of-the-northern-branch")
	long.Username, long.Sender = "service-account-for-erp-and-invoices@mail.northern-branch.contoso.example", "invoices.northern.branch.no-reply@mail.contoso.example"
	long.Waiting, long.Oldest = 37, noon.Add(-26*time.Hour)
	problem := running(ready("main"))
	problem.Problem = "/etc/traymail/traymail.toml:12: relay.listeners: \"0.0.0.0:2525\" is open to other machines, and has neither TLS nor passwords"
	silent := running(ready("main"))
	silent.Silent, silent.Trouble = noon.Add(-time.Minute), context.DeadlineExceeded
	urgent := ending("main")
	urgent.Alerts = append(urgent.Alerts, mailer.Alert{ID: mailer.AlertRefusals, Severity: mailer.AlertUrgent, Summary: "more is refused than usual: 41 of 90 recipients within an hour, last: 550 5.7.60 SMTP; Client does not have permissions to send as this sender", Fix: "give the mailbox Send As"})
	service := running(ready("main"), ready("new"))
	service.Service = true
	for name, st := range map[string]desk.Status{
		"ready":     running(ready("main")),
		"attention": running(ready("main"), revoked("invoices"), throttled("scanner"), ending("erp")),
		"paused":    pausedByUser(running(ready("main"))),
		"empty":     running(),
		"problem":   problem,
		"silent":    silent,
		"unstarted": {Unstarted: mailer.ErrQueueFull},
		"first":     {},
		"long":      running(long, urgent),
		"service":   service,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, &fake{}).showing(st)
			s.Look("home-" + name)
			s.Window.Resize(fyne.NewSize(968, 700))
			s.scroll.ScrollToBottom()
			s.Look("home-" + name + "-small")
		})
	}
}
