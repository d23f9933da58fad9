package mailer

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"traymail/internal/account"
)

// A settingsText is traymail.toml as it is written, with what is to be changed
// in it. Whatever no change is about stays as it is, to the octet.
type settingsText struct {
	data       []byte
	newline    string
	statements []statement
	edits      []textEdit
	failed     error
}

// A statement is a header or a key in a file.
type statement struct {
	table      string // "" is a key outside of every table
	n          int    // of a [[table]], counted from 0
	key        string // "" is the table's header
	prefix     string // what stands before the key in a dotted one: relay.timeout
	start, end int    // of its lines, with the line break
	value      [2]int // from and to
}

// A textEdit replaces the octets from one place to another.
type textEdit struct {
	from, to int
	text     string
}

// readSettingsText finds the statements of a file that is known to be sound.
func readSettingsText(data []byte) (*settingsText, error) {
	f := &settingsText{data: data, newline: "\n"}
	if bytes.Contains(data, []byte("\r\n")) {
		f.newline = "\r\n"
	}
	var p unstable.Parser
	p.Reset(data)
	table, n := "", 0
	count := map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		var last unstable.Range
		first := -1
		for keys := e.Key(); keys.Next(); {
			k := keys.Node()
			parts, last = append(parts, string(k.Data)), k.Raw
			if first < 0 {
				first = int(k.Raw.Offset)
			}
		}
		s := statement{start: 1 + bytes.LastIndexByte(data[:first], '\n'), end: int(last.Offset + last.Length)}
		switch e.Kind {
		case unstable.Table:
			table, n = strings.Join(parts, "."), 0
		case unstable.ArrayTable:
			table = strings.Join(parts, ".")
			n = count[table]
			count[table]++
		case unstable.KeyValue:
			s.key = parts[len(parts)-1]
			equals := s.end + bytes.IndexByte(data[s.end:], '=') + 1
			s.end = int(e.Raw.Offset + e.Raw.Length)
			s.value = [2]int{equals + len(data[equals:s.end]) - len(bytes.TrimLeft(data[equals:s.end], " \t")), s.end}
		default:
			continue
		}
		s.table, s.n = table, n
		if table == "" && len(parts) > 1 {
			s.table, s.prefix = strings.Join(parts[:len(parts)-1], "."), string(data[first:last.Offset])
		}
		if i := bytes.IndexByte(data[s.end:], '\n'); i >= 0 {
			s.end += i + 1
		} else {
			s.end = len(data)
		}
		f.statements = append(f.statements, s)
	}
	return f, p.Error()
}

// of returns the statements of a table, in their order.
func (f *settingsText) of(table string, n int) []statement {
	var list []statement
	for _, s := range f.statements {
		if s.table == table && s.n == n {
			list = append(list, s)
		}
		if s.table == "" && s.key == table { // table = {...}
			f.failed = &account.FieldError{Key: table, Text: "is written in one line, and cannot be changed here", Fix: "write it as a table, [" + table + "] or [[" + table + "]], or change it in an editor"}
		}
	}
	return list
}

// change sets values of a table, of several of the name the nth, and takes out
// those that have no text.
func (f *settingsText) change(table string, n int, values []settingsValue) {
	if len(values) == 0 {
		return
	}
	there := f.of(table, n)
	var fresh []settingsValue
	for _, v := range values {
		i := slices.IndexFunc(there, func(s statement) bool { return s.key == v.key })
		switch {
		case i < 0 && v.text != "":
			fresh = append(fresh, v)
		case i < 0:
		case v.text != "":
			f.edits = append(f.edits, textEdit{there[i].value[0], there[i].value[1], v.text})
		default:
			f.edits = append(f.edits, textEdit{there[i].start, there[i].end, f.comment(there[i])})
		}
	}
	if len(fresh) == 0 {
		return
	}
	if len(there) == 0 {
		f.insert(len(f.data), f.newline+f.block("["+table+"]", fresh))
		return
	}
	last := there[len(there)-1]
	line := f.data[last.start:last.end]
	indent := string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
	text := ""
	for _, v := range fresh {
		text += indent + last.prefix + v.key + " = " + v.text + f.newline
	}
	f.insert(last.end, text)
}

// comment is what stands behind a value, as a line of its own.
func (f *settingsText) comment(s statement) string {
	if rest := bytes.TrimLeft(f.data[s.value[1]:s.end], " \t"); bytes.HasPrefix(rest, []byte("#")) {
		return string(rest)
	}
	return ""
}

// insert puts lines in at a line's end.
func (f *settingsText) insert(at int, text string) {
	if at == 0 {
		text = strings.TrimPrefix(text, f.newline)
	} else if f.data[at-1] != '\n' && !slices.ContainsFunc(f.edits, func(e textEdit) bool { return e.from == at && e.to == at }) {
		text = f.newline + text // the first one ends the line
	}
	f.edits = append(f.edits, textEdit{at, at, text})
}

func (f *settingsText) block(header string, values []settingsValue) string {
	text := header + f.newline
	for _, v := range values {
		if v.text != "" {
			text += v.key + " = " + v.text + f.newline
		}
	}
	return text
}

// add puts another [[name]] behind those that there are.
func (f *settingsText) add(name string, t settingsTable) {
	at := len(f.data)
	f.of(name, 0)
	for _, s := range f.statements {
		if s.table == name {
			at = s.end
		}
	}
	f.insert(at, f.newline+f.block("[["+name+"]]", t.values))
}

// remove takes the nth [[name]] out, with the comment right above it and those
// between its keys.
func (f *settingsText) remove(name string, n int) {
	there := f.of(name, n)
	if len(there) == 0 {
		return
	}
	from, to := there[0].start, there[len(there)-1].end
	above := from
	for above > 0 {
		start := 1 + bytes.LastIndexByte(f.data[:above-1], '\n')
		line := bytes.TrimSpace(f.data[start:above])
		if len(line) == 0 || line[0] != '#' {
			break
		}
		above = start
	}
	if above > 0 { // else it is the file's own
		from = above
	}
	if rest := f.data[to:]; from > 0 {
		// The blank line that set it off.
		if start := 1 + bytes.LastIndexByte(f.data[:from-1], '\n'); len(bytes.TrimSpace(f.data[start:from])) == 0 {
			from = start
		}
	} else if i := bytes.IndexByte(rest, '\n'); i >= 0 && len(bytes.TrimSpace(rest[:i])) == 0 {
		to += i + 1
	}
	f.edits = append(f.edits, textEdit{from, to, ""})
}

// text is the file with the changes.
func (f *settingsText) text() []byte {
	slices.SortStableFunc(f.edits, func(a, b textEdit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var b bytes.Buffer
	at := 0
	for _, e := range f.edits {
		from := max(e.from, at)
		b.Write(f.data[at:from])
		b.WriteString(e.text)
		at = max(e.to, from)
	}
	b.Write(f.data[at:])
	return b.Bytes()
}
