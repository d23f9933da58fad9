package smtp

import (
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAPeerThatVanishesIsNoticedWhileTheSessionIsIdle(t *testing.T) {
	f := (&fake{}).start(t)
	c := &Client{}
	conn, err := c.dialer()(t.Context(), "tcp", f.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		option := func(level, name int) time.Duration {
			v, err := syscall.GetsockoptInt(int(fd), level, name)
			if err != nil {
				t.Error(err)
			}
			return time.Duration(v)
		}
		if option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE) == 0 {
			t.Error("no keep-alive")
		}
		idle, interval := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE), option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
		noticed := (idle + interval*option(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)) * time.Second
		if noticed > defaultIdleTimeout/4 {
			t.Errorf("noticed after %s only", noticed)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
