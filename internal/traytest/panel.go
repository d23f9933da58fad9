//go:build linux

package traytest

import (
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

const (
	watcherName = "org.kde.StatusNotifierWatcher"
	watcherPath = dbus.ObjectPath("/StatusNotifierWatcher")
	itemFace    = "org.kde.StatusNotifierItem"
	menuFace    = "com.canonical.dbusmenu"
)

// patience is how long a program may take for what it does by itself.
const patience = time.Minute

// A Panel is a watcher and, unless told otherwise, a host. Its methods are for
// the test's goroutine.
type Panel struct {
	conn  *dbus.Conn
	props *prop.Properties

	mu     sync.Mutex
	items  []*Item
	change chan struct{} // closed at the next change of anything
}

// Start puts a panel on the bus, which shows what registers until the test ends
// or Leave. One bus has one at a time.
func Start(t testing.TB, address string) *Panel {
	t.Helper()
	p := StartWatcher(t, address)
	p.Appear(t)
	return p
}

// StartWatcher puts a watcher on the bus that has no host yet, such as that of
// a desktop whose panel is not there, or is still starting.
func StartWatcher(t testing.TB, address string) *Panel {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &Panel{conn: conn, change: make(chan struct{})}
	if err := conn.Export(watcher{p}, watcherPath, watcherName); err != nil {
		t.Fatal(err)
	}
	p.props, err = prop.Export(conn, watcherPath, prop.Map{watcherName: {
		"RegisteredStatusNotifierItems":  {Value: []string{}, Emit: prop.EmitTrue},
		"IsStatusNotifierHostRegistered": {Value: false, Emit: prop.EmitTrue},
		"ProtocolVersion":                {Value: int32(0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.listen(t)
	// Queued, because the bus may not have noticed yet that another panel left.
	if _, err := conn.RequestName(watcherName, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

// Appear makes the watcher's host known: from now on icons are shown.
func (p *Panel) Appear(t testing.TB) { p.host(t, true, "StatusNotifierHostRegistered") }

// Disappear takes the host away; the watcher stays.
func (p *Panel) Disappear(t testing.TB) { p.host(t, false, "StatusNotifierHostUnregistered") }

func (p *Panel) host(t testing.TB, there bool, signal string) {
	t.Helper()
	p.props.SetMust(watcherName, "IsStatusNotifierHostRegistered", there)
	if err := p.conn.Emit(watcherPath, watcherName+"."+signal); err != nil {
		t.Fatal(err)
	}
}

// Leave takes the panel away, as its crash does.
func (p *Panel) Leave() { p.conn.Close() }

// Items are what is shown now, in the order of their arrival.
func (p *Panel) Items() []*Item {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Item(nil), p.items...)
}

// Item waits until something is shown, and returns the first.
func (p *Panel) Item(t testing.TB) *Item {
	t.Helper()
	p.Until(t, "an item in the panel", func() bool { return len(p.Items()) > 0 })
	return p.Items()[0]
}

// Until waits until it is so, asking again whenever the panel is told of a
// change.
func (p *Panel) Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		next := p.change
		p.mu.Unlock()
		if so() {
			return
		}
		select {
		case <-next:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (p *Panel) changed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.change)
	p.change = make(chan struct{})
}

// listen follows what the items tell, and who leaves.
func (p *Panel) listen(t testing.TB) {
	t.Helper()
	signals := make(chan *dbus.Signal, 64)
	p.conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchInterface(itemFace)},
		{dbus.WithMatchInterface(menuFace)},
		{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged")},
	} {
		if err := p.conn.AddMatchSignal(match...); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range signals { // ends with the connection
			if s.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(s.Body) == 3 && s.Body[2] == "" {
				p.gone(s.Body[0].(string))
			}
			p.changed()
		}
	}()
	t.Cleanup(func() {
		p.conn.Close()
		<-done
	})
}

// gone takes out what belonged to somebody who left the bus.
func (p *Panel) gone(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []*Item
	for _, i := range p.items {
		if i.owner != owner {
			left = append(left, i)
		}
	}
	p.items = left
}

// watcher is what programs call.
type watcher struct{ p *Panel }

// RegisterStatusNotifierItem is called with a name on the bus, or with the path
// of the item.
func (w watcher) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	path, owner := dbus.ObjectPath("/StatusNotifierItem"), string(sender)
	if service != "" && service[0] == '/' {
		path = dbus.ObjectPath(service)
	}
	w.p.mu.Lock()
	w.p.items = append(w.p.items, &Item{panel: w.p, owner: owner, object: w.p.conn.Object(owner, path)})
	w.p.mu.Unlock()
	w.p.changed()
	return nil
}

func (w watcher) RegisterStatusNotifierHost(string) *dbus.Error { return nil }
