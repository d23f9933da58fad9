package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func create(t *testing.T) (*Journal, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "queue.journal")
	j, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j, dir
}

func add(t *testing.T, j *Journal, text string) Place {
	t.Helper()
	var p [1]Place
	if err := j.Append([]Record{{Kind: 1, Head: []byte(text), Keep: true}}, p[:]); err != nil {
		t.Fatal(err)
	}
	return p[0]
}

// texts are what Read finds, with the damage.
func texts(t *testing.T, dir string) (list, damaged []string) {
	t.Helper()
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Each(func(_ byte, data []byte) error {
		list = append(list, string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, r.Damaged
}

func TestWhatIsAppendedIsReadBackInItsOrder(t *testing.T) {
	j, dir := create(t)
	var want []string
	for n := range 300 { // several segments
		text := strings.Repeat(fmt.Sprintf("%d ", n), 1+n*n%10_000)
		p := add(t, j, text)
		got := make([]byte, p.Size())
		if _, err := j.Read(p, got, 0); err != nil || string(got) != text {
			t.Fatalf("record %d is read as %d octets, %v", n, len(got), err)
		}
		want = append(want, text)
	}
	got, damaged := texts(t, dir)
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(damaged) > 0 {
		t.Errorf("%d records of %d, damaged %v", len(got), len(want), damaged)
	}
	if err := j.Append([]Record{{Kind: 1, Head: make([]byte, MaxRecord+1)}}, nil); err == nil {
		t.Error("a record without end was taken")
	}
}

func TestConcurrentAppendsShareSyncs(t *testing.T) {
	j, dir := create(t)
	const clients, each = 16, 50
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := range each {
				if err := j.Append([]Record{{Kind: 1, Head: fmt.Appendf(nil, "%d-%d", c, n), Keep: true}}, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if syncs, appends := j.Counts(); appends != clients*each || syncs >= appends {
		t.Errorf("%d appends took %d syncs", appends, syncs)
	} else {
		t.Logf("%d appends took %d syncs", appends, syncs)
	}
	next := make([]int, clients)
	list, _ := texts(t, dir)
	for _, text := range list {
		var c, n int
		fmt.Sscanf(text, "%d-%d", &c, &n)
		if n != next[c] {
			t.Fatalf("%s comes before %d-%d", text, c, next[c])
		}
		next[c]++
	}
	if len(list) != clients*each {
		t.Errorf("%d records are there", len(list))
	}
}

// file is the one segment of a journal.
func file(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	return names[0]
}

func TestTornTailIsCutAndOtherDamageIsToldAndSkipped(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(b []byte) []byte
		want    string
		damaged int
	}{
		"nothing":                        {func(b []byte) []byte { return b }, "one two three", 0},
		"the tail is torn":               {func(b []byte) []byte { return b[:bytes.Index(b, []byte("three"))+2] }, "one two", 0},
		"the tail was not written whole": {func(b []byte) []byte { b[bytes.Index(b, []byte("three"))] = 0; return b }, "one two", 0},
		"an octet amid is flipped":       {func(b []byte) []byte { b[bytes.Index(b, []byte("two"))] ^= 1; return b }, "one three", 1},
		"a length is flipped":            {func(b []byte) []byte { b[bytes.Index(b, []byte("two"))-headerSize+5] ^= 0x40; return b }, "one three", 1},
		"the first record is damaged":    {func(b []byte) []byte { b[5] ^= 1; return b }, "one two three", 1},
		"all is zero":                    {func(b []byte) []byte { clear(b); return b }, "", 0},
		"nothing is left":                {func(b []byte) []byte { return nil }, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, dir := create(t)
			for _, text := range []string{"one", "two", "three"} {
				add(t, j, text)
			}
			b, err := os.ReadFile(file(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file(t, dir), c.spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			list, damaged := texts(t, dir)
			if got := strings.Join(list, " "); got != c.want || len(damaged) != c.damaged {
				t.Errorf("%q is read, damaged %q", got, damaged)
			}
			for _, d := range damaged {
				if !strings.Contains(d, file(t, dir)) {
					t.Errorf("the damage is told as %q", d)
				}
			}
		})
	}
}

func TestFailedWriteIsToldAndItsSegmentNotWrittenAgain(t *testing.T) {
	j, dir := create(t)
	add(t, j, "before")
	first := j.live[0]
	if err := first.file.Close(); err != nil { // the disk is gone
		t.Fatal(err)
	}
	if err := j.Append([]Record{{Kind: 1, Head: []byte("lost")}}, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
	add(t, j, "after")
	if len(j.live) != 2 || j.live[1] == first {
		t.Error("the segment that failed is written again")
	}
	if list, damaged := texts(t, dir); strings.Join(list, " ") != "before after" || len(damaged) > 0 {
		t.Errorf("%q, damaged %q", list, damaged)
	}
}

func TestSettledSegmentsGoInTheirOrderAndAreUsedAgain(t *testing.T) {
	j, dir := create(t)
	body := strings.Repeat("x", 1<<19)
	var places []Place
	for range 40 {
		places = append(places, add(t, j, body))
	}
	made := j.files
	for _, p := range places[10:] {
		j.Settle(p)
	}
	if list, _ := texts(t, dir); len(list) != 40 {
		t.Errorf("%d records are left while the first are needed", len(list))
	}
	for _, p := range places[:10] {
		j.Settle(p)
	}
	for range 20 {
		add(t, j, "later "+body)
	}
	if j.files != made+1 && j.files != made+2 && j.files != made {
		t.Errorf("%d files were made after %d", j.files, made)
	}
	list, damaged := texts(t, dir)
	later := 0
	for _, text := range list {
		if strings.HasPrefix(text, "later ") {
			later++
		}
	}
	if later != 20 || len(damaged) > 0 {
		t.Errorf("%d of 20, damaged %q", later, damaged)
	}
}

func TestEmptyLeavesNoOctetOnTheDisk(t *testing.T) {
	j, dir := create(t)
	body := strings.Repeat("the secret part of it ", 20_000)
	var places []Place
	for range 30 {
		places = append(places, add(t, j, body))
	}
	for _, p := range places[1:] {
		j.Settle(p)
	}
	if empty, err := j.Empty(); empty || err != nil {
		t.Errorf("empty %v while a record is needed, %v", empty, err)
	}
	j.Settle(places[0])
	if empty, err := j.Empty(); !empty || err != nil {
		t.Errorf("empty %v, %v", empty, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) > 1 {
		t.Errorf("%q are left, %v", names, err)
	}
	for _, name := range names {
		if b, err := os.ReadFile(name); err != nil || bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s has some of it, %v", name, err)
		}
	}
	add(t, j, "next")
	if list, damaged := texts(t, dir); strings.Join(list, " ") != "next" || len(damaged) > 0 {
		t.Errorf("%q, damaged %q", list, damaged)
	}
}

func TestCloseKeepsFilesOnlyForWhatIsNeeded(t *testing.T) {
	for _, settled := range []bool{true, false} {
		j, dir := create(t)
		p := add(t, j, "text")
		if settled {
			j.Settle(p)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := j.Append([]Record{{Kind: 1}}, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed journal: %v", err)
		}
		if list, _ := texts(t, dir); len(list) == 0 != settled {
			t.Errorf("settled %v, and left are %q", settled, list)
		}
		if _, err := Create(dir); err == nil != settled {
			t.Errorf("settled %v, and made anew: %v", settled, err)
		}
		r, err := Read(dir)
		if err == nil {
			err = r.Remove()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Create(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestFullDiskIsToldFromOtherTrouble(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("write: %w", noRoom[0]): true, syscall.EACCES: false, os.ErrClosed: false,
	} {
		if IsFull(err) != want {
			t.Errorf("%v", err)
		}
	}
}

func TestWhatNobodyWaitsForSharesTheSyncOfWhatSomebodyDoes(t *testing.T) {
	j, _ := create(t)
	soon := make(chan error, 1)
	note := func(patience time.Duration, text string) {
		j.AppendSoon([]Record{{Kind: 1, Head: []byte(text)}}, patience, func(err error) { soon <- err })
	}
	note(time.Hour, "soon")
	if err := j.Append([]Record{{Kind: 1, Head: []byte("now")}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-soon; err != nil {
		t.Fatal(err)
	}
	if syncs, appends := j.Counts(); syncs != 1 || appends != 2 {
		t.Errorf("%d appends took %d syncs", appends, syncs)
	}
	note(time.Millisecond, "alone")
	if err := <-soon; err != nil {
		t.Fatal(err)
	}
	if syncs, appends := j.Counts(); syncs != 2 || appends != 3 {
		t.Errorf("%d appends took %d syncs", appends, syncs)
	}
}

func TestWhatNobodyWaitsForIsWrittenBesideOthersAndByTheClose(t *testing.T) {
	j, dir := create(t)
	const each = 200
	var told atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range each {
				j.AppendSoon([]Record{{Kind: 1, Head: []byte("soon")}}, time.Duration(n%3)*time.Millisecond, func(err error) {
					if err != nil {
						t.Error(err)
					}
					told.Add(1)
				})
				if n%5 == 0 {
					if err := j.Append([]Record{{Kind: 2, Head: []byte("now"), Keep: true}}, nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := told.Load(); n != 4*each {
		t.Errorf("%d of %d were told by the end of Close", n, 4*each)
	}
	j.AppendSoon([]Record{{Kind: 1}}, time.Hour, func(err error) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		told.Add(1)
	})
	if told.Load() != 4*each+1 {
		t.Error("nobody is told after Close")
	}
	left, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[byte]int{}
	if err := left.Each(func(kind byte, _ []byte) error { found[kind]++; return nil }); err != nil {
		t.Fatal(err)
	}
	if found[1] != 4*each || found[2] != 4*each/5 {
		t.Errorf("%v is there", found)
	}
}

func TestAWriteThatFailsIsToldToThoseWhoDoNotWait(t *testing.T) {
	j, _ := create(t)
	if err := j.Append([]Record{{Kind: 1, Head: []byte("one"), Keep: true}}, nil); err != nil {
		t.Fatal(err)
	}
	j.live[0].file.Close() // as a disk that is gone
	told := make(chan error, 1)
	j.AppendSoon([]Record{{Kind: 1, Head: []byte("two")}}, time.Millisecond, func(err error) { told <- err })
	if err := <-told; err == nil {
		t.Error("it counts as written")
	}
}
