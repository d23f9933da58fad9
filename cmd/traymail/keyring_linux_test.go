package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"traymail/internal/keyringtest"
	"traymail/internal/sandbox"
)

// TestKeyring runs testdata/keyring/*.txtar, each in a desktop session of its
// own with a real gnome-keyring, which the command "keyring lock|unlock|kill"
// acts on. "notified PATTERN" waits for what the desktop is to show.
func TestKeyring(t *testing.T) {
	type key struct{}
	type shown struct{}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "keyring"),
		Setup: func(e *testscript.Env) error {
			e.Values[inHand{}] = new(*sandbox.Sandbox)
			s := keyringtest.Start(t)
			e.Values[key{}] = s
			for _, v := range s.Env() {
				name, value, _ := strings.Cut(v, "=")
				if name != "PATH" { // testscript's own, with the program under test
					e.Setenv(name, value)
				}
			}
			e.Setenv("TRAYMAIL_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("CA", filepath.Join(e.WorkDir, "ca.pem"))
			e.Values[shown{}] = desktop(t, s.Address())
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox": startSandbox, "account": addAccount, "inbox": checkInbox,
			"notified": func(ts *testscript.TestScript, _ bool, args []string) {
				select {
				case n := <-ts.Value(shown{}).(notifications):
					if !regexp.MustCompile(args[0]).MatchString(n) {
						ts.Fatalf("the desktop shows %q", n)
					}
				case <-time.After(time.Minute):
					ts.Fatalf("the desktop shows nothing")
				}
			},
			"keyring": func(ts *testscript.TestScript, _ bool, args []string) {
				s := ts.Value(key{}).(*keyringtest.Session)
				switch args[0] {
				case "lock":
					s.Lock(t)
				case "unlock":
					s.Unlock(t)
				case "kill":
					s.Kill()
				default:
					ts.Fatalf("keyring %s?", args[0])
				}
			},
		},
		RequireExplicitExec: true,
	})
}

// notifications are what programs had a desktop show: title, a line break, text.
type notifications chan string

// desktop is one that takes notifications on a session bus, as its specification
// has them.
func desktop(t *testing.T, address string) notifications {
	t.Helper()
	c, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	shown := make(notifications, 16)
	const name, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
	err = c.ExportMethodTable(map[string]any{
		"Notify": func(_ string, _ uint32, _, title, text string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
			shown <- title + "\n" + text
			return 1, nil
		},
		"GetServerInformation": func() (string, string, string, string, *dbus.Error) { return "test", "traymail", "1", "1.2", nil },
		"GetCapabilities":      func() ([]string, *dbus.Error) { return []string{"body"}, nil },
	}, path, name)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := c.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("the bus answers %v, %v", reply, err)
	}
	return shown
}
