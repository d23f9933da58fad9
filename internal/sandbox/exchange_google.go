package sandbox

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
)

// Google's way of refusing a token. The client answers the challenge with an
// empty line, and hears the refusal then.
const (
	googleChallenge = `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`
	googleRefusal   = "535-5.7.8 Username and Password not accepted. For more information, go to\r\n" +
		"535 5.7.8  https://support.google.com/mail/?p=BadCredentials"
)

// googleSize is what Google announces as the size of a message, in octets.
const googleSize = 35882577

// googleReplies are Google's replies where it has other words than Exchange, by
// Exchange's. Those for a session in which all goes well are from public
// transcripts, the refusals are assumed.
var googleReplies = map[string]string{
	replyClosing:      "221 2.0.0 closing connection",
	replyReset:        "250 2.1.5 Flushed",
	replySenderOK:     "250 2.1.0 OK",
	replyRecipientOK:  "250 2.1.5 OK",
	replyNoVerify:     "252 2.1.5 Send some mail, I'll try my best",
	replyStartMail:    "354 Go ahead",
	replyTimedOut:     "451 4.4.2 Timeout - closing connection.",
	replyNeedTLS:      "530 5.7.0 Must issue a STARTTLS command first.",
	replyBadMechanism: "504 5.7.4 Unrecognized Authentication Type",
	replyRecipLimit:   "452 4.5.3 Your message has too many recipients.",
	replyTooLarge:     "552 5.3.4 Your message exceeded Google's message size limits.",
	replyNeedAuth: "530-5.7.0 Authentication Required. For more information, go to\r\n" +
		"530 5.7.0  https://support.google.com/mail/?p=WantAuthError",
}

// googleBareReplies are those that do not end with the session's id.
var googleBareReplies = map[string]string{
	replyTLSReady: "220 2.0.0 Ready to start TLS",
	replyAuthOK:   "235 2.7.0 Accepted",
}

// inGooglesWords returns what Google says in the place of one of Exchange's
// replies. Refused sign-ins are all the same to it.
func inGooglesWords(text, id string) string {
	if own, ok := googleBareReplies[text]; ok {
		return own
	}
	if word, ok := googleReplies[text]; ok {
		text = word
	}
	if strings.HasPrefix(text, "535") {
		text = googleRefusal
	}
	return text + " " + id + " - gsmtp"
}

// googleID is a session's id in Google's form.
func googleID(number int) string {
	return strings.ToLower(fmt.Sprintf("%s-%ssm%d.%d", randomHex(6), randomHex(5), 10000000+number, number%60))
}

// googleExtensions are what Google offers, in its order: neither DSN nor
// BINARYMIME is among them.
func (s *smtpSession) googleExtensions(offer func(name string, offered bool)) {
	o := s.x.options()
	offer(fmt.Sprint("SIZE ", o.SizeLimit), true)
	offer("8BITMIME", !o.No8BitMIME)
	offer("STARTTLS", !s.secure && !o.NoStartTLS)
	offer("AUTH "+s.x.front.mechanisms, s.secure)
	offer("ENHANCEDSTATUSCODES", true)
	offer("PIPELINING", !o.NoPipelining)
	offer("CHUNKING", !o.NoChunking)
	offer("SMTPUTF8", !o.No8BitMIME)
}

// asGoogleSends returns the envelope sender and the message that Google sends
// on: both are the account's own, or one of its aliases. readable tells
// whether h has all addresses of From.
func (x *exchange) asGoogleSends(account, envelope string, message []byte, h header, readable bool) (string, []byte) {
	mine := readable && len(h.from) == 1
	x.tenant.View(func(t *Tenant) {
		mine = mine && owns(t, account, h.from[0])
		if !owns(t, account, envelope) {
			envelope = account
		}
	})
	if !mine {
		message = rewriteFrom(message, account)
	}
	return envelope, message
}

// rewriteFrom returns message with the one From address given. The display name
// stays when there is one address only; what was there before goes to
// X-Google-Original-From, as in messages that came from Google.
func rewriteFrom(message []byte, address string) []byte {
	head := message[:len(headerLines(message))-len("\r\n\r\n")]
	var from, rest bytes.Buffer
	within := false // in a From field
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if line[0] != ' ' && line[0] != '\t' {
			within = bytes.EqualFold(name, []byte("From"))
			if within {
				rest.WriteString("X-Google-Original-From:")
				line = value
			}
		}
		if within {
			from.Write(line)
		}
		rest.Write(line)
	}
	field := "From: " + address + "\r\n"
	// Two From fields do not parse as one list.
	if list, err := mail.ParseAddressList(strings.Join(strings.Fields(from.String()), " ")); err == nil && len(list) == 1 && list[0].Name != "" {
		field = "From: " + (&mail.Address{Name: list[0].Name, Address: address}).String() + "\r\n"
	}
	body := message[len(head):]
	if !bytes.HasPrefix(body, []byte("\n")) && !bytes.HasPrefix(body, []byte("\r\n")) {
		rest.WriteString("\r\n") // ends a header that nothing ended
	}
	return append(append([]byte(field), rest.Bytes()...), body...)
}
