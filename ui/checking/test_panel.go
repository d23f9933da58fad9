//go:build !darwin || cgo

package checking

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/checks"
	"traymail/internal/mailer"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A testPanel sends the test email and keeps what became of it.
type testPanel struct {
	to   *look.Entry
	send *look.Button
	stop *look.Button
	why  *widget.Label // why none can be sent

	outcome *fyne.Container
	note    *look.Note
	said    *widget.Label // whose words they are
	reply   *look.Entry
	refused *widget.Label
	each    *look.Entry
	todo    *widget.Label
	fix     *look.Entry
	facts   *widget.Label
	message *widget.Label
	id      *look.Entry
	copyAll *look.Button
}

// testView makes the panel.
func (s *Step) testView() fyne.CanvasObject {
	t := &testPanel{}
	s.test = t
	t.to = s.kit.LongEntry()
	t.to.OnChanged = s.p.address
	t.to.OnSubmitted = func(string) { s.p.sendTest() }
	t.send = s.kit.Button(words.Say("checks.send_test"), s.p.sendTest)
	t.stop = s.kit.Button(words.Say("checks.stop_sending"), s.p.stopTest)
	t.why = look.Small("")

	t.note = look.NewNote()
	t.said, t.refused, t.todo = look.Small(""), look.Small(words.Say("checks.refused")), look.Small(words.Say("checks.what_to_do"))
	t.facts, t.message = look.Small(""), look.Small(words.Say("checks.message_id"))
	t.reply, t.each, t.fix, t.id = s.kit.Code(""), s.kit.Code(""), s.kit.ReadOnly(), s.kit.Code("")
	t.copyAll = s.kit.CopyButton(words.Say("checks.copy_all"), func() string { return testText(s.drawn.Test) })
	t.outcome = look.Rows(0, t.note.Container, t.said, look.Indented(t.reply), t.refused, look.Indented(t.each),
		t.todo, look.Indented(t.fix), t.message, look.Indented(t.id), t.facts, look.Space(0, 4), look.Indented(look.Flow(t.copyAll)))
	return look.Rows(4, look.Strong(words.Say("checks.test_title")), look.Rows(-6, caption("checks.test_to"), look.Indented(t.to)),
		look.Space(0, 0), look.Indented(look.Flow(t.send, t.stop)), t.why, t.outcome)
}

// renderTest draws the panel.
func (s *Step) renderTest(is State) {
	t, m := s.test, is.Test
	look.SetEntry(t.to, m.To)
	look.Enable(t.to, !m.Active)
	look.Enable(t.send, is.CanTest())
	look.Enable(t.stop, !m.Cancelling)
	look.Show(t.send, !m.Active)
	look.Show(t.stop, m.Active)
	why := ""
	switch {
	case is.Unread != nil:
		why = words.Sentence(is.Unread.Error())
	case is.Known && !is.Complete:
		why = words.Say("checks.test_after_sign_in")
	}
	look.SetText(t.why, why)

	h, ok := testHeadline(m)
	look.Show(t.outcome, ok)
	if !ok {
		return
	}
	t.note.Tell(h)
	o := outcomeOf(m)
	look.SetText(t.said, o.whose)
	look.SetCode(t.reply, o.said)
	look.Show(t.refused, len(o.refused) > 0)
	look.SetCode(t.each, strings.Join(o.refused, "\n"))
	look.Show(t.todo, o.fix != "")
	look.SetCode(t.fix, o.fix)
	look.Show(t.message, o.id != "")
	look.SetCode(t.id, o.id)
	look.SetText(t.facts, o.facts)
	look.Show(t.copyAll, !m.Active)
}

// testHeadline says what became of the test email, and whether there is anything
// to say.
func testHeadline(t Test) (look.Headline, bool) {
	to := words.Data{"To": t.At, "Elapsed": words.Watch(t.Elapsed)}
	switch {
	case t.Cancelling:
		return look.Headline{Level: look.Working, What: words.Say("checks.test_sending"), Then: words.Say("checks.stopping")}, true
	case t.Active:
		return look.Headline{Level: look.Working, What: words.Say("checks.test_sending"), Then: words.Say("checks.test_sending_then", to)}, true
	case t.ByChecks != nil && (t.ByChecks.Status == checks.Fail || t.ByChecks.Finding == "unknown-outcome"):
		at := look.Error
		if t.ByChecks.Status != checks.Fail {
			at = look.Attention
		}
		return look.Headline{Level: at, What: summaryOf(*t.ByChecks), Then: words.Say("checks.test_by_checks")}, true
	case t.ByChecks != nil:
		return look.Headline{Level: look.OK, What: words.Sentence(t.ByChecks.Summary), Then: words.Sentence(t.ByChecks.Detail)}, true
	case !t.Done:
		return look.Headline{}, false
	case t.Stopped:
		return look.Headline{Level: look.Attention, What: words.Say("checks.test_stopped"), Then: words.Say("checks.test_stopped_then")}, true
	case t.Err != nil && strings.Contains(t.Err.Error(), "outcome unknown, the message may"): // as SMTP and Graph word it, also from another process
		return look.Headline{Level: look.Attention, What: words.Say("checks.test_unknown"), Then: words.Say("checks.test_unknown_then", to)}, true
	case t.Err != nil:
		return look.Headline{Level: look.Error, What: words.Say("checks.test_failed")}, true
	case len(t.Delivery.Refused) > 0 && len(t.Delivery.Accepted) == 0:
		return look.Headline{Level: look.Error, What: words.Say("checks.test_failed")}, true
	case len(t.Delivery.Refused) > 0:
		return look.Headline{Level: look.Attention, What: words.Say("checks.test_some"), Then: words.Say("checks.test_some_then", words.Data{"To": words.List(t.Delivery.Accepted)})}, true
	}
	return look.Headline{Level: look.OK, What: words.Say("checks.test_accepted"), Then: words.Say("checks.test_accepted_then", words.Data{"To": words.List(t.Delivery.Accepted)})}, true
}

// An outcome is what is known of a test email, beside its headline.
type outcome struct {
	whose, said string // the server's words, or the error's
	refused     []string
	fix         string
	id, facts   string
}

func outcomeOf(t Test) (o outcome) {
	switch d := t.Delivery; {
	case t.Active || t.Stopped:
	case t.ByChecks != nil:
		o.whose, o.said = words.Say("checks.server_said"), t.ByChecks.Reply
	case t.Err != nil:
		o.whose, o.said, o.fix = words.Say("checks.what_happened"), words.Said(t.Err.Error()), words.Sentence(mailer.Fix(t.Err))
	case t.Done:
		o.whose, o.said, o.id = words.Say("checks.server_said"), d.Reply, d.MessageID
		for _, r := range d.Refused {
			o.refused = append(o.refused, r.Recipient+": "+r.Reply)
		}
		for _, w := range d.Warnings {
			o.fix = strings.TrimSpace(o.fix + "\n" + words.Sentences(w.Text, w.Fix))
		}
		o.facts = words.Say("checks.test_facts", words.Data{"TLS": d.TLS, "Milliseconds": words.Number(int(t.Elapsed.Milliseconds())), "Turns": words.Count("checks.turns", d.RoundTrips)})
	}
	if o.said == "" {
		o.whose = ""
	}
	return o
}

// testText is all that is known of a test email, to be sent to somebody.
func testText(t Test) string {
	h, _ := testHeadline(t)
	o := outcomeOf(t)
	lines := []string{h.What}
	for _, part := range append([]string{h.Then, o.whose, o.said}, o.refused...) {
		if part != "" {
			lines = append(lines, part)
		}
	}
	for _, part := range []string{o.fix, o.id, o.facts} {
		if part != "" {
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}
