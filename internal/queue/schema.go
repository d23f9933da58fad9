package queue

import (
	"context"
	"fmt"
)

// The tables are the same on both databases. Times are milliseconds since 1970,
// 0 for none; flags are 0 and 1. SQLite takes the column types as they stand:
// BYTEA has numeric affinity there, which leaves blobs alone.
//
// migrations are applied in order, once each, each in one transaction; a new
// version of the program only ever appends.
var migrations = [...][]string{{
	`CREATE TABLE mail_message (
		id TEXT PRIMARY KEY,
		account TEXT NOT NULL, client TEXT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL,
		sender TEXT NOT NULL, utf8 BIGINT NOT NULL, ret TEXT NOT NULL, envid TEXT NOT NULL,
		return_to TEXT NOT NULL, -- empty: to the sender
		size BIGINT NOT NULL, received BIGINT NOT NULL,
		state TEXT NOT NULL,
		next_at BIGINT NOT NULL,            -- queued: when the next attempt is due
		attempts BIGINT NOT NULL DEFAULT 0, -- numbered from 1
		finished BIGINT NOT NULL DEFAULT 0,
		late BIGINT NOT NULL DEFAULT 0,     -- the delay notice is dealt with
		resend BIGINT NOT NULL DEFAULT 0,   -- the last attempt never told its end
		body BIGINT NOT NULL DEFAULT 1,     -- the chunks are still there
		job BIGINT NOT NULL)`,
	// For lists, which are in the order of IDs.
	`CREATE INDEX mail_message_state ON mail_message (state, id)`,
	`CREATE INDEX mail_message_account ON mail_message (account, id)`,
	`CREATE INDEX mail_message_both ON mail_message (account, state, id)`,
	`CREATE INDEX mail_message_header ON mail_message (message_id, id)`,
	// For what comes by the clock: only messages it can concern are in these.
	`CREATE INDEX mail_message_oldest ON mail_message (account, received) WHERE finished = 0`,
	`CREATE INDEX mail_message_due ON mail_message (account, next_at, id) WHERE finished = 0 AND state = 'queued'`,
	`CREATE INDEX mail_message_late ON mail_message (received) WHERE finished = 0 AND late = 0 AND state <> 'held'`,
	`CREATE INDEX mail_message_expiry ON mail_message (state, received) WHERE finished = 0`,
	`CREATE INDEX mail_message_body ON mail_message (finished) WHERE finished > 0 AND body = 1`,
	`CREATE INDEX mail_message_end ON mail_message (finished) WHERE finished > 0`,
	`CREATE TABLE mail_recipient (
		message TEXT NOT NULL, n BIGINT NOT NULL,
		address TEXT NOT NULL, notify TEXT NOT NULL, orcpt TEXT NOT NULL,
		state TEXT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_at BIGINT NOT NULL,
		reply TEXT NOT NULL DEFAULT '',
		PRIMARY KEY (message, n))`,
	// A message under its sender's and each recipient's address, in small letters.
	`CREATE TABLE mail_address (lower TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (lower, message))`,
	`CREATE TABLE mail_chunk (
		message TEXT NOT NULL, n BIGINT NOT NULL, data BYTEA NOT NULL,
		PRIMARY KEY (message, n))`,
	// Bodies that are being received, by machine: whole when the row is gone.
	`CREATE TABLE mail_upload (message TEXT PRIMARY KEY, machine TEXT NOT NULL)`,
	`CREATE TABLE mail_attempt (
		message TEXT NOT NULL, n BIGINT NOT NULL,
		account TEXT NOT NULL, machine TEXT NOT NULL, recipients BIGINT NOT NULL,
		started BIGINT NOT NULL, finished BIGINT NOT NULL DEFAULT 0,
		elapsed BIGINT NOT NULL DEFAULT 0, -- milliseconds of Deliver
		resend BIGINT NOT NULL, outcome TEXT NOT NULL DEFAULT '',
		reply TEXT NOT NULL DEFAULT '', session TEXT NOT NULL DEFAULT '', exchange_id TEXT NOT NULL DEFAULT '',
		PRIMARY KEY (message, n))`,
	`CREATE INDEX mail_attempt_pace ON mail_attempt (account, started)`,
	`CREATE INDEX mail_attempt_flight ON mail_attempt (account) WHERE finished = 0`,
	`CREATE INDEX mail_attempt_cut ON mail_attempt (machine) WHERE finished = 0`,
	`CREATE INDEX mail_attempt_log ON mail_attempt (finished, message, n)`,
	`CREATE TABLE mail_account (
		name TEXT PRIMARY KEY,
		paused BIGINT NOT NULL DEFAULT 0, until BIGINT NOT NULL DEFAULT 0,
		cause TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '')`,
	`CREATE TABLE mail_tally (
		account TEXT NOT NULL, waiting BIGINT NOT NULL, sending BIGINT NOT NULL, held BIGINT NOT NULL,
		bytes BIGINT NOT NULL)`,
	`CREATE TABLE mail_usage (
		account TEXT NOT NULL, slot BIGINT NOT NULL, recipients BIGINT NOT NULL,
		PRIMARY KEY (account, slot))`,
	`CREATE TABLE mail_machine (id TEXT PRIMARY KEY, beat BIGINT NOT NULL)`,
}, {
	// Lateness and expiry count from the arrival, or from the last Release.
	`ALTER TABLE mail_message ADD COLUMN waits_from BIGINT NOT NULL DEFAULT 0`,
	`UPDATE mail_message SET waits_from = received`,
	`DROP INDEX mail_message_late`,
	`CREATE INDEX mail_message_late ON mail_message (waits_from) WHERE finished = 0 AND late = 0 AND state <> 'held'`,
	`DROP INDEX mail_message_expiry`,
	`CREATE INDEX mail_message_expiry ON mail_message (account, waits_from) WHERE finished = 0 AND state = 'queued'`,
}, {
	// Those of which a person must find out whether they were sent.
	`CREATE INDEX mail_message_unknown ON mail_message (account) WHERE state = 'held' AND resend = 1`,
}, {
	// For Traffic.
	`CREATE INDEX mail_message_received ON mail_message (received)`,
	`CREATE INDEX mail_message_outcome ON mail_message (state, finished) WHERE finished > 0`,
}, {
	// Of what is sent, so that an altered octet is found; -1 for none.
	`ALTER TABLE mail_message ADD COLUMN sum BIGINT NOT NULL DEFAULT -1`,
	`ALTER TABLE mail_recipient ADD COLUMN sum BIGINT NOT NULL DEFAULT -1`,
	`ALTER TABLE mail_chunk ADD COLUMN sum BIGINT NOT NULL DEFAULT -1`,
}, {
	// Of machines that share the queue: an account that one of them cannot send for,
	// and what all have to know.
	`CREATE TABLE mail_rest (
		account TEXT NOT NULL, machine TEXT NOT NULL,
		since BIGINT NOT NULL, until BIGINT NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL,
		PRIMARY KEY (account, machine))`,
	`CREATE TABLE mail_note (name TEXT PRIMARY KEY, text TEXT NOT NULL)`,
}}

// migrate brings the tables to this program's version, or refuses those of a
// later one.
func migrate(ctx context.Context, t querier) error {
	if _, err := t.exec(ctx, `CREATE TABLE IF NOT EXISTS mail_schema (version BIGINT NOT NULL)`); err != nil {
		return err
	}
	var have int
	if err := t.row(ctx, `SELECT count(*) FROM mail_schema`).Scan(&have); err != nil {
		return err
	}
	if have > len(migrations) {
		return fmt.Errorf("the queue was written by a later version of traymail (schema %d, this one knows %d): update traymail", have, len(migrations))
	}
	for v := have; v < len(migrations); v++ {
		for _, statement := range migrations[v] {
			if _, err := t.exec(ctx, statement); err != nil {
				return fmt.Errorf("schema %d: %w", v+1, err)
			}
		}
		if _, err := t.exec(ctx, `INSERT INTO mail_schema (version) VALUES ($1)`, v+1); err != nil {
			return err
		}
	}
	return nil
}
