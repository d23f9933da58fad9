package relay

import (
	"bytes"
	"errors"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// maxFailures ends a session: a program that tries passwords has to connect anew.
const maxFailures = 3

var (
	errPassword = &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "the name or the password is wrong"}
	errTooMany  = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "the name or the password is wrong, too many times"}
	errSyntax   = &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 5, 2}, Message: "the answer is not of this mechanism"}
)

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if !s.config().passwords() {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	switch {
	case !s.config().passwords():
		return nil, &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: s.signInFirst()}
	case s.open:
		return nil, &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "AUTH is not allowed during a mail transaction"}
	case mechanism == sasl.Plain:
		return &plain{check: s.signIn}, nil
	case mechanism == sasl.Login:
		return &login{check: s.signIn}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// signIn makes the session the client's, or changes nothing.
func (s *session) signIn(name, password string) error {
	client := s.config().client(name)
	ok, err := s.srv.logins.check(s.here, s.remote, name, client, password)
	switch {
	case err != nil:
		return reply(errNotNow)
	case ok:
		s.clientName = client.Name
		s.meter.progress()
		s.srv.in.seen.came(client.Name, s.srv.in.now())
		return nil
	}
	if client != nil { // a name that nobody has would be remembered for ever
		s.srv.in.seen.refused(client.Name, s.srv.in.now())
	}
	s.failures++
	s.srv.complaints.say(20, "wrong name or password", s.listener, s.remote, "listener", s.listener, "attempt", s.failures, "name", printable(clip(name)))
	if s.failures >= maxFailures {
		return errTooMany
	}
	return errPassword
}

// plain is the server side of PLAIN (RFC 4616). The authorization identity is
// not used: a client sends as itself.
type plain struct {
	check func(name, password string) error
}

func (p *plain) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		return []byte{}, false, nil
	}
	parts := bytes.Split(response, []byte{0})
	if len(parts) != 3 {
		return nil, false, errSyntax
	}
	if len(parts[0]) > 0 && !bytes.EqualFold(parts[0], parts[1]) {
		return nil, false, errPassword
	}
	return nil, true, p.check(string(parts[1]), string(parts[2]))
}

// login is the server side of LOGIN, which has no RFC. Devices compare its
// challenges letter by letter: they are "Username:" and "Password:".
type login struct {
	check func(name, password string) error
	name  []byte
	step  int
}

var errUnexpected = errors.New("the LOGIN exchange is over")

func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	if l.step == 1 && response == nil {
		return []byte("Username:"), false, nil
	}
	switch {
	case l.step == 1:
		l.step++
		fallthrough
	case l.step == 2:
		l.name = response
		return []byte("Password:"), false, nil
	case l.step == 3:
		return nil, true, l.check(string(l.name), string(response))
	}
	return nil, false, errUnexpected
}
