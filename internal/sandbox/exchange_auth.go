package sandbox

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// An identity is what AUTH proved.
type identity struct {
	// user is the UPN of who signed in; for an app without a user, the mailbox.
	user string
	// mailbox is the address whose limits count.
	mailbox string
	// app is the client ID of an app without a user.
	app string
}

// A mechanism takes the client's initial response, "" if there is none, and
// returns whom it proved or the refusal.
type mechanism struct {
	converse func(s *smtpSession, response string) (id identity, refusal string, err error)
	password bool // or else a token
}

// mechanisms are those that some provider offers. Of Google's, two are known by
// name only, and refused.
var mechanisms = map[string]mechanism{
	"XOAUTH2":     {converse: bearer(parseXOAUTH2)},
	"OAUTHBEARER": {converse: bearer(parseOAuthBearer)},
	"LOGIN":       {converse: (*smtpSession).authLogin, password: true},
	"PLAIN":       {converse: (*smtpSession).authPlain, password: true},
}

// auth answers AUTH (RFC 4954). An error ends the session.
func (s *smtpSession) auth(arg string) error {
	name, initial, _ := strings.Cut(arg, " ")
	name = strings.ToUpper(name)
	m, known := mechanisms[name]
	switch {
	case s.x.google && !s.secure:
		s.refuse(replyNeedTLS)
		return nil
	case !s.secure, !known, !slices.Contains(strings.Fields(s.x.front.mechanisms), name):
		s.refuse(replyBadMechanism)
		return nil
	case !s.greeted:
		s.refuse(replyNeedHello)
		return nil
	case s.user != "":
		s.refuse(replyBadSequence)
		return nil
	}
	id, refusal, err := m.converse(s, initial)
	if errors.Is(err, errLineLength) {
		s.refuse(replyLongLine)
		return nil
	}
	if err != nil {
		return err
	}
	if text := s.refused(atPassword); text != "" && m.password {
		refusal = text
	} else if refusal == "" {
		refusal = s.refused(atAuth)
	}
	s.refusal = refusal
	switch {
	case refusal == "":
		s.identity = id
		s.x.signIn(s)
		s.say(replyAuthOK)
	case !m.password && s.x.options().Challenge334:
		// Whatever the client says to the challenge, it is refused.
		_, err = s.ask(googleChallenge)
		s.reply(inGooglesWords(refusedIdentity, s.id))
	default:
		s.refuse(refusal)
	}
	return err
}

// ask sends a challenge and returns the client's answer, still encoded.
func (s *smtpSession) ask(challenge string) (string, error) {
	s.reply("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
	return s.readLine()
}

// bearer makes a mechanism of a parser of its only message. What is no such
// message at all, a cancelling "*" included, is refused like a bad token: the
// 501 for it was seen on another Microsoft service only.
func bearer(parse func(string) (user, token string, ok bool)) func(*smtpSession, string) (identity, string, error) {
	return func(s *smtpSession, response string) (id identity, refusal string, err error) {
		if response == "" {
			if response, err = s.ask(""); err != nil {
				return identity{}, "", err
			}
		}
		user, token, ok := parse(response)
		if !ok {
			return identity{}, refusedIdentity, nil
		}
		id, refusal = s.x.admitToken(user, token)
		return id, refusal, nil
	}
}

// admitToken decides on a verified user= and token. It returns the refusal, or
// whom the session is.
func (x *exchange) admitToken(user, token string) (id identity, refusal string) {
	claims, ok := x.check(token)
	if !ok || claims.TenantID != x.tenant.ID || !claims.Expires.After(x.options().Now()) ||
		x.front.audiences != nil && !slices.Contains(x.front.audiences, strings.TrimSuffix(claims.Audience, "/")) {
		return identity{}, refusedIdentity
	}
	if claims.UPN == "" {
		return x.admitApp(user, claims)
	}
	// The delegate, never the shared mailbox it sends for.
	if !slices.Contains(claims.Scopes, x.front.scope) || !strings.EqualFold(claims.UPN, user) {
		return identity{}, refusedIdentity
	}
	x.tenant.enforced(func(t *Tenant) {
		account, mailbox := t.user(user), t.mailbox(user)
		switch {
		case account == nil || mailbox == nil || !licensed(t, mailbox):
			refusal = refusedIdentity
		case account.Disabled:
			refusal = refusedAccount
		default:
			id = identity{user: account.UPN, mailbox: mailbox.Address}
			refusal = refusedBySwitch(t, mailbox)
		}
	})
	return id, refusal
}

// refusedBySwitch returns the refusal that a mailbox gets whoever signs in to
// it. Its own switch, when set, wins over the organisation's.
func refusedBySwitch(t *Tenant, mailbox *Mailbox) string {
	switch own := mailbox.SMTPAuthDisabled; {
	case own != nil && *own:
		return refusedMailboxSwitch
	case own == nil && t.SMTPAuthDisabled:
		return refusedTenantSwitch
	}
	return ""
}

// authLogin asks for a name and a password.
func (s *smtpSession) authLogin(response string) (id identity, refusal string, err error) {
	if response == "" {
		if response, err = s.ask("Username:"); err != nil {
			return identity{}, "", err
		}
	}
	name, ok := decodeSASL(response)
	if !ok {
		return identity{}, refusedIdentity, nil
	}
	if response, err = s.ask("Password:"); err != nil {
		return identity{}, "", err
	}
	password, ok := decodeSASL(response)
	if !ok {
		return identity{}, refusedIdentity, nil
	}
	id, refusal = s.x.admitPassword(name, password)
	return id, refusal, nil
}

// authPlain takes a name and a password in one message.
func (s *smtpSession) authPlain(response string) (id identity, refusal string, err error) {
	if response == "" {
		if response, err = s.ask(""); err != nil {
			return identity{}, "", err
		}
	}
	name, password, ok := parsePlain(response)
	if !ok {
		return identity{}, refusedIdentity, nil
	}
	id, refusal = s.x.admitPassword(name, password)
	return id, refusal, nil
}

// admitPassword decides on a sign-in with a password. It returns the refusal,
// or whom the session is. At Google the account's password stands for an app
// password, which BasicAuthAllowed admits.
func (x *exchange) admitPassword(user, password string) (id identity, refusal string) {
	x.tenant.enforced(func(t *Tenant) {
		account, mailbox := t.user(user), t.mailbox(user)
		switch {
		case !x.front.passwords:
			refusal = refusedBasic
		case t.SecurityDefaults: // overrides the switches
			refusal = refusedSecurityDefaults
		case account == nil || mailbox == nil || !licensed(t, mailbox):
			refusal = refusedPassword
		case account.Disabled:
			refusal = refusedAccount
		case refusedBySwitch(t, mailbox) != "":
			refusal = refusedBySwitch(t, mailbox)
		case !t.BasicAuthAllowed:
			refusal = refusedBasic
		case account.Password != password:
			refusal = refusedPassword
		case account.MFA && !x.google:
			refusal = refusedPolicy
		default:
			id = identity{user: account.UPN, mailbox: mailbox.Address}
		}
	})
	return id, refusal
}
