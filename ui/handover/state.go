package handover

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/internal/setup"
)

// What is what is handed over.
type What struct {
	Account string
	Guide   string // the ID of the guide that was followed, "" for none
	Client  string // the client that was made for it before, "" for none
}

// A State is everything that is shown. It is never changed, only replaced.
type State struct {
	What
	Account account.Account
	Known   bool
	Unread  error // why the account, the listeners or the clients are not known

	// Tool is the client's name as typed; Open leaves the password out, for what
	// comes from Networks.
	Tool     string
	Open     bool
	Networks string
	// Senders are the addresses that it may send as, as typed; none is any.
	Senders string
	Clients []mailer.Client
	// Password is that of the client Made, which was told just now; "" is that it
	// was made without one.
	Made     string
	Password mailer.Secret
	Saving   bool
	// Err is why the client was not saved, or is not in force.
	Err error

	Listeners []mailer.ListenerStatus
	// Elsewhere says that the tool is on another machine.
	Elsewhere bool
	Snippet   string // the ID of the one that is shown

	Start   Start
	Service Service
}

// Start is whether traymail starts with the system.
type Start struct {
	Offered, Known, On, Busy bool
	Err                      error
}

// Service is traymail as a service of the system.
type Service struct {
	// Outside says that the program runs outside this window.
	Outside bool
	State   string // "running", "stopped", "failed", "not installed"; "" is not known
	Err     error
}

// Client returns the client whose name was typed, if there is one.
func (s State) Client() (mailer.Client, bool) {
	i := slices.IndexFunc(s.Clients, func(c mailer.Client) bool { return c.Name == s.tool() })
	if i < 0 {
		return mailer.Client{}, false
	}
	return s.Clients[i], true
}

func (s State) tool() string { return strings.TrimSpace(s.Tool) }

// withoutPassword reports whether the tool is known by its address alone.
func (s State) withoutPassword() bool {
	if s.Made != "" && s.Made == s.tool() {
		return s.Password == ""
	}
	if c, exists := s.Client(); exists {
		return !c.HasPassword
	}
	return s.Open
}

// CanCreate reports whether a client can be made.
func (s State) CanCreate() bool {
	_, is := s.Client()
	return s.Known && !s.Saving && !is && s.tool() != "" && (!s.Open || strings.TrimSpace(s.Networks) != "")
}

// Listener returns the one that the tool reaches: beyond this machine for a tool
// elsewhere, and one of this machine first for the others.
func (s State) Listener() (l mailer.ListenerStatus, ok bool) {
	for _, each := range s.Listeners {
		switch local := loopback(each.Address); {
		case local != s.Elsewhere:
			return each, true
		case !local && !ok:
			l, ok = each, true // this machine reaches it too
		}
	}
	return l, ok
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// relay is what the tool is told.
func (s State) relay(o Options, home string) setup.Relay {
	var r setup.Relay
	l, reached := s.Listener()
	if reached {
		r = setup.RelayAt(l.Address, l.TLS, o.Machine)
	}
	if reached && !s.Elsewhere && !loopback(l.Address) && r.Host == o.Machine {
		r.Host = "127.0.0.1" // it listens there too
	}
	r.Client, r.Sender, r.TestTo = s.tool(), s.Account.Sender, s.Account.TestTo
	if r.TestTo == "" {
		r.TestTo = r.Sender
	}
	switch {
	case s.withoutPassword():
		r.Client = ""
	case s.Made == r.Client:
		r.Password = s.Password.Reveal()
	}
	r.Program, r.Home = o.Program, home
	return r
}

// parseSenders reads addresses and domains, separated by commas or blanks.
func parseSenders(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\n", r) })
}

// parseNetworks reads addresses and networks, separated by commas or blanks.
func parseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		n, err := netip.ParsePrefix(word)
		if ip, notAddress := netip.ParseAddr(word); err != nil && notAddress == nil {
			n, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, &account.FieldError{Key: "networks", Text: fmt.Sprintf("%q is neither an address nor a network", word), Fix: "write an address such as 192.0.2.7, or a network such as 192.0.2.0/24"}
		}
		all = append(all, n.Masked())
	}
	return all, nil
}
