package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"traymail/internal/keyringtest"
	"traymail/internal/sandbox"
)

// TestKeyring runs testdata/keyring/*.txtar, each in a desktop session of its
// own with a real gnome-keyring, which the command "keyring lock|unlock|kill"
// acts on.
func TestKeyring(t *testing.T) {
	type key struct{}
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
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox": startSandbox, "account": addAccount, "inbox": checkInbox,
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
