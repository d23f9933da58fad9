package sandbox

import (
	"errors"
	"net"
)

// startSMTPS listens on address for clients that begin with TLS, and serves
// them until Close. "" is a port that the system chooses at Google, and no
// listener, nil, at every other provider: Exchange Online has no port 465.
func (s *Sandbox) startSMTPS(address string) (net.Listener, error) {
	if address == "" && s.tenant.Provider != GoogleGmail {
		return nil, nil
	}
	l, err := listenLoopback(address)
	if err != nil {
		return nil, err
	}
	s.wg.Go(func() {
		if err := s.exchange.ServeTLS(l); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Error("sandbox SMTP over TLS ended", "error", err)
		}
	})
	return l, nil
}
