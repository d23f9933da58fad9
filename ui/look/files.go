//go:build !darwin || cgo

package look

import (
	"io"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"

	"traymail/ui/desk"
)

// Files are the toolkit's dialogues, over the frame's window.
func (f Frame) Files() desk.Files {
	size := func() fyne.Size {
		s := f.Window.Canvas().Size()
		return fyne.NewSize(min(860, s.Width-64), min(620, s.Height-64))
	}
	return desk.Files{
		Save: func(name string, chosen func(io.WriteCloser, string, error)) {
			d := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
				switch {
				case err != nil:
					chosen(nil, "", err)
				case w != nil:
					chosen(w, w.URI().Path(), nil)
				}
			}, f.Window)
			d.SetFileName(name)
			d.Resize(size())
			d.Show()
		},
		Open: func(extensions []string, chosen func(io.ReadCloser, string, error)) {
			d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
				switch {
				case err != nil:
					chosen(nil, "", err)
				case r != nil:
					chosen(r, r.URI().Path(), nil)
				}
			}, f.Window)
			if len(extensions) > 0 {
				d.SetFilter(storage.NewExtensionFileFilter(extensions))
			}
			d.Resize(size())
			d.Show()
		},
	}
}
