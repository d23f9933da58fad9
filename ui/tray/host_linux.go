package tray

import (
	"context"

	"github.com/godbus/dbus/v5"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = dbus.ObjectPath("/StatusNotifierWatcher")
)

// Possible reports whether a tray icon can be had, now or later: whether there
// is a session bus. Without one the toolkit's tray must not be set up, because
// it fails when the program ends.
func Possible() bool {
	conn, err := sessionBus(context.Background())
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Host reports whether something shows tray icons: a StatusNotifier host. What
// it sends to watch is how that is after a change, the last of several;
// watch is closed when ctx ends or the bus does, with which every icon is gone,
// and nil where there is no bus. GNOME has no host unless an extension brings
// one.
func Host(ctx context.Context) (present bool, watch <-chan bool) {
	conn, err := sessionBus(ctx)
	if err != nil {
		return false, nil
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchInterface(watcherName), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcherName)},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			conn.Close()
			return false, nil
		}
	}
	present = hosted(ctx, conn)
	changes := make(chan bool, 1)
	go func() {
		defer close(changes)
		last := present
		for range signals { // closed with the connection
			is := hosted(ctx, conn)
			if ctx.Err() != nil || is == last {
				continue
			}
			last = is
			tell(changes, is)
		}
		if ctx.Err() == nil && last {
			tell(changes, false)
		}
	}()
	return present, changes
}

// tell sends what is so now in place of what was not read yet.
func tell(changes chan bool, is bool) {
	select {
	case <-changes:
	default:
	}
	changes <- is
}

// sessionBus connects to the session bus, and starts none.
func sessionBus(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err := conn.Auth(nil); err != nil {
		conn.Close()
		return nil, err
	}
	if err := conn.Hello(); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// hosted asks the watcher, which is not started for the question.
func hosted(ctx context.Context, conn *dbus.Conn) bool {
	var v dbus.Variant
	err := conn.Object(watcherName, watcherPath).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart,
		watcherName, "IsStatusNotifierHostRegistered").Store(&v)
	return err == nil && v.Value() == true
}
