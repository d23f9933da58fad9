package graph

import (
	"io"
	"mime"
	"net/url"
	"strings"

	"github.com/emersion/go-message/charset"
)

// A description is what a part's header says about its content.
type description struct {
	contentType string // all of the field's value but the name, "text/plain" by default
	mediaType   string
	typeParams  map[string]string
	encoding    string // lower-case, "" for none
	name        string
	inline      bool // the disposition is inline
	attachment  bool // the disposition is attachment
	contentID   string
}

// describe reads the header of a message, or else of a part of one.
func describe(header []byte, message bool) description {
	fields, _ := splitHeader(header)
	d := description{
		encoding:  strings.ToLower(withoutComment(firstValue(fields, "content-transfer-encoding"))),
		contentID: strings.Trim(firstValue(fields, "content-id"), "<> \t"),
	}
	value := firstValue(fields, "content-type")
	mediaType, params := parseType(value)
	switch {
	case mediaType != "":
	case value == "" || message: // RFC 2045 §5.2; old mailers write "text", as RFC 1049 has it
		mediaType = "text/plain"
	default: // what a part is nobody can tell, but that there is one
		mediaType = "application/octet-stream"
	}
	d.mediaType, d.typeParams = mediaType, params
	disposition := firstValue(fields, "content-disposition")
	kind, dispositionParams, _ := mime.ParseMediaType(disposition)
	if kind == "" {
		kind, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(disposition)), ";")
	}
	d.inline, d.attachment = kind == "inline", kind == "attachment"
	for _, n := range []string{dispositionParams["filename"], extended(disposition, "filename"), params["name"], extended(value, "name")} {
		if n = decodeWords(n); n != "" && d.name == "" {
			d.name = n
		}
	}
	rest := map[string]string{}
	for k, v := range params {
		if k != "name" && k != "boundary" {
			rest[k] = v
		}
	}
	if d.contentType = mime.FormatMediaType(mediaType, rest); d.contentType == "" {
		d.contentType = mediaType
	}
	return d
}

// parseType reads a Content-Type. mediaType is "" if the value has none with a
// slash. Of parameters that are not well formed, each that can be read is
// returned but the boundary: where the parts are has to be beyond doubt.
func parseType(value string) (mediaType string, params map[string]string) {
	mediaType, params, err := mime.ParseMediaType(value)
	if err != nil {
		first, rest, _ := strings.Cut(value, ";")
		mediaType, params = strings.ToLower(withoutComment(first)), map[string]string{}
		for p := range strings.SplitSeq(rest, ";") {
			name, v, _ := strings.Cut(p, "=")
			name = strings.ToLower(strings.TrimSpace(name))
			if _, twice := params[name]; !twice && token(name) && name != "boundary" {
				params[name] = strings.Trim(strings.TrimSpace(v), `"`)
			}
		}
	}
	if kind, sub, ok := strings.Cut(mediaType, "/"); !ok || !token(kind) || !token(sub) {
		mediaType = ""
	}
	return mediaType, params
}

// token reports whether s is a token of RFC 2045 §5.1.
func token(s string) bool {
	return s != "" && strings.Trim(s, alphanumeric+"!#$%&'*+-.^_`{|}~") == ""
}

func withoutComment(s string) string {
	s, _, _ = strings.Cut(s, "(")
	return strings.TrimSpace(s)
}

var words = mime.WordDecoder{CharsetReader: charset.Reader}

// decodeWords decodes the encoded words that many mailers put into parameters
// although RFC 2047 §5 forbids it there.
func decodeWords(s string) string {
	if t, err := words.DecodeHeader(s); err == nil {
		s = t
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// extended decodes a parameter of RFC 2231 in a charset that package mime does
// not know.
func extended(value, name string) string {
	for p := range strings.SplitSeq(value, ";") {
		k, v, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(k), name+"*") {
			continue
		}
		charsetName, v, ok := strings.Cut(strings.Trim(strings.TrimSpace(v), `"`), "'")
		_, v, ok2 := strings.Cut(v, "'")
		raw, err := url.PathUnescape(v)
		if !ok || !ok2 || err != nil {
			return ""
		}
		return decodeCharset(charsetName, raw)
	}
	return ""
}

// decodeCharset is s in UTF-8, "" if the charset is not known.
func decodeCharset(name, s string) string {
	r, err := charset.Reader(name, strings.NewReader(s))
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return ""
	}
	return string(text)
}
