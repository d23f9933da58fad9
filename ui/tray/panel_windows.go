package tray

import (
	"golang.org/x/sys/windows/registry"

	"traymail/ui/tray/icons"
)

// panel is what suits the taskbar, whose colour is not that of windows. It is
// dark where the system does not say.
func panel() icons.Look {
	k, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Themes\Personalize`, registry.QUERY_VALUE)
	if err != nil {
		return icons.Dark
	}
	defer k.Close()
	if light, _, err := k.GetIntegerValue("SystemUsesLightTheme"); err == nil && light != 0 {
		return icons.Light
	}
	return icons.Dark
}
