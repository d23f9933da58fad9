//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"traymail/ui/look"
	"traymail/ui/words"
)

// The keys of what the person chose for the window. The toolkit keeps them in
// the person's folder for configuration: they are not the program's.
const (
	languageKey = "language" // one of words.Languages, "" is the system's
	variantKey  = "theme"    // one of look.Variants
	quietKey    = "quiet"    // no notifications
	trayToldKey = "told-of-tray"
)

// preferences are what the person chose for the window.
type preferences struct {
	app     fyne.App
	kept    fyne.Preferences
	rebuild func() // all pages, in another language
}

// apply puts what was chosen into force; pages that are made from now on go by it.
func (p *preferences) apply() {
	p.speak()
	look.Use(p.Variant())
	p.app.Settings().SetTheme(look.Theme{})
}

// speak has pages that are made from now on use the language.
func (p *preferences) speak() { words.Use(p.Language(), lang.SystemLocale().String()) }

// Language is the tag of the language that was chosen, "" for the system's.
func (p *preferences) Language() string { return p.kept.String(languageKey) }

// SetLanguage has the window speak another language at once.
func (p *preferences) SetLanguage(tag string) {
	if p.Language() == tag {
		return
	}
	p.kept.SetString(languageKey, tag)
	p.speak() // the theme stays: to set it again would draw all that goes anew, for seconds
	p.rebuild()
}

// Variant is one of look.Variants.
func (p *preferences) Variant() string {
	return p.kept.StringWithFallback(variantKey, look.Variants[0])
}

// SetVariant has the window drawn light or dark at once.
func (p *preferences) SetVariant(name string) {
	p.kept.SetString(variantKey, name)
	p.apply()
}

// Notifies reports whether the desktop's notifications are wanted.
func (p *preferences) Notifies() bool { return !p.kept.Bool(quietKey) }

// SetNotifies wants them, or not.
func (p *preferences) SetNotifies(on bool) { p.kept.SetBool(quietKey, !on) }
