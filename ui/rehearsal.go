//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

// banner says above every page that all this is a rehearsal, as whom to sign in,
// and where to look. It is one line where the window is wide enough: each page
// was made to have the room.
func (r *Rehearsal) banner(follow func(address string)) fyne.CanvasObject {
	l := look.Caption(widget.WarningImportance)
	l.Text = words.Say("common.rehearsal") + " " + words.Say("common.rehearsal_person", words.Data{"Username": r.Username, "Password": r.Password})
	links := container.NewHBox(
		look.Link(words.Say("common.rehearsal_portal"), func() { follow(r.Portal) }),
		look.Link(words.Say("common.rehearsal_inbox"), func() { follow(r.Inbox) }))
	return container.New(layout.NewCustomPaddedLayout(-12, -8, 0, 0), container.NewBorder(nil, nil, nil, links, l))
}

// forgetful are preferences that are kept as long as the program runs, above
// those that were kept before.
type forgetful struct {
	fyne.Preferences
	texts map[string]string
	bools map[string]bool
}

func newForgetful(p fyne.Preferences) fyne.Preferences {
	return &forgetful{p, map[string]string{}, map[string]bool{}}
}

func (f *forgetful) String(key string) string { return f.StringWithFallback(key, "") }

func (f *forgetful) StringWithFallback(key, fallback string) string {
	if s, changed := f.texts[key]; changed {
		return s
	}
	return f.Preferences.StringWithFallback(key, fallback)
}

func (f *forgetful) SetString(key, value string) { f.texts[key] = value }

func (f *forgetful) Bool(key string) bool {
	if b, changed := f.bools[key]; changed {
		return b
	}
	return f.Preferences.Bool(key)
}

func (f *forgetful) SetBool(key string, value bool) { f.bools[key] = value }
