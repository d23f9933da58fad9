//go:build !darwin || cgo

package ui

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/refusals"
)

// An explainPage is the part of the page that explains a refusal.
type explainPage struct {
	text    *entry
	clear   *button
	shape   *widget.Icon
	what    *widget.Label
	then    *widget.Label
	answers *fyne.Container
	scroll  *scroll

	entries []*entryBlock // those that can be opened

	of string // the text whose answer is drawn
}

// An entryBlock is one of several entries of the catalogue: a line with its
// cause and, when it is open, all it has to say.
type entryBlock struct {
	id    string
	cause string
	line  *line
	body  *fyne.Container
	drawn bool
}

// explainView makes the page.
func (v *page) explainView() fyne.CanvasObject {
	x := &explainPage{}
	v.explain = x
	hint := widget.NewLabel(lang.L("Paste what a program said: a line of its log, a bounce, a whole stack trace. Nothing of it leaves this machine."))
	hint.Wrapping = fyne.TextWrapWord
	x.text = v.entry()
	x.text.MultiLine, x.text.Wrapping = true, fyne.TextWrapBreak
	x.text.TextStyle.Monospace = true
	x.text.OnChanged = func(s string) {
		if !v.rendering {
			v.onAsk(s)
		}
	}
	x.clear = v.button(lang.L("Clear text"), func() {
		v.onAsk("")
		v.canvas.Focus(x.text)
	})
	key := caption(widget.LowImportance)
	key.SetText(lang.L("{{.Key}} leads here from anywhere, Escape back.", words{"Key": shortcutName("E")}))
	foot := container.NewBorder(space(0, 8), nil, nil, container.NewVBox(x.clear), key)
	paste := newCard(lang.L("What was said"), container.New(layout.NewBorderLayout(hint, foot, nil, nil), hint, indented(x.text), foot))

	x.shape = widget.NewIcon(nil)
	x.what = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	x.what.SizeName = theme.SizeNameSubHeadingText
	x.what.Wrapping = fyne.TextWrapWord
	x.then = widget.NewLabel("")
	x.then.Wrapping = fyne.TextWrapWord
	head := container.NewBorder(nil, nil, container.NewVBox(space(0, 2), sized(28, x.shape)), nil,
		container.New(layout.NewCustomPaddedVBoxLayout(-8), x.what, x.then))
	x.answers = container.New(layout.NewCustomPaddedVBoxLayout(4))
	x.scroll = v.scrolled(func() fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedLayout(4, 0, 0, 14), x.answers)
	})
	head = container.NewBorder(nil, nil, space(4, 0), nil, head)
	means := newCard(lang.L("What it means"), container.New(layout.NewBorderLayout(head, nil, nil, nil), head, x.scroll.Scroll))

	v.canvas.AddShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyE, Modifier: fyne.KeyModifierShortcutDefault}, func(fyne.Shortcut) { v.onLook(ViewExplain) })
	return container.New(columnsLayout{gap: 12, share: 5. / 12}, paste, means)
}

// renderExplain draws the text and what it means.
func (v *page) renderExplain(s State) {
	x, e := v.explain, s.Explain
	setText(x.text, e.Text)
	enable(x.clear, e.Text != "")
	h := explainHeadline(e)
	sign(x.shape, x.what, h)
	texts(x.what, h.what)
	texts(x.then, h.then)
	if x.of != e.Of {
		x.of = e.Of
		x.answers.RemoveAll()
		x.entries = nil
		v.within(x.scroll, func() { v.addAnswer(e.Answer, s.Account.Name) })
		x.scroll.ScrollToTop()
	}
	for _, b := range x.entries {
		open := b.id == e.Open
		if b.drawn && open == b.body.Visible() {
			continue
		}
		b.drawn = true
		b.line.tell(levelPending, "", "", b.cause, true, open)
		show(b.body, open)
		x.scroll.arrange()
	}
}

// addAnswer fills the page with an answer: the refusal that the others follow
// from in full, of all others a line each that can be opened.
func (v *page) addAnswer(a refusals.Answer, account string) {
	x := v.explain
	extract, lead, rest := a.Extract, lang.L("What it may be"), a.Candidates
	switch a.Verdict {
	case refusals.Known:
		extract, lead = a.Findings[0].Extract, lang.L("The text says this too")
		for _, f := range a.Findings[1:] {
			rest = append(rest, f.Refusal)
		}
	case refusals.Unknown:
		lead, rest = lang.L("What looks similar"), a.Near
	}
	if extract != "" {
		said := caption(widget.LowImportance)
		said.SetText(lang.L("The words that count"))
		x.answers.Add(container.New(layout.NewCustomPaddedVBoxLayout(0), said, indented(v.code(extract))))
	}
	if a.Verdict == refusals.Known {
		x.answers.Add(v.refusalBody(a.Findings[0].Refusal))
	}
	if len(rest) > 0 {
		head := caption(widget.LowImportance)
		head.SetText(lead)
		x.answers.Add(head)
	}
	for _, r := range rest {
		b := &entryBlock{id: r.ID, cause: sentence(r.Cause), line: v.line(0, 0)}
		b.line.onOpen = func() { v.onOpenEntry(r.ID) }
		b.line.onMove = func(by int) { v.moveEntry(b, by) }
		whose := caption(widget.LowImportance)
		whose.SetText(whoseWords(r.Whose) + " " + lasting(r.Temporary))
		b.body = container.New(layout.NewCustomPaddedLayout(0, 8, 24, 0), container.New(layout.NewCustomPaddedVBoxLayout(-4), whose, v.refusalBody(r)))
		x.entries = append(x.entries, b)
		x.answers.Add(container.New(layout.NewCustomPaddedLayout(0, 0, 4, 0), container.New(layout.NewCustomPaddedVBoxLayout(0), b.line, b.body)))
	}
	foot := ""
	if a.Shortened {
		foot = lang.L("The text is long: only its beginning was read.")
	}
	if a.Verdict != refusals.None && a.Verdict != refusals.Unknown {
		foot = strings.TrimSpace(foot + " " + lang.L("The names in the fixes are those of the account {{.Account}}.", words{"Account": account}))
	}
	if foot != "" {
		l := caption(widget.LowImportance)
		l.SetText(foot)
		x.answers.Add(l)
	}
}

// moveEntry moves the focus from one entry to another.
func (v *page) moveEntry(from *entryBlock, by int) {
	if i := slices.Index(v.explain.entries, from) + by; i >= 0 && i < len(v.explain.entries) {
		v.canvas.Focus(v.explain.entries[i].line)
	}
}

// refusalBody is what an entry of the catalogue has to say beside its cause.
func (v *page) refusalBody(r refusals.Refusal) fyne.CanvasObject {
	box := container.New(layout.NewCustomPaddedVBoxLayout(0))
	part := func(name, text string) {
		if text == "" {
			return
		}
		head, body := caption(widget.LowImportance), widget.NewLabel(sentence(text))
		head.SetText(name)
		body.Wrapping = fyne.TextWrapWord
		box.Add(container.New(layout.NewCustomPaddedVBoxLayout(-8), head, body))
	}
	part(lang.L("For an administrator"), r.FixAdmin)
	part(lang.L("For whoever uses the program"), r.FixUser)
	buttons := container.New(layout.NewCustomPaddedHBoxLayout(8))
	if r.Command != "" {
		box.Add(container.NewVBox(space(0, 2), indented(v.code(r.Command)), space(0, 2)))
		buttons.Add(v.copyButton(lang.L("Copy command"), func() string { return r.Command }))
	}
	if r.Link != "" {
		buttons.Add(v.button(lang.L("Open portal"), func() { v.onFollow(r.Link) }))
	}
	buttons.Add(v.copyButton(lang.L("Copy all"), func() string { return refusalText(r) }))
	if r.Takes != "" {
		takes := caption(widget.LowImportance)
		takes.SetText(lang.L("It usually takes effect: {{.Takes}}", words{"Takes": r.Takes}))
		box.Add(takes)
	}
	box.Add(container.NewVBox(space(0, 2), indented(buttons)))
	return box
}

// code returns a text that can be copied, in the face of a terminal.
func (v *page) code(text string) *entry {
	e := v.readOnly()
	e.TextStyle.Monospace, e.measure.TextStyle.Monospace = true, true
	e.SetText(text)
	return e
}
