package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"traymail/internal/journal"
)

// An express is the short way through a queue on SQLite that delivers: a message
// is appended to a journal, which is one write to the disk and not 45 statements,
// and is sent from there. What was sent is written to the tables in bulk. All that
// takes longer leaves the express for the tables, where it goes on as a job of
// River's: what waits for the pace or a pause, what is not delivered at once, and
// whatever is asked for. So nobody who reads the tables through the queue sees that
// there is an express.
type express struct {
	queue   *Queue
	journal *journal.Journal

	// books is held while rows are written, and shared while somebody adds what is
	// here to what the tables have.
	books sync.RWMutex

	mu      sync.Mutex
	lanes   map[string]*lane
	entries map[string]*entry // all that are not in the tables, by ID
	flying  map[*entry]bool   // begun and not ended, in the tables or not
	leaving []*entry          // to become queued messages of the tables
	done    []*entry          // delivered, to be written
	last    uint64            // newest entry's number
	closed  bool              // nothing is accepted or begun any more
	unsure  bool              // whether lanes are paused
	stuck   error             // why the last bulk write failed
	room    *sync.Cond        // there are fewer entries than before

	accepting, flights sync.WaitGroup
	context            context.Context // of deliveries
	cancel             context.CancelFunc
	kick               chan struct{} // the keeper has something to do
	quit               chan struct{}
	keeping            sync.WaitGroup
}

const (
	// expressSize is up to which size a body goes by express.
	expressSize = 256 << 10
	// maxEntries is how many messages may be on the express. Beyond it Accept waits
	// for the tables; from half of it on the youngest leave.
	maxEntries = 40_000
)

// entry is a message on the express.
type entry struct {
	number     uint64
	id         string
	lane       *lane
	place      journal.Place
	size       int64
	received   int64
	recipients int32
	state      entryState
	direct     bool      // begun with its acceptance
	moving     bool      // a bulk write is about to have it
	message    *Message  // nil: in the journal alone
	delivery   *Delivery // once begun
	end        *ended
}

type entryState uint8

const (
	atRest  entryState = iota // queued
	inHand                    // being sent
	arrived                   // delivered, and not in the tables yet
	moved                     // in the tables
)

// What the journal's records hold, as JSON.
const (
	recordAccepted byte = 1 // accepted, four octets of its length before it, and the body
	recordBegun    byte = 2
	recordEnded    byte = 3
)

type accepted struct {
	ID      string
	Message Message
	Begun   int64  `json:",omitempty"` // when the first attempt was, if at once
	Machine string `json:",omitempty"`
}

type begun struct {
	ID      string
	At      int64
	Machine string
}

// ended is the end of an attempt that delivered the message to all.
type ended struct {
	ID         string
	At         int64
	Elapsed    int64    // milliseconds
	Reply      string   `json:",omitempty"`
	Replies    []string `json:",omitempty"` // of the recipients, when they are not all Reply
	Session    string   `json:",omitempty"`
	ExchangeID string   `json:",omitempty"`
}

func (q *Queue) journalFolder() string {
	return strings.TrimSuffix(q.options.Path, filepath.Ext(q.options.Path)) + ".journal"
}

// openExpress opens the short way, which must be empty.
func (q *Queue) openExpress(ctx context.Context) error {
	if !q.alone() || q.options.poll > 0 {
		return nil
	}
	j, err := journal.Create(q.journalFolder())
	if err != nil {
		return err
	}
	x := &express{queue: q, journal: j, lanes: map[string]*lane{}, entries: map[string]*entry{}, flying: map[*entry]bool{},
		kick: make(chan struct{}, 1), quit: make(chan struct{})}
	x.room = sync.NewCond(&x.mu)
	x.context, x.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := x.readLanes(ctx); err != nil {
		return errors.Join(err, j.Close())
	}
	x.keeping.Go(x.keep)
	q.express.Store(x)
	return nil
}

// lane is an account's, made when there is none. mu must be held.
func (x *express) lane(account string) *lane {
	l := x.lanes[account]
	if l == nil {
		l = &lane{account: account, free: make(chan struct{}, 1)}
		x.lanes[account] = l
	}
	return l
}

// takes tells whether a message goes by express.
func (x *express) takes(s *staged) bool {
	return x != nil && s.chunks == 0 && len(s.tail) <= expressSize && len(s.Recipients) <= 100
}

// accept appends a message to the journal; launch must follow. errLeft means that
// the express takes no more, because the queue is shutting down.
func (x *express) accept(s *staged) (*entry, error) {
	m := s.Message.cleaned()
	m.Received = moment(stamp(m.Received))
	e := &entry{id: s.id, size: s.Size, received: stamp(s.Received), recipients: int32(len(m.Recipients)), message: &m}
	x.mu.Lock()
	for len(x.entries) >= maxEntries && !x.closed {
		if err := x.stuck; err != nil {
			x.mu.Unlock()
			return nil, fmt.Errorf("%w: %w", errNotStored, err)
		}
		x.room.Wait()
	}
	if x.closed {
		x.mu.Unlock()
		return nil, errLeft
	}
	x.accepting.Add(1)
	defer x.accepting.Done()
	e.lane = x.lane(m.Account)
	head := accepted{ID: s.id, Message: m}
	if len(e.lane.waiting) == 0 {
		now := x.queue.options.Now()
		if e.direct, _, _ = x.turn(e.lane, e, now); e.direct {
			x.begin(e, now)
			head.Begun, head.Machine = stamp(now), x.queue.machine
		}
	}
	x.mu.Unlock()
	r, err := acceptRecord(&head, s.tail)
	var places [1]journal.Place
	if err == nil {
		err = x.journal.Append([]journal.Record{r}, places[:])
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		if e.direct {
			x.unbegin(e)
		}
		return nil, fmt.Errorf("%w: %w", errNotStored, err)
	}
	e.place = places[0]
	x.last++
	e.number = x.last
	x.entries[e.id] = e
	if e.direct {
		x.flying[e] = true
		x.flights.Add(1)
	} else {
		x.line(e)
	}
	return e, nil
}

// errLeft means that a message cannot go by express.
var errLeft = errors.New("the express is closed")

// keptMessages is how many messages that wait are kept in memory by lane; those of
// others are read from the journal when it is their turn.
const keptMessages = 256

// line has a message wait, where that is of use.
func (x *express) line(e *entry) {
	l := e.lane
	switch {
	case x.closed || l.paused || len(x.entries) > maxEntries/2:
		x.leave(e)
		return
	case len(l.waiting) >= keptMessages:
		e.message = nil
	}
	l.waiting = append(l.waiting, e)
}

// leave has messages go on by the tables.
func (x *express) leave(list ...*entry) {
	for _, e := range list {
		e.message = nil
	}
	x.leaving = append(x.leaving, list...)
	x.nudge()
}

func (x *express) nudge() {
	select {
	case x.kick <- struct{}{}:
	default:
	}
}

// launch has an accepted message sent, in its turn.
func (x *express) launch(e *entry) {
	if e.direct {
		go x.fly(e, true)
		return
	}
	x.mu.Lock()
	x.dispatch(e.lane)
	x.mu.Unlock()
}

// cleaned is m as the tables would return it.
func (m Message) cleaned() Message {
	for _, s := range []*string{&m.Client, &m.MessageID, &m.Subject, &m.From, &m.Return, &m.EnvelopeID, &m.ReturnTo} {
		*s = clean(*s)
	}
	list := make([]Recipient, len(m.Recipients))
	for i, r := range m.Recipients {
		list[i] = Recipient{Address: clean(r.Address), Notify: r.Notify, OriginalRecipient: clean(r.OriginalRecipient)}
		if len(r.Notify) > 0 {
			list[i].Notify = notifyList(clean(joined(r.Notify)))
		}
	}
	m.Recipients = list
	return m
}

// acceptRecord makes the record of an accepted message.
func acceptRecord(a *accepted, body []byte) (journal.Record, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return journal.Record{}, err
	}
	head := make([]byte, 4, 4+len(text))
	head[0], head[1], head[2], head[3] = byte(len(text)), byte(len(text)>>8), byte(len(text)>>16), byte(len(text)>>24)
	return journal.Record{Kind: recordAccepted, Head: append(head, text...), Body: body, Keep: true}, nil
}

var errRecord = errors.New("a record of the journal is not of the form that this program knows")

// readAccepted is acceptRecord's inverse; the body is part of data.
func readAccepted(data []byte) (a accepted, body []byte, err error) {
	if len(data) < 4 {
		return a, nil, errRecord
	}
	n := uint64(data[0]) | uint64(data[1])<<8 | uint64(data[2])<<16 | uint64(data[3])<<24
	if n > uint64(len(data)-4) {
		return a, nil, errRecord
	}
	if err := json.Unmarshal(data[4:4+n], &a); err != nil {
		return a, nil, fmt.Errorf("%w: %w", errRecord, err)
	}
	body = data[4+n:]
	if !isID(a.ID) || a.Message.Account == "" || len(a.Message.Recipients) == 0 || a.Message.Size != int64(len(body)) {
		return a, nil, errRecord
	}
	return a, body, nil
}

// load reads a message and its body from the journal.
func (x *express) load(e *entry) (Message, []byte, error) {
	data := make([]byte, e.place.Size())
	if _, err := x.journal.Read(e.place, data, 0); err != nil {
		return Message{}, nil, err
	}
	a, body, err := readAccepted(data)
	if err == nil && a.ID != e.id {
		err = errRecord
	}
	return a.Message, body, err
}

// body returns the body of a message on the express; ok is false when it has left.
func (x *express) body(id string) (body []byte, ok bool, err error) {
	x.mu.Lock()
	e := x.entries[id]
	x.mu.Unlock()
	if e == nil {
		return nil, false, nil
	}
	_, body, err = x.load(e)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.entries[id] == nil {
		return nil, false, nil // and its place in the journal may be another's
	}
	return body, true, err
}

// paused notes what the transaction under way does to an account's pause.
func (x *express) paused(account string, is bool) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.lane(account)
	l.paused = is
	if is {
		x.leave(l.waiting...)
		l.waiting = nil
	} else {
		x.dispatch(l)
	}
}

// doubt follows a transaction that failed and may have changed a pause.
func (x *express) doubt() {
	if x != nil {
		x.mu.Lock()
		x.unsure = true
		x.mu.Unlock()
	}
}

func (x *express) isUnsure() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unsure
}

// addTo adds what is not in the tables to what they say of the accounts. books must
// be held.
func (x *express) addTo(list []Account) []Account {
	x.mu.Lock()
	defer x.mu.Unlock()
	at := map[string]int{}
	for i, a := range list {
		at[a.Name] = i
	}
	for _, e := range x.entries {
		name := e.lane.account
		i, known := at[name]
		if !known {
			i = len(list)
			at[name] = i
			list = append(list, Account{Name: name})
		}
		a := &list[i]
		switch e.state {
		case arrived:
			continue
		case inHand:
			a.Sending++
		default:
			a.Waiting++
		}
		a.Bytes += e.size
		if t := time.UnixMilli(e.received); a.Oldest.IsZero() || t.Before(a.Oldest) {
			a.Oldest = t
		}
	}
	slices.SortFunc(list, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// readRecord reads a record of the journal. The body is part of data.
func readRecord(kind byte, data []byte) (r record, err error) {
	switch kind {
	case recordAccepted:
		var a accepted
		a, r.body, err = readAccepted(data)
		r.accepted = &a
	case recordBegun:
		r.begun = &begun{}
		err = json.Unmarshal(data, r.begun)
	case recordEnded:
		r.ended = &ended{}
		err = json.Unmarshal(data, r.ended)
	default:
		err = errRecord
	}
	if err != nil {
		return record{}, err
	}
	return r, nil
}
