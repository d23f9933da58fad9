//go:build !darwin || cgo

package look

import (
	"cmp"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// An Entry is a text field that leaves to the page what concerns the page:
// Escape and the shortcuts it has no use for. A read-only one can be focused,
// selected from and copied from, but not changed.
type Entry struct {
	widget.Entry
	ReadOnly   bool
	oneLine    bool          // what is typed is, whatever is shown
	measure    *widget.Label // as high as the text of one that shows all of it; nil for others
	onEscape   func()
	onFocus    func()
	had        func() bool // whether it had the focus last, of all there is on the page
	onShortcut func(fyne.Shortcut)
	ring       *canvas.Rectangle
	wheel      *wheel // nil where nothing around it scrolls
}

func newEntry() *Entry {
	e := &Entry{ring: newRing()}
	e.ExtendBaseWidget(e)
	return e
}

// newReadOnly returns an entry of as many lines as its text needs.
func newReadOnly() *Entry {
	e := newEntry()
	e.ReadOnly = true
	e.MultiLine = true
	e.Wrapping = fyne.TextWrapWord
	e.SetMinRowsVisible(1)
	e.measure = widget.NewLabel("")
	e.measure.Wrapping = fyne.TextWrapWord
	return e
}

// newLongEntry returns an entry of one line that shows a long one on several.
func newLongEntry() *Entry {
	e := newEntry()
	e.oneLine = true
	e.MultiLine = true // the toolkit wraps no other
	e.Wrapping = fyne.TextWrapBreak
	e.SetMinRowsVisible(1)
	e.measure = widget.NewLabel("")
	e.measure.Wrapping = fyne.TextWrapBreak
	return e
}

// MinSize makes room for the whole text of an entry that shows it, where the
// toolkit's own would scroll.
func (e *Entry) MinSize() fyne.Size {
	size := e.Entry.MinSize()
	if e.measure != nil && e.Size().Width > 0 {
		e.measure.SetText(cmp.Or(e.Text, e.PlaceHolder))
		e.measure.Resize(fyne.NewSize(e.Size().Width, 0))
		size.Height = max(size.Height, e.measure.MinSize().Height)
	}
	return size
}

// SetText sets the text. The toolkit would keep what was selected of the former one,
// and the next letter would take its place.
func (e *Entry) SetText(text string) {
	if e.SelectedText() != "" {
		e.Entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnd})
	}
	e.Entry.SetText(text)
}

// FocusGained selects what a field of one line holds, as Tab does everywhere else:
// what is typed then takes its place. A click goes on to put the cursor where it is,
// and a window that comes to the front again leaves it where it was.
func (e *Entry) FocusGained() {
	back := e.had()
	e.ring.Show()
	e.onFocus()
	e.Entry.FocusGained()
	if !back && !e.ReadOnly && (!e.MultiLine || e.oneLine) && e.Text != "" {
		e.Entry.TypedShortcut(&fyne.ShortcutSelectAll{})
	}
}

func (e *Entry) FocusLost() {
	e.ring.Hide()
	e.Entry.FocusLost()
}

// CreateRenderer adds a ring to the toolkit's line, which only changes its
// colour, and on a page that scrolls the wheel.
func (e *Entry) CreateRenderer() fyne.WidgetRenderer {
	return &wheeled{ringed(e.Entry.CreateRenderer(), e.ring, &e.Entry), e}
}

func (e *Entry) TypedRune(r rune) {
	if !e.ReadOnly {
		e.Entry.TypedRune(r)
	}
}

func (e *Entry) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape:
		e.onEscape()
		return
	case fyne.KeyBackspace, fyne.KeyDelete, fyne.KeyReturn, fyne.KeyEnter:
		if e.ReadOnly {
			return
		}
		if e.oneLine && (k.Name == fyne.KeyReturn || k.Name == fyne.KeyEnter) {
			if e.OnSubmitted != nil {
				e.OnSubmitted(e.Text)
			}
			return
		}
	}
	e.Entry.TypedKey(k)
}

func (e *Entry) TypedShortcut(s fyne.Shortcut) {
	switch of := s.(type) {
	case *desktop.CustomShortcut:
		e.onShortcut(s)
	case *fyne.ShortcutPaste:
		if e.ReadOnly {
			return
		}
		if e.oneLine {
			s = &fyne.ShortcutPaste{Clipboard: oneLined{of.Clipboard}}
		}
	case *fyne.ShortcutCut, *fyne.ShortcutUndo, *fyne.ShortcutRedo:
		if e.ReadOnly {
			return
		}
	}
	e.Entry.TypedShortcut(s)
}

// AcceptsTab reports false: Tab goes on to the next widget.
func (e *Entry) AcceptsTab() bool { return false }

// TappedSecondary opens the menu, but not the one of a read-only entry, which
// offers to paste.
func (e *Entry) TappedSecondary(at *fyne.PointEvent) {
	if !e.ReadOnly {
		e.Entry.TappedSecondary(at)
	}
}

// A oneLined clipboard holds its text as one line, as the toolkit has it in a field
// of one.
type oneLined struct{ fyne.Clipboard }

// Content implements fyne.Clipboard.
func (c oneLined) Content() string { return strings.ReplaceAll(c.Clipboard.Content(), "\n", " ") }
