package journal

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// A limit of the file's size stands for a disk without room: the system refuses the
// write in the middle of it.
func TestADiskWithoutRoomLeavesNothingHalfWritten(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		t.Fatal(err)
	}
	limit := func(octets uint64) {
		t.Helper()
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: octets, Max: free.Max}); err != nil {
			t.Fatal(err)
		}
	}
	defer limit(free.Cur)
	for name, octets := range map[string]uint64{"for a segment": step / 2, "for its next part": step + step/2} {
		t.Run(name, func(t *testing.T) {
			j, dir := create(t)
			limit(octets)
			defer limit(free.Cur)
			var kept []string
			var full error
			for n := 0; full == nil && n < 10; n++ {
				text := strings.Repeat(string(rune('a'+n)), step/3)
				if full = j.Append([]Record{{Kind: 1, Head: []byte(text), Keep: true}}, nil); full == nil {
					kept = append(kept, text)
				}
			}
			if octets < step && !IsFull(full) {
				t.Errorf("a record without room: %v", full)
			}
			if octets < step {
				if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
					t.Errorf("%v is left, %v", names, err)
				}
			}
			limit(free.Cur)
			kept = append(kept, "with room again")
			add(t, j, "with room again")
			list, damaged := texts(t, dir)
			if strings.Join(list, "") != strings.Join(kept, "") || len(damaged) > 0 {
				t.Errorf("%d records are read of %d, damaged %q", len(list), len(kept), damaged)
			}
		})
	}
}
