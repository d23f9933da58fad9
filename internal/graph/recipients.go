package graph

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// An envelope is a set of recipients, in order and each once.
type envelope struct {
	list  []address
	byKey map[string]address
}

func newEnvelope(to []string) (*envelope, error) {
	e := &envelope{byKey: map[string]address{}}
	for _, s := range to {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		if _, twice := e.byKey[a.key()]; !twice {
			e.byKey[a.key()] = a
			e.list = append(e.list, a)
		}
	}
	if len(e.list) == 0 {
		return nil, fmt.Errorf("the message has no recipients")
	}
	return e, nil
}

// rewriteHeader returns header with recipient fields that name the envelope and
// nobody else; see the package's doc for what happens to which field. Lines end
// in CRLF, there and here, and neither has the empty line at its end. If there is
// no From field, one is added with from, unless that is empty: Graph takes the
// sender from there.
func rewriteHeader(header []byte, e *envelope, from string) []byte {
	fields, clean := splitHeader(header)
	count := map[string]int{}
	values := map[string][]string{}
	for _, f := range fields {
		count[f.name]++
		values[f.name] = append(values[f.name], f.value())
	}
	named := map[string]bool{} // recipients that a field keeps
	var b bytes.Buffer
	done := map[string]bool{}
	for _, f := range fields {
		switch {
		case f.name != "to" && f.name != "cc":
			// A first line that is indented would continue the field put before it.
			if indented := f.raw[0] == ' ' || f.raw[0] == '\t'; !indented && !namesRecipients(f.name) {
				b.WriteString(f.raw)
			}
			continue
		case done[f.name] || !clean:
			continue
		}
		done[f.name] = true
		kept, exact := e.keep(values[f.name])
		for _, m := range kept {
			named[m.key()] = true
		}
		if exact && count[f.name] == 1 && strings.HasSuffix(f.raw, "\r\n") {
			b.WriteString(f.raw)
		} else if len(kept) > 0 {
			writeList(&b, strings.ToUpper(f.name[:1])+f.name[1:], kept)
		}
	}
	var rest []mailbox
	for _, a := range e.list {
		if !named[a.key()] {
			rest = append(rest, mailbox{address: a})
		}
	}
	var top bytes.Buffer
	// At the top, where a parser that ends the header early finds it too.
	if len(rest) > 0 {
		writeList(&top, "Bcc", rest)
	}
	if count["from"] == 0 && from != "" {
		fmt.Fprintf(&top, "From: <%s>\r\n", from)
	}
	top.Write(b.Bytes())
	return top.Bytes()
}

// A mailbox is a recipient as a header field shows it.
type mailbox struct {
	name string
	address
}

// plainList is an address list that even a careless parser reads right: no
// comment, group, route or escape, and no @ but in the addresses. What an encoded
// word hides it cannot see.
var plainList = func() *regexp.Regexp {
	const addr = `[^\s"(),:;<>@\[\]\\]+@[A-Za-z0-9._-]+`
	const one = `(?:(?:(?:"[^"\\<>@]*"|[^"(),:;<>@\[\]\\]+)\s*)*<` + addr + `>|` + addr + `)`
	return regexp.MustCompile(`^\s*` + one + `(?:\s*,\s*` + one + `)*\s*$`)
}()

// keep returns the recipients of fields that are in the envelope, none of a
// field that cannot be read. exact says that the field may stay as it is.
func (e *envelope) keep(values []string) (kept []mailbox, exact bool) {
	exact = true
	seen := map[string]bool{}
	for _, v := range values {
		list, err := parseList(v)
		if err != nil || !plainList.MatchString(v) {
			exact = false
		}
		for _, m := range list {
			at := strings.LastIndexByte(m.Address, '@')
			domain, err := asciiDomain(m.Address[at+1:])
			if err != nil {
				exact = false
				continue
			}
			key := address{m.Address[:at], domain}.key()
			a, wanted := e.byKey[key]
			exact = exact && wanted && a.local == m.Address[:at] && !hides(v, m.Name)
			if wanted && !seen[key] {
				seen[key] = true
				kept = append(kept, mailbox{m.Name, a})
			}
		}
	}
	return kept, exact
}

// hides reports whether a display name of the field value could be more than a
// name once its encoded words are decoded, by whatever decodes them first.
func hides(value, name string) bool {
	if !strings.Contains(value, "=?") {
		return false
	}
	name = decodeWords(name) // of a quoted string too, where there should be none
	return strings.ContainsAny(name, `@,<>;:"()[]\`) || strings.Contains(name, "=?") || !printable(name)
}

var listParser = mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}

func parseList(value string) ([]*mail.Address, error) {
	if !printable(value) {
		return nil, fmt.Errorf("an address list with control characters or broken UTF-8")
	}
	return listParser.ParseList(value)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && unicode.IsControl(r) })
}

// writeList writes one recipient a line.
func writeList(b *bytes.Buffer, name string, list []mailbox) {
	b.WriteString(name + ": ")
	for i, m := range list {
		if i > 0 {
			b.WriteString(",\r\n ")
		}
		if p := phrase(m.name); p != "" {
			b.WriteString(p + " <" + m.String() + ">")
		} else {
			b.WriteString(m.String())
		}
	}
	b.WriteString("\r\n")
}

// phrase writes a display name so that nothing in it looks like an address or
// ends the phrase.
func phrase(name string) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "" || !printable(name) || len(name) > 500:
		return ""
	case strings.Trim(name, alphanumeric+" -'") == "":
		return name
	case strings.Trim(name, alphanumeric+" -'.,&/+_") == "":
		return `"` + name + `"`
	}
	const start, end = "=?utf-8?q?", "?="
	var words []string
	word := ""
	for _, r := range name {
		enc := string(r)
		if !strings.ContainsRune(alphanumeric, r) {
			enc = ""
			for _, o := range []byte(string(r)) {
				enc += fmt.Sprintf("=%02X", o)
			}
		}
		if len(start)+len(word)+len(enc)+len(end) > 75 { // RFC 2047 §2
			words, word = append(words, start+word+end), ""
		}
		word += enc
	}
	return strings.Join(append(words, start+word+end), "\r\n ")
}
