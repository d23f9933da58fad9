package home

import (
	"time"

	"traymail/internal/mailer"
	"traymail/ui/words"
)

// plot is what is known of the traffic, as it is shown.
func (p *presenter) plot() Plot {
	plot := Plot{Span: p.span}
	if p.failed != nil {
		plot.Failed = words.Sentence(p.failed.Error())
		if fix := mailer.Fix(p.failed); fix != "" {
			plot.Failed += "; " + fix
		}
	}
	step, _ := p.span.step()
	var sum mailer.Volume
	for _, v := range p.volumes {
		start := v.Start.In(p.since.Location())
		b := Bar{Accepted: v.Accepted, Delivered: v.Delivered, Refused: v.Refused, Tick: tick(p.span, start)}
		from, to := words.Clock(start), words.Clock(start.Add(step))
		d := words.Data{"From": from, "To": to, "Accepted": words.Number(v.Accepted), "Delivered": words.Number(v.Delivered), "Refused": words.Number(v.Refused)}
		if p.span == Month {
			d["Day"] = words.Day(start, p.now())
			b.Says = words.Say("home.plot_day", d)
		} else {
			b.Says = words.Say("home.plot_step", d)
		}
		sum.Accepted, sum.Delivered, sum.Refused = sum.Accepted+v.Accepted, sum.Delivered+v.Delivered, sum.Refused+v.Refused
		plot.Bars = append(plot.Bars, b)
	}
	switch d := (words.Data{"Accepted": words.Number(sum.Accepted), "Delivered": words.Number(sum.Delivered), "Refused": words.Number(sum.Refused)}); {
	case len(plot.Bars) == 0:
	case sum == mailer.Volume{}:
		plot.Summary = words.Say([]string{"home.plot_none_hour", "home.plot_none_day", "home.plot_none_month"}[p.span])
	default:
		plot.Summary = words.Say([]string{"home.plot_sum_hour", "home.plot_sum_day", "home.plot_sum_month"}[p.span], d)
	}
	return plot
}

// tick is what stands below the bar that begins at start.
func tick(s Span, start time.Time) string {
	minutes := start.Hour()*60 + start.Minute()
	switch {
	case s == Hour && minutes%10 == 0, s == Day && minutes%(4*60) == 0:
		return words.Clock(start)
	case s == Month && (start.Day()-1)%7 == 0 && start.Day() < 29:
		return words.Day(start, start)
	}
	return ""
}
