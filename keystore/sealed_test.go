package keystore

import (
	"errors"
	"testing"

	"filippo.io/age"
)

func FuzzSealed(f *testing.F) {
	const key = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	identity, err := age.ParseX25519Identity(key)
	if err != nil {
		f.Fatal(err)
	}
	body, err := secrets{"a": []byte("hunter2")}.seal(identity)
	if err != nil {
		f.Fatal(err)
	}
	wrapped, err := sealIdentity(identity, "tr0ub4dor", 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(sealed{wrapped, body}.bytes())
	f.Add(body[:len(body)/2])
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parseSealed(data)
		if err == nil {
			if string(file.bytes()) != string(data) {
				t.Errorf("%q became %q", data, file.bytes())
			}
			_, err = file.open(identity)
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnavailable) {
			t.Errorf("an error of no kind: %v", err)
		}
	})
}
