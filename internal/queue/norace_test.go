//go:build !race

package queue

const sample = 1
