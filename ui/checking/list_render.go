//go:build !darwin || cgo

package checking

import (
	"slices"

	"fyne.io/fyne/v2/widget"

	"traymail/internal/checks"
	"traymail/ui/look"
	"traymail/ui/words"
)

// renderList draws the checks.
func (s *Step) renderList(was, is State) {
	l, busy := s.list, is.Run.Active
	before := l.banner.Container.MinSize()
	l.banner.Tell(headlineOf(is))
	higher := l.banner.Container.MinSize() != before
	label := words.Say("checks.check_setup")
	if is.Checks.Begun() {
		label = words.Say("checks.check_again")
	}
	if l.check.Text != label {
		l.check.SetText(label)
	}
	importance := widget.HighImportance
	if is.Ready() { // the next step is somewhere else
		importance = widget.MediumImportance
	}
	if l.check.Importance != importance {
		l.check.Importance = importance
		l.check.Refresh()
	}
	look.Enable(l.stop, !is.Run.Cancelling)
	look.Show(l.check, !busy)
	look.Show(l.stop, busy)
	l.test.Set(!is.Checks.NoSend)
	look.Enable(l.test, !busy)

	for g, b := range l.groups {
		folded := is.Checks.Folded(g)
		if folded {
			at, text := standingOf(is.Checks.Of(g))
			b.folded.Tell(at, groupName(g), "", text, true, false)
		}
		look.Show(b.folded, folded)
		look.Show(b.rows, !folded)
	}
	awaitable := is.Checks.Awaitable()
	for _, r := range is.Checks.Rows {
		s.renderCheck(l.rows[r.ID], r, is, r.ID == awaitable)
	}
	if higher {
		l.frame.Refresh() // or the buttons stay where they were, over its second line
	}
	if !slices.Equal(was.Checks.Unfolded, is.Checks.Unfolded) || !slices.Equal(opened(was.Checks), opened(is.Checks)) || was.Run.Active != is.Run.Active || was.Name != is.Name {
		l.scroll.Arrange()
	}
}

// opened are the checks that are shown whole.
func opened(c Checks) []string {
	var all []string
	for _, r := range c.Rows {
		if r.Open {
			all = append(all, r.ID)
		}
	}
	return all
}

// renderCheck draws one check. awaitable says that it can be waited for.
func (s *Step) renderCheck(b *checkBlock, r Row, is State, awaitable bool) {
	busy, res := is.Run.Active, r.Result
	failed := res.Status == checks.Fail
	if !b.drawn || b.row != r {
		b.row, b.drawn = r, true
		at, word := standing(r)
		found := ""
		if r.Phase == Done || r.Phase == Waiting || r.toMend() {
			found = summaryOf(res)
		}
		more := res.Detail+res.Fix+res.Link+res.Command+res.Reply != ""
		b.line.Found.Importance = widget.MediumImportance
		if r.Phase == Pending || r.Phase == Running || res.Status == checks.Skip {
			b.line.Found.Importance = widget.LowImportance
		}
		b.line.Tell(at, checkName(r.ID), word, found, more, r.Open)
		look.Show(b.body, more && r.Open)
		look.SetText(b.means, words.Sentence(res.Detail))
		look.SetText(b.fix, words.Sentence(res.Fix))
		look.Show(b.todo, res.Fix != "")
		look.SetCode(b.command, res.Command)
		look.SetCode(b.verify, res.Verify)
		look.SetCode(b.reply, res.Reply)
		look.Show(b.proof, res.Verify != "")
		look.Show(b.said, res.Reply != "")
		takes := ""
		if res.Takes != "" {
			takes = words.Say("checks.takes", words.Data{"Takes": words.Said(res.Takes)})
		}
		look.SetText(b.takes, takes)
		look.Show(b.copyCommand, res.Command != "")
		look.Show(b.portal, res.Link != "")
	}
	waits := ""
	if res.Waiting != nil {
		waits = waitText(*res.Waiting, is.Checks.Now)
	}
	look.SetText(b.wait, waits)
	look.Show(b.again, failed && !busy)
	look.Show(b.await, failed && awaitable && !busy)
	look.Show(b.cancel, r.Phase == Waiting)
	look.Enable(b.cancel, !is.Run.Cancelling)
}
