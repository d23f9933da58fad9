package tray

import (
	"context"
	"testing"

	"traymail/internal/traytest"
)

func TestAHostIsSeenComingAndGoing(t *testing.T) {
	address := traytest.Bus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	ctx, cancel := context.WithCancel(t.Context())
	present, watch := Host(ctx)
	if present {
		t.Error("there is a host on an empty bus")
	}
	expect := func(want bool) {
		t.Helper()
		if got, open := <-watch; got != want || !open {
			t.Fatalf("told %t (open: %t), want %t", got, open, want)
		}
	}
	p := traytest.Start(t, address)
	expect(true)
	p.Disappear(t)
	expect(false)
	p.Appear(t)
	expect(true)
	if present, _ := Host(ctx); !present {
		t.Error("a host that is there is not found")
	}
	p.Leave()
	expect(false)
	cancel()
	if is, open := <-watch; open {
		t.Errorf("told %t after the end", is)
	}
}

func TestAWatcherWithoutAHostIsNone(t *testing.T) {
	address := traytest.Bus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	p := traytest.StartWatcher(t, address)
	ctx, cancel := context.WithCancel(t.Context())
	present, watch := Host(ctx)
	if present {
		t.Error("a watcher that shows nothing counts as a host")
	}
	p.Appear(t)
	if !<-watch {
		t.Error("the host is not seen")
	}
	cancel()
	for range watch {
	}
}

func TestWithoutASessionBusThereIsNoHost(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	if present, watch := Host(t.Context()); present || watch != nil {
		t.Error("a host without a bus")
	}
	if Possible() {
		t.Error("a tray without a bus")
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", traytest.Bus(t))
	if !Possible() {
		t.Error("no tray with a bus")
	}
}
