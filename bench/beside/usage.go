//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// A stat is what /proc/PID/stat says.
type stat struct {
	pid, parent int
	state       byte
	began       string
	worked      time.Duration // user and system time, with that of the children that have ended
}

func readStat(pid int) (s stat, ok bool) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, false
	}
	// The name, which may hold anything, stands in parentheses before the rest.
	f := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:]))
	if len(f) < 20 {
		return s, false
	}
	s.pid, s.state, s.began = pid, f[0][0], f[19]
	s.parent, _ = strconv.Atoi(f[1])
	for _, ticks := range f[11:15] { // utime, stime, cutime, cstime: proc(5), 14 to 17
		n, _ := strconv.ParseInt(ticks, 10, 64)
		s.worked += time.Duration(n) * tick
	}
	return s, true
}

// tree is a process and all below it.
func tree(root int) []stat {
	all := map[int][]stat{}
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, e := range entries {
		pid, _ := strconv.Atoi(filepath.Base(e))
		if s, ok := readStat(pid); ok {
			all[s.parent] = append(all[s.parent], s)
		}
	}
	var found []stat
	if s, ok := readStat(root); ok {
		found = append(found, s)
	}
	for i := 0; i < len(found); i++ {
		found = append(found, all[found[i].pid]...)
	}
	return found
}

// worked is the processor time of the program so far: of what runs below it, and
// of what ran there and has ended, which the system adds to whoever waited for it.
func (p *process) worked() time.Duration {
	var sum time.Duration
	for _, s := range tree(p.cmd.Process.Pid) {
		sum += s.worked
	}
	return sum
}

// memory is the program's in MB. One process: its resident memory (VmRSS).
// Several, which share most of it: the sum of their proportional parts (PSS).
func (p *process) memory() float64 {
	procs := tree(p.cmd.Process.Pid)
	if len(procs) == 1 {
		return kilobytes(procs[0].pid, "status", "VmRSS:") / 1024
	}
	var sum float64
	for _, s := range procs {
		sum += kilobytes(s.pid, "smaps_rollup", "Pss:")
	}
	return sum / 1024
}

// peak starts to watch the program's memory; the function that it returns ends
// that and returns the highest. Of one process the system itself keeps it
// (VmHWM, from its start on); several are asked five times a second.
func (p *process) peak() (highest func() float64) {
	end, result := make(chan struct{}), make(chan float64)
	go func() {
		high := 0.0
		for {
			high = max(high, p.memory())
			select {
			case <-end:
				if len(tree(p.cmd.Process.Pid)) == 1 {
					high = max(high, kilobytes(p.cmd.Process.Pid, "status", "VmHWM:")/1024)
				}
				result <- high
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() float64 { close(end); return <-result }
}

func kilobytes(pid int, file, field string) (kb float64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	_, rest, _ := bytes.Cut(text, []byte(field))
	_, _ = fmt.Sscan(string(rest), &kb)
	return kb
}
