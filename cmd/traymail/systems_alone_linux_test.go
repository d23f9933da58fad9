package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"traymail/internal/sandbox"
)

// aloneVariable is set for a test that runs in namespaces of its own.
const aloneVariable = "TRAYMAIL_TEST_ALONE"

// alone runs a test once more, as a process of its own, on a network where the
// names of the real providers lead to this machine, and nothing else is. It
// reports whether this is that process; in the first one the test is over.
func alone(t *testing.T) bool {
	t.Helper()
	hosts := os.Getenv(aloneVariable)
	if hosts == "" {
		t.Parallel()
		hosts = filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+strings.Join(sandbox.Hosts(), " ")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		// The namespaces' own user is root in them and nowhere else.
		args := []string{"-test.v", "-test.run=^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"}
		if end, ok := t.Deadline(); ok {
			args = append(args, "-test.timeout="+(time.Until(end)-5*time.Second).String()) // so that it says where it hangs
		}
		again := exec.Command("/proc/self/exe", args...)
		again.Env = append(os.Environ(), aloneVariable+"="+hosts)
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		said, err := again.CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte("--- PASS: "+t.Name())) {
			t.Fatalf("in namespaces of its own: %v\n%s", err, said)
		}
		return false
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := loopbackUp(); err != nil {
		t.Fatal(err)
	}
	return true
}

// loopbackUp switches on the only interface of a new network.
func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}
