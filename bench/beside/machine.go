//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A machine is where and of what the figures are.
type machine [][2]string

// machine asks the system. What it does not tell is left out.
func (b *bench) machine() machine {
	var m machine
	add := func(name, value string) {
		if value != "" {
			m = append(m, [2]string{name, value})
		}
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := strings.Cut(string(info), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	add("Machine", fmt.Sprintf("%s, %d cores, Linux %s", cmp.Or(model, runtime.GOARCH), runtime.NumCPU(), strings.TrimSpace(string(kernel))))
	add("Disk", b.disk())
	add("Date", time.Now().UTC().Format("2 January 2006, 15:04 UTC"))
	add("Load of the machine at the end", strings.Join(strings.Fields(string(load))[:3], " "))
	add("traymail", b.said(b.root, "git", "describe", "--always", "--dirty"))
	add("Go", b.said(b.root, "go", "env", "GOVERSION"))
	add("Postfix", b.said("/", "/usr/sbin/postconf", "-h", "mail_version"))
	add("Rounds", fmt.Sprintf("%d; medians are shown", b.rounds))
	if b.quick {
		add("Counts", "small ones, to see whether it works: the figures say nothing")
	}
	return m
}

// said is what a program prints, or nothing.
func (b *bench) said(dir, name string, args ...string) string {
	c := exec.CommandContext(b.ctx, name, args...)
	c.Dir = dir
	out, _ := c.Output()
	return strings.TrimSpace(string(out))
}

// disk measures what an append of 10 KB costs until it is on disk.
func (b *bench) disk() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &fs); err == nil && fs.Type == tmpfs {
		return "none: the folder is in memory (tmpfs), which makes every sync free; choose another with -dir"
	}
	f, err := os.Create(filepath.Join(b.dir, "synced"))
	if err != nil {
		return ""
	}
	defer f.Close()
	var costs []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 10<<10)); err != nil {
			return ""
		}
		if err := f.Sync(); err != nil {
			return ""
		}
		costs = append(costs, time.Since(began))
	}
	slices.Sort(costs)
	return fmt.Sprintf("an append of 10 KB is synced in %.2f ms (median of 200), %.2f ms (p90)", costs[100].Seconds()*1000, costs[180].Seconds()*1000)
}

const tmpfs = 0x01021994 // statfs(2)

func (m machine) text() string {
	var t strings.Builder
	for _, line := range m {
		fmt.Fprintf(&t, "%s: %s\n", line[0], line[1])
	}
	return t.String()
}

func (m machine) markdown() string {
	var t strings.Builder
	for _, line := range m {
		fmt.Fprintf(&t, "- %s: %s\n", line[0], line[1])
	}
	return t.String()
}
