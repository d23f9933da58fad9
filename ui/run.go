//go:build cgo && !headless

package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

// Run opens the window and blocks until it is closed or ctx ends. It must be
// called on the main goroutine. What is under way then is given up and waited
// for.
func Run(ctx context.Context, o Options) error {
	a := app.NewWithID("app.traymail")
	w, err := open(a, o, fyne.Do)
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
