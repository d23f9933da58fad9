package sandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// What the access tokens begin with that only their issuer can read.
const (
	personalToken = "EwB"
	googleToken   = "ya29."
)

// opaqueTokens are the providers whose access tokens are no JWTs.
var opaqueTokens = map[Provider]string{OutlookCom: personalToken, GoogleGmail: googleToken}

// A sealer makes opaque access tokens: the claims are in them, encrypted with a
// key that nobody else has. It is safe for concurrent use.
type sealer struct{ aead cipher.AEAD }

// newSealer makes a sealer with a key of its own.
func newSealer() (*sealer, error) {
	var key [32]byte
	rand.Read(key[:]) // never fails: crypto/rand ends the program instead
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

// seal makes a token of claims that begins with prefix.
func (s *sealer) seal(prefix string, claims accessClaims) (string, error) {
	plain, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(prefix))), nil
}

// open reads a token that seal made with this prefix.
func (s *sealer) open(prefix, token string) (claims accessClaims, ok bool) {
	encoded, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return claims, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return claims, false
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(prefix))
	return claims, err == nil && json.Unmarshal(plain, &claims) == nil
}
