package keystore

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a value that must not be seen. Under every fmt verb, in slog and in
// JSON it appears as "[secret]"; only Reveal gives the value.
//
// The fmt package cannot call methods on unexported struct fields, so a struct
// that keeps a Secret in one must not be printed by value.
type Secret string

// Reveal returns the value itself, to be sent or stored but not shown.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (s Secret) String() string { return redacted }

// Format writes "[secret]" whatever the verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue makes slog write "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText makes encoding/json and other text encoders write "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
