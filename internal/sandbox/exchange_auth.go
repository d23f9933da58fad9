package sandbox

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// auth answers AUTH (RFC 4954). An error ends the session.
func (s *smtpSession) auth(arg string) error {
	mechanism, initial, _ := strings.Cut(arg, " ")
	mechanism = strings.ToUpper(mechanism)
	switch {
	case !s.secure, mechanism != "XOAUTH2" && mechanism != "LOGIN":
		s.refuse(replyBadMechanism)
		return nil
	case !s.greeted:
		s.refuse(replyNeedHello)
		return nil
	case s.user != "":
		s.refuse(replyBadSequence)
		return nil
	}
	converse := s.authXOAUTH2
	if mechanism == "LOGIN" {
		converse = s.authLogin
	}
	user, refusal, err := converse(initial)
	if errors.Is(err, errLineLength) {
		s.refuse(replyLongLine)
		return nil
	}
	if err != nil {
		return err
	}
	if text := s.refused(atPassword); text != "" && mechanism == "LOGIN" {
		refusal = text
	} else if refusal == "" {
		refusal = s.refused(atAuth)
	}
	s.refusal = refusal
	switch {
	case refusal == "":
		s.user = user
		s.x.signIn(s)
		s.reply(replyAuthOK)
	case mechanism == "XOAUTH2" && s.x.o.Challenge334:
		// Whatever the client says to the challenge, it is refused.
		_, err = s.ask(googleChallenge)
		s.reply(googleRefusal)
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

// authXOAUTH2 returns the user whose token it was sent, or the refusal. What
// is no XOAUTH2 at all, a cancelling "*" included, is refused like a bad
// token: the 501 for it was seen on another Microsoft service only.
func (s *smtpSession) authXOAUTH2(response string) (user, refusal string, err error) {
	if response == "" {
		if response, err = s.ask(""); err != nil {
			return "", "", err
		}
	}
	name, token, ok := parseXOAUTH2(response)
	if !ok {
		return "", refusedIdentity, nil
	}
	user, refusal = s.x.admitToken(name, token)
	return user, refusal, nil
}

// parseXOAUTH2 decodes the mechanism's only message.
func parseXOAUTH2(response string) (user, token string, ok bool) {
	decoded, ok := decodeSASL(response)
	fields := strings.Split(decoded, "\x01")
	if !ok || len(fields) != 4 || fields[2] != "" || fields[3] != "" {
		return "", "", false
	}
	user, isUser := strings.CutPrefix(fields[0], "user=")
	scheme, token, _ := strings.Cut(fields[1], " ")
	return user, token, isUser && strings.EqualFold(scheme, "auth=Bearer")
}

// decodeSASL decodes a response; "=" is the empty one.
func decodeSASL(response string) (string, bool) {
	if response == "=" {
		return "", true
	}
	if strings.ContainsAny(response, "\r\n") { // which base64 would skip
		return "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(response)
	return string(decoded), err == nil
}

// admitToken decides on a verified user= and token of XOAUTH2. It returns the
// refusal, or the user's UPN.
//
// App-only tokens are refused: no service principal is known to this
// organisation's mailboxes.
func (x *exchange) admitToken(user, token string) (upn, refusal string) {
	claims, ok := x.check(token)
	if !ok || claims.TenantID != x.tenant.ID || !claims.Expires.After(x.o.Now()) ||
		!slices.Contains(exchangeAudiences, strings.TrimSuffix(claims.Audience, "/")) ||
		!slices.Contains(claims.Scopes, "SMTP.Send") ||
		// The delegate, never the shared mailbox it sends for.
		!strings.EqualFold(claims.UPN, user) {
		return "", refusedIdentity
	}
	x.tenant.View(func(t *Tenant) {
		account, mailbox := t.user(user), t.mailbox(user)
		if account == nil || mailbox == nil {
			refusal = refusedIdentity
			return
		}
		upn, refusal = account.UPN, refusedBySwitch(t, account, mailbox)
	})
	return upn, refusal
}

// exchangeAudiences are the names of Exchange Online as a token's resource.
// Graph's, which also has a scope SMTP.Send, is not among them.
var exchangeAudiences = []string{
	"https://outlook.office.com",
	"https://outlook.office365.com",
	"00000002-0000-0ff1-ce00-000000000000",
}

// refusedBySwitch returns the refusal that an account gets whatever it proves.
// The mailbox's switch, when set, wins over the organisation's.
func refusedBySwitch(t *Tenant, account *User, mailbox *Mailbox) string {
	switch own := mailbox.SMTPAuthDisabled; {
	case account.Disabled:
		return refusedAccount
	case own != nil && *own:
		return refusedMailboxSwitch
	case own == nil && t.SMTPAuthDisabled:
		return refusedTenantSwitch
	}
	return ""
}

// authLogin returns the user whose password it was sent, or the refusal.
func (s *smtpSession) authLogin(response string) (user, refusal string, err error) {
	if response == "" {
		if response, err = s.ask("Username:"); err != nil {
			return "", "", err
		}
	}
	name, ok := decodeSASL(response)
	if !ok {
		return "", refusedIdentity, nil
	}
	if response, err = s.ask("Password:"); err != nil {
		return "", "", err
	}
	password, ok := decodeSASL(response)
	if !ok {
		return "", refusedIdentity, nil
	}
	user, refusal = s.x.admitPassword(name, password)
	return user, refusal, nil
}

// admitPassword decides on a sign-in with a password. It returns the refusal,
// or the user's UPN.
func (x *exchange) admitPassword(user, password string) (upn, refusal string) {
	x.tenant.View(func(t *Tenant) {
		account, mailbox := t.user(user), t.mailbox(user)
		switch {
		case t.SecurityDefaults: // overrides the switches
			refusal = refusedSecurityDefaults
		case account == nil || mailbox == nil:
			refusal = refusedPassword
		case refusedBySwitch(t, account, mailbox) != "":
			refusal = refusedBySwitch(t, account, mailbox)
		case !t.BasicAuthAllowed:
			refusal = refusedBasic
		case account.Password != password:
			refusal = refusedPassword
		case account.MFA:
			refusal = refusedPolicy
		default:
			upn = account.UPN
		}
	})
	return upn, refusal
}
