//go:build !darwin || cgo

package setup

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"traymail/internal/setup"
	"traymail/ui/look"
	"traymail/ui/words"
)

// A methodPart is the step in which the way to send is chosen.
type methodPart struct {
	cards   map[string]*look.Choice // by card
	guides  map[string]*look.Choice
	graph   *fyne.Container // who signs in to Microsoft Graph
	graphAs *look.Select
	ofGraph []string // its methods
}

func (p *Page) buildMethod() fyne.CanvasObject {
	m := &p.method
	m.cards, m.guides = map[string]*look.Choice{}, map[string]*look.Choice{}
	return p.kit.Scrolled(func() fyne.CanvasObject {
		cards := container.New(grid{2, 10})
		var asGraph []string
		for _, method := range setup.Methods() {
			if method.Card == setup.GraphCard {
				m.ofGraph = append(m.ofGraph, method.ID)
				asGraph = append(asGraph, words.Say("setup.method_"+keyOf(method.ID)+"_title"))
			}
			if m.cards[method.Card] != nil {
				continue
			}
			card := p.kit.Choice(words.Say("setup.card_"+keyOf(method.Card)+"_title"), words.Say("setup.card_"+keyOf(method.Card)+"_when"), func() { p.pick(method) })
			card.OnEnter = p.p.next
			m.cards[method.Card] = card
			cards.Add(card)
		}
		m.graphAs = p.kit.Select(asGraph, func(i int) { p.p.choose(m.ofGraph[i]) })
		m.graph = container.NewBorder(nil, nil, widget.NewLabel(words.Say("setup.graph_as")), nil, m.graphAs)
		m.graph.Hide()
		guides := container.New(grid{5, 8})
		for _, g := range setup.Guides() {
			card := p.kit.Choice(g.Name, "", func() { p.p.followGuide(g.ID) })
			card.OnEnter = p.p.next
			m.guides[g.ID] = card
			guides.Add(card)
		}
		lead := look.Rows(-10, look.Strong(words.Say("setup.guide_title")), look.Text(words.Say("setup.guide_when")))
		return inset(look.Rows(8, look.Text(words.Say("setup.method_lead")), cards, m.graph, lead, guides))
	}).Scroll
}

// pick chooses a card's first method, unless another one of the card is chosen.
func (p *Page) pick(m setup.Method) {
	if now, _ := setup.MethodByID(p.last.Draft.Method); now.Card != m.Card || p.last.Draft.Guide != "" {
		p.p.choose(m.ID)
	}
}

func (m *methodPart) tell(s State) {
	method, _ := setup.MethodByID(s.Draft.Method)
	for card, c := range m.cards {
		c.Select(card == method.Card)
	}
	for id, c := range m.guides {
		c.Select(id == s.Draft.Guide)
	}
	look.Show(m.graph, method.Card == setup.GraphCard)
	for i, id := range m.ofGraph {
		if id == method.ID {
			m.graphAs.Set(i)
		}
	}
}

// chosen is where the keyboard goes on.
func (m *methodPart) chosen(s State) fyne.Focusable {
	if c := m.guides[s.Draft.Guide]; c != nil {
		return c
	}
	method, _ := setup.MethodByID(s.Draft.Method)
	if c := m.cards[method.Card]; c != nil {
		return c
	}
	return nil
}

// inset leaves room for rings of the focus and the scroll bar.
func inset(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(4, 4, 6, 10), o)
}
