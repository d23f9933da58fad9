package queue

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecipientsGetTheNoticesTheyWant(t *testing.T) {
	for notify, want := range map[string]string{
		"":                      "failed delayed",
		"NEVER":                 "",
		"SUCCESS":               "relayed",
		"FAILURE":               "failed",
		"DELAY":                 "delayed",
		"success,Failure":       "failed relayed",
		"SUCCESS,FAILURE,DELAY": "failed delayed relayed",
		"NEVER,SUCCESS":         "", // RFC 3461 forbids it; silence is asked for
	} {
		var got []string
		for _, kind := range []NoticeKind{NoticeFailed, NoticeDelayed, NoticeRelayed} {
			if (Recipient{Notify: notifyList(notify)}).wants(kind) {
				got = append(got, string(kind))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("NOTIFY=%s gets %v, want %s", notify, got, want)
		}
	}
}

// notified returns options whose Bounce writes down whom it was to tell of what.
func notified(o Options) (_ Options, told func() []string) {
	notices := make(chan string, 100)
	o.Bounce = func(_ context.Context, n Notice) (Message, io.Reader, bool) {
		var names []string
		for _, r := range n.Recipients {
			names = append(names, r.Address)
		}
		notices <- fmt.Sprintf("%s: %s", n.Kind, strings.Join(names, " "))
		m := message(n.Delivery.Account, n.Delivery.From)
		m.From, m.Subject = "", "Notice: "+string(n.Kind)
		return m, strings.NewReader("notice"), n.Delivery.From != ""
	}
	return o, func() (list []string) {
		for len(notices) > 0 {
			list = append(list, <-notices)
		}
		return list
	}
}

func TestAttemptTellsOfFailuresAndOfWhatIsOnlyRelayed(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		o, told := notified(o)
		q := open(t, o)
		start(t, q, func(ctx context.Context, d *Delivery) Outcome {
			out := Outcome{Reply: "250 OK"}
			for _, r := range d.Recipients {
				res := Result{Verdict: Accepted, Relayed: strings.HasPrefix(r.Address, "relayed")}
				if strings.HasPrefix(r.Address, "refused") {
					res = Result{Verdict: Refused, Reply: "550 5.1.1 no such user", Relayed: true}
				}
				out.Results = append(out.Results, res)
			}
			return out
		})
		m := message("acct")
		for _, who := range []string{"accepted", "relayed", "refused"} {
			for _, notify := range []string{"", "NEVER", "SUCCESS", "FAILURE", "SUCCESS,FAILURE"} {
				m.Recipients = append(m.Recipients, Recipient{Address: who + "+" + notify, Notify: notifyList(notify)})
			}
		}
		untilState(t, q, accept(t, q, m, "body"), Failed)
		want := []string{
			"failed: refused+ refused+FAILURE refused+SUCCESS,FAILURE",
			"relayed: relayed+SUCCESS relayed+SUCCESS,FAILURE",
		}
		if diff := cmp.Diff(want, told()); diff != "" {
			t.Errorf("(-want +told)\n%s", diff)
		}
		list, err := q.List(context.Background(), Filter{Subject: "Notice: "})
		if err != nil || len(list) != 2 {
			t.Fatalf("%d notices are queued, %v", len(list), err)
		}
		for _, s := range list {
			untilState(t, q, s.ID, Delivered)
		}
	})
}

func TestLateMailTellsOnlyThoseWhoWantToKnow(t *testing.T) {
	now := time.Now()
	o, told := notified(sqliteOptions(t))
	o.Now = func() time.Time { return now }
	q := open(t, o) // not started: nothing but the clock acts
	m := message("acct", "default@x", "never@x", "failure@x", "delay@x")
	for i, notify := range []string{"", "NEVER", "FAILURE", "DELAY"} {
		m.Recipients[i].Notify = notifyList(notify)
	}
	id := accept(t, q, m, "body")
	silent := message("acct", "never@x")
	silent.Recipients[0].Notify = []string{"NEVER"}
	accept(t, q, silent, "body")
	now = now.Add(5 * time.Hour)
	for range 2 {
		if err := q.tellLate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := told(); !slices.Equal(got, []string{"delayed: default@x delay@x"}) {
		t.Errorf("late: %q", got)
	}
	if err := q.Pause(t.Context(), "acct", Pause{Reason: "sign in again"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(5 * 24 * time.Hour)
	if err := q.expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := told(); !slices.Contains(got, "failed: default@x failure@x") || get(t, q, id).State != Failed {
		t.Errorf("expired: %q", got)
	}
}
