package dsn

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// kindWords are what the kinds differ in.
type kindWords struct {
	subject string
	action  string // RFC 3464 §2.3.3
	list    string // what precedes the recipients in the text
	classes string // of the status codes it can have, the one for want of a better first
}

func (k Kind) words() kindWords {
	return [...]kindWords{
		// What is given up after many temporary refusals keeps their code.
		Failed:  {"Undelivered", "failed", "Not delivered to:", "54"},
		Delayed: {"Delayed", "delayed", "Not yet delivered to:", "4"},
		Relayed: {"Relayed", "relayed", "Passed on for:", "2"},
	}[k]
}

// international reports whether an address goes beyond ASCII, which decides
// between the media types of RFC 3464 and RFC 6533.
func (r *Report) international() bool {
	return slices.ContainsFunc(r.Recipients, func(to Recipient) bool {
		return !isASCII(to.Address) || !isASCII(to.Original)
	})
}

func (r *Report) statusType() string {
	if r.international() {
		return "message/global-delivery-status"
	}
	return "message/delivery-status"
}

// status is the part for programs: the fields on the message, then those on
// each recipient (RFC 3464 §2.2 and §2.3).
func (r *Report) status() []byte {
	var b bytes.Buffer
	global := r.international()
	add := func(name, value string) {
		if !global {
			value = toASCII(value)
		}
		if strings.TrimSpace(clean(value)) != "" {
			writeField(&b, name, value)
		}
	}
	add("Original-Envelope-Id", r.EnvelopeID)
	add("Reporting-MTA", "dns; "+r.ReportingMTA)
	if !r.Arrival.IsZero() {
		add("Arrival-Date", date(r.Arrival))
	}
	for _, to := range r.Recipients {
		b.WriteString("\r\n")
		if to.Original != "" {
			add("Original-Recipient", typed(to.Original))
		}
		add("Final-Recipient", typed(to.Address))
		add("Action", r.Kind.words().action)
		add("Status", to.status(r.Kind))
		if to.RemoteMTA != "" {
			add("Remote-MTA", "dns; "+to.RemoteMTA)
		}
		if reply := to.said(); reply != "" {
			add("Diagnostic-Code", diagnosticType(reply)+"; "+reply)
		}
		if !to.LastAttempt.IsZero() {
			add("Last-Attempt-Date", date(to.LastAttempt))
		}
		if r.Kind == Delayed && !r.Expires.IsZero() {
			add("Will-Retry-Until", date(r.Expires))
		}
	}
	return b.Bytes()
}

// typed is an address with its type. Within message/global-delivery-status an
// address beyond ASCII stands as it is (RFC 6533 §3).
func typed(address string) string {
	if isASCII(address) {
		return "rfc822; " + address
	}
	return "utf-8; " + address
}

// replyCode finds the code that a reply begins with (RFC 5321 §4.2).
var replyCode = regexp.MustCompile(`^([2-5])[0-5][0-9](?:[- \n]|$)`)

// enhancedCode finds an enhanced code and its class (RFC 3463 §2).
var enhancedCode = regexp.MustCompile(`^([245])\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})$`)

// diagnosticType tells a server's reply from our own words (RFC 3464 §2.3.6).
func diagnosticType(reply string) string {
	if replyCode.MatchString(reply) {
		return "smtp"
	}
	return "x-traymail"
}

// status is the enhanced status code, of a class that the kind can have. One in
// a reply counts only when it agrees with the reply's code (RFC 2034 §4).
func (to *Recipient) status(k Kind) string {
	classes := k.words().classes
	if m := enhancedCode.FindStringSubmatch(to.Status); m != nil && strings.Contains(classes, m[1]) {
		return to.Status
	}
	reply := to.said()
	m := replyCode.FindStringSubmatch(reply)
	if m == nil || !strings.Contains(classes, m[1]) {
		return classes[:1] + ".0.0"
	}
	text := strings.TrimLeft(reply[len(m[0]):], " ")
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(text)
	}
	if e := enhancedCode.FindStringSubmatch(strings.TrimRight(text[:end], ".")); e != nil && e[1] == m[1] {
		return e[0]
	}
	return m[1] + ".0.0"
}

// said is the reply without control characters, its lines apart.
func (to *Recipient) said() string { return strings.TrimSpace(clean(to.Reply)) }
