package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is an ordinary user to run as when the tests run as root, who may read
// every process.
const nobody = 65534

// ordinary makes a command one of an ordinary user.
func ordinary(cmd *exec.Cmd) *exec.Cmd {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// TestAnotherProcessOfTheUserCannotReadTheProgramsMemory asks for what only a
// process that may be traced gives away: as the same user, of the program and, so
// that the test shows something, of another process.
func TestAnotherProcessOfTheUserCannotReadTheProgramsMemory(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "traymail")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "traymail.toml"), []byte("[keystore]\nkind = \"file\"\nkey_file = \"key\"\n[[listener]]\nname = \"local\"\naddress = \"127.0.0.1:0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Where an ordinary user reaches it.
	found, err := exec.LookPath("traymail")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "traymail")
	if err := copyProgram(program, found); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		for _, path := range []string{home, filepath.Join(home, "traymail.toml")} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := func(cmd *exec.Cmd) int {
		t.Helper()
		cmd.Dir = home
		if err := ordinary(cmd).Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd.Process.Pid
	}
	running := start(exec.Command(program, "--home", home, "serve"))
	other := start(exec.Command("sleep", "300"))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(home, "state", "control.sock")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the program does not run")
		}
	}
	read := func(pid int, what string) error {
		cmd := ordinary(exec.Command("dd", "bs=1", "count=1", "status=none", fmt.Sprintf("if=/proc/%d/%s", pid, what)))
		cmd.Dir = "/"
		cmd.Stdout = io.Discard
		out := &strings.Builder{}
		cmd.Stderr = out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	for _, what := range []string{"environ", "maps"} {
		if err := read(other, what); err != nil {
			t.Errorf("%s of any process cannot be read, so this test shows nothing: %v", what, err)
		}
		if err := read(running, what); err == nil {
			t.Errorf("%s of the program can be read", what)
		}
	}
	// To open it says whether the process may be attached to.
	mem := ordinary(exec.Command("sh", "-c", fmt.Sprintf("exec 3< /proc/%d/mem", running)))
	mem.Dir = "/"
	if err := mem.Run(); err == nil {
		t.Error("the program's memory can be opened")
	}
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Chmod(0o755); err != nil {
		return err
	}
	return out.Close()
}
