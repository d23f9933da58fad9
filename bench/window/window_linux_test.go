package window

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"traymail/internal/queuetest"
	"traymail/internal/screentest"
	"traymail/internal/traytest"
)

// A person is a screen with a panel, and the program on a home without secrets.
type person struct {
	*screentest.Screen
	b    *testing.B
	home string
	env  []string
}

func newPerson(b *testing.B) *person {
	b.Helper()
	p := &person{Screen: screentest.Start(b, 1400, 800), b: b, home: b.TempDir()}
	bus := traytest.Bus(b)
	traytest.Start(b, bus)
	p.env = append(append(os.Environ(), p.Env()...), "DBUS_SESSION_BUS_ADDRESS="+bus, "LANG=en_US.UTF-8", "FYNE_THEME=light",
		"HOME="+b.TempDir(), "XDG_CONFIG_HOME="+b.TempDir(), "XDG_CACHE_HOME="+b.TempDir(), "TRAYMAIL_HOME="+p.home)
	p.write("traymail.toml", "[keystore]\nkind = \"file\"\nkey_file = \"key\"\n\n[[listener]]\nname = \"local\"\naddress = \"127.0.0.1:0\"\n")
	add := p.program("account", "add", "demo", "--username", "svc@contoso.com", "--client-id", "0d5a4f3c-61e8-4f0b-8a4e-2b9c7d1e6f01", "--tenant", "contoso.com")
	if out, err := add.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return p
}

func (p *person) write(name, text string) {
	p.b.Helper()
	if err := os.WriteFile(filepath.Join(p.home, name), []byte(text), 0o600); err != nil {
		p.b.Fatal(err)
	}
}

func (p *person) program(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join("..", "..", "bin", "traymail"), args...)
	c.Env = p.env
	return c
}

// start starts the program, which ends with the test.
func (p *person) start(args ...string) *exec.Cmd {
	p.b.Helper()
	c := p.program(args...)
	if err := c.Start(); err != nil {
		p.b.Fatalf("%v: run make build", err)
	}
	p.b.Cleanup(func() { p.end(c) })
	return c
}

func (p *person) end(c *exec.Cmd) {
	if c.ProcessState == nil {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	}
}

// resident is the process's memory in MB, with what it shares with others.
func (p *person) resident(c *exec.Cmd) float64 {
	p.b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kb float64
	if _, err := fmt.Sscan(string(rest), &kb); err != nil {
		p.b.Fatal(err)
	}
	return kb / 1024
}

// worked is the processor time of a process so far.
func (p *person) worked(c *exec.Cmd) time.Duration {
	p.b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
	if err != nil {
		p.b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	var user, system int64 // proc(5): 14 and 15, in hundredths
	fmt.Sscan(fields[12], &user)
	fmt.Sscan(fields[13], &system)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// idle is which part of one processor the process uses while nothing happens,
// in percent, over a minute.
func (p *person) idle(c *exec.Cmd) float64 {
	p.b.Helper()
	time.Sleep(5 * time.Second) // it has just started
	before, began := p.worked(c), time.Now()
	time.Sleep(time.Minute)
	return 100 * (p.worked(c) - before).Seconds() / time.Since(began).Seconds()
}

// BenchmarkFirstFrame is the time from the start of the program until its window
// shows its name. Ready is when it shows the account.
func BenchmarkFirstFrame(b *testing.B) {
	p := newPerson(b)
	var first, ready time.Duration
	for b.Loop() {
		began := time.Now()
		c := p.start()
		p.Find(b, "traymail")
		first += time.Since(began)
		p.Find(b, "demo")
		ready += time.Since(began)
		p.end(c)
		p.Until(b, "an empty screen", func() bool { return !p.Sees("traymail") })
	}
	b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "ms/first-frame")
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ms/account-shown")
}

// BenchmarkIdle is what the program costs while nothing happens, with its window
// open and hidden in the tray.
func BenchmarkIdle(b *testing.B) {
	for _, hidden := range []bool{false, true} {
		name := "open"
		if hidden {
			name = "hidden"
		}
		b.Run(name, func(b *testing.B) {
			p := newPerson(b)
			c := p.start(map[bool][]string{true: {"--hidden"}}[hidden]...)
			if !hidden {
				p.Find(b, "demo")
			}
			share := 0.0
			for range 1 { // a minute each
				share = p.idle(c)
			}
			if hidden && p.Sees("demo") {
				b.Error("the window is open")
			}
			b.ReportMetric(p.resident(c), "MB-resident")
			b.ReportMetric(share, "%-of-a-CPU")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkScroll turns the wheel over a history of 100,000 messages for ten
// seconds, and counts the frames that differ from the one before: those that the
// toolkit draws anew without a change do not count.
func BenchmarkScroll(b *testing.B) {
	p := newPerson(b)
	c := p.start()
	p.Find(b, "demo")
	p.end(c)
	queuetest.FillHistory(b, filepath.Join(p.home, "state", "queue.db"), "demo", 100_000, 25*24*time.Hour)
	c = p.start()
	p.Find(b, "demo")
	window := p.Window(b, "^traymail$")
	p.Focus(b, window)
	p.Key(b, "ctrl+4")
	p.Find(b, "svc@contoso.com…", "Invoice 119998…", "Disk space on host 1")
	place := p.Place(b, window)
	at := place.Min.Add(place.Size().Div(2))
	const span = 10 * time.Second
	const pause = 20 * time.Millisecond
	stop := make(chan struct{})
	counted := make(chan [2]float64, 1)
	go func() {
		seed := maphash.MakeSeed()
		last, frames, worst, since := uint64(0), 0.0, time.Duration(0), time.Now()
		for {
			select {
			case <-stop:
				counted <- [2]float64{frames, float64(worst.Milliseconds())}
				return
			case <-time.After(2 * time.Millisecond):
			}
			// A few lines amid the list, so that a frame that is being drawn is
			// not seen twice.
			var h maphash.Hash
			h.SetSeed(seed)
			for y := range 12 {
				h.Write(p.Strip(at.X-200, at.Y+y, 400))
			}
			if now := h.Sum64(); now != last {
				if last != 0 {
					frames++
					worst = max(worst, time.Since(since))
				}
				last, since = now, time.Now()
			}
		}
	}()
	before, began := p.worked(c), time.Now()
	p.Scroll(b, at, int(span/pause), pause)
	took := time.Since(began)
	close(stop)
	n := <-counted
	b.ReportMetric(n[0]/took.Seconds(), "frames/s")
	b.ReportMetric(n[1], "ms/longest-frame")
	b.ReportMetric(100*(p.worked(c)-before).Seconds()/took.Seconds(), "%-of-a-CPU")
	b.ReportMetric(p.resident(c), "MB-resident")
	b.ReportMetric(0, "ns/op")
	if n[0] == 0 {
		b.Error("nothing scrolled")
	}
}
