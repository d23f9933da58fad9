//go:build !darwin || cgo

package about

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A reader shows a text of any length in the face of a terminal: only the lines
// that are to be seen exist. A line that is too long goes on in the next.
type reader struct {
	widget.List
	text    string
	lines   []string
	columns int
	escape  func()
}

func newReader(escape func()) *reader {
	r := &reader{escape: escape}
	r.Length = func() int { return len(r.lines) }
	r.CreateItem = func() fyne.CanvasObject {
		l := widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Monospace: true})
		l.SizeName = theme.SizeNameCaptionText
		l.Truncation = fyne.TextTruncateClip
		return container.New(layout.NewCustomPaddedLayout(-7, -7, 0, 0), l) // lines stand close
	}
	r.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		o.(*fyne.Container).Objects[0].(*widget.Label).SetText(r.lines[i])
	}
	r.HideSeparators = true
	r.ExtendBaseWidget(r)
	return r
}

// SetText shows another text from its beginning.
func (r *reader) SetText(text string) {
	if text == r.text && r.lines != nil {
		return
	}
	r.text, r.columns = text, 0
	r.UnselectAll()
	r.wrap()
	r.ScrollToTop()
}

// Resize wraps the text at the new width.
func (r *reader) Resize(s fyne.Size) {
	r.List.Resize(s)
	r.wrap()
}

func (r *reader) wrap() {
	letter := fyne.MeasureText("m", theme.CaptionTextSize(), fyne.TextStyle{Monospace: true}).Width
	columns := max(int((r.Size().Width-2*theme.InnerPadding()-theme.ScrollBarSize())/letter), 20)
	if columns == r.columns {
		return
	}
	r.columns = columns
	r.lines = wrapped(r.text, columns)
	r.Refresh()
}

func (r *reader) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape:
		r.escape()
	case fyne.KeyPageDown:
		r.ScrollToOffset(r.GetScrollOffset() + r.Size().Height - 40)
	case fyne.KeyPageUp:
		r.ScrollToOffset(max(0, r.GetScrollOffset()-r.Size().Height+40))
	case fyne.KeyHome:
		r.ScrollToTop()
	case fyne.KeyEnd:
		r.ScrollToBottom()
	default:
		r.List.TypedKey(k)
	}
}

// wrapped returns the lines of a text, none longer than so many letters. What
// cannot be drawn stands as a question mark.
func wrapped(text string, columns int) []string {
	lines := []string{}
	for line := range strings.Lines(text) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == utf8.RuneError {
				return '?'
			}
			return r
		}, line)
		letters := []rune(line)
		for len(letters) > columns {
			lines = append(lines, string(letters[:columns]))
			letters = append([]rune("  "), letters[columns:]...)
		}
		lines = append(lines, string(letters))
	}
	return lines
}
