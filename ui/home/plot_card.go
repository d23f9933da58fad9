//go:build !darwin || cgo

package home

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"traymail/ui/look"
	"traymail/ui/words"
)

// A plotCard is the plot with its title, its spans, its legend and its words.
type plotCard struct {
	*look.Card
	spans  []*look.Button
	plot   *plot
	says   *widget.Label
	legend *legend
	failed *look.Entry

	summary, chosen string
}

func newPlotCard(k *look.Kit, choose func(Span)) *plotCard {
	c := &plotCard{says: look.Text(""), failed: k.ReadOnly(), legend: newLegend()}
	spans := look.Row()
	for span, name := range []string{words.Say("home.span_hour"), words.Say("home.span_day"), words.Say("home.span_month")} {
		b := k.Button(name, func() { choose(Span(span)) })
		c.spans = append(c.spans, b)
		spans.Add(b)
	}
	c.plot = newPlot(c.tell, k.Escape)
	c.plot.follow = k.Follow(c.plot)
	title := look.Strong(words.Say("home.plot"))
	title.Wrapping = fyne.TextWrapOff
	head := container.NewBorder(nil, nil, container.NewHBox(title, c.legend), container.NewVBox(spans))
	c.Card = look.Surface(look.Rows(6, head, look.Indented(c.failed), look.Indented(c.plot), c.says))
	return c
}

func (c *plotCard) draw(p Plot) {
	for span, b := range c.spans {
		if plain := Span(span) != p.Span; b.Plain != plain { // the chosen one has a line around it
			b.Plain = plain
			b.Refresh()
		}
	}
	c.summary = p.Summary
	c.plot.Set(p.Bars)
	failed := ""
	if p.Failed != "" {
		failed = words.Say("home.plot_failed") + ". " + p.Failed
	}
	look.SetCode(c.failed, failed)
}

// tell shows what the chosen bar says or, when none is chosen, the sum.
func (c *plotCard) tell(chosen string) {
	c.chosen = chosen
	if chosen == "" {
		chosen = c.summary
	}
	look.SetLabel(c.says, chosen)
}

// A legend shows the three ways to draw with their words.
type legend struct {
	widget.BaseWidget
	content *fyne.Container
	signs   [3]*canvas.Rectangle
}

func newLegend() *legend {
	l := &legend{content: container.NewHBox()}
	axis := func(r *canvas.Rectangle, below bool) fyne.CanvasObject {
		if below { // it hangs below the axis
			return container.New(layout.NewCustomPaddedLayout(9, 0, 0, 0), r)
		}
		return r
	}
	for i, name := range []string{words.Say("home.accepted"), words.Say("home.plot_delivered"), words.Say("home.plot_refused")} {
		l.signs[i] = canvas.NewRectangle(color.Transparent)
		height := float32(12)
		if i == 2 {
			height = 5
		}
		l.signs[i].SetMinSize(fyne.NewSize(8, height))
		text := look.Small(name)
		text.Wrapping = fyne.TextWrapOff
		l.content.Add(container.NewHBox(look.Space(4, 0), container.NewCenter(axis(l.signs[i], i == 2)), text))
	}
	l.ExtendBaseWidget(l)
	return l
}

func (l *legend) CreateRenderer() fyne.WidgetRenderer {
	r := &legendRenderer{widget.NewSimpleRenderer(l.content), l}
	r.Refresh()
	return r
}

type legendRenderer struct {
	fyne.WidgetRenderer
	legend *legend
}

// Refresh takes over the theme's colours.
func (r *legendRenderer) Refresh() {
	th, v := r.legend.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	s := r.legend.signs
	s[0].StrokeColor, s[0].StrokeWidth = th.Color(theme.ColorNameForeground, v), 1
	s[1].FillColor, s[2].FillColor = th.Color(theme.ColorNameSuccess, v), th.Color(theme.ColorNameError, v)
	r.WidgetRenderer.Refresh()
}
