//go:build race && (!darwin || cgo)

package ui

// fitted are the languages in which every page is laid out with the race
// detector, which makes that slow; without it, all are.
var fitted = []string{"en", "de"}
