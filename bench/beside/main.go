//go:build linux

// Command beside measures traymail beside Postfix: both relays in turn, in front
// of one independent server that counts, loaded by one independent generator.
// It prints a table of medians with the ratios, and what each figure should be.
//
// It reads processor time and memory from /proc, and so runs on Linux alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

// options are what the command line says.
type options struct {
	peers    string // folder of the server, the generator and postfix.sh
	program  string // the traymail to measure, without the window
	window   string // the one with the window: its size alone is measured
	root     string // of the repository, for the benchmarks and the commit
	dir      string // where homes and spools are made; on a real disk
	only     string // names of trials, as a regular expression
	write    string // page that gets the table between its markers
	rounds   int
	queued   int // messages that wait in the trial of a long queue, 0: without it
	depth    int // of pipelining, where it is switched on
	quick    bool
	progress io.Writer
}

func main() {
	o := options{progress: os.Stderr}
	flag.StringVar(&o.peers, "peers", "../shared/bench", "`folder` of the counting server (sink/), the generator (gen/) and postfix.sh")
	flag.StringVar(&o.program, "traymail", "bin/traymail-headless", "the traymail to measure")
	flag.StringVar(&o.window, "window", "bin/traymail", "the one with the window, for its size")
	flag.StringVar(&o.root, "root", ".", "`folder` of the repository")
	flag.StringVar(&o.dir, "dir", "/var/tmp", "`folder` for homes and spools, on a real disk")
	flag.StringVar(&o.only, "only", "", "only the trials whose name matches this regular expression")
	flag.StringVar(&o.write, "write", "", "`page` that gets the table too, between its markers")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each trial, an odd number: medians are shown")
	flag.IntVar(&o.queued, "queued", 1_000_000, "messages of the trial of a long queue, 0 leaves it out")
	flag.IntVar(&o.depth, "depth", 8, "messages in flight on a session, where pipelining is switched on")
	flag.BoolVar(&o.quick, "quick", false, "one round of small counts, and without Postfix where it is missing")
	flag.Parse()
	// Ctrl+C cancels; everything that was started is then ended in its order.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A bench is one run of the command.
type bench struct {
	options
	ctx     context.Context
	scale   scale
	sink    *sink
	gen     string // the generator's program
	homes   map[variant]string
	relays  []relay
	figures map[key][]float64
	remarks []string
	serial  int // of the folders of rounds
}

// A key names a figure of a relay; each round adds a number to it.
type key struct{ figure, relay string }

// run measures and writes the table to out. No process of it is left behind.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.rounds < 1 || o.rounds%2 == 0 {
		return fmt.Errorf("-rounds %d: an odd number has a median", o.rounds)
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	for _, p := range []*string{&o.peers, &o.program, &o.window, &o.root, &o.dir} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	b := &bench{options: o, ctx: ctx, scale: full, homes: map[variant]string{}, figures: map[key][]float64{}}
	if o.quick {
		b.scale, b.rounds = small, 1
	}
	if _, err := os.Stat(o.program); err != nil {
		return fmt.Errorf("%w: run make build", err)
	}
	if b.dir, err = os.MkdirTemp(o.dir, "traymail-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := os.Chmod(b.dir, 0o755); err != nil { // Postfix works as a user of its own
		return err
	}
	defer http.DefaultClient.CloseIdleConnections()
	if err := b.preparePeers(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.sink.process.stop()) }()
	for _, t := range trials {
		if !only.MatchString(t.name) || t.skip(b) {
			continue
		}
		if err := b.try(t); err != nil {
			return err
		}
	}
	m := b.machine()
	fmt.Fprint(out, m.text(), "\n", b.table().text(), remarks(b.remarks))
	if b.write != "" {
		return writePage(b.write, m.markdown()+"\n"+b.table().markdown()+remarks(b.remarks))
	}
	return nil
}

// try runs a trial on its relays in turn, round after round.
func (b *bench) try(t trial) error {
	rounds := b.rounds
	if t.once {
		rounds = 1
	}
	for round := range rounds {
		for _, r := range b.relays {
			if _, ours := r.(*traymail); !t.takes(r) || t.brief && !ours && round > 0 {
				continue
			}
			fmt.Fprintf(b.progress, "%s, %d of %d: %s\n", t.name, round+1, rounds, r.name())
			if err := t.run(b, r); err != nil {
				if b.ctx.Err() != nil {
					return errors.New("interrupted; everything that ran was ended")
				}
				return fmt.Errorf("%s, %s: %w", t.name, r.name(), err)
			}
		}
	}
	return nil
}

func (b *bench) note(figure string, r relay, v float64) {
	k := key{figure, r.name()}
	b.figures[k] = append(b.figures[k], v)
}

// remark is for what should not have happened, and goes below the table.
func (b *bench) remark(format string, args ...any) {
	b.remarks = append(b.remarks, fmt.Sprintf(format, args...))
}

// folder makes an empty folder for one start of one relay.
func (b *bench) folder() (string, error) {
	b.serial++
	dir := filepath.Join(b.dir, fmt.Sprintf("run%d", b.serial))
	return dir, os.Mkdir(dir, 0o755)
}
