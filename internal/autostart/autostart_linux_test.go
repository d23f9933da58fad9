package autostart

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the program that is started: it writes down its arguments.
func TestMain(m *testing.M) {
	if file := os.Getenv("WRITE_ARGUMENTS"); file != "" {
		err := os.WriteFile(file+".part", []byte(strings.Join(os.Args[1:], "\n")), 0o600)
		if err == nil {
			err = os.Rename(file+".part", file)
		}
		if err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// person gives the test a person of its own, and returns the folders of the
// entries of this person and of all.
func person(t *testing.T) (own, all string) {
	own, all = t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", own)
	t.Setenv("XDG_CONFIG_DIRS", "not/absolute:"+all)
	return filepath.Join(own, "autostart"), filepath.Join(all, "autostart")
}

func is(t *testing.T, want bool) {
	t.Helper()
	if got, err := Enabled(); got != want || err != nil {
		t.Fatalf("enabled: %t, %v", got, err)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsEnabledStaysUntilItIsDisabled(t *testing.T) {
	own, _ := person(t)
	is(t, false)
	do(t, Disable())
	do(t, Enable([]string{"/usr/bin/traymail", "--hidden"}))
	is(t, true)
	do(t, Enable([]string{"/opt/traymail", "--hidden"}))
	file, err := os.ReadFile(filepath.Join(own, "traymail.desktop"))
	if err != nil || !strings.Contains(string(file), "\nExec=/opt/traymail --hidden\n") {
		t.Errorf("%v: %s", err, file)
	}
	do(t, Disable())
	is(t, false)
	if left, _ := os.ReadDir(own); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAPersonsSwitchIsStrongerThanTheSystems(t *testing.T) {
	_, all := person(t)
	do(t, os.MkdirAll(all, 0o700))
	do(t, os.WriteFile(filepath.Join(all, "traymail.desktop"), []byte(desktopEntry([]string{"/usr/bin/traymail"})), 0o600))
	is(t, true)
	do(t, Disable())
	is(t, false)
	do(t, Enable([]string{"/usr/bin/traymail"}))
	is(t, true)
}

func TestAFolderThatCannotBeWrittenIsSaid(t *testing.T) {
	own, _ := person(t)
	do(t, os.WriteFile(own, nil, 0o600)) // a file where the folder should be
	if err := Enable([]string{"/bin/t"}); err == nil || !strings.Contains(err.Error(), own) {
		t.Errorf("enabled below a file: %v", err)
	}
	if on, err := Enabled(); on || err == nil {
		t.Errorf("enabled: %t, %v", on, err)
	}
}

// GLib starts the entry, as GNOME's session does.
func TestTheDesktopStartsTheCommandWithItsArguments(t *testing.T) {
	own, _ := person(t)
	dir := filepath.Join(t.TempDir(), `it's "my" $HOME\tray;mail`)
	do(t, os.MkdirAll(dir, 0o700))
	self, err := os.Executable()
	do(t, err)
	program := filepath.Join(dir, "program")
	do(t, os.Symlink(self, program))
	arguments := []string{"--hidden", "", "a b", `back\slash`, "`id`", "$(id)", "%f", "tab\there", "~", "*", "ü"}
	do(t, Enable(append([]string{program}, arguments...)))
	written := filepath.Join(t.TempDir(), "arguments")
	launch := exec.Command("gio", "launch", filepath.Join(own, "traymail.desktop"))
	launch.Env = append(os.Environ(), "WRITE_ARGUMENTS="+written)
	if out, err := launch.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s; run make setup, which installs libglib2.0-bin", err, out)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		got, err := os.ReadFile(written)
		if err == nil {
			if !slices.Equal(strings.Split(string(got), "\n"), arguments) {
				t.Errorf("started with %q", strings.Split(string(got), "\n"))
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("the program was not started")
		}
	}
}
