package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/emersion/go-smtp"
)

// listen accepts connections until the listener is closed.
func (s *Server) listen(address string, l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if short := err == nil && scarce(c); short || err != nil {
			s.tellOfWaiting(address, err)
			for wait := true; wait; wait = short && !freed() {
				if sleep(s.quit, 100*time.Millisecond) != nil {
					break
				}
			}
		}
		if err == nil {
			s.wg.Go(func() { s.serve(address, c) })
		}
	}
}

// tellOfWaiting logs why connections wait to be accepted: err, or none when there
// are too few file descriptors.
func (s *Server) tellOfWaiting(address string, err error) {
	if err == nil {
		err = errors.New("too many open files: the last file descriptors are kept for the queue and for deliveries")
	}
	s.complaints.say(1, "clients wait until others have left", address, netip.Addr{}, "listener", address, "err", err,
		"fix", "raise the limit of open files (ulimit -n; LimitNOFILE= of a systemd unit), or lower max_connections")
}

// serve sees a connection to its end.
func (s *Server) serve(address string, nc net.Conn) {
	defer nc.Close()
	st := s.state.Load()
	l := st.listener(address)
	remote, err := netip.ParseAddrPort(nc.RemoteAddr().String())
	if l == nil || err != nil {
		return
	}
	addr := remote.Addr().Unmap().WithZone("")
	m := newMeter(nc, st.Timeout, st.MaxSize)
	ctx, leave := context.WithCancel(s.ctx)
	defer leave()
	if refused := s.admit(st, l, m, addr, leave); refused != nil {
		s.complaints.say(1, "connection refused", l.Name+refused.Text, addr, "listener", l.Name, "reply", refused.Error())
		_, _ = m.Write([]byte(refused.Error() + "\r\n")) // closed either way
		return
	}
	defer s.dismiss(m)

	part := &part{Server: s, st: st, l: l, m: m, remote: addr, here: ctx}
	if l.TLS == ImplicitTLS {
		part.runTLS(false)
		return
	}
	if part.run(m, false, false) {
		if _, err := m.Write([]byte("220 2.0.0 ready for TLS\r\n")); err == nil {
			part.runTLS(true)
		}
	}
}

func (s *Server) dismiss(m *meter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, m)
}

// A part is one or the other side of STARTTLS, or all of a connection.
type part struct {
	*Server
	st     *state
	l      *Listener
	m      *meter
	remote netip.Addr
	here   context.Context // ends when the connection has to make room
}

func (p *part) runTLS(greeted bool) {
	p.setWire(nil)
	c := tls.Server(p.m, p.st.tls[p.l.Address])
	if err := c.HandshakeContext(p.here); err != nil {
		p.complaints.say(5, "TLS failed", p.l.Name, p.remote, "listener", p.l.Name, "err", err)
		return
	}
	p.run(c, true, greeted)
}

// run speaks SMTP over c until the client or the relay ends it, and reports
// whether STARTTLS was the end. go-smtp's server is made for one connection
// here: its settings are those of the moment, and it leaves the listeners and
// the order of closing to us.
func (p *part) run(c net.Conn, secure, greeted bool) (upgrade bool) {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	w := newWire(c, func() bool { return p.quit.Err() != nil })
	w.maxSize, w.muted, w.crowded = p.st.MaxSize, greeted, func() bool { return p.here.Err() != nil }
	w.most = 2*p.st.MaxRecipients + 1000
	w.offerTLS = p.l.TLS == STARTTLS && !secure
	p.setWire(w)

	sess := &session{srv: p.Server, ctx: ctx, here: p.here, wire: w, meter: p.m, listener: p.l.Address, remote: p.remote, secure: secure, held: holding{all: &p.in.held}}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		sess.helo = c.Hostname
		return sess, nil
	}))
	srv.Domain = p.st.Hostname
	srv.ErrorLog = slog.NewLogLogger(p.in.log.Handler(), slog.LevelWarn)
	srv.MaxLineLength = 0 // the wire bounds commands
	srv.MaxRecipients = p.st.MaxRecipients
	srv.EnableSMTPUTF8, srv.EnableDSN = true, true
	srv.AllowInsecureAuth = secure || p.remote.IsLoopback()
	if w.offerTLS {
		srv.TLSConfig = p.st.tls[p.l.Address] // so that STARTTLS is offered
	}
	_ = srv.Serve(&one{wire: w})           // returns when the wire is closed
	_ = srv.Shutdown(context.Background()) // waits for the session
	w.giveBack()
	sess.Reset()
	cancel()
	sess.running.Lock() // and for a BDAT that the client left behind
	defer sess.running.Unlock()
	return w.upgrade
}

// setWire tells Shutdown which wire the connection is on.
func (p *part) setWire(w *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[p.m].wire = w
}

// one is a listener with one connection to give. It ends with it.
type one struct {
	wire  *wire
	given bool
}

func (o *one) Accept() (net.Conn, error) {
	if o.given {
		<-o.wire.closed
		return nil, net.ErrClosed
	}
	o.given = true
	return o.wire, nil
}

func (o *one) Close() error   { return nil }
func (o *one) Addr() net.Addr { return nil }
