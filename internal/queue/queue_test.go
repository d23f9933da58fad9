package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAcceptedMessageIsDelivered(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		m := message("Ann Müller <ann@example.com>", "bob@example.net", "cé@exämple.net")
		m.UTF8, m.Return, m.EnvelopeID, m.ReturnTo = true, "HDRS", "QQ314159", "scanner@example.com"
		m.Recipients[0].Notify, m.Recipients[0].OriginalRecipient = []string{"SUCCESS", "FAILURE"}, "rfc822;bob@example.net"
		m.Subject = "broken \xff\x00 header"
		body := strings.Repeat("a line of the body\r\n", partSize/20*2+7) // several parts
		got := make(chan string, 1)
		deliveries := make(chan Delivery, 1)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			b, err := readBody(ctx, d)
			if err != nil {
				b = err.Error()
			}
			got <- b
			deliveries <- *d
			return allAccepted(ctx, d)
		})
		id := accept(t, q, m, body)
		if <-got != body {
			t.Error("the body is not what was accepted")
		}
		d := <-deliveries
		m.Subject = "broken \uFFFD\uFFFD header"
		m.Size, m.Received = int64(len(body)), d.Received
		if diff := cmp.Diff(m, d.Message); diff != "" {
			t.Errorf("the delivery differs from the message (-accepted +delivered):\n%s", diff)
		}
		if d.Attempt != 1 || d.Resend {
			t.Errorf("attempt %d, resend %v", d.Attempt, d.Resend)
		}
		r := untilState(t, q, id, Delivered)
		if len(r.Attempts) != 1 {
			t.Fatalf("%d attempts are recorded", len(r.Attempts))
		}
		a := r.Attempts[0]
		if a.Outcome != "delivered" || a.Reply != "250 2.0.0 OK" || a.Session != "s1" || a.ExchangeID != "<x@prod.outlook.com>" || a.Finished.IsZero() {
			t.Errorf("the record of the attempt is %+v", a)
		}
		until(t, q, id, "the end of the body", func(*Record) bool {
			_, err := q.Body(context.Background(), id)
			return errors.Is(err, ErrBodyGone)
		})
	})
}

func TestRecipientsAreJudgedOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		var notices []Notice
		o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
			notices = append(notices, n)
			m := message(n.Delivery.Account, n.Delivery.From)
			m.From, m.Subject = "", "Undelivered"
			return m, strings.NewReader("sorry"), n.Delivery.From != ""
		}
		q := open(t, o)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			if d.From == "" {
				return allAccepted(ctx, d)
			}
			if d.Attempt > 1 {
				return answer(d, Result{Verdict: Accepted, Reply: "250 second"})
			}
			return Outcome{Reply: "250 first", Results: []Result{
				{Verdict: Accepted},
				{Verdict: Refused, Reply: "550 5.1.1 no such user"},
				{Verdict: Retry, Reply: "452 4.2.2 mailbox full"},
			}}
		})
		id := accept(t, q, message("acct", "a@x", "b@x", "c@x"), "body")
		r := until(t, q, id, "the first attempt's end", func(r *Record) bool { return r.State == Queued && r.LastAttempt == 1 })
		want := []RecipientRecord{
			{Recipient: Recipient{Address: "a@x"}, State: Delivered, Reply: "250 first"},
			{Recipient: Recipient{Address: "b@x"}, State: Failed, Reply: "550 5.1.1 no such user"},
			{Recipient: Recipient{Address: "c@x"}, State: Queued, Reply: "452 4.2.2 mailbox full", Tries: 1, Next: r.Next},
		}
		if diff := cmp.Diff(want, r.Recipients); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if wait := r.Next.Sub(r.Attempts[0].Finished); wait < 50*time.Second || wait > 70*time.Second {
			t.Errorf("the retry is due after %v", wait)
		}
		if r.Attempts[0].Outcome != "partly" {
			t.Errorf("the attempt is recorded as %q", r.Attempts[0].Outcome)
		}
		if err := q.Retry(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		r = untilState(t, q, id, Failed)
		if n := r.Attempts[1].Recipients; n != 1 {
			t.Errorf("the second attempt was for %d recipients", n)
		}
		if len(notices) != 1 || len(notices[0].Recipients) != 1 || notices[0].Recipients[0].Address != "b@x" {
			t.Errorf("notices: %+v", notices)
		}
		bounces, err := q.List(context.Background(), Filter{Subject: "undelivered"})
		if err != nil || len(bounces) != 1 {
			t.Fatalf("bounces: %+v, %v", bounces, err)
		}
		untilState(t, q, bounces[0].ID, Delivered)
		var used int
		if err := q.engine.view().row(context.Background(), `SELECT sum(recipients) FROM mail_usage`).Scan(&used); err != nil || used != 3 {
			t.Errorf("%d recipients count for the day, want the 3 that the server took (%v)", used, err)
		}
	})
}

func TestOnlyTheMessagesOwnJobBegins(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		id := accept(t, q, message("acct", "a@x"), "body")
		var job int64
		if err := q.engine.view().row(ctx, `SELECT job FROM mail_message WHERE id = $1`, id).Scan(&job); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			job    int64
			id     string
			begins bool
		}{
			{"another job of the message", job + 1, id, false},
			{"a job of no message", job, "gone", false},
			{"its own job", job, id, true},
			{"its own job once more", job, id, false},
		} {
			d, wait, err := q.begin(ctx, c.job, c.id)
			if (d != nil) != c.begins || wait != 0 || err != nil {
				t.Errorf("%s: began %v, wait %v, %v", c.name, d != nil, wait, err)
			}
		}
	})
}

func TestPausedAccountWaitsAndCountsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		var mu sync.Mutex
		cured := false
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			mu.Lock()
			defer mu.Unlock()
			if d.Account == "sick" && !cured {
				return Outcome{Pause: &Pause{Cause: "sign-in", Reason: "sign in again"}}
			}
			return allAccepted(ctx, d)
		})
		id := accept(t, q, message("sick", "a@x"), "body")
		r := until(t, q, id, "the pause", func(r *Record) bool {
			return r.State == Queued && len(r.Attempts) == 1 && r.Attempts[0].Outcome == "paused"
		})
		if r.State != Queued || r.Recipients[0].Tries != 0 || r.Attempts[0].Reply != "sign in again" {
			t.Errorf("after the pause: %+v", r)
		}
		later := accept(t, q, message("sick", "b@x"), "body")
		healthy := accept(t, q, message("well", "c@x"), "body")
		untilState(t, q, healthy, Delivered)
		accounts, err := q.Accounts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if a := accounts[0]; a.Name != "sick" || a.Cause != "sign-in" || a.Reason != "sign in again" || a.Paused.IsZero() || a.Waiting != 2 || a.Oldest.IsZero() || a.Bytes != 8 {
			t.Errorf("the paused account is %+v", a)
		}
		// A pause that ends by itself does not cure what waits for somebody.
		if err := q.Pause(ctx, "sick", Pause{Reason: "daily limit", Until: time.Now().Add(-time.Second)}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		cured = true
		mu.Unlock()
		if accounts, _ := q.Accounts(ctx); accounts[0].Reason != "sign in again" {
			t.Errorf("the reason became %q", accounts[0].Reason)
		}
		if err := q.Resume(ctx, "sick"); err != nil {
			t.Fatal(err)
		}
		untilState(t, q, id, Delivered)
		untilState(t, q, later, Delivered)
	})
}

func TestBusyAccountDelaysNoOther(t *testing.T) {
	q := open(t, sqliteOptions(t))
	free := make(chan struct{})
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		if d.Account == "busy" {
			<-free
		}
		return allAccepted(ctx, d)
	})
	var busy []string
	for i := range 10 {
		busy = append(busy, accept(t, q, message("busy", fmt.Sprintf("a%d@x", i)), "body"))
	}
	untilState(t, q, accept(t, q, message("idle", "b@x"), "body"), Delivered)
	sending, err := q.List(context.Background(), Filter{State: Sending})
	if err != nil || len(sending) > DefaultPace.AtOnce {
		t.Errorf("%d at once, %v", len(sending), err)
	}
	close(free)
	for _, id := range busy {
		untilState(t, q, id, Delivered)
	}
}
