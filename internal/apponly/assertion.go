package apponly

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"traymail/authcode"
	"traymail/internal/claims"
)

const (
	assertionLifetime = 10 * time.Minute // as in Microsoft's own libraries
	// maxAssertion bounds a federated token's file, in bytes; one of Kubernetes or
	// GitHub has about 1 to 2 KiB.
	maxAssertion = 64 << 10
	// clockLeeway is how far this computer's clock may be ahead before a
	// federated token that has expired by it is not even sent.
	clockLeeway = 5 * time.Minute
)

// assertion signs a JWT that proves who the client is (RFC 7523 §3), with the
// header and the claims that Entra documents. Each has an ID of its own, for a
// server may refuse to see one twice.
func (c *Certificate) assertion(clientID, tokenURL string, now time.Time) (authcode.Secret, error) {
	if err := c.Check(now); err != nil {
		return "", err
	}
	sum := sha256.Sum256(c.leaf.Raw)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS256, Key: c.key},
		new(jose.SignerOptions).WithType("JWT").WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(sum[:])))
	if err != nil {
		return "", fmt.Errorf("signing with the certificate's key: %w", err)
	}
	payload, err := json.Marshal(map[string]any{
		"aud": tokenURL,
		"iss": clientID,
		"sub": clientID,
		"jti": newGUID(),
		"nbf": now.Unix(),
		"iat": now.Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("writing the assertion: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with the certificate's key: %w", err)
	}
	s, err := jws.CompactSerialize()
	return authcode.Secret(s), err
}

// newGUID is a random UUID (RFC 9562 §5.4).
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// readAssertion reads a federated token as it is now. Its errors name the file
// and never hold what is in it.
func readAssertion(path string, now time.Time) (authcode.Secret, error) {
	wrong := func(what string) error { return fmt.Errorf("the federated token's file %s %s", path, what) }
	// Opening a named pipe would wait for a writer, for ever.
	if info, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the federated token cannot be read: %w: the platform that runs this program must write it there (on Kubernetes, workload identity)", err)
	} else if !info.Mode().IsRegular() {
		return "", wrong("is not a file that can be read to its end")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the federated token cannot be read: %w: the user that runs this program needs read access", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxAssertion+1))
	if err != nil {
		return "", fmt.Errorf("the federated token cannot be read: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	switch {
	case len(raw) > maxAssertion:
		return "", wrong(fmt.Sprintf("holds more than %d bytes, which no token has: the path is probably another file's", maxAssertion))
	case token == "":
		return "", wrong("is empty: whoever writes it has not written it yet, or has failed")
	}
	c, ok := claims.Inspect(token)
	if !ok {
		return "", wrong("does not hold a signed JSON Web Token: it must hold the token alone, as plain text and without quotes")
	}
	if !c.Expires.IsZero() && !now.Add(-clockLeeway).Before(c.Expires) {
		return "", wrong(fmt.Sprintf("holds a token that expired at %s (this computer's clock says %s): whoever writes it has stopped to renew it",
			c.Expires.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)))
	}
	return authcode.Secret(token), nil
}
