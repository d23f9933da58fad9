//go:build !linux

package tray

import "context"

// Host reports whether something shows tray icons: a part of this system that
// is always there. watch is nil.
func Host(context.Context) (present bool, watch <-chan bool) { return true, nil }

// Possible reports whether a tray icon can be had, now or later.
func Possible() bool { return true }
