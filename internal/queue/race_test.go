//go:build race

package queue

// sample is the part of a large number of messages that is enough under the race
// detector, which is slow on them; the whole is run without it.
const sample = 10
