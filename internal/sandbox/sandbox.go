package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what Start may be told; the zero value is the default tenant on
// ports that the system chooses.
type Options struct {
	// Scenario is the name of one of Scenarios; "" is the default.
	Scenario string
	// HTTPAddr and SMTPAddr are loopback addresses to listen on, "127.0.0.1:0"
	// when empty.
	HTTPAddr, SMTPAddr string
	// SMTPSAddr is for clients that begin with TLS, as on port 465; empty is no
	// such listener, but at Google.
	SMTPSAddr string
	// Pages has the pages without TLS too, at Ready's PagesURL, for a person's own
	// browser: that does not know the sandbox's CA.
	Pages bool
	// Tarpit holds each 5xx reply of SMTP back for 5 seconds.
	Tarpit bool
	// RTT puts the SMTP server at a distance; zero is none.
	RTT time.Duration
	// Sessions is how many of one mailbox may submit at a time; zero is Exchange's 3.
	Sessions int
	// Propagation is how long Exchange goes on as before after a change of the
	// tenant's; zero is not at all, or 20 seconds in the scenarios about that.
	Propagation time.Duration
	// Now is the tenant's clock; nil is time.Now. Certificates follow the
	// machine's clock always.
	Now func() time.Time
	// Log gets one record a request, without its query; nil logs nothing.
	Log *slog.Logger
}

// A Sandbox is a running tenant. Its methods are safe for concurrent use.
type Sandbox struct {
	tenant      *Tenant
	scenario    Scenario
	authority   *authority
	inspector   *authority // of a proxy between here and the SMTP server; may be nil
	entra       *entra
	exchange    *exchange
	server      *http.Server
	graphFaults *GraphFaults
	log         *slog.Logger

	base                        string       // of everything but the sign-in, "https://localhost:1234"
	skew                        atomic.Int64 // how far the sandbox's clock is ahead, as a time.Duration
	webGate, smtpGate           gate
	pages                       string // of the pages without TLS, "http://localhost:1234"; "" is that there are none
	smtpAddress                 string
	smtpListener, smtpsListener net.Listener   // the first is nil while the network refuses its port
	pagesListener               net.Listener   // nil for none
	wg                          sync.WaitGroup // both servers, and HTTP's connections
}

// Start runs a tenant. When it returns, everything listens; Close ends it.
func Start(o Options) (*Sandbox, error) {
	scenario, err := findScenario(o.Scenario)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sandbox{scenario: scenario, log: o.Log}
	s.skew.Store(int64(scenario.clock))
	now := func() time.Time { return o.Now().Add(time.Duration(s.skew.Load())) }
	s.tenant = newTenant(scenario.provider, now())
	s.tenant.now = now
	s.prepareTenant(o.Propagation)
	keys, err := newKeyring()
	if err != nil {
		return nil, fmt.Errorf("sandbox signing key: %w", err)
	}
	seals, err := newSealer()
	if err != nil {
		return nil, fmt.Errorf("sandbox signing key: %w", err)
	}
	s.entra = &entra{tenant: s.tenant, keys: keys, seals: seals, faults: scenario.faults, now: now}
	webCertificate, err := s.newExchange(o, now)
	if err != nil {
		return nil, fmt.Errorf("sandbox certificates: %w", err)
	}
	web, err := s.listen(o)
	if err != nil {
		return nil, err
	}
	fail := func(what string, err error) (*Sandbox, error) {
		web.Close()
		s.webGate.shut()
		s.smtpGate.shut()
		for _, l := range []net.Listener{s.smtpListener, s.pagesListener} {
			if l != nil {
				l.Close()
			}
		}
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if o.Pages {
		if err := s.listenPages(); err != nil {
			return fail("sandbox pages", err)
		}
	}
	if s.smtpsListener, err = s.startSMTPS(o.SMTPSAddr); err != nil {
		return fail("sandbox SMTP over TLS", err)
	}
	s.server = s.newServer(webCertificate, now)
	s.serveHTTPS(web)
	if s.pagesListener != nil {
		s.servePages()
	}
	if s.smtpListener != nil {
		s.serveSMTP(s.smtpListener)
	}
	return s, nil
}

// prepareTenant breaks what the scenario breaks, and has what an administrator
// did a moment ago take its time.
func (s *Sandbox) prepareTenant(propagation time.Duration) {
	if s.scenario.tenant != nil {
		s.tenant.Change(s.scenario.tenant)
	}
	if s.scenario.granted != nil && propagation == 0 {
		propagation = defaultPropagation
	}
	s.tenant.Change(func(t *Tenant) { t.propagation = propagation })
	if s.scenario.granted != nil {
		s.tenant.Change(s.scenario.granted)
	}
}

// newExchange makes the CA and the SMTP server as the scenario wants them, and
// the certificate for HTTPS.
func (s *Sandbox) newExchange(o Options, now func() time.Time) (web tls.Certificate, err error) {
	if s.authority, err = newAuthority(pkix.Name{CommonName: "traymail sandbox CA"}); err != nil {
		return web, err
	}
	if web, err = s.authority.leaf(sound); err != nil {
		return web, err
	}
	mail, err := s.authority.leaf(s.scenario.certificate)
	if s.scenario.network.inspected {
		if s.inspector, err = newAuthority(inspectorName); err != nil {
			return web, err
		}
		mail, err = s.inspector.leaf(sound)
	}
	if err != nil {
		return web, err
	}
	options := exchangeOptions{Certificate: &mail, Now: now, RTT: o.RTT, RatePerMinute: exchangeRate, MaxConnections: o.Sessions}
	if o.Tarpit {
		options.Tarpit = exchangeTarpit
	}
	if s.scenario.exchange != nil {
		s.scenario.exchange(&options)
	}
	s.exchange = newExchange(s.tenant, s.entra.check, options)
	if s.scenario.exhausted {
		s.exchange.exhaust("svc@contoso.com")
	}
	return web, nil
}

// listenLoopback listens on address and nowhere but on this machine.
func listenLoopback(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("%s is not a loopback address; the sandbox's passwords are public, so it listens on nothing else", address)
	}
	return l, nil
}

// newServer is the HTTPS server with every page and endpoint.
func (s *Sandbox) newServer(certificate tls.Certificate, now func() time.Time) *http.Server {
	mux := http.NewServeMux()
	trusted := s.issuer(now)
	if s.scenario.federated != "" {
		s.tenant.Change(func(t *Tenant) {
			a := t.app(daemonAppID)
			a.Federated = append(a.Federated, trusted.credential(s.scenario.federated))
		})
	}
	for _, part := range []interface{ register(*http.ServeMux) }{
		s.entra,
		adminAPI{s.tenant, s.entra.check, now},
		portal{s, s.tenant, trusted, s.base, now},
		trusted,
		inbox{s.tenant},
	} {
		part.register(mux)
	}
	s.graphFaults = graph{s.tenant, s.entra.check, now}.register(mux)
	if s.scenario.graph != (GraphFault{}) {
		s.graphFaults.Add(s.scenario.graph)
	}
	mux.HandleFunc("GET /elsewhere", outside)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		render(http.StatusOK, "home", page{Title: "Home", Text: s.scenario.What, Ready: s.Ready()}).send(w)
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // HTTP/2 would hide its goroutines from ConnState
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
			w.Header().Set("Server", "traymail-sandbox")
			s.log.Debug("sandbox request", "method", r.Method, "path", r.URL.Path)
			mux.ServeHTTP(w, r)
		}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.wg.Add(1)
			case http.StateClosed, http.StateHijacked:
				s.wg.Done()
			}
		},
	}
}

// issuer is the sandbox's own, of federated credentials.
func (s *Sandbox) issuer(now func() time.Time) tokenIssuer {
	return tokenIssuer{s.tenant.Provider, s.entra.keys, s.base + "/issuer", now}
}

// GraphFaults is what goes wrong with the next requests to Graph's mail.
func (s *Sandbox) GraphFaults() *GraphFaults { return s.graphFaults }

// Tenant is the directory and mailboxes, to look at and to change.
func (s *Sandbox) Tenant() *Tenant { return s.tenant }

// CertPool trusts the sandbox's certificates and, in the scenario of a proxy
// whose CA the organisation has installed, that proxy's.
func (s *Sandbox) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.trusted())
	return pool
}

// trusted is what a client on this network trusts, in PEM: the sandbox's CA
// and, where the organisation has installed it, the inspecting proxy's.
func (s *Sandbox) trusted() []byte {
	pem := s.authority.pem()
	if s.scenario.network.inspectorTrusted {
		pem = append(pem, s.inspector.pem()...)
	}
	return pem
}

// Close stops listening, ends what is open and waits for every goroutine.
func (s *Sandbox) Close() error {
	s.webGate.shut()
	s.smtpGate.shut()
	err := errors.Join(s.server.Close(), s.exchange.Close())
	s.wg.Wait()
	return err
}
