//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
)

// tryAllocations counts what the whole program allocates for a message, by its own
// metrics before and after a load, and has the submission alone counted by the
// benchmark of ./smtp.
func (b *bench) tryAllocations(r relay) error {
	err := b.with(r, variant{metrics: true}, 0, 0, func(s *server) error {
		before, err := mallocs(s.metrics)
		if err != nil {
			return err
		}
		if _, err := b.load(s, "allocations", b.scale.many, b.scale.patience, "-c", "16"); err != nil {
			return err
		}
		after, err := mallocs(s.metrics)
		b.note("allocations", r, (after-before)/float64(b.scale.many))
		return err
	})
	if err != nil || b.quick { // the benchmark takes longer than all the rest
		return err
	}
	printed, err := output(b.ctx, b.root, nil, "", "go", "test", "-run", "^$", "-bench", "SubmitWarm", "-benchmem", "./smtp")
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`(\d+) allocs/op`).FindStringSubmatch(printed)
	if found == nil {
		return fmt.Errorf("the benchmark of ./smtp printed no allocations: %s", printed)
	}
	n, err := strconv.ParseFloat(found[1], 64)
	b.note("allocations, submission", r, n)
	return err
}

// mallocs is how many objects a traymail has allocated since its start.
func mallocs(addr string) (float64, error) {
	response, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("the metrics name no go_memstats_mallocs_total: %s", response.Status)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// trySizes notes the sizes of the programs, in MB; that with the window may be
// missing.
func (b *bench) trySizes(r relay) error {
	for figure, file := range map[string]string{"size": b.program, "size, window": b.window} {
		if info, err := os.Stat(file); err == nil {
			b.note(figure, r, float64(info.Size())/1e6)
		}
	}
	return nil
}
