//go:build !race && (!darwin || cgo)

package ui

import "traymail/ui/words"

// fitted are the languages in which every page is laid out.
var fitted = words.Languages
