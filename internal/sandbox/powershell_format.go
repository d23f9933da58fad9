package sandbox

import (
	"strings"
	"unicode/utf8"
)

// psOutput is what a window shows. Objects of a kind that follow one another
// stand in one table.
type psOutput struct {
	b       strings.Builder
	waiting []*psObject
}

// psFormatted is the kind of what Format-List and Format-Table put out, whose
// text is ready.
const psFormatted = "format"

// print shows what a statement puts out.
func (o *psOutput) print(v any) {
	object, isObject := v.(*psObject)
	switch {
	case v == nil:
		return
	case isObject && object.kind != psFormatted && object.failure == nil:
		if len(o.waiting) > 0 && o.waiting[0].kind != object.kind {
			o.flush()
		}
		o.waiting = append(o.waiting, object)
		return
	}
	o.flush()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			o.print(e)
		}
	case *psHash:
		row := func(i int) *psObject {
			return &psObject{props: []psProp{{"Name", v.keys[i]}, {"Value", v.values[i]}}}
		}
		var rows []*psObject
		for i := range v.keys {
			rows = append(rows, row(i))
		}
		o.b.WriteString(psPrintable(psAsTable(rows, []string{"Name", "Value"})))
	case *psObject:
		o.b.WriteString(psPrintable(v.text))
		if v.failure != nil {
			o.b.WriteByte('\n')
		}
	default:
		o.line(psText(v))
	}
}

// line shows a line of text.
func (o *psOutput) line(text string) {
	o.flush()
	o.b.WriteString(psPrintable(text) + "\n")
}

func (o *psOutput) flush() {
	list := o.waiting
	if o.waiting = nil; len(list) == 0 {
		return
	}
	if view := list[0].view; len(view) <= 4 {
		o.b.WriteString(psPrintable(psAsTable(list, view)))
	} else {
		o.b.WriteString(psPrintable(psAsList(list, view)))
	}
}

func (o *psOutput) text() string { o.flush(); return o.b.String() }

// psCell is a value in a table or list.
func psCell(v any) string {
	list, ok := v.([]any)
	if !ok {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(psText(v))
	}
	var parts []string
	for _, e := range list {
		parts = append(parts, psCell(e))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// named is a property with the name in the object's letters.
func (o *psObject) named(name string) (real string, value any, ok bool) {
	for _, p := range o.props {
		if strings.EqualFold(p.name, name) {
			return p.name, p.value, true
		}
	}
	return name, nil, false
}

// psAsTable is a table, as wide as its contents.
func psAsTable(list []*psObject, columns []string) string {
	rows := [][]string{make([]string, len(columns)), make([]string, len(columns))}
	for i, c := range columns {
		rows[0][i] = c
		for _, o := range list {
			if real, _, ok := o.named(c); ok {
				rows[0][i] = real
			}
		}
		rows[1][i] = strings.Repeat("-", utf8.RuneCountInString(c))
	}
	for _, o := range list {
		row := make([]string, len(columns))
		for i, c := range columns {
			_, v, _ := o.named(c)
			row[i] = psCell(v)
		}
		rows = append(rows, row)
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			width := 0
			for _, r := range rows {
				width = max(width, utf8.RuneCountInString(r[i]))
			}
			line.WriteString(cell + strings.Repeat(" ", width-utf8.RuneCountInString(cell)+1))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	b.WriteByte('\n')
	return b.String()
}

// psAsList is a list of each object's properties, without those that it has not.
func psAsList(list []*psObject, names []string) string {
	var b strings.Builder
	for _, o := range list {
		width := 0
		var shown []psProp
		for _, n := range names {
			if real, v, ok := o.named(n); ok {
				shown = append(shown, psProp{real, v})
				width = max(width, utf8.RuneCountInString(real))
			}
		}
		if len(shown) == 0 {
			continue
		}
		b.WriteByte('\n')
		for _, p := range shown {
			b.WriteString(strings.TrimRight(p.name+strings.Repeat(" ", width-utf8.RuneCountInString(p.name))+" : "+psCell(p.value), " ") + "\n")
		}
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}
