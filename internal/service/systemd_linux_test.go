package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSystemdTakesTheUnitsAndFindsThemTight(t *testing.T) {
	for _, c := range jobs {
		if !strings.HasSuffix(c.golden, ".service") {
			continue
		}
		t.Run(c.golden, func(t *testing.T) {
			// A program that is there, under a name that is no easier.
			c.job.Executable = filepath.Join(t.TempDir(), "50% {{$x}} ä", "traymail")
			if err := os.Mkdir(filepath.Dir(c.job.Executable), 0o755); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(self, c.job.Executable); err != nil {
				t.Fatal(err)
			}
			unit := filepath.Join(t.TempDir(), c.golden)
			if err := os.WriteFile(unit, []byte(c.job.systemdUnit(c.runsAs)), 0o644); err != nil {
				t.Fatal(err)
			}
			manager, exposure := "--system", "20" // of 100
			if c.job.User {
				manager, exposure = "--user", "65"
			}
			for _, args := range [][]string{{"verify", manager, "--man=no", unit}, {"security", "--offline=true", "--threshold=" + exposure, unit}} {
				cmd := exec.Command("systemd-analyze", args...)
				cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
				out, err := cmd.CombinedOutput()
				if err != nil || args[0] == "verify" && len(bytes.TrimSpace(out)) > 0 {
					t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
				}
			}
		})
	}
}

// What happens when the service is installed into a systemd that runs.
const life = `installed in /etc/systemd/system/second.one.service, runs as nobody, again: the service second.one is installed already; to change it, uninstall it first (/etc/systemd/system/second.one.service)
after install: stopped, dead
after start: running, running
  arguments: true
  user: nobody
  home: written
  /srv/drop: written
  /etc: read-only file system
  /srv: read-only file system
  /home: permission denied
  a set-user-ID file: operation not permitted
  a Unix socket: ok
  TCP port 25: ok
  a raw socket: address family not supported by protocol
  credential: 50% secret
  folders of its own: ok
after stop: stopped, dead; home has: stopped in order
after a crash: running, auto-restart (signal)
after uninstall: not installed; the file is gone: true; uninstalled again: the service second.one is not installed
`

func TestAServiceLivesInARealSystemdWithAllItsHardening(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	boot, err := filepath.Abs(filepath.Join("testdata", "boot.sh"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{boot, self, "drive"}
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v (it takes root, or sudo without a password)\n%s", err, &stderr)
	}
	if diff := cmp.Diff(life, string(out)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func init() {
	actAsProgram = func(args []string) {
		switch {
		case args[0] == "drive":
			if err := drive(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		case args[0] == "--home" && len(args) == 3 && args[2] == "serve":
			if err := pretend(args[1]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
}

// drive installs a service and takes it through its life, as root inside.
func drive() error {
	j := Job{Name: "second.one", Home: odd, Executable: "/srv/traymail", Writable: []string{"/srv/drop"}, Credential: "key", CredentialFile: "/srv/the 50% key"}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	for _, folder := range []string{j.Home, "/srv/drop"} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := os.Chown(folder, uid, 0); err != nil {
			return err
		}
	}
	if err := os.WriteFile(j.CredentialFile, []byte("50% secret"), 0o600); err != nil {
		return err
	}
	pipe := filepath.Join(j.Home, "report")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		return err
	}
	if err := os.Chown(pipe, uid, 0); err != nil {
		return err
	}
	s, err := Open(j)
	if err != nil {
		return err
	}
	runsAs, err := s.Install()
	if err != nil {
		return err
	}
	_, again := s.Install()
	fmt.Printf("installed in %s, runs as %s, again: %v\n", s.File(), runsAs, again)
	if err := tell(s, "after install", ""); err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	report, err := os.ReadFile(pipe) // until the program has closed it
	if err != nil {
		return err
	}
	if err := tell(s, "after start", ""); err != nil {
		return err
	}
	os.Stdout.Write(report)
	if err := s.Stop(); err != nil {
		return err
	}
	last, err := os.ReadFile(filepath.Join(j.Home, "last"))
	if err != nil {
		return err
	}
	if err := tell(s, "after stop", "; home has: "+string(last)); err != nil {
		return err
	}
	return crashAndUninstall(s, pipe)
}

func crashAndUninstall(s *Service, pipe string) error {
	if err := s.Start(); err != nil {
		return err
	}
	if _, err := os.ReadFile(pipe); err != nil {
		return err
	}
	status, err := s.Status()
	if err != nil {
		return err
	}
	if err := syscall.Kill(status.PID, syscall.SIGKILL); err != nil {
		return err
	}
	for status.PID != 0 { // systemd has to notice
		if status, err = s.Status(); err != nil {
			return err
		}
	}
	if err := tell(s, "after a crash", ""); err != nil {
		return err
	}
	if err := s.Uninstall(); err != nil {
		return err
	}
	if status, err = s.Status(); err != nil {
		return err
	}
	fmt.Printf("after uninstall: %s; the file is gone: %v; uninstalled again: %v\n", status.State, !exists(s.File()), s.Uninstall())
	return nil
}

func tell(s *Service, when, more string) error {
	status, err := s.Status()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s, %s%s\n", when, status.State, status.Detail, more)
	return nil
}

// pretend is the program: it reports what it may do, and ends with SIGTERM.
func pretend(home string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var report strings.Builder
	say := func(what string, err error, well string) {
		if err != nil {
			for _, part := range []string{syscall.EROFS.Error(), syscall.EACCES.Error(), syscall.EPERM.Error(), syscall.EAFNOSUPPORT.Error()} {
				if strings.Contains(err.Error(), part) {
					err = fmt.Errorf("%s", part)
				}
			}
			well = err.Error()
		}
		fmt.Fprintf(&report, "  %s: %s\n", what, well)
	}
	say("arguments", nil, strconv.FormatBool(home == odd))
	who, err := user.Current()
	say("user", err, who.Username)
	write := func(folder string) error { return os.WriteFile(filepath.Join(folder, "written"), nil, 0o600) }
	say("home", write(home), "written")
	say("/srv/drop", write("/srv/drop"), "written")
	say("/etc", write("/etc"), "written")
	say("/srv", write("/srv"), "written")
	_, err = os.ReadDir("/home")
	say("/home", err, "readable")
	say("a set-user-ID file", syscall.Chmod(filepath.Join(home, "written"), 0o4755), "made")
	for _, l := range []struct{ what, network, address string }{
		{"a Unix socket", "unix", filepath.Join("/srv/drop", "socket")}, {"TCP port 25", "tcp", "127.0.0.1:25"},
	} {
		listener, err := net.Listen(l.network, l.address)
		if err == nil {
			defer listener.Close()
		}
		say(l.what, err, "ok")
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, 0)
	if err == nil {
		syscall.Close(fd)
	}
	say("a raw socket", err, "open")
	credential, err := os.ReadFile(filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), "key"))
	say("credential", err, string(credential))
	own, err := os.Readlink("/proc/self/ns/mnt")
	of, err2 := os.Readlink("/proc/1/ns/mnt")
	if err2 == nil && own == of {
		err = fmt.Errorf("it is systemd's")
	}
	say("folders of its own", err, "ok")
	pipe, err := os.OpenFile(filepath.Join(home, "report"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(pipe, report.String()); err != nil {
		return err
	}
	if err := pipe.Close(); err != nil {
		return err
	}
	<-ctx.Done()
	return os.WriteFile(filepath.Join(home, "last"), []byte("stopped in order"), 0o600)
}
