//go:build linux

package keyringtest

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

// Lock locks the login keyring; opening it again takes its password.
func (s *Session) Lock(t testing.TB) {
	t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	call := s.secrets().Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{login})
	if err := call.Store(&locked, &prompt); err != nil {
		t.Fatal(err)
	}
	if !s.Locked(t) {
		t.Fatal("the keyring stayed unlocked")
	}
}

// Unlock unlocks the login keyring with its password, without a prompt.
func (s *Session) Unlock(t testing.TB) {
	t.Helper()
	var ignored dbus.Variant
	var session dbus.ObjectPath
	call := s.secrets().Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant(""))
	if err := call.Store(&ignored, &session); err != nil {
		t.Fatal(err)
	}
	secret := struct {
		Session             dbus.ObjectPath
		Parameters, Content []byte
		Type                string
	}{session, []byte{}, []byte(password), "text/plain"}
	// Private to GNOME, and the only way that involves no window.
	const unlock = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword"
	if err := s.secrets().Call(unlock, 0, login, secret).Err; err != nil {
		t.Fatal(err)
	}
	if s.Locked(t) {
		t.Fatal("the keyring stayed locked")
	}
}

// Locked tells whether the login keyring is locked.
func (s *Session) Locked(t testing.TB) bool {
	t.Helper()
	locked, err := s.locked()
	if err != nil {
		t.Fatal(err)
	}
	return locked
}

func (s *Session) locked() (bool, error) {
	locked, err := s.conn.Object(secretsName, login).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		return false, err
	}
	return locked.Value().(bool), nil
}

func (s *Session) secrets() dbus.BusObject { return s.conn.Object(secretsName, secretsPath) }
