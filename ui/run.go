//go:build cgo && !headless

package ui

import (
	"context"
	"errors"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	_ "traymail/ui/locale" // before the toolkit
	"traymail/ui/probe"
)

// Usable returns an error that says what is missing when this machine cannot
// draw the window: a display, or OpenGL, and what to do instead. It must be
// called on the main goroutine, before Run.
func Usable() error {
	if noDisplay() {
		return errors.New("there is no display here, DISPLAY is not set: set traymail up in the terminal, traymail setup, and run it with traymail serve")
	}
	if err := probe.Window(); err != nil {
		probe.Show(err) // where nobody reads what the program writes
		return err
	}
	return nil
}

// Run opens the window, or the tray alone, and blocks until the program is to
// end: by the person, or with ctx. It must be called on the main goroutine,
// where Usable has returned nil. What was typed is kept then, and what is under
// way given up and waited for.
func Run(ctx context.Context, o Options) error {
	defer hushed()()
	// A program that was built without the packager has no FyneApp.toml in it.
	app.SetMetadata(fyne.AppMetadata{ID: appID, Name: "traymail", Migrations: map[string]bool{"fyneDo": true}})
	a := app.NewWithID(appID)
	f, err := newFrame(ctx, a, o, fyne.Do)
	if err != nil {
		return err
	}
	defer f.close()
	width, height := probe.Screen()
	f.screen = fyne.NewSize(float32(width), float32(height))
	forget := func() bool { return true }
	a.Lifecycle().SetOnStarted(func() {
		// Not before: there is no loop yet that could be ended.
		forget = context.AfterFunc(ctx, func() { fyne.Do(f.quit) })
	})
	f.show()
	a.Run()
	forget()
	return nil
}

// appID names the program to the desktop, and the folder of its preferences.
const appID = "app.traymail"

// noDisplay reports whether this is a system whose windows need an X server,
// without one.
func noDisplay() bool {
	return runtime.GOOS != "windows" && runtime.GOOS != "darwin" && os.Getenv("DISPLAY") == ""
}
