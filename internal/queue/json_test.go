package queue

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// roundTrip sends v as JSON and compares what comes out.
func roundTrip[T any](t *testing.T, v T) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back T
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, back); diff != "" {
		t.Errorf("%T changed on its way through JSON (-sent +got):\n%s", v, diff)
	}
	return string(b)
}

func TestRecordTravelsAsJSON(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		ctx := context.Background()
		start(t, q, func(_ context.Context, d *Delivery) Outcome {
			return Outcome{Reply: "451 4.7.0 <busy> \u2028", Session: "s1", ExchangeID: "<x@y>",
				Results: []Result{{Verdict: Accepted, Reply: "250 OK"}}, Pause: &Pause{Cause: "throttled", Reason: "wait", Until: time.Now().Add(time.Hour)}}
		})
		m := message("acct", "a@x", "b@x")
		m.UTF8, m.Return, m.EnvelopeID, m.ReturnTo = true, "FULL", "QQ", "c@x"
		m.Recipients[1].Notify, m.Recipients[1].OriginalRecipient = []string{"DELAY", "FAILURE"}, "rfc822;b@x"
		id := accept(t, q, m, "body")
		r := until(t, q, id, "the attempt", func(r *Record) bool { return r.State == Queued && r.LastAttempt == 1 })
		text := roundTrip(t, r)
		for _, once := range []string{`"recipients":[`, `"reply":"250 OK"`, `"notify":["DELAY","FAILURE"]`, `"return_to":"c@x"`, `"attempts":[`} {
			if strings.Count(text, once) != 1 {
				t.Errorf("%s is not once in %s", once, text)
			}
		}
		if strings.Contains(text, "0001-01-01") {
			t.Errorf("the zero time is in %s", text)
		}
		list, err := q.List(ctx, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		accounts, err := q.Accounts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, list)
		roundTrip(t, accounts)
	})
}

// fill sets every field of v to something that is not its zero value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1_790_000_000_123)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	default:
		panic("a field of another kind: " + v.Kind().String())
	}
}

func filled[T any]() (v T) {
	fill(reflect.ValueOf(&v).Elem())
	return v
}

func TestEveryFieldTravelsAsJSON(t *testing.T) {
	roundTrip(t, filled[Message]())
	roundTrip(t, filled[Summary]())
	roundTrip(t, filled[Attempt]())
	roundTrip(t, filled[Account]())
	roundTrip(t, filled[Event]())
	roundTrip(t, filled[Filter]())
	roundTrip(t, filled[Volume]())
	record := filled[Record]()
	record.Message.Recipients = nil // stands in Recipients
	roundTrip(t, record)
	for _, empty := range []string{roundTrip(t, Message{}), roundTrip(t, Summary{}), roundTrip(t, Account{}), roundTrip(t, Event{})} {
		if strings.Contains(empty, "0001-01-01") || strings.Contains(empty, "null") {
			t.Errorf("what is empty stands in %s", empty)
		}
	}
	for name := range asMap(t, record) {
		if name != strings.ToLower(name) {
			t.Errorf("the name %q is not in small letters", name)
		}
	}
}

func asMap(t *testing.T, v any) (m map[string]any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}
