package sandbox

import (
	"errors"
	"path"
	"slices"
	"strings"
	"unicode"
)

// psCmdlets are the commands by their names in small letters; nothing writes to
// it afterwards.
var psCmdlets = map[string]*psCmdlet{}

func init() {
	for _, list := range [][]*psCmdlet{psCoreCmdlets(), psModuleCmdlets(), psPrincipalCmdlets(), psPermissionCmdlets(), psMailboxCmdlets(),
		psGroupCmdlets(), psRBACCmdlets(), psAccessCmdlets(), psOrganisationCmdlets(), psGraphCmdlets(), psGrantCmdlets()} {
		for _, c := range list {
			psCmdlets[strings.ToLower(c.name)] = c
		}
	}
}

// psCoreCmdlets are PowerShell's own.
func psCoreCmdlets() []*psCmdlet {
	return []*psCmdlet{
		{name: "Where-Object", pipes: true, do: psWhere,
			params: "FilterScript|Property:a0! Value:a1 EQ:w NE:w GT:w GE:w LT:w LE:w Like:w NotLike:w Match:w NotMatch:w Contains:w NotContains:w In:w NotIn:w"},
		{name: "ForEach-Object", pipes: true, params: "Process|MemberName:a0!", do: psForEach},
		{name: "Select-Object", pipes: true, params: "Property:l0 First:i Last:i ExpandProperty:s Unique:w", do: psSelect},
		{name: "Sort-Object", pipes: true, params: "Property:s0 Descending:w", do: psSort},
		{name: "Measure-Object", pipes: true, params: "", do: func(c *psCall) ([]any, error) {
			return []any{&psObject{kind: "Measure", props: []psProp{{"Count", int64(len(c.input))}}, view: []string{"Count"}}}, nil
		}},
		{name: "Out-Null", pipes: true, params: "", do: func(*psCall) ([]any, error) { return nil, nil }},
		{name: "Format-List", pipes: true, params: "Property:l0", do: func(c *psCall) ([]any, error) { return c.format(psAsList) }},
		{name: "Format-Table", pipes: true, params: "Property:l0 AutoSize:w Wrap:w", do: func(c *psCall) ([]any, error) { return c.format(psAsTable) }},
		{name: "Write-Output", pipes: true, params: "InputObject:a0", do: func(c *psCall) ([]any, error) {
			return append(c.input, psGiven(c, "InputObject")...), nil
		}},
		{name: "Write-Host", params: "Object:a0 ForegroundColor:s", do: func(c *psCall) ([]any, error) {
			c.out.line(psText(c.args["Object"]))
			return nil, nil
		}},
		{name: "Write-Warning", params: "Message:s0!", do: func(c *psCall) ([]any, error) { c.warn("%s", c.str("Message")); return nil, nil }},
		{name: "Write-Error", params: "Message:s0!", do: func(c *psCall) ([]any, error) { return nil, psFails("%s", c.str("Message")) }},
		// Nothing here is worth a wait: what one cmdlet did, the next one sees.
		{name: "Start-Sleep", params: "Seconds:i0!", do: func(*psCall) ([]any, error) { return nil, nil }},
		{name: "Read-Host", params: "Prompt:s0", do: psReadHost},
	}
}

func psGiven(c *psCall, name string) []any {
	if !c.has(name) {
		return nil
	}
	return psItems(c.args[name])
}

// psReadHost takes the next of the answers that came with the script.
func psReadHost(c *psCall) ([]any, error) {
	if len(c.answers) == 0 {
		return nil, psTerminating("PowerShell is in NonInteractive mode. Read and Prompt functionality is not available. It asks: %s. "+
			"Send the answer in the field 'answer' with the script, or store it: traymail account edit ACCOUNT --object-id OBJECT-ID", c.str("Prompt"))
	}
	answer := c.answers[0]
	c.answers = c.answers[1:]
	c.out.line(c.str("Prompt") + ": " + answer)
	return []any{answer}, nil
}

// each runs a script block with every object as $_.
func (c *psCall) each(block psBlock, do func(item any, out []any)) error {
	before := c.vars["_"]
	defer func() { c.vars["_"] = before }()
	for _, item := range c.input {
		c.vars["_"] = item
		out, err := c.collect(block.body)
		if err != nil && !errors.Is(err, errPSReturn) {
			return err
		}
		do(item, out)
	}
	return nil
}

func psWhere(c *psCall) (kept []any, err error) {
	operator, n := "", 0
	for _, p := range c.cmdlet.all() {
		if p.kind == 'w' && c.is(p.names[0]) {
			operator = "-" + strings.ToLower(p.names[0])
			n++
		}
	}
	filter := c.args["FilterScript"]
	if block, ok := filter.(psBlock); ok {
		if n > 0 || c.has("Value") {
			return nil, psTerminating("Parameter set cannot be resolved using the specified named parameters.")
		}
		err := c.each(block, func(item any, out []any) {
			if psTrue(psCollected(out)) {
				kept = append(kept, item)
			}
		})
		return kept, err
	}
	if n > 1 || n == 1 != c.has("Value") {
		return nil, psTerminating("Parameter set cannot be resolved using the specified named parameters.")
	}
	for _, item := range c.input {
		yes := psProperty(item, psText(filter))
		if n == 1 {
			if yes, err = psCompare(operator, yes, c.args["Value"]); err != nil {
				return nil, err
			}
		}
		if psTrue(yes) {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

func psForEach(c *psCall) (all []any, err error) {
	if block, ok := c.args["Process"].(psBlock); ok {
		err := c.each(block, func(_ any, out []any) { all = append(all, out...) })
		return all, err
	}
	for _, item := range c.input {
		if v := psProperty(item, psText(c.args["Process"])); v != nil {
			all = append(all, psItems(v)...)
		}
	}
	return all, nil
}

func psSelect(c *psCall) (out []any, err error) {
	list := c.input
	if n, ok := c.args["First"].(int64); ok {
		list = list[:min(max(int(n), 0), len(list))]
	}
	if n, ok := c.args["Last"].(int64); ok {
		list = list[len(list)-min(max(int(n), 0), len(list)):]
	}
	names := c.list("Property")
	for _, item := range list {
		switch o, ok := item.(*psObject); {
		case c.has("ExpandProperty"):
			out = append(out, psItems(psProperty(item, c.str("ExpandProperty")))...)
			continue
		case ok && len(names) > 0:
			chosen := &psObject{kind: "Selected." + o.kind, text: "@{}"}
			for _, name := range o.match(names) {
				real, v, _ := o.named(name)
				chosen.props, chosen.view = append(chosen.props, psProp{real, v}), append(chosen.view, real)
			}
			item = chosen
		}
		out = append(out, item)
	}
	if c.is("Unique") {
		seen := map[string]bool{}
		unique := out[:0:0]
		for _, v := range out {
			if key := psKind(v) + psText(v); !seen[key] {
				seen[key] = true
				unique = append(unique, v)
			}
		}
		out = unique
	}
	return out, nil
}

// psSort sorts by a property, or by the objects themselves; equal ones stay in
// their order.
func psSort(c *psCall) (out []any, err error) {
	key := func(v any) any {
		if c.has("Property") {
			return psProperty(v, c.str("Property"))
		}
		return v
	}
	out = slices.Clone(c.input)
	slices.SortStableFunc(out, func(a, b any) int {
		order, ok := psOrder(key(a), key(b))
		if !ok {
			order = strings.Compare(strings.ToLower(psText(key(a))), strings.ToLower(psText(key(b))))
		}
		if c.is("Descending") {
			return -order
		}
		return order
	})
	return out, nil
}

// match is the properties that names, which may have asterisks, mean. One that
// the object has not stays.
func (o *psObject) match(names []string) (list []string) {
	for _, name := range names {
		if !strings.ContainsAny(name, "*?") {
			list = append(list, name)
			continue
		}
		for _, p := range o.props {
			if ok, _ := path.Match(strings.ToLower(name), strings.ToLower(p.name)); ok {
				list = append(list, p.name)
			}
		}
	}
	return list
}

// format makes text of the objects that are piped to it.
func (c *psCall) format(as func([]*psObject, []string) string) ([]any, error) {
	var out []any
	var rows []*psObject
	flush := func() {
		if len(rows) == 0 {
			return
		}
		names := rows[0].match(c.list("Property"))
		if len(names) == 0 {
			names = rows[0].view
		}
		out = append(out, &psObject{kind: psFormatted, text: as(rows, names)})
		rows = nil
	}
	for _, item := range c.input {
		o, ok := item.(*psObject)
		switch {
		case ok && o.kind != psFormatted:
			rows = append(rows, o)
		case item != nil:
			flush()
			out = append(out, item)
		}
	}
	flush()
	return out, nil
}

// psWhy says more about a name that is no command.
func psWhy(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII && psDash(r) }) {
		return psWhy(strings.Map(func(r rune) rune {
			if psDash(r) {
				return '-'
			}
			return r
		}, name))
	}
	c := psCmdlets[strings.ToLower(name)]
	switch {
	case c == nil:
		return ""
	case c.module == psExchangeModule:
		return "\nIt is there after Connect-ExchangeOnline."
	}
	return "\nIt is there after Install-Module -Name " + c.module + "."
}
