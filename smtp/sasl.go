package smtp

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
)

var errControl = errors.New("a user name, token or password with control characters in it cannot be used")

// A mechanism keeps its secrets in closures, the one place where no way of
// printing finds them: a Format method is not called on a field that is not
// exported.
type mechanism struct {
	start func() (string, []byte, error)
	next  func([]byte) ([]byte, error)
}

func (m mechanism) Start() (string, []byte, error)        { return m.start() }
func (m mechanism) Next(challenge []byte) ([]byte, error) { return m.next(challenge) }

// checked refuses to start c when what it joins with control characters has some
// of its own.
func checked(c sasl.Client, joined ...string) mechanism {
	return mechanism{next: c.Next, start: func() (string, []byte, error) {
		for _, p := range joined {
			if strings.IndexFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
				return "", nil, errControl
			}
		}
		return c.Start()
	}}
}

// XOAUTH2 is Google's and Microsoft's mechanism for OAuth 2.0 access tokens.
// username is the address that authenticates.
func XOAUTH2(username, token string) sasl.Client {
	return checked(xoauth2{username, token}, username, token)
}

type xoauth2 struct{ username, token string }

func (x xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the challenge that carries an error, as Google sends it, with an
// empty line: only then comes the 535 with the reason.
func (x xoauth2) Next([]byte) ([]byte, error) { return []byte{}, nil }

// OAuthBearer is the standard mechanism for access tokens (RFC 7628); host and
// port are the server's, as dialled.
func OAuthBearer(username, token, host string, port int) sasl.Client {
	m := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
		Username: saslName.Replace(username), Token: token, Host: host, Port: port,
	})
	return checked(oauthBearer{m}, username, token)
}

// saslName escapes what separates the parts of a GS2 header (RFC 5801 §4).
var saslName = strings.NewReplacer("=", "=3D", ",", "=2C")

type oauthBearer struct{ sasl.Client }

// Next answers the error challenge, where go-sasl gives up, with the 0x01 of
// RFC 7628 §3.2.3: only then does the server refuse in earnest.
func (o oauthBearer) Next([]byte) ([]byte, error) { return []byte{1}, nil }

// Plain is user name and password (RFC 4616).
func Plain(username, password string) sasl.Client {
	return checked(sasl.NewPlainClient("", username, password), username, password)
}

// Login is user name and password for servers without PLAIN, among them
// Exchange. It answers by what the prompts ask for, since some servers ask for
// the name again though it came as the initial response.
func Login(username, password string) sasl.Client {
	return checked(login{username, password})
}

type login struct{ username, password string }

func (l login) Start() (string, []byte, error) {
	return sasl.Login, []byte(l.username), nil
}

func (l login) Next(challenge []byte) ([]byte, error) {
	switch c := strings.ToLower(string(challenge)); {
	case strings.Contains(c, "user"):
		return []byte(l.username), nil
	case strings.Contains(c, "pass"):
		return []byte(l.password), nil
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}
