//go:build (dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd

package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
)

// The Secret Service, as freedesktop.org specifies it.
const (
	secretsName         = "org.freedesktop.secrets"
	secretsPath         = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection     = secretsPath + "/collection/login"
	serviceInterface    = "org.freedesktop.Secret.Service"
	collectionInterface = "org.freedesktop.Secret.Collection"
	promptInterface     = "org.freedesktop.Secret.Prompt"
)

// unlockKeychain returns nil once the collection that go-keyring will use is
// unlocked, after a prompt if need be, and otherwise an error that says why it
// is not.
//
// go-keyring unlocks too, but waits for its prompt without end: past the
// caller's context, and past the death of the keyring daemon, and a keychain
// call that never ends would keep all later ones waiting. Unlocking first
// leaves it nothing to prompt for.
func unlockKeychain(ctx context.Context) error {
	// Unlike go-keyring's connection this one never launches a session bus.
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err == nil {
		defer conn.Close()
		err = errors.Join(conn.Auth(nil), conn.Hello())
	}
	if err != nil {
		return fmt.Errorf("no keychain service answers: there is no session bus here (%v); use the encrypted file", err)
	}
	collection, err := chooseCollection(ctx, conn)
	if err != nil {
		return err
	}
	locked, err := isLocked(ctx, conn, collection)
	if err != nil || !locked {
		return err
	}
	if err := prompt(ctx, conn, collection); err != nil {
		return err
	}
	// Whatever the prompt's result, this is what counts: it may have been
	// unlocked elsewhere meanwhile.
	locked, err = isLocked(ctx, conn, collection)
	if err == nil && locked {
		err = errors.New("the keychain is locked: the prompt to unlock it was dismissed or could not be shown; unlock it and try again")
	}
	return err
}

// chooseCollection chooses as go-keyring does: the login collection, else the default.
func chooseCollection(ctx context.Context, conn *dbus.Conn) (dbus.ObjectPath, error) {
	var all []dbus.ObjectPath
	if err := property(ctx, conn, secretsPath, serviceInterface, "Collections", &all); err != nil {
		return "", fmt.Errorf("no keychain service answers: %v; use the encrypted file", err)
	}
	if slices.Contains(all, loginCollection) {
		return loginCollection, nil
	}
	var path dbus.ObjectPath
	call := conn.Object(secretsName, secretsPath).CallWithContext(ctx, serviceInterface+".ReadAlias", 0, "default")
	if err := call.Store(&path); err != nil {
		return "", err
	}
	if path == "/" {
		return "", errors.New("there is no default keychain; create one in the system's password manager")
	}
	return path, nil
}

func isLocked(ctx context.Context, conn *dbus.Conn, collection dbus.ObjectPath) (locked bool, err error) {
	err = property(ctx, conn, collection, collectionInterface, "Locked", &locked)
	return locked, err
}

func property(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, iface, member string, value any) error {
	call := conn.Object(secretsName, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, iface, member)
	return call.Store(value)
}

// prompt asks the service to unlock a collection and returns when the person
// whom it asks has answered, in whatever way.
func prompt(ctx context.Context, conn *dbus.Conn, collection dbus.ObjectPath) error {
	// Listening starts before there is anything to hear, the service's death
	// included.
	signals := make(chan *dbus.Signal, 8)
	conn.Signal(signals)
	err := errors.Join(
		conn.AddMatchSignalContext(ctx, dbus.WithMatchInterface(promptInterface), dbus.WithMatchMember("Completed")),
		conn.AddMatchSignalContext(ctx, dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secretsName)))
	if err != nil {
		return err
	}
	var unlocked []dbus.ObjectPath
	var path dbus.ObjectPath
	service := conn.Object(secretsName, secretsPath)
	call := service.CallWithContext(ctx, serviceInterface+".Unlock", 0, []dbus.ObjectPath{collection})
	if err := call.Store(&unlocked, &path); err != nil {
		return err
	}
	if path == "/" {
		return nil // needed no prompt
	}
	if err := conn.Object(secretsName, path).CallWithContext(ctx, promptInterface+".Prompt", 0, "").Err; err != nil {
		return err
	}
	for {
		select {
		case signal, open := <-signals:
			switch {
			case !open:
				return errors.New("the session bus went away while the keychain was being unlocked")
			case signal.Path == path:
				return nil
			case signal.Name == "org.freedesktop.DBus.NameOwnerChanged":
				return errors.New("the keychain service went away while the keychain was being unlocked")
			}
		case <-ctx.Done():
			// The prompt is left to the person: its Dismiss method makes the
			// daemon abort (gnome-keyring 42.1, perform_next_unlock).
			return ctx.Err()
		}
	}
}
