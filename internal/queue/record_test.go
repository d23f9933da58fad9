package queue

import (
	"fmt"
	"testing"
)

// dump is what a record changes, but for the tables of River and mail_tally's
// differences, which recount looks at.
func dump(t *testing.T, q *Queue) string {
	t.Helper()
	var all string
	for _, statement := range []string{
		`SELECT id || state || CAST(job AS TEXT) || CAST(attempts AS TEXT) FROM mail_message ORDER BY id`,
		`SELECT message || state || reply || CAST(attempts AS TEXT) || CAST(next_at AS TEXT) FROM mail_recipient ORDER BY message, n`,
		`SELECT message || outcome || CAST(finished AS TEXT) FROM mail_attempt ORDER BY message, n`,
		`SELECT account || CAST(recipients AS TEXT) FROM mail_usage ORDER BY slot`,
		`SELECT CAST(count(*) AS TEXT) FROM river_job`,
	} {
		rows, err := column(t.Context(), q.engine.view(), statement)
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintln(rows)
	}
	return all
}

// A connection that breaks after COMMIT was sent leaves the commit unknown, and
// the record is written again.
func TestRecordThatIsWrittenTwiceCountsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		for name, out := range map[string]Outcome{
			"with a bounce": {Results: []Result{{Verdict: Refused, Reply: "550 no"}, {Verdict: Retry, Reply: "451 busy"}}},
			"delivered":     {Results: []Result{{Verdict: Accepted}, {Verdict: Accepted}}},
			"with a retry":  {Results: []Result{{Verdict: Accepted}, {Verdict: Retry, Reply: "451 busy"}}},
		} {
			t.Run(name, func(t *testing.T) {
				o, _ := notified(o)
				q := open(t, o)
				id := accept(t, q, message("acct", "a@x", "b@x"), "body")
				d, _, err := q.begin(t.Context(), ownJob(t, q, id), id)
				if d == nil {
					t.Fatal(err)
				}
				verdicts := q.options.settle(d, out, true, q.options.Now())
				bounces, err := q.bounces(t.Context(), d, verdicts, true, NoticeFailed)
				if err != nil {
					t.Fatal(err)
				}
				first, err := q.conclude(t.Context(), d, verdicts, &out, bounces)
				if err != nil {
					t.Fatal(err)
				}
				after := dump(t, q)
				again, err := q.conclude(t.Context(), d, verdicts, &out, bounces)
				if err != nil || again != first {
					t.Errorf("the second time: %s, %v; the first: %s", again, err, first)
				}
				if now := dump(t, q); now != after {
					t.Errorf("there is\n%s, and was\n%s", now, after)
				}
				for _, b := range bounces {
					q.settled(b)
				}
			})
		}
	})
}
