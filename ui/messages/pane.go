//go:build !darwin || cgo

package messages

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/mailer"
	"traymail/ui/desk"
	"traymail/ui/look"
	"traymail/ui/words"
)

const factWidth = 118 // of the facts' names

// A pane shows all that is known of one message, beside the list.
type pane struct {
	content fyne.CanvasObject

	kit    *look.Kit
	frame  look.Frame
	now    func() time.Time
	change func(mailer.Change)

	shape   *widget.Icon
	state   *widget.Label
	subject *widget.Label
	close   *look.Button
	unknown *widget.Label
	actions map[mailer.Change]*look.Button
	copyAll *look.Button
	failed  *notice
	parts   *fyne.Container
	scroll  *look.Scroll

	record *mailer.Record // that is drawn
	drawn  string         // what it says
	stops  []fyne.Focusable
}

func newPane(k *look.Kit, f look.Frame, now func() time.Time, change func(mailer.Change), leave func()) *pane {
	d := &pane{kit: k, frame: f, now: now, change: change, actions: map[mailer.Change]*look.Button{}}
	d.shape = widget.NewIcon(nil)
	d.state = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	d.close = k.Button(words.Say("messages.close"), leave)
	d.subject = look.Strong("")
	d.unknown = look.Text("")
	row := look.Row()
	for _, what := range []mailer.Change{mailer.Retry, mailer.Release, mailer.Hold, mailer.Drop} {
		b := k.Button(words.Say("messages.change_"+string(what)), func() { change(what) })
		d.actions[what] = b
		row.Add(b)
	}
	d.copyAll = k.CopyButton(words.Say("messages.copy_all"), func() string { return whole(d.record, d.now()) })
	row.Add(d.copyAll)
	d.failed = newNotice(k, nil)
	sign := container.NewVBox(look.Space(0, 6), look.Sized(18, d.shape))
	top := container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0),
		container.NewBorder(nil, nil, sign, container.NewVBox(d.close), d.state))
	head := look.Rows(0, top, d.subject, d.unknown, look.Indented(row), d.failed.box)
	d.parts = look.Rows(-4)
	d.scroll = k.Scrolled(func() fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedLayout(4, 8, 0, 12), d.parts)
	})
	d.content = look.Surface(container.New(layout.NewBorderLayout(head, nil, nil, nil), head, d.scroll.Scroll))
	return d
}

// tell shows the message of the state; it has one.
func (d *pane) tell(s State) {
	rec := s.Record
	switch {
	case s.RecordErr != nil:
		d.blank(look.Error, words.Say("messages.record_failed"))
		d.failed.tell(look.Error, "", s.RecordErr, "")
		return
	case rec == nil:
		d.blank(look.Working, words.Say("messages.reading"))
		d.failed.hide()
		return
	}
	if s.ChangeErr != nil {
		d.failed.tell(look.Error, words.Say("messages.change_failed"), s.ChangeErr, "")
	} else {
		d.failed.hide()
	}
	look.SetSign(d.shape, d.state, levelOf(rec.State, rec.Unknown, rec.LastAttempt))
	look.SetLabel(d.state, stateWord(rec.State, rec.Unknown, rec.LastAttempt))
	look.SetText(d.subject, cmp.Or(rec.Subject, words.Say("messages.no_subject")))
	unknown := ""
	if rec.State == held && rec.Unknown {
		unknown = words.Say("messages.unknown", words.Data{"Sender": cmp.Or(rec.From, rec.Account)})
	}
	look.SetText(d.unknown, unknown)
	can := offers(rec)
	for what, b := range d.actions {
		look.Show(b, slices.Contains(can, what))
		look.Enable(b, s.Changing == "" && rec.ID == s.Open)
		importance := widget.MediumImportance
		if len(can) > 0 && what == can[0] && !rec.Unknown {
			importance = widget.HighImportance
		}
		if b.Importance != importance {
			b.Importance = importance
			b.Refresh()
		}
	}
	look.Show(d.copyAll, true)
	other := d.record == nil || d.record.ID != rec.ID
	d.record = rec
	if text := whole(rec, d.now()); text != d.drawn {
		d.drawn = text
		d.draw(rec)
		if other {
			d.scroll.ScrollToTop()
		}
	}
}

// blank shows no message, and why.
func (d *pane) blank(at look.Level, what string) {
	look.SetSign(d.shape, d.state, at)
	look.SetLabel(d.state, what)
	look.SetText(d.subject, "")
	look.SetText(d.unknown, "")
	for _, b := range d.actions {
		look.Show(b, false)
	}
	look.Show(d.copyAll, false)
	d.record, d.drawn, d.stops = nil, "", nil
	d.parts.RemoveAll()
}

// draw fills the pane's lower part. The focus stays at the text it was at.
func (d *pane) draw(rec *mailer.Record) {
	at := slices.Index(d.stops, d.kit.Canvas.Focused())
	d.parts.RemoveAll()
	d.stops = nil
	now := d.now()
	d.kit.Within(d.scroll, func() {
		d.title(words.Say("messages.recipients"))
		for _, g := range groups(rec) {
			d.group(rec, g, now)
		}
		d.title(words.Say("messages.attempts"))
		if len(rec.Attempts) == 0 {
			d.parts.Add(look.Text(words.Say("messages.no_attempts")))
		}
		for _, a := range slices.Backward(rec.Attempts) {
			d.attempt(a, now)
		}
		d.title(words.Say("messages.title_facts"))
		for _, f := range facts(rec, now) {
			d.parts.Add(factLine(f))
		}
	})
	d.scroll.Refresh()
	if at >= 0 && at < len(d.stops) {
		d.kit.Canvas.Focus(d.stops[at])
	}
}

func (d *pane) title(text string) {
	l := widget.NewLabelWithStyle(text, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	d.parts.Add(look.Space(0, 8))
	d.parts.Add(l)
}

// group shows recipients that stand the same: how, who, and what was said.
func (d *pane) group(rec *mailer.Record, g group, now time.Time) {
	at := levels[g.key(rec)]
	if g.state == queued && rec.State == queued && g.tries > 0 {
		at = levels["waiting"]
	}
	shape, head := widget.NewIcon(nil), look.Text(g.head(rec, now))
	look.SetSign(shape, head, at)
	d.parts.Add(signed(shape, head))
	who := look.Text(strings.Join(g.addresses, "\n"))
	d.parts.Add(container.New(layout.NewCustomPaddedLayout(-8, 0, 28, 0), who))
	if g.reply == "" {
		return
	}
	d.code(said(g.reply))
	if g.state == delivered {
		return
	}
	ask := d.kit.Button(words.Say("messages.explain"), func() {
		d.frame.Open(desk.Place{Page: desk.Explain, Text: g.reply, Account: rec.Account})
	})
	d.stops = append(d.stops, ask)
	d.parts.Add(container.New(layout.NewCustomPaddedLayout(8, 8, 36, 0), container.NewHBox(ask)))
}

// attempt shows when it was, what was said, and what to look it up by.
func (d *pane) attempt(a mailer.Attempt, now time.Time) {
	shape, head := widget.NewIcon(nil), look.Text(attemptHead(a, now))
	look.SetSign(shape, head, outcomes[a.Outcome])
	head.Importance = widget.MediumImportance
	d.parts.Add(signed(shape, head))
	if a.Reply != "" {
		d.code(said(a.Reply))
	}
	if foot := attemptFoot(a); foot != "" {
		l := look.Small(foot)
		d.parts.Add(container.New(layout.NewCustomPaddedLayout(0, 0, 28, 0), l))
	}
}

// outcomes are the signs of how attempts ended; one under way has no outcome.
var outcomes = map[string]look.Level{
	"": look.Working, "delivered": look.OK, "refused": look.Error, "retry": look.Waiting, "partly": look.Attention,
	"paused": look.Paused, "held": look.Attention, "unknown": look.Attention,
}

// code shows a reply verbatim, to be selected from.
func (d *pane) code(text string) {
	e := d.kit.Code(text)
	d.stops = append(d.stops, e)
	d.parts.Add(container.New(layout.NewCustomPaddedLayout(2, 6, 36, 0), e))
}

func signed(shape *widget.Icon, what *widget.Label) fyne.CanvasObject {
	sign := container.NewVBox(look.Space(0, 7), look.Sized(16, shape))
	return container.New(layout.NewCustomPaddedLayout(0, 0, 8, 0), container.NewBorder(nil, nil, sign, nil, what))
}

// factLine shows a detail: its name small and muted before it.
func factLine(f fact) fyne.CanvasObject {
	name, value := look.Small(f.name), widget.NewLabel(f.value)
	value.Wrapping = fyne.TextWrapWord
	value.SizeName = theme.SizeNameCaptionText
	return container.New(factLayout{}, name, value)
}

// A factLayout puts a name of a fixed width before its value.
type factLayout struct{}

func (factLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(factWidth, o[0].MinSize().Height))
	o[1].Move(fyne.NewPos(factWidth, 0))
	o[1].Resize(fyne.NewSize(max(0, s.Width-factWidth), s.Height))
}

func (factLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(factWidth+60, max(o[0].MinSize().Height, o[1].MinSize().Height))
}
