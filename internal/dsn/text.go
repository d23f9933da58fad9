package dsn

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// textWidth leaves room for what quoted-printable adds to a line.
const textWidth = 75

// text is the part for people.
func (r *Report) text(returned what) []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) { wrap(&b, "", fmt.Sprintf(format, args...)) }

	say("This is the mail delivery of %s. %s", r.ReportingMTA, r.news())
	b.WriteString("\r\n")
	wrap(&b, "  ", "Subject: "+r.subject())
	if !r.Arrival.IsZero() {
		wrap(&b, "  ", "Handed over: "+date(r.Arrival))
	}
	if id := r.originalID(); id != "" {
		wrap(&b, "  ", "Message-ID: "+id)
	}
	if r.Account != "" {
		wrap(&b, "  ", "Account: "+r.Account)
	}
	for _, same := range r.groups() {
		b.WriteString("\r\n")
		say("%s", r.Kind.words().list)
		for _, to := range same {
			line := to.Address
			if to.Original != "" && to.Original != to.Address {
				line += " (sent to " + to.Original + ")"
			}
			wrap(&b, "  ", line)
		}
		same[0].explain(&b)
	}
	b.WriteString("\r\n")
	say("%s", returned.note())
	return b.Bytes()
}

// news is what happened, and what it asks of the sender.
func (r *Report) news() string {
	switch r.Kind {
	case Delayed:
		until := ""
		if !r.Expires.IsZero() {
			until = " until " + date(r.Expires)
		}
		return "Your message below has not reached all its recipients yet. You need not do anything, and should not send it again: " +
			"it is tried again by itself" + until + ". If it cannot be delivered, you get another notice."
	case Relayed:
		return "Your message below was taken by the next mail server. You asked to be told when it is delivered, but that server may " +
			"send no such notices, and further confirmations may not come."
	default:
		return "Your message below could not be delivered to the recipients named here. It is not tried again: " +
			"when the cause is removed, send it again."
	}
}

// groups puts recipients together for whom the same is to be said.
func (r *Report) groups() [][]Recipient {
	type key struct{ reply, server, fix string }
	at := map[key]int{}
	var groups [][]Recipient
	for _, to := range r.Recipients {
		k := key{to.Reply, to.RemoteMTA, to.Fix}
		i, known := at[k]
		if !known {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], to)
	}
	return groups
}

// explain writes what was answered, and what can be done.
func (to *Recipient) explain(b *bytes.Buffer) {
	if reply := to.said(); reply != "" {
		b.WriteString("\r\n")
		switch {
		case diagnosticType(reply) != "smtp":
			wrap(b, "", "What happened:")
		case to.RemoteMTA == "":
			wrap(b, "", "The server answered:")
		default:
			wrap(b, "", "The server "+to.RemoteMTA+" answered:")
		}
		wrap(b, "    ", reply)
	}
	if strings.TrimSpace(clean(to.Fix)) != "" {
		b.WriteString("\r\n")
		wrap(b, "", "What to do:")
		wrap(b, "    ", to.Fix)
	}
}

// note says what is attached.
func (w what) note() string {
	switch w {
	case everything:
		return "Your message is attached."
	case tooLarge:
		return "The header of your message is attached. The message itself is too large to be sent back."
	case headers:
		return "The header of your message is attached."
	default:
		return "Your message could not be attached."
	}
}

// wrap writes text with every line indented, its own line breaks kept and lines
// folded where there is room to.
func wrap(b *bytes.Buffer, indent, text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(clean(text)), "\n") {
		column := 0
		for _, word := range words(line) {
			size := utf8.RuneCountInString(word)
			switch {
			case column == 0:
				b.WriteString(indent)
				column = len(indent)
			case column+1+size > textWidth:
				b.WriteString("\r\n" + indent)
				column = len(indent)
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += size
		}
		b.WriteString("\r\n")
	}
}
