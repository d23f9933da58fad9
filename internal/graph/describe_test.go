package graph

import (
	"strings"
	"testing"
)

func TestTypeThatCannotBeReadLosesNoBody(t *testing.T) {
	for contentType, html := range map[string]bool{
		"text":                      false, // RFC 1049, as old mailers write it
		"TEXT":                      false,
		"plain; charset=utf-8":      false,
		"text/":                     false,
		"broken broken":             false,
		"text/plain;;charset=utf-8": false,
		"text/plain; charset=utf-8; charset=utf8":                false,
		"text/plain (a comment); charset=utf-8":                  false,
		"TEXT/HTML; charset=utf-8; format=flowed; charset=utf-8": true,
		"text/html; charset=utf-8; x=ü y":                        true,
	} {
		t.Run(contentType, func(t *testing.T) {
			header := "From: z@example.com\r\nTo: a@example.com\r\nContent-Type: " + contentType + "\r\n\r\n"
			c, err := newContent(message(header+"hello ü\r\n", "a@example.com"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := c.json()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(contentType, "utf-8") && strings.Contains(contentType, "/") && m.Body.Content != "hello ü\r\n" {
				t.Errorf("the body is %q", m.Body.Content)
			}
			if !strings.HasPrefix(m.Body.Content, "hello ") || len(m.Files) != 0 || (m.Body.ContentType == "html") != html {
				t.Errorf("the body is %q, %s, with %d files", m.Body.Content, m.Body.ContentType, len(m.Files))
			}
			if c, err = newContent(message(header+strings.Repeat(oneLineOfBase64, 60_000), "a@example.com")); err != nil {
				t.Fatal(err)
			}
			if d, err := c.divide(maxRequest / 4 * 3); err == nil {
				t.Errorf("the body of a large one becomes %s", d.attachments[0].fileName())
			}
		})
	}
}

func TestBoundaryThatIsNotBeyondDoubtIsNone(t *testing.T) {
	for _, contentType := range []string{"multipart/mixed; boundary=a; boundary=b", "multipart/mixed; boundary=a=b", "multipart/mixed;; boundary=a"} {
		c, err := newContent(message("Content-Type: "+contentType+"\r\n\r\n--a\r\n\r\nhello\r\n--a--\r\n", "a@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if c.parts.vague == "" {
			t.Errorf("%q: the message is taken apart", contentType)
		}
	}
}
