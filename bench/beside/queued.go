//go:build linux

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite", as the queue's own
)

// batch is how often one transaction copies the seeds.
const batch = 100

// tryQueued has a traymail accept messages for a paused account, first with an
// empty queue and then with a very long one.
func (b *bench) tryQueued(r relay) error {
	v := variant{waiting: 2*b.queued + (b.rounds+1)*b.scale.many + 2*b.scale.seeds}
	generate := func(s *server, n int, args ...string) (g generated, err error) {
		printed, err := output(b.ctx, b.dir, nil, "", b.gen, append([]string{"-addr", s.addr, "-n", fmt.Sprint(n), "-c", "16"}, args...)...)
		if err == nil {
			err = json.Unmarshal([]byte(printed), &g)
		}
		if err == nil && g.Failed > 0 {
			err = fmt.Errorf("%d of %d messages were not accepted; the first: %s", g.Failed, n, g.FirstError)
		}
		return g, err
	}
	pause := func(s *server) error {
		_, err := output(b.ctx, s.home, nil, "", b.program, "pause", "bench", "--home", s.home)
		return err
	}
	accept := func(s *server, figure string) error {
		highest := s.process.peak()
		g, err := generate(s, b.scale.many)
		b.pause(b.scale.settle)
		b.note("memory, "+figure, r, highest())
		b.note("accepted, "+figure, r, g.Rate)
		return err
	}
	var home string
	err := b.with(r, v, 0, 0, func(s *server) error {
		home = s.home
		if err := pause(s); err != nil {
			return err
		}
		_, err := generate(s, b.scale.seeds, "-size", "600")
		return err
	})
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.fill(filepath.Join(home, "state", "queue.db")); err != nil {
		return fmt.Errorf("the queue could not be filled: %w", err)
	}
	fmt.Fprintf(b.progress, "long queue: filled in %.0f s\n", time.Since(began).Seconds())
	again := func(home string, measure func(*server) error) error {
		return b.during(func() (*server, error) { return b.serve(home, v) }, 0, 0, measure)
	}
	for range b.rounds {
		// Both start with the account paused: to explain a pause takes memory too.
		var empty string
		err := b.with(r, v, 0, 0, func(s *server) error {
			empty = s.home
			return pause(s)
		})
		if err == nil {
			err = again(empty, func(s *server) error { return accept(s, "empty") })
		}
		if err == nil {
			err = again(home, func(s *server) error {
				b.note("start, long", r, s.took.Seconds()*1000)
				return errors.Join(accept(s, "long"), b.waits(home, b.queued))
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// waits fails when fewer than n messages wait in the queue of a home.
func (b *bench) waits(home string, n int) error {
	printed, err := output(b.ctx, home, nil, "", b.program, "status", "--json", "--home", home)
	if err != nil {
		return err
	}
	var status struct{ Accounts []struct{ Waiting int } }
	if err := json.Unmarshal([]byte(printed), &status); err != nil {
		return err
	}
	for _, a := range status.Accounts {
		n -= a.Waiting
	}
	if n > 0 {
		return fmt.Errorf("%d messages too few wait", n)
	}
	return nil
}

// fill makes the queue of a traymail that does not run as long as it shall be, by
// copying what the last of its messages, which came through the relay, left in
// every table: their rows, bodies and jobs. Nothing else is known of the tables.
// Their indexes are taken away for that and made anew, which is quicker.
func (b *bench) fill(file string) error {
	db, err := sql.Open("sqlite", file+"?_pragma=synchronous(off)&_pragma=temp_store(memory)&_pragma=cache_size(-100000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // the temporary tables are a connection's own
	drop, create, err := indexes(b.ctx, db)
	if err != nil {
		return err
	}
	for _, statement := range append(drop,
		fmt.Sprintf(`CREATE TEMPORARY TABLE seed AS SELECT row_number() OVER (ORDER BY id) - 1 AS i, id, job FROM mail_message ORDER BY id DESC LIMIT %d`, b.scale.seeds),
		`CREATE TEMPORARY TABLE copy (old TEXT, new TEXT, old_job INTEGER, new_job INTEGER)`,
		`CREATE INDEX temp.copy_old ON copy (old)`,
		`CREATE INDEX temp.copy_job ON copy (old_job)`,
	) {
		if _, err := db.ExecContext(b.ctx, statement); err != nil {
			return err
		}
	}
	times := (b.queued + b.scale.seeds - 1) / b.scale.seeds
	for n := 0; n < times; n += batch {
		if err := b.copySeeds(db, n, min(batch, times-n)); err != nil {
			return err
		}
	}
	for _, statement := range create {
		if _, err := db.ExecContext(b.ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// indexes returns what drops the indexes of a database, and what makes them again.
func indexes(ctx context.Context, db *sql.DB) (drop, create []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT 'DROP INDEX ' || name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d, c string
		if err := rows.Scan(&d, &c); err != nil {
			return nil, nil, err
		}
		drop, create = append(drop, d), append(create, c)
	}
	return drop, create, rows.Err()
}

// digits are those of the IDs of messages, in their order.
const digits = "0123456789abcdefghijklmnopqrstuv"

// copySeeds adds times copies of each seed, where from of each were added before.
func (b *bench) copySeeds(db *sql.DB, from, times int) error {
	change, err := db.BeginTx(b.ctx, nil)
	if err != nil {
		return err
	}
	defer change.Rollback() // no effect after Commit
	number := fmt.Sprintf(`((%d + k) * %d + seed.i)`, from, b.scale.seeds)
	id := `substr((SELECT min(id) FROM seed), 1, 9) || '00'`
	for shift := 20; shift >= 0; shift -= 5 {
		id += fmt.Sprintf(` || substr('%s', ((%s >> %d) & 31) + 1, 1)`, digits, number, shift)
	}
	statements := []string{
		`DELETE FROM copy`,
		fmt.Sprintf(`WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < %d)
			INSERT INTO copy SELECT id, %s, job, (SELECT COALESCE(max(id), 0) + 1 FROM river_job) + k * %d + i FROM n, seed`, times-1, id, b.scale.seeds),
	}
	for _, t := range []struct {
		table, by string // the column that says which seed a row belongs to
		set       map[string]string
	}{
		{"mail_message", "copy.old = t.id", map[string]string{"id": "copy.new", "job": "copy.new_job"}},
		{"mail_recipient", "copy.old = t.message", map[string]string{"message": "copy.new"}},
		{"mail_address", "copy.old = t.message", map[string]string{"message": "copy.new"}},
		{"mail_chunk", "copy.old = t.message", map[string]string{"message": "copy.new"}},
		{"river_job", "copy.old_job = t.id", map[string]string{"id": "copy.new_job", "args": "jsonb_set(t.args, '$.message', copy.new)"}},
	} {
		columns, err := columnsOf(change, t.table)
		if err != nil {
			return err
		}
		values := slices.Clone(columns)
		for i, c := range columns {
			if v := t.set[c]; v != "" {
				values[i] = v
			} else {
				values[i] = "t." + c
			}
		}
		statements = append(statements, fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM copy JOIN %s AS t ON %s`,
			t.table, strings.Join(columns, ", "), strings.Join(values, ", "), t.table, t.by))
	}
	statements = append(statements, `INSERT INTO mail_tally (account, waiting, sending, held, bytes)
		SELECT t.account, count(*), 0, 0, sum(t.size) FROM copy JOIN mail_message AS t ON copy.new = t.id GROUP BY t.account`)
	for _, statement := range statements {
		if _, err := change.ExecContext(b.ctx, statement); err != nil {
			return fmt.Errorf("%w\n%s", err, statement)
		}
	}
	return change.Commit()
}

func columnsOf(change *sql.Tx, table string) (columns []string, err error) {
	rows, err := change.Query(`SELECT name FROM pragma_table_info($1)`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		columns = append(columns, c)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("there is no table %s", table)
	}
	return columns, rows.Err()
}
