package queue

import (
	"context"
	"testing"
)

func TestQueueOfTheFirstSchemaIsUpdated(t *testing.T) {
	onBoth(t, func(t *testing.T, o Options) {
		q := open(t, o)
		id := accept(t, q, message("acct", "a@x"), "body")
		err := q.engine.update(t.Context(), func(ctx context.Context, t tx) error {
			for _, statement := range []string{
				`DROP INDEX mail_message_late`, `DROP INDEX mail_message_expiry`, `DROP INDEX mail_message_unknown`,
				`ALTER TABLE mail_message DROP COLUMN waits_from`,
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
