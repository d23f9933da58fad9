package messages

import "strings"

// The columns, in their order.
const (
	columnState = iota
	columnWhen
	columnFrom
	columnTo
	columnSubject
	columnAccount
	columnClient
	columnSize
	columnReply
	columnCount
)

// A column takes its least width, and its share of what is left.
type column struct {
	key   string // messages.column_…
	least float32
	share float32
	small bool // in the size of captions
	right bool // numbers
	// middle says that one too long is shortened there: both ends of an address
	// tell it apart.
	middle bool
}

var columns = [columnCount]column{
	columnState:   {key: "state", least: 100, share: 0},
	columnWhen:    {key: "when", least: 112, share: 0, small: true},
	columnFrom:    {key: "from", least: 150, share: 1.2, middle: true},
	columnTo:      {key: "to", least: 146, share: 1.3, middle: true},
	columnSubject: {key: "subject", least: 150, share: 2},
	columnAccount: {key: "account", least: 76, share: 0.2, small: true, middle: true},
	columnClient:  {key: "client", least: 76, share: 0.2, small: true, middle: true},
	columnSize:    {key: "size", least: 56, share: 0, small: true, right: true},
	columnReply:   {key: "reply", least: 120, share: 1.4, small: true},
}

// folded are the columns that are left out where there is no room, in order.
var folded = []int{columnClient, columnSize, columnAccount, columnReply, columnFrom, columnWhen}

const columnGap = 12

// A span is where a column is; one of no width is left out.
type span struct{ x, width float32 }

// fit places the columns in a width. An account is told only where there are
// several, and the state is as wide as its widest word.
func fit(width float32, accounts bool, state float32) (spans [columnCount]span) {
	columns := columns
	columns[columnState].least = max(columns[columnState].least, state)
	var out [columnCount]bool
	out[columnAccount] = !accounts
	needs := func() (least, shares float32) {
		least = -columnGap
		for i, c := range columns {
			if !out[i] {
				least += c.least + columnGap
				shares += c.share
			}
		}
		return least, shares
	}
	least, shares := needs()
	for _, i := range folded {
		if least <= width {
			break
		}
		out[i] = true
		least, shares = needs()
	}
	x := float32(0)
	for i, c := range columns {
		if out[i] {
			continue
		}
		w := c.least + max(0, width-least)*c.share/shares
		spans[i] = span{x, w}
		x += w + columnGap
	}
	return spans
}

// shorten returns a text no wider than width, as far as the widths of single
// runes tell, and whether it had to be shortened, in the middle or at its end.
func shorten(text string, width float32, middle bool, of func(rune) float32) (string, bool) {
	total := float32(0)
	for _, r := range text {
		total += of(r)
	}
	if total <= width {
		return text, false
	}
	room := width - of('…')
	runes := []rune(text)
	tail := len(runes)
	if middle {
		// The end tells less than the beginning.
		for left := room * 0.45; tail > 0; tail-- {
			if left -= of(runes[tail-1]); left < 0 {
				break
			}
			room -= of(runes[tail-1])
		}
	}
	head := 0
	for ; head < tail; head++ {
		if room -= of(runes[head]); room < 0 {
			break
		}
	}
	return strings.TrimRight(string(runes[:head]), " ") + "…" + string(runes[tail:]), true
}
