package relay

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a new hash: 7 MiB and five passes, one of OWASP's equal choices,
// and the one that lets the relay stay small.
const (
	argonMemory  = 7 << 10 // KiB
	argonPasses  = 5
	argonThreads = 1
	argonKeyLen  = 32
	argonSaltLen = 16
)

// NewPassword makes a password for a client, to be shown once, and its hash,
// to be stored. It has 130 bits of chance and no character that a device's
// keypad or a shell would mind.
func NewPassword() (plain, hash string) {
	plain = rand.Text()
	return plain, HashPassword(plain)
}

// HashPassword returns the argon2id hash of a password in the PHC string
// format.
func HashPassword(plain string) string {
	salt := make([]byte, argonSaltLen)
	rand.Read(salt) // never fails, see crypto/rand
	h := passwordHash{memory: argonMemory, passes: argonPasses, threads: argonThreads, salt: salt}
	h.key = h.derive(plain, argonKeyLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads, b64(h.salt), b64(h.key))
}

// VerifyPassword reports whether a password belongs to a hash of
// HashPassword. It takes some 10 ms and 7 MiB.
func VerifyPassword(hash, plain string) (bool, error) {
	h, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(h.derive(plain, uint32(len(h.key))), h.key) == 1, nil
}

type passwordHash struct {
	memory, passes uint32
	threads        uint8
	salt, key      []byte
}

func (h passwordHash) derive(plain string, length uint32) []byte {
	return argon2.IDKey([]byte(plain), h.salt, h.passes, h.memory, h.threads, length)
}

// errHash does not repeat the hash: a plain password may stand there by mistake.
var errHash = errors.New("the password is not a hash as this program makes them ($argon2id$v=19$…); make a new password")

// parseHash refuses costs that would stall the relay.
func parseHash(s string) (passwordHash, error) {
	var h passwordHash
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errHash
	}
	if _, err := fmt.Sscanf(parts[3]+"\n", "m=%d,t=%d,p=%d\n", &h.memory, &h.passes, &h.threads); err != nil {
		return h, errHash
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, errHash
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return h, errHash
	}
	if h.memory < 8 || h.memory > 256<<10 || h.passes < 1 || h.passes > 20 || h.threads < 1 || h.threads > 8 {
		return h, errHash
	}
	return h, nil
}
