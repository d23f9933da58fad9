//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A Level is how things stand. It always shows as shape, word and colour.
type Level struct {
	Shape  string // the icon's name
	Colour fyne.ThemeColorName
}

// The levels. The first five are those of the tray too.
var (
	OK        = Level{"ok", theme.ColorNameSuccess}
	Working   = Level{"working", theme.ColorNamePrimary}
	Paused    = Level{"paused", theme.ColorNamePrimary}
	Attention = Level{"attention", theme.ColorNameWarning}
	Error     = Level{"error", theme.ColorNameError}
	Pending   = Level{"pending", theme.ColorNamePlaceHolder}
	Skipped   = Level{"skipped", theme.ColorNamePlaceHolder}
	Waiting   = Level{"waiting", theme.ColorNamePrimary}
)

// Importance is the toolkit's word for the level's colour.
func (l Level) Importance() widget.Importance {
	switch l {
	case OK:
		return widget.SuccessImportance
	case Attention:
		return widget.WarningImportance
	case Error:
		return widget.DangerImportance
	case Pending, Skipped:
		return widget.MediumImportance
	}
	return widget.HighImportance
}

// A Headline says what is, and then why or what to do.
type Headline struct {
	Level
	What, Then string
}
