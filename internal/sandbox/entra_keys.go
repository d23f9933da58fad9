package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// accessClaims is what an access token of this tenant says, once it has been
// verified.
type accessClaims struct {
	Audience string
	// UPN is the signed-in user; "" in an app-only token.
	UPN string
	// ObjectID is the user's, or that of the enterprise application.
	ObjectID string
	TenantID string
	AppID    string
	Scopes   []string // delegated: the scp claim
	Roles    []string // app-only: the roles claim
	Expires  time.Time
}

// An accessChecker verifies a bearer token: its signature, its dates and that
// this tenant issued it. What the audience and the scopes allow is the caller's
// question. It is safe for concurrent use.
type accessChecker func(token string) (claims accessClaims, ok bool)

// keysInTurn are made once in a process, because making one takes as long as
// hundreds of sign-ins. One tenant after another, and one rotation after
// another, has a different one; only the sandbox after manyKeys others has one
// that was used before.
var keysInTurn struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
	next int
}

const manyKeys = 6

// nextKey returns another key than the last one.
func nextKey() (*rsa.PrivateKey, error) {
	t := &keysInTurn
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.keys) < manyKeys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, key)
	}
	key := t.keys[t.next%len(t.keys)]
	t.next++
	return key, nil
}

// keyring signs tokens and publishes the public halves. After a rotation the
// previous key still verifies, as Entra keeps it for a while.
type keyring struct {
	mu   sync.Mutex
	keys []jose.JSONWebKey // newest first, two at most
}

// newKeyring makes a keyring with one RSA key.
func newKeyring() (*keyring, error) {
	k := &keyring{}
	return k, k.rotate()
}

// rotate makes a new key the signing one.
func (k *keyring) rotate() error {
	private, err := nextKey()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(private.N.Bytes())
	key := jose.JSONWebKey{
		Key:       private,
		KeyID:     base64.RawURLEncoding.EncodeToString(sum[:20]),
		Algorithm: string(jose.RS256),
		Use:       "sig",
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append([]jose.JSONWebKey{key}, k.keys...)
	if len(k.keys) > 2 {
		k.keys = k.keys[:2]
	}
	return nil
}

// sign serialises claims as a JWT signed with the newest key.
func (k *keyring) sign(claims any) (string, error) {
	k.mu.Lock()
	key := k.keys[0]
	k.mu.Unlock()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("x5t", key.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// public is the document at jwks_uri.
func (k *keyring) public() jose.JSONWebKeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, key := range k.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	return set
}

// verify decodes token into claims if one of our keys signed it.
func (k *keyring) verify(token string, claims any) bool {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return false
	}
	return parsed.Claims(k.public(), claims) == nil
}

// randomName returns 32 bytes of entropy in URL-safe characters: flow ids,
// codes, refresh tokens, cookies.
func randomName() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// randomGUID returns a version 4 UUID: trace and correlation IDs.
func randomGUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
