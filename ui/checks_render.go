//go:build !darwin || cgo

package ui

import (
	"slices"

	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/checks"
)

// renderChecks draws the page of the checks.
func (v *page) renderChecks(s State) {
	c, busy := v.checks, s.Activity != Idle
	h := checksHeadline(s)
	sign(c.shape, c.what, h)
	texts(c.what, h.what)
	texts(c.then, h.then)

	label := lang.L("Check setup")
	if s.Checks.Begun() {
		label = lang.L("Check again")
	}
	if c.check.Text != label {
		c.check.SetText(label)
	}
	enable(c.check, s.CanCheck())
	enable(c.stop, !s.Cancelling)
	show(c.check, !busy)
	show(c.stop, busy)
	if on := !s.Checks.NoSend; c.test.Checked != on {
		c.test.SetChecked(on)
	}
	enable(c.test, !busy)

	for g, b := range c.groups {
		folded := s.Checks.Folded(g)
		if folded {
			at, text := standingOf(s.Checks.Of(g))
			b.folded.tell(at, groupChecks(s.Checks.Of(g)), "", text, true, false)
		}
		show(b.folded, folded)
		show(b.rows, !folded)
	}
	awaitable := s.Checks.Awaitable()
	for _, r := range s.Checks.Rows {
		v.renderCheck(c.rows[r.ID], r, s, r.ID == awaitable)
	}
	if was := c.was; !slices.Equal(was.Unfolded, s.Checks.Unfolded) || !slices.Equal(opened(was), opened(s.Checks)) {
		c.scroll.arrange()
	}
	c.was = s.Checks
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
func (v *page) renderCheck(b *checkBlock, r Row, s State, awaitable bool) {
	busy := s.Activity != Idle
	res := r.Result
	failed := res.Status == checks.Fail
	if !b.drawn || b.row != r {
		b.row, b.drawn = r, true
		at, word := standing(r)
		found := ""
		if r.Phase == Done || r.Phase == Waiting || r.toMend() {
			found = sentence(res.Summary)
		}
		more := res.Detail+res.Fix+res.Link+res.Command+res.Reply != ""
		b.line.found.Importance = widget.MediumImportance
		if r.Phase == Pending || r.Phase == Running || res.Status == checks.Skip {
			b.line.found.Importance = widget.LowImportance
		}
		b.line.tell(at, checkName(r.ID), word, found, more, r.Open)
		show(b.body, more && r.Open)
		texts(b.means, sentence(res.Detail))
		texts(b.fix, sentence(res.Fix))
		show(b.todo, res.Fix != "")
		codes(b.command, res.Command)
		codes(b.verify, res.Verify)
		codes(b.reply, res.Reply)
		show(b.proof, res.Verify != "")
		show(b.said, res.Reply != "")
		label(b.takes, lang.L("It usually takes effect: {{.Takes}}", words{"Takes": res.Takes}))
		show(b.takes, res.Takes != "")
		show(b.copyCommand, res.Command != "")
		show(b.portal, res.Link != "")
	}
	if res.Waiting != nil {
		label(b.wait, waitLine(*res.Waiting, s.Checks.Now))
	}
	show(b.wait, res.Waiting != nil)
	show(b.again, failed && !busy)
	show(b.await, failed && awaitable && !busy)
	show(b.cancel, r.Phase == Waiting)
	enable(b.cancel, !s.Cancelling)
}

// moveChecksFocus puts the focus where the next key belongs on the page of the
// checks.
func (v *page) moveChecksFocus(was, is State) {
	switch {
	case was.View != ViewChecks, was.Activity == Idle && is.Activity != Idle:
		if is.Activity == Idle {
			v.canvas.Focus(v.checks.check)
		} else {
			v.canvas.Focus(v.checks.stop)
		}
	case was.Activity != Idle && is.Activity == Idle:
		v.canvas.Focus(v.checks.check)
		v.checks.scroll.ScrollToTop()
		if failed := is.Checks.Failed(); len(failed) > 0 {
			v.canvas.Focus(v.checks.rows[failed[0].ID].line)
			v.reveal(failed[0].ID)
		}
	}
	if len(was.Checks.In(Waiting)) == 0 {
		for _, r := range is.Checks.In(Waiting) {
			v.reveal(r.ID)
		}
	}
}

// reveal scrolls so that as much as possible of an open check is in sight.
func (v *page) reveal(id string) {
	b, below := v.checks.rows[id], float32(0)
	v.checks.scroll.arrange()
	if b.body.Visible() {
		below = b.body.Size().Height
	}
	v.checks.scroll.keepInSight(b.line, below)
}

func texts(l *widget.Label, text string) {
	label(l, text)
	show(l, text != "")
}

func codes(e *entry, text string) {
	setText(e, text)
	show(e, text != "")
}
