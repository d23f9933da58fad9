package account

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ByteOrderMark is what editors of Windows may put before a text in UTF-8.
const ByteOrderMark = "\uFEFF"

// ReadTOML decodes a file strictly into v and returns the file's bytes.
// Unknown keys, wrong types and bad syntax are a *FieldError with file, line
// and key; a missing file matches fs.ErrNotExist.
func ReadTOML(path string, v any) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return DecodeTOML(path, data, v)
}

// DecodeTOML is ReadTOML with what the file holds.
func DecodeTOML(path string, data []byte, v any) ([]byte, error) {
	err := toml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte(ByteOrderMark)))).DisallowUnknownFields().Decode(v)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		first := &unknown.Errors[0]
		line, _ := first.Position()
		return nil, &FieldError{File: path, Line: line, Key: keyName(first.Key()), Text: "is not a key that traymail knows",
			Fix: "correct its spelling or remove the line; docs/configuration.md lists every key"}
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return nil, &FieldError{File: path, Line: line, Key: keyName(wrong.Key()), Text: wrong.Error(),
			Fix: "correct the line; docs/configuration.md shows the form of every key"}
	case err != nil:
		return nil, &FieldError{File: path, Text: err.Error(), Fix: "correct the file; docs/configuration.md shows the form of every key"}
	}
	return data, nil
}

func keyName(k toml.Key) string {
	s := ""
	for i, part := range k {
		if i > 0 {
			s += "."
		}
		s += part
	}
	return s
}

// Locate adds file and line to a *FieldError about a value in data; other
// errors are returned as they are. A key that is not in the file gets the
// file alone.
func Locate(err error, path string, data []byte) error {
	var f *FieldError
	if !errors.As(err, &f) {
		return err
	}
	located := *f
	located.File = path
	from := 0
	section, key, inSection := strings.Cut(f.Key, ".")
	if !inSection {
		key = f.Key
	} else if at := regexp.MustCompile(`(?m)^[ \t]*\[\[?[ \t]*` + regexp.QuoteMeta(section) + `[ \t]*\]`).FindIndex(data); at != nil {
		from = at[1]
	}
	// Keys are bare words on a line of their own, in the form that Save writes.
	at := regexp.MustCompile(`(?m)^[ \t]*["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*=`).FindIndex(data[from:])
	if at != nil {
		located.Line = 1 + bytes.Count(data[:from+at[0]], []byte("\n"))
	}
	return &located
}
