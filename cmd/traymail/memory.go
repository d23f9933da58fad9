package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// restAfter is how often one looks whether the program rests. Most of what a
	// start touches is not needed again, so the first look comes soon.
	restAfter      = 20 * time.Second
	firstRestAfter = time.Second
	// restingAllocs is how many octets a program that rests allocates in
	// restAfter at most.
	restingAllocs = 8 << 20
)

// giveMemoryBack returns to the system, until ctx ends, what the program had
// taken to start or for a burst and does not need while it rests: it is one of
// many on the machine, and mostly waits.
func giveMemoryBack(ctx context.Context) {
	timer := time.NewTimer(firstRestAfter)
	defer timer.Stop()
	for given, before := false, uint64(0); ; timer.Reset(restAfter) {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := allocated()
		resting := now-before < restingAllocs || before == 0
		if resting && !given {
			debug.FreeOSMemory()
			dropFilePages()
		}
		given, before = resting, now
	}
}

// allocated is how many octets were ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
