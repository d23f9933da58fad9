package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Server is a running relay: its listeners and its folders. All methods may
// be called concurrently.
type Server struct {
	in         *intake
	logins     *logins
	complaints *complaints
	state      atomic.Pointer[state]

	// ctx ends when messages in flight have to be given up, quit when nothing
	// new may start.
	ctx, quit    context.Context
	cancel, stop context.CancelFunc
	wg           sync.WaitGroup

	mu      sync.Mutex // guards what follows, and orders Reload and Shutdown
	sockets map[string]net.Listener
	folders map[string]*watch
	conns   map[*meter]*connection
}

// A state is a valid configuration with what was made from it.
type state struct {
	*Config
	tls map[string]*tls.Config // by the listener's address
}

// Start opens the listeners and folders of a configuration, all or none. The
// caller ends the relay with Shutdown.
func Start(c Config, accept Accept, log *slog.Logger) (*Server, error) {
	return start(c, accept, log, time.Now, sleep)
}

func start(c Config, accept Accept, log *slog.Logger, now func() time.Time, sleep func(context.Context, time.Duration) error) (*Server, error) {
	s := &Server{
		in:     &intake{accept: accept, log: log, now: now, paces: newPaces(), seen: newSeen()},
		logins: newLogins(now, sleep), complaints: newComplaints(log),
		sockets: map[string]net.Listener{}, folders: map[string]*watch{}, conns: map[*meter]*connection{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.quit, s.stop = context.WithCancel(s.ctx)
	if err := s.Reload(c); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reload puts another configuration into force, or none of it if there is an
// error. No connection is dropped: sessions on a listener that is gone go on to
// their end, and each new transaction follows the new rules for clients and
// accounts.
func (s *Server) Reload(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	hostname, err := os.Hostname()
	if err != nil || !ValidHostname(hostname) {
		hostname = "localhost"
	}
	next := &state{Config: c.withDefaults(hostname)}
	if next.tls, err = next.tlsConfigs(s.in.now, s.in.log); err != nil {
		return err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quit.Err() != nil {
		return errors.New("the relay is closing")
	}
	opened, err := s.open(next.Listeners)
	if err != nil {
		return err
	}
	s.state.Store(next)
	s.logins.clear()
	for address, l := range s.sockets {
		if next.listener(address) == nil {
			_ = l.Close() // its loop ends with it
			delete(s.sockets, address)
		}
	}
	for address, l := range opened {
		s.sockets[address] = l
		s.wg.Go(func() { s.listen(address, l) })
	}
	s.reloadFolders(next.Folders)
	return nil
}

// open opens the listeners that are not open yet.
func (s *Server) open(listeners []Listener) (map[string]net.Listener, error) {
	opened := map[string]net.Listener{}
	for _, l := range listeners {
		if s.sockets[l.Address] != nil {
			continue
		}
		socket, err := net.Listen("tcp", l.Address)
		if err != nil {
			for _, o := range opened {
				_ = o.Close()
			}
			return nil, fmt.Errorf("listener %q: %w; is another program on this port?", l.Name, err)
		}
		opened[l.Address] = socket
	}
	return opened, nil
}

// Addr returns where a listener listens, which tells the port if its
// configuration left it open, or nil if there is none of this name.
func (s *Server) Addr(listener string) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.state.Load().Listeners {
		if l.Name == listener && s.sockets[l.Address] != nil {
			return s.sockets[l.Address].Addr()
		}
	}
	return nil
}

// Submit takes a message from a command of this machine's user, with the same
// checks and rewriting as one over SMTP. The envelope is m's with its DSN
// parameters, its addresses without quotes around their local parts. An error
// is a *Refusal.
func (s *Server) Submit(ctx context.Context, client Client, m Message, r io.Reader) (string, error) {
	return s.submit(ctx, client, m, origin{}, r)
}

func (s *Server) submit(ctx context.Context, client Client, m Message, o origin, r io.Reader) (string, error) {
	account, err := s.checkEnvelope(&client, &m)
	if err != nil {
		s.in.seen.refused(client.Name, s.in.now())
		return "", err
	}
	m.SMTPUTF8 = m.SMTPUTF8 || m.needsUTF8()
	m.From, m.Recipients = quoteLocal(m.From), slices.Clone(m.Recipients)
	for i := range m.Recipients {
		m.Recipients[i].Address = quoteLocal(m.Recipients[i].Address)
	}
	return s.in.take(ctx, s.state.Load().Config, &client, account, m, o, r)
}

// checkEnvelope checks what go-smtp checks of an envelope over SMTP, and
// returns the account.
func (s *Server) checkEnvelope(client *Client, m *Message) (*Account, error) {
	c := s.state.Load().Config
	if len(m.Recipients) == 0 || len(m.Recipients) > c.MaxRecipients {
		return nil, refuse(554, [3]int{5, 5, 3}, "the message has %d recipients; it needs one, and may have %d", len(m.Recipients), c.MaxRecipients)
	}
	for _, to := range m.Recipients {
		if err := checkAddress(to.Address, true); err != nil {
			return nil, refuse(553, [3]int{5, 1, 3}, "recipient %q: %v", to.Address, err)
		}
	}
	if m.From != "" {
		if err := checkAddress(m.From, true); err != nil {
			return nil, refuse(553, [3]int{5, 1, 7}, "sender %q: %v", m.From, err)
		}
	}
	if err := m.checkDSN(); err != nil {
		return nil, refuse(501, [3]int{5, 5, 4}, "%v", err)
	}
	return s.in.sender(c, client, m.From, m.Size)
}

// Shutdown stops accepting, lets the messages in flight finish, tells idle
// clients that the relay is closing, and waits for all of it. When ctx ends
// first, what is left is cut off, and ctx's error is returned: those clients
// were not told that their message was taken.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stop()
	for address, l := range s.sockets {
		_ = l.Close()
		delete(s.sockets, address)
	}
	for m, c := range s.conns {
		if c.wire == nil || !c.wire.busy.Load() {
			m.wake()
		}
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		defer close(done)
		s.wg.Wait()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		s.cancel()
		s.mu.Lock()
		for m := range s.conns {
			_ = m.Conn.Close()
		}
		s.mu.Unlock()
		<-done
	}
	s.cancel()
	s.complaints.close()
	return err
}
