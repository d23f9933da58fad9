package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"

	"traymail/internal/salvage"
)

// A rescue makes the new file under the first name, which tells that it is not
// complete, and then has it under the second until the damaged one is aside.
const (
	rescuePart = ".rescue"
	rescueDone = ".rescued"
)

// beside are the endings of the files that belong to a database.
var beside = []string{"", "-wal", "-shm"}

// rescue carries what can be read of the file at path over to a new one, and sets
// the damaged one aside. Attempts that machine has in flight stay in flight. When
// it fails nothing was changed. The lock must be held, and nobody have the file
// open.
func rescue(ctx context.Context, path, problem, machine string, now time.Time, config *river.Config) (d *Damage, err error) {
	part := path + rescuePart
	if err := removeDatabase(part); err != nil {
		return nil, err
	}
	d = &Damage{At: now, Place: path, Aside: asideName(path, now), What: problem}
	if err := carryOver(ctx, path, part, machine, now, config, d); err != nil {
		return nil, errors.Join(err, removeDatabase(part))
	}
	report, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	// First the report: without the file that it tells of it is not read.
	if err := errors.Join(os.WriteFile(d.Aside+".json", report, 0o600), syncFile(d.Aside+".json"), syncFile(part)); err != nil {
		return nil, errors.Join(err, removeDatabase(part))
	}
	if err := os.Rename(part, path+rescueDone); err != nil {
		return nil, err
	}
	return d, setAside(path, d.Aside)
}

// setAside puts the rescued file in the damaged one's place. finishRescue does
// what is left of it when the program ends in between.
func setAside(path, aside string) error {
	for _, s := range beside {
		if err := os.Rename(path+s, aside+s); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(path+rescueDone, path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// finishRescue ends a rescue that was cut short.
func finishRescue(path string, now time.Time) error {
	if _, err := os.Stat(path + rescueDone); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		// The damaged file is where it was, and is carried over again.
		return removeDatabase(path + rescueDone)
	}
	// Of the damaged one only what belongs to it may be left.
	return setAside(path, asideName(path, now))
}

func removeDatabase(path string) error {
	var errs []error
	for _, s := range append([]string{".lock", ".owner"}, beside...) {
		if err := os.Remove(path + s); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes renames outlast a power cut, where the system can do that.
func syncFolder(path string) {
	if f, err := os.Open(path); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// carryOver makes the file at part of what can be read of the one at path.
func carryOver(ctx context.Context, path, part, machine string, now time.Time, config *river.Config, d *Damage) (err error) {
	from, err := salvage.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	e, err := openSQLite(ctx, part, false, config, func() error { return nil })
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, e.close())
		if err == nil {
			err = removeNotes(part)
		}
	}()
	in := &carrier{ctx: ctx, engine: e}
	if err := in.begin(); err != nil {
		return err
	}
	if d.Cut, err = from.Rows(in.add); err != nil {
		return err
	}
	if err := in.flush(); err != nil {
		return err
	}
	if in.later > in.known {
		return fmt.Errorf("it was written by a later version of traymail: update traymail")
	}
	m := &mender{carrier: in, machine: machine, now: now, damage: d}
	return m.mend()
}

// removeNotes removes what the lock of a database leaves behind.
func removeNotes(path string) error {
	for _, s := range []string{".lock", ".owner"} {
		if err := os.Remove(path + s); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A carrier puts salvaged rows into a new file, many in a transaction.
type carrier struct {
	ctx          context.Context
	engine       *liteEngine
	rows         []salvage.Row
	octets       int
	known, later int // messages of this program's schema and before, and of a later one
}

// begin makes the table of what indexes say of messages.
func (c *carrier) begin() error {
	return c.write(func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `CREATE TEMP TABLE seen (id TEXT PRIMARY KEY, account TEXT NOT NULL, state TEXT NOT NULL)`)
		return err
	})
}

func (c *carrier) write(fn func(context.Context, tx) error) error {
	return c.engine.update(c.ctx, fn)
}

func (c *carrier) add(r salvage.Row) error {
	c.rows = append(c.rows, r)
	for _, v := range r.Values {
		if b, ok := v.([]byte); ok {
			c.octets += len(b)
		}
	}
	if len(c.rows) < 1000 && c.octets < 8<<20 {
		return nil
	}
	return c.flush()
}

func (c *carrier) flush() error {
	rows := c.rows
	c.rows, c.octets = nil, 0
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.write(func(ctx context.Context, t tx) error {
		for _, r := range rows {
			if err := c.put(ctx, t, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// put inserts a row where its shape says that it belongs. Those of River are left
// out: jobs are made anew.
func (c *carrier) put(ctx context.Context, t tx, r salvage.Row) error {
	if r.Index {
		return c.note(ctx, t, r.Values)
	}
	for _, table := range carried {
		if !table.fits(r.Values) {
			continue
		}
		if table.name == "mail_message" {
			if c.known++; len(r.Values) > len(table.shape) {
				c.known--
				c.later++
				return nil
			}
		}
		args := make([]any, len(r.Values))
		places := ""
		for i, v := range r.Values {
			if s, ok := v.(string); ok {
				v = clean(s)
			}
			args[i] = v
			places += fmt.Sprintf(", $%d", i+1)
		}
		_, err := t.exec(ctx, `INSERT INTO `+table.name+` (`+table.list(len(args))+`) VALUES (`+places[2:]+`) ON CONFLICT DO NOTHING`, args...)
		return err
	}
	return nil
}

// note keeps what an index says of a message whose row may be gone.
func (c *carrier) note(ctx context.Context, t tx, v []any) error {
	id, account, state := "", "", ""
	switch {
	case like(v, "tsmi"):
		account, state, id = v[0].(string), v[1].(string), v[2].(string)
	case like(v, "smi"):
		state, id = v[0].(string), v[1].(string)
	case like(v, "mi"):
		id = v[0].(string)
	default:
		return nil
	}
	_, err := t.exec(ctx, `INSERT INTO seen (id, account, state) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET
		account = CASE WHEN account = '' THEN excluded.account ELSE account END, state = CASE WHEN state = '' THEN excluded.state ELSE state END`,
		id, clean(account), state)
	return err
}

// A carriedTable is one whose rows are carried over, with a letter for each
// column: t is text, m a message's ID, s a message's state, i a whole number, b
// octets. A row may lack the columns behind least, which an earlier version of
// the program did not know.
type carriedTable struct {
	name, columns, shape string
	least                int
}

var carried = []carriedTable{
	{"mail_message", "id, account, client, message_id, subject, sender, utf8, ret, envid, return_to, size, received, state, next_at, attempts, finished, late, resend, body, job, waits_from, sum",
		"mtttttitttiisiiiiiiiii", 20},
	{"mail_recipient", "message, n, address, notify, orcpt, state, attempts, next_at, reply, sum", "mitttsiiti", 9},
	{"mail_address", "lower, message", "tm", 2},
	{"mail_chunk", "message, n, data, sum", "mibi", 3},
	{"mail_attempt", "message, n, account, machine, recipients, started, finished, elapsed, resend, outcome, reply, session, exchange_id", "mittiiiiitttt", 13},
	{"mail_account", "name, paused, until, cause, reason", "tiitt", 5},
	{"mail_usage", "account, slot, recipients", "tii", 3},
}

func (c carriedTable) fits(v []any) bool {
	if len(v) < c.least || len(v) > len(c.shape) && c.name != "mail_message" {
		return false
	}
	return like(v[:min(len(v), len(c.shape))], c.shape)
}

// list names the first n columns.
func (c carriedTable) list(n int) string {
	at := 0
	for i := range c.columns {
		if c.columns[i] == ',' {
			if at++; at == n {
				return c.columns[:i]
			}
		}
	}
	return c.columns
}

// like tells whether values have the shape of the first letters.
func like(v []any, shape string) bool {
	if len(v) > len(shape) {
		return false
	}
	for i, value := range v {
		text, isText := value.(string)
		_, isInt := value.(int64)
		_, isBlob := value.([]byte)
		ok := false
		switch shape[i] {
		case 't':
			ok = isText
		case 'm':
			ok = isText && isID(text)
		case 's':
			switch State(text) {
			case Queued, Sending, Held, Delivered, Failed, Removed:
				ok = true
			}
		case 'i':
			ok = isInt
		case 'b':
			ok = isBlob
		}
		if !ok {
			return false
		}
	}
	return true
}
