//go:build cgo

package tray

import "traymail/ui/tray/icons"

// panel is what suits the menu bar.
func panel() icons.Look { return icons.Template }
