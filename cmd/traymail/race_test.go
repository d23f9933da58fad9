//go:build race

package main

// kills is how often the program dies under load with the race detector, which
// slows each start down; all of them happen without it.
const kills = 10
