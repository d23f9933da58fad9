package checks

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"

	"traymail/internal/account"
	"traymail/smtp"
)

// The resources that an account has access tokens for.
const (
	ResourceSMTP  = "smtp"
	ResourceGraph = "graph"
)

// A Setup is one account and the ways to what is checked. All functions block
// until ctx ends at the latest. Errors are those of the packages that do the
// work, among them *authcode.Error, *smtp.Error and *graph.Error.
type Setup struct {
	Account account.Account
	// Invalid is why the account cannot be used as it stands in its file, with a
	// secret that is missing or unreadable; nil when it can be.
	Invalid error
	// SecretMissing says that Invalid is about a secret that is not stored, or
	// cannot be read.
	SecretMissing bool
	// SignedIn reports whether there is a refresh token. It is false for accounts
	// that nobody signs in to.
	SignedIn bool
	// LastSignIn is how the last sign-in of this account was refused; nil when it
	// was not, or nobody knows.
	LastSignIn *SignInRefusal
	// Expires is when the client secret or the certificate ends; zero is not
	// known.
	Expires time.Time

	Now     func() time.Time
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	// Addresses are this computer's own, as net.InterfaceAddrs returns them.
	Addresses func() ([]net.Addr, error)
	// Roots are the authorities that the account trusts; nil is the system's.
	Roots *x509.CertPool
	// Web reaches the authority, Graph and the administrators' endpoint. It does
	// not follow redirects to the account's own redirect URL.
	Web *http.Client

	// ClientSecret returns the client secret of a Web registration or of an
	// application, for requests that have no token yet; "" where there is none.
	ClientSecret func() string
	// Token returns an access token for a resource.
	Token func(ctx context.Context, resource string) (string, error)
	// Renew has a new one fetched, whatever is at hand.
	Renew func(ctx context.Context, resource string) (string, error)
	// TokenFor returns an access token for a scope that the account has not by
	// itself, without asking anybody; its refusal means that it is not allowed.
	TokenFor func(ctx context.Context, scope string) (string, error)
	// Session returns a new client of the submission server, which signs in as
	// the account does. The caller closes it.
	Session func() *smtp.Client
	// GraphReady asks Graph whether it would take requests for the mailbox.
	GraphReady func(ctx context.Context) error
	// SendTest sends the test email and returns what became of it.
	SendTest func(ctx context.Context) (Sent, error)
	// SendTestFrom is SendTest with another address in From than the account's
	// sender, as of a message that a tool hands over.
	SendTestFrom func(ctx context.Context, from string) (Sent, error)

	// Again returns the Setup as it is now, whoever changed the account; a check
	// that failed is tried again with it. Nil is as before.
	Again func(ctx context.Context) Setup
	// Pause waits before a check is tried again, and returns false when ctx ends
	// first; nil waits by the computer's clock.
	Pause func(ctx context.Context, d time.Duration) bool
}

// A SignInRefusal is a sign-in that came back refused.
type SignInRefusal struct {
	Finding string // as the catalogue of refusals names it
	Words   string // the provider's
	At      time.Time
	// SignedInAs is who signed in instead of the username; "" is nobody.
	SignedInAs string
	// Addresses are all of that person's, where the directory told; nil is not
	// known.
	Addresses []string `json:",omitempty"`
}

// Sent is a test email that was accepted.
type Sent struct {
	To    string
	Reply string // the server's
	// OverGraph says that it left through Graph.
	OverGraph bool
}
