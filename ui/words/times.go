package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// Number writes a number with the marks between thousands that the language has.
func Number(n int) string {
	return message.NewPrinter(language.Make(Language())).Sprint(number.Decimal(n))
}

// Day is a day of the calendar, "2 December"; with its year when that is not
// the year of now.
func Day(t, now time.Time) string {
	d := Data{"Day": t.Day(), "Month": Say("common.month_" + strconv.Itoa(int(t.Month()))), "Year": t.Year()}
	if t.Year() == now.Year() {
		return Say("common.day", d)
	}
	return Say("common.day_year", d)
}

// Clock is a time of the day, "09:14".
func Clock(t time.Time) string { return t.Format("15:04") }

// Moment is a time as short as it is clear: "09:14" today, "2 December, 09:14"
// on another day. Both times are taken in the time zone of now.
func Moment(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return Clock(t)
	}
	return Say("common.day_clock", Data{"Day": Day(t, now), "Clock": Clock(t)})
}

// Ago says how long ago t was, "2 min ago", and from a day on when it was.
func Ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return Say("common.just_now")
	case d < time.Hour:
		return Count("common.minutes_ago", int(d/time.Minute))
	case d < 24*time.Hour:
		return Count("common.hours_ago", int(d/time.Hour))
	}
	return Moment(t, now)
}

// In says how long it is until t: "in 3 min", "in 5 h", "in 12 days (2 December)".
func In(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d < time.Minute:
		return Say("common.in_a_moment")
	case d < time.Hour:
		return Count("common.in_minutes", int((d+time.Minute-1)/time.Minute))
	case d < 24*time.Hour:
		return Count("common.in_hours", int((d+time.Hour/2)/time.Hour))
	default:
		return Count("common.in_days", int(d/(24*time.Hour)), Data{"Day": Day(t.In(now.Location()), now)})
	}
}

// Span is how long something lasts, "1 minute and 30 seconds": in its two largest
// units at most, and from two days on, where those are whole, in days alone. d is
// a second at least.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return Count("common.span_days", int(d/day))
	}
	if d = d.Round(time.Second); d >= time.Hour {
		d = d.Round(time.Minute)
	}
	var parts []string
	for _, unit := range []struct {
		key string
		is  time.Duration
	}{{"common.span_hours", time.Hour}, {"common.span_minutes", time.Minute}, {"common.span_seconds", time.Second}} {
		if n := d / unit.is; n > 0 {
			parts = append(parts, Count(unit.key, int(n)))
			d -= n * unit.is
		}
	}
	if len(parts) == 2 {
		return Say("common.span_two", Data{"Long": parts[0], "Short": parts[1]})
	}
	return strings.Join(parts, " ")
}

// Watch is minutes and seconds as a stopwatch shows them, "4:05".
func Watch(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// Size is a number of octets in the unit that suits it.
func Size(octets int64) string {
	const k = 1024
	switch {
	case octets < k:
		return Count("common.bytes", int(octets))
	case octets < k*k:
		return Say("common.kb", Data{"N": Number(int((octets + k/2) / k))})
	}
	tenths := int((octets*10 + k*k/2) / (k * k))
	p := message.NewPrinter(language.Make(Language()))
	return Say("common.mb", Data{"N": p.Sprint(number.Decimal(float64(tenths)/10, number.MaxFractionDigits(1)))})
}

// Sentence is what the engine said, in the language in use and with a capital at
// its beginning: errors have none. Names stay as they are.
func Sentence(s string) string {
	s = Said(s)
	first, _, _ := strings.Cut(s, " ")
	if strings.ContainsAny(strings.TrimRight(first, ".,:;"), ".@:/=_") {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// Sentences are texts of the engine's as sentences, one after the other, each
// with its full stop.
func Sentences(texts ...string) string {
	stop := stops[Language()]
	all := ""
	for _, text := range texts {
		if text == "" {
			continue
		}
		if all != "" && stop == "." {
			all += " "
		}
		if all += Sentence(text); !strings.HasSuffix(all, stop) {
			all += stop
		}
	}
	return all
}
