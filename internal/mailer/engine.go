package mailer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"traymail/internal/account"
	"traymail/internal/queue"
	"traymail/internal/relay"
)

// The queue's errors that faces branch on.
var (
	// ErrQueueInUse means that another program has the queue of this home open.
	ErrQueueInUse = queue.ErrInUse
	// ErrQueueFull means that a limit of the queue, or the disk, is reached.
	ErrQueueFull = queue.ErrFull
)

// An engine is a Mailer's queue with the way into it, and once it is started
// the listeners, the delivery and what keeps an eye on both.
type engine struct {
	mailer   *Mailer
	log      *slog.Logger
	settings Settings // as they were when the queue was opened
	hostname string
	started  time.Time // zero: it only takes messages
	queue    *queue.Queue
	relay    *relay.Server
	stats    stats
	damages  damages
	cure     *cure
	alerts   *alerts
	changed  pulse

	reloading sync.Mutex // held by Reload, and by Shutdown to say that there is no more
	closing   bool
	alive     context.Context // ends at Shutdown, with the goroutines that tending counts
	quit      context.CancelFunc
	tending   sync.WaitGroup
	unsound   error // why there is no relay: the queue can be looked at all the same
	// paces are the limits of each account, asked before every attempt.
	paces atomic.Pointer[map[string]queue.Pace]

	mu        sync.Mutex
	listeners []relay.Listener // as they are in force
	paused    userPauses       // as the file has them
	throttled map[string]int   // how often an account was throttled in a row
	problem   string           // why the files are not in force
	full      time.Time        // when the log was last told that the queue is
}

// OpenQueue opens the queue without delivering from it: messages can be put in
// and looked at. An error that matches ErrQueueInUse says that another program
// has it. Close closes it. A second call, and one after Start, does nothing.
func (m *Mailer) OpenQueue(ctx context.Context) error {
	_, err := m.open(ctx, false)
	return err
}

// Start opens the queue, delivers from it and listens, until Shutdown. The
// configuration must be sound as a whole; from then on a change of it takes
// effect as soon as it is saved, and one that is not sound changes nothing.
func (m *Mailer) Start(ctx context.Context) error {
	_, err := m.open(ctx, true)
	return err
}

// Shutdown stops in order: nothing new is taken, what is in flight is finished
// until ctx ends, everything is closed. It does nothing when nothing was
// opened.
func (m *Mailer) Shutdown(ctx context.Context) error {
	e := m.running()
	if e == nil {
		return nil
	}
	err := e.shutdown(ctx)
	m.mu.Lock()
	m.engine = nil
	m.mu.Unlock()
	return err
}

// ErrStopping is the error of what comes while the program stops; the next one
// will take it.
var ErrStopping = errors.New("the running traymail is stopping")

// running returns the engine, nil when there is none.
func (m *Mailer) running() *engine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine
}

// opened returns the engine, opening the queue when nobody did yet.
func (m *Mailer) opened(ctx context.Context) (*engine, error) { return m.open(ctx, false) }

func (m *Mailer) open(ctx context.Context, deliver bool) (*engine, error) {
	m.opening.Lock()
	defer m.opening.Unlock()
	if e := m.running(); e != nil {
		if e.alive.Err() != nil {
			return nil, ErrStopping
		}
		if deliver && e.started.IsZero() {
			return nil, errors.New("the queue is open already, without its delivery")
		}
		return e, nil
	}
	settings, err := ReadSettings(m.Home)
	if err != nil {
		return nil, err
	}
	config, err := m.relayConfig(settings, fixInFiles)
	if err != nil && deliver {
		return nil, err
	}
	e := &engine{mailer: m, log: m.log(), settings: settings, throttled: map[string]int{}, unsound: err}
	e.alive, e.quit = context.WithCancel(context.WithoutCancel(ctx))
	e.hostname = cmp.Or(config.Hostname, hostname())
	e.readPaces()
	e.cure, e.alerts = newCure(e), newAlerts(e)
	if e.queue, err = m.openQueue(ctx, e); err != nil {
		return nil, err
	}
	err = e.loadPauses(ctx)
	switch {
	case err != nil:
	case deliver:
		err = e.start(ctx, config)
	case e.unsound == nil:
		config.Listeners, config.Folders = nil, nil
		e.relay, err = relay.Start(config, e.accept, e.log)
	}
	if err != nil {
		return nil, errors.Join(err, e.shutdown(context.WithoutCancel(ctx)))
	}
	m.mu.Lock()
	m.engine = e
	m.mu.Unlock()
	return e, nil
}

func (m *Mailer) openQueue(ctx context.Context, e *engine) (*queue.Queue, error) {
	s := e.settings.Queue
	o := queue.Options{
		PostgreSQL: s.PostgreSQL, Now: m.now, Log: slog.New(warnings{e.log.Handler()}),
		MaxBytes: int64(s.MaxSizeMB) << 20, MaxMessages: int64(s.MaxMessages),
		Keep: days(s.KeepDays), KeepBodies: days(s.KeepBodiesDays), Expire: s.Expire.std(), DelayNotice: s.DelayNotice.std(),
		Pace: e.pace, Bounce: e.bounce, Fault: m.Fault,
	}
	for _, d := range s.Retry {
		o.Schedule = append(o.Schedule, d.std())
	}
	m.shared.Store(o.PostgreSQL != "")
	if o.PostgreSQL == "" {
		o.Path = m.queueFile()
		if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
			return nil, fmt.Errorf("open the queue: %w", err)
		}
	}
	return queue.Open(ctx, o)
}

// warnings passes on what needs somebody's eye. The library under the queue
// tells of its everyday at the level of information.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler   { return warnings{w.Handler.WithGroup(name)} }

func (m *Mailer) queueFile() string { return filepath.Join(m.Home, "state", "queue.db") }

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func hostname() string {
	if name, err := os.Hostname(); err == nil && relay.ValidHostname(name) {
		return name
	}
	return "localhost"
}

// pace is what the provider takes from an account. Of one that is not there it
// does not matter: nothing of it is sent.
func (e *engine) pace(account string) queue.Pace {
	if p, ok := (*e.paces.Load())[account]; ok {
		return p
	}
	return queue.DefaultPace
}

// readPaces reads the limits of all accounts that can be used.
func (e *engine) readPaces() {
	paces := map[string]queue.Pace{}
	names, err := e.mailer.Accounts().Names()
	if err != nil {
		e.log.Error("the accounts' limits cannot be read", "error", err)
	}
	for _, name := range names {
		a, err := e.mailer.Accounts().Load(name)
		if err != nil {
			continue // nothing of it is sent
		}
		paces[name] = queue.Pace{PerMinute: a.MessagesPerMinute, AtOnce: e.atOnce(a), RecipientsPerDay: a.RecipientsPerDay, RecipientsPerMessage: a.RecipientsPerMessage}
	}
	e.paces.Store(&paces)
}

// atOnce is how many messages of an account may be under way: each of them may be
// sent twice when the program dies, and is marked then. One more for each session
// is noted and waits, so that no session does while the disk is written. Machines
// that share a queue have to share the sessions too, and get by without. Graph has
// no pipelines.
func (e *engine) atOnce(a *account.Account) int {
	n := a.Sessions
	if a.Transport != account.Graph {
		n *= a.PipelineDepth
	}
	if e.mailer.shared.Load() {
		return n
	}
	return n + a.Sessions
}

func (e *engine) start(ctx context.Context, config relay.Config) error {
	e.started = e.mailer.now()
	if err := e.queue.Start(ctx, e.deliverCounted); err != nil {
		return err
	}
	var err error
	if e.relay, err = relay.Start(config, e.accept, e.log); err != nil {
		return err
	}
	e.listeners = config.Listeners
	e.tending.Go(func() { e.cure.run(e.alive) })
	e.tending.Go(func() { e.alerts.run(e.alive) })
	files := e.watchedFiles()
	e.tending.Go(func() { e.watchFiles(e.alive, files) })
	events, cancel := e.queue.Subscribe()
	var others <-chan time.Time // what other machines do is told by nobody
	if e.settings.Queue.PostgreSQL != "" {
		ticker := time.NewTicker(2 * time.Second)
		context.AfterFunc(e.alive, ticker.Stop)
		others = ticker.C
	}
	e.tending.Go(func() {
		defer cancel()
		e.passOn(events, others)
	})
	return nil
}

// restAfterNews is how long those who look on have their peace after a change:
// under load there are several changes a message.
const restAfterNews = 50 * time.Millisecond

// passOn tells those who look on that something has changed, until the engine
// stops or there are no more events.
func (e *engine) passOn(events <-chan queue.Event, others <-chan time.Time) {
	for {
		select {
		case <-others:
		case _, more := <-events:
			if !more {
				return
			}
		case <-e.alive.Done():
			return
		}
		for range len(events) {
			<-events
		}
		e.changed.beat()
		select {
		case <-time.After(restAfterNews):
		case <-e.alive.Done():
			return
		}
	}
}

func (e *engine) shutdown(ctx context.Context) error {
	e.reloading.Lock()
	e.closing = true
	e.reloading.Unlock()
	e.quit()
	var errs []error
	if e.relay != nil {
		errs = append(errs, e.relay.Shutdown(ctx))
	}
	e.tending.Wait()
	errs = append(errs, e.queue.Shutdown(ctx))
	e.changed.end()
	return errors.Join(errs...)
}

// accept is the relay's Accept: it hands a message to the queue.
func (e *engine) accept(ctx context.Context, m relay.Message, body io.Reader) (string, error) {
	q := queue.Message{
		Envelope: queue.Envelope{From: m.From, UTF8: m.SMTPUTF8, Return: m.Return, EnvelopeID: m.EnvelopeID},
		Account:  m.Account, Client: m.Client, MessageID: m.MessageID, Subject: m.Subject,
	}
	if m.OriginalFrom != m.From {
		q.ReturnTo = m.OriginalFrom
	}
	for _, r := range m.Recipients {
		q.Recipients = append(q.Recipients, queue.Recipient(r))
	}
	id, err := e.queue.Accept(ctx, q, body)
	if errors.Is(err, queue.ErrFull) {
		e.tellFull(err)
		return "", relay.ErrFull
	}
	return id, err
}

// fullPause is how long the log says nothing more of a full queue: clients try
// again, and again.
const fullPause = time.Minute

func (e *engine) tellFull(err error) {
	e.mu.Lock()
	now := e.mailer.now()
	since := now.Sub(e.full)
	told := since >= 0 && since < fullPause
	if !told {
		e.full = now
	}
	e.mu.Unlock()
	if !told {
		e.log.Error("the queue is full, and clients are told to try again later: deliver or remove messages, raise its limits, or free the disk", "error", err)
	}
}

// Reload reads the configuration again. When it returns an error the former
// one is still in force. Settings of queue, keystore, log and metrics take
// effect at the next start.
func (m *Mailer) Reload(ctx context.Context) error {
	e := m.running()
	if e == nil {
		return errors.New("the program is not running")
	}
	e.reloading.Lock()
	defer e.reloading.Unlock()
	if e.closing {
		return ErrStopping
	}
	err := e.reload()
	text := ""
	if err != nil {
		text = plain(err)
		e.log.Error("the configuration is not sound, and the former one stays in force", "error", err, "fix", Fix(err))
	}
	e.mu.Lock()
	e.problem = text
	e.mu.Unlock()
	e.changed.beat()
	return err
}

func (e *engine) reload() error {
	settings, err := ReadSettings(e.mailer.Home)
	if err != nil {
		return err
	}
	config, err := e.mailer.relayConfig(settings, fixInFiles)
	if err != nil {
		return err
	}
	if e.started.IsZero() {
		config.Listeners, config.Folders = nil, nil
	}
	if err := e.relay.Reload(config); err != nil {
		return err
	}
	e.readPaces()
	e.mu.Lock()
	e.listeners = config.Listeners
	e.mu.Unlock()
	was := e.settings
	for _, s := range []struct {
		name     string
		old, now any
	}{{"keystore", was.Keystore, settings.Keystore}, {"queue", was.Queue, settings.Queue}, {"log", was.Log, settings.Log}, {"metrics", was.Metrics, settings.Metrics}} {
		if !reflect.DeepEqual(s.old, s.now) {
			e.log.Warn("a change takes effect at the next start", "section", s.name)
		}
	}
	e.renewSenders()
	e.cure.kick()
	e.alerts.kick(true)
	e.log.Info("the configuration is in force", "accounts", len(config.Accounts), "clients", len(config.Clients), "listeners", len(config.Listeners))
	return nil
}

// renewSenders retires the senders of accounts that were changed. A slot that is
// locked waits for a person, and is looked at when that is over.
func (e *engine) renewSenders() {
	m := e.mailer
	m.mu.Lock()
	slots := maps.Clone(m.slots)
	m.mu.Unlock()
	for name, slot := range slots {
		m.retired.Go(func() {
			if slot.lock(e.alive) != nil {
				return
			}
			defer slot.unlock()
			if slot.sender == nil {
				return
			}
			if now, err := m.Accounts().Load(name); err != nil || !now.Equal(*slot.sender.account) {
				m.retire(slot)
			}
		})
	}
}

// accountChanged puts an account that was saved, signed in or removed here
// into force in the running program.
func (m *Mailer) accountChanged(ctx context.Context) {
	if e := m.running(); e != nil && !e.started.IsZero() {
		_ = m.Reload(ctx) // its outcome is in the log and in Status
	}
}
