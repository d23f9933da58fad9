package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What a script may take of the sandbox.
const (
	psMaxSteps  = 200_000 // expressions and statements
	psMaxOutput = 1 << 20 // octets
)

// How far an error reaches.
type psReach int

const (
	psGoesOn psReach = iota // the cmdlet goes on, unless its ErrorAction is Stop
	psEndsStatement
	psEndsScript
)

// A psError is an error in PowerShell's words.
type psError struct {
	reach   psReach
	command string // that had it; "" for an expression
	line    int
	message string
}

func (e *psError) Error() string {
	from := ""
	if e.command != "" {
		from = e.command + ": "
	}
	return fmt.Sprintf("%s%s\nAt line:%d", from, e.message, e.line)
}

// psTerminating is an error that ends its statement; line and command are filled
// in where it passes.
func psTerminating(format string, args ...any) error {
	return &psError{reach: psEndsStatement, message: fmt.Sprintf(format, args...)}
}

// psFails is an error after which a script goes on, unless it is told to stop.
func psFails(format string, args ...any) error {
	return &psError{reach: psGoesOn, message: fmt.Sprintf(format, args...)}
}

// Where a script goes on after break, continue and return.
var (
	errPSBreak  = errors.New("break outside of a loop")
	errPSNext   = errors.New("continue outside of a loop")
	errPSReturn = errors.New("return outside of a script")
)

// A psSession is a window of PowerShell.
type psSession struct {
	t    *Tenant
	vars map[string]any // by name in small letters

	loaded   []string // modules
	exchange bool     // connected
	graph    []string // scopes of the connection; nil is none
	// answers are what a person says to Read-Host.
	answers []string
	// lift ends the refusal of a cause, which a cmdlet has mended; nil is nothing.
	lift   func(cause)
	mended []cause // not lifted yet

	out      psOutput
	steps    int
	trying   int        // try blocks around the statement
	failed   bool       // an error ended a statement
	catching []*psError // errors of the catch blocks around the statement
}

func newPSSession(t *Tenant) *psSession { return &psSession{t: t, vars: map[string]any{}} }

// run runs a script in the window and returns what it prints, and whether
// nothing ended it, or a statement of it, early. What was done stays done.
func (s *psSession) run(script string) (output string, ok bool) {
	s.out, s.steps, s.failed, s.trying, s.catching = psOutput{}, 0, false, 0, nil
	list, err := parsePowerShell(script)
	if err == nil {
		err = s.statements(list, s.out.print)
	}
	if err != nil && !errors.Is(err, errPSReturn) && !errors.Is(err, errPSBreak) && !errors.Is(err, errPSNext) {
		s.failed = true
		s.out.line(err.Error())
	}
	return s.out.text(), !s.failed
}

func (s *psSession) tick() error {
	s.steps++
	if s.steps > psMaxSteps || s.out.b.Len() > psMaxOutput {
		return &psError{reach: psEndsScript, message: "The sandbox's console ended the script, which did not end by itself."}
	}
	return nil
}

// preference is $ErrorActionPreference.
func (s *psSession) preference() string {
	if text := psText(s.vars["erroractionpreference"]); text != "" {
		return text
	}
	return "Continue"
}

// statements runs a list. emit is given what it puts out.
func (s *psSession) statements(list []psStatement, emit func(any)) error {
	for _, st := range list {
		err := s.tick()
		if err == nil {
			err = s.statement(st, emit)
		}
		var failed *psError
		if !errors.As(err, &failed) {
			if err != nil {
				return err
			}
			continue
		}
		if failed.reach == psEndsScript || s.trying > 0 {
			return err
		}
		if strings.EqualFold(s.preference(), "Stop") {
			failed.reach = psEndsScript
			return err
		}
		s.failed = true
		s.report(failed, s.preference())
	}
	return nil
}

// report prints an error, unless the action keeps it quiet.
func (s *psSession) report(e *psError, action string) {
	if !strings.EqualFold(action, "SilentlyContinue") && !strings.EqualFold(action, "Ignore") {
		s.out.line(e.Error())
	}
}

// collect runs a list and returns what it puts out.
func (s *psSession) collect(list []psStatement) (out []any, err error) {
	err = s.statements(list, func(v any) { out = append(out, v) })
	return out, err
}

func (s *psSession) statement(st psStatement, emit func(any)) error {
	switch st := st.(type) {
	case psPipe:
		return s.pipe(st, emit)
	case psAssign:
		v, err := s.value(st.value)
		if err == nil && st.name == "erroractionpreference" && !slices.ContainsFunc(psActions, func(a string) bool { return strings.EqualFold(a, psText(v)) }) {
			err = s.at(st.value.line, psTerminating("Cannot convert value \"%s\" to type \"System.Management.Automation.ActionPreference\". Specify one of: %s.", psText(v), strings.Join(psActions, ", ")))
		}
		if err == nil && st.name != "" {
			s.vars[st.name] = v
		}
		return err
	case psIf:
		for i, c := range st.conditions {
			v, err := s.value(c)
			if err != nil {
				return err
			}
			if psTrue(v) {
				return s.statements(st.then[i], emit)
			}
		}
		return s.statements(st.otherwise, emit)
	case psForeach:
		v, err := s.value(st.in)
		if err != nil || v == nil {
			return err
		}
		for _, item := range psItems(v) {
			s.vars[st.name] = item
			if done, err := psRound(s.statements(st.body, emit)); done || err != nil {
				return err
			}
		}
	case psFor:
		return s.loop(st, emit)
	case psTry:
		return s.try(st, emit)
	case psThrow:
		return s.throw(st)
	case psReturn:
		if st.value != nil {
			if err := s.pipe(*st.value, emit); err != nil {
				return err
			}
		}
		return errPSReturn
	case psBreak:
		return errPSBreak
	case psNext:
		return errPSNext
	}
	return nil
}

// psRound says whether a loop is over after a round that ended with err.
func psRound(err error) (done bool, failed error) {
	switch {
	case errors.Is(err, errPSBreak):
		return true, nil
	case errors.Is(err, errPSNext):
		return false, nil
	}
	return err != nil, err
}

func (s *psSession) loop(st psFor, emit func(any)) error {
	quiet := func(any) {}
	if st.first != nil {
		if err := s.statement(st.first, quiet); err != nil {
			return err
		}
	}
	for {
		if st.condition != nil {
			if v, err := s.value(*st.condition); err != nil || !psTrue(v) {
				return err
			}
		}
		if err := s.tick(); err != nil {
			return err
		}
		if done, err := psRound(s.statements(st.body, emit)); done || err != nil {
			return err
		}
		if st.next != nil {
			if err := s.statement(st.next, quiet); err != nil {
				return err
			}
		}
	}
}

// try runs its catch block with the error as $_.
func (s *psSession) try(st psTry, emit func(any)) error {
	s.trying++
	err := s.statements(st.body, emit)
	s.trying--
	var failed *psError
	if !errors.As(err, &failed) || s.steps > psMaxSteps {
		return err
	}
	before := s.vars["_"]
	s.vars["_"] = &psObject{kind: "ErrorRecord", text: failed.message, failure: failed, props: []psProp{
		{"Exception", &psObject{kind: "Exception", text: failed.message, props: []psProp{{"Message", failed.message}}}},
	}}
	s.catching = append(s.catching, failed)
	err = s.statements(st.catch, emit)
	s.catching = s.catching[:len(s.catching)-1]
	s.vars["_"] = before
	return err
}

func (s *psSession) throw(st psThrow) error {
	e := &psError{reach: psEndsScript, message: "ScriptHalted"}
	if st.value == nil {
		if n := len(s.catching); n > 0 {
			again := *s.catching[n-1]
			again.reach = psEndsScript
			return &again
		}
		return e
	}
	v, err := s.value(*st.value)
	if err != nil {
		return err
	}
	e.command, e.line, e.message = "Exception", st.value.line, psText(v)
	if o, ok := v.(*psObject); ok && o.failure != nil {
		again := *o.failure
		e = &again
		e.reach = psEndsScript
	}
	return e
}

// at puts the line to an error that has none yet.
func (s *psSession) at(line int, err error) error {
	var failed *psError
	if errors.As(err, &failed) && failed.line == 0 {
		failed.line = line
	}
	return err
}

// value is a pipeline's value, for an assignment or a condition. That of an
// expression is kept as it is, an array of one too.
func (s *psSession) value(p psPipe) (any, error) {
	if p.first != nil && len(p.commands) == 0 {
		v, err := s.eval(p.first)
		return v, s.at(p.line, err)
	}
	var out []any
	err := s.pipe(p, func(v any) { out = append(out, v) })
	return psCollected(out), err
}

// pipe runs a pipeline.
func (s *psSession) pipe(p psPipe, emit func(any)) error {
	var flow []any
	if p.first != nil {
		v, err := s.eval(p.first)
		if err != nil {
			return s.at(p.line, err)
		}
		if _, isStep := p.first.(psStep); isStep && len(p.commands) == 0 {
			return nil
		}
		// A command in parentheses that put nothing out hands nothing on.
		if _, isParen := p.first.(psParen); v != nil || !isParen {
			flow = psItems(v)
		}
	}
	for i, c := range p.commands {
		out, err := s.command(c, flow, p.first != nil || i > 0)
		if err != nil {
			return s.at(c.line, err)
		}
		flow = out
	}
	for _, v := range flow {
		if err := s.tick(); err != nil {
			return err
		}
		emit(v)
	}
	return nil
}
