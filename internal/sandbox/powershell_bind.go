package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A psCmdlet is a command of PowerShell.
type psCmdlet struct {
	name string
	// params lists the parameters: "Identity:s0! Deny:w". The letter is what it
	// takes: s a string, l a list of strings, b a bool, n a bool or null, i a
	// number, h a hashtable, a anything, k a script block, w a switch. A digit is
	// its place without its name, "!" that it must be there, and names after "|"
	// are further ones of it.
	params string
	// module is whose command it is, "" for PowerShell itself.
	module string
	// scopes are those of Microsoft Graph of which the connection needs one.
	scopes []string
	// asks: without -Confirm:$false it asks before it does it.
	asks bool
	// pipes: it takes what is piped to it.
	pipes bool
	// do puts out objects. Those of modules run with the tenant locked.
	do func(*psCall) ([]any, error)
}

// A psParam is a parameter of a cmdlet.
type psParam struct {
	names    []string
	kind     byte
	place    int // -1: none
	required bool
}

// psCommon are parameters of every command.
const psCommon = "ErrorAction|ea:s WarningAction|wa:s"

// psActions are the values of the two, and of $ErrorActionPreference.
var psActions = []string{"Continue", "Ignore", "SilentlyContinue", "Stop"}

// A psCall is a command with its arguments, under way.
type psCall struct {
	*psSession
	cmdlet *psCmdlet
	args   map[string]any // by the parameter's first name
	input  []any
}

func (c *psCall) has(name string) bool { _, ok := c.args[name]; return ok }

func (c *psCall) str(name string) string { s, _ := c.args[name].(string); return s }

func (c *psCall) list(name string) []string { l, _ := c.args[name].([]string); return l }

// is is a switch, or a bool that is there and true.
func (c *psCall) is(name string) bool { b, _ := c.args[name].(bool); return b }

// warn prints a warning.
func (c *psCall) warn(format string, args ...any) {
	if a := c.str("WarningAction"); !strings.EqualFold(a, "SilentlyContinue") && !strings.EqualFold(a, "Ignore") {
		c.out.line("WARNING: " + fmt.Sprintf(format, args...))
	}
}

// readParams reads a list of parameters.
func readParams(spec string) (list []psParam) {
	for word := range strings.FieldsSeq(spec) {
		names, kind, _ := strings.Cut(word, ":")
		p := psParam{names: strings.Split(names, "|"), kind: kind[0], place: -1}
		for _, r := range kind[1:] {
			if unicode.IsDigit(r) {
				p.place = int(r - '0')
			} else {
				p.required = true
			}
		}
		list = append(list, p)
	}
	return list
}

// command runs one command of a pipeline; piped tells whether it is not the
// first.
func (s *psSession) command(c psCommand, input []any, piped bool) (out []any, err error) {
	if err := s.tick(); err != nil {
		return nil, err
	}
	cmdlet := s.find(c.name)
	if cmdlet == nil {
		return nil, &psError{reach: psEndsStatement, command: c.name, line: c.line, message: fmt.Sprintf("The term '%s' is not recognized as a name of a cmdlet, function, script file, or executable program.\n"+
			"Check the spelling of the name, or if a path was included, verify that the path is correct and try again.%s", c.name, psWhy(c.name))}
	}
	call := &psCall{psSession: s, cmdlet: cmdlet, input: input, args: map[string]any{}}
	if piped && !cmdlet.pipes {
		err = psTerminating("The input object cannot be bound to any parameters for the command either because the command does not take pipeline input or the input and its properties do not match any of the parameters that take pipeline input.")
	} else {
		err = call.bind(c.elements)
	}
	if err == nil {
		out, err = call.run()
	}
	var failed *psError
	if !errors.As(err, &failed) {
		return out, err
	}
	if failed.line == 0 {
		failed.line = c.line
	}
	if failed.command == "" {
		failed.command = cmdlet.name
	}
	if failed.reach != psGoesOn {
		return nil, err
	}
	action := s.preference()
	if a := call.str("ErrorAction"); a != "" {
		action = a
	}
	if strings.EqualFold(action, "Stop") {
		failed.reach = psEndsScript
		return nil, err
	}
	s.report(failed, action)
	return out, nil
}

// run asks for what the command needs, and does it.
func (c *psCall) run() ([]any, error) {
	switch confirm, given := c.args["Confirm"]; {
	case c.cmdlet.asks && !given, given && confirm == true:
		return nil, psTerminating("PowerShell is in NonInteractive mode. Read and Prompt functionality is not available. "+
			"%s asks \"Are you sure you want to perform this action?\", and nobody answers here: add -Confirm:$false.", c.cmdlet.name)
	}
	if c.cmdlet.module == "" {
		return c.cmdlet.do(c)
	}
	if err := c.connected(); err != nil {
		return nil, err
	}
	var out []any
	var err error
	in := c.t.Change
	if verb, _, _ := strings.Cut(c.cmdlet.name, "-"); verb == "Get" || verb == "Test" {
		in = c.t.View // nothing that would take its time to have an effect
	}
	in(func(*Tenant) { out, err = c.cmdlet.do(c) })
	for _, why := range c.mended { // without the tenant's lock
		if c.lift != nil {
			c.lift(why)
		}
	}
	c.mended = nil
	return out, err
}

// params are those of the cmdlet with those of every command.
func (c *psCmdlet) all() []psParam {
	spec := c.params + " " + psCommon
	if c.asks {
		spec += " Confirm|cf:w"
	}
	return readParams(spec)
}

// parameter finds the one that a name means: its own, or the beginning of one.
func (c *psCall) parameter(all []psParam, name string) (psParam, error) {
	var found []psParam
	var names []string
	for _, p := range all {
		begins := false
		for _, n := range p.names {
			if strings.EqualFold(n, name) {
				return p, nil
			}
			if !begins && len(n) > len(name) && strings.EqualFold(n[:len(name)], name) {
				begins = true
				names = append(names, "-"+n)
			}
		}
		if begins {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var known []string
		for _, p := range all {
			known = append(known, "-"+p.names[0])
		}
		return psParam{}, psTerminating("A parameter cannot be found that matches parameter name '%s'.\nThe sandbox's %s has %s.", name, c.cmdlet.name, strings.Join(known, ", "))
	}
	return psParam{}, psTerminating("Parameter cannot be processed because the parameter name '%s' is ambiguous. Possible matches include: %s.", name, strings.Join(names, " "))
}

// bind gives each argument to its parameter.
func (c *psCall) bind(elements []psElement) error {
	all := c.cmdlet.all()
	var loose []any
	for i := 0; i < len(elements); i++ {
		e := elements[i]
		if e.name == "" {
			v, err := c.eval(e.value)
			if err != nil {
				return err
			}
			loose = append(loose, v)
			continue
		}
		p, err := c.parameter(all, e.name)
		if err != nil {
			return err
		}
		value := any(true)
		switch {
		case e.joint:
			if value, err = c.eval(e.value); err != nil {
				return err
			}
		case p.kind == 'w':
		case i+1 < len(elements) && elements[i+1].name == "":
			i++
			if value, err = c.eval(elements[i].value); err != nil {
				return err
			}
		default:
			return psTerminating("Missing an argument for parameter '%s'. Specify a parameter of type '%s' and try again.", p.names[0], psParamKinds[p.kind])
		}
		if err := c.set(p, value); err != nil {
			return err
		}
	}
	if err := c.place(all, loose); err != nil {
		return err
	}
	var missing []string
	for _, p := range all {
		if p.required && !c.has(p.names[0]) {
			missing = append(missing, p.names[0])
		}
	}
	if len(missing) > 0 {
		return psTerminating("Cannot process command because of one or more missing mandatory parameters: %s.", strings.Join(missing, " "))
	}
	return nil
}

// place gives arguments without a name to the parameters that have a place.
func (c *psCall) place(all []psParam, loose []any) error {
	for place := 0; place < 10 && len(loose) > 0; place++ {
		for _, p := range all {
			if p.place == place && !c.has(p.names[0]) && len(loose) > 0 {
				if err := c.set(p, loose[0]); err != nil {
					return err
				}
				loose = loose[1:]
			}
		}
	}
	if len(loose) > 0 {
		return psTerminating("A positional parameter cannot be found that accepts argument '%s'.", psText(loose[0]))
	}
	return nil
}

// psParamKinds are the types of parameters.
var psParamKinds = map[byte]string{'s': "System.String", 'l': "System.String[]", 'b': "System.Boolean", 'n': "System.Nullable`1[System.Boolean]", 'i': "System.Int32",
	'h': "System.Collections.IDictionary", 'a': "System.Object", 'k': "System.Management.Automation.ScriptBlock", 'w': "System.Management.Automation.SwitchParameter"}

// set converts a value to what the parameter takes.
func (c *psCall) set(p psParam, value any) error {
	name := p.names[0]
	if c.has(name) {
		return psTerminating("Cannot bind parameter because parameter '%s' is specified more than once.", name)
	}
	wrong := psTerminating("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%s\" to type \"%s\".", name, psText(value), psParamKinds[p.kind])
	_, isBlock := value.(psBlock)
	switch p.kind {
	case 's':
		if _, isList := value.([]any); isList || isBlock {
			return wrong
		}
		text := psText(value)
		if value == nil && p.required {
			return psTerminating("Cannot bind argument to parameter '%s' because it is null.", name)
		}
		if text == "" && p.required {
			return psTerminating("Cannot bind argument to parameter '%s' because it is an empty string.", name)
		}
		if (name == "ErrorAction" || name == "WarningAction") && !contains(psActions, text) {
			return wrong
		}
		c.args[name] = text
	case 'l':
		list := []string{}
		for _, item := range psItems(value) {
			if _, isBlock := item.(psBlock); isBlock {
				return wrong
			}
			if text := psText(item); text != "" {
				list = append(list, text)
			}
		}
		if p.required && len(list) == 0 {
			return psTerminating("Cannot bind argument to parameter '%s' because it is an empty collection.", name)
		}
		c.args[name] = list
	case 'b', 'w', 'n':
		switch v := value.(type) {
		case bool:
			c.args[name] = v
		case int64:
			c.args[name] = v != 0
		case nil:
			if p.kind != 'n' {
				return wrong
			}
			c.args[name] = nil
		default:
			return wrong
		}
	case 'i':
		n, ok := psInteger(value)
		if !ok {
			return wrong
		}
		c.args[name] = n
	case 'h':
		if _, ok := value.(*psHash); !ok {
			return wrong
		}
		c.args[name] = value
	case 'k':
		if !isBlock {
			return wrong
		}
		c.args[name] = value
	default:
		c.args[name] = value
	}
	return nil
}
