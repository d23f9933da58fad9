//go:build !darwin || cgo

package checking

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/checks"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A list is all checks, with what there is to do about them.
type list struct {
	frame  *fyne.Container // the banner and the buttons above the list
	banner *look.Banner
	check  *look.Button
	stop   *look.Button
	test   *look.Check
	scroll *look.Scroll
	groups map[Group]*groupBlock
	rows   map[string]*checkBlock
	order  []*look.Line // from top to bottom
	group  map[*look.Line]Group
}

// A groupBlock is the checks of a group, or one line for all of them.
type groupBlock struct {
	folded *look.Line
	rows   *fyne.Container // with the group's name above them
}

// A checkBlock is a check: its line and, when it is open, all there is to tell.
type checkBlock struct {
	line    *look.Line
	body    *fyne.Container
	means   *widget.Label
	wait    *widget.Label
	todo    *widget.Label
	fix     *widget.Label
	command *look.Entry
	proof   *widget.Label
	verify  *look.Entry
	takes   *widget.Label
	said    *widget.Label
	reply   *look.Entry

	copyCommand, portal, copyAll, again, await, cancel *look.Button

	row   Row // what is drawn
	drawn bool
}

// listView makes the list, below what it says as a whole.
func (s *Step) listView() fyne.CanvasObject {
	l := &list{groups: map[Group]*groupBlock{}, rows: map[string]*checkBlock{}, group: map[*look.Line]Group{}}
	s.list = l
	l.banner = look.NewBanner()
	l.check = s.kit.Button(words.Say("checks.check_setup"), s.p.check)
	l.stop = s.kit.Button(words.Say("checks.stop_checking"), s.p.stop)
	l.test = s.kit.Check(words.Say("checks.send_test_too"), s.p.withTest)
	l.scroll = s.kit.Scrolled(s.checkList)
	actions := look.Flow(l.check, l.stop, l.test)
	top := look.Rows(6, look.Indented(l.banner.Container), look.Indented(actions), look.Indented(widget.NewSeparator()))
	l.frame = container.New(layout.NewBorderLayout(top, nil, nil, nil), top, l.scroll.Scroll)
	return look.Surface(l.frame)
}

// checkList makes the list of all checks, each below its group's name.
func (s *Step) checkList() fyne.CanvasObject {
	all := look.Rows(6)
	var names, states []string
	for _, id := range checks.IDs() {
		names = append(names, checkName(id))
	}
	for _, r := range []Row{{Phase: Pending}, {Phase: Running}, {Phase: Waiting}, done(checks.Pass), done(checks.Warn), done(checks.Fail), done(checks.Skip)} {
		_, word := standing(r)
		states = append(states, word)
	}
	for _, g := range groups {
		names = append(names, groupName(g))
	}
	name, word := look.Widest(names...), look.Widest(states...)
	for _, g := range groups {
		b := s.groupBlock(g, name)
		s.list.groups[g] = b
		for _, id := range checks.IDs() {
			if groupOf(id) != g {
				continue
			}
			c := s.checkBlock(id, name, word)
			s.list.rows[id] = c
			b.rows.Add(look.Rows(0, c.line, c.body))
			s.list.order = append(s.list.order, c.line)
			s.list.group[c.line] = g
		}
		all.Add(container.NewStack(b.rows, b.folded))
	}
	return container.New(layout.NewCustomPaddedLayout(4, 4, 5, 14), all)
}

func done(s checks.Status) Row { return Row{Phase: Done, Result: checks.Result{Status: s}} }

func (s *Step) groupBlock(g Group, name float32) *groupBlock {
	b := &groupBlock{folded: s.line(name, 0)}
	head := look.Small(groupName(g))
	b.rows = look.Rows(0, container.New(layout.NewCustomPaddedLayout(-4, -6, -5, 0), head))
	b.folded.OnOpen = func() {
		s.p.unfold(g)
		s.moveLine(b.folded, 1) // it is gone
	}
	s.list.order = append(s.list.order, b.folded)
	b.folded.Hide()
	return b
}

func (s *Step) line(name, word float32) *look.Line {
	l := s.kit.Line(name, word)
	l.OnMove = func(by int) { s.moveLine(l, by) }
	return l
}

// moveLine moves the focus to the next line that has more to tell.
func (s *Step) moveLine(from *look.Line, by int) {
	at := 0
	for i, l := range s.list.order {
		if l == from {
			at = i
		}
	}
	for i := at + by; i >= 0 && i < len(s.list.order); i += by {
		if l := s.list.order[i]; l.Opens() && s.shown(l) {
			s.kit.Canvas.Focus(l)
			return
		}
	}
}

// shown reports whether a line is to be seen: a folded group's are not.
func (s *Step) shown(l *look.Line) bool {
	g, ofCheck := s.list.group[l]
	return l.Visible() && (!ofCheck || s.list.groups[g].rows.Visible())
}

func (s *Step) checkBlock(id string, name, word float32) *checkBlock {
	b := &checkBlock{line: s.line(name, word)}
	b.line.OnOpen = func() { s.p.toggle(id) }
	b.means, b.fix, b.wait = look.Text(""), look.Text(""), look.Text("")
	b.wait.Importance = widget.HighImportance
	b.todo, b.proof = look.Small(words.Say("checks.what_to_do")), look.Small(words.Say("checks.shows_whether"))
	b.takes, b.said = look.Small(""), look.Small(words.Say("checks.server_said"))
	b.command, b.verify, b.reply = s.kit.Code(""), s.kit.Code(""), s.kit.Code("")
	b.copyCommand = s.kit.CopyButton(words.Say("checks.copy_command"), func() string { return b.command.Text })
	b.portal = s.kit.Button(words.Say("checks.open_portal"), func() { s.frame.Follow(b.row.Result.Link) })
	b.copyAll = s.kit.CopyButton(words.Say("checks.copy_all"), func() string { return asText(b.row) })
	b.again = s.kit.Button(words.Say("checks.try_again"), s.p.tryAgain)
	b.await = s.kit.Button(words.Say("checks.wait_for_it"), s.p.await)
	b.cancel = s.kit.Button(words.Say("checks.stop_waiting"), s.p.stop)
	buttons := look.Flow(b.copyCommand, b.portal, b.again, b.await, b.cancel, b.copyAll)
	b.body = container.New(layout.NewCustomPaddedLayout(4, 8, 20, 3), look.Rows(0,
		look.Indented(buttons), b.wait, b.means, b.said, look.Indented(b.reply), look.Rows(-8, b.todo, b.fix), look.Indented(b.command), b.takes,
		b.proof, look.Indented(b.verify)))
	b.body.Hide()
	return b
}
