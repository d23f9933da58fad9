//go:build !darwin || cgo

package ui

import (
	"embed"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
)

//go:embed translations
var translations embed.FS

//go:embed icon.png
var iconPNG []byte

// A window is a page on the screen and what drives it. The presenter is to be
// closed when the window is.
type window struct {
	fyne.Window
	page      *page
	presenter *presenter
}

// open makes the window, ready to be shown. do runs a function on the window's
// goroutine.
func open(a fyne.App, o Options, do func(func())) (*window, error) {
	if err := lang.AddTranslationsFS(translations, "translations"); err != nil {
		return nil, err
	}
	a.Settings().SetTheme(houseTheme{})
	a.SetIcon(fyne.NewStaticResource("traymail.png", iconPNG))
	w := a.NewWindow("traymail")
	w.SetIcon(a.Icon())
	w.SetPadded(false)

	v := newPage(w.Canvas())
	p := newPresenter(o.Service, o.OpenBrowser, do, v.render)
	v.onSet, v.onSave, v.onSignIn, v.onSend, v.onCancel = p.set, p.save, p.signIn, p.sendTest, p.stop
	v.onCopy = a.Clipboard().SetContent
	v.onFollow = p.follow
	w.SetContent(v.build(o.Notice))
	w.Resize(fyne.NewSize(1000, 720))
	w.CenterOnScreen()
	p.open(o.Account)
	if o.Account == "" {
		w.Canvas().Focus(v.rows[FieldUsername].value)
	}
	return &window{w, v, p}, nil
}
