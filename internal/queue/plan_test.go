package queue

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// spy is an engine that has each statement explained before it is run.
type spy struct {
	engine
	explain func(ctx context.Context, v querier, statement string, args []any)
}

func (s *spy) view() querier { return spyQuerier{s.engine.view(), s} }

func (s *spy) update(ctx context.Context, fn func(context.Context, tx) error) error {
	return s.engine.update(ctx, func(ctx context.Context, t tx) error { return fn(ctx, spyTx{t, spyQuerier{t, s}}) })
}

type spyQuerier struct {
	querier
	spy *spy
}

func (q spyQuerier) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	q.spy.explain(ctx, q.querier, statement, args)
	return q.querier.exec(ctx, statement, args...)
}

func (q spyQuerier) query(ctx context.Context, statement string, args ...any) (rows, error) {
	q.spy.explain(ctx, q.querier, statement, args)
	return q.querier.query(ctx, statement, args...)
}

func (q spyQuerier) row(ctx context.Context, statement string, args ...any) scanner {
	q.spy.explain(ctx, q.querier, statement, args)
	return q.querier.row(ctx, statement, args...)
}

type spyTx struct {
	tx
	spyQuerier
}

func (t spyTx) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	return t.spyQuerier.exec(ctx, statement, args...)
}
func (t spyTx) query(ctx context.Context, statement string, args ...any) (rows, error) {
	return t.spyQuerier.query(ctx, statement, args...)
}
func (t spyTx) row(ctx context.Context, statement string, args ...any) scanner {
	return t.spyQuerier.row(ctx, statement, args...)
}

// grows names the tables that grow with the number of messages.
const grows = `mail_(message|recipient|address|chunk|attempt)`

// bad are the steps of a plan that read more the more messages there are. Each
// database has words of its own.
var bad = map[bool]*regexp.Regexp{
	// A scan of an index is only good where the index holds just what is wanted.
	false: regexp.MustCompile(`SCAN ` + grows + `\b($| USING)|TEMP B-TREE`),
	true:  regexp.MustCompile(`Seq Scan on ` + grows + `\b|\bSort  \(|Hash Join`),
}

// good are statements that may have such a step, with the reason.
var good = map[string]string{
	// The first page of the list: the newest of the primary key, up to LIMIT.
	"FROM mail_message ORDER BY chosen DESC LIMIT": "SCAN mail_message USING COVERING INDEX sqlite_autoindex_mail_message_1",
	// Sums of some rows an account, folded.
	"FROM mail_tally": "TEMP B-TREE",
	// What a dead program had in hand, one row each.
	"UNION ALL SELECT machine FROM mail_upload": "SCAN mail_attempt",
	// The accounts, by their name.
	"FROM mail_account": "Sort",
	// One message's recipients, and one account's slots of a day.
	"FROM mail_recipient WHERE message = $1": "Sort",
	"FROM mail_usage":                        "Sort",
	// One message, or those few that share a Message-ID of that form.
	"WHERE (id = $": "",
}

func allowed(statement, step string) bool {
	if strings.Contains(statement, "lower(subject)") {
		return true // the searches that say that they read more
	}
	if statement == "SELECT count(*) FROM mail_message" && strings.HasPrefix(step, "SCAN mail_message USING COVERING INDEX") {
		return true // pages of the smallest index, not messages
	}
	for part, s := range good {
		if strings.Contains(statement, part) && strings.Contains(step, s) && !strings.Contains(step, "Seq Scan") {
			return true
		}
	}
	return false
}

// fillQueue writes n messages as Accept and delivery would have, half of them
// finished, all of one sender and one busy account but for every thousandth.
func fillQueue(t testing.TB, q *Queue, n int) {
	t.Helper()
	numbers := fmt.Sprintf(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < %d) `, n)
	now := stamp(q.options.Now())
	account := `CASE WHEN i % 1000 = 0 THEN 'quiet' ELSE 'busy' END`
	state := `CASE WHEN i % 2 = 0 THEN 'delivered' WHEN i % 5 = 0 THEN 'held' ELSE 'queued' END`
	ended := fmt.Sprintf(`CASE WHEN i %% 2 = 0 THEN %d ELSE 0 END`, now)
	id := `'0000000000' || (100000 + i)`
	err := q.engine.update(context.Background(), func(ctx context.Context, t tx) error {
		for _, statement := range []string{
			`INSERT INTO mail_account (name) VALUES ('busy'), ('quiet')`,
			`INSERT INTO mail_message (id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, state, next_at, finished, late, body, job) ` +
				numbers + fmt.Sprintf(`SELECT %[1]s, %[2]s, 'c', '<' || i || '@x>', 'Report ' || i, 'scanner@example.com', 0, '', '', '', 10, %[3]d, %[3]d, %[4]s, %[5]d, %[6]s, 0, 0, 0 FROM k`,
				id, account, now-1000, state, now+3_600_000, ended),
			`INSERT INTO mail_recipient (message, n, address, notify, orcpt, state, next_at) ` +
				numbers + fmt.Sprintf(`SELECT %s, 0, 'r' || i || '@x', '', '', CASE WHEN i %% 2 = 0 THEN 'delivered' ELSE 'queued' END, %d FROM k`, id, now+3_600_000),
			`INSERT INTO mail_address (lower, message) ` + numbers + fmt.Sprintf(`SELECT 'scanner@example.com', %s FROM k`, id),
			`INSERT INTO mail_address (lower, message) ` + numbers + fmt.Sprintf(`SELECT 'r' || i || '@x', %s FROM k`, id),
			`INSERT INTO mail_chunk (message, n, data) SELECT id, 0, CAST('body' AS BYTEA) FROM mail_message WHERE finished = 0`,
			`INSERT INTO mail_attempt (message, n, account, machine, recipients, started, finished, resend, outcome) ` +
				numbers + fmt.Sprintf(`SELECT %s, 1, %s, 'm', 1, %d, %d, 0, 'delivered' FROM k WHERE i %% 2 = 0`, id, account, now-100_000, now-90_000),
			`INSERT INTO mail_tally (account, waiting, sending, held, bytes) SELECT account, sum(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0,
				sum(CASE WHEN state = 'held' THEN 1 ELSE 0 END), sum(size) FROM mail_message WHERE finished = 0 GROUP BY account`,
		} {
			if _, err := t.exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// As PostgreSQL does by itself, and SQLite never.
	if e, ok := q.engine.(*pgEngine); ok {
		if _, err := e.pool.Exec(context.Background(), "VACUUM (ANALYZE)"); err != nil {
			t.Fatal(err)
		}
	}
}

const hundredThousand = 100_000

// Whatever is done with 100,000 messages must read by index what it is about,
// and nothing else. Each statement that the queue runs here is explained by the
// database before it is run.
func TestHundredThousandMessagesCostNoMoreThanTen(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		now := time.Now()
		o.Now = func() time.Time { return now }
		q := open(t, o)
		postgres := o.PostgreSQL != ""
		fillQueue(t, q, hundredThousand)
		if !postgres {
			steps, err := plan(t.Context(), q.engine.view(), postgres, plannedAhead, []any{stamp(now)})
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(steps, "\n")
			for _, by := range []string{"(received>?)", "(waits_from>?)", "(finished>?)"} {
				if !strings.Contains(all, by) {
					t.Errorf("what is planned ahead is not looked for by %s:\n%s", by, all)
				}
			}
		}
		var mu sync.Mutex
		seen := map[string]bool{}
		// Explaining needs a querier that the spy does not see.
		q.engine = &spy{q.engine, func(ctx context.Context, v querier, statement string, args []any) {
			mu.Lock()
			known := seen[statement]
			seen[statement] = true
			mu.Unlock()
			if known {
				return
			}
			steps, err := plan(ctx, v, postgres, statement, args)
			if err != nil {
				t.Errorf("explain %s: %v", statement, err)
			}
			for _, step := range steps {
				if bad[postgres].MatchString(step) && !allowed(statement, step) {
					t.Errorf("%s\n%s", statement, strings.Join(steps, "\n"))
					break
				}
			}
		}}
		ctx := context.Background()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err := q.Count(ctx, Filter{})
		must(err)
		page := ""
		for _, f := range []Filter{
			{}, {State: Queued}, {State: Delivered}, {State: Removed}, {Account: "quiet"}, {Account: "busy", State: Delivered},
			{Account: "quiet", State: Queued}, {Address: "scanner@example.com"}, {Address: "r77@x"},
			{Address: "scanner@example.com", Subject: "Report 9"}, {ID: "<77@x>"}, {ID: "0000000000100077"}, {Account: "busy", Subject: "Report 1"},
			{States: []State{Queued, Sending, Held}}, {States: []State{Delivered, Failed, Removed}, Account: "busy"},
			{States: []State{Delivered, Failed}, Address: "scanner@example.com"}, {States: []State{Failed, Delivered}, Text: "report 7"},
		} {
			for _, f.Before = range []string{"", "0000000000150000"} {
				for _, f.Newest = range []string{"", "0000000000190000"} {
					list, err := q.List(ctx, f)
					must(err)
					if len(list) > 0 {
						page = list[0].ID
					}
				}
			}
		}
		_, err = q.Traffic(ctx, now.Add(-time.Hour), time.Minute)
		must(err)
		_, err = q.Get(ctx, page)
		must(err)
		_, err = q.Log(ctx, Attempt{Finished: now.Add(-time.Hour)}, 10)
		must(err)
		_, err = q.Accounts(ctx)
		must(err)
		id := accept(t, q, message("quiet", "a@x"), "body")
		must(q.Hold(ctx, id))
		must(q.Release(ctx, id))
		must(q.Retry(ctx, id))
		must(q.Pause(ctx, "quiet", Pause{Reason: "test"}))
		_, err = q.Flush(ctx, "quiet")
		must(err)
		must(q.Resume(ctx, "quiet"))
		must(q.Remove(ctx, accept(t, q, message("quiet", "b@x"), "body")))
		start(t, q, allAccepted)
		untilState(t, q, id, Delivered)
		must(q.takeOver(ctx, func(machine string) bool { return machine == "nobody" }))
		must(q.rewakeLost(ctx, new(lookout)))
		if !postgres {
			must(q.setBack(ctx))
		}
		must(q.fold(ctx))
		must(q.quota.refresh(ctx, q.engine.view()))
		must(q.tellLate(ctx))
		must(q.expireAccount(ctx, "busy", now.Add(-q.options.Expire)))
		must(q.expire(ctx))
		must(q.clear(ctx))
		if len(seen) < 40 {
			t.Errorf("only %d statements were seen", len(seen))
		}
	})
}

// An eye is the plans of what a queue reads.
type eye struct {
	mu    sync.Mutex
	lines []string
}

// watch has what q reads from now on explained.
func watch(t *testing.T, q *Queue) *eye {
	e := &eye{}
	_, postgres := q.engine.(*pgEngine)
	q.engine = &spy{q.engine, func(ctx context.Context, v querier, statement string, args []any) {
		steps, err := plan(ctx, v, postgres, statement, args)
		if err != nil {
			t.Errorf("explain %s: %v", statement, err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.lines = append(e.lines, steps...)
	}}
	return e
}

// steps takes the plans seen since the last call.
func (e *eye) steps() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := strings.Join(e.lines, "\n")
	e.lines = nil
	return s
}

// Each of these is counted in one index, in which all that is asked stands. Where
// nearly all messages are chosen PostgreSQL may prefer to read them in a row.
func TestCountReadsNoMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		n := hundredThousand
		fillQueue(t, q, n)
		eye := watch(t, q)
		index := regexp.MustCompile(`USING COVERING INDEX|Index Only Scan`)
		heap := regexp.MustCompile(`USING INDEX|Seq Scan|Index Scan|Heap Scan`)
		for _, c := range []struct {
			filter Filter
			want   int
		}{
			{Filter{}, 100_000},
			{Filter{State: Held}, 10_000},
			{Filter{States: []State{Queued, Sending, Held}}, 50_000},
			{Filter{States: []State{Delivered, Failed, Removed}}, 50_000},
			{Filter{Account: "quiet"}, 100},
			{Filter{Account: "busy", State: Delivered}, 49_900},
			{Filter{Account: "quiet", States: []State{Delivered, Queued}}, 100},
			{Filter{Address: "R77@x"}, 100_000 / n},
		} {
			got, err := q.Count(t.Context(), c.filter)
			if want := c.want * n / 100_000; err != nil || got != want {
				t.Errorf("%+v: %d are counted, not %d (%v)", c.filter, got, want, err)
			}
			if steps := eye.steps(); !index.MatchString(steps) || heap.MatchString(steps) {
				t.Errorf("%+v is counted by\n%s", c.filter, steps)
			}
		}
	})
}

// plan returns the steps of a statement's plan.
func plan(ctx context.Context, v querier, postgres bool, statement string, args []any) (steps []string, err error) {
	if postgres {
		return column(ctx, v, "EXPLAIN "+statement, args...)
	}
	r, err := v.query(ctx, "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for r.Next() {
		var id, parent, unused int
		var step string
		if err := r.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, r.Err()
}
