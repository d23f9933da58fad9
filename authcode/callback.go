package authcode

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"strings"
	"unicode"
)

// maxCallback bounds an answer of the browser, headers and body together. A code
// of Entra has some 1,500 characters.
const maxCallback = 16 << 10

// errUsed means that an answer was accepted already, or will not be any more.
var errUsed = errors.New("this sign-in is over, or has already received its answer")

// accept takes an authorization response (RFC 6749 §4.1.2) that this sign-in has
// asked for, and takes exactly one. Whatever it refuses changes nothing: anybody
// may send anything to a port on loopback, and only the state tells an answer
// from that. It is the same for a redirect (GET), a form_post (POST, which comes
// across sites by design) and a pasted address.
func (s *SignIn) accept(params url.Values) error {
	if err := belongs(params, toSignIn, s.keys.state, "code", "error", "error_description", "iss"); err != nil {
		return err
	}
	// RFC 9207 §2.4. It may be missing: Entra does not send it.
	if issuer := s.client.Endpoints.Issuer; issuer != "" && params.Has("iss") && !issuerMatches(issuer, params.Get("iss")) {
		return errors.New("the answer comes from another authorization server (its iss differs)")
	}
	if (params.Get("code") == "") == (params.Get("error") == "") {
		return errors.New("the answer must hold either a code or an error")
	}
	if !s.claimed.CompareAndSwap(false, true) {
		return errUsed
	}
	s.answers <- params
	return nil
}

// foreign are the errors of an answer that was not asked for.
type foreign struct{ stateless, other error }

var (
	toSignIn = foreign{
		errors.New("the answer holds no state, so nothing shows that it belongs to this sign-in"),
		errors.New("the answer belongs to another sign-in (its state differs): an older tab, perhaps"),
	}
	toConsent = foreign{
		errors.New("the answer holds no state, so nothing shows that it belongs to this request for consent"),
		errors.New("the answer belongs to another request for consent (its state differs): an older tab, perhaps"),
	}
)

// belongs returns an error for an answer that was not asked for with state, or
// that holds one of the names more than once.
func belongs(params url.Values, to foreign, state Secret, names ...string) error {
	for _, name := range append(names, "state") {
		if len(params[name]) > 1 {
			return errors.New("the answer holds " + name + " more than once") // RFC 6749 §3.1
		}
	}
	if !params.Has("state") {
		return to.stateless
	}
	if subtle.ConstantTimeCompare([]byte(params.Get("state")), []byte(state)) != 1 {
		return to.other
	}
	return nil
}

// Paste takes the address on which the browser ended, which shows an error page
// when nothing listens there. It is checked as if the browser had come back. An
// error says what is wrong with it, and the sign-in keeps waiting; after nil,
// Wait has the outcome.
func (s *SignIn) Paste(address string) error {
	// Terminals break long lines, and an address holds no blank.
	address = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, address)
	if len(address) > maxCallback {
		return errors.New("the pasted text is too long to be the address")
	}
	if address != "" && !strings.Contains(address, "://") {
		address = s.redirect.Scheme + "://" + address // some browsers hide it
	}
	// The address itself stays out of errors: it may hold the code.
	wrong := errors.New("the pasted text is not the address on which the browser ended: that one starts with " + s.redirectURI)
	u, err := url.Parse(address)
	if err != nil || !strings.EqualFold(u.Scheme, s.redirect.Scheme) || !sameHost(u, s.redirect) || !samePath(u, s.redirect) {
		return wrong
	}
	raw := u.RawQuery
	if u.Fragment != "" && !strings.Contains(raw, "state=") {
		raw = u.EscapedFragment() // response_mode=fragment
	}
	params, err := url.ParseQuery(raw)
	if err != nil {
		return errors.New("the pasted address is damaged; copy it from the address bar once more, as a whole")
	}
	if len(params) == 0 {
		return errors.New("the pasted address holds no answer: finish the sign-in in the browser, then copy the address on which it ends, as a whole")
	}
	return s.accept(params)
}

// sameHost compares host and port; browsers leave a scheme's own port out.
func sameHost(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// samePath compares as Entra does, with letter case; a redirect URL without a
// path comes back with "/".
func samePath(a, b *url.URL) bool {
	path := func(u *url.URL) string {
		if p := u.EscapedPath(); p != "" {
			return p
		}
		return "/"
	}
	return path(a) == path(b)
}
