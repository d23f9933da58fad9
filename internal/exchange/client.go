// Package exchange speaks with the administrators' endpoint of Exchange Online
// (adminapi/v2.0, a preview): it reads and changes who may send on behalf of a
// mailbox. There is nothing at it for Send As.
//
// The form of the requests is documented. Assumed, because no document shows
// it, is what comes back: that errors have Graph's form, and by which names
// delegates are called. Addresses, IDs, names and objects with some of these
// are all understood; see [Delegate.Is] for how they are compared.
package exchange

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultTimeout bounds one request where Client.Timeout does not: a cmdlet runs
// behind it, which takes seconds.
const DefaultTimeout = time.Minute

// maxAnswer is the most that is read of an answer, in octets.
const maxAnswer = 1 << 20

// The cmdlets, as an Error's Op names them, and two more steps.
const (
	OpGet   = "Get-Mailbox"
	OpSet   = "Set-Mailbox"
	OpToken = "token" // no access token
	OpProof = "proof" // what was written does not read back
)

// A Client asks for one tenant. It is safe for concurrent use; its fields must
// not change after the first call. It keeps nothing open of its own.
type Client struct {
	// BaseURL is the cloud's, "https://outlook.office365.com". Only https is
	// spoken.
	BaseURL  string
	TenantID string // or a domain of the tenant
	// Token returns an access token for Exchange Online that holds
	// Exchange.ManageV2, or Exchange.ManageAsAppV2 of an application. Either needs
	// a role of Exchange's besides.
	Token func(ctx context.Context) (string, error)
	// HTTPClient makes the requests; nil is http.DefaultClient. Redirects are not
	// followed, whatever it says of them.
	HTTPClient *http.Client
	// Timeout bounds each request; 0 is DefaultTimeout.
	Timeout time.Duration
}

// An input is a cmdlet with its parameters, as the endpoint takes it.
type input struct {
	CmdletName string
	Parameters parameters
}

type parameters struct {
	Identity   string
	ResultSize int `json:",omitempty"`
	// The document writes it so, with a small w.
	Names     bool     `json:"IncludeGrantSendOnBehalfTowithDisplayNames,omitempty"`
	Delegates []string `json:"GrantSendOnBehalfTo,omitzero"`
}

// call runs a cmdlet for a mailbox and returns the body of its answer. The error
// is an *Error, or ctx's.
func (c *Client) call(ctx context.Context, cmdlet string, p parameters) ([]byte, error) {
	address := strings.TrimRight(c.BaseURL, "/") + "/adminapi/v2.0/" + url.PathEscape(c.TenantID) + "/Mailbox"
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, &Error{Op: cmdlet, Mailbox: p.Identity, Err: errors.New("the endpoint's address does not begin with https://, and a token must not go out in the clear")}
	}
	fail := &Error{Op: cmdlet, Host: u.Host, Mailbox: p.Identity}
	token, err := c.Token(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		fail.Op, fail.Err = OpToken, err
		return nil, fail
	}
	body, err := json.Marshal(map[string]input{"CmdletInput": {cmdlet, p}})
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, DefaultTimeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	// The answer comes from where the mailbox is.
	r.Header.Set("X-AnchorMailbox", "AAD-SMTP:"+p.Identity)
	reply, err := c.http().Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		fail.Err = err
		return nil, fail
	}
	defer reply.Body.Close()
	// A body that breaks off explains less, and the status stands.
	answer, _ := io.ReadAll(io.LimitReader(reply.Body, maxAnswer))
	if reply.StatusCode == http.StatusOK && json.Valid(answer) {
		return answer, nil
	}
	fail.read(reply, answer, token)
	return nil, fail
}

func (c *Client) host() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// http is the client that makes the requests: a redirect would take the token to
// somebody else.
func (c *Client) http() *http.Client {
	own := *http.DefaultClient
	if c.HTTPClient != nil {
		own = *c.HTTPClient
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
