//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// A row is one figure of the table, and what it should be.
type row struct {
	name, unit string
	figure     string
	relay      string // which traymail; "": the usual one
	digits     int
	want       []bound
}

// A bound is one thing that a figure should keep.
type bound struct {
	text string
	// of is the relay whose figure ours is divided by, or "": it is taken as it is.
	of string
	// figure is one of traymail's that ours is divided by instead.
	figure     string
	least, top float64 // 0: none
}

func timesReuse(n float64) bound {
	return bound{text: fmt.Sprintf("≥ %.0f× reused", n), of: "reuse", least: n}
}

func timesInstalled(n float64) bound {
	return bound{text: fmt.Sprintf("≥ %.0f× installed", n), of: "installed", least: n}
}

func atMost(n float64, unit string) bound {
	return bound{text: strings.TrimSpace(fmt.Sprintf("≤ %v %s", n, unit)), top: n}
}

// rows are the table from top to bottom. A row without a figure is left out.
func (b *bench) rows() []row {
	var all []row
	for _, s := range shapes {
		all = append(all, row{name: "accepted, " + s.name, unit: "/s", figure: "accepted, " + s.name, want: []bound{timesReuse(2), timesInstalled(3)}})
	}
	for _, s := range shapes {
		all = append(all, row{name: "delivered, " + s.name, unit: "/s", figure: "delivered, " + s.name, want: []bound{timesReuse(4)}})
	}
	far := fmt.Sprintf("%d messages, three sessions at 50 ms", b.scale.far)
	queued := fmt.Sprintf("%d queued", b.queued)
	depth := fmt.Sprintf(" (%d in flight a session)", b.depth)
	all = append(all,
		row{name: far, unit: "s", figure: "far", digits: 1, want: []bound{atMost(3.8, "s")}},
		row{name: far + ", pipelined" + depth, unit: "s", figure: "far", relay: "pipelined", digits: 1, want: []bound{atMost(1.5, "s")}},
		row{name: "waits for the first message, cold", figure: "waits, cold", digits: 1, want: []bound{atMost(6, "")}},
		row{name: "waits a message, warm", figure: "waits, warm", digits: 2, want: []bound{atMost(1, "")}},
		row{name: "waits a message, warm, pipelined" + depth, figure: "waits, warm", relay: "pipelined", digits: 2},
		row{name: "first message at 50 ms, cold", unit: "ms", figure: "time, cold"})
	for _, s := range shapes {
		all = append(all, row{name: "processor a message, " + s.name, unit: "ms", figure: "work, " + s.name, digits: 2,
			want: []bound{{text: "≤ 1/3 of reused", of: "reuse", top: 1.0 / 3}}})
	}
	all = append(all, row{name: "memory, idle", unit: "MB", figure: "idle", want: []bound{atMost(30, "MB")}})
	for _, s := range shapes {
		all = append(all, row{name: "highest memory, " + s.name, unit: "MB", figure: "memory, " + s.name, want: []bound{atMost(60, "MB")}})
	}
	return append(all,
		row{name: "highest memory, " + far, unit: "MB", figure: "memory, far", want: []bound{atMost(60, "MB")}},
		row{name: "highest memory, " + far + ", pipelined", unit: "MB", figure: "memory, far", relay: "pipelined", want: []bound{atMost(60, "MB")}},
		row{name: "highest memory, 100 messages a second", unit: "MB", figure: "memory, fast", want: []bound{atMost(60, "MB")}},
		row{name: "highest memory, a message of 25 MB", unit: "MB", figure: "memory, large", want: []bound{atMost(60, "MB")}},
		row{name: "highest memory, a message of 150 MB", unit: "MB", figure: "memory, largest", want: []bound{atMost(60, "MB")}},
		row{name: "token requests of 20 simultaneous first clients", figure: "tokens", want: []bound{atMost(1, "")}},
		row{name: fmt.Sprintf("%d messages, the server refuses a fourth session (432)", b.scale.far), unit: "s", figure: "throttled", digits: 1, want: []bound{atMost(10, "s")}},
		row{name: fmt.Sprintf("%d messages, the same server, ten sessions set by mistake", b.scale.far), unit: "s", figure: "throttled, more", digits: 1, want: []bound{atMost(10, "s")}},
		row{name: "accepted for a paused account, 16 clients, empty queue", unit: "/s", figure: "accepted, empty"},
		row{name: "accepted for a paused account, 16 clients, " + queued, unit: "/s", figure: "accepted, long",
			want: []bound{{text: "≥ 0.8× empty", figure: "accepted, empty", least: 0.8}}},
		row{name: "highest memory, paused account, empty queue", unit: "MB", figure: "memory, empty"},
		row{name: "highest memory, paused account, " + queued, unit: "MB", figure: "memory, long",
			want: []bound{{text: "≤ 1.2× empty", figure: "memory, empty", top: 1.2}}},
		row{name: "from the start to listening", unit: "ms", figure: "start"},
		row{name: "from the start to listening, " + queued, unit: "ms", figure: "start, long"},
		row{name: "from a tool's final dot to the server's, 1 message a second, p50", unit: "ms", figure: "slow, p50", digits: 1},
		row{name: "from a tool's final dot to the server's, 1 message a second, p99", unit: "ms", figure: "slow, p99", digits: 1},
		row{name: "from a tool's final dot to the server's, 100 a second, p50", unit: "ms", figure: "fast, p50", digits: 1},
		row{name: "from a tool's final dot to the server's, 100 a second, p99", unit: "ms", figure: "fast, p99", digits: 1},
		row{name: "a message of 25 MB, end to end", unit: "s", figure: "large", digits: 2},
		row{name: "a message of 150 MB, end to end", unit: "s", figure: "largest", digits: 2},
		row{name: "size of the program without the window", unit: "MB", figure: "size", digits: 1},
		row{name: "size of the program with the window", unit: "MB", figure: "size, window", digits: 1},
		row{name: "allocations a message, the whole program", figure: "allocations"},
		row{name: "allocations a message, the submission alone", figure: "allocations, submission"},
	)
}

// A grid is the table as text, its head first.
type grid [][]string

func (b *bench) table() grid {
	g := grid{{"figure", "traymail", "Postfix, sessions reused", "Postfix as installed", "÷ reused", "÷ installed", "should be", "is it"}}
	for _, r := range b.rows() {
		if r.relay == "" {
			r.relay = ours
		}
		value, ok := b.median(r.figure, r.relay)
		if !ok {
			continue
		}
		cells := []string{r.name, r.show(value)}
		var ratios []string
		for _, peer := range []string{"reuse", "installed"} {
			theirs, known := b.median(r.figure, peer)
			if !known {
				cells, ratios = append(cells, "–"), append(ratios, "–")
				continue
			}
			cells, ratios = append(cells, r.show(theirs)), append(ratios, ratio(value, theirs))
		}
		g = append(g, append(append(cells, ratios...), b.judge(r, value)...))
	}
	return g
}

// judge says what a figure should be and whether it is; where there is nothing to
// compare it with, it says neither.
func (b *bench) judge(r row, value float64) []string {
	if len(r.want) == 0 {
		return []string{"", ""}
	}
	var texts []string
	met := "yes"
	for _, w := range r.want {
		texts = append(texts, w.text)
		divisor, known := 1.0, true
		switch {
		case w.figure != "":
			divisor, known = b.median(w.figure, ours)
		case w.of != "":
			divisor, known = b.median(r.figure, w.of)
		}
		v := value / divisor
		switch {
		case !known:
			if met == "yes" {
				met = "–"
			}
		case w.least > 0 && !(v >= w.least), w.top > 0 && !(v <= w.top):
			met = "**no**"
		}
	}
	return []string{strings.Join(texts, ", "), met}
}

// median is that of all rounds.
func (b *bench) median(figure, relay string) (float64, bool) {
	v := slices.Sorted(slices.Values(b.figures[key{figure, relay}]))
	if len(v) == 0 {
		return 0, false
	}
	return v[len(v)/2], true
}

func (r row) show(v float64) string {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return "not all arrived"
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", r.digits, v, r.unit))
}

func ratio(a, b float64) string {
	switch v := a / b; {
	case math.IsInf(b, 0) || math.IsInf(a, 0) || math.IsNaN(v) || b == 0:
		return "–"
	case v < 0.1:
		return fmt.Sprintf("%.3f×", v)
	default:
		return fmt.Sprintf("%.2f×", v)
	}
}

// text sets the columns under each other.
func (g grid) text() string {
	widths := make([]int, len(g[0]))
	for _, line := range g {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(c)))
		}
	}
	var t strings.Builder
	for _, line := range g {
		var s strings.Builder
		for i, c := range line {
			s.WriteString(plain(c) + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(plain(c))+2))
		}
		t.WriteString(strings.TrimRight(s.String(), " ") + "\n")
	}
	return t.String()
}

// plain is a cell without Markdown.
func plain(c string) string { return strings.ReplaceAll(c, "**", "") }

func (g grid) markdown() string {
	var t strings.Builder
	for i, line := range g {
		t.WriteString("| " + strings.Join(line, " | ") + " |\n")
		if i == 0 {
			t.WriteString(strings.Repeat("|---", len(line)) + "|\n")
		}
	}
	return t.String()
}

// remarks is what should not have happened, in lines.
func remarks(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "\nWhat was amiss:\n\n- " + strings.Join(all, "\n- ") + "\n"
}

const markBegin, markEnd = "<!-- make bench writes from here -->\n", "<!-- to here -->\n"

// writePage replaces what stands between the marks of a page.
func writePage(file, text string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(page, []byte(markBegin))
	_, after, ends := bytes.Cut(rest, []byte(markEnd))
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: %q … %q", file, markBegin, markEnd)
	}
	return os.WriteFile(file, slices.Concat(before, []byte(markBegin+"\n"+text+"\n"+markEnd), after), 0o644)
}
