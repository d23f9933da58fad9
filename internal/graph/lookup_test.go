package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// fresh is how long ago something was made after the attempt began, however slow
// the machine is that runs the test.
const fresh = -time.Hour

// item is a message as a search finds it: made that long ago, for a To and, if
// there are more recipients, a Cc and some Bcc.
func item(id string, draft bool, ago time.Duration, to ...string) string {
	m := found{ID: id, IsDraft: &draft, Created: time.Now().Add(-ago).UTC().Format(time.RFC3339)}
	for i, address := range to {
		var r jsonRecipient
		r.EmailAddress.Address = address
		switch i {
		case 0:
			m.To = append(m.To, r)
		case 1:
			m.Cc = append(m.Cc, r)
		default:
			m.Bcc = append(m.Bcc, r)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// listed is the answer to a search.
func listed(items ...string) step {
	return step{want: "GET /v1.0/me/messages?%24filter=internetMessageId%20eq%20%27%3C1%40example.com%3E%27" +
		"&%24select=id%2CisDraft%2CcreatedDateTime%2CtoRecipients%2CccRecipients%2CbccRecipients&%24top=50",
		status: 200, body: `{"value":[` + strings.Join(items, ",") + `]}`}
}

var notRead = step{want: listed().want, status: 403, body: refusal("ErrorAccessDenied", "Access is denied.")}

func TestLostAnswerIsLookedUp(t *testing.T) {
	lost := step{want: "POST /v1.0/me/sendMail", do: lose}
	own := item("x", false, fresh, "a@example.com", "B@Example.com", "c@example.com")
	never := func(items ...string) []step { return []step{lost, listed(items...), listed(), listed()} }
	tests := []struct {
		name    string
		steps   []step
		unknown bool
	}{
		{"a copy proves that it was sent", []step{lost, listed(own)}, false},
		{"the copy may take a while", []step{lost, listed(), listed(own)}, false},
		{"the copy may stand among others", []step{lost, listed(item("w", false, fresh, "z@example.com"), own)}, false},
		{"no copy proves nothing", never(), true},
		{"nor does one for somebody else", never(item("x", false, fresh, "z@example.com")), true},
		{"nor one for some of the recipients", never(item("x", false, fresh, "a@example.com", "b@example.com")), true},
		{"nor one for more recipients", never(item("x", false, fresh, "a@example.com", "b@example.com", "c@example.com", "d@example.com")), true},
		{"nor one of another time", never(item("x", false, time.Hour, "a@example.com", "b@example.com", "c@example.com")), true},
		{"nor one of no time", never(`{"id":"x","isDraft":false,"createdDateTime":null,"toRecipients":[{"emailAddress":{"address":"a@example.com"}},{"emailAddress":{"address":"b@example.com"}},{"emailAddress":{"address":"c@example.com"}}]}`), true},
		{"nor a draft", never(item("x", true, fresh, "a@example.com", "b@example.com", "c@example.com")), true},
		{"nor one without recipients", never(`{"id":"x","isDraft":false,"createdDateTime":"2126-11-21T10:00:00Z"}`), true},
		{"without permission nothing is known", []step{lost, notRead}, true},
	}
	for _, tt := range tests {
		for clock, wrong := range map[string]time.Duration{"": 0, ", with a clock that is fast": 2 * time.Hour, ", with a clock that is slow": -2 * time.Hour} {
			t.Run(tt.name+clock, func(t *testing.T) {
				_, c := graph(t, tt.steps...)
				c.Now = func() time.Time { return time.Now().Add(wrong) }
				r, err := c.Send(t.Context(), message(hello, "a@example.com", "b@example.com", "c@example.com"))
				if !tt.unknown {
					if err != nil || !strings.HasPrefix(r.Reply, "accepted: the answer was lost") {
						t.Errorf("%+v, %v", r, err)
					}
					return
				}
				if e := failure(t, err); !e.Unknown || e.Temporary() {
					t.Errorf("got %v", e)
				}
			})
		}
	}
}

// The same message goes to more recipients than one submission takes, and the
// second one is lost in a gateway before Exchange has it.
func TestLostAnswerIsNotSettledByTheSubmissionToOtherRecipients(t *testing.T) {
	gateway := step{want: "POST /v1.0/me/sendMail", status: http.StatusGatewayTimeout, body: "<html>"}
	first := listed(item("first", false, fresh, "a@example.com"))
	_, c := graph(t, accepted, gateway, first, first, first)
	if _, err := c.Send(t.Context(), message(hello, "a@example.com")); err != nil {
		t.Fatal(err)
	}
	r, err := c.Send(t.Context(), message(hello, "b@example.com"))
	if err == nil {
		t.Fatalf("it is told as sent: %s", r.Reply)
	}
	if e := failure(t, err); !e.Unknown {
		t.Errorf("got %v", e)
	}
}

func TestMessageOfAnAttemptWithoutEndIsLookedUpBeforeItIsSentAgain(t *testing.T) {
	const day = 24 * time.Hour
	own := func(ago time.Duration) string { return item("x", false, ago, "a@example.com") }
	broken := step{want: listed().want, status: 500, body: refusal("ErrorInternalServerError", "x")}
	send := step{want: "POST /v1.0/me/sendMail", status: 202}
	tests := []struct {
		name  string
		since time.Duration // ago; 0: not known
		steps []step
		found bool
	}{
		{"there it is", day, []step{listed(own(time.Hour))}, true},
		{"there it is, since whenever", 0, []step{listed(own(300 * day))}, true},
		{"it is not there", day, []step{listed(), send}, false},
		{"what is there is older", day, []step{listed(own(2 * day)), send}, false},
		{"what is there went to others", day, []step{listed(item("x", false, time.Hour, "b@example.com")), send}, false},
		{"the attempt was just now, and the copy takes a while", time.Second, []step{listed(), listed(own(fresh))}, true},
		{"the attempt was just now, and left nothing", time.Second, []step{listed(), listed(), listed(), send}, false},
		{"the mailbox may not be read", day, []step{notRead, send}, false},
		{"the mailbox cannot be read now", day, []step{broken, broken, broken, send}, false},
		{"the mailbox can be read again", day, []step{broken, listed(own(time.Hour))}, true},
		{"the attempt left a draft", day, []step{listed(item("theirs", true, time.Hour, "b@example.com"), item("AAMk/=", true, time.Hour, "a@example.com")), removed, send}, false},
		{"the attempt left a draft that may not be removed", day, []step{listed(item("AAMk/=", true, time.Hour, "a@example.com")), {want: removed.want, status: 403}, send}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := graph(t, tt.steps...)
			m := message(hello, "a@example.com")
			m.Resend = true
			if tt.since != 0 {
				m.Since = time.Now().Add(-tt.since)
			}
			r, err := c.Send(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.HasPrefix(r.Reply, "accepted: an earlier attempt"); got != tt.found || r.Requests != len(tt.steps) || r.MessageID != "<1@example.com>" {
				t.Errorf("receipt %+v", *r)
			}
		})
	}
}

func TestMessageThatLeavesNoTraceIsSentAgainAtOnce(t *testing.T) {
	_, c := graph(t, accepted, accepted)
	m := message(hello, "a@example.com")
	m.Resend, m.SkipSentItems = true, true
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
	m = message("Subject: no Message-ID\r\n\r\nHello.\r\n", "a@example.com")
	m.Resend = true
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// The second attempt's answer is lost too, and what shows up is the first one's.
func TestLostAnswerToASecondAttemptIsSettledByTheFirst(t *testing.T) {
	lost := step{want: "POST /v1.0/me/sendMail", do: lose}
	_, c := graph(t, listed(), lost, listed(item("x", false, time.Hour, "a@example.com")))
	m := message(hello, "a@example.com")
	m.Resend, m.Since = true, time.Now().Add(-2*time.Hour)
	if r, err := c.Send(t.Context(), m); err != nil || !strings.HasPrefix(r.Reply, "accepted: the answer was lost") {
		t.Errorf("%+v, %v", r, err)
	}
}

func FuzzFound(f *testing.F) {
	f.Add([]byte(item("x", false, fresh, "a@example.com", "B@example.com")), "b@example.com,a@example.com")
	f.Add([]byte(`{"id":"x","isDraft":null,"createdDateTime":"x","toRecipients":[{"emailAddress":null}]}`), "a@example.com")
	f.Fuzz(func(t *testing.T, answer []byte, to string) {
		e, err := newEnvelope(strings.Split(to, ","))
		if err != nil {
			return
		}
		var m found
		if json.Unmarshal(answer, &m) != nil || !m.isFor(e) {
			return
		}
		for _, r := range slices.Concat(m.To, m.Cc, m.Bcc) {
			if a, err := parseAddress(r.EmailAddress.Address); err != nil || !slices.Contains(e.list, e.byKey[a.key()]) {
				t.Errorf("%q is not of the envelope %q: %v", r.EmailAddress.Address, to, err)
			}
		}
	})
}
