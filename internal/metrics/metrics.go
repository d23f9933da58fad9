// Package metrics serves what a monitoring system asks for, over HTTP on
// loopback: GET /metrics, the program's numbers for Prometheus, and
// GET /healthz, whether all is well.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"traymail/internal/mailer"
)

// limits are what one client may take of the server.
type limits struct {
	header      time.Duration // from the connection to the end of the header
	write       time.Duration // from there to the end of the answer
	idle        time.Duration // between requests
	headerBytes int
	connections int
	status      time.Duration // how long a snapshot may take
}

var defaults = limits{header: 5 * time.Second, write: 30 * time.Second, idle: 30 * time.Second, headerBytes: 8 << 10, connections: 32, status: 10 * time.Second}

// A Server answers until Shutdown. Its methods are safe for concurrent use.
type Server struct {
	listener net.Listener
	http     http.Server
	end      context.CancelFunc
	done     chan struct{} // closed when nothing is accepted any more

	atWork sync.RWMutex // read-locked by each request
	ended  bool
}

// Serve listens on address, "127.0.0.1:9325" say, and answers until Shutdown.
// An address beyond loopback is refused: the numbers have no password. Each
// request asks status once, from several goroutines at a time, and ends its
// context after ten seconds. log takes what goes wrong.
func Serve(address string, status func(ctx context.Context) (mailer.Status, error), log *slog.Logger) (*Server, error) {
	return serve(address, status, log, defaults)
}

func serve(address string, status func(ctx context.Context) (mailer.Status, error), log *slog.Logger, l limits) (*Server, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %s cannot be listened on: %w; choose another address for listen in [metrics]", address, err)
	}
	// "localhost" is what the machine's hosts file says it is.
	if bound, err := netip.ParseAddrPort(listener.Addr().String()); err != nil || !bound.Addr().Unmap().IsLoopback() {
		listener.Close()
		return nil, notLoopback(address)
	}
	ctx, end := context.WithCancel(context.Background())
	snapshot := func(ctx context.Context) (mailer.Status, error) {
		ctx, cancel := context.WithTimeout(ctx, l.status)
		defer cancel()
		return status(ctx)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{status: func() (mailer.Status, error) { return snapshot(ctx) }, now: time.Now},
	)
	errorLog := slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	mux := http.NewServeMux()
	// A scrape that cannot have all of it fails, so that "up" tells.
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: errorLog, ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: 4}))
	mux.Handle("GET /healthz", health(snapshot))
	s := &Server{
		listener: listener,
		end:      end,
		done:     make(chan struct{}),
		http: http.Server{
			ErrorLog:          errorLog,
			ReadHeaderTimeout: l.header,
			ReadTimeout:       l.header,
			WriteTimeout:      l.write,
			IdleTimeout:       l.idle,
			MaxHeaderBytes:    l.headerBytes,
		},
	}
	s.http.Handler = s.waitedFor(guard(mux))
	go func() {
		defer close(s.done)
		if err := s.http.Serve(netutil.LimitListener(listener, l.connections)); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", "address", address, "error", err)
		}
	}()
	return s, nil
}

// CheckAddress returns an error unless Serve may listen on the address: an IP
// address of loopback, or localhost, and a port.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("metrics: %q is no address to listen on: write host and port, such as 127.0.0.1:9325", address)
	}
	if !loopback(host) {
		return notLoopback(address)
	}
	return nil
}

func notLoopback(address string) error {
	return fmt.Errorf("metrics: %s is not on loopback, and the numbers, which name accounts and clients, have no password: listen on 127.0.0.1, and let an agent or a proxy with a password on this machine pass them on", address)
}

// loopback reports whether a host, as an address has it, is this machine, as
// far as can be told without asking anybody.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// guard refuses what no monitoring system sends: a Host that is not this
// machine, with which a web page would read the answer once its own name
// resolves to loopback (DNS rebinding), and a body. A Host that is missing, as
// HTTP/1.0 allows, comes from no browser.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case r.Host != "" && !loopback(hostOf(r.Host)):
			w.Header().Set("Connection", "close")
			http.Error(w, "this address is answered on loopback only", http.StatusMisdirectedRequest)
		case r.ContentLength != 0:
			w.Header().Set("Connection", "close")
			http.Error(w, "no body is expected", http.StatusRequestEntityTooLarge)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostOf is a Host header without its port and brackets.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
}

// Addr is the address listened on, with its port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Shutdown stops listening and waits for the requests at work. When ctx ends
// first it ends their connections and the contexts of their calls of status,
// waits for these to return, and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	s.end()
	if err != nil {
		s.http.Close()
	}
	<-s.done
	s.atWork.Lock()
	defer s.atWork.Unlock()
	s.ended = true
	return err
}

// waitedFor lets Shutdown wait for the requests, which net/http does not once
// it has closed their connections.
func (s *Server) waitedFor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.atWork.RLock()
		defer s.atWork.RUnlock()
		if !s.ended {
			next.ServeHTTP(w, r)
		}
	})
}
