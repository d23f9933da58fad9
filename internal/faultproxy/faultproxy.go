// Package faultproxy gives tests a proxy between a client and a submission
// server that breaks what goes through it, as bad networks, broken servers and
// machines on the way do. It ends TLS on both sides, so that it can break the
// dialog as well as the connection. Only tests import it.
package faultproxy

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"testing"
)

// A Fault is what goes wrong. It is called for each command of the client, and
// for the greeting; what it does not do does not happen, so that one that
// returns at once leaves the client without an answer to that command. It is
// called concurrently by several connections.
type Fault func(x *Exchange)

// A Proxy passes everything on while it is not broken. It is safe for
// concurrent use.
type Proxy struct {
	Port int // on 127.0.0.1

	upstream string
	roots    *x509.CertPool
	listener net.Listener
	links    sync.WaitGroup

	mu          sync.Mutex
	certificate tls.Certificate
	fault       Fault
	mended      chan struct{} // closed when the fault in force ends
	open        map[net.Conn]struct{}
	accepted    int
	closed      bool
}

// Start starts a proxy before upstream, "host:port", which begins with STARTTLS
// and proves itself by roots. The client is shown certificate. The proxy ends
// with the test.
func Start(t testing.TB, upstream string, roots *x509.CertPool, certificate tls.Certificate) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Port: l.Addr().(*net.TCPAddr).Port, upstream: upstream, roots: roots, listener: l,
		certificate: certificate, mended: make(chan struct{}), open: map[net.Conn]struct{}{}}
	p.links.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Break has a fault happen from now on, also on connections that are open, and
// ends the former one.
func (p *Proxy) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.mended)
	p.fault, p.mended = f, make(chan struct{})
}

// Mend ends the fault: new connections work. Those that were kept mute end.
func (p *Proxy) Mend() { p.Break(nil) }

// Present has new connections shown another certificate.
func (p *Proxy) Present(c tls.Certificate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.certificate = c
}

// Cut breaks all connections off.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.Close()
	}
}

// Connections returns how many the client has opened so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.hold(c) {
			return
		}
		p.mu.Lock()
		p.accepted++
		n := p.accepted
		p.mu.Unlock()
		p.links.Go(func() {
			defer p.drop(c)
			newLink(p, c, n).serve()
		})
	}
}

// hold has close end a connection. It reports whether the proxy still runs.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// state is the fault in force, nil for none, and what tells of its end.
func (p *Proxy) state() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.mended
}

func (p *Proxy) tlsConfig() *tls.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &tls.Config{Certificates: []tls.Certificate{p.certificate}}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.Mend()
	p.Cut()
	p.links.Wait()
}
