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
	locked, err := s.conn.Object(secretsName, login).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		t.Fatal(err)
	}
	return locked.Value().(bool)
}

func (s *Session) secrets() dbus.BusObject { return s.conn.Object(secretsName, secretsPath) }

// Prompts tells what happens to the windows that the keyring would show. Each
// channel receives a value for every window opened or closed.
type Prompts struct {
	Opened, Closed chan struct{}
}

// HoldPrompts makes the session one with a desktop on which nobody answers:
// a prompt opens and stays until its caller closes it. Without it prompts
// cannot be shown and count as dismissed.
func (s *Session) HoldPrompts(t testing.TB) *Prompts {
	t.Helper()
	p := &Prompts{make(chan struct{}, 16), make(chan struct{}, 16)}
	err := s.conn.Export(prompter{p}, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return p
}

// prompter is the desktop's side of GNOME's prompts. It accepts a prompt and
// never reports that it is ready.
type prompter struct{ p *Prompts }

func (p prompter) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	p.p.Opened <- struct{}{}
	return nil
}

func (p prompter) StopPrompting(dbus.ObjectPath) *dbus.Error {
	p.p.Closed <- struct{}{}
	return nil
}
