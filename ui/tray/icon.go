//go:build !darwin || cgo

package tray

import (
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/systray"

	"traymail/ui/tray/icons"
)

// An Icon is what stands beside the clock. Its methods are for the window's
// goroutine.
type Icon struct {
	app   desktop.App
	do    func(Action)
	menu  *fyne.Menu // always the same: the toolkit shows its first one again when the tray is ready
	shown *Model     // nil: nothing yet
	look  icons.Look
}

// New sets the icon up. It must be called where Possible, before the app runs,
// and once. A click on the icon, where the panel tells of one, is Open. do is
// called on the window's goroutine.
func New(a desktop.App, first Model, do func(Action)) *Icon {
	i := &Icon{app: a, do: do, menu: fyne.NewMenu(""), look: panel()}
	// The toolkit's SetSystemTrayWindow would take away the window's own answer
	// to being closed, and show the window on another goroutine than its own.
	systray.SetOnTapped(func() { fyne.Do(func() { do(Action{Do: Open}) }) })
	if i.look == icons.Outlined {
		// The toolkit gives it a name while it starts, which may be lost; on
		// macOS the name would stand beside the icon.
		systray.SetTitle("traymail")
	}
	systray.SetTooltip(first.Line)
	a.SetSystemTrayIcon(picture(first.State, i.look))
	i.menu.Items = i.items(first.Menu)
	a.SetSystemTrayMenu(i.menu)
	return i
}

// Show shows what changed, and touches nothing else: a new menu closes the one
// that is open.
func (i *Icon) Show(m Model) {
	look := panel()
	if i.shown == nil || i.shown.State != m.State || look != i.look {
		i.look = look
		i.setPicture(m.State)
	}
	if i.shown == nil || i.shown.Line != m.Line {
		systray.SetTooltip(m.Line)
	}
	if i.shown == nil || !i.shown.sameMenu(m) {
		i.menu.Items = i.items(m.Menu)
		i.app.SetSystemTrayMenu(i.menu)
	}
	i.shown = &m
}

// Close takes the icon away. It is called when the app has ended, which leaves
// the icon on Windows when its window was never shown.
func (i *Icon) Close() {
	if runtime.GOOS == "windows" {
		systray.Quit()
	}
}

func (i *Icon) setPicture(s State) {
	if i.look == icons.Template {
		// The toolkit's own way to macOS' templates takes SVG alone.
		png := icons.PNG(string(s), i.look)
		systray.SetTemplateIcon(png, png)
		return
	}
	i.app.SetSystemTrayIcon(picture(s, i.look))
}

func picture(s State, l icons.Look) fyne.Resource {
	return fyne.NewStaticResource(string(s)+"-"+string(l)+".png", icons.PNG(string(s), l))
}

func (i *Icon) items(list []Entry) []*fyne.MenuItem {
	var items []*fyne.MenuItem
	for _, e := range list {
		if e.Label == "" {
			items = append(items, fyne.NewMenuItemSeparator())
			continue
		}
		item := fyne.NewMenuItem(e.Label, nil)
		switch {
		case len(e.Entries) > 0:
			item.ChildMenu = fyne.NewMenu("", i.items(e.Entries)...)
		case e.Action.Do == "":
			item.Disabled = true
		default:
			item.Action = func() { i.do(e.Action) }
			item.IsQuit = e.Action.Do == Quit // else the toolkit adds one of its own
		}
		items = append(items, item)
	}
	return items
}
