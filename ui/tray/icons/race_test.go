//go:build race

package icons

// drawn are the looks that are drawn with the race detector, which makes that
// slow; without it, all are.
var drawn = []Look{Outlined}
