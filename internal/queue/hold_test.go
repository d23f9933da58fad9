package queue

import (
	"context"
	"slices"
	"testing"
	"time"
)

// unknown is of how many messages of each account a person must find out whether
// they were sent.
func unknown(t *testing.T, q *Queue) (numbers []int) {
	t.Helper()
	accounts, err := q.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		numbers = append(numbers, a.Unknown)
	}
	return numbers
}

func TestAMessageWhoseFateAPersonMustFindOutIsHeldAndItsSenderTold(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		o, told := notified(o)
		q := open(t, o)
		attempts := make(chan bool, 5)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			attempts <- d.Resend
			if d.Client != "test-notice" && d.From != "" && d.Attempt == 1 {
				return Outcome{Reply: "no answer came", Unknown: true, Hold: true}
			}
			return allAccepted(ctx, d)
		})
		id := accept(t, q, message("ann@example.com", "bob@example.net"), "body")
		r := untilState(t, q, id, Held)
		if len(r.Attempts) != 1 || r.Attempts[0].Reply != "no answer came" || r.Attempts[0].Outcome != "held" || !r.Finished.IsZero() ||
			!r.Unknown || !r.Next.IsZero() || !r.Recipients[0].Next.IsZero() {
			t.Errorf("the record is %+v", r)
		}
		asked := accept(t, q, message("ann@example.com", "carl@example.net"), "body")
		if untilState(t, q, asked, Held); !slices.Equal(unknown(t, q), []int{2}) {
			t.Errorf("%d are counted as unknown", unknown(t, q))
		}
		if err := q.Remove(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
		if got := told(); !slices.Contains(got, "delayed: bob@example.net") {
			t.Errorf("told %q", got)
		}
		if err := q.Release(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		untilState(t, q, id, Delivered)
		if !slices.Equal(unknown(t, q), []int{0}) {
			t.Errorf("%d are counted as unknown after all", unknown(t, q))
		}
		resent := false
		for range 5 { // the message twice, the other once, and their notices
			resent = <-attempts || resent
		}
		if !resent {
			t.Error("the second attempt does not know that it may send the message twice")
		}
	})
}

func TestWhatIsHeldForItsFateDoesNotExpire(t *testing.T) {
	now := time.Now()
	o := &Options{Expire: time.Hour, DelayNotice: time.Hour, Schedule: []time.Duration{time.Minute}}
	d := &Delivery{since: now.Add(-2 * time.Hour), numbers: []int{0}, tries: []int{3}}
	d.Recipients = []Recipient{{Address: "bob@example.net"}}
	for hold, want := range map[bool]State{true: Queued, false: Failed} {
		v := o.settle(d, Outcome{Hold: hold, Unknown: true, Reply: "no answer came"}, true, now)
		if v[0].State != want {
			t.Errorf("hold %v: %s, want %s", hold, v[0].State, want)
		}
	}
}
