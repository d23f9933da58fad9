package queue

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Options say where the queue is kept and how it behaves. The zero value of each
// field but the place is the default named beside it.
type Options struct {
	// One of the two must be set. Path is the SQLite file, made when absent;
	// its folder must exist. PostgreSQL is a connection string.
	Path       string
	PostgreSQL string

	Now func() time.Time // time.Now
	Log *slog.Logger     // discarded; never gets bodies

	// MaxBytes and MaxMessages bound what waits; beyond them Accept returns
	// ErrFull. Zero: 10 GiB and 1,000,000. Machines that share a queue count
	// each other's messages with a delay of some seconds.
	MaxBytes    int64
	MaxMessages int64

	Keep       time.Duration // how long the record is kept after the end: 30 days
	KeepBodies time.Duration // how long bodies are: removed at the end

	// Schedule are the waits after the first, second… temporary failure of a
	// recipient; the last repeats. Default: 1, 2, 5, 15, 30 minutes, 1 hour.
	// Each is jittered by a tenth.
	Schedule []time.Duration
	// Expire is when a recipient has failed: with the first attempt that fails
	// after it, or when its account is paused by then and for DelayNotice or
	// longer, but for PauseQuota and PauseUser: 5 days, which Release begins anew.
	Expire time.Duration
	// DelayNotice is the age at which the sender is told once that the message
	// is late: 4 hours, which Release begins anew.
	DelayNotice time.Duration

	// Pace returns an account's limits; nil is DefaultPace for all. It is
	// asked before each attempt, so changed limits apply at once, but AtOnce
	// of an account that is being worked only from the next Start.
	Pace func(account string) Pace

	// Bounce writes the message that a Notice is to be; the queue accepts it in
	// the transaction that records the fact. It is called only when a recipient's
	// NOTIFY allows, once for each kind of notice that an attempt gives rise to.
	// The caller decides, by the envelope's sender, whether there is anyone to
	// tell: ok false sends nothing. The body is read to its end before the record
	// is written. When the notice cannot be stored or read it is asked for again;
	// after a panic there is none. Nil sends none.
	Bounce func(ctx context.Context, n Notice) (m Message, body io.Reader, ok bool)

	// Fault is called by name at each step between which a crash is tested; nil:
	// nothing. The points of a message are, in their order: "part", a piece of a
	// long body is on disk; "staged", the body was read and nothing is accepted;
	// "accepted", it is, and the caller of Accept not told; "begun", the attempt
	// is noted and the server not spoken to; "delivered", Deliver has returned
	// and nothing is recorded; "recorded", it is, and River not told. They are the
	// same by the journal, where what may begin at once is noted as begun with its
	// acceptance, before "accepted".
	Fault func(point string)
	// poll, for tests in virtual time, is how often River and the queue look
	// around; nothing is synced then.
	poll time.Duration
	// lost is how often it looks for messages whose jobs are; 0: lostAfter.
	lost time.Duration
	// lease is how long a machine may be silent before others take over: 30 s.
	lease time.Duration
}

// A Pace is what a provider takes from one account.
type Pace struct {
	PerMinute            int // messages begun in any 60 seconds
	AtOnce               int // messages in flight
	RecipientsPerDay     int // in any 24 hours, counted in steps of ten minutes
	RecipientsPerMessage int // longer lists are delivered in parts
}

// DefaultPace is Exchange Online's: 30 messages a minute, three at once, 10,000
// recipients a day, 500 a message.
var DefaultPace = Pace{PerMinute: 30, AtOnce: 3, RecipientsPerDay: 10_000, RecipientsPerMessage: 500}

// A Notice is what a bounce tells.
type Notice struct {
	Kind       NoticeKind
	Delivery   Delivery          // the message; Open reads its body
	Recipients []RecipientRecord // those to tell of, by their NOTIFY, with the server's replies
	Expires    time.Time         // NoticeDelayed: when the queue gives up
}

// A NoticeKind is what happened to the recipients of a Notice, in the words of
// RFC 3464's Action field.
type NoticeKind string

// The kinds of notices.
const (
	NoticeFailed  NoticeKind = "failed"  // refused, or given up
	NoticeDelayed NoticeKind = "delayed" // late, and still being tried
	// NoticeRelayed: taken by a server that will not report, and the sender had
	// asked for a report of success.
	NoticeRelayed NoticeKind = "relayed"
)

func (o *Options) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 10 << 30
	}
	if o.MaxMessages == 0 {
		o.MaxMessages = 1_000_000
	}
	if o.Keep == 0 {
		o.Keep = 30 * 24 * time.Hour
	}
	if len(o.Schedule) == 0 {
		o.Schedule = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	}
	if o.Expire == 0 {
		o.Expire = 5 * 24 * time.Hour
	}
	if o.DelayNotice == 0 {
		o.DelayNotice = 4 * time.Hour
	}
	if o.Pace == nil {
		o.Pace = func(string) Pace { return DefaultPace }
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	if o.lost == 0 {
		o.lost = lostAfter
	}
	if o.lease == 0 {
		o.lease = 30 * time.Second
	}
}

// retryAfter is the wait after a recipient's nth temporary failure, from 1. The
// server's own wish, when longer, is obeyed to the letter.
func (o *Options) retryAfter(n int, wish time.Duration) time.Duration {
	d := o.Schedule[min(n, len(o.Schedule))-1]
	d += time.Duration((rand.Float64() - 0.5) / 5 * float64(d))
	return max(d, wish)
}
