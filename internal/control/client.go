package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/keystore"
)

// A Client is the Program that runs for a home in another process. Each call
// is a connection of its own, so that a Client outlives a restart of the
// program. Where a call's ctx ends first, its error is ctx's, and what was
// asked for may still be done. Errors match ErrNotRunning when there is no
// program any more, and ErrLost when it ended at work.
type Client struct {
	http  *http.Client
	ctx   context.Context // ends with Close
	close context.CancelFunc
}

var _ mailer.Program = (*Client)(nil)

// patience is how long a program may take to say that it is there.
const patience = 10 * time.Second

// Dial returns the program that runs for the home. The error matches
// ErrNotRunning when there is none.
func Dial(ctx context.Context, home string) (*Client, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := dial(ctx, home, commands)
			if err != nil {
				return nil, &dialError{err}
			}
			return c, nil
		},
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	c := &Client{http: &http.Client{Transport: transport}}
	c.ctx, c.close = context.WithCancel(context.Background())
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := ask[greeting](limited, c, "/hello", nothing{})
	if err == nil {
		return c, nil
	}
	c.close()
	if limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("the running traymail did not answer within %v: restart it", patience)
	}
	return nil, err
}

// Close ends the calls under way. It does not end the program.
func (c *Client) Close() error {
	c.close()
	return nil
}

// ask makes one call whose arguments and result are JSON.
func ask[Out any](ctx context.Context, c *Client, path string, in any) (Out, error) {
	var a answer[Out]
	arguments, err := json.Marshal(in)
	if err != nil {
		return a.Result, err
	}
	err = c.exchange(ctx, path, bytes.NewReader(arguments), func(body *json.Decoder) error { return body.Decode(&a) })
	if err != nil {
		return a.Result, err
	}
	return a.Result, a.Error.decode(nil)
}

// exchange sends one request and has its reply read.
func (c *Client) exchange(ctx context.Context, path string, body io.Reader, read func(*json.Decoder) error) error {
	exchange, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	err := c.roundTrip(exchange, path, body, read)
	var ours *readError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return ours.error
	case ctx.Err() != nil:
		return ctx.Err()
	case c.ctx.Err() != nil:
		return ErrClosed
	}
	return err
}

// A readError is one that read returned for a reason of the caller's.
type readError struct{ error }

func (c *Client) roundTrip(ctx context.Context, path string, body io.Reader, read func(*json.Decoder) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://traymail"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "traymail")
	r.Header.Set(apiHeader, api)
	r.Header.Set(versionHeader, version())
	response, err := c.http.Do(r)
	if err != nil {
		return transportError(err)
	}
	defer response.Body.Close()
	if running := response.Header.Get(apiHeader); running != api {
		return mismatch(response.Header.Get(versionHeader), running, version(), api)
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch err := read(json.NewDecoder(response.Body)); {
	case errors.As(err, &syntax), errors.As(err, &kind):
		return fmt.Errorf("the running traymail answered %s to %s, in a way that is not understood: restart it", response.Status, path)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrLost
	case err == nil:
		// The reply's end is the connection's: one that is read whole is not reset.
		_, _ = io.Copy(io.Discard, response.Body)
		return nil
	default:
		return transportError(err)
	}
}

// transportError says what a failed connection means.
func transportError(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var ours *readError
	var dialing *dialError
	switch {
	case err == nil, errors.As(err, &ours):
		return err
	case errors.As(err, &dialing):
		return dialing.error
	}
	return ErrLost
}

// A dialError came before anything was sent.
type dialError struct{ error }

// Account returns one account, and whether its secrets are there.
func (c *Client) Account(ctx context.Context, name string) (account.Account, mailer.Secrets, error) {
	out, err := ask[accountResult](ctx, c, "/account", name)
	return out.Account, out.Secrets, err
}

// Save stores an account and, unless it is empty, the secret that it proves
// itself with.
func (c *Client) Save(ctx context.Context, a account.Account, secret keystore.Secret) error {
	_, err := ask[nothing](ctx, c, "/account/save", saving{a, secret.Reveal()})
	return err
}

// Validate gets a token and signs in to the server, and sends nothing.
func (c *Client) Validate(ctx context.Context, name string) (mailer.Validation, error) {
	return ask[mailer.Validation](ctx, c, "/account/validate", name)
}

// SendOnBehalf asks who may send on behalf of the account's sender and, with
// grant, lets the username do so.
func (c *Client) SendOnBehalf(ctx context.Context, name string, grant bool) (mailer.Delegation, error) {
	return ask[mailer.Delegation](ctx, c, "/account/delegates", delegating{name, grant})
}

// Remove deletes an account with its secrets.
func (c *Client) Remove(ctx context.Context, name string) error {
	_, err := ask[nothing](ctx, c, "/account/remove", name)
	return err
}

// SendTest sends the test email; to may be empty for the account's own.
func (c *Client) SendTest(ctx context.Context, name, to string) (mailer.Delivery, error) {
	out, err := ask[deliveryResult](ctx, c, "/test", testMail{name, to})
	return out.delivery(), err
}

func (d deliveryResult) delivery() mailer.Delivery {
	d.Delivery.Elapsed = d.Elapsed
	return d.Delivery
}

// Messages lists messages, newest first.
func (c *Client) Messages(ctx context.Context, f mailer.Filter) ([]mailer.Message, error) {
	return ask[[]mailer.Message](ctx, c, "/messages", f)
}

// Message returns all that is known of one.
func (c *Client) Message(ctx context.Context, id string) (*mailer.Record, error) {
	out, err := ask[recordResult](ctx, c, "/message", id)
	if out.Record != nil {
		out.Record.Summary = out.Message
	}
	return out.Record, err
}

// Change does one thing to one message.
func (c *Client) Change(ctx context.Context, id string, what mailer.Change) error {
	_, err := ask[nothing](ctx, c, "/message/change", changing{id, what})
	return err
}

// Flush makes what waits for a later attempt due now.
func (c *Client) Flush(ctx context.Context, account string) (int, error) {
	return ask[int](ctx, c, "/flush", account)
}

// Status returns the state of everything.
func (c *Client) Status(ctx context.Context) (mailer.Status, error) {
	return ask[mailer.Status](ctx, c, "/status", nothing{})
}

// Log lists attempts that ended, oldest first, from behind the one given.
func (c *Client) Log(ctx context.Context, after mailer.Attempt, limit int) ([]mailer.Attempt, error) {
	return ask[[]mailer.Attempt](ctx, c, "/log", following{after, limit})
}

// Reload reads the configuration again.
func (c *Client) Reload(ctx context.Context) error {
	_, err := ask[nothing](ctx, c, "/reload", nothing{})
	return err
}
