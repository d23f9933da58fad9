//go:build !darwin || cgo

package look

import (
	"fyne.io/fyne/v2"

	"traymail/ui/words"
)

// A Kit makes the widgets of one page. They pass Escape and the shortcuts of
// the window on, and one in a Scrolled part is scrolled into sight when it gets
// the focus.
type Kit struct {
	Canvas fyne.Canvas
	escape func()
	copy   func(string)
	inside *Scroll
	at     fyne.CanvasObject // what had the focus last
}

// NewKit returns a kit. escape is called for Escape in any of its widgets, and
// copy puts a text on the clipboard.
func NewKit(c fyne.Canvas, copy func(string), escape func()) *Kit {
	return &Kit{Canvas: c, escape: escape, copy: copy}
}

// Entry returns a field of one line.
func (k *Kit) Entry() *Entry { return k.entry(newEntry()) }

// LongEntry returns a field of one line, too, in which what is too long for that goes
// on below: an address is read in full before mail goes there.
func (k *Kit) LongEntry() *Entry { return k.entry(newLongEntry()) }

// ReadOnly returns a text that can be focused, selected and copied, as high as
// it needs.
func (k *Kit) ReadOnly() *Entry { return k.entry(newReadOnly()) }

// Code returns a read-only text in the face of a terminal.
func (k *Kit) Code(text string) *Entry {
	e := k.ReadOnly()
	e.TextStyle.Monospace, e.measure.TextStyle.Monospace = true, true
	e.SetText(text)
	return e
}

func (k *Kit) entry(e *Entry) *Entry {
	e.onEscape = k.escape
	e.onFocus = k.follower(e)
	e.had = func() bool { return k.at == fyne.CanvasObject(e) }
	e.onShortcut = k.shortcut
	if k.inside != nil {
		e.wheel = newWheel(k.inside)
	}
	return e
}

// shortcut does what the canvas does with the window's shortcuts when no entry
// is focused.
func (k *Kit) shortcut(s fyne.Shortcut) {
	if c, ok := k.Canvas.(fyne.Shortcutable); ok {
		c.TypedShortcut(s)
	}
}

// Shortcut is how a key is named that is pressed together with the system's own
// modifier for shortcuts.
func Shortcut(key string) string {
	if fyne.KeyModifierShortcutDefault == fyne.KeyModifierSuper {
		return "⌘" + key
	}
	return "Ctrl+" + key
}

// Button returns a button. Its text is a verb with an object.
func (k *Kit) Button(text string, tapped func()) *Button {
	b := newButton(text, tapped)
	b.onEscape = k.escape
	b.onFocus = k.follower(b)
	return b
}

// CopyButton returns a button that copies what text returns, and says that it
// did until the focus moves on.
func (k *Kit) CopyButton(label string, text func() string) *Button {
	var b *Button
	b = k.Button(label, func() {
		k.copy(text())
		b.SetText(words.Say("common.copied"))
	})
	b.OnBlur = func() { b.SetText(label) }
	return b
}

// Line returns a line of a list whose name and word have the widths given; 0
// leaves them out.
func (k *Kit) Line(name, word float32) *Line {
	l := newLine(name, word)
	l.OnOpen, l.OnMove = func() {}, func(int) {}
	l.onEscape = k.escape
	l.onFocus = k.follower(l)
	return l
}

// Check returns a box to tick. changed is called when the person changes it,
// not for Set.
func (k *Kit) Check(text string, changed func(bool)) *Check {
	c := newCheck(text, changed)
	c.onEscape = k.escape
	c.onFocus = k.follower(c)
	return c
}

// Select returns a choice of one of options that drops down. changed is called
// with the option's index when the person chooses, not for Set.
func (k *Kit) Select(options []string, changed func(int)) *Select {
	s := newSelect(options, changed)
	s.onEscape = k.escape
	s.onFocus = k.follower(s)
	return s
}

// Choice returns a card that can be chosen.
func (k *Kit) Choice(title, text string, chosen func()) *Choice {
	c := newChoice(title, text, chosen)
	c.onEscape = k.escape
	c.onFocus = k.follower(c)
	return c
}
