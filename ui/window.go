//go:build !darwin || cgo

package ui

import (
	"embed"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"traymail/internal/account"
	"traymail/internal/checks"
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
	v.onEscape, v.onLook = p.escape, p.look
	v.onCheck, v.onAgain, v.onAwait, v.onWithTest = p.check, p.tryAgain, p.await, p.withTest
	v.onToggle, v.onUnfold, v.onAsk, v.onOpenEntry = p.toggle, p.unfold, p.ask, p.openEntry
	p.notify = func(r checks.Result, of account.Account) {
		// The desktop may take its time.
		go a.SendNotification(fyne.NewNotification(passedTitle(r), passedText(of)))
	}
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
