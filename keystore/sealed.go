package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// sealed is the content of an encrypted file: one or two armored age files, one
// after the other, so that the age command can open it too.
//
// Without a passphrase there is only the body, a JSON object of names and
// secrets encrypted to an X25519 identity. With one, the identity belongs to
// this file alone and stands before the body, encrypted with the passphrase: so
// scrypt is paid once by a program and not for every change.
type sealed struct {
	identity []byte // nil if it is kept elsewhere
	body     []byte
}

func (s sealed) bytes() []byte { return append(bytes.Clone(s.identity), s.body...) }

func parseSealed(data []byte) (sealed, error) {
	const footer = armor.Footer + "\n"
	blocks := bytes.SplitAfter(data, []byte(footer))
	last := len(blocks) - 1
	if len(blocks[last]) != 0 || last < 1 || last > 2 {
		return sealed{}, fmt.Errorf("%w: it does not begin and end as a file of secrets", ErrDamaged)
	}
	if last == 1 {
		return sealed{body: blocks[0]}, nil
	}
	return sealed{identity: blocks[0], body: blocks[1]}, nil
}

// openIdentity decrypts the identity, which takes most of a second.
func (s sealed) openIdentity(passphrase Secret) (*age.X25519Identity, error) {
	key, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	key.SetMaxWorkFactor(maxWorkFactor)
	text, err := decrypt(s.identity, key)
	if err != nil {
		return nil, err
	}
	identity, err := parseIdentity(string(text))
	if err != nil || identity == nil {
		return nil, fmt.Errorf("%w: there is no key behind its passphrase", ErrDamaged)
	}
	return identity, nil
}

func sealIdentity(identity *age.X25519Identity, passphrase Secret, workFactor int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	return encrypt([]byte(identity.String()), recipient)
}

// secrets is what the body contains. JSON strings would change bytes that are
// not UTF-8; byte slices are encoded in base64.
type secrets map[string][]byte

func (s sealed) open(identity *age.X25519Identity) (secrets, error) {
	text, err := decrypt(s.body, identity)
	if err != nil {
		return nil, err
	}
	opened := make(secrets)
	if err := json.Unmarshal(text, &opened); err != nil {
		return nil, fmt.Errorf("%w: there is something else than secrets in it", ErrDamaged)
	}
	return opened, nil
}

func (s secrets) seal(identity *age.X25519Identity) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return encrypt(text, identity.Recipient())
}

func encrypt(text []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, to)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	// In this order: the inner one writes its end through the outer one.
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// decrypt returns an error wrapping ErrUnavailable if the key is another one
// and ErrDamaged if the block is not what was written.
func decrypt(block []byte, key age.Identity) ([]byte, error) {
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(block)), key)
	if errors.As(err, new(*age.NoIdentityMatchError)) {
		return nil, fmt.Errorf("%w: the passphrase or key is not the one it was encrypted with", ErrUnavailable)
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(r)
	}
	if err != nil {
		// The library's errors are left out: some quote what they found.
		return nil, fmt.Errorf("%w: it was cut off or altered", ErrDamaged)
	}
	return text, nil
}
