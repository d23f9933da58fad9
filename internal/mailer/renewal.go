package mailer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"traymail/authcode"
	"traymail/internal/account"
	"traymail/internal/apponly"
	"traymail/keystore"
)

// A certificate is renewed without a gap: of an account that has one in use, a
// new one waits beside it until the provider takes it, and only then the former
// is removed.

// nextCertificateName is where a certificate waits.
func nextCertificateName(a *account.Account) string { return a.ID + "/certificate-next" }

const (
	// renewalPace is how often a certificate that waits is tried by itself.
	renewalPace = time.Hour
	// renewalHaste is the same while the one in use is refused.
	renewalHaste = 30 * time.Second
)

// A Certificate is what a person compares with the portal's list.
type Certificate struct {
	SHA1   string `json:"sha1"`   // the portal calls it the thumbprint
	SHA256 string `json:"sha256"` // of the same certificate
	Ends   string `json:"ends"`   // the last day, "2027-01-31"
}

func certificateOf(c *apponly.Certificate) *Certificate {
	return &Certificate{SHA1: c.SHA1(), SHA256: c.SHA256(), Ends: c.NotAfter().Format(time.DateOnly)}
}

// storedCertificate reads a certificate; nil is that there is none.
func (m *Mailer) storedCertificate(ctx context.Context, name string) (*apponly.Certificate, error) {
	v, err := m.Secrets.Get(ctx, name)
	switch {
	case errors.Is(err, keystore.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return apponly.ParseCertificate([]byte(v.Reveal()), "")
}

// certificates notes which certificates an account has.
func (m *Mailer) certificates(ctx context.Context, a *account.Account, s *Secrets) error {
	for _, f := range []struct {
		name string
		note **Certificate
	}{{certificateName(a), &s.CertificateInUse}, {nextCertificateName(a), &s.CertificateWaiting}} {
		v, err := m.Secrets.Get(ctx, f.name)
		switch {
		case errors.Is(err, keystore.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		// One that cannot be read is told of where it is used.
		if c, err := apponly.ParseCertificate([]byte(v.Reveal()), ""); err == nil {
			*f.note = certificateOf(c)
		}
	}
	return nil
}

// certificatePlace is where a new certificate of an account is stored: beside
// the one in use, as long as that may be of use. Of the one in use it notes when
// it ends.
func (m *Mailer) certificatePlace(ctx context.Context, old, now *account.Account, secret keystore.Secret) (string, error) {
	if old == nil || credentialOf(old).name != certificateName(now) || !sameApp(old, now) {
		return certificateName(now), nil
	}
	v, err := m.Secrets.Get(ctx, certificateName(now))
	if err != nil && !errors.Is(err, keystore.ErrNotFound) {
		return "", err
	}
	inUse, err := apponly.ParseCertificate([]byte(v.Reveal()), "")
	if err != nil || inUse.Check(m.now()) != nil {
		return certificateName(now), nil // nothing is lost with it
	}
	is, err := apponly.ParseCertificate([]byte(secret.Reveal()), "")
	if err != nil || is.SHA256() == inUse.SHA256() {
		return certificateName(now), err
	}
	now.SecretExpires = inUse.NotAfter().Format(time.DateOnly)
	return nextCertificateName(now), nil
}

// promote makes the certificate that waits the one in use. The caller holds the
// account's slot. When the account has changed meanwhile, nothing is done. An
// interruption leaves something that the next call brings to its end.
func (m *Mailer) promote(ctx context.Context, a *account.Account, cert *apponly.Certificate) error {
	now, err := m.Accounts().Load(a.Name)
	if err != nil {
		return err
	}
	next, err := m.storedCertificate(ctx, nextCertificateName(a))
	if err != nil {
		return err
	}
	if now.ID != a.ID || credentialOf(now).name != certificateName(a) || next == nil || next.SHA256() != cert.SHA256() {
		return nil
	}
	pem, err := cert.PEM()
	if err != nil {
		return err
	}
	if err := m.Secrets.Set(ctx, certificateName(a), keystore.Secret(pem.Reveal())); err != nil {
		return err
	}
	now.SecretExpires = cert.NotAfter().Format(time.DateOnly)
	if err := m.Accounts().Save(now); err != nil {
		return err
	}
	if err := m.Secrets.Delete(ctx, nextCertificateName(a)); err != nil {
		return err
	}
	m.log().Info("the new certificate is in use; the former one is removed", "account", a.Name, "thumbprint", cert.SHA1())
	return nil
}

// A renewal hands out an application's tokens by the certificate in use, until
// the provider takes the one that waits. It is a tokenSource.
type renewal struct {
	mailer  *Mailer
	account *account.Account
	former  *apponly.Certificate
	next    *apponly.Certificate
	open    func(*apponly.Certificate) (*apponly.Source, error)

	mu      sync.Mutex
	closed  bool
	source  *apponly.Source
	taken   bool // source is next's
	settled bool // and the keystore and the account's file say so
	tried   time.Time
	trying  sync.Mutex // held while next is tried
}

// Token returns a token, of the certificate that waits when that is taken by now.
func (r *renewal) Token(ctx context.Context, resource string) (authcode.Token, error) {
	if r.due(renewalPace) {
		r.try(ctx, resource)
	}
	t, err := r.current().Token(ctx, resource)
	refused, ok := errors.AsType[*authcode.Error](err)
	if !ok || refused.Temporary() || r.isTaken() {
		return t, err
	}
	if r.due(renewalHaste) && r.try(ctx, resource) {
		return r.current().Token(ctx, resource)
	}
	return t, fmt.Errorf("%w (thumbprint of the certificate in use: %s; of the new one, which is not taken yet: %s)", err, r.former.SHA1(), r.next.SHA1())
}

// due reports whether the certificate that waits was not tried for a while, to
// one of several who ask.
func (r *renewal) due(pace time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.mailer.now()
	if r.settled || !r.tried.IsZero() && now.Sub(r.tried) < pace {
		return false
	}
	r.tried = now
	return true
}

// try changes over to the certificate that waits if the provider takes it, and
// reports whether it is the one in use.
func (r *renewal) try(ctx context.Context, resource string) bool {
	r.trying.Lock()
	defer r.trying.Unlock()
	r.mu.Lock()
	r.tried = r.mailer.now()
	taken := r.taken
	r.mu.Unlock()
	if !taken && !r.take(ctx, resource) {
		return false
	}
	slot := r.mailer.slot(r.account.Name)
	err := slot.lock(ctx)
	if err == nil {
		err = r.mailer.promote(ctx, r.account, r.next)
		slot.unlock()
	}
	if err != nil {
		r.mailer.log().Warn("the new certificate is in use, and could not be noted as such; it is tried again", "account", r.account.Name, "error", err)
		return true
	}
	r.mu.Lock()
	r.settled = true
	r.mu.Unlock()
	return true
}

// take gets a token by the certificate that waits. Each attempt has a source of
// its own, since a source remembers a refusal for a while.
func (r *renewal) take(ctx context.Context, resource string) bool {
	source, err := r.open(r.next)
	if err == nil {
		_, err = source.Token(ctx, resource)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || r.closed {
		if source != nil {
			source.Close()
		}
		return false
	}
	former := r.source
	r.source, r.taken = source, true
	r.mailer.retired.Go(former.Close) // which waits for requests under way
	return true
}

func (r *renewal) current() *apponly.Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source
}

func (r *renewal) isTaken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken
}

// Refused forgets a token that a server did not accept.
func (r *renewal) Refused(resource string, t authcode.Token) { r.current().Refused(resource, t) }

// Close ends running requests and waits for them.
func (r *renewal) Close() {
	r.mu.Lock()
	r.closed = true
	source := r.source
	r.mu.Unlock()
	source.Close()
}

// renew tries a certificate that waits, whenever it was tried last.
func (w *sender) renew(ctx context.Context) {
	r, ok := w.tokens.(*renewal)
	if !ok {
		return
	}
	r.mu.Lock()
	settled := r.settled
	r.mu.Unlock()
	if !settled {
		r.try(ctx, resources(w.account)[0].Name)
	}
}
