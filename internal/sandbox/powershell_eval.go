package sandbox

import (
	"strings"
)

// eval computes an expression.
func (s *psSession) eval(e psExpr) (any, error) {
	if err := s.tick(); err != nil {
		return nil, err
	}
	switch e := e.(type) {
	case psConst:
		return e.value, nil
	case psVar:
		return s.variable(e.name), nil
	case psExpand:
		var b strings.Builder
		for _, part := range e {
			v, err := s.eval(part)
			if err != nil {
				return nil, err
			}
			b.WriteString(psText(v))
		}
		return s.charge(b.String()), nil
	case psList:
		list := make([]any, 0, len(e))
		for _, part := range e {
			v, err := s.eval(part)
			if err != nil {
				return nil, err
			}
			if _, isList := v.([]any); isList {
				return nil, psTerminating("The sandbox's console has no arrays in arrays.")
			}
			list = append(list, v)
		}
		return list, nil
	case psSub:
		list, err := s.collect(e.body)
		return psCollected(list), err
	case psArray:
		list, err := s.collect(e.body)
		return append([]any{}, list...), err
	case psParen:
		return s.value(e.pipe)
	case psTable:
		h := &psHash{keys: e.keys}
		for _, pipe := range e.values {
			v, err := s.value(pipe)
			if err != nil {
				return nil, err
			}
			h.values = append(h.values, v)
		}
		return h, nil
	case psBlock:
		return e, nil
	case psNot:
		v, err := s.eval(e.of)
		return !psTrue(v), err
	case psStep:
		return s.step(e)
	}
	return s.compute(e)
}

// compute is the other half of eval: what needs the values of its parts.
func (s *psSession) compute(e psExpr) (any, error) {
	switch e := e.(type) {
	case psMinus:
		v, err := s.eval(e.of)
		if err != nil {
			return nil, err
		}
		return psMinusOf(int64(0), v)
	case psChar:
		v, err := s.eval(e.of)
		if err != nil {
			return nil, err
		}
		n, ok := v.(int64)
		if !ok || n < 0 || n > 0xffff {
			return nil, psTerminating("Cannot convert value \"%s\" to type \"System.Char\".", psText(v))
		}
		return psRune(n), nil
	case psBinary:
		return s.binary(e)
	case psMember:
		v, err := s.eval(e.of)
		if err != nil {
			return nil, err
		}
		return psProperty(v, e.name), nil
	case psMethod:
		return s.method(e)
	case psIndex:
		v, err := s.eval(e.of)
		if err != nil {
			return nil, err
		}
		at, err := s.eval(e.at)
		if err != nil {
			return nil, err
		}
		return psAt(v, at)
	}
	return nil, psTerminating("The sandbox's console cannot compute this expression.")
}

// charge counts what is long as steps, so that nothing grows without an end.
func (s *psSession) charge(v any) any {
	switch v := v.(type) {
	case string:
		s.steps += len(v) / 64
	case []any:
		s.steps += len(v)
	}
	return v
}

func (s *psSession) variable(name string) any { return s.vars[name] }

// step changes a variable by one and has its value from before.
func (s *psSession) step(e psStep) (any, error) {
	old := s.variable(e.name)
	n, ok := psInteger(old)
	if !ok && old != nil {
		return nil, psTerminating("The '++' operator works only on numbers. The operand is a '%s'.", psKind(old))
	}
	s.vars[e.name] = n + e.by
	return old, nil
}

func (s *psSession) binary(e psBinary) (any, error) {
	left, err := s.eval(e.left)
	if err != nil {
		return nil, err
	}
	switch e.operator {
	case "-and", "-or":
		if psTrue(left) == (e.operator == "-or") {
			return psTrue(left), nil
		}
		right, err := s.eval(e.right)
		return psTrue(right), err
	}
	right, err := s.eval(e.right)
	if err != nil {
		return nil, err
	}
	switch e.operator {
	case "+":
		sum, err := psPlus(left, right)
		return s.charge(sum), err
	case "-":
		return psMinusOf(left, right)
	}
	return psCompare(e.operator, left, right)
}

func psPlus(left, right any) (any, error) {
	switch l := left.(type) {
	case nil:
		return right, nil
	case string:
		if unit, ok := right.(psRune); ok {
			return psJoin(l, unit), nil
		}
		return l + psText(right), nil
	case int64:
		if r, ok := psInteger(right); ok || right == nil {
			return l + r, nil
		}
		return nil, psTerminating("Cannot convert value \"%s\" to type \"System.Int32\".", psText(right))
	case []any:
		return append(append([]any{}, l...), psItems(right)...), nil
	}
	return nil, psTerminating("Method invocation failed because [%s] does not contain a method named 'op_Addition'.", psKind(left))
}

func psMinusOf(left, right any) (any, error) {
	l, ok := psInteger(left)
	r, also := psInteger(right)
	if !ok && left != nil || !also && right != nil {
		return nil, psTerminating("Method invocation failed because [%s] does not contain a method named 'op_Subtraction'.", psKind(left))
	}
	return l - r, nil
}

// psProperty is a property of a value; of an array's elements, when the array
// itself has none of that name. What is not there is null.
func psProperty(v any, name string) any {
	count := func(n int) (any, bool) {
		return int64(n), strings.EqualFold(name, "Count") || strings.EqualFold(name, "Length")
	}
	switch v := v.(type) {
	case *psObject:
		value, ok := v.get(name)
		if n, counts := count(1); !ok && counts {
			return n
		}
		return value
	case *psHash:
		for i, key := range v.keys {
			if strings.EqualFold(key, name) {
				return v.values[i]
			}
		}
		if strings.EqualFold(name, "Count") {
			return int64(len(v.keys))
		}
	case []any:
		if n, counts := count(len(v)); counts {
			return n
		}
		var list []any
		for _, e := range v {
			if o, ok := e.(*psObject); ok {
				if value, ok := o.get(name); ok {
					list = append(list, psItems(value)...)
				}
			}
		}
		return psCollected(list)
	case string:
		if strings.EqualFold(name, "Length") {
			return int64(len([]rune(v)))
		}
		if strings.EqualFold(name, "Count") {
			return int64(1)
		}
	case nil:
		if n, counts := count(0); counts {
			return n
		}
	default:
		if n, counts := count(1); counts {
			return n
		}
	}
	return nil
}

// method calls one of the two methods of strings that the scripts use.
func (s *psSession) method(e psMethod) (any, error) {
	v, err := s.eval(e.of)
	if err != nil {
		return nil, err
	}
	var with []string
	for _, a := range e.with {
		value, err := s.eval(a)
		if err != nil {
			return nil, err
		}
		with = append(with, psText(value))
	}
	text, isText := v.(string)
	switch name := strings.ToLower(e.name); {
	case v == nil:
		return nil, psTerminating("You cannot call a method on a null-valued expression.")
	case isText && name == "trim" && len(with) == 0:
		return strings.TrimSpace(text), nil
	case isText && name == "replace" && len(with) == 2:
		if with[0] == "" {
			return nil, psTerminating("Exception calling \"Replace\" with \"2\" argument(s): \"String cannot be of zero length.\"")
		}
		if len(text)*(len(with[1])+1) > psMaxOutput {
			return nil, psTerminating("The string is too long for the sandbox's console.")
		}
		return s.charge(strings.ReplaceAll(text, with[0], with[1])), nil
	case isText && (name == "trim" || name == "replace"):
		return nil, psTerminating("Cannot find an overload for \"%s\" and the argument count: \"%d\".", e.name, len(with))
	}
	return nil, psTerminating("Method invocation failed because [%s] does not contain a method named '%s', or the sandbox's console does not know it.", psKind(v), e.name)
}

// psAt is an element; what is not there is null.
func psAt(v, at any) (any, error) {
	i, ok := at.(int64)
	list, isList := v.([]any)
	switch {
	case v == nil:
		return nil, psTerminating("Cannot index into a null array.")
	case !isList || !ok:
		return nil, psTerminating("The sandbox's console indexes arrays alone, by number.")
	}
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return nil, nil
	}
	return list[i], nil
}
