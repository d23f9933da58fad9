//go:build !darwin || cgo

package messages

import (
	"path/filepath"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"

	"traymail/ui/words"
)

// export asks for a file, and writes the list into it.
func (v *Page) export() {
	name := words.Say("messages.export_name", words.Data{"Page": words.Say("messages.page_" + string(v.p.kind)), "Day": v.p.now().Format(time.DateOnly)})
	v.choose(name, func(t Target, err error) {
		if err != nil {
			v.p.ended(Result{Job: Job{What: export}, Err: err})
			return
		}
		v.p.export(t)
	})
}

// dialog asks for a file in the toolkit's dialog.
func (v *Page) dialog(name string, chosen func(Target, error)) {
	d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		switch {
		case err != nil:
			chosen(Target{}, err)
		case w != nil:
			chosen(targetOf(w))
		}
	}, v.frame.Window)
	d.SetFileName(name)
	d.SetFilter(storage.NewExtensionFileFilter([]string{".csv"}))
	size := v.frame.Window.Canvas().Size()
	d.Resize(fyne.NewSize(min(900, size.Width-48), min(600, size.Height-48)))
	d.Show()
}

// targetOf is the target that a writer stands for, which the dialog has opened.
func targetOf(w fyne.URIWriteCloser) (Target, error) {
	uri := w.URI()
	if uri.Scheme() != "file" {
		return Target{Name: uri.Name(), Writer: w}, nil
	}
	return Target{Name: uri.Name(), Path: filepath.FromSlash(uri.Path())}, w.Close()
}
