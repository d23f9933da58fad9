package salvage

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// write makes a database like the queue's, with the log of its last changes when
// that is to be there, and returns both files.
func write(t testing.TB, logged bool) (db, log []byte, rows map[string]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "some.db")
	c, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?_pragma=auto_vacuum(incremental)&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetMaxOpenConns(1)
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := c.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE TABLE t (name TEXT PRIMARY KEY, size BIGINT NOT NULL, data BYTEA NOT NULL)`)
	rows = map[string]string{}
	for i := range 60 {
		name, data := fmt.Sprintf("row %d", i), strings.Repeat(fmt.Sprint(i, " "), 1+i*i*3)
		run(`INSERT INTO t VALUES (?, ?, ?)`, name, len(data), []byte(data))
		rows[name] = data
	}
	for i := 0; i < 60; i += 7 {
		run(`DELETE FROM t WHERE name = ?`, fmt.Sprintf("row %d", i))
		delete(rows, fmt.Sprintf("row %d", i))
	}
	if !logged {
		run(`PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	if db, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if log, err = os.ReadFile(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	return db, log, rows
}

func put(t testing.TB, db, log []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "some.db")
	if err := os.WriteFile(path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(log) > 0 {
		if err := os.WriteFile(path+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// read returns the rows of the table that can be read.
func read(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string]string{}
	_, err = f.Rows(func(r Row) error {
		if !r.Index && len(r.Values) == 3 {
			name, _ := r.Values[0].(string)
			data, _ := r.Values[2].([]byte)
			rows[name] = string(data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSoundFileIsReadAsSQLiteDoes(t *testing.T) {
	for _, logged := range []bool{false, true} {
		db, log, want := write(t, logged)
		path := put(t, db, log)
		if problem, err := Check(path); problem != "" || err != nil {
			t.Errorf("logged %v: %s %v", logged, problem, err)
		}
		if got := read(t, path); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("logged %v: there are %d rows, and %d are read", logged, len(want), len(got))
		}
	}
}

func TestAnAlteredOctetOfTheLogIsPutRight(t *testing.T) {
	db, log, want := write(t, true)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 100 {
		altered := bytes.Clone(log)
		at := r.IntN(len(log))
		if i%2 == 0 { // a frame's header, with its sums
			const step = frameHeader + usualPage
			at = logHeader + r.IntN((len(log)-logHeader)/step-1)*step + r.IntN(frameHeader)
		}
		flip := byte(1 + r.IntN(255))
		altered[at] ^= flip
		path := put(t, db, altered)
		if problem, err := Check(path); problem == "" || err != nil {
			t.Errorf("octet %d: it is not found: %v", at, err)
		}
		got, others := read(t, path), 0
		for name, data := range want {
			if got[name] != data {
				others++
			}
		}
		// What is off by a multiple of 2²³ may have been altered in more than one
		// place. In a page's number that is a page's rows, of which one has several
		// pages here.
		most := 0
		if 8*((at-logHeader)%4)+bits.TrailingZeros8(flip) >= 23 && binary.BigEndian.Uint32(log)&1 == 0 {
			if most = 1; (at-logHeader)%(frameHeader+usualPage) < 8 {
				most = 20
			}
		}
		if others > most {
			t.Errorf("octet %d, altered by %#x: %d of %d rows are others", at, flip, others, len(want))
		}
	}
}

func TestLogThatWasBeingWrittenIsNoDamage(t *testing.T) {
	db, log, _ := write(t, true)
	const step = frameHeader + usualPage
	for _, cut := range []int{1, 100, step - 1, step} {
		if problem, err := Check(put(t, db, log[:len(log)-cut])); problem != "" || err != nil {
			t.Errorf("without its last %d octets: %s %v", cut, problem, err)
		}
	}
	torn := bytes.Clone(log)
	clear(torn[len(torn)-2000:])
	if problem, err := Check(put(t, db, torn)); problem != "" || err != nil {
		t.Errorf("with its last page half written: %s %v", problem, err)
	}
}

func TestRowsAroundADamagedPageAreRead(t *testing.T) {
	db, _, want := write(t, false)
	lost := 0
	for n := 1; n < len(db)/usualPage; n++ {
		if db[n*usualPage] != leafTable && db[n*usualPage] != innerTable {
			continue
		}
		altered := bytes.Clone(db)
		clear(altered[n*usualPage : (n+1)*usualPage])
		got := read(t, put(t, altered, nil))
		for name, data := range got {
			if want[name] != data {
				t.Errorf("without page %d, %s is another", n+1, name)
			}
		}
		if lost = len(want) - len(got); lost > 40 {
			t.Errorf("without page %d, %d of %d rows are gone", n+1, lost, len(want))
		}
	}
}

func FuzzDamagedFile(f *testing.F) {
	db, log, _ := write(f, true)
	whole, _, _ := write(f, false)
	f.Add(db[:min(len(db), 3*usualPage)], log[:logHeader+2*(frameHeader+usualPage)])
	f.Add(whole[:8*usualPage], []byte{})
	f.Add([]byte("SQLite format 3\x00"), []byte{})
	f.Fuzz(func(t *testing.T, db, log []byte) {
		path := put(t, db, log)
		if _, err := Check(path); err != nil {
			t.Fatal(err)
		}
		read(t, path)
	})
}
