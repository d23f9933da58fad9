package relay

import (
	"strings"
	"testing"
)

// FuzzAddress checks that an address which a client may name cannot become
// anything but an address on its way: no second one, no parameter, no line.
func FuzzAddress(f *testing.F) {
	for _, a := range []string{"a@b.c", "a b@c.example", `a"b\@c.example`, "x@[127.0.0.1]", "x@[IPv6:::1]", "jörg@exämple.com", "a@b@c.d", "a>@b.c", "a\r\nRCPT TO:<x@y>@b.c", "@b.c", "a@", "a@-b.c", `"@b.c`} {
		f.Add(a, true)
		f.Add(a, false)
	}
	f.Fuzz(func(t *testing.T, address string, utf8Allowed bool) {
		if checkAddress(address, utf8Allowed) != nil {
			return
		}
		quoted := quoteLocal(address)
		if unquoteLocal(quoted) != address {
			t.Errorf("%q is quoted as %q and read as %q", address, quoted, unquoteLocal(quoted))
		}
		if strings.ContainsAny(quoted, "\r\n\x00\x7f") || !utf8Allowed && strings.ContainsFunc(quoted, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("%q was let through", quoted)
		}
		// What stands outside of quotes ends nothing.
		inside, escaped := false, false
		for _, r := range quoted {
			switch {
			case escaped:
				escaped = false
			case inside && r == '\\':
				escaped = true
			case r == '"':
				inside = !inside
			case !inside && strings.ContainsRune("<> ,;()\\", r):
				t.Errorf("%q has a %q outside of quotes", quoted, r)
			}
		}
		if inside || escaped {
			t.Errorf("%q does not end its quotes", quoted)
		}
	})
}
