package sandbox

import (
	"strings"
	"unicode"
)

// The expressions.
type (
	psExpr any

	psConst  struct{ value any }
	psVar    struct{ name string }
	psExpand []psExpr // a string in double quotes
	psList   []psExpr // with commas
	psSub    struct{ body []psStatement }
	psArray  struct{ body []psStatement } // @( )
	psParen  struct{ pipe psPipe }
	psTable  struct { // @{ }
		keys   []string
		values []psPipe
	}
	psBlock  struct{ body []psStatement } // { } as an argument
	psNot    struct{ of psExpr }
	psMinus  struct{ of psExpr }
	psChar   struct{ of psExpr } // [char]
	psBinary struct {
		operator    string // "+", "-and", in small letters
		left, right psExpr
	}
	psMember struct {
		of   psExpr
		name string
	}
	psMethod struct {
		of   psExpr
		name string
		with []psExpr
	}
	psIndex struct{ of, at psExpr }
	psStep  struct { // $x++
		name string
		by   int64
	}
)

// psOperators are those with a word, by how tight they bind.
var psOperators = [...][]string{
	{"-and", "-or"},
	{"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-like", "-notlike", "-match", "-notmatch", "-contains", "-notcontains", "-in", "-notin"},
}

func (p *psParser) expression() psExpr { return p.binary(0) }

// binary reads what is joined by operators of a level, or by tighter ones.
func (p *psParser) binary(level int) psExpr {
	p.enter()
	defer p.leave()
	operand := func() psExpr {
		if level+1 < len(psOperators) {
			return p.binary(level + 1)
		}
		return p.sum()
	}
	left := operand()
	for {
		p.skip(false)
		if !psDash(p.peek(0)) || !psLetter(p.peek(1)) {
			return left
		}
		at := p.pos
		p.pos++
		word, known, mine := "-"+strings.ToLower(p.name()), false, false
		for l, list := range psOperators {
			for _, o := range list {
				known, mine = known || o == word, mine || o == word && l == level
			}
		}
		if !known {
			p.pos = at
			p.outside("the operator " + word)
		}
		if !mine {
			p.pos = at
			return left
		}
		p.skip(true)
		left = psBinary{word, left, operand()}
	}
}

func (p *psParser) sum() psExpr {
	left := p.listed()
	for {
		p.skip(false)
		switch r := p.peek(0); {
		case r == '+' && p.peek(1) != '=' && p.peek(1) != '+', psDash(r) && !psLetter(p.peek(1)) && p.peek(1) != '=' && !psDash(p.peek(1)):
			operator := "+"
			if r != '+' {
				operator = "-"
			}
			p.pos++
			p.skip(true)
			left = psBinary{operator, left, p.listed()}
		case r != 0 && strings.ContainsRune("*/%", r), r == '+', psDash(r) && !psLetter(p.peek(1)), r == '.' && p.peek(1) == '.':
			p.outside("the operator " + string(r))
		default:
			return left
		}
	}
}

func (p *psParser) listed() psExpr {
	list := psList{p.unary()}
	for {
		at := p.pos
		if p.skip(false); p.peek(0) != ',' {
			p.pos = at
			break
		}
		p.pos++
		p.skip(true)
		list = append(list, p.unary())
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *psParser) unary() psExpr {
	p.enter()
	defer p.leave()
	switch r := p.peek(0); {
	case r == '!':
		p.pos++
		p.skip(true)
		return psNot{p.unary()}
	case psDash(r) && psLetter(p.peek(1)):
		at := p.pos
		p.pos++
		if word := p.name(); !strings.EqualFold(word, "not") {
			p.pos = at
			p.outside("the operator -" + word + " here")
		}
		p.skip(true)
		return psNot{p.unary()}
	case psDash(r) && unicode.IsDigit(p.peek(1)):
		p.pos++
		return psMinus{p.number()}
	case r == '[':
		end := p.pos + 1
		for end < len(p.src) && p.src[end] != ']' && !psNewline(p.src[end]) {
			end++
		}
		if name := string(p.src[p.pos:min(end+1, len(p.src))]); !strings.EqualFold(name, "[char]") {
			p.outside("the type " + name)
		}
		p.pos = end + 1
		p.skip(false)
		return psChar{p.unary()}
	}
	return p.postfix()
}

// postfix reads a value with its properties, methods and indexes, which follow
// without a blank.
func (p *psParser) postfix() psExpr {
	e := p.primary()
	for {
		switch r := p.peek(0); {
		case r == '.' && psLetter(p.peek(1)):
			p.pos++
			name := p.name()
			if p.peek(0) != '(' {
				e = psMember{e, name}
				continue
			}
			p.pos++
			m := psMethod{of: e, name: name}
			for p.skip(true); p.peek(0) != ')'; p.skip(true) {
				if len(m.with) > 0 {
					p.take(',')
					p.skip(true)
				}
				m.with = append(m.with, p.argumentOfMethod())
			}
			p.pos++
			e = m
		case r == '.' && !unicode.IsSpace(p.peek(1)) && p.peek(1) != 0:
			p.outside("a property whose name is not a word")
		case r == '[':
			p.pos++
			p.skip(true)
			at := p.expression()
			p.take(']')
			e = psIndex{e, at}
		case r == ':' && p.peek(1) == ':':
			p.outside("::")
		case r == '+' && p.peek(1) == '+', psDash(r) && psDash(p.peek(1)):
			v, ok := e.(psVar)
			if !ok {
				p.unexpected()
			}
			by := int64(1)
			if r != '+' {
				by = -1
			}
			p.pos += 2
			return psStep{v.name, by}
		default:
			return e
		}
	}
}

// argumentOfMethod is an expression without a comma of its own.
func (p *psParser) argumentOfMethod() psExpr { return p.unary() }

func (p *psParser) primary() psExpr {
	switch r := p.peek(0); {
	case psSingle(r):
		return psConst{p.single()}
	case psDouble(r):
		return p.double()
	case r == '$':
		return p.dollar()
	case unicode.IsDigit(r):
		return p.number()
	case r == '(':
		p.pos++
		pipe := p.pipe()
		p.take(')')
		return psParen{pipe}
	case r == '@' && p.peek(1) == '(':
		p.pos += 2
		return psArray{p.statements(')')}
	case r == '@' && p.peek(1) == '{':
		p.pos += 2
		return p.table()
	case r == '@' && (psSingle(p.peek(1)) || psDouble(p.peek(1))):
		p.outside("a here-string")
	case r == '@':
		p.outside("splatting")
	}
	p.unexpected()
	return nil
}

func (p *psParser) table() (t psTable) {
	for {
		for p.skip(true); p.peek(0) == ';'; p.skip(true) {
			p.pos++
		}
		var key string
		switch r := p.peek(0); {
		case r == '}':
			p.pos++
			return t
		case psSingle(r):
			key = p.single()
		default:
			if key = p.name(); key == "" {
				p.unexpected()
			}
		}
		for _, k := range t.keys {
			if strings.EqualFold(k, key) {
				p.fail("Duplicate keys '%s' are not allowed in hash literals.", key)
			}
		}
		p.take('=')
		t.keys, t.values = append(t.keys, key), append(t.values, p.pipe())
		if p.skip(false); !psNewline(p.peek(0)) && p.peek(0) != ';' && p.peek(0) != '}' {
			p.unexpected()
		}
	}
}
