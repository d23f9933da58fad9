package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
)

// RFC 4954 §4 lets an AUTH command be this long, initial response included.
const maxAuthLine = 12288

// No mechanism here needs more than LOGIN with its name asked for twice: three.
const maxChallenges = 5

// tokenPatience is how long a connection may wait for a token before it is made
// anew: servers do not keep one for long that says nothing.
const tokenPatience = 5 * time.Second

// connect returns a new session, authenticated and started. A refusal of the
// credentials (535) is reported to Auth once and what it returns then is tried
// once; a server that cannot take the initial response in the AUTH line is asked
// for the long form. A server may close the session over either, so each may
// lead to a second connection.
func (c *Client) connect(ctx context.Context) (*session, error) {
	s, mech, err := c.dialForAuth(ctx)
	if err == nil && mech != nil {
		s, err = c.signIn(ctx, s, mech)
	}
	if err != nil {
		return nil, err
	}
	s.start()
	return s, nil
}

// dialForAuth dials while Auth fetches a token, if it has to: both take several
// trips to servers. mech is nil without Auth, whose error counts before that of
// the connection.
func (c *Client) dialForAuth(ctx context.Context) (s *session, mech sasl.Client, err error) {
	if c.Auth == nil {
		s, err = c.dial(ctx)
		return s, nil, err
	}
	dialing, cancel := context.WithCancel(ctx)
	defer cancel()
	var dialed time.Time
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, failed = c.dial(dialing)
		dialed = time.Now()
	}()
	mech, err = c.Auth(ctx, nil)
	if err != nil {
		cancel()
	}
	<-done
	switch {
	case err != nil:
		if s != nil {
			s.quit()
		}
		return nil, nil, &Error{Op: OpAUTH, Server: c.address(), Err: err}
	case failed == nil && time.Since(dialed) > c.within(tokenPatience):
		s.close()
		s, failed = c.dial(ctx)
	}
	return s, mech, failed
}

// signIn authenticates s by mech, or a session in its place, and returns it. On
// an error no session is left open.
func (c *Client) signIn(ctx context.Context, s *session, mech sasl.Client) (*session, error) {
	var refused *Error // the first 535
	long := c.longAuth.Load()
	reconnected := false
	for {
		err := s.authenticate(ctx, mech, long)
		if err == nil {
			if long {
				c.longAuth.Store(true)
			}
			return s, nil
		}
		again := false // on a new connection
		switch e, _ := errors.AsType[*Error](err); {
		case e.Code == 535 && refused == nil:
			refused = e
			if mech, err = c.Auth(ctx, refused); err != nil {
				s.quit()
				e.Err = err
				return nil, e
			}
		case !long && badSyntax(e):
			// The server may have taken the end of the line for more commands,
			// so the replies of this session mean nothing any more.
			long, again = true, true
		case refused != nil && !reconnected && (e.Code == 0 || e.Code == 421) && e.Temporary() && ctx.Err() == nil:
			reconnected, again = true, true // closed by the server after the 535
		default:
			s.quit()
			return nil, err
		}
		if again {
			s.close()
			if s, err = c.dial(ctx); err != nil {
				return nil, err
			}
		}
	}
}

// badSyntax tells a refusal of the line from a refusal of what it says.
func badSyntax(e *Error) bool {
	return e.Code == 500 || e.Code == 501 || e.Code/100 == 5 && e.Code != 535 && strings.HasPrefix(e.Enhanced, "5.5.")
}

// authenticate runs one SASL exchange (RFC 4954). long leaves the initial
// response out of the AUTH line, at the cost of a wait.
func (s *session) authenticate(ctx context.Context, mech sasl.Client, long bool) error {
	stop := context.AfterFunc(ctx, s.abort)
	defer stop()
	fail := func(err error) error { return &Error{Op: OpAUTH, Server: s.server, Err: err} }
	name, response, err := mech.Start()
	if err != nil {
		return fail(permanent(err))
	}
	if !slices.Contains(s.ext.auth, strings.ToUpper(name)) {
		return fail(permanent(fmt.Errorf("the server does not offer %s; it offers %s", name, offered(s.ext.auth))))
	}
	command := "AUTH " + name
	encoded := base64.StdEncoding.EncodeToString(response)
	if response != nil && len(response) == 0 {
		encoded = "=" // RFC 4954 §4: an empty initial response, as opposed to none
	}
	if long = long || len(command)+len(encoded)+3 > maxAuthLine; long || response == nil {
		s.command(command)
	} else {
		s.secret(command+" ", encoded)
		response = nil
	}
	for challenges := 1; ; challenges++ {
		r, err := s.converse(OpAUTH, commandTimeout)
		switch {
		case err != nil:
			return err
		case r.Code == 235:
			return nil
		case r.Code != 334:
			return s.refused(OpAUTH, r)
		case challenges > maxChallenges:
			s.abort()
			return fail(permanent(fmt.Errorf("%s: after %d answers the server still asks", name, maxChallenges)))
		}
		if response == nil {
			challenge, err := base64.StdEncoding.DecodeString(r.Text)
			if err == nil {
				response, err = mech.Next(challenge)
			}
			if err != nil {
				s.command("*") // cancels the exchange, RFC 4954 §4
				if r, err := s.converse(OpAUTH, commandTimeout); err == nil && r.Code == 535 {
					return s.refused(OpAUTH, r)
				}
				return fail(permanent(fmt.Errorf("%s: %w", name, err)))
			}
		}
		s.secret("", base64.StdEncoding.EncodeToString(response))
		response = nil
	}
}

// secret adds a line to the flight of which the log shows only the prefix.
func (s *session) secret(prefix, payload string) {
	s.log.hidden(prefix, len(payload))
	s.raw([]byte(prefix))
	s.raw([]byte(payload))
	s.raw([]byte("\r\n"))
}

func offered(mechs []string) string {
	if len(mechs) == 0 {
		return "no authentication at all"
	}
	return strings.Join(mechs, ", ")
}
