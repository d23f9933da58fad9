//go:build !darwin || cgo

package messages

import (
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"traymail/internal/mailer"
	"traymail/ui/desk"
)

func status(more ...string) desk.Status {
	s := desk.Status{Known: true}
	for _, name := range append([]string{"alerts"}, more...) {
		s.Accounts = append(s.Accounts, mailer.AccountStatus{Name: name})
	}
	return s
}

// sample is a list with all that may be in one.
func sample() []mailer.Record {
	long := message(30, queued, "Nightly backup of the accounting database finished with warnings on every third volume of the second storage array, see the attached report",
		"head.of.accounting.and.controlling@subsidiary-of-the-group.contoso-manufacturing.example", "ops@contoso.com", "audit@contoso.com")
	long.From = "backup-and-recovery-service@backup-07.datacentre-north.contoso.com"
	list := []mailer.Record{
		message(40, queued, "Disk space below 10% on host-00040"),
		message(39, sending, "Weekly report"),
		putOff(message(38, queued, "UPS on battery", "ops@contoso.com", "facility@contoso.com", "on-call@contoso.com")),
		unclear(message(37, held, "Invoice 2026-1183", "billing@fabrikam.com")),
		message(36, held, "Patch window tonight", "all-staff@contoso.com"),
		message(35, failed, "Payslip November", "j.doe@contoso.com"),
		message(34, delivered, "Scan from printer on floor 3", "reception@contoso.com"),
		message(33, removed, "Test", "test@contoso.com"),
		message(32, delivered, "", "ops@contoso.com"),
		long,
	}
	list[8].From, list[6].Client, list[5].Client = "", "printer-3", "payroll"
	for i := 29; i > 0; i-- {
		list = append(list, message(i, delivered, "Heartbeat"))
	}
	for i := range list {
		list[i].Received = clock.Add(-time.Duration(i*i*3) * time.Minute)
		if i > 5 {
			list[i].Account = "invoices"
		}
	}
	return list
}

func TestLooks(t *testing.T) {
	both := status("invoices")
	for _, size := range []struct {
		name          string
		width, height float32
	}{{"wide", 1064, 720}, {"narrow", 968, 700}} {
		t.Run(size.name, func(t *testing.T) {
			b := open(t, History, newFake(sample()...), desk.Place{})
			b.Page.Status(both)
			b.Window.Resize(fyne.NewSize(size.width, size.height))
			b.settle()
			b.Look("history-" + size.name)
			for range 3 {
				b.Press(fyne.KeyDown)
			}
			b.Press(fyne.KeyReturn)
			b.settle()
			b.Look("history-putoff-" + size.name)
			b.Press(fyne.KeyDown)
			b.settle()
			b.Look("history-unclear-" + size.name)
			b.Press(fyne.KeyDown)
			b.Press(fyne.KeyDown)
			b.settle()
			b.Look("history-failed-" + size.name)
			for range 4 {
				b.Press(fyne.KeyDown)
			}
			b.settle()
			b.Look("history-long-" + size.name)
			b.Press(fyne.KeyEscape)
			v := b.list.views[9]
			b.list.tip(v, columnFrom)
			b.Look("history-tip-" + size.name)
			b.list.untip()
			b.Window.Canvas().Focus(b.search)
			b.Type("contoso.com")
			b.settle()
			b.fake.newest(message(41, queued, "Disk space below 10% on host-00041"))
			b.fake.newest(message(42, queued, "Disk space below 10% on host-00042"))
			b.p.rested = time.Time{}
			b.Page.Status(both)
			b.settle()
			b.Look("history-search-" + size.name)
			b.Type("x")
			b.p.narrow(failed, "invoices")
			b.settle()
			b.Look("history-nothing-" + size.name)
		})
	}
	b := open(t, Queue, newFake(), desk.Place{})
	b.Look("queue-empty")
	b = open(t, Queue, newFake(sample()...), desk.Place{})
	b.p.all(mailer.Hold)
	b.settle()
	b.Look("queue-ask")
	b = open(t, Queue, newFake(many(500)...), desk.Place{})
	silent := both
	silent.Silent = clock.Add(-time.Minute)
	b.Page.Status(silent)
	b.p.state.Err = errors.New("the program at /run/traymail.sock does not answer")
	b.p.state.Job = &Job{What: export, Done: 1200, Of: 12000}
	b.p.state.News = 12
	clear(b.p.rows.pages)
	b.p.show()
	b.Look("queue-troubled")
}
