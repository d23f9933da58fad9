package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// search looks for the message's Message-ID once.
func (s *submission) search(ctx context.Context) (sent bool, drafts []string, err error) {
	id := s.receipt.MessageID
	if id == "" {
		return false, nil, &Error{Op: OpLookup, Status: http.StatusBadRequest, Err: errors.New("the message has no Message-ID")}
	}
	query := url.Values{
		"$filter": {"internetMessageId eq '" + strings.ReplaceAll(id, "'", "''") + "'"},
		"$select": {"id,isDraft"},
	}
	a, err := s.do(ctx, &request{op: OpLookup, method: http.MethodGet, url: s.base + "/messages?" + strings.ReplaceAll(query.Encode(), "+", "%20"), want: http.StatusOK})
	if err != nil {
		return false, nil, err
	}
	var list struct {
		Value []struct {
			ID      string `json:"id"`
			IsDraft *bool  `json:"isDraft"`
		} `json:"value"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return false, nil, err
	}
	for _, m := range list.Value {
		switch {
		case m.IsDraft == nil:
		case *m.IsDraft:
			drafts = append(drafts, m.ID)
		default:
			sent = true
		}
	}
	return sent, drafts, nil
}

// An Identity is who a token belongs to.
type Identity struct {
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	Mail              string `json:"mail"`
	// ProxyAddresses are the addresses of the mailbox, without "smtp:". Addresses
	// of other kinds are left out.
	ProxyAddresses []string `json:"proxyAddresses"`
}

// Me asks who is signed in. It needs User.Read and a token of a user.
func (c *Client) Me(ctx context.Context) (*Identity, error) {
	c.init()
	d := &dialog{c: c}
	a, err := d.do(ctx, &request{op: OpMe, method: http.MethodGet, url: c.base() + "/me?$select=id,userPrincipalName,mail,proxyAddresses", want: http.StatusOK})
	if err != nil {
		return nil, err
	}
	var who Identity
	if err := json.Unmarshal(a.body, &who); err != nil || who.ID == "" {
		return nil, c.notAPerson(a)
	}
	var addresses []string
	for _, p := range who.ProxyAddresses {
		if kind, addr, ok := strings.Cut(p, ":"); ok && strings.EqualFold(kind, "smtp") {
			addresses = append(addresses, addr)
		}
	}
	who.ProxyAddresses = addresses
	return &who, nil
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
		var who Identity
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
