//go:build !darwin || cgo

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/checks"
)

// A checksPage is the part of the page with the checks.
type checksPage struct {
	shape  *widget.Icon
	what   *widget.Label
	then   *widget.Label
	check  *button
	stop   *button
	test   *widget.Check
	scroll *scroll
	groups map[Group]*groupBlock
	rows   map[string]*checkBlock
	order  []*line // from top to bottom
	was    Checks  // what is drawn
}

// A groupBlock is the checks of a group, or one line for all of them.
type groupBlock struct {
	folded *line
	rows   *fyne.Container
}

// A checkBlock is a check: its line and, when it is open, all there is to tell.
type checkBlock struct {
	line    *line
	body    *fyne.Container
	means   *widget.Label
	wait    *widget.Label
	todo    *widget.Label
	fix     *widget.Label
	command *entry
	proof   *widget.Label
	verify  *entry
	takes   *widget.Label
	said    *widget.Label
	reply   *entry
	buttons *fyne.Container

	copyCommand, portal, copyAll, again, await, cancel *button

	row   Row // what is drawn
	drawn bool
}

// checksView makes the page of the checks.
func (v *page) checksView() fyne.CanvasObject {
	c := &checksPage{groups: map[Group]*groupBlock{}, rows: map[string]*checkBlock{}}
	v.checks = c
	c.shape = widget.NewIcon(nil)
	c.what = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	c.what.SizeName = theme.SizeNameSubHeadingText
	c.what.Wrapping = fyne.TextWrapWord
	c.then = widget.NewLabel("")
	c.then.Wrapping = fyne.TextWrapWord
	c.check = v.button(lang.L("Check setup"), func() { v.onCheck() })
	c.check.Importance = widget.HighImportance
	c.stop = v.button(lang.L("Stop checking"), func() { v.onCancel() })
	c.test = widget.NewCheck(lang.L("Send the test email too"), func(on bool) {
		if !v.rendering {
			v.onWithTest(on)
		}
	})
	actions := container.NewVBox(container.NewHBox(c.test, space(4, 0), c.check, c.stop))
	head := container.NewBorder(nil, nil, container.NewVBox(space(0, 2), sized(28, c.shape)), actions,
		container.New(layout.NewCustomPaddedVBoxLayout(-8), c.what, c.then))

	c.scroll = v.scrolled(v.checkList)
	top := container.New(layout.NewCustomPaddedVBoxLayout(8), indented(head), indented(widget.NewSeparator()))
	return newSurface(container.New(layout.NewBorderLayout(top, nil, nil, nil), top, c.scroll.Scroll))
}

// checkList makes the list of all checks, each beside its group's name.
func (v *page) checkList() fyne.CanvasObject {
	c := v.checks
	list := container.New(layout.NewCustomPaddedVBoxLayout(8))
	var group Group
	var block *groupBlock
	names, states := make([]string, 0, len(checks.IDs())), []string{}
	for _, id := range checks.IDs() {
		names = append(names, checkName(id))
	}
	for _, r := range []Row{{Phase: Pending}, {Phase: Running}, {Phase: Waiting}, done(checks.Pass), done(checks.Warn), done(checks.Fail), done(checks.Skip)} {
		_, word := standing(r)
		states = append(states, word)
	}
	name, word := widest(names...), widest(states...)
	for _, id := range checks.IDs() {
		if g := groupOf(id); block == nil || g != group {
			group, block = g, v.groupBlock(g, name, word)
			c.groups[g] = block
			list.Add(v.groupRow(g, block))
		}
		b := v.checkBlock(id, name, word)
		c.rows[id] = b
		block.rows.Add(container.New(layout.NewCustomPaddedVBoxLayout(0), b.line, b.body))
		c.order = append(c.order, b.line)
	}
	return container.New(layout.NewCustomPaddedLayout(8, 0, 5, 14), list)
}

func done(s checks.Status) Row { return Row{Phase: Done, Result: checks.Result{Status: s}} }

func (v *page) groupBlock(g Group, name, word float32) *groupBlock {
	b := &groupBlock{folded: v.line(name, word), rows: container.New(layout.NewCustomPaddedVBoxLayout(0))}
	b.folded.onOpen = func() {
		v.onUnfold(g)
		v.moveLine(b.folded, 1) // it is gone
	}
	v.checks.order = append(v.checks.order, b.folded)
	b.folded.Hide()
	return b
}

// groupRow puts the group's name beside its checks.
func (v *page) groupRow(g Group, b *groupBlock) fyne.CanvasObject {
	width := float32(0)
	for _, each := range []Group{GroupNetwork, GroupRegistration, GroupSignIn, GroupMailbox, GroupDelivery} {
		width = max(width, fyne.MeasureText(groupName(each), theme.CaptionTextSize(), fyne.TextStyle{}).Width)
	}
	name := widget.NewLabel(groupName(g))
	name.SizeName = theme.SizeNameCaptionText
	name.Importance = widget.LowImportance
	label := container.NewThemeOverride(container.New(layout.NewCustomPaddedLayout(2, 0, 0, 0), container.New(columnLayout{width + 14}, name)), denseTheme{})
	return container.NewBorder(nil, nil, label, nil, container.NewStack(b.rows, b.folded))
}

func (v *page) line(name, word float32) *line {
	l := newLine(name, word)
	l.onEscape = func() { v.onEscape() }
	l.onFocus = v.follower(l)
	l.onMove = func(by int) { v.moveLine(l, by) }
	return l
}

// moveLine moves the focus to the next line that has more to tell.
func (v *page) moveLine(from *line, by int) {
	at := -1
	for i, l := range v.checks.order {
		if l == from {
			at = i
		}
	}
	for i := at + by; i >= 0 && i < len(v.checks.order); i += by {
		if l := v.checks.order[i]; l.opens() && v.shown(l) {
			v.canvas.Focus(l)
			return
		}
	}
}

// shown reports whether a line is to be seen: a folded group's are not.
func (v *page) shown(l *line) bool {
	for _, g := range v.checks.groups {
		if l == g.folded {
			return l.Visible()
		}
	}
	for id, b := range v.checks.rows {
		if b.line == l {
			return v.checks.groups[groupOf(id)].rows.Visible()
		}
	}
	return false
}

func (v *page) checkBlock(id string, name, word float32) *checkBlock {
	b := &checkBlock{line: v.line(name, word)}
	b.line.onOpen = func() { v.onToggle(id) }
	text := func() *widget.Label {
		l := widget.NewLabel("")
		l.Wrapping = fyne.TextWrapWord
		return l
	}
	b.means, b.fix = text(), text()
	b.wait = text()
	b.wait.Importance = widget.HighImportance
	b.todo, b.proof, b.takes, b.said = caption(widget.LowImportance), caption(widget.LowImportance), caption(widget.LowImportance), caption(widget.LowImportance)
	b.todo.SetText(lang.L("What to do"))
	b.proof.SetText(lang.L("Shows whether it is done"))
	b.said.SetText(lang.L("The server said"))
	b.command, b.verify, b.reply = v.code(""), v.code(""), v.code("")
	b.copyCommand = v.copyButton(lang.L("Copy command"), func() string { return b.command.Text })
	b.portal = v.button(lang.L("Open portal"), func() { v.onFollow(b.row.Result.Link) })
	b.copyAll = v.copyButton(lang.L("Copy all"), func() string { return asText(b.row) })
	b.again = v.button(lang.L("Try again"), func() { v.onAgain() })
	b.await = v.button(lang.L("Wait for it"), func() { v.onAwait() })
	b.cancel = v.button(lang.L("Stop waiting"), func() { v.onCancel() })
	b.buttons = container.New(layout.NewCustomPaddedHBoxLayout(8), b.copyCommand, b.portal, b.copyAll, b.again, b.await, b.cancel)
	near := func(o ...fyne.CanvasObject) fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedVBoxLayout(-8), o...)
	}
	b.body = container.New(layout.NewCustomPaddedLayout(0, 8, 18, 0), container.New(layout.NewCustomPaddedVBoxLayout(0),
		b.means, b.wait, b.said, indented(b.reply), near(b.todo, b.fix), b.takes, space(0, 4), indented(b.buttons), space(0, 8),
		indented(b.command), b.proof, indented(b.verify)))
	b.body.Hide()
	return b
}
