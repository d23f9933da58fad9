package mailer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/natefinch/atomic"

	"traymail/authcode"
	"traymail/internal/account"
)

// SignIn says how a sign-in reaches the person. Exactly one of Open, Paste and
// Device must be set, or Open together with Paste: the browser may then come
// back by itself or through the clipboard.
type SignIn struct {
	// Open opens the address in the person's browser, or shows it.
	Open func(address string) error
	// Paste shows the address and returns what the person pasted: the address
	// on which the browser ended. It is called again with what was wrong with
	// the last one, until it is right, returns an error, or ctx ends.
	Paste func(ctx context.Context, address string, wrong error) (string, error)
	// Device shows the code to type on another device.
	Device func(DeviceCode)
	// Timeout bounds a sign-in in the browser; 0 means five minutes.
	Timeout time.Duration
}

// DeviceCode is what a person needs to sign in on another device.
type DeviceCode struct {
	UserCode        string
	VerificationURL string
	ExpiresAt       time.Time
}

// SignedIn is the outcome of a sign-in.
type SignedIn struct {
	Username string `json:"signed_in_as"`
	Name     string `json:"name,omitempty"`
	TenantID string `json:"tenant_id,omitempty"`
}

// SignIn signs the account in and stores its refresh token. The keystore is
// tried first, so that nobody signs in for a token that cannot be kept. When
// it returns an error, the former sign-in still stands.
func (m *Mailer) SignIn(ctx context.Context, name string, how SignIn) (SignedIn, error) {
	s, err := m.sender(ctx, name)
	if err != nil {
		return SignedIn{}, err
	}
	if s.auth == nil {
		return SignedIn{}, about(s.account, &account.FieldError{Key: "sign_in", Text: fmt.Sprintf("%q needs nobody to sign in", string(s.account.SignIn)),
			Fix: "send a test email: traymail test " + name})
	}
	if _, err := m.has(ctx, refreshTokenName(s.account)); err != nil {
		return SignedIn{}, about(s.account, err)
	}
	if how.Device != nil && s.auth.Endpoints.DeviceURL == "" {
		return SignedIn{}, about(s.account, &account.FieldError{Key: "device_url", Text: s.account.Provider + " has no sign-in with a code on another device for mail",
			Fix: "sign in by pasting: traymail login " + name + " --paste"})
	}
	opts := authcode.Options{Claims: m.keptClaims(s.account)}
	auth := *s.auth
	auth.Timeout = how.Timeout
	var grant *authcode.Grant
	switch {
	case how.Device != nil:
		grant, err = auth.Device(ctx, opts, func(c authcode.DeviceCode) {
			how.Device(DeviceCode{UserCode: c.UserCode, VerificationURL: c.VerificationURI, ExpiresAt: c.Expiry})
		})
	case how.Paste != nil:
		grant, err = signInPasting(ctx, &auth, opts, how)
	default:
		grant, err = auth.SignIn(ctx, opts, how.Open)
	}
	if err != nil {
		m.keepRefusal(s.account, err)
		return SignedIn{}, about(s.account, err)
	}
	if err := m.keep(ctx, s, grant); err != nil {
		return SignedIn{}, about(s.account, fmt.Errorf("signed in as %s, but the refresh token could not be kept: %w", grant.Identity.Username, err))
	}
	if e := m.running(); e != nil {
		e.alerts.signedIn(name)
	}
	m.accountChanged(ctx)
	return SignedIn{Username: grant.Identity.Username, Name: grant.Identity.Name, TenantID: grant.Identity.TenantID}, nil
}

// keep stores what a sign-in granted, unless the account was changed meanwhile
// and would get a token that is not its own.
func (m *Mailer) keep(ctx context.Context, s *sender, grant *authcode.Grant) error {
	slot := m.slot(s.account.Name)
	if err := slot.lock(ctx); err != nil {
		return err
	}
	defer slot.unlock()
	now, err := m.Accounts().Load(s.account.Name)
	if err != nil {
		return err
	}
	if !sameSignIn(now, s.account) {
		return errors.New("the account was changed during the sign-in; sign in once more")
	}
	source, ok := s.tokens.(*authcode.Source)
	if !ok {
		return errors.New("the account takes no sign-in any more")
	}
	if err := source.Adopt(ctx, grant); err != nil {
		return err
	}
	return errors.Join(m.forgetClaims(s.account), m.forgetRefusal(s.account))
}

// signInPasting waits for the listener, where there is one, and for the person.
func signInPasting(ctx context.Context, c *authcode.Client, opts authcode.Options, how SignIn) (*authcode.Grant, error) {
	opts.NoListener = how.Open == nil
	c.ResponseMode = "query" // only then the address holds what is to be pasted
	s, err := c.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if how.Open != nil {
		if err := how.Open(s.URL()); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	pasted := make(chan struct{})
	go func() {
		defer close(pasted)
		var wrong error
		for ctx.Err() == nil {
			address, err := how.Paste(ctx, s.URL(), wrong)
			if err != nil {
				cancel(err)
				return
			}
			if wrong = s.Paste(strings.TrimSpace(address)); wrong == nil {
				return
			}
		}
	}()
	grant, err := s.Wait(ctx)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	<-pasted
	return grant, err
}

// The claims that a refused refresh asks the next sign-in to satisfy are kept
// in a file, because the sign-in may happen in another process. They are a
// policy's requirements, not a secret.
func (m *Mailer) claimsFile(a *account.Account) string {
	return filepath.Join(m.Home, "state", a.ID+".claims")
}

func (m *Mailer) keptClaims(a *account.Account) string {
	b, err := os.ReadFile(m.claimsFile(a))
	if err != nil {
		return "" // without them the server asks once more
	}
	return string(b)
}

// keepClaims notes the claims of an error that ends a sign-in. Failing to is
// no reason to hide that error.
func (m *Mailer) keepClaims(a *account.Account, err error) {
	var refused *authcode.Error
	if !errors.As(err, &refused) || refused.Claims == "" {
		return
	}
	if os.MkdirAll(filepath.Dir(m.claimsFile(a)), 0o700) == nil {
		_ = atomic.WriteFile(m.claimsFile(a), strings.NewReader(refused.Claims))
	}
}

func (m *Mailer) forgetClaims(a *account.Account) error {
	if err := os.Remove(m.claimsFile(a)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
