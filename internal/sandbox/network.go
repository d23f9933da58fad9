package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
)

// A heldPort is one that is taken, and where nothing listens: a connection to
// it is refused, and nobody else can get it meanwhile. What holds it is the
// server's end of a connection that outlived its listener.
type heldPort struct {
	address string
	ends    [2]net.Conn
	once    sync.Once
}

// holdPort takes a port of a loopback address; port 0 is one that the system
// chooses.
func holdPort(address string) (*heldPort, error) {
	l, err := listenLoopback(address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	server, err := l.Accept()
	if err != nil {
		client.Close()
		return nil, err
	}
	return &heldPort{address: l.Addr().String(), ends: [2]net.Conn{server, client}}, nil
}

// release gives the port back. It may be called again.
func (h *heldPort) release() {
	h.once.Do(func() {
		for _, c := range h.ends {
			c.(*net.TCPConn).SetLinger(0) // nothing of it stays behind
			c.Close()
		}
	})
}

// portOf is the port of an address that was listened on.
func portOf(address string) int {
	_, port, _ := net.SplitHostPort(address)
	var number int
	fmt.Sscan(port, &number)
	return number
}

// A gate is a port that the network refuses until it is opened, and what then
// serves there. The zero value is open.
type gate struct {
	mu     sync.Mutex
	held   *heldPort
	serve  func(net.Listener)
	closed bool
}

// open lets connections through from now on.
func (g *gate) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil || g.closed {
		return nil
	}
	g.held.release()
	l, err := listenLoopback(g.held.address)
	if err != nil {
		return fmt.Errorf("open the port: %w", err)
	}
	g.held = nil
	g.serve(l)
	return nil
}

// shut gives the port back for good.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed = true; g.held != nil {
		g.held.release()
	}
}

// keepShut treats a connection as a network does that drops what the server
// says, until the client goes, or that resets the connection.
func (s *smtpSession) keepShut(reset bool) {
	if tcp, ok := s.wire.Conn.(*net.TCPConn); ok && reset {
		tcp.SetLinger(0)
		return
	}
	io.Copy(io.Discard, s.wire.Conn)
}

// serveSMTP answers at l until Close.
func (s *Sandbox) serveSMTP(l net.Listener) {
	s.wg.Go(func() {
		if err := s.exchange.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Error("sandbox SMTP ended", "error", err)
		}
	})
}

// serveHTTPS answers at l until Close. A server's error after Start has nobody
// to go to but the log.
func (s *Sandbox) serveHTTPS(l net.Listener) {
	s.wg.Go(func() {
		if err := s.server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("sandbox HTTPS ended", "error", err)
		}
	})
}

// listen takes the ports. Where the scenario has the network refuse one, that
// is held instead; the sign-in has a port of its own then, besides the one of
// the portal, and base begins the addresses of both.
func (s *Sandbox) listen(o Options) (web net.Listener, err error) {
	if web, err = listenLoopback(o.HTTPAddr); err != nil {
		return nil, fmt.Errorf("sandbox HTTPS: %w", err)
	}
	s.base = fmt.Sprintf("https://localhost:%d", portOf(web.Addr().String()))
	s.entra.base = s.base
	if s.scenario.network.refuseSignIn {
		if s.webGate.held, err = holdPort(""); err != nil {
			web.Close()
			return nil, fmt.Errorf("sandbox HTTPS: %w", err)
		}
		s.webGate.serve = s.serveHTTPS
		s.entra.base = fmt.Sprintf("https://localhost:%d", portOf(s.webGate.held.address))
	}
	if s.scenario.network.refuseSMTP {
		if s.smtpGate.held, err = holdPort(o.SMTPAddr); err == nil {
			s.smtpGate.serve = s.serveSMTP
			s.smtpAddress = s.smtpGate.held.address
			return web, nil
		}
	} else if s.smtpListener, err = listenLoopback(o.SMTPAddr); err == nil {
		s.smtpAddress = s.smtpListener.Addr().String()
		return web, nil
	}
	web.Close()
	s.webGate.shut()
	return nil, fmt.Errorf("sandbox SMTP: %w", err)
}
