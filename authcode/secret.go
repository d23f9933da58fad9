package authcode

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a token, an authorization code or a client secret. However it is
// formatted, logged or encoded, it shows as "[secret]"; only Reveal gives the
// value.
//
// The fmt package cannot call these methods on an unexported field, nor after a
// verb that does not suit a struct around it: a struct that holds a Secret there
// needs a Format method of its own, as Client, SignIn and Source have.
// encoding/json does not call them on the key of a map.
type Secret string

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (s Secret) String() string { return redacted }

// GoString returns "[secret]".
func (s Secret) GoString() string { return redacted }

// Format writes "[secret]" for every verb: %x and %d would otherwise go around String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[secret]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
