package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// clockSlack is how much earlier than it should a copy may seem to have come
// into being: stamps have whole seconds, and clocks differ a little.
const clockSlack = 5 * time.Second

// copyFields are what search asks of a message, as found.
const copyFields = "id,isDraft,createdDateTime,toRecipients,ccRecipients,bccRecipients"

// A found is a message of the mailbox that has the Message-ID.
type found struct {
	ID      string `json:"id"`
	IsDraft *bool  `json:"isDraft"`
	// The server sets it, unlike sentDateTime, which may be the Date field's.
	Created string          `json:"createdDateTime"`
	To      []jsonRecipient `json:"toRecipients"`
	Cc      []jsonRecipient `json:"ccRecipients"`
	Bcc     []jsonRecipient `json:"bccRecipients"`
}

// search looks for the message once. sent says that there is a copy that is not
// a draft; drafts are the ids of the others. The Message-ID alone proves nothing:
// other recipients of the same message may have got it in another submission, and
// a tool may use one Message-ID for all that it sends. So a copy has to be for this
// envelope, and not older than the attempt.
func (s *submission) search(ctx context.Context) (sent bool, drafts []string, err error) {
	id := s.receipt.MessageID
	if id == "" {
		return false, nil, &Error{Op: OpLookup, Status: http.StatusBadRequest, Err: errors.New("the message has no Message-ID")}
	}
	query := url.Values{
		"$filter": {"internetMessageId eq '" + strings.ReplaceAll(id, "'", "''") + "'"},
		"$select": {copyFields},
		"$top":    {"50"}, // a page has ten else
	}
	a, err := s.do(ctx, &request{op: OpLookup, method: http.MethodGet, url: s.base + "/messages?" + strings.ReplaceAll(query.Encode(), "+", "%20"), want: http.StatusOK})
	if err != nil {
		return false, nil, err
	}
	var list struct {
		Value []found `json:"value"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return false, nil, err
	}
	since := s.onItsClock(a)
	for _, m := range list.Value {
		switch {
		case m.IsDraft == nil || m.ID == "":
		case *m.IsDraft && m.ID == s.draftID:
			drafts = append(drafts, m.ID)
		case !m.isFor(s.content.envelope) || !m.notBefore(since):
		case *m.IsDraft:
			drafts = append(drafts, m.ID)
		default:
			sent = true
		}
	}
	return sent, drafts, nil
}

// onItsClock is when the attempt began, as the server that gave the answer counts
// the time: this machine's clock may be wrong. It is zero for any time.
func (s *submission) onItsClock(a *answer) time.Time {
	if s.since.IsZero() {
		return s.since
	}
	now := s.c.now()
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil {
		return date.Add(-now.Sub(s.since))
	}
	return s.since
}

func (m *found) notBefore(t time.Time) bool {
	created, err := time.Parse(time.RFC3339, m.Created)
	return err == nil && !created.Before(t.Add(-clockSlack))
}

// isFor reports whether the message goes to the envelope and nobody else. A
// recipient whom Exchange shows under another address is taken for somebody else.
func (m *found) isFor(e *envelope) bool {
	to := map[string]bool{}
	for _, r := range slices.Concat(m.To, m.Cc, m.Bcc) {
		a, err := parseAddress(r.EmailAddress.Address)
		if err != nil {
			return false
		}
		if _, ok := e.byKey[a.key()]; !ok {
			return false
		}
		to[a.key()] = true
	}
	return len(to) == len(e.list)
}

// Ready proves, without sending, what can be known of the way to Graph: that a
// token can be had and that Graph answers and does not call it one for somebody
// else. mailbox is as in Message. That the token may send is not proven: one
// that holds only Mail.Send may not ask for anything, so a refusal of that is no
// error here.
func (c *Client) Ready(ctx context.Context, mailbox string) error {
	c.init()
	d := &dialog{c: c}
	a, err := d.do(ctx, &request{op: OpMe, method: http.MethodGet, url: c.mailbox(mailbox) + "?$select=id", want: http.StatusOK})
	if err == nil {
		var who struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(a.body, &who) != nil || who.ID == "" {
			return c.notAPerson(a)
		}
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == "" || e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
		return err
	}
	// These are said of the token itself and not of what it may do.
	for _, bad := range []string{"audience", "expired", "signature", "malformed", "is empty"} {
		if e.Code == "InvalidAuthenticationToken" && strings.Contains(strings.ToLower(e.Message), bad) {
			return err
		}
	}
	return nil
}

func (c *Client) notAPerson(a *answer) error {
	return &Error{Op: OpMe, Host: (&request{url: c.BaseURL}).host(), Status: a.status, RequestID: a.requestID,
		Err: errors.New("the answer does not say who is signed in: a proxy may have changed it")}
}
