//go:build !windows && !darwin

package tray

import "traymail/ui/tray/icons"

// panel is what suits any panel: here nobody tells its colour.
func panel() icons.Look { return icons.Outlined }
