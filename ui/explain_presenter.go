package ui

import (
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/refusals"
)

// An Explanation is a text that somebody pasted, and what it means.
type Explanation struct {
	Text string
	// Of is the text that the answer is about, "" while there is no answer.
	Of string
	// Answer has the names of the account that is shown in its fixes.
	Answer refusals.Answer
	// Open is the ID of the entry of several that is shown whole, "" for none.
	Open string
}

// ask shows what a text means, as soon as that is known. While one text is
// looked at, only the latest of those that follow waits.
func (p *presenter) ask(text string) {
	p.state.Explain.Text = text
	if strings.TrimSpace(text) == "" {
		p.state.Explain = Explanation{Text: text}
	}
	p.show(p.state)
	if !p.asking {
		p.answer()
	}
}

// answer looks up the text as it is now, unless it is empty.
func (p *presenter) answer() {
	text, a := p.state.Explain.Text, p.state.Account
	if strings.TrimSpace(text) == "" {
		return
	}
	p.asking = true
	p.work.Go(func() {
		answer := named(p.explain(text), a)
		p.post(func() {
			p.asking = false
			if p.state.Explain.Text != text {
				p.answer()
				return
			}
			p.state.Explain.Of, p.state.Explain.Answer, p.state.Explain.Open = text, answer, ""
		})
	})
}

// openEntry shows the whole of an entry, or its cause alone.
func (p *presenter) openEntry(id string) {
	if p.state.Explain.Open == id {
		id = ""
	}
	p.state.Explain.Open = id
	p.show(p.state)
}

// named puts the names of an account into the fixes of an answer.
func named(answer refusals.Answer, a account.Account) refusals.Answer {
	for i, f := range answer.Findings {
		answer.Findings[i].Refusal = mailer.Named(f.Refusal, &a)
	}
	for _, all := range [][]refusals.Refusal{answer.Candidates, answer.Near} {
		for i, r := range all {
			all[i] = mailer.Named(r, &a)
		}
	}
	return answer
}

// escape gives up what is under way; on the page of the refusals it leads back
// instead, because nothing is under way there.
func (p *presenter) escape() {
	if p.state.View == ViewExplain {
		p.look(ViewAccount)
		return
	}
	p.stop()
}
