package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"traymail/internal/journal"
)

const (
	chunkSize = 256 << 10
	// partSize is what Accept holds in memory of one body. A body up to that
	// size goes into the accepting transaction; a longer one is written part by
	// part before it, so that no transaction lasts as long as a client sends.
	// When more than manyLarge come in at once, each further one is written in
	// parts of a chunk.
	partSize  = 4 * chunkSize
	manyLarge = 16
)

// Accept stores a message and returns its ID when it is on disk; from then on
// the queue answers for it. The body is read to its end and never held in
// memory whole. When a limit or the disk is full the error is ErrFull, and
// nothing of the message is left.
func (q *Queue) Accept(ctx context.Context, m Message, body io.Reader) (id string, err error) {
	s, err := q.stage(ctx, m, body, &q.options)
	if err != nil {
		return "", err
	}
	q.options.Fault("staged")
	if x := q.express.Load(); x.takes(s) {
		e, err := x.accept(s)
		if err == nil {
			q.options.Fault("accepted")
			q.quota.shift(amount{s.Size, 1}, &q.quota.reserved, &q.quota.express)
			q.feed.publish(Event{ID: s.id, Account: s.Account, State: Queued})
			x.launch(e)
			return s.id, nil
		}
		if !errors.Is(err, errLeft) {
			return "", q.abandon(s, err)
		}
	}
	if err := q.engine.update(ctx, s.insert); err != nil {
		return "", q.abandon(s, err)
	}
	q.options.Fault("accepted")
	q.settled(s)
	return s.id, nil
}

// staged is a message whose body was read: held in tail, and before that
// written as chunks that no delivery sees until insert makes them a message's.
type staged struct {
	queue *Queue
	id    string
	Message
	chunks int    // written already
	tail   []byte // the rest
}

var (
	errNotStored = errors.New("the message could not be stored")
	errSwept     = errors.New("the message took too long to arrive and its start was cleared away: send it again")
)

// stage reads the body, within the limits unless they are nil. What it reserves
// of the quota is given back by abandon or settled, one of which must follow.
func (q *Queue) stage(ctx context.Context, m Message, body io.Reader, limits *Options) (*staged, error) {
	if m.Account == "" || len(m.Recipients) == 0 {
		return nil, errors.New("a message needs an account and a recipient to be queued")
	}
	now := q.options.Now()
	s := &staged{queue: q, id: newID(now), Message: m}
	s.Received, s.Size = now, 0
	if !q.quota.reserve(amount{messages: 1}, limits) {
		return nil, ErrFull
	}
	var part []byte
	size := chunkSize // of a part
	defer func() {
		if size == partSize {
			q.larges.leave()
		}
	}()
	for {
		var err error
		part, err = readPart(body, part[:0], chunkSize)
		if err == nil && len(part) == chunkSize {
			if size < partSize && q.larges.enter() {
				size = partSize
			}
			part, err = readPart(body, part, size)
		}
		s.Size += int64(len(part))
		if !q.quota.reserve(amount{bytes: int64(len(part))}, limits) {
			s.Size -= int64(len(part))
			return nil, q.abandon(s, ErrFull)
		}
		if err != nil {
			return nil, q.abandon(s, fmt.Errorf("receive the message: %w", err))
		}
		if len(part) < size {
			s.tail = part
			return s, nil
		}
		if err := q.engine.update(ctx, func(ctx context.Context, t tx) error { return s.write(ctx, t, part) }); err != nil {
			return nil, q.abandon(s, fmt.Errorf("%w: %w", errNotStored, err))
		}
		s.chunks += size / chunkSize
		q.options.Fault("part")
	}
}

// larges counts the messages that have more than a chunk in memory while they
// come in, as slowly as their clients like.
type larges struct{ n atomic.Int32 }

// enter reports whether one more may; it is to leave then.
func (l *larges) enter() bool {
	if l.n.Add(1) <= manyLarge {
		return true
	}
	l.n.Add(-1)
	return false
}

func (l *larges) leave() { l.n.Add(-1) }

// readPart reads on until a part has its size, or less at the end of the body.
// Not as io.ReadFull does, whose error at the end is the one that a body which
// was cut off has.
func readPart(body io.Reader, part []byte, size int) ([]byte, error) {
	for len(part) < size {
		if len(part) == cap(part) {
			part = slices.Grow(part, min(size-len(part), 16<<10))
		}
		n, err := body.Read(part[len(part):min(cap(part), size)])
		part = part[:len(part)+n]
		if err == io.EOF {
			return part, nil
		}
		if err != nil {
			return part, err
		}
	}
	return part, nil
}

// write adds a part's chunks, and before the first of them the note by which
// they are found again if the message never becomes whole.
func (s *staged) write(ctx context.Context, t tx, part []byte) error {
	if s.chunks == 0 {
		if _, err := t.exec(ctx, `INSERT INTO mail_upload (message, machine) VALUES ($1, $2)`, s.id, s.queue.machine); err != nil {
			return err
		}
	}
	return s.writeChunks(ctx, t, part)
}

func (s *staged) writeChunks(ctx context.Context, t tx, part []byte) error {
	return writeChunks(ctx, t, s.id, s.chunks, part)
}

// writeChunks adds a body's part in pieces, numbered from n on.
func writeChunks(ctx context.Context, t tx, id string, n int, part []byte) error {
	for ; len(part) > 0; n++ {
		size := min(len(part), chunkSize)
		_, err := t.exec(ctx, `INSERT INTO mail_chunk (message, n, data, sum) VALUES ($1, $2, $3, $4)`,
			id, n, part[:size], chunkSum(id, n, part[:size]))
		if err != nil {
			return err
		}
		part = part[size:]
	}
	return nil
}

// insert makes the message whole: it is the moment of acceptance.
func (s *staged) insert(ctx context.Context, t tx) error {
	if err := s.writeChunks(ctx, t, s.tail); err != nil {
		return err
	}
	if s.chunks > 0 {
		// Without its note the upload was swept: this machine was taken for dead.
		n, err := t.exec(ctx, `DELETE FROM mail_upload WHERE message = $1`, s.id)
		if err != nil {
			return err
		}
		if n == 0 {
			return errSwept
		}
	}
	if err := listAccount(ctx, t, s.Account); err != nil {
		return err
	}
	job, err := wake(ctx, t, s.Account, s.id, time.Time{})
	if err != nil {
		return err
	}
	stored := s.Message
	for _, text := range []*string{&stored.From, &stored.Return, &stored.EnvelopeID, &stored.ReturnTo} {
		*text = clean(*text)
	}
	_, err = t.exec(ctx, `INSERT INTO mail_message
		(id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, state, next_at, job, sum)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16)`,
		s.id, s.Account, clean(s.Client), clean(s.MessageID), clean(s.Subject), clean(s.From), flag(s.UTF8),
		clean(s.Return), clean(s.EnvelopeID), clean(s.ReturnTo), s.Size, stamp(s.Received), Queued, stamp(s.Received), job, envelopeSum(s.id, &stored, len(s.Recipients)))
	if err != nil {
		return err
	}
	for n, r := range s.Recipients {
		address := clean(r.Address)
		notify, original := clean(strings.Join(r.Notify, ",")), clean(r.OriginalRecipient)
		_, err := t.exec(ctx, `INSERT INTO mail_recipient (message, n, address, notify, orcpt, state, next_at, sum)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, s.id, n, address, notify, original, Queued, stamp(s.Received),
			recipientSum(s.id, n, address, notify, original))
		if err != nil {
			return err
		}
		if err := enlist(ctx, t, address, s.id); err != nil {
			return err
		}
	}
	if err := enlist(ctx, t, clean(s.From), s.id); err != nil {
		return err
	}
	var c counts
	c.add(Queued, s.Size, 1)
	return c.insert(ctx, t, s.Account)
}

// enlist has Filter.Address find a message.
func enlist(ctx context.Context, t tx, address, id string) error {
	_, err := t.exec(ctx, `INSERT INTO mail_address (lower, message) VALUES ($1, $2) ON CONFLICT DO NOTHING`, strings.ToLower(address), id)
	return err
}

// wake sets a message's alarm clock; the zero time is at once, without the
// seconds that River takes to notice that a job's time has come.
func wake(ctx context.Context, t tx, account, id string, at time.Time) (job int64, err error) {
	ids, err := t.insertJobs(ctx, []river.InsertManyParams{{
		Args:       deliverArgs{Message: id},
		InsertOpts: &river.InsertOpts{Queue: riverQueue(account), ScheduledAt: at},
	}})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// abandon takes back what stage did and returns the error to show for cause.
func (q *Queue) abandon(s *staged, cause error) error {
	q.quota.shift(amount{s.Size, 1}, &q.quota.reserved, nil)
	if s.chunks > 0 {
		err := q.engine.update(context.Background(), func(ctx context.Context, t tx) error { return dropUpload(ctx, t, s.id) })
		if err != nil {
			q.options.Log.Warn("part of a refused message stays until the next start", "id", s.id, "error", err)
		}
	}
	if q.engine.isFull(cause) || journal.IsFull(cause) {
		return fmt.Errorf("%w: %w", ErrFull, cause)
	}
	return cause
}

// dropUpload removes the chunks of a body that never became a message.
func dropUpload(ctx context.Context, t tx, id string) error {
	n, err := t.exec(ctx, `DELETE FROM mail_upload WHERE message = $1`, id)
	if err != nil || n == 0 {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM mail_chunk WHERE message = $1`, id)
	return err
}

// settled follows the commit of insert.
func (q *Queue) settled(s *staged) {
	q.quota.shift(amount{s.Size, 1}, &q.quota.reserved, &q.quota.tables)
	if err := q.workAccount(s.Account); err != nil {
		q.options.Log.Error("an account's queue is not worked yet", "account", s.Account, "error", err)
	}
	q.feed.publish(Event{ID: s.id, Account: s.Account, State: Queued})
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
