//go:build cgo && !headless

package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	_ "traymail/ui/locale" // before the toolkit
	"traymail/ui/probe"
)

// Run opens the window and blocks until it is closed or ctx ends. It must be
// called on the main goroutine. What is under way then is given up and waited
// for. Without a display, or one that cannot show the window, it returns an
// error at once.
func Run(ctx context.Context, o Options) error {
	w, a, err := start(o)
	if err != nil {
		return err
	}
	defer w.presenter.close()
	w.SetOnClosed(w.presenter.end)
	forget := func() bool { return true }
	a.Lifecycle().SetOnStarted(func() {
		// Not before: there is no loop yet that could be ended.
		forget = context.AfterFunc(ctx, func() { fyne.Do(w.Close) })
	})
	w.ShowAndRun()
	forget()
	return nil
}

// start makes the window. The toolkit panics where it finds no display.
func start(o Options) (w *window, a fyne.App, err error) {
	if noDisplay() {
		return nil, nil, errors.New("there is no display here, DISPLAY is not set: use the commands, traymail --help lists them")
	}
	if err := probe.Window(); err != nil {
		probe.Show(err)
		return nil, nil, err
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the window cannot be opened (%v): use the commands, traymail --help lists them", cause)
		}
	}()
	a = app.NewWithID("app.traymail")
	w, err = open(a, o, fyne.Do)
	return w, a, err
}

// noDisplay reports whether this is a system whose windows need an X server,
// without one.
func noDisplay() bool {
	return runtime.GOOS != "windows" && runtime.GOOS != "darwin" && os.Getenv("DISPLAY") == ""
}
