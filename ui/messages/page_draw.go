//go:build !darwin || cgo

package messages

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// draw shows a state.
func (v *Page) draw(s State) {
	if !v.visible {
		return
	}
	v.drawing = true
	defer func() { v.drawing = false }()
	v.drawFilters(s)
	v.drawNotices(s)
	for what, b := range v.actions {
		fits := s.Query.State == "" || s.Query.State == queued
		if what == mailer.Release {
			fits = s.Query.State == held
		}
		look.Show(b, what == export || fits)
		look.Enable(b, s.Job == nil && s.Stale.IsZero() && s.Total > 0)
	}

	none := s.Known && s.Total == 0
	if none {
		v.drawEmpty(s)
	}
	look.Show(v.empty, none)
	look.Show(v.card, !none)
	look.Show(v.pane.content, s.Open != "")
	if s.Open != "" {
		v.pane.tell(s)
	}
	v.arrange()
	v.refocus()
	other := s.Version != v.version
	v.version = s.Version
	v.list.tell(s.Total, s.Cursor, s.Open, len(s.Accounts) > 1)
	if other {
		v.list.scrollTo(0)
		if s.Cursor >= 0 {
			v.list.keepInSight(s.Cursor)
		}
	}
}

// A shape is what the places of the page's parts follow from.
type shape struct {
	account, clear, pane, empty bool
	top                         float32
}

// arrange puts the parts in their places when some came or went: the toolkit
// does so only for those whose least size changes, and with the next frame.
func (v *Page) arrange() {
	now := shape{v.account.Visible(), v.clear.Visible(), v.pane.content.Visible(), v.empty.Visible(), v.top.MinSize().Height}
	if now == v.shape {
		return
	}
	v.shape = now
	for _, c := range []*fyne.Container{v.body, v.top, v.fields, v.beside} {
		c.Layout.Layout(c.Objects, c.Size())
	}
	if v.p.state.Cursor >= 0 && now.pane {
		v.list.keepInSight(v.p.state.Cursor)
	}
}

// A stop of the focus is there as long as an object is visible.
type stop struct {
	of fyne.Focusable
	in fyne.CanvasObject
}

// refocus moves the focus on when what it was at has gone.
func (v *Page) refocus() {
	at := v.frame.Window.Canvas().Focused()
	for _, s := range v.stops {
		if at == s.of && !s.in.Visible() {
			v.home()
			return
		}
	}
	for _, b := range v.pane.actions {
		if at == b && !b.Visible() && v.pane.content.Visible() {
			v.frame.Window.Canvas().Focus(v.pane.copyAll)
		}
	}
}

func (v *Page) drawFilters(s State) {
	look.SetEntry(v.search, s.Query.Text)
	v.state.Set(slices.Index(v.p.kind.States(), s.Query.State) + 1)
	if !slices.Equal(v.accounts, s.Accounts) {
		v.accounts = s.Accounts
		v.account.Options = append([]string{words.Say("messages.any_account")}, s.Accounts...)
		v.account.Refresh()
	}
	v.account.Set(slices.Index(v.accounts, s.Query.Account) + 1)
	look.Show(v.account, len(s.Accounts) > 1 || s.Query.Account != "")
	look.Show(v.clear, s.Query != Query{})
	switch {
	case s.Loading:
		v.count.SetText(words.Say("messages.searching"))
	case s.Known:
		v.count.SetText(words.Count("messages.count", s.Total))
	}
}

func (v *Page) drawNotices(s State) {
	if s.Err == nil {
		v.failed.hide()
	} else {
		v.failed.tell(look.Error, words.Say("messages.list_failed"), s.Err, words.Say("messages.read_again"))
	}
	switch {
	case s.Job != nil:
		v.drawJob(s.Job)
	case s.Result != nil:
		v.drawResult(s.Result)
	default:
		v.job.hide()
	}
	v.news.tell(s.News)
}

func (v *Page) drawJob(j *Job) {
	what := words.Say("messages.job_" + string(j.What))
	stop := words.Say("messages.stop_" + string(j.What))
	switch {
	case j.Counting:
		what, stop = words.Say("messages.job_counting"), words.Say("messages.stop_counting")
	case j.Of > 0:
		what = words.Say("messages.job_of", words.Data{"Job": what, "Done": words.Number(j.Done), "Of": words.Number(j.Of)})
	}
	v.job.say(look.Working, what, "", "", stop)
}

func (v *Page) drawResult(r *Result) {
	id, hide := string(r.What), words.Say("messages.dismiss")
	switch {
	case r.Err != nil:
		v.job.tell(look.Error, words.Say("messages.failed_"+id), r.Err, hide)
	case r.None:
		v.job.say(look.Skipped, words.Say("messages.none_"+id), "", "", hide)
	case r.Stopped:
		v.job.say(look.Skipped, words.Count("messages.stopped_"+id, r.Done), "", "", hide)
	default:
		v.job.say(look.OK, words.Count("messages.done_"+id, r.Done, words.Data{"Name": r.Name}), "", "", hide)
	}
}

// drawEmpty says why there is no row: there is nothing, or nothing that the
// query chooses, and which part of it to do without.
func (v *Page) drawEmpty(s State) {
	q := s.Query
	if v.emptyOf != nil && *v.emptyOf == q || s.Loading {
		return
	}
	v.emptyOf = &q
	if q == (Query{}) {
		id := string(v.p.kind)
		v.empty.Objects = []fyne.CanvasObject{look.Empty(words.Say("messages.empty_"+id), words.Say("messages.empty_"+id+"_then"))}
		v.empty.Refresh()
		return
	}
	var filters []string
	var ways []fyne.CanvasObject
	way := func(text string, do func()) {
		ways = append(ways, v.kit.Button(text, func() {
			do()
			v.frame.Window.Canvas().Focus(v.search)
		}))
	}
	if q.Text != "" {
		short, _ := shorten(q.Text, 24, false, func(rune) float32 { return 1 })
		way(words.Say("messages.clear_text", words.Data{"Text": short}), func() { v.search.SetText("") })
	}
	if q.State != "" {
		filters = append(filters, words.Say("messages.filter_state", words.Data{"State": stateWord(q.State, false, 0)}))
		way(words.Say("messages.clear_state"), func() { v.p.narrow("", v.p.state.Query.Account) })
	}
	if q.Account != "" {
		filters = append(filters, words.Say("messages.filter_account", words.Data{"Account": q.Account}))
		way(words.Say("messages.clear_account"), func() { v.p.narrow(v.p.state.Query.State, "") })
	}
	key := "messages.nothing_found_both"
	switch {
	case len(filters) == 0:
		key = "messages.nothing_found_text"
	case q.Text == "":
		key = "messages.nothing_found_filter"
	}
	then := words.Say(key, words.Data{"Text": q.Text, "Filters": words.List(filters)})
	v.empty.Objects = []fyne.CanvasObject{look.Empty(words.Say("messages.nothing_found"), then, ways...)}
	v.empty.Refresh()
}

// ask asks before a change, in the words for one message or for many.
func (v *Page) ask(q Ask, yes func()) {
	id := "messages.ask_" + string(q.What)
	then := words.Say(id + "_then")
	if q.Unknown {
		then = words.Say(id + "_unknown")
	}
	if q.Left > 0 {
		then += " " + words.Count("messages.ask_release_left", q.Left)
	}
	look.Ask(v.frame.Window.Canvas(), look.Question{
		What: words.Count(id, q.N), Then: then,
		Do: words.Count(id+"_do", q.N), Keep: words.Count(id+"_keep", q.N),
		Dangerous: q.What == mailer.Drop,
	}, yes)
}

// A countLabel is a caption at the right of its room.
type countLabel struct{ widget.Label }

func newCountLabel() *countLabel {
	l := &countLabel{}
	l.ExtendBaseWidget(l)
	l.Alignment, l.Importance, l.SizeName = fyne.TextAlignTrailing, widget.LowImportance, theme.SizeNameCaptionText
	return l
}
