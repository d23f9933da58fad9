package mailer

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/smtp"
)

// Status returns the state of everything. Without a running program it tells
// how the queue was left.
func (m *Mailer) Status(ctx context.Context) (Status, error) {
	e, err := m.opened(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{Home: m.Home, Queue: m.queuePlace(e.settings.Queue), Listeners: []ListenerStatus{}, Clients: []ClientStatus{}}
	if !e.started.IsZero() {
		s.Running, s.Version, s.PID, s.Started = true, m.Version, os.Getpid(), e.started
		e.mu.Lock()
		listeners := e.listeners
		s.Problem = e.problem
		e.mu.Unlock()
		for _, l := range listeners {
			if addr := e.relay.Addr(l.Name); addr != nil {
				s.Listeners = append(s.Listeners, ListenerStatus{Name: l.Name, Address: addr.String(), TLS: string(l.TLS)})
			}
		}
		for _, f := range e.relay.Folders() {
			s.Folders = append(s.Folders, FolderStatus(f))
		}
		for _, c := range e.relay.Clients() {
			s.Clients = append(s.Clients, ClientStatus(c))
		}
	}
	s.Paused, s.Window = e.allPaused(), m.Window
	s.Damaged, _ = e.damaged()
	s.Accounts, err = e.accounts(ctx)
	return s, err
}

// accounts returns the state of all accounts, by name.
func (e *engine) accounts(ctx context.Context) ([]AccountStatus, error) {
	m := e.mailer
	queues, err := e.queue.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	names, err := m.Accounts().Names()
	if err != nil {
		return nil, err
	}
	list := []AccountStatus{}
	for _, q := range queues {
		if !slices.Contains(names, q.Name) && q.Waiting+q.Sending+q.Held > 0 {
			names = append(names, q.Name) // its messages wait for an account that was removed
		}
	}
	for _, name := range names {
		a := AccountStatus{Name: name, State: Ready, Replies: map[string]int64{}}
		file, err := m.Accounts().Load(name)
		if err != nil {
			file = nil
			a.State, a.Cause, a.Reason, a.Fix = Attention, CauseSettings, plain(err), Fix(err)
		} else {
			a.Username, a.Sender, a.Over = file.Username, file.Sender, file.Transport
			if a.Over == account.Auto {
				a.Over = account.SMTP
			}
			a.SecretExpires, _ = time.Parse(time.DateOnly, file.SecretExpires) // zero: not known
		}
		if i := slices.IndexFunc(queues, func(q queue.Account) bool { return q.Name == name }); i >= 0 {
			a.fromQueue(queues[i], e.fixOf(queues[i]))
		}
		if p, ofAll, paused := e.userPause(name); paused && file != nil {
			a.State, a.Cause, a.Reason, a.Since, a.Until = Paused, CauseUser, userReason(p, ofAll), p.Since, p.Until
			a.Fix, a.Elsewhere = fixOfUser(name, p, ofAll), false
		}
		if file != nil && a.State == Ready && file.SignIn == account.BrowserSignIn && e.alerts.isUnsigned(name) {
			a.State, a.Cause, a.Reason = Attention, CauseSignIn, "nobody is signed in"
			a.Fix = signInAgain(name)
		}
		e.stats.fill(&a)
		m.fillFromSender(&a)
		a.Alerts = e.alerts.of(&a, file)
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b AccountStatus) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (a *AccountStatus) fromQueue(q queue.Account, fix string) {
	a.Waiting, a.Sending, a.Held, a.Unknown, a.Bytes, a.Oldest = q.Waiting, q.Sending, q.Held, q.Unknown, q.Bytes, q.Oldest
	if q.Paused.IsZero() || a.State == Attention {
		return
	}
	a.State, a.Cause, a.Reason, a.Since, a.Until, a.Fix, a.Elsewhere = Paused, Cause(q.Cause), q.Reason, q.Paused, q.Until, fix, q.Elsewhere
	if a.Cause.attention() {
		a.State = Attention
	}
}

// fillFromSender adds what an account at work knows. One whose lock is held
// waits for a person, and is not waited for.
func (m *Mailer) fillFromSender(a *AccountStatus) {
	slot := m.slot(a.Name)
	if !slot.tryLock() {
		return
	}
	defer slot.unlock()
	if slot.sender == nil {
		return
	}
	a.Sessions = slot.sender.sessions()
	w := slot.sender
	if w.overGraph(w.mailboxFor("")) {
		a.Over = account.Graph
	}
	mailboxes, reply := w.insteadOf()
	if a.Instead = reply; w.account.Mailbox == account.FromMailbox {
		a.InsteadFor = mailboxes
	}
	if t := slot.sender.expires.Load(); t != nil {
		a.TokenExpires = *t
	}
}

// queuePlace names where the queue is, without a password.
func (m *Mailer) queuePlace(s QueueSettings) string {
	c, err := pgconn.ParseConfig(s.PostgreSQL)
	if s.PostgreSQL == "" || err != nil {
		return m.queueFile()
	}
	return "PostgreSQL " + c.Host + "/" + c.Database
}

// watchPause keeps those who watch from being told of each message of a burst.
const watchPause = 200 * time.Millisecond

// heartbeatPause leaves room for what a Status takes.
const heartbeatPause = Heartbeat - 2*time.Second

// Watch calls changed with the Status now and whenever it may have changed, at
// most five times a second and at least every Heartbeat, until ctx ends, changed
// returns an error, or the program stops.
func (m *Mailer) Watch(ctx context.Context, changed func(Status) error) error {
	e, err := m.opened(ctx)
	if err != nil {
		return err
	}
	for {
		next := e.changed.next()
		s, err := m.Status(ctx)
		if err != nil {
			return err
		}
		if err := changed(s); err != nil {
			return err
		}
		pause := time.NewTimer(watchPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
		pause.Reset(heartbeatPause)
		select {
		case <-pause.C:
		case <-next:
			pause.Stop()
			if e.changed.over() {
				return nil
			}
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}

// A pulse tells any number of watchers that something changed.
type pulse struct {
	mu    sync.Mutex
	beats chan struct{} // closed at the next change
	ended bool
}

// next returns a channel that is closed at the next change.
func (p *pulse) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beats == nil {
		p.beats = make(chan struct{})
		if p.ended {
			close(p.beats)
		}
	}
	return p.beats
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beats != nil && !p.ended {
		close(p.beats)
		p.beats = nil
	}
}

func (p *pulse) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.beats != nil {
		close(p.beats)
		p.beats = nil
	}
}

func (p *pulse) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// stats counts what became of attempts since the program started.
type stats struct {
	mu       sync.Mutex
	accounts map[string]*AccountStatus // only the counts are used
}

func (s *stats) count(name string, o queue.Outcome, code string, r *smtp.Receipt, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts == nil {
		s.accounts = map[string]*AccountStatus{}
	}
	a := s.accounts[name]
	if a == nil {
		a = &AccountStatus{Replies: map[string]int64{}}
		s.accounts[name] = a
	}
	a.Replies[code]++
	a.LastReply = o.Reply
	for _, result := range o.Results {
		switch result.Verdict {
		case queue.Accepted:
			a.Delivered++
			a.LastDelivered = now
		case queue.Refused:
			a.Refused++
		}
	}
	if r != nil {
		a.RoundTrips += int64(r.RoundTrips)
	}
}

// fill puts an account's counts into its status.
func (s *stats) fill(to *AccountStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[to.Name]
	if a == nil {
		return
	}
	to.Delivered, to.Refused, to.RoundTrips = a.Delivered, a.Refused, a.RoundTrips
	to.LastDelivered, to.LastReply = a.LastDelivered, a.LastReply
	for code, n := range a.Replies {
		to.Replies[code] = n
	}
}
