package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrDamaged means that the queue's SQLite file is not as it was written. A
	// queue that is open puts that right by itself; messages that come meanwhile
	// are not taken and may be sent again soon.
	ErrDamaged = errors.New("the queue's file is damaged")
	// ErrLocked means that another program keeps the queue's SQLite file locked.
	ErrLocked = errors.New("another program keeps the queue's file locked")
)

// A Damage tells of a damaged queue file that was set aside, and of what became
// of the messages in it. It is written beside that file, and is told of for as
// long as the file is there.
type Damage struct {
	At    time.Time `json:"at"`
	Place string    `json:"place"` // the queue's file
	// Aside is where the damaged file is now. It is never written to or removed,
	// and holds bodies of messages.
	Aside string `json:"aside"`
	What  string `json:"what"` // what is wrong with it

	Messages int `json:"messages"` // that were carried over, those that are done with too
	Waiting  int `json:"waiting"`  // of them, those that are to be sent
	Cut      int `json:"cut"`      // rows of which only a part could be read
	// Held are messages that are not sent before a person has looked at them.
	Held []DamagedMessage `json:"held,omitempty"`
	// Lost are messages of which too little is left.
	Lost []DamagedMessage `json:"lost,omitempty"`
}

// A DamagedMessage is a message of which something is missing.
type DamagedMessage struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Summary says what happened, in one sentence.
func (d Damage) Summary() string {
	s := fmt.Sprintf("the queue's file %s was damaged (%s): on %s it was set aside as %s, and %d messages were carried over to a new file, of which %d waited",
		d.Place, d.What, d.At.Local().Format(time.DateTime), filepath.Base(d.Aside), d.Messages, d.Waiting)
	if n := len(d.Held); n > 0 {
		s += fmt.Sprintf("; %d are held because something of them is missing", n)
	}
	if n := len(d.Lost); n > 0 {
		s += fmt.Sprintf("; %d are lost", n)
	}
	return s
}

// Fix says what to do about it.
func (d Damage) Fix() string {
	fix := "look for the cause: the disk, the memory, a program that writes to that folder, a copy made while traymail ran"
	if len(d.Held) > 0 {
		fix += "; look at what is held with traymail queue ls --state held"
	}
	if len(d.Lost) > 0 {
		fix += fmt.Sprintf("; have the senders of what is lost send it again (%s.json has the IDs)", d.Aside)
	}
	return fix + fmt.Sprintf("; then move %s away, and this is over", d.Aside)
}

// asideName names a damaged file; the time tells several apart.
func asideName(path string, now time.Time) string {
	return path + ".damaged-" + now.UTC().Format("20060102T150405.000Z")
}

// Damages lists the damaged files beside the SQLite queue at path that were set
// aside and are still there, oldest first. It opens no queue.
func Damages(path string) ([]Damage, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Damage
	for _, e := range entries {
		aside := filepath.Join(filepath.Dir(path), strings.TrimSuffix(e.Name(), ".json"))
		if !strings.HasPrefix(e.Name(), filepath.Base(path)+".damaged-") || !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		if _, err := os.Stat(aside); err != nil {
			continue // somebody has seen to it
		}
		d := Damage{Place: path, Aside: aside, What: "its report cannot be read"}
		if b, err := os.ReadFile(aside + ".json"); err == nil {
			err = json.Unmarshal(b, &d)
			if err != nil {
				d.What = "its report cannot be read"
			}
		}
		d.Aside = aside // the folder may have been moved
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Damage) int { return strings.Compare(a.Aside, b.Aside) })
	return list, nil
}

// codeOf is SQLite's code of an error without what is added to it, 0 for none.
func codeOf(err error) int {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return 0
	}
	return se.Code() & 0xff
}

// tellsDamage tells whether SQLite met something that cannot be in its file.
func tellsDamage(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// tellsDamageAtOpen is tellsDamage for a program's first statements: of a schema
// that is damaged SQLite says that a table or a column is not there, and of an
// altered file header anything.
func tellsDamageAtOpen(err error) bool {
	if tellsDamage(err) {
		return true
	}
	if codeOf(err) != sqlite3.SQLITE_ERROR {
		return false
	}
	for _, s := range []string{"no such column", "no such table", "has no column", "unsupported file format", "already exists", "no such index"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}

// explain adds to SQLite's errors what they mean here.
func explain(path string, err error) error {
	switch code := codeOf(err); {
	case code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %s. A backup or a database tool does that: end it, or have it copy the file while traymail is stopped (%w)", ErrLocked, path, err)
	case tellsDamage(err):
		return fmt.Errorf("%w: %s (%w)", ErrDamaged, path, err)
	}
	return err
}

// contradictions finds rows of the tables, read without their indexes, that cannot
// have been written although SQLite finds nothing wrong with them: a recipient of no
// message, a message of no account, a state that there is not or that is not as the
// message's end, and texts in the place of numbers. What the indexes say of such
// a message is right, and so is lost when they are made anew.
var contradictions = `SELECT
	EXISTS (SELECT 1 FROM mail_recipient NOT INDEXED WHERE message NOT IN (SELECT +id FROM mail_message NOT INDEXED))
	OR EXISTS (SELECT 1 FROM mail_message NOT INDEXED WHERE finished = 0 AND state NOT IN ('queued', 'sending', 'held'))
	OR EXISTS (SELECT 1 FROM mail_message NOT INDEXED WHERE finished <> 0 AND state NOT IN ('delivered', 'failed', 'removed'))
	OR EXISTS (SELECT 1 FROM mail_message NOT INDEXED WHERE finished = 0 AND account NOT IN (SELECT +name FROM mail_account NOT INDEXED))
	OR EXISTS (SELECT 1 FROM mail_message NOT INDEXED ` + whereNoNumber("size", "received", "next_at", "attempts", "finished", "late", "resend", "body", "job", "waits_from", "sum") + `)
	OR EXISTS (SELECT 1 FROM mail_recipient NOT INDEXED ` + whereNoNumber("n", "attempts", "next_at", "sum") + `)
	OR EXISTS (SELECT 1 FROM mail_attempt NOT INDEXED ` + whereNoNumber("n", "recipients", "started", "finished", "elapsed", "resend") + `)`

// whereNoNumber selects rows in which not all of the columns hold whole numbers.
func whereNoNumber(columns ...string) string {
	list := "typeof(" + strings.Join(columns, "), typeof(") + ")"
	return "WHERE min(" + list + ") <> 'integer' OR max(" + list + ") <> 'integer'"
}

// contradiction is what is said of them.
const contradiction = "the row of a message contradicts what else is known of it"

// integrity has SQLite read a file that nobody else has open. index tells that
// the tables are whole and entries of indexes are missing or too many, which
// REINDEX puts right. The problem is empty when there is none.
func integrity(ctx context.Context, path string, thorough bool) (problem string, index bool, err error) {
	db, err := openPlain(path, "query_only(true)")
	if err != nil {
		return "", false, err
	}
	defer db.Close()
	check := "PRAGMA quick_check(20)"
	if thorough {
		check = "PRAGMA integrity_check(20)"
	}
	found, err := column(ctx, liteQuerier{db}, check)
	if err == nil {
		// A table that is not readable at all ends the check of some versions.
		_, err = column(ctx, liteQuerier{db}, `SELECT name FROM sqlite_schema`)
	}
	if tellsDamageAtOpen(err) {
		return err.Error(), false, nil
	}
	if err != nil {
		return "", false, explain(path, err)
	}
	var contradictory bool
	err = db.QueryRowContext(ctx, contradictions).Scan(&contradictory)
	if tellsDamage(err) {
		return err.Error(), false, nil
	}
	if err != nil && !tellsDamageAtOpen(err) { // it may have no such tables yet
		return "", false, explain(path, err)
	}
	if len(found) == 1 && found[0] == "ok" {
		if contradictory {
			problem = contradiction
		}
		return problem, false, nil
	}
	index = len(found) > 0 && !contradictory
	for _, f := range found {
		about := strings.Contains(f, "missing from index") || strings.HasPrefix(f, "wrong # of entries in index") || strings.HasPrefix(f, "non-unique entry in index")
		index = index && about
	}
	problem = strings.Join(strings.Fields(strings.TrimPrefix(found[0], "*** in database main ***")), " ")
	if len(problem) > 200 {
		problem = problem[:200] + "…"
	}
	return problem, index, nil
}
