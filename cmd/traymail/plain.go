package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"
)

// plainFlag says in a person's words what is wrong with the value of a flag.
func plainFlag(err error) error {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	form := map[string]string{
		"int":         "is not a number",
		"bool":        "is neither true nor false",
		"duration":    "is not a duration, such as 90s or 5m",
		"stringSlice": "is not a list separated by commas",
	}[wrong.GetFlag().Value.Type()]
	if form == "" {
		return err
	}
	return fmt.Errorf("--%s: %q %s", wrong.GetFlag().Name, wrong.GetValue(), form)
}

// flagGroup is how cobra says that flags exclude one another, in its two forms.
const flagGroup = "if any flags in the group "

var exclusive = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)

// plainGroup says in a person's words that flags do not go together.
func plainGroup(err error) string {
	m := exclusive.FindStringSubmatch(err.Error())
	if m == nil {
		return oneLine(err)
	}
	return "--" + strings.Join(strings.Fields(m[1]), " and --") + " do not go together"
}
