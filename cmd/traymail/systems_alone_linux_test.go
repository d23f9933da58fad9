package main

import (
	"bytes"
	"errors"
	"io"
	"net"
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

// provided is the address of the real providers' names on a network of one's
// own: one that a public server may have.
const provided = "52.96.0.25"

// alone runs a test once more, as a process of its own, on a network where the
// names of the real providers lead to this machine, and no other name is known.
// It reports whether this is that process; in the first one the test is over.
func alone(t *testing.T) bool {
	t.Helper()
	hosts := os.Getenv(aloneVariable)
	if hosts == "" {
		t.Parallel()
		hosts = filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"+provided+" "+strings.Join(sandbox.Hosts(), " ")+"\n"), 0o644); err != nil {
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
	resolver := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(resolver, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for file, over := range map[string]string{hosts: "/etc/hosts", resolver: "/etc/resolv.conf"} {
		if err := unix.Mount(file, over, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := loopbackUp(); err != nil {
		t.Fatal(err)
	}
	knowNoName(t)
	return true
}

// knowNoName is a name server that says of each name that there is none
// (RFC 1035 §4.1.1), until the test ends.
func knowNoName(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for question := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(question)
			if err != nil {
				return
			}
			if n < 12 {
				continue
			}
			answer := append([]byte{}, question[:n]...)
			answer[2], answer[3] = answer[2]|0x84, 3 // an authority's answer, NXDOMAIN
			answer[10], answer[11] = 0, 0            // none of the question's additional records, which follow it
			server.WriteTo(answer, from)
		}
	}()
}

// loopbackUp switches on the only interface of a new network, and gives it the
// address of the providers.
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
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return err
	}
	alias, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	if err := alias.SetInet4Addr(net.ParseIP(provided).To4()); err != nil {
		return err
	}
	return unix.IoctlIfreq(s, unix.SIOCSIFADDR, alias)
}

// A provider is the way from the providers' address to the sandbox, which
// listens on loopback alone.
type provider struct {
	t  *testing.T
	at map[string]net.Listener // by port
}

// newProvider opens the way until the test ends.
func newProvider(t *testing.T) *provider {
	p := &provider{t: t, at: map[string]net.Listener{}}
	t.Cleanup(func() {
		for _, l := range p.at {
			l.Close()
		}
	})
	p.open()
	return p
}

// open listens at the ports where the sandbox does by now; at others
// connections are refused, as there.
func (p *provider) open() {
	p.t.Helper()
	for _, port := range []string{"443", "587"} {
		there, err := net.Dial("tcp", "127.0.0.1:"+port)
		if errors.Is(err, syscall.ECONNREFUSED) || p.at[port] != nil {
			continue
		}
		if err == nil { // else it was reset, as somebody will have it
			there.Close()
		}
		if p.at[port], err = net.Listen("tcp", net.JoinHostPort(provided, port)); err != nil {
			p.t.Fatal(err)
		}
		go lead(p.at[port], "127.0.0.1:"+port)
	}
}

// lead leads each connection to an address, until the listener ends.
func lead(l net.Listener, to string) {
	for {
		here, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			there, err := net.Dial("tcp", to)
			if err != nil {
				if errors.Is(err, syscall.ECONNRESET) {
					here.(*net.TCPConn).SetLinger(0) // passes it on
				}
				here.Close()
				return
			}
			done := make(chan struct{})
			go func() {
				io.Copy(there, here)
				there.(*net.TCPConn).CloseWrite()
				close(done)
			}()
			if _, err := io.Copy(here, there); err != nil { // a reset, however it is met
				here.(*net.TCPConn).SetLinger(0) // passes it on
				here.Close()
			} else {
				here.(*net.TCPConn).CloseWrite()
			}
			<-done
			here.Close()
			there.Close()
		}()
	}
}
