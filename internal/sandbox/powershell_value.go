package sandbox

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The values of a script are nil, bool, int64, string, psRune, []any, *psHash,
// psBlock and *psObject. A string may hold half of a UTF-16 pair, in three
// octets, until the other half is added to it.

// A psRune is a [char]: one unit of UTF-16.
type psRune uint16

// A psHash is a hashtable in the order in which it was written.
type psHash struct {
	keys   []string
	values []any
}

// A psObject is what a cmdlet puts out.
type psObject struct {
	kind string // objects of a kind stand in one table
	// text is the object as a string.
	text  string
	props []psProp
	// view lists the properties that are shown without being asked for; more
	// than four of them make a list.
	view []string
	// failure is the error of an ErrorRecord.
	failure *psError
}

type psProp struct {
	name  string
	value any
}

// get finds a property, in whatever letters.
func (o *psObject) get(name string) (value any, ok bool) {
	for _, p := range o.props {
		if strings.EqualFold(p.name, name) {
			return p.value, true
		}
	}
	return nil, false
}

// psItems is what a pipeline hands on of a value: the elements of an array.
func psItems(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// psCollected is the value of a pipeline that put out list.
func psCollected(list []any) any {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

// psTrue is a value as a condition.
func psTrue(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case string:
		return v != ""
	case psRune:
		return v != 0
	case []any:
		return len(v) > 1 || len(v) == 1 && psTrue(v[0])
	}
	return true
}

// psText is a value as a string.
func psText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		return v
	case psRune:
		return psJoin("", v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, psText(e))
		}
		return strings.Join(parts, " ")
	case *psObject:
		return v.text
	case *psHash:
		return "System.Collections.Hashtable"
	}
	return ""
}

// psJoin adds a unit of UTF-16 to a string.
func psJoin(s string, unit psRune) string {
	u := rune(unit)
	if u < 0xd800 || u > 0xdfff {
		return s + string(u)
	}
	if n := len(s) - 3; u >= 0xdc00 && n >= 0 && s[n] == 0xed && s[n+1] >= 0xa0 && s[n+1] < 0xb0 {
		high := rune(s[n+1]&0x3f)<<6 | rune(s[n+2]&0x3f) // without the first half's 0xd000
		return s[:n] + string(0x10000+(high-0x800)<<10+(u-0xdc00))
	}
	return s + string([]byte{0xed, byte(0x80 | u>>6&0x3f), byte(0x80 | u&0x3f)})
}

// psPrintable is s as it is written: the halves of pairs are no characters.
func psPrintable(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

// psKind is a value's type in .NET.
func psKind(v any) string {
	switch v.(type) {
	case bool:
		return "System.Boolean"
	case int64:
		return "System.Int32"
	case string:
		return "System.String"
	case psRune:
		return "System.Char"
	case []any:
		return "System.Object[]"
	case *psHash:
		return "System.Collections.Hashtable"
	case psBlock:
		return "System.Management.Automation.ScriptBlock"
	}
	return "System.Management.Automation.PSObject"
}

// psEqual is -eq of two single values: the right one becomes what the left is.
func psEqual(left, right any) bool {
	switch l := left.(type) {
	case nil:
		return right == nil
	case bool:
		return right != nil && l == psTrue(right)
	case int64:
		r, ok := psInteger(right)
		return ok && l == r
	case string, psRune:
		return right != nil && strings.EqualFold(psText(l), psText(right))
	case *psObject:
		r, ok := right.(*psObject)
		return ok && l == r
	}
	return false
}

// psInteger is a value as a number; null is none.
func psInteger(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		if strings.TrimSpace(v) == "" {
			return 0, true
		}
		return psNumber(strings.TrimSpace(v))
	}
	return 0, false
}

// psCompare does a comparison; an array on the left of -eq, -match and their
// like is filtered by it.
func psCompare(operator string, left, right any) (any, error) {
	positive, negated := strings.CutPrefix(operator, "-not")
	if negated {
		positive = "-" + positive
	}
	switch positive {
	case "-contains":
		return slices.ContainsFunc(psItems(left), func(e any) bool { return psEqual(e, right) }) != negated, nil
	case "-in":
		return slices.ContainsFunc(psItems(right), func(e any) bool { return psEqual(e, left) }) != negated, nil
	}
	list, isList := left.([]any)
	if !isList {
		return psCompareOne(positive, left, right, negated)
	}
	kept := []any{}
	for _, e := range list {
		yes, err := psCompareOne(positive, e, right, negated)
		if err != nil {
			return nil, err
		}
		if yes {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

func psCompareOne(operator string, left, right any, negated bool) (bool, error) {
	yes := false
	switch operator {
	case "-eq":
		yes = psEqual(left, right)
	case "-ne":
		yes = !psEqual(left, right)
	case "-like":
		pattern := strings.ToLower(psText(right))
		for _, r := range "\\/" { // path.Match has a meaning for these that -like has not
			pattern = strings.ReplaceAll(pattern, string(r), "\x00")
		}
		subject := strings.NewReplacer("\\", "\x00", "/", "\x00").Replace(strings.ToLower(psText(left)))
		matched, err := path.Match(pattern, subject)
		if err != nil {
			return false, psTerminating("The specified wildcard character pattern is not valid: %s", psText(right))
		}
		yes = matched
	case "-match":
		pattern, err := regexp.Compile("(?i)" + psText(right))
		if err != nil {
			return false, psTerminating("The regular expression pattern %s is not valid, or not one that the sandbox's console can match.", psText(right))
		}
		yes = pattern.MatchString(psText(left))
	default:
		order, ok := psOrder(left, right)
		if !ok {
			return false, psTerminating("Cannot compare \"%s\" to \"%s\" because the objects are not the same type.", psText(left), psText(right))
		}
		yes = map[string]bool{"-lt": order < 0, "-le": order <= 0, "-gt": order > 0, "-ge": order >= 0}[operator]
	}
	return yes != negated, nil
}

// psOrder compares by size or by letters.
func psOrder(left, right any) (int, bool) {
	switch l := left.(type) {
	case string:
		return strings.Compare(strings.ToLower(l), strings.ToLower(psText(right))), true
	case nil:
		left = int64(0)
	}
	if right == nil {
		right = int64(0)
	}
	l, ok := psInteger(left)
	r, also := psInteger(right)
	return int(max(-1, min(1, l-r))), ok && also
}
