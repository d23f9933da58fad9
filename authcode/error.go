package authcode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Stage is the step that failed: of a sign-in, of a refresh, or of an application's own token.
type Stage string

// The stages, in the order of a sign-in.
const (
	StageAuthorize Stage = "authorize" // the provider, or the user, refused in the browser
	StageConsent   Stage = "consent"   // the provider, or the administrator, refused admin consent
	StageDevice    Stage = "device"    // device authorization grant
	StageExchange  Stage = "exchange"  // authorization code for tokens
	StageIdentity  Stage = "identity"  // ID token
	StageRefresh   Stage = "refresh"   // refresh token for an access token

	StageApplication Stage = "application" // client credentials for an access token
)

var stageText = map[Stage]string{
	StageAuthorize: "signing in",
	StageConsent:   "granting admin consent",
	StageDevice:    "signing in with a device code",
	StageExchange:  "redeeming the authorization code",
	StageIdentity:  "checking who signed in",
	StageRefresh:   "refreshing the access token",

	StageApplication: "getting an application token",
}

// ErrNotSignedIn means that no refresh token is stored for the account.
var ErrNotSignedIn = errors.New("no sign-in is stored")

// ErrClosed means that the sign-in was closed before the browser came back.
var ErrClosed = errors.New("the sign-in was closed before it was finished")

// errNotJSON marks an answer that cannot come from the provider.
var errNotJSON = errors.New("the answer does not come from the provider")

// Error is a refusal by the provider, or a failure to reach or believe it. The
// provider's texts are kept verbatim, but for secrets of the request.
type Error struct {
	Stage    Stage
	Username string // the account concerned, if it is known

	Code        string // error (RFC 6749 §4.1.2.1, §5.2; RFC 8628 §3.5)
	Subcode     string // Entra's suberror or error_subcode
	Description string // error_description

	AADSTS        int    // Entra's error number: for hints, never to branch on
	TraceID       string // for Microsoft's support, with CorrelationID
	CorrelationID string
	// Claims is what the next sign-in must satisfy: pass it on in Options.
	Claims string

	HTTPStatus int           // 0 when there was no HTTP answer
	RetryAfter time.Duration // what the server asked for, else 0
	Err        error         // the cause, when it is not an OAuth error
}

// Error tells the step, the account, the provider's words, and what to do, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(stageText[e.Stage])
	switch {
	case e.Username == "":
	case e.Stage == StageApplication:
		b.WriteString(" for " + e.Username)
	default:
		b.WriteString(" of " + e.Username)
	}
	sep := ": "
	for _, part := range []string{e.Code, e.Subcode, e.Description} {
		if part != "" {
			b.WriteString(sep + part)
		}
	}
	if e.Err != nil {
		b.WriteString(sep + e.Err.Error())
	}
	if e.Code == "" && e.HTTPStatus != 0 && e.HTTPStatus != http.StatusOK {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTPStatus)
	}
	switch {
	case e.SignInAgain():
		b.WriteString("; sign in again")
	case e.RetryAfter > 0:
		fmt.Fprintf(&b, "; try again in %v", e.RetryAfter)
	case e.Temporary():
		b.WriteString("; try again later")
	}
	return oneLine(b.String())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later: the network
// failed, the server is down or busy, or something between answered instead.
func (e *Error) Temporary() bool {
	switch {
	case e.Code == "server_error", e.Code == "temporarily_unavailable",
		e.HTTPStatus >= 500, e.HTTPStatus == http.StatusTooManyRequests, e.HTTPStatus == http.StatusRequestTimeout:
		return true
	case errors.Is(e.Err, errNotJSON):
		// The login page of a hotel's network comes as a page or a redirect.
		return e.HTTPStatus < 400
	}
	// A certificate does not become good by waiting, and a request that the
	// caller gave up is not repeated.
	return e.transport() && !errors.As(e.Err, new(*tls.CertificateVerificationError)) && !errors.Is(e.Err, context.Canceled)
}

// SignInAgain reports whether only the user can help, by signing in once more.
// It is false for an application's own token, whatever the provider says: nobody
// signs in there.
func (e *Error) SignInAgain() bool {
	if e.Stage == StageApplication {
		return false
	}
	return slices.Contains([]string{"invalid_grant", "interaction_required", "login_required",
		"consent_required", "account_selection_required", "expired_token"}, e.Code) || errors.Is(e.Err, ErrNotSignedIn)
}

func (e *Error) transport() bool { return errors.As(e.Err, new(*url.Error)) }

// oneLine keeps a message on one line and free of terminal control sequences;
// the fields keep the text as it came.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// WrongAccountError means that somebody signed in, but not the account that was
// expected. No token of that sign-in was kept.
type WrongAccountError struct {
	SignedInAs string
	Username   string // the account that should have signed in
}

// Error names both accounts and what to do.
func (e *WrongAccountError) Error() string {
	return oneLine(fmt.Sprintf("you signed in as %s, this account authenticates as %s: nothing was saved; "+
		"sign in again as %[2]s (a private browser window forgets other sign-ins), or change the account's username", e.SignedInAs, e.Username))
}

// TimeoutError means that the browser never came back with an answer. Providers
// show some errors only in the browser, so it names what they are likely to be.
type TimeoutError struct {
	After       time.Duration
	ClientID    string
	RedirectURL string
}

// Error names the three likely causes.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the browser did not come back within %v; what its page says tells which of the three likely causes it is: "+
		"the redirect URL %s is not registered for this app, or under another platform; "+
		"the client ID %s or the tenant is unknown there; "+
		"the sign-in window was closed, or something on this machine blocks that address. Correct that, then sign in again",
		e.After, e.RedirectURL, e.ClientID)
}

// Timeout reports true, as for net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// PortError means that the port of the registered redirect URL is not free.
type PortError struct {
	Port string
	Err  error
}

// Error names the port and who can help.
func (e *PortError) Error() string {
	return fmt.Sprintf("the registered redirect URL needs port %s, which this machine does not give (%v): "+
		"end the program that uses it, or ask whoever registered the app to add a redirect URL with a free port, or http://localhost", e.Port, e.Err)
}

// Unwrap returns the cause.
func (e *PortError) Unwrap() error { return e.Err }

// NoListenerError means that no program on this machine can receive the browser
// at the redirect URL; the way on is Options.NoListener and Paste.
type NoListenerError struct{ RedirectURL string }

// Error says why and names the way on.
func (e *NoListenerError) Error() string {
	return fmt.Sprintf("the redirect URL %s is not an http address of this machine, so the answer cannot be received here: "+
		"sign in by pasting the address on which the browser ends, or register http://localhost as a redirect URL", e.RedirectURL)
}

// OpenError means that the browser could not be opened.
type OpenError struct{ Err error }

// Error says so.
func (e *OpenError) Error() string {
	return fmt.Sprintf("the browser could not be opened: %v; sign in with a device code, or paste the address instead", e.Err)
}

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }
