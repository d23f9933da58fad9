package mailer

import (
	"sync"
	"time"

	"traymail/internal/queue"
)

// A Damage tells of a damaged file of the queue that was set aside.
type Damage = queue.Damage

// ErrQueueDamaged and ErrQueueLocked are why the queue does not work for now.
var (
	ErrQueueDamaged = queue.ErrDamaged
	ErrQueueLocked  = queue.ErrLocked
)

// damages are the files that were set aside and are still there, looked for now
// and then.
type damages struct {
	mu     sync.Mutex
	looked time.Time
	found  []Damage
	teller string // the account whose alert they are: the queue is nobody's own
}

// damagesRound is how long what was found is believed.
const damagesRound = 10 * time.Second

// damaged lists the damaged files that were set aside, and names the account that
// tells of them: the first that has somebody to tell, or the first.
func (e *engine) damaged() (found []Damage, teller string) {
	if e.settings.Queue.PostgreSQL != "" {
		return nil, ""
	}
	d, m := &e.damages, e.mailer
	d.mu.Lock()
	defer d.mu.Unlock()
	now := m.now()
	if !d.looked.IsZero() && now.Sub(d.looked).Abs() < damagesRound {
		return d.found, d.teller
	}
	d.looked, d.teller = now, ""
	found, err := queue.Damages(m.queueFile())
	if err != nil {
		e.log.Error("looking for damaged files of the queue", "error", err)
	}
	if d.found = found; len(found) == 0 {
		return nil, ""
	}
	names, err := m.Accounts().Names()
	if err != nil || len(names) == 0 {
		return d.found, ""
	}
	d.teller = names[0]
	for _, name := range names {
		if a, err := m.Accounts().Load(name); err == nil && a.NoticeTo != "" {
			d.teller = name
			break
		}
	}
	return d.found, d.teller
}

// damage is that the queue's file was damaged, until somebody has seen to it.
func (c circumstances) damage() (finding, bool) {
	if len(c.damaged) == 0 {
		return finding{}, false
	}
	last := c.damaged[len(c.damaged)-1]
	return finding{
		Alert: Alert{ID: AlertQueueFile, Severity: AlertWarning, Since: last.At, Summary: last.Summary(), Fix: last.Fix()},
		title: "the queue's file was damaged",
	}, true
}
