// Package queuetest gives tests a queue with a past: messages that were taken
// and delivered over days, which nobody can wait for. Only tests import it.
package queuetest

import (
	"database/sql"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite", as the queue's own
)

// FillHistory writes n finished messages of an account into the queue in a file,
// which a traymail has made that does not run now. They came over the time before
// now, more by day than by night, one in 40 was refused; their IDs are smaller
// than those of messages to come.
func FillHistory(t testing.TB, file, account string, n int, over time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	change, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer change.Rollback() // no effect after Commit
	for _, statement := range []string{
		`CREATE TEMPORARY TABLE past AS WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < ?2)
			SELECT i AS i, printf('%016d', i) AS id, ?1 AS account,
				CAST(?3 - ?4 * (1 - (1.0 * i / ?2 + 0.06 * sin(13.0 * i / ?2)) / 1.06) AS INTEGER) AS at,
				CASE WHEN i % 40 = 7 THEN 'failed' ELSE 'delivered' END AS state,
				CASE i % 4 WHEN 0 THEN 'scanner' WHEN 1 THEN 'backup' WHEN 2 THEN 'erp' ELSE 'monitoring' END AS client,
				CASE i % 4 WHEN 0 THEN 'Scan from floor ' || (i % 7) WHEN 1 THEN 'Backup of server ' || (i % 12) || ' done'
					WHEN 2 THEN 'Invoice ' || (20000 + i) ELSE 'Disk space on host ' || (i % 9) END AS subject,
				CASE i % 3 WHEN 0 THEN 'ops@contoso.com' WHEN 1 THEN 'accounting@contoso.com' ELSE 'purchasing' || (i % 50) || '@fabrikam.com' END AS recipient FROM k`,
		`INSERT INTO mail_message (id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, waits_from, state, next_at, attempts, finished, late, body, job)
			SELECT id, account, client, '<' || i || '.traymail@contoso.com>', subject, 'svc@contoso.com', 0, '', '', '', 2000 + i % 9000, at, at, state, 0, 1, at + 900 + i % 700, 0, 0, 0 FROM past`,
		`INSERT INTO mail_recipient (message, n, address, notify, orcpt, state, attempts, next_at, reply)
			SELECT id, 0, recipient, '', '', state, 1, 0, CASE state WHEN 'failed' THEN '550 5.1.1 The email account that you tried to reach does not exist.' ELSE '250 2.1.5 Recipient OK' END FROM past`,
		`INSERT INTO mail_address (lower, message) SELECT 'svc@contoso.com', id FROM past`,
		`INSERT INTO mail_address (lower, message) SELECT recipient, id FROM past`,
		`INSERT INTO mail_attempt (message, n, account, machine, recipients, started, finished, elapsed, resend, outcome, reply, session)
			SELECT id, 1, account, 'host', 1, at + 100, at + 900 + i % 700, 800, 0, state,
				CASE state WHEN 'failed' THEN '550 5.1.1 The email account that you tried to reach does not exist.' ELSE '250 2.0.0 OK <' || i || '@contoso.com>' END, 'TLS 1.3, session reused' FROM past`,
		`DROP TABLE past`,
	} {
		args := []any{account, n, time.Now().UnixMilli(), over.Milliseconds()}
		if statement[0] != 'C' {
			args = nil
		}
		if _, err := change.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := change.Commit(); err != nil {
		t.Fatal(err)
	}
}
