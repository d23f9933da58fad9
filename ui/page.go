//go:build !darwin || cgo

package ui

import (
	"net/url"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/account"
)

// A page draws states and reports what the person does. Its callbacks must be
// set before build, and are called on the window's goroutine.
type page struct {
	onSet    func(Field, string)
	onSave   func()
	onSignIn func()
	onSend   func()
	onCancel func()
	onEscape func()
	onCopy   func(string)
	onFollow func(address string)
	onLook   func(View)

	onCheck     func()
	onAgain     func()
	onAwait     func()
	onWithTest  func(bool)
	onToggle    func(id string)
	onUnfold    func(Group)
	onAsk       func(text string)
	onOpenEntry func(id string)

	canvas       fyne.Canvas
	rows         map[Field]*row
	kind         *widget.RadioGroup
	save         *button
	signIn       *button
	send         *button
	cancel       *button
	copyLink     *button
	copyFix      *button
	copyRedirect *button
	shape        *widget.Icon
	what         *widget.Label
	then         *widget.Label
	reason       *widget.Label
	whose        *widget.Label
	detail       *entry
	facts        *widget.Label
	fixHead      *fyne.Container
	fix          *entry
	saveState    *widget.Label
	setup        *button // leads to the checks
	setupHint    *widget.Label

	inside *scroll // where what is being made stands

	tabs    map[View]*tab
	views   map[View]fyne.CanvasObject
	checks  *checksPage
	explain *explainPage

	rendering bool  // what changes now was not typed
	last      State // what is drawn
}

// A row is a field of the form with its name and what is wrong with it.
type row struct {
	name  *widget.Label
	value *entry // nil for the kind of registration
	wrong *widget.Label
	fix   *widget.Label
	alarm *fyne.Container // wrong and fix with the shape of an error
	cell  *fyne.Container
}

func newPage(c fyne.Canvas) *page { return &page{canvas: c, rows: map[Field]*row{}} }

// build makes the widgets. notice stands above them, "" for none.
func (v *page) build(notice string) fyne.CanvasObject {
	head := container.NewVBox(v.title())
	if notice != "" {
		head.Add(v.notice(notice))
	}
	v.views = map[View]fyne.CanvasObject{
		ViewAccount: container.New(columnsLayout{gap: 12, share: 6. / 11}, v.scrolled(v.forms).Scroll, v.scrolled(v.stateCard).Scroll),
		ViewChecks:  v.checksView(),
		ViewExplain: v.explainView(),
	}
	views := container.NewStack(v.views[ViewAccount], v.views[ViewChecks], v.views[ViewExplain])
	save := &desktop.CustomShortcut{KeyName: fyne.KeyS, Modifier: fyne.KeyModifierShortcutDefault}
	v.canvas.AddShortcut(save, func(fyne.Shortcut) { v.onSave() })
	v.canvas.SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape {
			v.onEscape()
		}
	})
	// Not NewBorder, which would put the head last in the order of Tab.
	return container.New(layout.NewCustomPaddedLayout(12, 16, 16, 16),
		container.New(layout.NewBorderLayout(head, nil, nil, nil), head, views))
}

func (v *page) title() fyne.CanvasObject {
	mark := widget.NewIcon(icon("mark", theme.ColorNamePrimary))
	name := widget.NewLabelWithStyle("traymail", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	name.SizeName = theme.SizeNameHeadingText
	claim := widget.NewLabel(lang.L("Plain SMTP tools, sent through a mail system that wants OAuth."))
	claim.Importance = widget.LowImportance
	claim.Truncation = fyne.TextTruncateEllipsis
	return container.NewBorder(nil, nil, container.NewHBox(container.NewCenter(sized(28, mark)), name), container.NewVBox(layout.NewSpacer(), v.nav(), layout.NewSpacer()),
		container.NewVBox(layout.NewSpacer(), claim, layout.NewSpacer()))
}

// notice draws the text with the address at its end, if there is one, as a link.
func (v *page) notice(text string) fyne.CanvasObject {
	l := caption(widget.MediumImportance)
	l.Text = text
	at := strings.LastIndex(text, " ") + 1
	u, err := url.Parse(text[at:])
	if err != nil || u.Host == "" {
		return l
	}
	l.Text = text[:at]
	link := widget.NewHyperlink(u.String(), u)
	link.SizeName = theme.SizeNameCaptionText
	link.OnTapped = func() { v.onFollow(u.String()) }
	return container.NewBorder(nil, nil, nil, link, l)
}

func (v *page) forms() fyne.CanvasObject {
	return container.NewVBox(
		newCard(lang.L("Account"), v.form(FieldName, FieldUsername, FieldSender, FieldTestTo)),
		space(0, 4),
		newCard(lang.L("App registration in Entra"), container.NewVBox(
			v.form(FieldTenant, FieldClientID, FieldRegistration, FieldSecret, FieldRedirectURL), v.saveRow())),
	)
}

// form makes a card's fields.
func (v *page) form(fs ...Field) fyne.CanvasObject {
	// The cards' columns are as wide as the longest name in any of them.
	width := float32(0)
	for _, f := range fields {
		width = max(width, widget.NewLabel(fieldName(f)).MinSize().Width)
	}
	c := container.New(layout.NewFormLayout(), space(width, 0), space(0, 0))
	for _, f := range fs {
		r := v.row(f)
		c.Add(r.name)
		c.Add(r.cell)
	}
	return c
}

func (v *page) row(f Field) *row {
	r := &row{name: widget.NewLabel(fieldName(f)), wrong: caption(widget.DangerImportance), fix: caption(widget.MediumImportance)}
	v.rows[f] = r
	r.alarm = container.NewBorder(nil, nil, container.NewVBox(space(0, 8), sized(16, widget.NewIcon(icon(levelError.shape, levelError.colour)))), nil,
		container.New(layout.NewCustomPaddedVBoxLayout(-8), r.wrong, r.fix))
	r.alarm.Hide()
	var control fyne.CanvasObject
	switch f {
	case FieldRegistration:
		control = v.kinds()
	case FieldRedirectURL:
		r.value = v.readOnly()
		v.copyRedirect = v.copyButton(lang.L("Copy"), func() string { return r.value.Text })
		control = container.NewBorder(nil, nil, nil, v.copyRedirect, r.value)
	default:
		r.value = v.entry()
		r.value.Password = f == FieldSecret
		r.value.OnChanged = func(s string) {
			if !v.rendering {
				v.onSet(f, s)
			}
		}
		r.value.OnSubmitted = func(string) { v.onSave() }
		control = r.value
	}
	r.cell = container.New(layout.NewCustomPaddedVBoxLayout(0), control, r.alarm)
	return r
}

// kinds is the choice of the kind of registration. Its options are in the
// portal's words, kind says which is which.
func (v *page) kinds() fyne.CanvasObject {
	v.kind = widget.NewRadioGroup([]string{lang.L("Public client"), lang.L("Web")}, func(option string) {
		if v.rendering {
			return
		}
		kind := account.Public
		if option == v.kind.Options[1] {
			kind = account.Web
		}
		v.onSet(FieldRegistration, string(kind))
	})
	v.kind.Horizontal = true
	v.kind.Required = true
	return v.kind
}

func (v *page) saveRow() fyne.CanvasObject {
	v.save = v.button(lang.L("Save account"), func() { v.onSave() })
	v.saveState = caption(widget.LowImportance)
	v.saveState.Alignment = fyne.TextAlignTrailing
	return container.NewBorder(space(0, 4), nil, nil, v.save, v.saveState)
}

func (v *page) stateCard() fyne.CanvasObject {
	v.shape = widget.NewIcon(nil)
	v.what = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	v.what.SizeName = theme.SizeNameSubHeadingText
	v.what.Wrapping = fyne.TextWrapWord
	v.then = widget.NewLabel("")
	v.then.Wrapping = fyne.TextWrapWord
	state := container.NewBorder(nil, nil, container.NewVBox(space(0, 2), sized(28, v.shape)), nil,
		container.New(layout.NewCustomPaddedVBoxLayout(-8), v.what, v.then))

	v.signIn = v.button("", func() { v.onSignIn() })
	v.send = v.button(lang.L("Send test email"), func() { v.onSend() })
	v.cancel = v.button("", func() { v.onCancel() })
	v.copyLink = v.copyButton(lang.L("Copy link"), func() string { return v.last.Link })
	v.reason = caption(widget.LowImportance)
	actions := container.New(layout.NewCustomPaddedHBoxLayout(8), v.signIn, v.send, v.copyLink, v.cancel)
	v.setup = v.button(lang.L("Check setup"), func() { v.onCheck() })
	v.setupHint = caption(widget.LowImportance)
	setup := container.NewBorder(nil, nil, container.NewVBox(v.setup), nil, v.setupHint)

	v.whose = caption(widget.LowImportance)
	v.detail = v.readOnly()
	v.facts = caption(widget.LowImportance)
	todo := caption(widget.LowImportance)
	todo.SetText(lang.L("What to do"))
	v.fix = v.readOnly()
	v.copyFix = v.copyButton(lang.L("Copy fix"), func() string { return v.fix.Text })
	v.fixHead = container.NewBorder(space(0, 4), space(0, 4), nil, v.copyFix, todo)
	return container.NewVBox(newCard(lang.L("Sign-in and test email"), container.New(layout.NewCustomPaddedVBoxLayout(0),
		indented(state), space(0, 12), indented(actions), v.reason,
		v.whose, indented(v.detail), v.facts, v.fixHead, indented(v.fix), space(0, 12), indented(setup))))
}

func (v *page) entry() *entry {
	e := newEntry()
	e.onEscape = func() { v.onEscape() }
	e.onFocus = v.follower(e)
	e.onShortcut = v.shortcut
	return e
}

func (v *page) readOnly() *entry {
	e := newReadOnly()
	e.onEscape = func() { v.onEscape() }
	e.onFocus = v.follower(e)
	e.onShortcut = v.shortcut
	return e
}

// shortcut does what the canvas does with the page's shortcuts when no entry
// is focused.
func (v *page) shortcut(s fyne.Shortcut) {
	if c, ok := v.canvas.(fyne.Shortcutable); ok {
		c.TypedShortcut(s)
	}
}

func (v *page) button(text string, tapped func()) *button {
	b := newButton(text, tapped)
	b.onEscape = func() { v.onEscape() }
	b.onFocus = v.follower(b)
	return b
}

// copyButton copies what text returns, and says that it did until the focus
// moves on.
func (v *page) copyButton(label string, text func() string) *button {
	var b *button
	b = v.button(label, func() {
		v.onCopy(text())
		b.SetText(lang.L("Copied"))
	})
	b.onBlur = func() { b.SetText(label) }
	return b
}

func sized(side float32, o fyne.CanvasObject) fyne.CanvasObject {
	return container.NewGridWrap(fyne.NewSquareSize(side), o)
}

func space(width, height float32) fyne.CanvasObject {
	r := canvas.NewRectangle(nil)
	r.SetMinSize(fyne.NewSize(width, height))
	return r
}

// indented puts what has no padding of its own in line with the labels.
func indented(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0), o)
}

// columnsLayout puts one object beside the other. The first has a share of the
// width where there is room for both.
type columnsLayout struct{ gap, share float32 }

func (l columnsLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	form, state := objects[0].MinSize().Width, objects[1].MinSize().Width
	left := min(max((s.Width-l.gap)*l.share, form), s.Width-l.gap-state)
	objects[0].Resize(fyne.NewSize(left, s.Height))
	objects[1].Move(fyne.NewPos(left+l.gap, 0))
	objects[1].Resize(fyne.NewSize(s.Width-l.gap-left, s.Height))
}

func (l columnsLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	a, b := objects[0].MinSize(), objects[1].MinSize()
	return fyne.NewSize(a.Width+l.gap+b.Width, max(a.Height, b.Height))
}
