package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// heldBefore is how many of the messages that wait are held.
const heldBefore = 10

// kept is a queue's file as a program left it, and what is in it.
type kept struct {
	db, log []byte            // log is empty after a clean end
	bodies  map[string]string // of what waits
	done    map[string]bool   // what was delivered
	to      map[string][]string
}

// keepQueue makes a queue of messages in the states there are, count of which wait. A clean
// one was shut down; of one that was not, the log of the last changes is there too.
func keepQueue(t *testing.T, clean bool, count int) *kept {
	t.Helper()
	k := &kept{bodies: map[string]string{}, done: map[string]bool{}, to: map[string][]string{}}
	o := sqliteOptions(t)
	o.Pace = func(string) Pace { return Pace{} }
	o.KeepBodies = time.Hour
	o.poll = 10 * time.Millisecond // nothing is synced
	q := open(t, o)
	ctx := context.Background()
	fill := func(account string, count int) (ids []string) {
		for i := range count {
			// Some bodies go over several pages, and some over several chunks.
			size := []int{300, 3000, 20_000, 300_000}[min(i%23%4, 3)]
			if size > 20_000 && i > 30 {
				size = 5000
			}
			body := strings.Repeat(fmt.Sprintf("line %d of %s\r\n", i, account), size/16)
			m := message(account, fmt.Sprintf("to%d@example.com", i), fmt.Sprintf("cc%d@example.org", i))
			m.MessageID = fmt.Sprintf("<%d.%s@example.com>", i, account)
			id := accept(t, q, m, body)
			k.bodies[id] = body
			for _, r := range m.Recipients {
				k.to[id] = append(k.to[id], r.Address)
			}
			ids = append(ids, id)
		}
		return ids
	}
	ids := fill("done", count/2)
	start(t, q, allAccepted)
	for _, id := range ids {
		untilState(t, q, id, Delivered)
		k.done[id] = true
		delete(k.bodies, id)
	}
	if err := q.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	q = open(t, o)
	for _, id := range append(fill("first", count-count/4), fill("second", count/4)...)[:heldBefore] {
		if err := q.Hold(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if clean {
		if err := q.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
	}
	k.db = readAll(t, o.Path)
	if !clean {
		k.log = readAll(t, o.Path+"-wal")
	}
	return k
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// put writes the files to a folder of their own.
func (k *kept) put(t *testing.T, db, log []byte) Options {
	t.Helper()
	o := sqliteOptions(t)
	o.Pace = func(string) Pace { return Pace{} }
	o.poll, o.lost = 10*time.Millisecond, time.Second
	if err := os.WriteFile(o.Path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	if len(log) > 0 {
		if err := os.WriteFile(o.Path+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// outcome is what became of a damaged queue's messages.
type outcomeOfDamage struct {
	sent         map[string]int
	held, lost   []string
	silentlyGone []string
	damages      []Damage
}

// deliverAll opens the damaged queue, sends all that it sends, and says what
// became of everything. What it sends must be what was stored.
func (k *kept) deliverAll(t *testing.T, o Options) outcomeOfDamage {
	t.Helper()
	q := open(t, o)
	var mu sync.Mutex
	got := outcomeOfDamage{sent: map[string]int{}}
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		body, err := readBody(ctx, d)
		if err != nil {
			return answer(d, Result{Reply: err.Error()})
		}
		mu.Lock()
		defer mu.Unlock()
		if k.done[d.ID] {
			t.Errorf("%s was delivered, and is sent again", d.ID)
		} else if body != k.bodies[d.ID] {
			t.Errorf("%s is sent with %d octets that are not its body of %d", d.ID, len(body), len(k.bodies[d.ID]))
		}
		for _, r := range d.Recipients {
			if !slices.Contains(k.to[d.ID], r.Address) {
				t.Errorf("%s is sent to %q, and was for %v", d.ID, r.Address, k.to[d.ID])
			}
		}
		got.sent[d.ID] += len(d.Recipients)
		return allAccepted(ctx, d)
	})
	ctx := t.Context()
	end := time.Now().Add(3 * time.Minute)
	for held := 0; ; {
		list, err := q.List(ctx, Filter{State: Held, Limit: 1000})
		if err == nil {
			held = 0
			for _, m := range list {
				held++
				got.held = append(got.held, m.ID)
			}
		}
		var open int
		if err == nil {
			err = q.engine.view().row(ctx, `SELECT count(*) FROM mail_message WHERE finished = 0 AND state <> 'held'`).Scan(&open)
		}
		if err == nil && open == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d messages are neither sent nor held, nor lost with a report: %v", open, err)
		}
		got.held = nil
		time.Sleep(10 * time.Millisecond)
	}
	var err error
	if got.damages, err = Damages(o.Path); err != nil {
		t.Fatal(err)
	}
	for _, d := range got.damages {
		for _, l := range d.Lost {
			got.lost = append(got.lost, l.ID)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for id := range k.bodies {
		switch {
		case got.sent[id] == len(k.to[id]), slices.Contains(got.held, id), slices.Contains(got.lost, id):
		default:
			got.silentlyGone = append(got.silentlyGone, id)
		}
	}
	// What an index has too much or too little is found when SQLite needs it.
	problem, index, err := integrityOf(t, q, o.Path)
	if problem != "" && !index {
		// An entry that cannot be read, which nobody needed yet: what if one does.
		q = open(t, o)
		g := q.engine.(*warden)
		e, _ := g.current()
		g.suspect(e, problem)
		g.settled(t)
		problem, index, err = integrityOf(t, q, o.Path)
	}
	if problem != "" && !index || err != nil {
		t.Errorf("the file that is used now: %s %v", problem, err)
	}
	return got
}

// integrityOf closes the queue and has SQLite check its file.
func integrityOf(t *testing.T, q *Queue, path string) (string, bool, error) {
	t.Helper()
	countAgain(t, q)
	if err := q.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	return integrity(t.Context(), path, true)
}

// runsEnv is how often the tests with random damage try; each prints its seed.
const runsEnv = "TRAYMAIL_DAMAGE_RUNS"

func randomRuns(t *testing.T, short int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(runsEnv))
	if err != nil || n < short {
		return short
	}
	return n
}

func TestAlteredOctetsAreFoundAndNothingIsSentWrongOrLostSilently(t *testing.T) {
	t.Parallel()
	count := 60
	if os.Getenv(runsEnv) != "" {
		count = 300
	}
	k := keepQueue(t, true, count)
	for range randomRuns(t, 2) {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			db := bytes.Clone(k.db)
			for range 1 + r.IntN(8) {
				at := r.IntN(len(db))
				// Most of the file are bodies: every other one is where the trees are.
				for trees := r.IntN(2) == 0; trees && !slices.Contains([]byte{2, 5, 10, 13}, db[at/4096*4096]); {
					at = r.IntN(len(db))
				}
				db[at] ^= byte(1 + r.IntN(255))
			}
			got := k.deliverAll(t, k.put(t, db, nil))
			t.Logf("%d sent, %d held, %d lost with a report, %d files set aside", len(got.sent), len(got.held), len(got.lost), len(got.damages))
			if len(got.silentlyGone) > 0 {
				t.Errorf("%d messages are gone and nobody is told: %v", len(got.silentlyGone), got.silentlyGone)
			}
		})
	}
}

func TestNumbersThatADiskHasAlteredAreMadeAnewAtTheNextStart(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	for range 3 {
		accept(t, q, message("acct", "a@x"), "body")
	}
	if err := q.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := openPlain(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE mail_tally SET account = 'acbt', waiting = 255 WHERE rowid = (SELECT min(rowid) FROM mail_tally)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	q = open(t, o)
	countAgain(t, q)
	list, err := q.Accounts(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "acct" || list[0].Waiting != 3 {
		t.Errorf("%+v %v", list, err)
	}
}

func TestAlteredLogOfTheLastChangesLosesNothing(t *testing.T) {
	t.Parallel()
	k := keepQueue(t, false, 40)
	for range randomRuns(t, 2) {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			log := bytes.Clone(k.log)
			log[r.IntN(len(log))] ^= byte(1 + r.IntN(255))
			got := k.deliverAll(t, k.put(t, k.db, log))
			if len(got.silentlyGone) > 0 || len(got.lost) > 0 || len(got.held) > heldBefore+1 {
				t.Errorf("gone %v, lost %v, held %v", got.silentlyGone, got.lost, got.held)
			}
		})
	}
}

func TestEachKindOfDamageIsToldAndTheRestSaved(t *testing.T) {
	t.Parallel()
	k := keepQueue(t, true, 40)
	page := func(db []byte, n int) []byte { return db[(n-1)*4096 : n*4096] }
	// pageWith is the first tree page of a kind that holds a text.
	pageWith := func(db []byte, kind byte, text string) []byte {
		for n := 2; n <= len(db)/4096; n++ {
			if p := page(db, n); p[0] == kind && bytes.Contains(p, []byte(text)) {
				return p
			}
		}
		t.Fatalf("no page of kind %x has %q", kind, text)
		return nil
	}
	for name, c := range map[string]struct {
		damage func(db []byte) []byte
		told   string
		all    bool // nothing of it is left
		gone   int  // as many messages may be gone at most
	}{
		"the first octets": {func(db []byte) []byte { db[3] ^= 0x20; return db }, "does not begin as a database does", false, 0},
		"the page size":    {func(db []byte) []byte { db[16] ^= 0x01; return db }, "beginning of the file was altered", false, 0},
		"the file's kind":  {func(db []byte) []byte { db[18] = 9; return db }, "beginning of the file was altered", false, 0},
		"the schema":       {func(db []byte) []byte { clear(pageWith(db, 0x0d, "CREATE TABLE mail_recipient")); return db }, "", false, 0},
		"a word in the schema": {func(db []byte) []byte {
			return bytes.ReplaceAll(db, []byte("notify TEXT"), []byte("notifi TEXT"))
		}, "", false, 0},
		// In the table alone, so that all indexes have what it was.
		"the ID in a message's row": {func(db []byte) []byte {
			before, _, _ := bytes.Cut(pageWith(db, 0x0d, "<20.first@example.com>"), []byte("<20.first@example.com>"))
			before[bytes.LastIndex(before, []byte("first"))-1] ^= 0x02
			return db
		}, "contradicts", false, 0},
		"the state in a message's row": {func(db []byte) []byte {
			_, after, _ := bytes.Cut(pageWith(db, 0x0d, "<20.first@example.com>"), []byte("<20.first@example.com>"))
			after[bytes.Index(after, []byte("queued"))] ^= 0x01
			return db
		}, "contradicts", false, 0},
		"a page of messages":       {func(db []byte) []byte { clear(pageWith(db, 0x0d, ".second@example.com")[:4096]); return db }, "", false, 0},
		"a page of recipients":     {func(db []byte) []byte { clear(pageWith(db, 0x0d, "to20@example.com")); return db }, "", false, 0},
		"an index":                 {func(db []byte) []byte { clear(pageWith(db, 0x0a, "queued")); return db }, "", false, 0},
		"its end is missing":       {func(db []byte) []byte { return db[:len(db)*2/3] }, "the file ends after", false, 200},
		"it is empty":              {func([]byte) []byte { return nil }, "the file is empty", true, 0},
		"some octets are left":     {func(db []byte) []byte { return db[:50] }, "only 50 octets are left", true, 0},
		"it is some other file":    {func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 9000) }, "another file was put in its place", true, 0},
		"it is another's database": {func([]byte) []byte { return readAll(t, otherDatabase(t)) }, "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := k.put(t, c.damage(bytes.Clone(k.db)), nil)
			was := readAll(t, o.Path)
			got := k.deliverAll(t, o)
			if len(got.damages) != 1 {
				t.Fatalf("it is told of %+v", got.damages)
			}
			d := got.damages[0]
			t.Logf("%s\n%d sent, %d held, %d lost, %d gone. Fix: %s", d.Summary(), len(got.sent), len(got.held), len(got.lost), len(got.silentlyGone), d.Fix())
			if !strings.Contains(d.What, c.told) || d.Place != o.Path {
				t.Errorf("it is told of %+v", d)
			}
			// SQLite had opened the one whose schema is read before anything is wrong.
			if aside := readAll(t, d.Aside); !bytes.Equal(aside, was) && name != "a word in the schema" {
				t.Errorf("the file that was set aside has %d octets, and is not the damaged one of %d", len(aside), len(was))
			}
			if c.all && d.Messages != 0 {
				t.Errorf("%d messages were found in it", d.Messages)
			}
			if !c.all && len(got.silentlyGone) > c.gone {
				t.Errorf("%d messages are gone and nobody is told", len(got.silentlyGone))
			}
			if again := k.deliverAll(t, o); len(again.damages) != 1 || len(again.sent) != 0 {
				t.Errorf("at the next start %d files are told of and %d messages are sent", len(again.damages), len(again.sent))
			}
			if err := os.Remove(d.Aside); err != nil {
				t.Fatal(err)
			}
			if left, err := Damages(o.Path); len(left) != 0 || err != nil {
				t.Errorf("it is told of a file that was taken away: %v, %v", left, err)
			}
		})
	}
}

// otherDatabase makes a database that is not a queue.
func otherDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := openPlain(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE t (a TEXT, b INTEGER); INSERT INTO t VALUES ('x', 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHeldBecauseOfDamageIsSentWhenAPersonReleasesIt(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	altered := accept(t, q, message("acct", "a@x"), "body")
	broken := accept(t, q, message("acct", "b@x"), "body")
	lessOne := accept(t, q, message("acct", "c@x", "d@x"), "body")
	for _, s := range []string{
		`UPDATE mail_recipient SET address = 'e@x' WHERE message = '` + altered + `'`,
		`UPDATE mail_chunk SET data = CAST('bodi' AS BLOB) WHERE message = '` + broken + `'`,
		`DELETE FROM mail_recipient WHERE n = 1 AND message = '` + lessOne + `'`,
	} {
		if _, err := lite(q).writer.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	sent := make(chan string, 10)
	start(t, q, func(ctx context.Context, d *Delivery) Outcome {
		if _, err := readBody(ctx, d); err != nil {
			return answer(d, Result{Reply: err.Error()})
		}
		sent <- d.Recipients[0].Address
		return allAccepted(ctx, d)
	})
	for _, id := range []string{altered, broken, lessOne} {
		r := untilState(t, q, id, Held)
		if reply := r.Recipients[0].Reply; !strings.Contains(reply, "held, because") {
			t.Errorf("%s", reply)
		}
	}
	if len(sent) > 0 {
		t.Errorf("something was sent to %s", <-sent)
	}
	for _, id := range []string{altered, lessOne} {
		if err := q.Release(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		untilState(t, q, id, Delivered)
	}
}

func TestRescueThatWasCutShortIsFinished(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	q := open(t, o)
	id := accept(t, q, message("acct", "a@x"), "body")
	if err := q.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := readAll(t, o.Path)
	for name, files := range map[string]map[string][]byte{
		"while it was written":                {"": whole, ".rescue": whole[:5000]},
		"before the damaged file was aside":   {"": whole, ".rescued": whole[:5000]},
		"when the damaged file was aside":     {".rescued": whole, "-wal": []byte("what belongs to the damaged file")},
		"and the program of before was older": {"": whole, ".rescued": nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := sqliteOptions(t)
			for end, content := range files {
				if err := os.WriteFile(o.Path+end, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			q := open(t, o)
			if r := get(t, q, id); r.State != Queued {
				t.Errorf("the message is %s", r.State)
			}
			for _, end := range []string{".rescued"} {
				if _, err := os.Stat(o.Path + end); !os.IsNotExist(err) {
					t.Errorf("%s is still there", end)
				}
			}
		})
	}
}

func TestDamageTravelsAsJSON(t *testing.T) {
	d := Damage{At: time.Now().Round(0), Place: "p", Aside: "a", What: "w", Messages: 3, Waiting: 2, Cut: 1,
		Held: []DamagedMessage{{"h", "x"}}, Lost: []DamagedMessage{{"l", "y"}}}
	b, err := json.Marshal(d)
	var back Damage
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || fmt.Sprint(back) != fmt.Sprint(d) && !back.At.Equal(d.At) {
		t.Errorf("%v became %v, %v", d, back, err)
	}
}
