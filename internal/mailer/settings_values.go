package mailer

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// A settingsTable is one table of traymail.toml: [name], or one of [[name]].
type settingsTable struct {
	name   string
	values []settingsValue // in the order of the documentation
}

// A settingsValue is one key with its value.
type settingsValue struct {
	key   string
	value any
	text  string // as TOML; "" leaves the key out
}

// tables are the settings as traymail.toml would have them: the tables by their
// place, and those of arrays by their name.
func (s Settings) tables() (single []settingsTable, arrays map[string][]settingsTable, err error) {
	arrays = map[string][]settingsTable{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Tag.Get("toml"), v.Field(i)
		switch {
		case name == "-":
		case field.Kind() == reflect.Slice:
			arrays[name] = []settingsTable{}
			for j := range field.Len() {
				t, err := tableOf(name, field.Index(j))
				if err != nil {
					return nil, nil, err
				}
				arrays[name] = append(arrays[name], t)
			}
		default:
			t, err := tableOf(name, field)
			if err != nil {
				return nil, nil, err
			}
			single = append(single, t)
		}
	}
	return single, arrays, nil
}

func tableOf(name string, v reflect.Value) (settingsTable, error) {
	t := settingsTable{name: name}
	for i := range v.NumField() {
		value := v.Field(i)
		text, err := tomlOf(value.Interface())
		if err != nil {
			return t, err
		}
		t.values = append(t.values, settingsValue{v.Type().Field(i).Tag.Get("toml"), value.Interface(), text})
	}
	return t, nil
}

// tomlOf is a value in TOML, "" when it is zero: every key that is left out has
// that meaning.
func tomlOf(value any) (string, error) {
	v := reflect.ValueOf(value)
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return "", nil
	}
	switch value := value.(type) {
	case string:
		return quoted(value)
	case int:
		return strconv.Itoa(value), nil
	case bool:
		return strconv.FormatBool(value), nil
	case Duration:
		return quoted(value.String())
	case netip.Prefix:
		return quoted(value.String())
	}
	if v.Kind() != reflect.Slice {
		return "", fmt.Errorf("%T has no form in %s", value, settingsFile)
	}
	all := make([]string, v.Len())
	for i := range all {
		var err error
		one := v.Index(i).Interface()
		if all[i], err = tomlOf(one); all[i] == "" && err == nil {
			all[i], err = quoted(fmt.Sprint(one))
		}
		if err != nil {
			return "", err
		}
	}
	return "[" + strings.Join(all, ", ") + "]", nil
}

// quoted is a string as people write it where that is possible.
func quoted(s string) (string, error) {
	plain := func(r rune) bool { return r >= ' ' && r != '"' && r != '\\' && r != 0x7f && r != 0xFFFD }
	if !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return `"` + s + `"`, nil
	}
	b, err := toml.Marshal(map[string]string{"s": s})
	return strings.TrimSpace(strings.TrimPrefix(string(b), "s = ")), err
}

// String is a duration as people write it, such as 90s, 5m and 120h.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
