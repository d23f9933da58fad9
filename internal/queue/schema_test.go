package queue

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestQueueOfTheFirstSchemaIsUpdated(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		id := accept(t, q, message("acct", "a@x"), "body")
		err := q.engine.update(t.Context(), func(ctx context.Context, t tx) error {
			for _, statement := range []string{
				`DROP INDEX mail_message_late`, `DROP INDEX mail_message_expiry`, `DROP INDEX mail_message_unknown`,
				`DROP INDEX mail_message_received`, `DROP INDEX mail_message_outcome`,
				`ALTER TABLE mail_message DROP COLUMN waits_from`,
				`ALTER TABLE mail_message DROP COLUMN sum`, `ALTER TABLE mail_recipient DROP COLUMN sum`, `ALTER TABLE mail_chunk DROP COLUMN sum`, `DROP TABLE mail_rest`, `DROP TABLE mail_note`,
				`CREATE INDEX mail_message_late ON mail_message (received) WHERE finished = 0 AND late = 0 AND state <> 'held'`,
				`CREATE INDEX mail_message_expiry ON mail_message (state, received) WHERE finished = 0`,
				`DELETE FROM mail_schema WHERE version > 1`,
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
		if err := q.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		q = open(t, o)
		var received, from int64
		if err := q.engine.view().row(t.Context(), `SELECT received, waits_from FROM mail_message WHERE id = $1`, id).Scan(&received, &from); err != nil {
			t.Fatal(err)
		}
		if from != received {
			t.Errorf("a message of %d waits from %d", received, from)
		}
		start(t, q, allAccepted)
		untilState(t, q, id, Delivered)
	})
}

func TestQueueOfTheThirdSchemaCountsItsTraffic(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		now := time.Now()
		o.Now = func() time.Time { return now }
		q := open(t, o)
		fillQueue(t, q, 1000)
		err := q.engine.update(t.Context(), func(ctx context.Context, t tx) error {
			for _, statement := range []string{
				`DROP INDEX mail_message_received`, `DROP INDEX mail_message_outcome`, `DELETE FROM mail_schema WHERE version > 3`,
				`ALTER TABLE mail_message DROP COLUMN sum`, `ALTER TABLE mail_recipient DROP COLUMN sum`, `ALTER TABLE mail_chunk DROP COLUMN sum`, `DROP TABLE mail_rest`, `DROP TABLE mail_note`,
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
		if err := q.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		q = open(t, o)
		eye := watch(t, q)
		list, err := q.Traffic(t.Context(), now.Add(-2*time.Minute), time.Minute)
		if err != nil || len(list) != 2 || list[1].Accepted != 1000 || list[1].Delivered != 500 {
			t.Errorf("the traffic is %+v, %v", list, err)
		}
		steps := eye.steps()
		for _, index := range []string{"mail_message_received", "mail_message_outcome"} {
			if !strings.Contains(steps, index) {
				t.Errorf("%s is not used:\n%s", index, steps)
			}
		}
	})
}
