package graph

import (
	"bytes"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRewriteHeader(t *testing.T) {
	tests := []struct {
		name, header string
		to           []string
		want         string
	}{
		{"a header that names the envelope stays", "To: A <a@x.org>,\r\n\t\"B, C\" <b@x.org>\r\nCc: =?utf-8?q?M=C3=BC?= <c@X.org>\r\nSubject:  odd   \r\n spacing\r\n", []string{"a@x.org", "b@x.org", "c@x.org"},
			"To: A <a@x.org>,\r\n\t\"B, C\" <b@x.org>\r\nCc: =?utf-8?q?M=C3=BC?= <c@X.org>\r\nSubject:  odd   \r\n spacing\r\n"},
		{"who is in the envelope only gets a Bcc", "To: a@x.org\r\n", []string{"a@x.org", "b@x.org", "c@x.org", "B@X.ORG"}, "Bcc: b@x.org,\r\n c@x.org\r\nTo: a@x.org\r\n"},
		{"who is in the header only is taken out", "To: a@x.org, Eve <eve@x.org>\r\nCc: eve@x.org\r\nX: 1\r\n", []string{"a@x.org"}, "To: a@x.org\r\nX: 1\r\n"},
		{"an own Bcc, Resent- and Apparently-To go", "bCC: eve@x.org\r\nResent-To: eve@x.org\r\nRESENT-CC : eve@x.org\r\nResent-Date: now\r\nApparently-To: eve@x.org\r\nTO: a@x.org\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\n"},
		{"an @ in a display name is no address", "To: \"eve@x.org\" <a@x.org>\r\n", []string{"a@x.org"}, "To: =?utf-8?q?eve=40x=2Eorg?= <a@x.org>\r\n"},
		{"a display name with brackets is no address", "To: \"x <eve@x.org>, b\" <a@x.org>\r\n", []string{"a@x.org"}, "To: =?utf-8?q?x=20=3Ceve=40x=2Eorg=3E=2C=20b?= <a@x.org>\r\n"},
		{"an encoded @ stays encoded", "To: =?iso-8859-1?q?eve=40x.org=FC?= <a@x.org>, b@x.org\r\n", []string{"a@x.org"}, "To: =?utf-8?q?eve=40x=2Eorg=C3=BC?= <a@x.org>\r\n"},
		{"an encoded @ is written anew", "To: =?utf-8?q?eve=40evil.com=2C?= <a@x.org>\r\n", []string{"a@x.org"}, "To: =?utf-8?q?eve=40evil=2Ecom=2C?= <a@x.org>\r\n"},
		{"an encoded bracket in two words is written anew", "To: =?iso-8859-1?q?eve=40evil.com?= =?iso-8859-1?q?=3E=2C?= <a@x.org>\r\n", []string{"a@x.org"}, "To: =?utf-8?q?eve=40evil=2Ecom=3E=2C?= <a@x.org>\r\n"},
		{"an encoded word in quotes is no word", "To: \"=?utf-8?q?eve=40evil.com=2C?=\" <a@x.org>\r\n", []string{"a@x.org"}, "To: =?utf-8?q?=3D=3Futf=2D8=3Fq=3Feve=3D40evil=2Ecom=3D2C=3F=3D?= <a@x.org>\r\n"},
		{"an encoded word in quotes that hides nothing stays", "To: \"=?utf-8?q?M=C3=BC?=\" <a@x.org>\r\n", []string{"a@x.org"}, "To: \"=?utf-8?q?M=C3=BC?=\" <a@x.org>\r\n"},
		{"a group is dissolved", "To: Team: a@x.org, Eve <eve@x.org>, B <b@x.org>;\r\n", []string{"a@x.org", "b@x.org"}, "To: a@x.org,\r\n B <b@x.org>\r\n"},
		{"an empty group goes", "To: undisclosed-recipients:;\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\n"},
		{"a comment is no address", "To: a@x.org (or eve@x.org)\r\n", []string{"a@x.org"}, "To: =?utf-8?q?or=20eve=40x=2Eorg?= <a@x.org>\r\n"},
		{"duplicate fields become one", "To: a@x.org\r\nX: 1\r\nTo: b@x.org\r\n", []string{"a@x.org", "b@x.org"}, "To: a@x.org,\r\n b@x.org\r\nX: 1\r\n"},
		{"a field that cannot be read goes, and its recipients to Bcc", "To: a@x.org b@x.org <\r\nCc: c@x.org\r\n", []string{"a@x.org", "b@x.org", "c@x.org"}, "Bcc: a@x.org,\r\n b@x.org\r\nCc: c@x.org\r\n"},
		{"another case is the same address", "To: A@X.org\r\n", []string{"a@x.org"}, "To: a@x.org\r\n"},
		{"another writing of a domain is the same address", "To: B <b@bücher.example>\r\n", []string{"b@xn--bcher-kva.example"}, "To: B <b@xn--bcher-kva.example>\r\n"},
		{"a UTF-8 local part stays", "To: jörg@x.org\r\n", []string{"jörg@x.org"}, "To: jörg@x.org\r\n"},
		{"letters that only fold alike are others", "To: \u212aarl@x.org\r\n", []string{"karl@x.org"}, "Bcc: karl@x.org\r\n"},
		{"dots in odd places are quoted", "To: <a@x.org>\r\n", []string{"a@x.org", "b..c@x.org"}, "Bcc: \"b..c\"@x.org\r\nTo: <a@x.org>\r\n"},
		{"a route is no address", "To: <@eve.org,@x.org:a@x.org>\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\n"},
		{"after a line that is no field nothing is sure", "X: 1\r\nhello\r\nTo: a@x.org\r\nY: 1\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\nX: 1\r\nhello\r\nY: 1\r\n"},
		{"a blank continuation may end a header", "X: 1\r\n \r\nTo: a@x.org\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\nX: 1\r\n \r\n"},
		{"a folded name is still one", "Bcc\r\n : eve@x.org\r\n\x00To: eve@x.org\r\nX: 1\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\nX: 1\r\n"},
		{"a first line that is indented continues nothing", " , eve@x.org\r\nX: 1\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\nX: 1\r\n"},
		{"a control character makes a field unreadable", "To: a@x.org\x00, b@x.org\r\n", []string{"a@x.org"}, "Bcc: a@x.org\r\n"},
		{"a long name is cut between characters", "To: " + strings.Repeat("ü", 20) + " <a@x.org>, eve@x.org\r\n", []string{"a@x.org"},
			"To: =?utf-8?q?" + strings.Repeat("=C3=BC", 10) + "?=\r\n =?utf-8?q?" + strings.Repeat("=C3=BC", 10) + "?= <a@x.org>\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := newEnvelope(tt.to)
			if err != nil {
				t.Fatal(err)
			}
			got := rewriteHeader([]byte(tt.header), e, "")
			if string(got) != tt.want {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
			checkRecipients(t, got, e)
		})
	}
}

func TestRewriteHeaderAddsASenderToAHeaderWithout(t *testing.T) {
	e, _ := newEnvelope([]string{"a@x.org"})
	if got := string(rewriteHeader([]byte("To: a@x.org\r\n"), e, "me@x.org")); got != "From: <me@x.org>\r\nTo: a@x.org\r\n" {
		t.Errorf("got %q", got)
	}
	if got := string(rewriteHeader([]byte("from: you\r\n"), e, "me@x.org")); got != "Bcc: a@x.org\r\nfrom: you\r\n" {
		t.Errorf("got %q", got)
	}
}

var anyAddress = regexp.MustCompile(`"[^"\s]*"@[^\s<>,;:"()]+|[^\s<>,;:"()\[\]\\]+@[^\s<>,;:"()\[\]\\]+`)

// checkRecipients reads the rewritten header in several ways, each of which has
// to find the envelope.
func checkRecipients(t *testing.T, header []byte, e *envelope) {
	t.Helper()
	var want []string
	for _, a := range e.list {
		want = append(want, a.key())
	}
	slices.Sort(want)
	same := func(how string, got []string) {
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s finds %q, want %q, in\n%q", how, got, want, header)
		}
	}
	key := func(s string) string {
		a, err := parseAddress(s)
		if err != nil {
			t.Errorf("%q in the header: %v", s, err)
		}
		return a.key()
	}

	// A careless one: everything with an @ in lines that look like recipient fields,
	// also after what may look like the header's end.
	var careless []string
	in := false
	for line := range strings.SplitSeq(string(header), "\r\n") {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			name, _, ok := strings.Cut(line, ":")
			in = ok && namesRecipients(lettersOf(name))
			line = strings.TrimPrefix(line, name)
		}
		if in {
			for _, s := range anyAddress.FindAllString(line, -1) {
				careless = append(careless, key(s))
			}
		}
	}
	same("a careless parser", careless)

	if m, err := mail.ReadMessage(bytes.NewReader(append(slices.Clone(header), "\r\n"...))); err == nil {
		var found []string
		for name, values := range m.Header {
			for _, v := range values {
				if !namesRecipients(strings.ToLower(name)) {
					continue
				}
				list, err := listParser.ParseList(v)
				if err != nil {
					t.Errorf("%s: %q cannot be read: %v", name, v, err)
				}
				for _, a := range list {
					found = append(found, key(a.Address))
				}
			}
		}
		same("net/mail", found)
	}
}

func FuzzRewriteHeader(f *testing.F) {
	f.Add("To: a@x.org\r\nCc: B <b@x.org>\r\n", "a@x.org,c@x.org")
	f.Add("To: \"eve@x.org\" <a@x.org>, (c@x.org) g: d@x.org;\r\nBcc\r\n : e@x.org\r\n", "a@x.org,\"b..\"@x.org")
	f.Add("To: a@bücher.example,\r\n \r\n b@x.org\rBcc: e@x.org\nSubject: x", "a@xn--bcher-kva.example,jörg@x.org")
	f.Fuzz(func(t *testing.T, header, to string) {
		e, err := newEnvelope(strings.Split(to, ","))
		if err != nil {
			return
		}
		c, err := newContent(&Message{To: strings.Split(to, ","), Open: opener(header + "\r\n\r\nbody")})
		if err != nil {
			t.Fatal(err)
		}
		checkRecipients(t, c.header, e)
		again := rewriteHeader(c.header, e, "")
		checkRecipients(t, again, e)
		if m, err := c.json(); err == nil {
			var keys []string
			for _, r := range slices.Concat(m.To, m.Cc, m.Bcc) {
				if a, err := parseAddress(r.EmailAddress.Address); err == nil {
					keys = append(keys, a.key())
				}
			}
			slices.Sort(keys)
			if keys = slices.Compact(keys); len(keys) != len(e.list) || slices.ContainsFunc(keys, func(k string) bool { _, ok := e.byKey[k]; return !ok }) {
				t.Errorf("the JSON form goes to %q, want %q", keys, e.list)
			}
		}
		// All other fields are there, in their order.
		raw, _, _ := strings.Cut("\r\n"+normal(t, header+"\r\n\r\nbody"), "\r\n\r\n")
		before, _ := splitHeader([]byte(strings.TrimPrefix(raw+"\r\n", "\r\n")))
		after, _ := splitHeader(c.header)
		others := func(fields []field) (list []string) {
			for _, f := range fields {
				if !namesRecipients(f.name) && !strings.HasPrefix(f.raw, " ") && !strings.HasPrefix(f.raw, "\t") {
					list = append(list, f.raw)
				}
			}
			return list
		}
		if a, b := others(before), others(after); !slices.Equal(a, b) {
			t.Errorf("the other fields were %q and are %q", a, b)
		}
	})
}
