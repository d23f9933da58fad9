package sandbox

import (
	"slices"
	"strings"
	"unicode"
)

// The statements. A psPipe is a statement as well.
type (
	psStatement any

	psIf struct {
		conditions []psPipe
		then       [][]psStatement
		otherwise  []psStatement
	}
	psForeach struct {
		name string
		in   psPipe
		body []psStatement
	}
	psFor struct {
		first, next psStatement // nil: nothing
		condition   *psPipe     // nil: for ever
		body        []psStatement
	}
	psTry    struct{ body, catch []psStatement }
	psThrow  struct{ value *psPipe }
	psReturn struct{ value *psPipe }
	psBreak  struct{}
	psNext   struct{} // continue
	psAssign struct {
		name  string
		value psPipe
	}
	// A psPipe is an expression, or a command, and the commands that it is
	// piped to.
	psPipe struct {
		line     int
		first    psExpr // nil: a command is first
		commands []psCommand
	}
	psCommand struct {
		line     int
		name     string
		elements []psElement
	}
	// A psElement is a parameter, or an argument without one (name "").
	psElement struct {
		name  string
		value psExpr // nil: what follows may be the parameter's
		joint bool   // -Name:value
	}
)

// parsePowerShell reads a script, of which nothing has run when it fails.
func parsePowerShell(script string) (list []psStatement, err error) {
	p := &psParser{src: []rune(strings.TrimPrefix(script, "\ufeff"))}
	defer func() {
		if e, ok := recover().(*psSyntaxError); ok {
			list, err = nil, e
		}
	}()
	if i := slices.Index(p.src, 0); i >= 0 {
		p.pos = i
		p.fail("The script has a NUL character.")
	}
	return p.statements(0), nil
}

// statements reads up to the bracket end, and over it; 0 is the script's end.
func (p *psParser) statements(end rune) (list []psStatement) {
	p.enter()
	defer p.leave()
	for {
		for p.skip(true); p.peek(0) == ';'; p.skip(true) {
			p.pos++
		}
		switch {
		case p.eof() && end != 0:
			p.fail("Missing closing '%c' in statement block.", end)
		case p.eof():
			return list
		case p.peek(0) == end:
			p.pos++
			return list
		}
		s := p.statement()
		list = append(list, s)
		switch s.(type) {
		case psIf, psForeach, psFor, psTry:
			continue
		}
		if p.skip(false); !p.eof() && !psNewline(p.peek(0)) && p.peek(0) != ';' && p.peek(0) != end {
			p.unexpected()
		}
	}
}

// block reads statements in braces.
func (p *psParser) block() []psStatement {
	p.take('{')
	return p.statements('}')
}

// psNoKeywords are PowerShell's further ones.
var psNoKeywords = []string{"begin", "class", "data", "do", "dynamicparam", "end", "enum", "exit", "filter", "function", "param", "process",
	"switch", "trap", "until", "using", "while", "workflow", "finally", "else", "elseif", "catch", "in"}

func (p *psParser) statement() psStatement {
	switch {
	case p.keyword("if"):
		return p.choice()
	case p.keyword("foreach"):
		p.take('(')
		p.skip(true)
		if p.peek(0) != '$' {
			p.unexpected()
		}
		v, ok := p.dollar().(psVar)
		if !ok {
			p.fail("foreach needs a variable of its own.")
		}
		if p.skip(true); !p.keyword("in") {
			p.unexpected()
		}
		in := p.pipe()
		p.take(')')
		return psForeach{v.name, in, p.block()}
	case p.keyword("for"):
		return p.loop()
	case p.keyword("try"):
		s := psTry{body: p.block()}
		if p.skip(true); !p.keyword("catch") {
			p.outside("try without catch")
		}
		s.catch = p.block()
		return s
	case p.keyword("throw"):
		return psThrow{p.optional()}
	case p.keyword("return"):
		return psReturn{p.optional()}
	case p.keyword("break"):
		return psBreak{}
	case p.keyword("continue"):
		return psNext{}
	}
	for _, word := range psNoKeywords {
		if at := p.pos; p.keyword(word) {
			p.pos = at
			p.outside("the statement " + word)
		}
	}
	return p.simple()
}

// simple is an assignment or a pipeline.
func (p *psParser) simple() psStatement {
	s := p.pipe()
	if p.skip(false); p.peek(0) != '=' {
		return s
	}
	v, ok := s.first.(psVar)
	c, isConst := s.first.(psConst)
	p.pos++
	p.skip(true)
	switch {
	case isConst && c.value == nil && len(s.commands) == 0:
		return psAssign{"", p.pipe()} // $null = ...
	case !ok || len(s.commands) > 0:
		p.outside("an assignment to anything but a variable")
	}
	return psAssign{v.name, p.pipe()}
}

// optional is a pipeline that may be missing.
func (p *psParser) optional() *psPipe {
	if p.skip(false); p.eof() || psNewline(p.peek(0)) || strings.ContainsRune(";})", p.peek(0)) {
		return nil
	}
	pipe := p.pipe()
	return &pipe
}

func (p *psParser) choice() (s psIf) {
	for {
		p.take('(')
		s.conditions = append(s.conditions, p.pipe())
		p.take(')')
		s.then = append(s.then, p.block())
		at := p.pos
		switch p.skip(true); {
		case p.keyword("elseif"):
		case p.keyword("else"):
			s.otherwise = p.block()
			return s
		default:
			p.pos = at
			return s
		}
	}
}

func (p *psParser) loop() (s psFor) {
	p.take('(')
	if p.skip(true); p.peek(0) != ';' {
		s.first = p.simple()
	}
	p.take(';')
	if p.skip(true); p.peek(0) != ';' {
		condition := p.pipe()
		s.condition = &condition
	}
	p.take(';')
	if p.skip(true); p.peek(0) != ')' {
		s.next = p.simple()
	}
	p.take(')')
	s.body = p.block()
	return s
}

// pipe reads an expression or a command and what it is piped to.
func (p *psParser) pipe() (s psPipe) {
	p.enter()
	defer p.leave()
	p.skip(true)
	s.line = p.line()
	switch r := p.peek(0); {
	case p.eof() || strings.ContainsRune(")};|", r):
		p.unexpected()
	case r == '&' || r == '.':
		p.outside("the call operator " + string(r))
	case unicode.IsLetter(r):
		s.commands = append(s.commands, p.command())
	default:
		s.first = p.expression()
	}
	for p.skip(false); p.peek(0) == '|'; p.skip(false) {
		if p.pos++; p.peek(0) == '|' {
			p.outside("||")
		}
		if p.skip(true); !unicode.IsLetter(p.peek(0)) {
			p.fail("Expressions are only allowed as the first element of a pipeline.")
		}
		s.commands = append(s.commands, p.command())
	}
	if r := p.peek(0); r == '&' || r == '>' || r == '<' {
		p.outside("the operator " + string(r))
	}
	return s
}

func (p *psParser) command() psCommand {
	c := psCommand{line: p.line()}
	start := p.pos
	for psWord(p.peek(0)) || psDash(p.peek(0)) || p.peek(0) == '.' || p.peek(0) == '\\' {
		p.pos++
	}
	c.name = string(p.src[start:p.pos])
	for {
		at := p.pos
		if p.skip(false); p.eof() || psNewline(p.peek(0)) || strings.ContainsRune(";|)}", p.peek(0)) {
			return c
		}
		if at == p.pos { // nothing between this and what was before
			p.unexpected()
		}
		if psDash(p.peek(0)) && psLetter(p.peek(1)) {
			p.pos++
			e := psElement{name: p.name()}
			if p.peek(0) == ':' {
				p.pos++
				p.skip(false)
				e.value, e.joint = p.arguments(), true
			}
			c.elements = append(c.elements, e)
			continue
		}
		c.elements = append(c.elements, psElement{value: p.arguments()})
	}
}

// arguments reads one, or a list with commas.
func (p *psParser) arguments() psExpr {
	list := psList{p.argument()}
	for {
		at := p.pos
		if p.skip(false); p.peek(0) != ',' {
			p.pos = at
			break
		}
		p.pos++
		p.skip(true)
		list = append(list, p.argument())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *psParser) argument() psExpr {
	switch r := p.peek(0); {
	case p.eof() || psNewline(r) || strings.ContainsRune(";|)}", r):
		p.fail("Missing an argument.")
	case strings.ContainsRune("$('\"@", r), psSingle(r), psDouble(r):
		return p.postfix()
	case r == '{':
		p.pos++
		return psBlock{p.statements('}')}
	}
	start := p.pos
	for !p.eof() && !unicode.IsSpace(p.peek(0)) && !strings.ContainsRune(";|)},", p.peek(0)) {
		if r := p.peek(0); strings.ContainsRune("&<>(){}[]`$", r) || psSingle(r) || psDouble(r) {
			p.outside("'" + string(r) + "' in an argument without quotes")
		}
		p.pos++
	}
	text := string(p.src[start:p.pos])
	if n, ok := psNumber(text); ok {
		return psConst{n}
	}
	return psConst{text}
}
